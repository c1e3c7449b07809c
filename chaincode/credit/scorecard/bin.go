package scorecard

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Value is the raw value of one feature. The zero Value is the number 0.
type Value struct {
	Missing bool   `json:"missing,omitempty"`
	Number  int64  `json:"number,omitempty"` // in units of 10^-Scale; for a categorical feature an integer code
	Text    string `json:"text,omitempty"`   // a level of a categorical feature
}

// Missing, Number and Text make values.
func Missing() Value           { return Value{Missing: true} }
func Number(n int64) Value     { return Value{Number: n} }
func Text(level string) Value  { return Value{Text: level} }
func (v Value) String() string { return string(v.append(nil)) }

func (v Value) append(b []byte) []byte {
	switch {
	case v.Missing:
		return append(b, "missing"...)
	case v.Text != "":
		return append(b, v.Text...)
	default:
		return strconv.AppendInt(b, v.Number, 10)
	}
}

// Vector is one bin index a feature, in the order of Scorecard.Features. It is all that the points depend on, and what
// a bank submits, sealed.
type Vector []uint16

// Bin turns raw values, in the order of Features, into bin indexes. INPUT_INVALID where the number of values is wrong
// or a numeric feature was given a text.
func (c *Scorecard) Bin(values []Value) (Vector, error) {
	return c.BinInto(make(Vector, 0, len(c.Features)), values)
}

// BinInto is Bin into a buffer of the caller's.
func (c *Scorecard) BinInto(dst Vector, values []Value) (Vector, error) {
	if len(values) != len(c.Features) {
		return nil, fault.New(fault.InputInvalid, "the model %s has %d features, %d values were given",
			c.Name, len(c.Features), len(values))
	}
	dst = dst[:0]
	var bad fault.Fields
	for i := range c.Features {
		b, ok := c.Features[i].BinOf(values[i])
		if !ok {
			bad.Add(c.Features[i].Name, values[i], "must be a number")
		}
		dst = append(dst, uint16(b))
	}
	return dst, bad.Err()
}

// BinOf returns the bin of one raw value; ok is false where a numeric feature was given a text.
func (f *Feature) BinOf(v Value) (bin int, ok bool) {
	if v.Missing {
		return 0, true
	}
	if v.Text == "" {
		for i := range f.Special {
			if f.Special[i].Code == v.Number {
				return 1 + i, true
			}
		}
	}
	if f.Kind == Categorical {
		return f.levelBin(v), true
	}
	if v.Text != "" {
		return 0, false
	}
	above := sort.Search(len(f.Edges), func(i int) bool { return f.Edges[i] > v.Number })
	return f.firstRegular() + above, true
}

func (f *Feature) levelBin(v Value) int {
	var buf [20]byte
	number := buf[:0]
	if v.Text == "" {
		number = strconv.AppendInt(number, v.Number, 10)
	}
	for g, group := range f.Levels {
		for _, level := range group {
			if v.Text != "" && level == v.Text || v.Text == "" && level == string(number) {
				return f.firstRegular() + 1 + g
			}
		}
	}
	return f.firstRegular()
}

// BinLabel describes a bin in words: "missing", the meaning of a special code, an interval in the feature's unit, or
// the levels of a group.
func (f *Feature) BinLabel(bin int) string {
	switch r := bin - f.firstRegular(); {
	case bin == 0:
		return "missing"
	case r < 0:
		s := f.Special[bin-1]
		if s.Meaning != "" {
			return s.Meaning
		}
		return decimal(s.Code, f.Scale)
	case f.Kind == Categorical && r == 0:
		return "other"
	case f.Kind == Categorical:
		label := ""
		for i, level := range f.Levels[r-1] {
			if i == 4 {
				return label + fmt.Sprintf(", … (%d)", len(f.Levels[r-1]))
			}
			if i > 0 {
				label += ", "
			}
			label += level
		}
		return label
	default:
		return f.BinRange(bin).String()
	}
}

// Range is an interval in a feature's unit, as decimal numbers: from AtLeast on, below Below. An empty bound is none.
type Range struct {
	AtLeast string `json:"at_least,omitempty"`
	Below   string `json:"below,omitempty"`
}

// BinRange returns the interval of a bin; one of missing values, a special code or levels has no bounds.
func (f *Feature) BinRange(bin int) Range {
	var r Range
	n := bin - f.firstRegular()
	if f.Kind == Categorical || n < 0 {
		return r
	}
	if n > 0 {
		r.AtLeast = decimal(f.Edges[n-1], f.Scale)
	}
	if n < len(f.Edges) {
		r.Below = decimal(f.Edges[n], f.Scale)
	}
	return r
}

// String writes the interval: "< 3", "3 to < 5", "≥ 5", or "any".
func (r Range) String() string {
	switch {
	case r.AtLeast == "" && r.Below == "":
		return "any"
	case r.AtLeast == "":
		return "< " + r.Below
	case r.Below == "":
		return "≥ " + r.AtLeast
	default:
		return r.AtLeast + " to < " + r.Below
	}
}

// decimal writes a scaled integer as a decimal number.
func decimal(n int64, scale int) string {
	sign := ""
	u := uint64(n)
	if n < 0 {
		sign, u = "-", -u
	}
	s := strconv.FormatUint(u, 10)
	if scale <= 0 {
		if n == 0 {
			return s
		}
		return sign + s + strings.Repeat("0", -scale)
	}
	for len(s) <= scale {
		s = "0" + s
	}
	return sign + s[:len(s)-scale] + "." + s[len(s)-scale:]
}
