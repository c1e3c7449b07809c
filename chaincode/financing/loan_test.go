package financing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
)

func TestBulletPaidOnTime(t *testing.T) {
	l := loanOf(t, caseOf(t, policy(t), 660, 80_000_00, 0, claim("frg-0001", "p-00bb22")))
	assert.Equal(t, int64(79_800_00), l.PayoutMinor())
	atMaturity, err := l.At(l.Terms.MaturityOn)
	require.NoError(t, err)
	assert.Equal(t, financing.Sums{PrincipalMinor: 80_000_00, InterestMinor: 533_33}, atMaturity.Owed)
	l = pay(t, l, 80_533_33, 60)
	assert.Equal(t, financing.Repaid, l.Status)
	assert.Equal(t, financing.Sums{}, l.Owed)
	assert.Equal(t, financing.Sums{PrincipalMinor: 80_000_00, InterestMinor: 533_33, FeesMinor: 200_00}, l.Paid)
	assert.Zero(t, l.SurplusMinor)
	_, err = l.Repay(financing.Payment{AmountMinor: 1, Currency: "EUR", ReceivedOn: today, Source: financing.FromBorrower}, maker, later(60))
	assert.Equal(t, fault.TransitionDenied, fault.CodeOf(err))
}

func TestWaterfallAndSurplus(t *testing.T) {
	l := loanOf(t, caseOf(t, policy(t), 660, 80_000_00, 0, claim("frg-0001", "p-00bb22")))
	l, err := l.Charge(50_00, "Change of account", maker, later(10))
	require.NoError(t, err)
	// 30 days: 80 000.00 × 4 % × 30/360 = 266.67 (266.666…); the third of a cent goes on.
	l = pay(t, l, 1_000_00, 30)
	assert.Equal(t, financing.Sums{FeesMinor: 250_00, InterestMinor: 266_67, PrincipalMinor: 683_33}, l.Paid)
	assert.Equal(t, int64(79_316_67), l.Owed.PrincipalMinor)
	// 30 more days on 79 316.67: 264.38900 − 0.00333 = 264.38567, so 264.39 in all.
	l = pay(t, l, 90_000_00, 60)
	assert.Equal(t, financing.Repaid, l.Status)
	assert.Equal(t, int64(531_06), l.Paid.InterestMinor)
	assert.Equal(t, int64(90_000_00-79_316_67-264_39), l.SurplusMinor)
}

func TestPenaltyBucketsDefaultAndRecovery(t *testing.T) {
	l := loanOf(t, caseOf(t, policy(t), 660, 80_000_00, 0, claim("frg-0001", "p-00bb22")))
	for day, want := range map[int]financing.Bucket{59: financing.Current, 60: financing.Current, 61: financing.Past1To30, 90: financing.Past1To30,
		91: financing.Past31To60, 121: financing.Past61To90, 150: financing.Past61To90, 151: financing.PastOver90} {
		assert.Equal(t, want, l.Standing(calendar.From(later(day))), "day %d", day)
	}
	_, err := l.Default(checker, later(149))
	assert.Equal(t, fault.LoanNotOverdue, fault.CodeOf(err))
	_, err = l.Default(stranger, later(150))
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	l, err = l.Default(checker, later(150))
	require.NoError(t, err)
	l, err = l.Recourse(checker, later(150))
	require.NoError(t, err)
	assert.True(t, l.RecourseCalled)
	_, err = l.Cure(checker, later(151))
	assert.Equal(t, fault.LoanOutstanding, fault.CodeOf(err))
	// 150 days at 4 % = 1 333.33…, 90 of them at 5 % more = 1 000.00.
	l = pay(t, l, 2_333_33, 150)
	assert.Equal(t, int64(2_333_33), l.Paid.InterestMinor)
	assert.Equal(t, int64(80_000_00), l.Owed.PrincipalMinor)
	l, err = l.WriteOff("No assets.", checker, later(150))
	require.NoError(t, err)
	assert.Equal(t, int64(80_000_00), l.Lost.PrincipalMinor)
	uses, err := l.Outstanding()
	require.NoError(t, err)
	assert.Zero(t, uses[0].Minor)
	l, err = l.Recover(financing.Payment{AmountMinor: 80_100_00, Currency: "EUR", ReceivedOn: calendar.From(later(400)), Source: financing.FromCollateral}, maker, later(400))
	require.NoError(t, err)
	assert.Equal(t, int64(80_000_00), l.RecoveredMinor)
	assert.Equal(t, int64(100_00), l.SurplusMinor)
}

