package calendar

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/fault"
)

var anyDate = rapid.Custom(func(t *rapid.T) Date {
	d, err := MustParse("0001-01-01").AddDays(rapid.IntRange(0, 3_652_058).Draw(t, "day"))
	require.NoError(t, err)
	return d
})

func TestParseIsStrict(t *testing.T) {
	for _, good := range []string{"2026-11-22", "2024-02-29", "0001-01-01", "9999-12-31", "2000-02-29"} {
		d, err := Parse(good)
		require.NoError(t, err)
		assert.Equal(t, good, d.String())
	}
	for _, bad := range []string{"", "2026-11-31", "2023-02-29", "1900-02-29", "2026-1-2", "20261122", "2026-11-22Z", " 2026-11-22",
		"2026-11-22T00:00:00Z", "0000-01-01", "10000-01-01", "2026-13-01", "2026-00-01", "2026-01-00", "+2026-01-1", "२०२६-११-२२"} {
		_, err := Parse(bad)
		assert.Equal(t, fault.DateInvalid, fault.CodeOf(err), bad)
	}
	_, err := NewDate(2026, 2, 30)
	assert.Equal(t, fault.DateInvalid, fault.CodeOf(err))
	_, err = NewDate(10000, 1, 1)
	assert.Equal(t, fault.DateInvalid, fault.CodeOf(err))
	assert.Panics(t, func() { MustParse("soon") })
}

func FuzzParse(f *testing.F) {
	f.Add("2026-11-22")
	f.Add("2024-02-29")
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := Parse(text); err == nil && d.String() != text {
			t.Fatalf("%q became %q", text, d)
		}
	})
}

func TestTextRoundTrip(t *testing.T) {
	type record struct {
		Due   Date   `json:"due"`
		Paid  Date   `json:"paid,omitzero"`
		Empty Date   `json:"empty"`
		Tenor Tenor  `json:"tenor"`
		Dates []Date `json:"dates"`
	}
	in := record{Due: MustParse("2026-11-22"), Tenor: Tenor{90, 'D'}, Dates: []Date{MustParse("2026-01-01")}}
	text, err := json.Marshal(in)
	require.NoError(t, err)
	assert.Equal(t, `{"due":"2026-11-22","empty":"","tenor":"90D","dates":["2026-01-01"]}`, string(text))
	var out record
	require.NoError(t, json.Unmarshal(text, &out))
	assert.Equal(t, in, out)
	assert.Error(t, json.Unmarshal([]byte(`{"due":"2026-02-30"}`), &out))
	assert.Error(t, json.Unmarshal([]byte(`{"tenor":"0D"}`), &out))

	var fields fault.Fields
	out.Empty.Check(&fields, "empty")
	out.Due.Check(&fields, "due")
	require.Len(t, fields, 1)
}

func TestFromTakesTheDateInUTC(t *testing.T) {
	shanghai := time.FixedZone("UTC+8", 8*60*60)
	assert.Equal(t, MustParse("2026-11-21"), From(time.Date(2026, 11, 22, 7, 59, 0, 0, shanghai)))
	assert.Equal(t, MustParse("2026-11-22"), From(time.Date(2026, 11, 22, 8, 0, 0, 0, shanghai)))
	assert.True(t, From(time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero())
}

func TestDaysAreConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDate.Draw(t, "a"), anyDate.Draw(t, "b")
		n := DaysBetween(a, b)
		require.Equal(t, -n, DaysBetween(b, a))
		moved, err := a.AddDays(n)
		require.NoError(t, err)
		require.Equal(t, b, moved)
		require.Equal(t, a.Before(b), n > 0)
		require.Equal(t, a.After(b), n < 0)
		require.Equal(t, strings.Compare(a.String(), b.String()), a.Compare(b))
		require.Equal(t, a, From(a.Start()))
	})
	_, err := Date{}.AddDays(1)
	assert.Equal(t, fault.DateInvalid, fault.CodeOf(err))
	_, err = MustParse("9999-12-31").AddDays(1)
	assert.Equal(t, fault.DateInvalid, fault.CodeOf(err))
	_, err = MustParse("0001-01-01").AddDays(-1)
	assert.Equal(t, fault.DateInvalid, fault.CodeOf(err))
	_, err = MustParse("2026-01-01").AddDays(1 << 40)
	assert.Equal(t, fault.DateInvalid, fault.CodeOf(err))
	assert.Equal(t, 0, DaysBetween(Date{}, MustParse("2026-01-01")))
}

