package scoring

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

func TestParseDecimal(t *testing.T) {
	for text, want := range map[string]decimal{
		"0": {}, "-0.000": {}, "1169.0": {1169, 0}, "1200": {12, -2}, "-0.006202": {-6202, 6}, "1.5e-05": {15, 6}, "2E3": {2, -3},
		"$1,018.94": {101894, 2}, "-$5": {-5, 0}, "(12.5)": {-125, 1}, "45%": {45, 0}, "+7": {7, 0}, ".5": {5, 1}, "5.": {5, 0},
		"1 234 567.5": {12345675, 1}, "1\u00a0000": {1, -3}, "1'000": {1, -3}, "−3": {-3, 0}, "inf": infinite, "-Infinity": {-1, -400},
		"0.33333333333333333333": {3333333333333333*10 + 3, 17},
	} {
		d, ok := parseDecimal(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, d, text)
	}
	for _, text := range []string{"", "-", "abc", "1.2.3", "1,23", "12,34,567", "1e", "1e999", "0x10", "Infinite", "1 2", "1.000,5", "2024 01 02", "--1", "$", "%"} {
		_, ok := parseDecimal(text)
		assert.False(t, ok, text)
	}
}

func TestDecimalAt(t *testing.T) {
	for _, tc := range []struct {
		text  string
		scale int
		want  int64
	}{
		{"1.5", 0, 2}, {"-1.5", 0, -2}, {"1.4999", 0, 1}, {"-1.4999", 0, -1}, {"2.5", 0, 3}, {"1169", 2, 116900}, {"1e30", 2, scorecard.MaxInteger},
		{"-1e30", 0, -scorecard.MaxInteger}, {"1e-30", 9, 0}, {"0.005", 2, 1}, {"0.0049", 2, 0}, {"0.6", 0, 1}, {"-0.6", 0, -1},
	} {
		d, ok := parseDecimal(tc.text)
		assert.True(t, ok)
		assert.Equal(t, tc.want, d.at(tc.scale), "%s at %d", tc.text, tc.scale)
	}
}

func TestScaleKeepsValuesApart(t *testing.T) {
	read := func(texts ...string) (list []decimal) {
		for _, s := range texts {
			d, _ := parseDecimal(s)
			list = append(list, d)
		}
		return list
	}
	assert.Equal(t, 0, scaleFor(read("1.0", "20")))
	assert.Equal(t, 6, scaleFor(read("0.088238", "15182.0")))
	assert.Equal(t, 9, scaleFor(read("0.3333333333333333")))
	assert.Equal(t, 3, scaleFor(read("0.0001", "123456789012")), "the largest must fit into 2^53")
	assert.Equal(t, 17, scaleFor(read("1.2345e-13", "3e-14")), "small numbers have more places")
	assert.Equal(t, -6, scaleFor(read("123456789012345678901", "4")), "large numbers have fewer than none")
	assert.Equal(t, 0, scaleFor(read("inf", "3", "-inf")))
	many := []string{"123456789012345678901"}
	for i := range 99 {
		many = append(many, "0.0"+strconv.Itoa(100+i))
	}
	assert.Equal(t, 4, scaleFor(read(many...)), "one of a hundred is held at the largest integer, so that the others stay apart")
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"1.5", "-2e-3", "$1,000.00", "(3)", "1e17", "99999999999999999999.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := parseDecimal(s)
		if !ok {
			return
		}
		for _, scale := range []int{0, 4, 9} {
			v := d.at(scale)
			assert.LessOrEqual(t, v, int64(scorecard.MaxInteger))
			assert.GreaterOrEqual(t, v, -int64(scorecard.MaxInteger))
		}
		if x, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(x) < 1e6 {
			assert.InDelta(t, x, float64(d.at(4))/1e4, 0.00006, s)
		}
	})
}
