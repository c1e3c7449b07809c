package language_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/gateway-client/portal/language"
)

func TestRangeIsWrittenAsPeopleSayIt(t *testing.T) {
	for _, c := range []struct {
		r           scorecard.Range
		label, unit string
		en, zh      string
	}{
		{scorecard.Range{}, "missing", "days", "nothing known", "无记录"},
		{scorecard.Range{Below: "12750"}, "< 12750", "thousand minor units", "less than €127,500.00", "低于 €127,500.00"},
		{scorecard.Range{AtLeast: "477405"}, "≥ 477405", "thousand minor units", "€4,774,050.00 or more", "不低于 €4,774,050.00"},
		{scorecard.Range{AtLeast: "4500"}, "≥ 4500", "basis points", "45.00 % or more", "不低于 45.00 %"},
		{scorecard.Range{AtLeast: "100", Below: "250"}, "100 to < 250", "basis points", "1.00 % to less than 2.50 %", "1.00 % 至不足 2.50 %"},
		{scorecard.Range{Below: "1"}, "< 1", "loans", "none", "无"},
		{scorecard.Range{AtLeast: "2", Below: "3"}, "2 to < 3", "loans", "2 loans", "2 笔贷款"},
		{scorecard.Range{AtLeast: "3", Below: "10"}, "3 to < 10", "loans", "3 to 9 loans", "3 至 9 笔贷款"},
		{scorecard.Range{AtLeast: "1"}, "≥ 1", "0 or 1", "yes", "是"},
		{scorecard.Range{Below: "1"}, "< 1", "0 or 1", "no", "否"},
		{scorecard.Range{AtLeast: "20115", Below: "22430"}, "20115 to < 22430", "seconds", "5 h to less than 6 h", ""},
		{scorecard.Range{AtLeast: "606"}, "≥ 606", "thousandths of the mean", "0.606 times the mean or more", ""},
		{scorecard.Range{AtLeast: "5.0"}, "≥ 5.0", "", "≥ 5.0", "≥ 5.0"},
		{scorecard.Range{}, "C10, C11", "", "C10, C11", "C10, C11"},
		{scorecard.Range{AtLeast: "9223372036854775807"}, "≥ 9223372036854775807", "thousand minor units", "9,223,372,036,854,775,807 thousand minor units or more", ""},
	} {
		plain := func(tag language.Tag) string {
			return strings.ReplaceAll(language.For(tag).Range(c.r, c.label, c.unit, "EUR"), "\u00a0", " ")
		}
		assert.Equal(t, c.en, plain(language.English), c.label)
		if c.zh != "" {
			assert.Equal(t, c.zh, plain(language.Chinese), c.label)
		}
	}
}
