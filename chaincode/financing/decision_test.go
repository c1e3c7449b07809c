package financing_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/money"
)

func TestApproval(t *testing.T) {
	d := decide(t, caseOf(t, policy(t), 660, 80_000_00, 0, claim("frg-0001", "p-00bb22")))
	assert.Equal(t, financing.Approve, d.Outcome)
	assert.Equal(t, "A", d.Band)
	assert.Empty(t, d.Reasons)
	require.NotNil(t, d.Terms)
	// Worked out by hand: due in 60 days on Friday 22 January 2027; fee 0.25 % of 80 000.00 = 200.00; interest
	// 80 000.00 × 4 % × 60/360 = 533.33; cost (80 533.33/79 800.00)^(365/60) − 1 = 5.72 %.
	assert.Equal(t, financing.LoanTerms{
		Currency: "EUR", AdvanceMinor: 80_000_00, FeeMinor: 200_00, Rate: 400, Penalty: 500, DayCount: calendar.Actual360,
		Rounding: money.HalfEven, Repayment: financing.Bullet, MaturityOn: date(t, "2027-01-22"),
		Schedule:     []financing.Due{{On: date(t, "2027-01-22"), PrincipalMinor: 80_000_00, InterestMinor: 533_33}},
		WithRecourse: true, DefaultAfter: 90, InterestMinor: 533_33, TotalCostMinor: 733_33, AnnualCostBP: 572,
	}, *d.Terms)
	require.Len(t, d.Uses, 3)
	for i, kind := range []financing.LimitKind{financing.Facility, financing.PerBorrower, financing.PerBuyer} {
		assert.Equal(t, kind, d.Uses[i].Kind)
		assert.Equal(t, int64(80_000_00), d.Uses[i].Minor)
	}
}

func TestOutcomes(t *testing.T) {
	p := policy(t)
	strict := policy(t, func(terms *financing.Terms) { terms.ReduceToFit = false })
	usd, late, unproved, worthless := claim("frg-0001", "p-00bb22"), claim("frg-0001", "p-00bb22"), claim("frg-0001", "p-00bb22"), goods("rcp-0001")
	usd.Currency = "USD"
	late.DueOn = date(t, "2027-06-30")
	unproved.Proved = false
	worthless.ValueMinor = 0
	for name, tc := range map[string]struct {
		c       financing.Case
		outcome financing.Outcome
		advance int64
		reasons []financing.Because
	}{
		"as much as possible":    {caseOf(t, p, 660, 0, 0, claim("frg-0001", "p-00bb22")), financing.Approve, 90_000_00, nil},
		"the edge of a band":     {caseOf(t, p, 650, 0, 0, claim("frg-0001", "p-00bb22")), financing.Approve, 90_000_00, nil},
		"goods":                  {caseOf(t, p, 610, 0, 30, goods("rcp-0001")), financing.Approve, 30_000_00, nil},
		"both together":          {caseOf(t, p, 610, 0, 60, claim("frg-0001", "p-00bb22"), goods("rcp-0001")), financing.Approve, 120_000_00, nil},
		"grey":                   {caseOf(t, p, 599, 0, 0, claim("frg-0001", "p-00bb22")), financing.Refer, 90_000_00, because(financing.ScoreInGreyBand, "")},
		"score too low":          {caseOf(t, p, 559, 0, 0, claim("frg-0001", "p-00bb22")), financing.Decline, 0, because(financing.ScoreTooLow, "")},
		"reduced":                {caseOf(t, p, 660, 95_000_00, 0, claim("frg-0001", "p-00bb22")), financing.Approve, 90_000_00, because(financing.AdvanceReduced, "COLLATERAL_TOO_LOW")},
		"not reduced":            {caseOf(t, strict, 660, 95_000_00, 0, claim("frg-0001", "p-00bb22")), financing.Decline, 0, because(financing.CollateralTooLow, "")},
		"below the minimum":      {caseOf(t, p, 660, 999_99, 0, claim("frg-0001", "p-00bb22")), financing.Decline, 0, because(financing.AmountBelowMinimum, "")},
		"above the maximum":      {caseOf(t, strict, 660, 500_000_01, 0, claim("frg-0001", "p-00bb22")), financing.Decline, 0, append(because(financing.CollateralTooLow, ""), because(financing.AmountAboveMaximum, "")...)},
		"another currency":       {caseOf(t, p, 660, 0, 0, usd), financing.Decline, 0, append(because(financing.CollateralUnfit, "frg-0001"), because(financing.CollateralTooLow, "")...)},
		"due after the loan":     {caseOf(t, p, 660, 0, 30, late), financing.Decline, 0, because(financing.CollateralDueLate, "frg-0001")},
		"due too late":           {caseOf(t, p, 660, 0, 0, late), financing.Decline, 0, because(financing.TenorTooLong, "")},
		"too short":              {caseOf(t, p, 660, 0, 2, goods("rcp-0001")), financing.Decline, 0, because(financing.TenorTooShort, "")},
		"no proof":               {caseOf(t, p, 660, 0, 0, unproved), financing.Decline, 0, append(because(financing.CollateralUnproved, "frg-0001"), because(financing.CollateralTooLow, "")...)},
		"worthless goods":        {caseOf(t, p, 660, 0, 30, worthless), financing.Decline, 0, append(because(financing.CollateralUnfit, "rcp-0001"), because(financing.CollateralTooLow, "")...)},
		"low score and no proof": {caseOf(t, p, 500, 0, 0, unproved), financing.Decline, 0, append(because(financing.ScoreTooLow, ""), append(because(financing.CollateralUnproved, "frg-0001"), because(financing.CollateralTooLow, "")...)...)},
	} {
		t.Run(name, func(t *testing.T) {
			d := decide(t, tc.c)
			assert.Equal(t, tc.outcome, d.Outcome)
			assert.ElementsMatch(t, tc.reasons, d.Reasons)
			if tc.outcome == financing.Decline {
				assert.Nil(t, d.Terms)
				assert.Nil(t, d.Uses)
			} else {
				assert.Equal(t, tc.advance, d.Terms.AdvanceMinor)
			}
			for _, r := range d.Reasons {
				text, ok := financing.TextOf(r.Code)
				assert.True(t, ok && text.En != "" && text.Zh != "" && text.Change != "" && text.ChangeZh != "", "%s has no wording", r.Code)
			}
		})
	}
}

