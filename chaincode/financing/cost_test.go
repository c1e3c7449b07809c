package financing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
)

// The first four rows are the worked examples, on a calendar basis, of Directive 98/7/EC, annex II (annex III of Directive
// 87/102/EEC), whose equation is that of Directive 2008/48/EC, annex I: amounts in ECU, the published i beside them.
func TestAnnualCostAgainstPublishedExamples(t *testing.T) {
	for name, tc := range map[string]struct {
		payout int64
		flows  []financing.Flow
		want   int64
	}{
		"1: 1200 after 546 days, i = 0.1296204":              {1000_00, []financing.Flow{{546, 1200_00}}, 1296},
		"2: the same, 50 kept back, i = 0.169026":            {950_00, []financing.Flow{{546, 1200_00}}, 1690},
		"3: 600 after one and two years, i = 0.1306623":      {1000_00, []financing.Flow{{365, 600_00}, {730, 600_00}}, 1307},
		"4: 272, 272, 544 in 90, 181, 365 days, i = 0.13226": {1000_00, []financing.Flow{{90, 272_00}, {181, 272_00}, {365, 544_00}}, 1323},
		"no cost":                        {1000_00, []financing.Flow{{90, 1000_00}}, 0},
		"10 % a year":                    {1000_00, []financing.Flow{{365, 1100_00}}, 1000},
		"all of it on the day of payout": {1000_00, []financing.Flow{{0, 1000_01}}, financing.MaxAnnualCostBP},
		"beyond what is told apart":      {1_00, []financing.Flow{{1, 1000_00}}, financing.MaxAnnualCostBP},
	} {
		got, err := financing.AnnualCostBP(tc.payout, tc.flows)
		require.NoError(t, err, name)
		assert.Equal(t, tc.want, got, name)
	}
	for name, flows := range map[string][]financing.Flow{
		"less than was paid out": {{90, 999_99}}, "before the payout": {{-1, 2000_00}}, "negative": {{1, 3000_00}, {2, -1}},
	} {
		_, err := financing.AnnualCostBP(1000_00, flows)
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), name)
	}
}

// A loan that costs more, or the same sooner, never shows a lower annual cost.
func TestAnnualCostIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payout := rapid.Int64Range(100_00, 10_000_000_00).Draw(t, "payout")
		day := rapid.Int64Range(1, 1800).Draw(t, "day")
		cost := rapid.Int64Range(0, payout/2).Draw(t, "cost")
		cheap, err := financing.AnnualCostBP(payout, []financing.Flow{{Day: day, Minor: payout + cost}})
		require.NoError(t, err)
		dear, err := financing.AnnualCostBP(payout, []financing.Flow{{Day: day, Minor: payout + cost + 1}})
		require.NoError(t, err)
		later, err := financing.AnnualCostBP(payout, []financing.Flow{{Day: day + 1, Minor: payout + cost}})
		require.NoError(t, err)
		require.LessOrEqual(t, cheap, dear)
		require.LessOrEqual(t, later, cheap)
	})
}

// Interest by each convention. The dates and day counts of the rows marked ISDA are those of the ISDA spreadsheet
// "30/360 day count conventions" (30-360-2006ISDADefs.xls, 2006 Definitions section 4.16(f) to (h)); the interest is their
// product, worked out by hand: 1 000 000.00 × 6 % × days ÷ year.
func TestInterestByConvention(t *testing.T) {
	for _, tc := range []struct {
		source   string
		count    calendar.DayCount
		from, to string
		days     int64
		want     int64 // minor units, half even
	}{
		{"ISDA", calendar.Thirty360E, "2007-01-15", "2007-01-30", 15, 2_500_00},
		{"ISDA", calendar.Thirty360E, "2007-01-15", "2007-02-15", 30, 5_000_00},
		{"ISDA", calendar.Thirty360E, "2007-01-15", "2007-07-15", 180, 30_000_00},
		{"ISDA", calendar.Thirty360E, "2007-09-30", "2007-10-31", 30, 5_000_00},
		{"ISDA", calendar.Thirty360E, "2007-09-30", "2008-09-30", 360, 60_000_00},
		{"ISDA", calendar.Thirty360E, "2007-01-31", "2007-02-28", 28, 4_666_67},
		{"ISDA", calendar.Thirty360E, "2007-02-28", "2007-03-31", 32, 5_333_33},
		{"ISDA", calendar.Thirty360E, "2006-08-31", "2007-02-28", 178, 29_666_67},
		{"ISDA", calendar.Thirty360E, "2007-02-28", "2007-08-31", 182, 30_333_33},
		{"ISDA", calendar.Thirty360E, "2007-08-31", "2008-02-29", 179, 29_833_33},
		{"ISDA", calendar.Thirty360E, "2008-02-29", "2008-08-31", 181, 30_166_67},
		{"ISDA", calendar.Thirty360E, "2007-02-26", "2008-02-29", 363, 60_500_00},
		{"by hand", calendar.Actual360, "2026-11-23", "2027-02-21", 90, 15_000_00},
		{"by hand", calendar.Actual360, "2027-01-31", "2027-02-28", 28, 4_666_67},
		{"by hand", calendar.Actual360, "2028-01-01", "2029-01-01", 366, 61_000_00},
		{"by hand", calendar.Actual365Fixed, "2026-11-23", "2027-02-21", 90, 14_794_52},
		{"by hand", calendar.Actual365Fixed, "2027-01-01", "2028-01-01", 365, 60_000_00},
		{"by hand", calendar.Actual365Fixed, "2028-01-01", "2029-01-01", 366, 60_164_38},
	} {
		days, year, err := tc.count.Fraction(date(t, tc.from), date(t, tc.to))
		require.NoError(t, err)
		assert.Equal(t, tc.days, days, "%s %s %s", tc.count, tc.from, tc.to)
		a, err := financing.Accrual{}.Add(1_000_000_00, 600, days, year)
		require.NoError(t, err)
		assert.Equal(t, tc.want, a.Payable(year, money.HalfEven), "%s %s %s", tc.count, tc.from, tc.to)
	}
}

// Counting day by day, or in any pieces, gives what counting at once gives.
func TestAccrualDoesNotDependOnItsPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		principal := rapid.Int64Range(0, financing.MaxAmountMinor).Draw(t, "principal")
		rate := money.BasisPoints(rapid.Int64Range(0, 10_000).Draw(t, "rate"))
		count := rapid.SampledFrom([]calendar.DayCount{calendar.Actual360, calendar.Actual365Fixed, calendar.Thirty360E}).Draw(t, "count")
		from := date(t, "2027-01-15")
		var pieces financing.Accrual
		at := from
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, 40), 1, 10).Draw(t, "steps") {
			next, err := at.AddDays(step)
			require.NoError(t, err)
			days, year, err := count.Fraction(at, next)
			require.NoError(t, err)
			if days < 0 {
				continue // 30E/360 has none from a 30th to a 31st, never fewer than none
			}
			pieces, err = pieces.Add(principal, rate, days, year)
			require.NoError(t, err)
			at = next
		}
		days, year, err := count.Fraction(from, at)
		require.NoError(t, err)
		whole, err := financing.Accrual{}.Add(principal, rate, days, year)
		require.NoError(t, err)
		require.Equal(t, whole, pieces)
		exact, err := money.Amount{Minor: principal, Currency: "EUR"}.Interest(rate, days, year, money.HalfEven)
		require.NoError(t, err)
		require.Equal(t, exact.Minor, whole.Payable(year, money.HalfEven))
	})
}
