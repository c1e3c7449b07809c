package financing_test

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/financing/financingtest"
	"github.com/tallystick/tallystick/chaincode/member"
)

var (
	noon     = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC) // a Monday
	risk1    = member.Actor{MSP: "BankAMSP", Party: "p-ba0001", User: "u-risk1"}
	risk2    = member.Actor{MSP: "BankAMSP", Party: "p-ba0001", User: "u-risk2"}
	robot    = member.Actor{MSP: "BankAMSP", Party: "p-ba0001", User: "u-robot"}
	maker    = member.Actor{MSP: "BankAMSP", Party: "p-ba0001", User: "u-maker"}
	checker  = member.Actor{MSP: "BankAMSP", Party: "p-ba0001", User: "u-checker"}
	stranger = member.Actor{MSP: "BankBMSP", Party: "p-ba0002", User: "u-other"}
	sme      = member.Actor{MSP: "SupplierMSP", Party: "p-00aa11", User: "u-sme"}
	cardHash = strings.Repeat("ab", 32)
	today    = calendar.From(noon)
)

func date(t require.TestingT, text string) calendar.Date {
	d, err := calendar.Parse(text)
	require.NoError(t, err)
	return d
}

func later(days int) time.Time { return noon.AddDate(0, 0, days) }

func policy(t require.TestingT, change ...func(*financing.Terms)) financing.Policy {
	terms := financingtest.Terms(cardHash)
	for _, c := range change {
		c(&terms)
	}
	p, err := financing.NewPolicy(financing.PolicyProposal{ID: "pol-0001", Terms: terms}, nil, risk1, noon)
	require.NoError(t, err)
	p, err = p.Answer(true, risk2, noon)
	require.NoError(t, err)
	return p
}

// claim is a confirmed claim of 100 000.00 against the buyer, due in 60 days.
func claim(id, buyer string) financing.CollateralFact {
	due, _ := today.AddDays(60)
	return financing.CollateralFact{
		Ref:   financing.Ref{Kind: financing.Fragment, ID: id, Circle: "prg-0001"},
		Owner: sme.Party, Currency: "EUR", ValueMinor: 100_000_00, Buyer: buyer, DueOn: due, Proved: true, ReservedFor: "app-0001",
	}
}

// goods are worth 50 000.00, inspected today.
func goods(id string) financing.CollateralFact {
	return financing.CollateralFact{
		Ref:   financing.Ref{Kind: financing.Receipt, ID: id, Circle: "prg-0002"},
		Owner: sme.Party, Currency: "EUR", ValueMinor: 50_000_00, Proved: true, EvidenceOn: today, ReservedFor: "app-0001",
	}
}

// caseOf is an application for the advance (0: as much as possible) on the collateral, with the score.
func caseOf(t require.TestingT, p financing.Policy, points, advance, tenor int64, collateral ...financing.CollateralFact) financing.Case {
	r := financing.Request{ID: "app-0001", Bank: "BankAMSP", Currency: "EUR", AdvanceMinor: advance, TenorDays: tenor, Consent: "cns-0001"}
	kinds := map[financing.Kind]bool{}
	for _, c := range collateral {
		r.Collateral = append(r.Collateral, c.Ref)
		kinds[c.Kind] = true
	}
	switch {
	case kinds[financing.Fragment] && kinds[financing.Receipt]:
		r.Product = financing.CombinedProduct
	case kinds[financing.Receipt]:
		r.Product = financing.InventoryProduct
	default:
		r.Product = financing.ReceivableProduct
	}
	a, err := financing.Apply(r, p, sme, noon)
	require.NoError(t, err)
	c := financing.Case{
		Application: a, Collateral: collateral, Policy: p, Today: today,
		Score: financing.ScoreFact{ID: "scr-0001", Application: a.ID, Subject: sme.Party, CardHash: cardHash, Points: points,
			Reasons: []string{"days_to_confirm"}, EvidenceOn: today},
	}
	c.Headroom = headroomOf(t, c)
	return c
}

// headroomOf is the first lane of each limit that the case draws on, as nobody has drawn on it.
func headroomOf(t require.TestingT, c financing.Case) []financing.Headroom {
	var list []financing.Headroom
	for _, d := range c.Draws() {
		limit, lanes, err := financing.OpenLimit(c.Policy, d.Kind, d.Subject)
		require.NoError(t, err)
		list = append(list, financing.Headroom{Kind: d.Kind, Subject: d.Subject, Limit: limit.ID, Lane: 0, FreeMinor: lanes[0].FreeMinor()})
	}
	return list
}

func decide(t require.TestingT, c financing.Case) financing.Decision {
	d, err := financing.Decide(c)
	require.NoError(t, err)
	return d
}

// loanOf is a drawn loan on the terms that the case gives.
func loanOf(t require.TestingT, c financing.Case) financing.Loan {
	a, err := c.Application.Settle(decide(t, c), c.Policy, robot, noon)
	require.NoError(t, err)
	require.Equal(t, financing.Approved, a.Status)
	_, l, err := a.Accept("lon-0001", c.Policy, sme, noon)
	require.NoError(t, err)
	l, err = l.Draw(nil, "payment 1", maker, noon)
	require.NoError(t, err)
	return l
}

func pay(t require.TestingT, l financing.Loan, minor int64, day int) financing.Loan {
	p := financing.Payment{AmountMinor: minor, Currency: "EUR", ReceivedOn: calendar.From(later(day)), Source: financing.FromBorrower}
	l, err := l.Repay(p, maker, later(day))
	require.NoError(t, err)
	return l
}