func TestAddMonths(t *testing.T) {
	for _, c := range []struct {
		from    string
		n       int
		to, eom string
	}{
		{"2026-01-31", 1, "2026-02-28", "2026-02-28"},
		{"2024-01-31", 1, "2024-02-29", "2024-02-29"},
		{"2026-02-28", 1, "2026-03-28", "2026-03-31"},
		{"2026-03-30", -1, "2026-02-28", "2026-02-28"},
		{"2024-02-29", 12, "2025-02-28", "2025-02-28"},
		{"2026-11-22", 14, "2028-01-22", "2028-01-22"},
		{"2026-01-15", -1, "2025-12-15", "2025-12-15"},
		{"2026-04-30", 0, "2026-04-30", "2026-04-30"},
	} {
		got, err := MustParse(c.from).AddMonths(c.n)
		require.NoError(t, err)
		assert.Equal(t, c.to, got.String(), "%s %d", c.from, c.n)
		got, err = MustParse(c.from).AddMonthsEndOfMonth(c.n)
		require.NoError(t, err)
		assert.Equal(t, c.eom, got.String(), "%s %d", c.from, c.n)
	}
	for _, n := range []int{12 * 9000, -12 * 9000, 1 << 50} {
		_, err := MustParse("2026-01-31").AddMonths(n)
		assert.Equal(t, fault.DateInvalid, fault.CodeOf(err))
	}
}

// The examples that ISDA published for section 4.16(f) to (h), for 30E/360:
// https://www.isda.org/2008/12/22/30-360-day-count-conventions/
func TestThirtyE360AsISDAPublished(t *testing.T) {
	for _, c := range []struct {
		from, to string
		days     int64
	}{
		{"2006-08-20", "2007-02-20", 180}, {"2007-02-20", "2007-08-20", 180}, {"2007-08-20", "2008-02-20", 180},
		{"2008-02-20", "2008-08-20", 180}, {"2008-08-20", "2009-02-20", 180}, {"2009-02-20", "2009-08-20", 180},
		{"2006-02-28", "2006-08-31", 182}, {"2006-08-31", "2007-02-28", 178}, {"2007-02-28", "2007-08-31", 182},
		{"2007-08-31", "2008-02-29", 179}, {"2008-02-29", "2008-08-31", 181}, {"2008-08-31", "2009-02-28", 178},
		{"2009-02-28", "2009-08-31", 182}, {"2011-08-31", "2012-02-29", 179},
		{"2006-01-31", "2006-02-28", 28}, {"2006-01-30", "2006-02-28", 28}, {"2006-02-28", "2006-03-03", 5},
		{"2006-02-14", "2006-02-28", 14}, {"2006-09-30", "2006-10-31", 30}, {"2006-10-31", "2006-11-28", 28},
		{"2007-08-31", "2008-02-28", 178}, {"2008-02-28", "2008-08-28", 180}, {"2008-02-28", "2008-08-30", 182},
		{"2008-02-28", "2008-08-31", 182}, {"2007-02-26", "2008-02-28", 362}, {"2007-02-26", "2008-02-29", 363},
		{"2008-02-29", "2009-02-28", 359}, {"2008-02-28", "2008-03-30", 32}, {"2008-02-28", "2008-03-31", 32},
	} {
		days, year, err := Thirty360E.Fraction(MustParse(c.from), MustParse(c.to))
		require.NoError(t, err)
		assert.Equal(t, int64(360), year)
		assert.Equal(t, c.days, days, "%s %s", c.from, c.to)
	}
}

