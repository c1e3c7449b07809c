package financing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
)

func paid(minor int64, id string, day int) financing.Collection {
	return financing.Collection{Receivable: "rcv-0001", Payment: id, AmountMinor: minor, Currency: "EUR", On: calendar.From(later(day))}
}

func TestBuyersPaymentGoesDownTheWaterfallOnce(t *testing.T) {
	l := loanOf(t, caseOf(t, policy(t), 660, 80_000_00, 0, claim("frg-0001", "p-00bb22")))
	l, err := l.Charge(50_00, "Change of account", maker, later(10))
	require.NoError(t, err)
	l, err = l.Collect(paid(1_000_00, "pay-0001", 30), robot, later(31))
	require.NoError(t, err)
	// As in TestWaterfallAndSurplus: 50.00 of fees, 266.67 of interest up to the buyer's payment, the rest principal.
	assert.Equal(t, financing.Sums{FeesMinor: 250_00, InterestMinor: 266_67, PrincipalMinor: 683_33}, l.Paid)
	last := l.Movements[len(l.Movements)-1]
	assert.Equal(t, []string{"rcv-0001", "pay-0001"}, []string{last.Receivable, last.Payment})
	assert.Equal(t, financing.FromBuyer, last.Source)
	_, err = l.Collect(paid(1_000_00, "pay-0001", 30), robot, later(31))
	assert.Equal(t, fault.RecordExists, fault.CodeOf(err))
	_, err = l.Collect(paid(1_000_00, "pay-0002", 40), stranger, later(41))
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))

	l, err = l.Collect(paid(99_000_00, "pay-0002", 20), robot, later(60)) // heard of late: it counts from the last movement
	require.NoError(t, err)
	assert.Equal(t, financing.Repaid, l.Status)
	assert.Equal(t, int64(99_000_00-79_316_67), l.SurplusMinor)
	l, err = l.Collect(paid(10_00, "pay-0003", 61), robot, later(61))
	require.NoError(t, err)
	assert.Equal(t, financing.Repaid, l.Status)
	assert.Equal(t, int64(99_000_00-79_316_67+10_00), l.SurplusMinor)
	assert.Equal(t, l.ReceivedMinor, l.Paid.TotalMinor()-l.Terms.FeeMinor+l.SurplusMinor)

	l, err = l.Return("SEPA 9", maker, later(62))
	require.NoError(t, err)
	assert.Equal(t, l.SurplusMinor, l.ReturnedMinor)
	_, err = l.Return("SEPA 10", maker, later(62))
	assert.Equal(t, fault.LoanOutstanding, fault.CodeOf(err))
}

func TestPaymentOnALoanThatOwesNothing(t *testing.T) {
	c := caseOf(t, policy(t), 660, 80_000_00, 0, claim("frg-0001", "p-00bb22"))
	a, err := c.Application.Settle(decide(t, c), c.Policy, robot, noon)
	require.NoError(t, err)
	_, l, err := a.Accept("lon-0001", c.Policy, sme, noon)
	require.NoError(t, err)
	l, err = l.Collect(paid(100_000_00, "pay-0001", 0), robot, noon)
	require.NoError(t, err)
	assert.Equal(t, financing.Agreed, l.Status)
	assert.Equal(t, int64(100_000_00), l.SurplusMinor)
	facts := []financing.CollateralFact{c.Collateral[0]}
	require.NoError(t, l.StillBacked(facts))
	facts[0].ReservedFor = ""
	assert.Equal(t, fault.CollateralMismatch, fault.CodeOf(l.StillBacked(facts)), "a claim that was paid backs nothing")
	facts[0] = c.Collateral[0]
	facts[0].ValueMinor = 79_999_99
	assert.Equal(t, fault.CollateralMismatch, fault.CodeOf(l.StillBacked(facts)))
}

func TestPaymentOnAWrittenOffLoanIsARecovery(t *testing.T) {
	l := loanOf(t, caseOf(t, policy(t), 660, 80_000_00, 0, claim("frg-0001", "p-00bb22")))
	l, err := l.Default(checker, later(200))
	require.NoError(t, err)
	l, err = l.WriteOff("The buyer is insolvent.", checker, later(200))
	require.NoError(t, err)
	l, err = l.Collect(paid(5_000_00, "pay-0001", 300), robot, later(300))
	require.NoError(t, err)
	assert.Equal(t, int64(5_000_00), l.RecoveredMinor)
}
