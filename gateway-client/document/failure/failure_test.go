package failure

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
)

func TestErrorsSayWhere(t *testing.T) {
	f := &Failure{Code: fault.DateInvalid, File: "a.xml", Element: "/Invoice/DueDate", Line: 7, Value: "soon", Reason: "is no date"}
	assert.Equal(t, `a.xml:7: /Invoice/DueDate: DATE_INVALID: is no date (found "soon")`, f.Error())
	assert.Equal(t, "line 7: $.a: DATE_INVALID: is no date", (&Failure{Code: fault.DateInvalid, Path: "$.a", Line: 7, Reason: "is no date"}).Error())
	assert.Equal(t, fault.DateInvalid, fault.CodeOf(f))
	var wire *fault.Error
	require.ErrorAs(t, error(List{f}), &wire)
	assert.Equal(t, []fault.Field{{Path: "/Invoice/DueDate", Value: "soon", Reason: "is no date"}}, wire.Fields)
	assert.NoError(t, List(nil).Err())
}

func TestInFileMarksEveryFailure(t *testing.T) {
	one, two := &Failure{Code: fault.DateInvalid, Reason: "1"}, &Failure{Code: fault.InputMissing, Reason: "2"}
	list := InFile(fmt.Errorf("while reading: %w", List{one, two}.Err()), "b.xml")
	require.Len(t, list, 2)
	assert.Equal(t, "b.xml: INPUT_MISSING: 2", list[1].Error())
	assert.Empty(t, one.File, "the original stays")
	assert.Equal(t, "b.xml: DATE_INVALID: 1", InFile(one, "b.xml").Error())
	assert.Equal(t, "b.xml: INPUT_INVALID: disk on fire", InFile(errors.New("disk on fire"), "b.xml").Error())
	assert.Equal(t, fault.AmountOverflow, InFile(fault.New(fault.AmountOverflow, "x"), "b.xml")[0].Code)
	assert.Nil(t, InFile(nil, "b.xml"))
}

func TestShort(t *testing.T) {
	assert.Equal(t, "中文", Short("中文"))
	assert.Equal(t, strings.Repeat("ä", maxValueRunes)+"…", Short(strings.Repeat("ä", maxValueRunes+1)))
	assert.Equal(t, strings.Repeat("ä", maxValueRunes), Short(strings.Repeat("ä", maxValueRunes)))
}