func TestInstalments(t *testing.T) {
	p := policy(t, func(terms *financing.Terms) { terms.Repayment = financing.EqualPrincipal })
	d := decide(t, caseOf(t, p, 610, 10_000_00, 100, goods("rcp-0001")))
	// 100 days after Monday 23 November 2026 is Wednesday 3 March 2027; a month before that is Wednesday 3 February, then
	// Sunday 3 January, so Monday the 4th, then Thursday 3 December.
	assert.Equal(t, []financing.Due{
		{On: date(t, "2026-12-03"), PrincipalMinor: 2_500_00, InterestMinor: 19_44}, {On: date(t, "2027-01-04"), PrincipalMinor: 2_500_00, InterestMinor: 46_67},
		{On: date(t, "2027-02-03"), PrincipalMinor: 2_500_00, InterestMinor: 29_17}, {On: date(t, "2027-03-03"), PrincipalMinor: 2_500_00, InterestMinor: 13_61},
	}, d.Terms.Schedule)
	// 7 % on 10 000.00 for 10 days, 7 500.00 for 32, 5 000.00 for 30, 2 500.00 for 28 of 360.
	assert.Equal(t, int64(19_44+46_67+29_17+13_61), d.Terms.InterestMinor)
	l := loanOf(t, caseOf(t, p, 610, 10_000_00, 100, goods("rcp-0001")))
	assert.Equal(t, int64(5), l.DaysPastDue(calendar.From(later(15))))
	l = pay(t, l, 5_100_00, 15)
	assert.Zero(t, l.DaysPastDue(calendar.From(later(42))), "the second part is paid early")
	assert.Equal(t, int64(1), l.DaysPastDue(calendar.From(later(73))))
}

func TestExposureIsNeverUnderstated(t *testing.T) {
	l := loanOf(t, caseOf(t, policy(t), 660, 100_000_00, 0, claim("frg-0001", "p-00bb22"), claim("frg-0002", "p-00bb22"), claim("frg-0003", "p-00cc33")))
	after := pay(t, l, 50_000_00, 0)
	uses, err := after.Outstanding()
	require.NoError(t, err)
	minor := func(i int) int64 { return uses[i].Minor }
	// Half is repaid. Of 66 666.67 and 33 333.34 against the buyers 33 333.335 and 16 666.67 are left.
	assert.Equal(t, []int64{50_000_00, 50_000_00, 33_333_34, 16_666_67}, []int64{minor(0), minor(1), minor(2), minor(3)})
	freed, err := after.Freed(l)
	require.NoError(t, err)
	assert.Equal(t, int64(66_666_67-33_333_34), freed[2].Minor)
}

func TestDrawdown(t *testing.T) {
	c := caseOf(t, policy(t), 660, 80_000_00, 0, claim("frg-0001", "p-00bb22"))
	a, err := c.Application.Settle(decide(t, c), c.Policy, robot, noon)
	require.NoError(t, err)
	a, l, err := a.Accept("lon-0001", c.Policy, sme, noon)
	require.NoError(t, err)
	assert.Equal(t, financing.Accepted, a.Status)
	uses, err := l.Outstanding()
	require.NoError(t, err)
	assert.Zero(t, uses[0].Minor, "nothing is drawn yet")
	_, err = l.Draw([]int{1}, "", maker, noon)
	assert.Equal(t, fault.LimitMismatch, fault.CodeOf(err))
	_, err = l.Draw(nil, "", maker, later(6))
	assert.Equal(t, fault.OfferExpired, fault.CodeOf(err))
	_, err = l.Draw(nil, "", stranger, noon)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	drawn, err := l.Draw([]int{3, 0, 2}, "", maker, noon)
	require.NoError(t, err)
	assert.Equal(t, 3, drawn.Uses[0].Lane)
	assert.Equal(t, 0, l.Uses[0].Lane, "an earlier value does not change")
	_, err = drawn.Draw(nil, "", maker, noon)
	assert.Equal(t, fault.TransitionDenied, fault.CodeOf(err))
	_, err = drawn.Cancel(sme, noon)
	assert.Equal(t, fault.TransitionDenied, fault.CodeOf(err))
	gone, err := l.Cancel(sme, noon)
	require.NoError(t, err)
	assert.Equal(t, financing.Cancelled, gone.Status)
}

