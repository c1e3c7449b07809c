package financing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/financing/financingtest"
	"github.com/tallystick/tallystick/chaincode/money"
)

func TestPolicyIsApprovedByAnotherUser(t *testing.T) {
	proposal := financing.PolicyProposal{ID: "pol-0001", Terms: financingtest.Terms(cardHash)}
	p, err := financing.NewPolicy(proposal, nil, risk1, noon)
	require.NoError(t, err)
	_, err = p.Answer(true, risk1, noon)
	assert.Equal(t, fault.MakerIsChecker, fault.CodeOf(err))
	_, err = p.Answer(true, stranger, noon)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	p, err = p.Answer(true, risk2, noon)
	require.NoError(t, err)
	assert.Equal(t, financing.PolicyActive, p.Status)

	proposal.ID = "pol-0002"
	next, err := financing.NewPolicy(proposal, &p, risk1, noon)
	require.NoError(t, err)
	assert.Equal(t, int64(2), next.Version)
	proposal.Terms.LimitKey = cardHash
	_, err = financing.NewPolicy(proposal, &p, risk1, noon)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), "limits would be lost")
	old, err := p.Supersede()
	require.NoError(t, err)
	assert.Equal(t, financing.PolicySuperseded, old.Status)
}

func TestPolicyThatMakesNoSenseIsRefused(t *testing.T) {
	for name, change := range map[string]func(*financing.Terms){
		"currency":           func(p *financing.Terms) { p.Currency = "XXX" },
		"bands out of order": func(p *financing.Terms) { p.Bands[1].MinPoints = 700 },
		"a good band below": func(p *financing.Terms) {
			p.Bands[2].Outcome = financing.Decline
			p.Bands[3].Outcome = financing.Approve
		},
		"nobody is declined":   func(p *financing.Terms) { p.Bands[3].Outcome = financing.Refer },
		"two bands of a name":  func(p *financing.Terms) { p.Bands[1].Name = "A" },
		"a band has no price":  func(p *financing.Terms) { p.Prices = p.Prices[1:4] },
		"a tenor has no price": func(p *financing.Terms) { p.MaxTenorDays = 181 },
		"a price of no band":   func(p *financing.Terms) { p.Prices[0].Band = "Z" },
		"advance above value":  func(p *financing.Terms) { p.AdvanceFragment = money.Whole + 1 },
		"minimum over maximum": func(p *financing.Terms) { p.MinAdvanceMinor = p.MaxAdvanceMinor + 1 },
		"day count":            func(p *financing.Terms) { p.DayCount = "30/360" },
		"rounding":             func(p *financing.Terms) { p.Rounding = "nearest" },
		"convention":           func(p *financing.Terms) { p.BusinessDays = "next" },
		"no facility":          func(p *financing.Terms) { p.Limits = p.Limits[1:] },
		"too large a buyer":    func(p *financing.Terms) { p.MaxBuyerShare = 1999 },
		"no key":               func(p *financing.Terms) { p.LimitKey = "" },
		"no model":             func(p *financing.Terms) { p.ModelHash = "" },
	} {
		terms := financingtest.Terms(cardHash)
		require.NoError(t, terms.Validate())
		change(&terms)
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(terms.Validate()), name)
	}
}

func TestRequestThatMakesNoSenseIsRefused(t *testing.T) {
	good := caseOf(t, policy(t), 660, 0, 0, claim("frg-0001", "p-00bb22")).Application.Request
	require.NoError(t, good.Validate())
	for name, change := range map[string]func(*financing.Request){
		"no collateral":         func(r *financing.Request) { r.Collateral = nil },
		"the same twice":        func(r *financing.Request) { r.Collateral = append(r.Collateral[:1:1], r.Collateral[0]) },
		"another product":       func(r *financing.Request) { r.Product = financing.InventoryProduct },
		"a negative advance":    func(r *financing.Request) { r.AdvanceMinor = -1 },
		"beyond amounts":        func(r *financing.Request) { r.AdvanceMinor = financing.MaxAmountMinor + 1 },
		"an unknown currency":   func(r *financing.Request) { r.Currency = "ABC" },
		"an id that says a lot": func(r *financing.Request) { r.ID = "Invoice 4711 of Acme" },
		"goods without a tenor": func(r *financing.Request) {
			r.Product = financing.InventoryProduct
			r.Collateral[0].Kind = financing.Receipt
		},
		"an unknown collateral":  func(r *financing.Request) { r.Collateral[0].Kind = "house" },
		"a tenor of a life time": func(r *financing.Request) { r.TenorDays = 20_000 },
	} {
		r := good
		r.Collateral = append([]financing.Ref(nil), good.Collateral...)
		change(&r)
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(r.Validate()), name)
	}
}