func TestActualDayCounts(t *testing.T) {
	for _, c := range []struct {
		convention DayCount
		from, to   string
		days, year int64
	}{
		{Actual360, "2026-01-01", "2027-01-01", 365, 360},
		{Actual360, "2024-01-01", "2025-01-01", 366, 360},
		{Actual365Fixed, "2024-01-01", "2025-01-01", 366, 365},
		{Actual365Fixed, "2026-11-22", "2027-02-20", 90, 365},
		{Actual360, "2026-02-02", "2026-01-01", -32, 360},
	} {
		days, year, err := c.convention.Fraction(MustParse(c.from), MustParse(c.to))
		require.NoError(t, err)
		assert.Equal(t, c.days, days)
		assert.Equal(t, c.year, year)
	}
	_, _, err := DayCount("ACT/ACT").Fraction(MustParse("2026-01-01"), MustParse("2026-02-01"))
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
	_, _, err = Actual360.Fraction(Date{}, MustParse("2026-02-01"))
	assert.Equal(t, fault.DateInvalid, fault.CodeOf(err))
}

// Easter Sundays as the Astronomical Applications Department of the U.S. Naval Observatory lists them ("The Date of
// Easter"), with the earliest and the latest possible ones.
func TestEaster(t *testing.T) {
	for _, want := range []string{"1818-03-22", "1943-04-25", "2002-03-31", "2008-03-23", "2011-04-24", "2016-03-27", "2019-04-21",
		"2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2038-04-25"} {
		d := MustParse(want)
		assert.Equal(t, d, From(easterSunday(d.Year())))
	}
}

// The closing days of 2024 and 2026, as the European Central Bank's calendar gives them.
func TestTARGET(t *testing.T) {
	h, err := TARGET(2024, 2026)
	require.NoError(t, err)
	require.NoError(t, h.Validate())
	var got []string
	for _, d := range h.Closed {
		if d.Year() != 2025 {
			got = append(got, d.String())
		}
	}
	assert.Equal(t, []string{"2024-01-01", "2024-03-29", "2024-04-01", "2024-05-01", "2024-12-25", "2024-12-26",
		"2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2026-12-25", "2026-12-26"}, got)
	for _, years := range [][2]int{{2001, 2002}, {2026, 2025}, {2002, 2300}, {9900, 10000}} {
		_, err := TARGET(years[0], years[1])
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
	}
	long, err := TARGET(2002, 2202)
	require.NoError(t, err)
	require.NoError(t, long.Validate())
}

func TestAdjust(t *testing.T) {
	target, err := TARGET(2024, 2026)
	require.NoError(t, err)
	for _, c := range []struct {
		day        string
		convention Convention
		want       string
	}{
		{"2024-03-29", Following, "2024-04-02"}, // Good Friday, Easter Monday on 1 April
		{"2024-03-29", ModifiedFollowing, "2024-03-28"},
		{"2024-03-29", Preceding, "2024-03-28"},
		{"2024-03-29", Unadjusted, "2024-03-29"},
		{"2026-11-22", Following, "2026-11-23"},
		{"2026-11-22", Preceding, "2026-11-20"},
		{"2026-11-23", ModifiedFollowing, "2026-11-23"},
		{"2026-05-31", ModifiedFollowing, "2026-05-29"},
	} {
		got, err := target.Adjust(MustParse(c.day), c.convention)
		require.NoError(t, err)
		assert.Equal(t, c.want, got.String(), "%s %s", c.day, c.convention)
	}
	_, err = target.Adjust(MustParse("2026-12-27"), "nearest")
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
	_, err = target.Adjust(MustParse("2027-01-02"), Following)
	assert.Equal(t, fault.DateInvalid, fault.CodeOf(err), "a year without data is no guess")
	got, err := target.AddBusinessDays(MustParse("2024-03-28"), 2)
	require.NoError(t, err)
	assert.Equal(t, "2024-04-03", got.String())
	got, err = target.AddBusinessDays(MustParse("2024-04-03"), -2)
	require.NoError(t, err)
	assert.Equal(t, "2024-03-28", got.String())
	_, err = target.AddBusinessDays(MustParse("2024-04-03"), 10_001)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
}

