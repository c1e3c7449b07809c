package fault

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestErrorLeavesOutValues(t *testing.T) {
	var f Fields
	f.Add("amount.minor", 4825000, "must be positive")
	f.Add("currency", "EURO", "must be an ISO 4217 code")
	err := f.Err()
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "4825000")
	assert.NotContains(t, err.Error(), "EURO")
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Contains(t, e.Text(), `amount.minor="4825000": must be positive`)
	assert.Contains(t, e.Text(), `currency="EURO"`)
}

func TestParseFindsWhatTheChaincodeSent(t *testing.T) {
	sent := &Error{Code: InputInvalid, Fields: []Field{{Path: "due", Value: "x", Reason: "must be a date"}, {Path: "id", Reason: "is missing"}}}
	got := Parse("rpc error: code = ABORTED desc = failed to endorse: ORG_MSP chaincode response 500, " + sent.Error())
	require.NotNil(t, got)
	assert.Equal(t, InputInvalid, got.Code)
	assert.Equal(t, []Field{{Path: "due", Reason: "must be a date"}, {Path: "id", Reason: "is missing"}}, got.Fields)

	got = Parse("chaincode response 500, " + New(RecordNotFound, "no receivable %s", "r-1").Error())
	require.NotNil(t, got)
	assert.Equal(t, "no receivable r-1", got.Detail)
	for _, sentence := range []string{"receivable r-1: the record is paid; confirm is not possible (possible: nothing is)", "it is over; ask again"} {
		got = Parse("chaincode response 500, " + New(TransitionDenied, "%s", sentence).Error())
		require.NotNil(t, got)
		assert.Equal(t, sentence, got.Detail, "a sentence is no field")
		assert.Empty(t, got.Fields)
	}
	sent = &Error{Code: InputInvalid, Detail: "too much", Fields: []Field{{Path: "lines[2].amount_minor", Reason: "is 1; at most: 0"}}}
	got = Parse(sent.Error())
	require.NotNil(t, got)
	assert.Equal(t, []Field{{Path: "lines[2].amount_minor", Reason: "is 1; at most: 0"}}, got.Fields)
	assert.Nil(t, Parse("MVCC_READ_CONFLICT"))
	assert.Nil(t, Parse(""))
}

func TestCodeOfSeesThroughWrapping(t *testing.T) {
	err := fmt.Errorf("reading a.xml: %w", New(DocumentMalformed, "line 3"))
	assert.Equal(t, DocumentMalformed, CodeOf(err))
	assert.True(t, errors.Is(err, New(DocumentMalformed, "")))
	assert.Equal(t, Code(""), CodeOf(errors.New("x")))
}

func TestEveryCodeHasKindAndMeaning(t *testing.T) {
	for _, c := range Codes() {
		row, ok := Describe(c)
		require.True(t, ok)
		assert.Contains(t, []Kind{Invalid, Forbidden, NotFound, Refused, Unavailable, Internal}, row.Kind, c)
		assert.NotEmpty(t, row.Meaning, c)
		assert.Equal(t, []int{0, len(c)}, codePattern.FindStringIndex(string(c)), "Parse would not find %s", c)
	}
}
