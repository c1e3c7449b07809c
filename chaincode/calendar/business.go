package calendar

import (
	"fmt"
	"sort"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Convention says where a date goes that is not a business day: 2006 ISDA Definitions, section 4.12.
type Convention string

// The conventions of section 4.12(a), and none for an unadjusted date.
const (
	// Unadjusted leaves the date where it is.
	Unadjusted Convention = "none"
	// Following goes to the next business day.
	Following Convention = "following"
	// ModifiedFollowing goes to the next business day, but back to the preceding one where that is in the next month.
	ModifiedFollowing Convention = "modified_following"
	// Preceding goes to the business day before.
	Preceding Convention = "preceding"
)

// Validate returns INPUT_INVALID unless the convention is one of those above.
func (c Convention) Validate() error {
	switch c {
	case Unadjusted, Following, ModifiedFollowing, Preceding:
		return nil
	}
	var fields fault.Fields
	fields.Add("business_day_convention", c, "must be none, following, modified_following or preceding")
	return fields.Err()
}

// Holidays is the calendar of a market, as data. Its lists are in ascending order (Validate).
type Holidays struct {
	// Name is the calendar's name, such as "TARGET".
	Name string `json:"name"`
	// From and To are the first and last year that the data cover. Outside of them nobody knows what a holiday is, so
	// every question about such a day fails instead of guessing.
	From int `json:"from"`
	To   int `json:"to"`
	// Closed lists the days on which the market is closed, weekends left out or not.
	Closed []Date `json:"closed,omitempty"`
	// Open lists weekend days on which the market is open, as China's adjusted working days.
	Open []Date `json:"open,omitempty"`
}

// MaxHolidays is the most days that a list of a calendar may have.
const MaxHolidays = 10_000

// maxClosedDays is the longest time that a market may be closed without a break; longer is an error in the data.
const maxClosedDays = 31

// Validate returns INPUT_INVALID with every failure: the years, the order of the lists, their length.
func (h Holidays) Validate() error {
	var fields fault.Fields
	if h.Name == "" || len(h.Name) > 64 {
		fields.Add("name", h.Name, "must have 1 to 64 characters")
	}
	if h.From < 1 || h.To > 9999 || h.From > h.To {
		fields.Add("from", h.From, "must be a year from 1 to 9999 and not after the year to, %d", h.To)
	}
	for _, list := range []struct {
		path  string
		dates []Date
	}{{"closed", h.Closed}, {"open", h.Open}} {
		if len(list.dates) > MaxHolidays {
			fields.Add(list.path, len(list.dates), "must list at most %d days", MaxHolidays)
			continue
		}
		for i, d := range list.dates {
			path := fmt.Sprintf("%s[%d]", list.path, i)
			if d.IsZero() || d.Year() < h.From || d.Year() > h.To {
				fields.Add(path, d, "must be a date in the years that the calendar covers")
			}
			if i > 0 && !list.dates[i-1].Before(d) {
				fields.Add(path, d, "must be after the date before it")
			}
			if list.path == "open" && contains(h.Closed, d) {
				fields.Add(path, d, "must not be closed as well")
			}
		}
	}
	return fields.Err()
}

// IsBusinessDay reports whether the market is open on the day: not on a Saturday, a Sunday or a closed day, except
// where the data say that it is. It returns DATE_INVALID for a day outside the years that the data cover.
func (h Holidays) IsBusinessDay(d Date) (bool, error) {
	if d.IsZero() || d.Year() < h.From || d.Year() > h.To {
		return false, fault.New(fault.DateInvalid, "the calendar %s covers the years %d to %d only", h.Name, h.From, h.To)
	}
	if contains(h.Closed, d) {
		return false, nil
	}
	if day := d.Weekday(); day == time.Saturday || day == time.Sunday {
		return contains(h.Open, d), nil
	}
	return true, nil
}

// Adjust moves the date to a business day as the convention says. It returns INPUT_INVALID for an unknown convention
// and DATE_INVALID where it leaves the years that the data cover, or no business day is within a month.
func (h Holidays) Adjust(d Date, c Convention) (Date, error) {
	if err := c.Validate(); err != nil {
		return Date{}, err
	}
	switch c {
	case Following:
		return h.nearest(d, 1)
	case Preceding:
		return h.nearest(d, -1)
	case ModifiedFollowing:
		moved, err := h.nearest(d, 1)
		if err != nil || moved.Month() == d.Month() {
			return moved, err
		}
		return h.nearest(d, -1)
	}
	return d, nil
}

// AddBusinessDays returns the n-th business day after the date, or before it where n is negative. With 0 it returns
// the date itself. Errors are those of Adjust; n may be at most 10000 days either way.
func (h Holidays) AddBusinessDays(d Date, n int) (Date, error) {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	if n < 0 || n > 10_000 {
		return Date{}, fault.New(fault.InputInvalid, "at most 10000 business days can be added")
	}
	for ; n > 0; n-- {
		next, err := d.AddDays(step)
		if err != nil {
			return Date{}, err
		}
		if d, err = h.nearest(next, step); err != nil {
			return Date{}, err
		}
	}
	return d, nil
}

func (h Holidays) nearest(d Date, step int) (Date, error) {
	for range maxClosedDays {
		open, err := h.IsBusinessDay(d)
		if err != nil || open {
			return d, err
		}
		if d, err = d.AddDays(step); err != nil {
			return Date{}, err
		}
	}
	return Date{}, fault.New(fault.DateInvalid, "the calendar %s has no business day within a month", h.Name)
}

func contains(sorted []Date, d Date) bool {
	i := sort.Search(len(sorted), func(i int) bool { return !sorted[i].Before(d) })
	return i < len(sorted) && sorted[i] == d
}

// Weekends is a calendar without holidays: only Saturdays and Sundays are closed, in every year.
func Weekends() Holidays { return Holidays{Name: "WEEKENDS", From: 1, To: 9999} }

// TARGET is the calendar of the euro's payment system for the years from 2002 on: closed on Saturdays, Sundays, New
// Year's Day, Good Friday, Easter Monday, 1 May, 25 and 26 December (European Central Bank, press release of
// 14 December 2000, "Long-term calendar for TARGET closing days"; unchanged in T2 since 2023). It returns
// INPUT_INVALID for earlier years, a range that is empty, or one of more than 200 years.
func TARGET(from, to int) (Holidays, error) {
	if from < 2002 || to < from || to > 9999 || to-from > 200 {
		return Holidays{}, fault.New(fault.InputInvalid, "TARGET covers up to 200 years from 2002 on")
	}
	h := Holidays{Name: "TARGET", From: from, To: to}
	for year := from; year <= to; year++ {
		easter := easterSunday(year)
		for _, t := range []time.Time{
			time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC),
			easter.AddDate(0, 0, -2), easter.AddDate(0, 0, 1),
			time.Date(year, time.May, 1, 0, 0, 0, 0, time.UTC),
			time.Date(year, time.December, 25, 0, 0, 0, 0, time.UTC),
			time.Date(year, time.December, 26, 0, 0, 0, 0, time.UTC),
		} {
			h.Closed = append(h.Closed, From(t))
		}
	}
	return h, nil
}

// easterSunday follows J. Meeus, Astronomical Algorithms (1991), chapter 8, for the Gregorian calendar (the
// "anonymous" algorithm of Nature, 20 April 1876).
func easterSunday(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	f := (b + 8) / 25
	g := (b - f + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(year, time.Month(n/31), n%31+1, 0, 0, 0, 0, time.UTC)
}
