package financing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
)

// annuityOf is the schedule of an annuity in whole months of 30 days from 23 November 2026, on every day of the week.
func annuityOf(t require.TestingT, advance int64, rate money.BasisPoints, months int) []financing.Due {
	p := policy(t, func(terms *financing.Terms) {
		terms.Repayment, terms.DayCount, terms.BusinessDays = financing.Annuity, calendar.Thirty360E, calendar.Unadjusted
		terms.MaxTenorDays = financing.MaxTenorDays
		terms.Prices = []financing.Price{{Band: "A", MaxTenorDays: financing.MaxTenorDays, Rate: rate}, {Band: "B", MaxTenorDays: financing.MaxTenorDays, Rate: rate},
			{Band: "grey", MaxTenorDays: financing.MaxTenorDays, Rate: rate}}
	})
	maturity, err := today.AddMonths(months)
	require.NoError(t, err)
	f := goods("rcp-0001")
	f.ValueMinor = 1_000_000_00
	d := decide(t, caseOf(t, p, 660, advance, int64(calendar.DaysBetween(today, maturity)), f))
	require.NotNil(t, d.Terms)
	require.Len(t, d.Terms.Schedule, months)
	return d.Terms.Schedule
}

// The amounts are those of the formula P·r/(1−(1+r)^−n), up to the next cent where it does not come out even; the last instalment
// takes what the cents leave over.
func TestAnnuities(t *testing.T) {
	for name, tc := range map[string]struct {
		advance int64
		rate    money.BasisPoints
		months  int
		each    int64
		last    int64
	}{
		// The formula gives 1 066.1855, as in any table of annuity factors (11.2551 for 1 % and 12 periods: 12 000.00 ÷ 11.2551).
		"12 000.00 at 12 % over a year": {12_000_00, 1200, 12, 1_066_19, 1_066_13},
		// 12 CFR part 1026 (Regulation Z), appendix J, (c)(1)(i): 5 000.00 in 24 monthly payments of 230.00 is 9.69 %. The rate is
		// rounded there; at exactly 9.69 % the formula gives 230.0099.
		"Regulation Z, appendix J": {5_000_00, 969, 24, 230_01, 230_01},
		// The formula gives 8 606.6430.
		"100 000.00 at 6 % over a year": {100_000_00, 600, 12, 8_606_65, 8_606_56},
		"without interest":              {10_000_00, 0, 3, 3_333_34, 3_333_32},
		"one payment":                   {10_000_00, 600, 1, 10_050_00, 10_050_00},
	} {
		t.Run(name, func(t *testing.T) {
			list := annuityOf(t, tc.advance, tc.rate, tc.months)
			principal := int64(0)
			for i, due := range list {
				principal += due.PrincipalMinor
				if i < len(list)-1 {
					assert.Equal(t, tc.each, due.PrincipalMinor+due.InterestMinor, "instalment %d", i+1)
				} else {
					assert.Equal(t, tc.last, due.PrincipalMinor+due.InterestMinor, "the last")
				}
			}
			assert.Equal(t, tc.advance, principal)
		})
	}
}

// Worked out by hand, 10 000.00 at 5 % over three months: interest 10 000.00 × 5 %/12 = 41.67 (41.666…), so 3 319.48 of 3 361.15
// repay; on 6 680.52 it is 27.8355 − 0.0033 = 27.83; on 3 347.20 it is 13.9467 + 0.0022 = 13.95.
func TestAnnuityByHand(t *testing.T) {
	var got [][2]int64
	for _, due := range annuityOf(t, 10_000_00, 500, 3) {
		got = append(got, [2]int64{due.PrincipalMinor, due.InterestMinor})
	}
	assert.Equal(t, [][2]int64{{3_319_48, 41_67}, {3_333_32, 27_83}, {3_347_20, 13_95}}, got)
}

// Paid on its days, an annuity costs what was quoted, each instalment the same amount, and nothing is left.
func TestAnnuityIsPaidToNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policy(t, func(terms *financing.Terms) {
			terms.Repayment, terms.MaxTenorDays = financing.Annuity, financing.MaxTenorDays
			terms.DayCount = rapid.SampledFrom([]calendar.DayCount{calendar.Actual360, calendar.Actual365Fixed, calendar.Thirty360E}).Draw(t, "count")
			terms.Rounding = rapid.SampledFrom([]money.Rounding{money.HalfEven, money.HalfUp, money.Up, money.Down}).Draw(t, "rounding")
			rate := money.BasisPoints(rapid.IntRange(0, 3000).Draw(t, "rate"))
			for i := range terms.Prices {
				terms.Prices[i].Rate, terms.Prices[i].MaxTenorDays = rate, financing.MaxTenorDays
			}
			terms.Prices = []financing.Price{terms.Prices[0], terms.Prices[2], terms.Prices[4]}
		})
		f := goods("rcp-0001")
		f.ValueMinor = 1_000_000_00
		c := caseOf(t, p, 660, rapid.Int64Range(1_000_00, 500_000_00).Draw(t, "advance"), rapid.Int64Range(7, 1500).Draw(t, "tenor"), f)
		l := loanOf(t, c)
		list := l.Terms.Schedule
		each := list[0].PrincipalMinor + list[0].InterestMinor
		for i, due := range list {
			at := l.AccruedTo
			now, err := l.At(due.On)
			require.NoError(t, err)
			require.Equal(t, due.InterestMinor, now.Owed.InterestMinor, "instalment %d after %s", i+1, at)
			minor := due.PrincipalMinor + due.InterestMinor
			if i < len(list)-1 {
				require.Equal(t, each, minor)
			} else {
				require.LessOrEqual(t, minor, each)
			}
			l = pay(t, l, minor, calendar.DaysBetween(today, due.On))
		}
		require.Equal(t, financing.Repaid, l.Status)
		require.Equal(t, l.Terms.InterestMinor, l.Paid.InterestMinor)
		require.Zero(t, l.SurplusMinor)
	})
}