func TestAdjustedDaysAreBusinessDays(t *testing.T) {
	target, err := TARGET(2024, 2030)
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		d, err := MustParse("2024-02-01").AddDays(rapid.IntRange(0, 2400).Draw(t, "day"))
		require.NoError(t, err)
		c := rapid.SampledFrom([]Convention{Following, ModifiedFollowing, Preceding}).Draw(t, "convention")
		got, err := target.Adjust(d, c)
		require.NoError(t, err)
		open, err := target.IsBusinessDay(got)
		require.NoError(t, err)
		require.True(t, open)
		again, err := target.Adjust(got, c)
		require.NoError(t, err)
		require.Equal(t, got, again)
		if c == ModifiedFollowing {
			require.Equal(t, d.Month(), got.Month())
		}
	})
}

// China moves working days to weekends around long holidays; a calendar takes that as data.
func TestOpenWeekend(t *testing.T) {
	h := Holidays{Name: "CN", From: 2026, To: 2026, Closed: []Date{MustParse("2026-10-01"), MustParse("2026-10-02")}, Open: []Date{MustParse("2026-10-10")}}
	require.NoError(t, h.Validate())
	for day, want := range map[string]bool{"2026-10-01": false, "2026-10-10": true, "2026-10-11": false, "2026-10-12": true} {
		open, err := h.IsBusinessDay(MustParse(day))
		require.NoError(t, err)
		assert.Equal(t, want, open, day)
	}
}

func TestHolidaysValidateSaysEverything(t *testing.T) {
	h := Holidays{From: 2026, To: 2025, Closed: []Date{MustParse("2026-10-02"), MustParse("2026-10-02"), {}}, Open: []Date{MustParse("2026-10-02")}}
	var e *fault.Error
	require.ErrorAs(t, h.Validate(), &e)
	paths := map[string]bool{}
	for _, f := range e.Fields {
		paths[f.Path] = true
	}
	assert.Equal(t, map[string]bool{"name": true, "from": true, "closed[0]": true, "closed[1]": true, "closed[2]": true, "open[0]": true}, paths)

	var closed []Date
	for d := MustParse("2026-01-01"); d.Year() == 2026; d, _ = d.AddDays(1) {
		closed = append(closed, d)
	}
	_, err := Holidays{Name: "SHUT", From: 2026, To: 2026, Closed: closed}.Adjust(MustParse("2026-03-01"), Following)
	assert.Equal(t, fault.DateInvalid, fault.CodeOf(err))
}

func TestTenor(t *testing.T) {
	start := MustParse("2026-11-30")
	for text, want := range map[string]string{"90D": "2027-02-28", "2W": "2026-12-14", "3M": "2027-02-28", "1Y": "2027-11-30", "9999D": "2054-04-16"} {
		tenor, err := ParseTenor(text)
		require.NoError(t, err, text)
		assert.Equal(t, text, tenor.String())
		got, err := start.AddTenor(tenor)
		require.NoError(t, err)
		assert.Equal(t, want, got.String(), text)
	}
	for _, bad := range []string{"", "D", "0D", "-1D", "+1D", "01D", "1d", "1Q", "10000D", "1 D", "P3M", "1.5M"} {
		_, err := ParseTenor(bad)
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), bad)
	}
	var fields fault.Fields
	CheckTenor(&fields, "due", start, MustParse("2027-02-28"), 1, 90)
	require.Empty(t, fields)
	CheckTenor(&fields, "due", start, MustParse("2027-03-01"), 1, 90)
	CheckTenor(&fields, "due", start, start, 1, 90)
	CheckTenor(&fields, "due", start, Date{}, 1, 90)
	require.Len(t, fields, 3)
	assert.NotContains(t, fields.Err().Error(), "2027-03-01", "a term must not reach the logs")
}