func TestApplicationEnds(t *testing.T) {
	c := caseOf(t, policy(t), 660, 0, 0, claim("frg-0001", "p-00bb22"))
	a := c.Application
	_, err := a.Withdraw(robot)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	gone, err := a.Withdraw(sme)
	require.NoError(t, err)
	assert.False(t, gone.Open())

	_, err = a.Expire(calendar.From(later(10)))
	assert.Equal(t, fault.TransitionDenied, fault.CodeOf(err), "its last day")
	_, err = a.Settle(decide(t, c), c.Policy, robot, later(11))
	assert.Equal(t, fault.OfferExpired, fault.CodeOf(err))
	expired, err := a.Expire(calendar.From(later(11)))
	require.NoError(t, err)
	assert.Equal(t, financing.Expired, expired.Status)

	_, err = a.Settle(decide(t, c), c.Policy, stranger, noon)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	a, err = a.Settle(decide(t, c), c.Policy, robot, noon)
	require.NoError(t, err)
	_, err = a.Settle(decide(t, c), c.Policy, robot, noon)
	assert.Equal(t, fault.TransitionDenied, fault.CodeOf(err), "nothing is decided twice")
	_, _, err = a.Accept("lon-0001", c.Policy, sme, later(6))
	assert.Equal(t, fault.OfferExpired, fault.CodeOf(err))
	_, _, err = a.Accept("lon-0001", c.Policy, robot, noon)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
}

func TestOverride(t *testing.T) {
	p := policy(t)
	grey := caseOf(t, p, 599, 0, 0, claim("frg-0001", "p-00bb22"))
	a, err := grey.Application.Settle(decide(t, grey), p, robot, noon)
	require.NoError(t, err)
	assert.Equal(t, financing.Referred, a.Status)
	a, err = a.Overrule(financing.OverrideInput{Outcome: financing.Approve, AdvanceMinor: 50_000_00, Note: "Known for ten years."}, p, maker, noon)
	require.NoError(t, err)
	grey.Application = a
	d, err := financing.DecideOverride(grey)
	require.NoError(t, err)
	assert.Equal(t, int64(50_000_00), d.Terms.AdvanceMinor)
	assert.Equal(t, money.BasisPoints(900), d.Terms.Rate, "the price of its own band")
	_, err = a.Confirm(d, p, maker, noon)
	assert.Equal(t, fault.MakerIsChecker, fault.CodeOf(err))
	done, err := a.Confirm(d, p, checker, noon)
	require.NoError(t, err)
	assert.Equal(t, financing.Approved, done.Status)
	assert.Equal(t, financing.Refer, done.Override.Instead, "it stays visible")
	assert.Contains(t, done.Decision.Reasons, financing.Because{Code: financing.ByPerson})

	no, err := grey.Application.Overrule(financing.OverrideInput{Outcome: financing.Decline, Note: "No."}, p, maker, noon)
	require.NoError(t, err)
	no, err = no.Confirm(financing.Decision{}, p, checker, noon)
	require.NoError(t, err)
	assert.Equal(t, financing.Declined, no.Status)
	assert.Nil(t, no.Decision.Terms)
}

func TestOverrideStaysInsideLimitsAndCollateral(t *testing.T) {
	p := policy(t)
	low := caseOf(t, p, 500, 0, 0, claim("frg-0001", "p-00bb22"))
	a, err := low.Application.Settle(decide(t, low), p, robot, noon)
	require.NoError(t, err)
	over := financing.OverrideInput{Outcome: financing.Approve, Note: "Known for ten years."}
	a, err = a.Overrule(over, p, maker, noon)
	require.NoError(t, err)
	low.Application = a
	d, err := financing.DecideOverride(low)
	require.NoError(t, err)
	assert.Equal(t, money.BasisPoints(900), d.Terms.Rate, "the worst price that there is")
	low.Headroom[0].FreeMinor = 0
	_, err = financing.DecideOverride(low)
	assert.Equal(t, fault.OverrideNotAllowed, fault.CodeOf(err))

	strict := policy(t, func(terms *financing.Terms) { terms.OverrideDecline, terms.OverrideRefer = false, false })
	_, err = a.Overrule(over, strict, maker, noon)
	assert.Equal(t, fault.OverrideNotAllowed, fault.CodeOf(err))
	unproved := claim("frg-0001", "p-00bb22")
	unproved.Proved = false
	bad := caseOf(t, p, 500, 0, 0, unproved)
	a, err = bad.Application.Settle(decide(t, bad), p, robot, noon)
	require.NoError(t, err)
	_, err = a.Overrule(over, p, maker, noon)
	assert.Equal(t, fault.OverrideNotAllowed, fault.CodeOf(err), "more than the score stands against it")
}
