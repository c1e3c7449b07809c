package financing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
)

// circleOf is a circle of trades from the applicant over the parties, a day apart.
func circleOf(parties ...string) financing.RoundTrip {
	r := financing.RoundTrip{Parties: append(append([]string{sme.Party}, parties...), sme.Party)}
	for i := 1; i < len(r.Parties); i++ {
		on, _ := today.AddDays(-i)
		r.Trades = append(r.Trades, financing.Trade{ID: "rcv-000" + string(rune('0'+i)), Seller: r.Parties[i-1], Buyer: r.Parties[i], On: on})
	}
	return r
}

func TestWarningsReferOrDecline(t *testing.T) {
	trip := financing.Findings{Trips: []financing.RoundTrip{circleOf("p-00bb22", "p-00cc33")}}
	related := financing.Findings{Relations: []financing.Relation{{Party: "p-00bb22", Programme: "prg-0001", Shared: []string{"director"}}}}
	alike := financing.Findings{Lookalikes: []financing.LooksLike{{Collateral: "frg-0001", Receivables: []string{"rcv-0009"}}}}
	for name, tc := range map[string]struct {
		found   financing.Findings
		guards  financing.Guards
		points  int64
		outcome financing.Outcome
		reasons []financing.Because
	}{
		"a circle is referred":                 {trip, financing.Guards{}, 660, financing.Refer, because(financing.CircularTrades, "rcv-0001")},
		"a circle is declined":                 {trip, financing.Guards{RoundTrip: financing.Decline}, 660, financing.Decline, because(financing.CircularTrades, "rcv-0001")},
		"a low score is declined all the same": {trip, financing.Guards{}, 500, financing.Decline, append(because(financing.ScoreTooLow, ""), because(financing.CircularTrades, "rcv-0001")...)},
		"related parties are referred":         {related, financing.Guards{}, 660, financing.Refer, because(financing.PartiesRelated, "p-00bb22")},
		"related parties are declined":         {related, financing.Guards{Related: financing.Decline}, 660, financing.Decline, because(financing.PartiesRelated, "p-00bb22")},
		"related parties owe little":           {related, financing.Guards{MaxRelatedShare: 6000}, 660, financing.Approve, nil},
		"related parties owe too much":         {related, financing.Guards{MaxRelatedShare: 4999}, 660, financing.Refer, because(financing.PartiesRelated, "p-00bb22")},
		"a near duplicate is referred":         {alike, financing.Guards{}, 660, financing.Refer, because(financing.InvoiceLooksAlike, "rcv-0009")},
		"a near duplicate is declined":         {alike, financing.Guards{Lookalike: financing.Decline}, 660, financing.Decline, because(financing.InvoiceLooksAlike, "rcv-0009")},
	} {
		t.Run(name, func(t *testing.T) {
			p := policy(t, func(terms *financing.Terms) { terms.Guards = tc.guards })
			c := caseOf(t, p, tc.points, 0, 0, claim("frg-0001", "p-00bb22"), claim("frg-0002", "p-00cc33"))
			c.Findings = tc.found
			d := decide(t, c)
			assert.Equal(t, tc.outcome, d.Outcome)
			assert.ElementsMatch(t, tc.reasons, d.Reasons)
			assert.Equal(t, &tc.found, d.Findings, "the decision carries what was found")
			if tc.outcome == financing.Refer {
				assert.NotNil(t, d.Terms, "what a person may approve")
			}
			byPerson, err := financing.DecideOverride(c)
			if tc.outcome == financing.Decline && tc.points == 660 {
				assert.Equal(t, fault.OverrideNotAllowed, fault.CodeOf(err), "nobody overrides what the policy declines for")
			} else {
				require.NoError(t, err)
				assert.Equal(t, financing.Approve, byPerson.Outcome)
				assert.Equal(t, &tc.found, byPerson.Findings, "a person's decision shows it, too")
			}
		})
	}
}

