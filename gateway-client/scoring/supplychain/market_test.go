package supplychain

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/graph/network"
	"gonum.org/v1/gonum/graph/simple"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

var today = calendar.MustParse("2026-11-23")

func ago(t *testing.T, days int) calendar.Date {
	d, err := today.AddDays(-days)
	require.NoError(t, err)
	return d
}

// sale is a confirmed invoice, issued so many days ago, due and paid so many days ago (never paid below zero).
func sale(t *testing.T, seller, buyer string, minor int64, issued, due, paid int) Trade {
	s := Trade{ID: fmt.Sprint(seller, buyer, issued), Seller: seller, Buyer: buyer, Currency: "EUR", On: ago(t, issued), ConfirmedOn: ago(t, issued-2),
		DueOn: ago(t, due), Minor: minor, Confirmed: true}
	if paid >= 0 {
		s.SettledOn = ago(t, paid)
	} else {
		s.Overdue = due > 0
	}
	return s
}

func values(m *Market, party string, trades []Trade) map[string]scorecard.Value {
	a := Applicant{Party: party, OfferedMinor: 12_000, RequestedMinor: 10_000}
	for _, x := range trades {
		if x.Seller == party {
			a.Sold = append(a.Sold, x)
		}
	}
	f := m.Facts(a)
	got := map[string]scorecard.Value{}
	for _, feature := range Features {
		got[feature.Name] = f.Value(feature.Name)
	}
	return got
}

// A small market by hand: the applicant a sells to b and c, b sells to d; d owes half of what is due and pays the rest ten days
// late; c pays on time.
func TestMarketByHand(t *testing.T) {
	trades := []Trade{
		sale(t, "a", "b", 30_000, 300, 240, 240), sale(t, "a", "b", 30_000, 80, 50, 30), sale(t, "a", "c", 40_000, 150, 90, 90),
		sale(t, "b", "d", 50_000, 200, 110, 100), sale(t, "x", "d", 50_000, 120, 30, -1),
	}
	usd := sale(t, "a", "d", 900_000, 20, 5, -1)
	usd.Currency = "USD"
	got := values(NewMarket(today, "EUR", append(trades, usd), []Related{{"a", "c"}}), "a", append(trades, usd))
	for name, n := range map[string]int64{
		"invoices_confirmed": 3, "confirmed_volume": 100, "volume_trend_bps": 30_000 * 10_000 / 40_000, "peak_quarter_bps": 4_000,
		"days_to_confirm": 2, "days_to_pay": (60 + 50 + 60) / 3, "buyer_overdue_bps": 0, "claim_coverage_bps": 12_000,
		"buyers_late_days":    20 * 600 / 1000, // b was 20 days late with what was due in the last 182 days; c was in time
		"tier_depth":          1,               // c sells to nobody
		"buyers_distress_bps": 0, "two_hops_distress_bps": 5_000, "related_sales_bps": 4_000,
	} {
		assert.Equal(t, scorecard.Number(n), got[name], name)
	}
	dollars := values(NewMarket(today, "USD", append(trades, usd), nil), "a", append(trades, usd))
	assert.Equal(t, scorecard.Number(900), dollars["confirmed_volume"], "currencies are never added")
	assert.Equal(t, scorecard.Number(10_000), dollars["buyers_distress_bps"])
	assert.True(t, dollars["related_sales_bps"].Missing, "nobody's director is recorded")
}

func randomTrades(t *testing.T, seed uint64, n int) []Trade {
	d := rand.New(rand.NewPCG(seed, 0))
	var trades []Trade
	for range n {
		seller := d.IntN(150)
		due := d.IntN(300) - 50
		paid := -1
		if d.IntN(4) > 0 && due > 0 {
			paid = d.IntN(due)
		}
		trades = append(trades, sale(t, fmt.Sprintf("p%03d", seller), fmt.Sprintf("p%03d", seller/(2+d.IntN(3))), 1+d.Int64N(1_000_000), due+60, due, paid))
	}
	return trades
}

// The same trades in any order give the same facts, run after run: gonum's random starts and map orders do not show.
func TestMarketIsDeterministic(t *testing.T) {
	trades := randomTrades(t, 1, 2500)
	first := NewMarket(today, "EUR", trades, nil)
	for round := range 8 {
		d := rand.New(rand.NewPCG(uint64(round), 1))
		mixed := slices.Clone(trades)
		d.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		again := NewMarket(today, "EUR", mixed, nil)
		for _, p := range first.Parties() {
			require.Equal(t, values(first, p, trades), values(again, p, mixed), p)
		}
	}
	assert.Greater(t, len(first.groups), 2, "there are communities")
}

// Our PageRank is gonum's, up to rounding.
func TestPageRankIsThatOfGonum(t *testing.T) {
	m := NewMarket(today, "EUR", randomTrades(t, 2, 1500), nil)
	g := newTradeGraph(m.sells)
	theirs := simple.NewWeightedDirectedGraph(0, 0)
	for i := range g.names {
		theirs.AddNode(simple.Node(i))
	}
	for seller, list := range g.buyers {
		for _, a := range list {
			theirs.SetWeightedEdge(simple.WeightedEdge{F: simple.Node(a.to), T: simple.Node(seller), W: float64(a.weight)})
		}
	}
	ranks := network.PageRankSparse(theirs, float64(damping)/1000, 1e-10)
	sum := 0.0
	for _, r := range ranks {
		sum += r
	}
	for i, name := range g.names {
		want := ranks[int64(i)] / sum * float64(len(g.names)) * pageRankStart
		assert.InDelta(t, want, m.rank[name], 2, name)
	}
}

// The community of an applicant counts without the applicant's own sales.
func TestCommunityLeavesOutOwnSales(t *testing.T) {
	trades := []Trade{sale(t, "a", "k", 10_000, 100, 50, -1), sale(t, "b", "k", 30_000, 100, 50, 45), sale(t, "c", "k", 10_000, 100, 50, -1)}
	got := values(NewMarket(today, "EUR", trades, nil), "a", trades)
	assert.Equal(t, scorecard.Number(2_500), got["community_overdue_bps"])
}
