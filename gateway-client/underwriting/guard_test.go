package underwriting_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/memory"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

func trade(seller, buyer string, day int) underwriting.Trade {
	on := calendar.From(time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day))
	return underwriting.Trade{ID: fmt.Sprintf("rcv-%s%s%d", seller, buyer, day), Seller: seller, Buyer: buyer, On: on}
}

func TestRoundTrips(t *testing.T) {
	for name, tc := range map[string]struct {
		trades []underwriting.Trade
		want   []string
	}{
		"a chain":                         {[]underwriting.Trade{trade("a", "b", 1), trade("b", "c", 2)}, nil},
		"there and back":                  {[]underwriting.Trade{trade("a", "b", 1), trade("b", "a", 2)}, []string{"a → b → a"}},
		"a circle of three":               {[]underwriting.Trade{trade("a", "b", 1), trade("b", "c", 2), trade("c", "a", 3)}, []string{"a → b → c → a"}},
		"the shorter of two":              {[]underwriting.Trade{trade("a", "b", 1), trade("b", "c", 2), trade("c", "a", 3), trade("b", "a", 4)}, []string{"a → b → a"}},
		"through each buyer":              {[]underwriting.Trade{trade("a", "b", 1), trade("b", "a", 2), trade("a", "c", 1), trade("c", "a", 2)}, []string{"a → b → a", "a → c → a"}},
		"others in a circle":              {[]underwriting.Trade{trade("a", "b", 1), trade("b", "c", 2), trade("c", "b", 3)}, nil},
		"too long ago":                    {[]underwriting.Trade{trade("a", "b", 1), trade("b", "a", 182)}, nil},
		"again lately":                    {[]underwriting.Trade{trade("a", "b", 1), trade("b", "a", 182), trade("a", "b", 100)}, []string{"a → b → a"}},
		"too many parties":                {[]underwriting.Trade{trade("a", "b", 1), trade("b", "c", 1), trade("c", "d", 1), trade("d", "e", 1), trade("e", "f", 1), trade("f", "a", 1)}, nil},
		"as many parties as there may be": {[]underwriting.Trade{trade("a", "b", 1), trade("b", "c", 1), trade("c", "d", 1), trade("d", "e", 1), trade("e", "a", 1)}, []string{"a → b → c → d → e → a"}},
		"with itself":                     {[]underwriting.Trade{trade("a", "a", 1)}, nil},
	} {
		var got []string
		for _, trip := range underwriting.RoundTrips("a", tc.trades, 180) {
			got = append(got, trip.String())
			require.Len(t, trip.Trades, len(trip.Parties)-1)
		}
		assert.Equal(t, tc.want, got, name)
		shuffled := append([]underwriting.Trade(nil), tc.trades...)
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		assert.Equal(t, underwriting.RoundTrips("a", tc.trades, 180), underwriting.RoundTrips("a", shuffled, 180), name)
	}
}

// Acme sells to birch, birch to cedar, cedar to acme. The decision refers the application, with the way that the trades take; two
// people decide, and it stays visible.
func TestCircularTradesGoToAPersonWithTheWay(t *testing.T) {
	m := newMarket(t)
	fragment := m.claim()
	m.register("supplier", "hana", "birch")
	m.register("supplier", "hana", "cedar")
	trades := []string{m.issue("amy", "acme", "birch"), m.issue("bea", "birch", "cedar"), m.issue("cai", "cedar", "acme")}
	id := m.apply(1, fragment)
	m.until(m.underwriter(nil), m.decided(id))
	a := m.application(id)
	require.Equal(t, financing.Referred, a.Status)
	require.NotNil(t, a.Decision.Findings)
	trip := a.Decision.Findings.Trips[0]
	assert.Equal(t, []string{memory.PartyID("acme"), memory.PartyID("birch"), memory.PartyID("cedar"), memory.PartyID("acme")}, trip.Parties)
	assert.Equal(t, trades, []string{trip.Trades[0].ID, trip.Trades[1].ID, trip.Trades[2].ID})
	assert.Contains(t, a.Decision.Reasons, financing.Because{Code: financing.CircularTrades, Ref: trades[0]})

	m.must(m.session("bankA", "mona"), consortium.Call{Function: "financing:ProposeOverride", Args: []string{id}, Circles: []string{desk},
		Input: financing.OverrideInput{Outcome: financing.Approve, Note: "Tolling: the castings come back machined."}}, nil)
	m.must(m.session("bankA", "carl"), consortium.Call{Function: "financing:ApproveOverride", Args: []string{id}, Circles: []string{desk, programme}}, nil)
	a = m.application(id)
	assert.Equal(t, financing.Approved, a.Status)
	assert.Len(t, a.Decision.Findings.Trips, 1)
}