func because(code financing.ReasonCode, ref string) []financing.Because {
	return []financing.Because{{Code: code, Ref: ref}}
}

func TestLimitsBound(t *testing.T) {
	p := policy(t)
	// The claims on one buyer are 2/3 of what the collateral carries, so 60 000.01 of room there carries 90 000.01.
	c := caseOf(t, p, 660, 0, 0, claim("frg-0001", "p-00bb22"), claim("frg-0002", "p-00bb22"), claim("frg-0003", "p-00cc33"))
	for i, h := range c.Headroom {
		if h.Subject == "p-00bb22" {
			c.Headroom[i].FreeMinor = 60_000_01
		}
	}
	d := decide(t, c)
	require.Equal(t, financing.Approve, d.Outcome)
	assert.Equal(t, int64(90_000_01), d.Terms.AdvanceMinor)
	for _, u := range d.Uses {
		if u.Subject == "p-00bb22" {
			assert.Equal(t, int64(60_000_01), u.Minor)
		}
		if u.Subject == "p-00cc33" {
			assert.Equal(t, int64(30_000_01), u.Minor, "rounded up")
		}
	}
	for i := range c.Headroom {
		if c.Headroom[i].Kind == financing.PerBorrower {
			c.Headroom[i].FreeMinor = 0
		}
	}
	d = decide(t, c)
	assert.Equal(t, financing.Decline, d.Outcome)
	assert.Contains(t, d.Reasons, financing.Because{Code: financing.BorrowerLimitReached})
}

