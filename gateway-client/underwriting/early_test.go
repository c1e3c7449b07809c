package underwriting_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/consortium"
)

// A buyer sets up a programme, bank A funds it, acme enrols; what the buyer confirms is offered to acme, once, and paid early; the
// buyer's payment repays the bank.
func TestConfirmedClaimsAreOfferedEarlyPayment(t *testing.T) {
	m := newMarketWith(t, func(terms *financing.Terms) { terms.Products = append(terms.Products, financing.ReverseFactoring) })
	on := func(function string, input any, args ...string) consortium.Call {
		return consortium.Call{Function: function, Args: append([]string{programme}, args...), Input: input, Circles: []string{programme}}
	}
	terms := financing.ProgrammeTerms{Currency: "EUR", Cost: financing.SupplierPays, MaxTenorDays: 90, DayCount: calendar.Actual360, Rounding: money.HalfEven,
		Grid: []financing.Discount{{MaxTenorDays: 90, Rate: 300}}}
	m.must(m.session("buyer", "alice"), on("financing:ProposeProgramme", terms), nil)
	m.must(m.session("buyer", "bruno"), on("financing:ApproveProgramme", nil), nil)
	fund := on("financing:FundProgramme", nil, desk)
	fund.Circles = append(fund.Circles, desk)
	m.must(m.session("bankA", "rita"), fund, nil)
	before := m.claim() // acme is not enrolled yet
	m.must(m.session("supplier", "amy"), on("financing:Enrol", nil, "BankAMSP"), nil)
	after := m.claim()

	list := func() (open []financing.Application) {
		var page struct {
			Applications []financing.Application `json:"applications"`
		}
		call := consortium.Call{Function: "financing:Applications", Args: []string{"50", ""}, Circles: []string{desk}}
		if m.session("supplier", "amy").Evaluate(m.ctx, call, &page) != nil {
			return nil
		}
		return page.Applications
	}
	u := m.underwriter(nil)
	u.From = m.Ledger.Height() - 1 // it hears of the second confirmation only
	m.until(u, func() bool { return len(list()) == 1 })
	id := m.apply(9, before)
	m.until(m.underwriter(nil), m.decided(id)) // another process, which hears of everything: nothing is offered twice
	offers := list()
	offers = slices.DeleteFunc(offers, func(a financing.Application) bool { return a.ID == id })
	require.Len(t, offers, 1, "offered once")
	a := offers[0]
	assert.Equal(t, financing.ReverseFactoring, a.Product)
	assert.Equal(t, after, a.Collateral[0].ID)
	assert.NotEqual(t, before, a.Collateral[0].ID)
	assert.Equal(t, int64(500_00), a.Decision.Terms.TotalCostMinor, "100 000.00 × 3 % × 60/360")

	circles := []string{desk, programme}
	m.must(m.session("supplier", "amy"), consortium.Call{Function: "financing:Accept", Args: []string{a.ID, "loan-00000001"}, Circles: circles}, nil)
	m.must(m.session("bankA", "mona"), consortium.Call{Function: "financing:Draw", Args: []string{"loan-00000001"}, Input: financing.DrawInput{}, Circles: circles}, nil)
	l, err := m.loan("loan-00000001")
	require.NoError(t, err)
	assert.Equal(t, int64(99_500_00), l.PayoutMinor())
	of, err := receivable.ReceivableOf(after)
	require.NoError(t, err)
	m.pays(1, of, 100_000_00)
	m.until(m.underwriter(nil), m.booked("loan-00000001", 1))
	l, err = m.loan("loan-00000001")
	require.NoError(t, err)
	assert.Equal(t, financing.Repaid, l.Status)
	assert.Zero(t, l.SurplusMinor)
}
