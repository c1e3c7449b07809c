package scoring

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// decimal is mantissa × 10^-places, with no trailing zero in the mantissa.
type decimal struct {
	mantissa int64
	places   int
}

// nineDecimals are kept of columns of ordinary size; smaller numbers keep more.
const nineDecimals = 9

// infinite is beyond every scale: it is held at the largest integer.
var infinite = decimal{mantissa: 1, places: -400}

// spaces that separate thousands: an apostrophe, a space, and the two that do not break a line.
var spaces = strings.NewReplacer(" ", ",", "'", ",", "\u2019", ",", "\u00a0", ",", "\u202f", ",")

// parseDecimal reads a number as people and programs write it: sign, thousands commas, spaces or apostrophes, a leading currency sign, a
// trailing percent sign (which is dropped), an exponent, accounting parentheses, inf or infinity. Digits beyond the 17th are
// rounded away. ok is false for anything else.
func parseDecimal(s string) (d decimal, ok bool) {
	negative := false
	if strings.HasPrefix(s, "\u2212") {
		s = "-" + s[len("\u2212"):]
	}
	switch strings.ToLower(s) {
	case "inf", "+inf", "infinity", "+infinity", "∞":
		return infinite, true
	case "-inf", "-infinity", "-∞":
		return decimal{-infinite.mantissa, infinite.places}, true
	}
	if len(s) > 2 && s[0] == '(' && s[len(s)-1] == ')' {
		negative, s = true, s[1:len(s)-1]
	}
	for _, sign := range []string{"$", "€", "£", "¥", "-$", "-€"} {
		if rest, found := strings.CutPrefix(s, sign); found {
			s = rest
			if sign[0] == '-' {
				negative = true
			}
			break
		}
	}
	s = strings.TrimSpace(strings.TrimSuffix(s, "%"))
	if strings.IndexByte(s, ',') < 0 && strings.ContainsAny(s, " '\u2019\u00a0\u202f") {
		s = spaces.Replace(s)
	}
	if strings.IndexByte(s, ',') > 0 {
		if !thousands(s) {
			return decimal{}, false
		}
		s = strings.ReplaceAll(s, ",", "")
	}
	if s == "" {
		return decimal{}, false
	}
	switch s[0] {
	case '-':
		negative, s = !negative, s[1:]
	case '+':
		s = s[1:]
	}
	exponent := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > 400 || e < -400 {
			return decimal{}, false
		}
		exponent, s = e, s[:i]
	}
	digits, point, seen := int64(0), false, 0
	places := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '.' && !point:
			point = true
			continue
		case c < '0' || c > '9':
			return decimal{}, false
		}
		seen++
		if digits < 1e16 {
			digits = digits*10 + int64(c-'0')
			if point {
				places++
			}
		} else if !point {
			places-- // an integer digit that does not fit
		}
	}
	if seen == 0 {
		return decimal{}, false
	}
	places -= exponent
	if digits == 0 {
		return decimal{}, true
	}
	for digits%10 == 0 {
		digits /= 10
		places--
	}
	if negative {
		digits = -digits
	}
	return decimal{mantissa: digits, places: places}, true
}

func thousands(s string) bool {
	whole, fraction, _ := strings.Cut(strings.TrimLeft(s, "+-"), ".")
	if strings.Contains(fraction, ",") {
		return false
	}
	groups := strings.Split(whole, ",")
	for i, g := range groups {
		if i > 0 && len(g) != 3 || len(g) == 0 || len(g) > 3 {
			return false
		}
	}
	return true
}

// at returns the number as an integer of the scale, rounded half away from zero and held within the integers that a
// scorecard carries.
func (d decimal) at(scale int) int64 {
	const limit = int64(scorecard.MaxInteger)
	m, shift := d.mantissa, scale-d.places
	for ; shift > 0; shift-- {
		if m > limit/10 || m < -limit/10 {
			if m > 0 {
				return limit
			}
			return -limit
		}
		m *= 10
	}
	if shift < 0 {
		if shift < -18 {
			return 0
		}
		p := int64(1)
		for ; shift < 0; shift++ {
			p *= 10
		}
		q, r := m/p, m%p
		switch {
		case r >= p-r:
			q++
		case -r >= p+r:
			q--
		}
		m = q
	}
	return max(-limit, min(limit, m))
}

// digits before the decimal point; negative for as many zeros behind it.
func (d decimal) digits() int {
	n := -d.places
	for m := d.mantissa; m != 0; m /= 10 {
		n++
	}
	return n
}

// scaleFor returns the number of decimal places that keeps the values apart: the most that any value has, at most nine and of small
// numbers nine digits, fewer where the largest value would not fit. Where that presses values together because one in twenty
// is out of all proportion, it is by the others; those are then held at the largest integer.
func scaleFor(values []decimal) int {
	places := 0
	digits := make([]int, 0, len(values))
	for _, d := range values {
		if n := d.digits(); d.mantissa != 0 && n <= 15-scorecard.MinScale {
			places = max(places, d.places)
			digits = append(digits, n)
		}
	}
	if len(digits) == 0 {
		return 0
	}
	slices.Sort(digits)
	scale := func(n int) int {
		return max(scorecard.MinScale, min(places, max(nineDecimals, nineDecimals-n), scorecard.MaxScale, 15-n))
	}
	all, most := scale(digits[len(digits)-1]), scale(digits[(len(digits)-1)*outOfProportion/100])
	if all == most || apart(values, all) >= apart(values, most) {
		return all
	}
	return most
}

// outOfProportion is the per cent of the values that a scale is made for where it cannot serve all.
const outOfProportion = 95

// apart counts the values that differ at a scale.
func apart(values []decimal, scale int) int {
	seen := map[int64]bool{}
	for _, d := range values {
		seen[d.at(scale)] = true
	}
	return len(seen)
}
