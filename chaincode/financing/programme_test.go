package financing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
)

var (
	buyerMaker   = member.Actor{MSP: "BuyerMSP", Party: "p-00bb22", User: "u-maker"}
	buyerChecker = member.Actor{MSP: "BuyerMSP", Party: "p-00bb22", User: "u-checker"}
)

func earlyTerms() financing.ProgrammeTerms {
	return financing.ProgrammeTerms{Currency: "EUR", Cost: financing.SupplierPays, MaxTenorDays: 90, DayCount: calendar.Actual360, Rounding: money.HalfEven,
		Grid: []financing.Discount{{MaxTenorDays: 30, Rate: 240}, {MaxTenorDays: 90, Rate: 300}}}
}

func programmeOf(t require.TestingT, terms financing.ProgrammeTerms) financing.Programme {
	p, err := financing.Programme{ID: "prg-0001", Buyer: buyerMaker.Party}.Propose(terms, buyerMaker)
	require.NoError(t, err)
	p, err = p.Approve(buyerChecker, noon)
	require.NoError(t, err)
	p, err = p.Fund("dsk-0001", risk1, noon)
	require.NoError(t, err)
	return p
}

// earlyCase is a claim of 100 000.00, due in 60 days, of an enrolled supplier.
func earlyCase(t require.TestingT, p financing.Programme) financing.Case {
	e, err := p.Enrol("BankAMSP", sme, noon)
	require.NoError(t, err)
	f := claim("frg-0001", buyerMaker.Party)
	f.ReservedFor = ""
	a, err := e.OfferOf("app-0001", f.Ref, "EUR", robot, noon)
	require.NoError(t, err)
	c := financing.Case{Application: a, Programme: &p, Collateral: []financing.CollateralFact{f}, Today: today,
		Policy: policy(t, func(terms *financing.Terms) { terms.Products = append(terms.Products, financing.ReverseFactoring) })}
	c.Headroom = headroomOf(t, c)
	return c
}

func TestEarlyPaymentIsTheGridsDiscount(t *testing.T) {
	d, err := financing.DecideEarly(earlyCase(t, programmeOf(t, earlyTerms())))
	require.NoError(t, err)
	// 100 000.00 × 3 % × 60/360 = 500.00; (100 000.00/99 500.00)^(365/60) − 1 = 3.10 %.
	assert.Equal(t, int64(100_000_00), d.Terms.AdvanceMinor)
	assert.Equal(t, int64(500_00), d.Terms.FeeMinor)
	assert.Equal(t, int64(500_00), d.Terms.TotalCostMinor)
	assert.Equal(t, int64(310), d.Terms.AnnualCostBP)
	assert.False(t, d.Terms.WithRecourse)
	assert.Zero(t, d.Terms.Rate)
	for _, u := range d.Uses {
		assert.Equal(t, int64(100_000_00), u.Minor)
	}
	terms := earlyTerms()
	terms.Cost = financing.BuyerPays
	d, err = financing.DecideEarly(earlyCase(t, programmeOf(t, terms)))
	require.NoError(t, err)
	assert.Zero(t, d.Terms.FeeMinor)
	assert.Equal(t, int64(500_00), d.Terms.BuyerCostMinor)
	assert.Zero(t, d.Terms.AnnualCostBP)
}

func TestNoOfferOutsideTheTerms(t *testing.T) {
	for name, change := range map[string]func(*financing.Case){
		"a term that is too long":   func(c *financing.Case) { c.Collateral[0].DueOn, _ = today.AddDays(91) },
		"another buyer's claim":     func(c *financing.Case) { c.Collateral[0].Buyer = "p-00cc33" },
		"another programme's":       func(c *financing.Case) { c.Collateral[0].Circle = "prg-0002" },
		"reserved already":          func(c *financing.Case) { c.Collateral[0].ReservedFor = "app-0009" },
		"in dispute":                func(c *financing.Case) { c.Collateral[0].Impaired = true },
		"another currency":          func(c *financing.Case) { c.Collateral[0].Currency = "USD" },
		"no room for the whole":     func(c *financing.Case) { c.Headroom[0].FreeMinor = 99_999_99 },
		"a product of another bank": func(c *financing.Case) { c.Policy.Terms.Products = c.Policy.Terms.Products[:1] },
		"a near duplicate": func(c *financing.Case) {
			c.Findings.Lookalikes = []financing.LooksLike{{Collateral: "frg-0001", Receivables: []string{"rcv-0009"}}}
		},
		"a bank that does not fund": func(c *financing.Case) { c.Programme.Funders = nil },
		"no terms":                  func(c *financing.Case) { c.Programme.Active = nil },
	} {
		c := earlyCase(t, programmeOf(t, earlyTerms()))
		change(&c)
		_, err := financing.DecideEarly(c)
		assert.Equal(t, fault.OfferNotMade, fault.CodeOf(err), "%s: %v", name, err)
	}
}

func TestWhoSetsUpAProgramme(t *testing.T) {
	empty := financing.Programme{ID: "prg-0001", Buyer: buyerMaker.Party}
	_, err := empty.Propose(earlyTerms(), sme)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	bad := earlyTerms()
	bad.Grid[1].MaxTenorDays, bad.Cost = 30, "nobody"
	_, err = empty.Propose(bad, buyerMaker)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
	p, err := empty.Propose(earlyTerms(), buyerMaker)
	require.NoError(t, err)
	_, err = p.Approve(buyerMaker, noon)
	assert.Equal(t, fault.MakerIsChecker, fault.CodeOf(err))
	_, err = p.Fund("dsk-0001", risk1, noon)
	assert.Equal(t, fault.TransitionDenied, fault.CodeOf(err), "nothing is active yet")
	p = programmeOf(t, earlyTerms())
	_, err = p.Fund("dsk-0001", risk2, noon)
	assert.Equal(t, fault.RecordExists, fault.CodeOf(err))
	_, err = p.Enrol("BankBMSP", sme, noon)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	e, err := p.Enrol("BankAMSP", sme, noon)
	require.NoError(t, err)
	e, err = e.End(sme, noon)
	require.NoError(t, err)
	_, err = e.OfferOf("app-0001", financing.Ref{}, "EUR", robot, noon)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	p, err = p.Propose(earlyTerms(), buyerMaker)
	require.NoError(t, err)
	p, err = p.Approve(buyerChecker, noon)
	require.NoError(t, err)
	assert.Empty(t, p.Funders, "banks agree to each version anew")
	assert.Equal(t, int64(2), p.Version)
}
