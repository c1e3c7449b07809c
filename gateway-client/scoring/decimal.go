package scoring

import (
	"math"
	"strconv"
	"strings"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// decimal is mantissa × 10^-places, with no trailing zero in the mantissa.
type decimal struct {
	mantissa int64
	places   int
}

// parseDecimal reads a number as people and programs write it: sign, thousands commas, a leading currency sign, a
// trailing percent sign (which is dropped), an exponent, accounting parentheses. Digits beyond the 17th are rounded
// away. ok is false for anything else, also for infinities.
func parseDecimal(s string) (d decimal, ok bool) {
	negative := false
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
	whole, _, _ := strings.Cut(strings.TrimLeft(s, "+-"), ".")
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

// scaleFor returns the number of decimal places that keeps the values apart: the most that any value has, at most
// scorecard.MaxScale, fewer where the largest value would not fit.
func scaleFor(values []decimal) int {
	places, digits := 0, 0
	for _, d := range values {
		places = max(places, d.places)
		if d.mantissa != 0 {
			digits = max(digits, int(math.Floor(math.Log10(math.Abs(float64(d.mantissa)))))+1-d.places)
		}
	}
	return max(0, min(places, scorecard.MaxScale, 15-digits))
}