func TestUndecidable(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*financing.Case)
		code   fault.Code
	}{
		"a policy that is not active":   {func(c *financing.Case) { c.Policy.Status = financing.PolicyProposed }, fault.PolicyNotActive},
		"another bank's policy":         {func(c *financing.Case) { c.Policy.Bank = "BankBMSP" }, fault.PolicyNotActive},
		"a score of something else":     {func(c *financing.Case) { c.Score.Application = "app-0002" }, fault.ScoreNotUsable},
		"a score of somebody else":      {func(c *financing.Case) { c.Score.Subject = "p-00bb22" }, fault.ScoreNotUsable},
		"a model that is not accepted":  {func(c *financing.Case) { c.Score.CardHash = "00" }, fault.ScoreNotUsable},
		"stale facts of the score":      {func(c *financing.Case) { c.Score.EvidenceOn = date(t, "2026-11-15") }, fault.EvidenceStale},
		"facts of the score from later": {func(c *financing.Case) { c.Score.EvidenceOn = date(t, "2026-11-24") }, fault.EvidenceStale},
		"stale goods":                   {func(c *financing.Case) { c.Collateral[1].EvidenceOn = date(t, "2026-11-15") }, fault.EvidenceStale},
		"collateral left out":           {func(c *financing.Case) { c.Collateral = c.Collateral[:1] }, fault.CollateralMismatch},
		"other collateral":              {func(c *financing.Case) { c.Collateral[0].ID = "frg-0009" }, fault.CollateralMismatch},
		"somebody else's collateral":    {func(c *financing.Case) { c.Collateral[0].Owner = "p-00bb22" }, fault.CollateralMismatch},
		"reserved for another":          {func(c *financing.Case) { c.Collateral[0].ReservedFor = "app-0002" }, fault.CollateralEncumbered},
		"a limit that is not asked":     {func(c *financing.Case) { c.Headroom = c.Headroom[1:] }, fault.LimitMismatch},
		"another limit":                 {func(c *financing.Case) { c.Headroom[0].Limit = "lim-0001" }, fault.LimitMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			c := caseOf(t, policy(t), 660, 0, 0, claim("frg-0001", "p-00bb22"), goods("rcp-0001"))
			tc.change(&c)
			_, err := financing.Decide(c)
			assert.Equal(t, tc.code, fault.CodeOf(err), "%v", err)
		})
	}
}

func TestAnyOtherDecisionIsRefused(t *testing.T) {
	c := caseOf(t, policy(t), 610, 80_000_00, 0, claim("frg-0001", "p-00bb22"))
	want := decide(t, c)
	require.NoError(t, financing.Same(decide(t, c), want))
	for name, change := range map[string]func(*financing.Decision){
		"outcome":  func(d *financing.Decision) { d.Outcome = financing.Decline },
		"rate":     func(d *financing.Decision) { d.Terms.Rate-- },
		"advance":  func(d *financing.Decision) { d.Terms.AdvanceMinor++ },
		"maturity": func(d *financing.Decision) { d.Terms.MaturityOn = date(t, "2027-01-23") },
		"reason":   func(d *financing.Decision) { d.Reasons = because(financing.ByPerson, "") },
		"lane":     func(d *financing.Decision) { d.Uses[0].Lane++ },
	} {
		claimed := decide(t, c)
		change(&claimed)
		assert.Equal(t, fault.DecisionOutsidePolicy, fault.CodeOf(financing.Same(claimed, want)), name)
	}
}

