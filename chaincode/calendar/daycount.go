package calendar

import "github.com/tallystick/tallystick/chaincode/fault"

// DayCount is a day count convention: how many days of a year of how many days lie between two dates. Contracts name
// it, so it is text on the ledger.
type DayCount string

// The conventions, from the 2006 ISDA Definitions, section 4.16.
const (
	// Actual360 is section 4.16(e): days that passed, of 360. The money markets of EUR, USD and CNH use it.
	Actual360 DayCount = "ACT/360"
	// Actual365Fixed is section 4.16(d): days that passed, of 365, leap year or not. GBP and CNY onshore use it.
	Actual365Fixed DayCount = "ACT/365F"
	// Thirty360E is section 4.16(g), Eurobond basis: months of 30 days, where a 31st counts as a 30th.
	Thirty360E DayCount = "30E/360"
)

// Validate returns INPUT_INVALID unless the convention is one of those above.
func (c DayCount) Validate() error {
	switch c {
	case Actual360, Actual365Fixed, Thirty360E:
		return nil
	}
	var fields fault.Fields
	fields.Add("day_count", c, "must be ACT/360, ACT/365F or 30E/360")
	return fields.Err()
}

// Fraction returns the part of a year between two dates as days ÷ year, exactly and not reduced: year is 360 or 365,
// days is negative where to is before from. It returns INPUT_INVALID for an unknown convention and DATE_INVALID for a
// missing date.
func (c DayCount) Fraction(from, to Date) (days, year int64, err error) {
	if err := c.Validate(); err != nil {
		return 0, 0, err
	}
	if from.IsZero() || to.IsZero() {
		return 0, 0, outside()
	}
	switch c {
	case Actual360:
		return int64(DaysBetween(from, to)), 360, nil
	case Actual365Fixed:
		return int64(DaysBetween(from, to)), 365, nil
	default:
		months := int64(to.year-from.year)*12 + int64(to.month) - int64(from.month)
		return months*30 + int64(min(to.day, 30)) - int64(min(from.day, 30)), 360, nil
	}
}
