// Package calendar is calendar dates as contracts use them: ISO 8601 dates without a time or a zone, day count
// fractions as exact integers, business days and tenors. It never asks a clock; "today" is given by the caller.
package calendar

import (
	"fmt"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Date is a day of the proleptic Gregorian calendar, from 0001-01-01 to 9999-12-31. The zero Date is no date; it is
// written as an empty text. Dates compare with == and serve as map keys.
type Date struct {
	year  int16
	month uint8
	day   uint8
}

const layout = "2006-01-02"

// maxDays bounds arithmetic on days: more than all days of the calendar.
const maxDays = 3_660_000

// NewDate returns the date, or DATE_INVALID where the calendar has no such day.
func NewDate(year int, month time.Month, day int) (Date, error) {
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if year < 1 || year > 9999 || t.Year() != year || t.Month() != month || t.Day() != day {
		return Date{}, fault.New(fault.DateInvalid, "the calendar has no such day")
	}
	return From(t), nil
}

// Parse reads an ISO 8601 calendar date in the extended format, "2026-11-22", and nothing else: no time, no zone, no
// white space. It returns DATE_INVALID for anything else, and for a day that the calendar does not have.
func Parse(text string) (Date, error) {
	t, err := time.Parse(layout, text)
	if err != nil || t.Year() < 1 {
		var fields fault.Fields
		fields.Add("date", text, "must be a calendar date such as 2026-11-22")
		return Date{}, &fault.Error{Code: fault.DateInvalid, Fields: fields}
	}
	return From(t), nil
}

// MustParse is Parse for constants in tests and tables; it panics.
func MustParse(text string) Date {
	d, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return d
}

// From returns the date that the instant has in UTC, and the zero Date beyond the years 1 to 9999.
func From(instant time.Time) Date {
	year, month, day := instant.UTC().Date()
	if year < 1 || year > 9999 {
		return Date{}
	}
	return Date{int16(year), uint8(month), uint8(day)}
}

// Start returns the first instant of the day, in UTC. The zero Date has none: it returns the zero Time.
func (d Date) Start() time.Time {
	if d.IsZero() {
		return time.Time{}
	}
	return time.Date(int(d.year), time.Month(d.month), int(d.day), 0, 0, 0, 0, time.UTC)
}

// IsZero reports whether it is no date (JSON's omitzero uses it).
func (d Date) IsZero() bool { return d == Date{} }

// Year is the year, 1 to 9999.
func (d Date) Year() int { return int(d.year) }

// Month is the month, 1 to 12.
func (d Date) Month() time.Month { return time.Month(d.month) }

// Day is the day of the month, 1 to 31.
func (d Date) Day() int { return int(d.day) }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.Start().Weekday() }

// String writes the date as ISO 8601, and no date as an empty text.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day)
}

// MarshalText is String, for JSON and the like.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is Parse, and reads an empty text as no date, so that what MarshalText wrote reads back. A field that
// must have a date says so with Check.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Check records a failure at the path where there is no date.
func (d Date) Check(fields *fault.Fields, path string) {
	if d.IsZero() {
		fields.Add(path, "", "must be a calendar date such as 2026-11-22")
	}
}

// Compare returns -1, 0 or +1 as d is before, on or after other. No date is before every date.
func (d Date) Compare(other Date) int {
	for _, difference := range [3]int{int(d.year) - int(other.year), int(d.month) - int(other.month), int(d.day) - int(other.day)} {
		if difference < 0 {
			return -1
		}
		if difference > 0 {
			return 1
		}
	}
	return 0
}

// Before reports whether d is before other.
func (d Date) Before(other Date) bool { return d.Compare(other) < 0 }

// After reports whether d is after other.
func (d Date) After(other Date) bool { return d.Compare(other) > 0 }

// DaysBetween counts the days from one date to another: nights spent, negative where to is before from. Both must be
// dates; with a zero Date it returns 0.
func DaysBetween(from, to Date) int {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return int((to.Start().Unix() - from.Start().Unix()) / (24 * 60 * 60))
}

// AddDays returns the date n days later, or earlier. It returns DATE_INVALID for no date and beyond the calendar.
func (d Date) AddDays(n int) (Date, error) {
	if d.IsZero() || n < -maxDays || n > maxDays {
		return Date{}, outside()
	}
	return inside(d.Start().AddDate(0, 0, n))
}

// AddMonths returns the date with the same number n months later, or earlier; where that month is too short, its last
// day (ISDA 2006 Definitions section 3.2, "numerically corresponding day"). It returns DATE_INVALID for no date and
// beyond the calendar.
func (d Date) AddMonths(n int) (Date, error) {
	if d.IsZero() || n < -12*9999 || n > 12*9999 {
		return Date{}, outside()
	}
	first := time.Date(int(d.year), time.Month(d.month)+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return inside(first.AddDate(0, 0, min(int(d.day), last)-1))
}

// AddMonthsEndOfMonth is AddMonths under the end-of-month convention: from the last day of a month it goes to the last
// day of a month, so 28 February leads to 31 March.
func (d Date) AddMonthsEndOfMonth(n int) (Date, error) {
	moved, err := d.AddMonths(n)
	if err != nil || d != d.EndOfMonth() {
		return moved, err
	}
	return moved.EndOfMonth(), nil
}

// EndOfMonth returns the last day of the date's month; of no date, no date.
func (d Date) EndOfMonth() Date {
	if d.IsZero() {
		return d
	}
	return From(time.Date(int(d.year), time.Month(d.month)+1, 0, 0, 0, 0, 0, time.UTC))
}

func inside(t time.Time) (Date, error) {
	if d := From(t); !d.IsZero() {
		return d, nil
	}
	return Date{}, outside()
}

func outside() error {
	return fault.New(fault.DateInvalid, "the date is missing, or beyond the years 1 to 9999")
}