// drawCase is any application, score and room in limits.
func drawCase(t *rapid.T) financing.Case {
	p := policy(t, func(terms *financing.Terms) {
		terms.ReduceToFit = rapid.Bool().Draw(t, "reduce")
		terms.Repayment = rapid.SampledFrom([]financing.Repayment{financing.Bullet, financing.EqualPrincipal}).Draw(t, "repayment")
		terms.DayCount = rapid.SampledFrom([]calendar.DayCount{calendar.Actual360, calendar.Actual365Fixed, calendar.Thirty360E}).Draw(t, "count")
		terms.Rounding = rapid.SampledFrom([]money.Rounding{money.HalfEven, money.HalfUp, money.Up, money.Down}).Draw(t, "rounding")
	})
	// Half of the cases have nothing against them but amounts and limits, or else few would be approved.
	sound := rapid.Bool().Draw(t, "sound")
	tenor, points := rapid.Int64Range(1, 200).Draw(t, "tenor"), rapid.Int64Range(500, 700).Draw(t, "points")
	if sound {
		tenor, points = max(10, tenor-20), max(600, points)
	}
	var collateral []financing.CollateralFact
	for i := range rapid.IntRange(1, 4).Draw(t, "pieces") {
		var f financing.CollateralFact
		if rapid.Bool().Draw(t, "goods") {
			f = goods("rcp-000" + string(rune('0'+i)))
		} else {
			f = claim("frg-000"+string(rune('0'+i)), rapid.SampledFrom([]string{"p-00bb22", "p-00cc33"}).Draw(t, "buyer"))
			f.DueOn, _ = today.AddDays(rapid.IntRange(-3, 200).Draw(t, "due"))
			if sound {
				f.DueOn, _ = today.AddDays(rapid.IntRange(1, int(tenor)).Draw(t, "due in time"))
			}
		}
		f.ValueMinor = rapid.Int64Range(0, 300_000_00).Draw(t, "value")
		f.Proved = rapid.IntRange(0, 9).Draw(t, "proved") > 0 || sound
		collateral = append(collateral, f)
	}
	asked := rapid.SampledFrom([]int64{0, 1, 1_000_00, rapid.Int64Range(1, 600_000_00).Draw(t, "asked")}).Draw(t, "advance")
	c := caseOf(t, p, points, asked, tenor, collateral...)
	onlyBuyers := rapid.Bool().Draw(t, "only buyers are tight")
	for i := range c.Headroom {
		c.Headroom[i].FreeMinor = rapid.Int64Range(0, 300_000_00).Draw(t, "room")
		if onlyBuyers && c.Headroom[i].Kind != financing.PerBuyer {
			c.Headroom[i].FreeMinor = 1_000_000_00
		}
	}
	return c
}

// The same case gives the same bytes; an approval is inside every bound of the policy; a decline says why.
func TestDecisionIsAFunctionInsideItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		d := decide(t, c)
		again := decide(t, c)
		require.NoError(t, financing.Same(d, again))
		if d.Outcome == financing.Decline {
			require.NotEmpty(t, d.Reasons)
			require.Nil(t, d.Terms)
			return
		}
		terms := c.Policy.Terms
		lendable, by := int64(0), map[string]int64{}
		for _, f := range c.Collateral {
			rate := int64(terms.AdvanceReceipt)
			if f.Kind == financing.Fragment {
				rate = int64(terms.AdvanceFragment)
			}
			if f.Proved {
				lendable += f.ValueMinor * rate / 10_000
				by[f.Buyer] += f.ValueMinor * rate / 10_000
			}
		}
		require.GreaterOrEqual(t, d.Terms.AdvanceMinor, terms.MinAdvanceMinor)
		require.LessOrEqual(t, d.Terms.AdvanceMinor, min(lendable, terms.MaxAdvanceMinor))
		if c.Application.AdvanceMinor > 0 {
			require.LessOrEqual(t, d.Terms.AdvanceMinor, c.Application.AdvanceMinor)
		}
		require.Len(t, d.Uses, len(c.Headroom))
		for i, u := range d.Uses {
			require.LessOrEqual(t, u.Minor, c.Headroom[i].FreeMinor)
			weight := lendable
			if u.Kind == financing.PerBuyer {
				weight = by[u.Subject]
			}
			require.GreaterOrEqual(t, u.Minor*lendable, d.Terms.AdvanceMinor*weight, "a limit never carries less than its share")
		}
		principal := int64(0)
		for _, due := range d.Terms.Schedule {
			require.Positive(t, due.PrincipalMinor)
			principal += due.PrincipalMinor
		}
		require.Equal(t, d.Terms.AdvanceMinor, principal)
		require.Equal(t, d.Terms.MaturityOn, d.Terms.Schedule[len(d.Terms.Schedule)-1].On)
		raw, err := json.Marshal(d)
		require.NoError(t, err)
		var back financing.Decision
		require.NoError(t, json.Unmarshal(raw, &back))
		require.NoError(t, financing.Same(back, d), "what is stored is what was decided")
	})
}