func TestManyWarningsLeaveRoomForHardReasons(t *testing.T) {
	c := caseOf(t, policy(t), 660, 0, 0, claim("frg-0001", "p-00bb22"))
	c.Collateral[0].Proved = false
	many := financing.LooksLike{Collateral: "frg-0001"}
	for i := range 40 {
		many.Receivables = append(many.Receivables, "rcv-00"+string(rune('0'+i/10))+string(rune('0'+i%10)))
	}
	c.Findings.Lookalikes = []financing.LooksLike{many}
	d := decide(t, c)
	assert.Equal(t, financing.Decline, d.Outcome)
	assert.Contains(t, d.Reasons, financing.Because{Code: financing.CollateralUnproved, Ref: "frg-0001"})
}

func TestACircleIsProvedByItsTrades(t *testing.T) {
	good := circleOf("p-00bb22", "p-00cc33")
	got, err := financing.NewRoundTrip(sme.Party, good.Trades, 180)
	require.NoError(t, err)
	assert.Equal(t, good, got)
	for name, change := range map[string]func([]financing.Trade) []financing.Trade{
		"open":                 func(l []financing.Trade) []financing.Trade { return l[:2] },
		"one trade":            func(l []financing.Trade) []financing.Trade { return l[:1] },
		"a step is missing":    func(l []financing.Trade) []financing.Trade { return append(l[:1:1], l[2]) },
		"through another":      func(l []financing.Trade) []financing.Trade { l[1].Seller = "p-00dd44"; return l },
		"too far apart":        func(l []financing.Trade) []financing.Trade { l[2].On = date(t, "2026-01-01"); return l },
		"to itself":            func(l []financing.Trade) []financing.Trade { l[0].Buyer = sme.Party; return l },
		"twice through itself": func(l []financing.Trade) []financing.Trade { return append(l, l...) },
	} {
		_, err := financing.NewRoundTrip(sme.Party, change(circleOf("p-00bb22", "p-00cc33").Trades), 180)
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), name)
	}
	c := caseOf(t, policy(t), 660, 0, 0, claim("frg-0001", "p-00bb22"))
	c.Findings.Trips = []financing.RoundTrip{{Parties: good.Parties, Trades: good.Trades[:2]}}
	_, err = financing.Decide(c)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), "the decision checks the circle itself")
}

func TestApplicantSeesItsOwnTradesOfACircleOnly(t *testing.T) {
	f := financing.Findings{Trips: []financing.RoundTrip{circleOf("p-00bb22", "p-00cc33", "p-00dd44")}}
	trip := f.ForApplicant().Trips[0]
	assert.Equal(t, []string{sme.Party, "p-00bb22", financing.HiddenParty, "p-00dd44", sme.Party}, trip.Parties)
	assert.Equal(t, []string{"rcv-0001", "rcv-0004"}, []string{trip.Trades[0].ID, trip.Trades[1].ID})
	assert.Len(t, f.Trips[0].Trades, 4, "the record itself stays whole")
}

func TestSectorIsALimitOfItsOwn(t *testing.T) {
	p := policy(t, func(terms *financing.Terms) {
		terms.Limits = append(terms.Limits, financing.LimitRule{Kind: financing.PerSector, TotalMinor: 50_000_00, Lanes: 1},
			financing.LimitRule{Kind: financing.PerProgramme, TotalMinor: 900_000_00, Lanes: 2})
	})
	for name, sectors := range map[string][]string{"unclassified": nil, "C25": {"C25"}, "two registers": {"C25", "G46"}} {
		c := caseOf(t, p, 660, 0, 0, claim("frg-0001", "p-00bb22"))
		c.Sectors = sectors
		c.Headroom = headroomOf(t, c)
		d := decide(t, c)
		assert.Equal(t, int64(50_000_00), d.Terms.AdvanceMinor, name)
		var found []string
		for _, u := range d.Uses {
			if u.Kind == financing.PerSector {
				found = append(found, u.Subject)
				assert.Equal(t, int64(50_000_00), u.Minor, "each carries the whole loan")
			}
		}
		if sectors == nil {
			sectors = []string{financing.Unclassified}
		}
		assert.Equal(t, sectors, found)
		for i := range c.Headroom {
			if c.Headroom[i].Kind == financing.PerSector {
				c.Headroom[i].FreeMinor = 0
			}
		}
		d = decide(t, c)
		assert.Contains(t, d.Reasons, financing.Because{Code: financing.SectorLimitReached})
	}
}