func TestPaymentDates(t *testing.T) {
	l := pay(t, loanOf(t, caseOf(t, policy(t), 660, 80_000_00, 0, claim("frg-0001", "p-00bb22"))), 100_00, 10)
	for name, p := range map[string]financing.Payment{
		"before the last movement": {AmountMinor: 1, Currency: "EUR", ReceivedOn: calendar.From(later(9)), Source: financing.FromBorrower},
		"in the future":            {AmountMinor: 1, Currency: "EUR", ReceivedOn: calendar.From(later(21)), Source: financing.FromBorrower},
	} {
		_, err := l.Repay(p, maker, later(20))
		assert.Equal(t, fault.PaymentBackdated, fault.CodeOf(err), name)
	}
	_, err := l.Repay(financing.Payment{AmountMinor: 1, Currency: "USD", ReceivedOn: calendar.From(later(20)), Source: financing.FromBorrower}, maker, later(20))
	assert.Equal(t, fault.CurrencyMismatch, fault.CodeOf(err))
}

// Money conserves from drawdown to write-off and recovery, and the exposure that the lanes hold is the principal.
func TestMoneyConserves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		c.Score.Points = 660
		d := decide(t, c)
		if d.Outcome != financing.Approve {
			return
		}
		l := loanOf(t, c)
		held := map[int]int64{}
		for i, u := range l.Uses {
			held[i] = u.Minor
		}
		received, interestBefore := int64(0), int64(0)
		day := 0
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			day += rapid.IntRange(0, 60).Draw(t, "days")
			before := l
			var err error
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				l, err = l.Charge(rapid.Int64Range(1, 100_00).Draw(t, "fee"), "fee", maker, later(day))
			case 1:
				l, err = l.Default(checker, later(day))
			case 2:
				l, err = l.Cure(checker, later(day))
			case 3:
				if day > 200 {
					l, err = l.WriteOff("lost", checker, later(day))
				}
			case 4:
				p := financing.Payment{AmountMinor: rapid.Int64Range(1, 100_000_00).Draw(t, "recovery"), Currency: "EUR", ReceivedOn: calendar.From(later(day)), Source: financing.FromBorrower}
				if l, err = l.Recover(p, maker, later(day)); err == nil {
					received += p.AmountMinor
				}
			default:
				p := financing.Payment{AmountMinor: rapid.Int64Range(1, 60_000_00).Draw(t, "payment"), Currency: "EUR", ReceivedOn: calendar.From(later(day)), Source: financing.FromBuyer}
				if l, err = l.Repay(p, maker, later(day)); err == nil {
					received += p.AmountMinor
				}
			}
			if err != nil {
				require.Equal(t, before, l, "what is refused changes nothing")
				continue
			}
			require.Equal(t, l.Terms.AdvanceMinor, l.Owed.PrincipalMinor+l.Paid.PrincipalMinor+l.Lost.PrincipalMinor)
			require.Equal(t, l.FeesChargedMinor, l.Owed.FeesMinor+l.Paid.FeesMinor+l.Lost.FeesMinor)
			require.Equal(t, received, l.ReceivedMinor)
			require.Equal(t, received, l.Paid.TotalMinor()-l.Terms.FeeMinor+l.RecoveredMinor+l.SurplusMinor)
			require.LessOrEqual(t, l.RecoveredMinor, l.Lost.TotalMinor())
			charged := l.Paid.InterestMinor + l.Lost.InterestMinor + l.Owed.InterestMinor
			require.GreaterOrEqual(t, charged, interestBefore, "interest that was charged does not vanish")
			interestBefore = charged
			if l.Status == financing.Repaid {
				require.Equal(t, financing.Sums{}, l.Owed)
			}
			freed, err := l.Freed(before)
			require.NoError(t, err)
			for i, u := range l.Uses {
				for _, f := range freed {
					if f.Limit == u.Limit {
						held[i] -= f.Minor
					}
				}
			}
			now, err := l.Outstanding()
			require.NoError(t, err)
			for i, u := range now {
				require.Equal(t, u.Minor, held[i], "lane %d", i)
				require.GreaterOrEqual(t, held[i], int64(0))
				require.GreaterOrEqual(t, held[i]*l.Terms.AdvanceMinor, l.Uses[i].Minor*l.Owed.PrincipalMinor, "never understated")
			}
		}
	})
}
