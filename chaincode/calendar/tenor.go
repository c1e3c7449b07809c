package calendar

import (
	"strconv"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Tenor is a length of time as markets write it, an integer and a unit: "90D", "2W", "3M", "1Y" (FpML's period
// multiplier and period).
type Tenor struct {
	count int32
	unit  byte
}

// MaxTenorCount is the largest count of a tenor, whatever its unit.
const MaxTenorCount = 9999

// ParseTenor reads a tenor, or returns INPUT_INVALID. Signs, leading zeros and a count of zero are refused.
func ParseTenor(text string) (Tenor, error) {
	if n := len(text); n >= 2 && n <= 5 && text[0] != '0' && text[0] != '+' && text[0] != '-' {
		unit := text[n-1]
		if count, err := strconv.Atoi(text[:n-1]); err == nil && (unit == 'D' || unit == 'W' || unit == 'M' || unit == 'Y') {
			return Tenor{int32(count), unit}, nil
		}
	}
	var fields fault.Fields
	fields.Add("tenor", text, "must be a count of days, weeks, months or years such as 90D, 2W, 3M or 1Y")
	return Tenor{}, fields.Err()
}

// String writes the tenor as ParseTenor reads it, and the zero Tenor as an empty text.
func (t Tenor) String() string {
	if t.count == 0 {
		return ""
	}
	return strconv.Itoa(int(t.count)) + string(rune(t.unit))
}

// IsZero reports whether it is no tenor.
func (t Tenor) IsZero() bool { return t == Tenor{} }

// MarshalText is String, for JSON and the like.
func (t Tenor) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText is ParseTenor, and reads an empty text as no tenor.
func (t *Tenor) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*t = Tenor{}
		return nil
	}
	parsed, err := ParseTenor(string(text))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

// AddTenor returns the date that is a tenor later, unadjusted, months as AddMonths counts them. It returns
// DATE_INVALID for no date and beyond the calendar.
func (d Date) AddTenor(t Tenor) (Date, error) {
	switch t.unit {
	case 'W':
		return d.AddDays(7 * int(t.count))
	case 'M':
		return d.AddMonths(int(t.count))
	case 'Y':
		return d.AddMonths(12 * int(t.count))
	}
	return d.AddDays(int(t.count))
}

// CheckTenor records a failure at the path of the later date unless it lies at least minDays and at most maxDays after
// the earlier one, and a missing date is a failure, too.
func CheckTenor(fields *fault.Fields, path string, from, to Date, minDays, maxDays int) {
	if from.IsZero() || to.IsZero() {
		to.Check(fields, path)
		return
	}
	if days := DaysBetween(from, to); days < minDays || days > maxDays {
		fields.Add(path, to, "must be %d to %d days after the date from which the term counts", minDays, maxDays)
	}
}
