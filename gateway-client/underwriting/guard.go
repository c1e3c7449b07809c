package underwriting

import (
	"context"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

// Limits of the search for circular trades: as many parties as a circle on the ledger may have, and steps.
const (
	roundTripLength = financing.MaxTripTrades
	maxTripSteps    = 200_000
)

// Trade is an invoice that the bank may read: who sold to whom, and when it was issued on the ledger.
type Trade = supplychain.Trade

// RoundTrip is a circle of trades: A sells to B, B to C, C to A. Nothing leaves it, so it may exist to be financed only.
type RoundTrip struct {
	Parties []string // from the applicant round to it again
	Trades  []Trade  // in the same order
}

func (r RoundTrip) String() string { return strings.Join(r.Parties, " → ") }

// RoundTrips finds the shortest circle of trades through each of the party's buyers: at most five parties, all trades within the days
// of each other. Each step takes the latest trade between two parties. The order of the trades does not show.
func RoundTrips(party string, trades []Trade, days int64) []RoundTrip {
	latest := map[[2]string]Trade{}
	next := map[string][]string{}
	for _, t := range trades {
		if t.Seller == t.Buyer {
			continue
		}
		pair := [2]string{t.Seller, t.Buyer}
		have, known := latest[pair]
		if !known {
			next[t.Seller] = append(next[t.Seller], t.Buyer)
		}
		if !known || t.On.After(have.On) || t.On == have.On && t.ID < have.ID {
			latest[pair] = t
		}
	}
	for _, buyers := range next {
		slices.Sort(buyers)
	}
	var found []RoundTrip
	steps := 0
	for _, buyer := range next[party] {
		if trip, ok := shortest(party, buyer, next, latest, days, &steps); ok {
			found = append(found, trip)
		}
	}
	return found
}

// shortest searches breadth first from the buyer back to the party.
func shortest(party, buyer string, next map[string][]string, latest map[[2]string]Trade, days int64, steps *int) (RoundTrip, bool) {
	queue := [][]string{{party, buyer}}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		for _, to := range next[path[len(path)-1]] {
			if *steps++; *steps > maxTripSteps {
				return RoundTrip{}, false
			}
			if to != party && (slices.Contains(path, to) || len(path) >= roundTripLength) {
				continue
			}
			longer := append(slices.Clone(path), to)
			if to != party {
				queue = append(queue, longer)
				continue
			}
			if trip := tripOf(longer, latest); trip.within(days) {
				return trip, true
			}
		}
	}
	return RoundTrip{}, false
}

func tripOf(parties []string, latest map[[2]string]Trade) RoundTrip {
	r := RoundTrip{Parties: parties}
	for i := 1; i < len(parties); i++ {
		r.Trades = append(r.Trades, latest[[2]string{parties[i-1], parties[i]}])
	}
	return r
}

func (r RoundTrip) within(days int64) bool {
	var first, last calendar.Date
	for _, t := range r.Trades {
		if first.IsZero() || t.On.Before(first) {
			first = t.On
		}
		if last.IsZero() || t.On.After(last) {
			last = t.On
		}
	}
	return int64(calendar.DaysBetween(first, last)) <= days
}

// circular names the circles of trades that lead back to the applicant, within the policy's window: those through its buyers of this
// application first, as many as a decision carries. The peers check that each is one.
func (u *Underwriter) circular(ctx context.Context, f *file) error {
	trips := RoundTrips(f.Application.Applicant, f.history.Trades, f.Policy.Terms.Guards.Window())
	owed := f.claimsOn()
	slices.SortStableFunc(trips, func(a, b RoundTrip) int { return owed[b.Parties[1]] - owed[a.Parties[1]] })
	f.trips = nil
	for _, trip := range trips[:min(len(trips), financing.MaxTrips)] {
		var ids []string
		for _, t := range trip.Trades {
			ids = append(ids, t.ID)
			programme, err := u.Ledger.Locate(ctx, "receivable", t.ID)
			if err != nil {
				return err
			}
			f.circles = append(f.circles, programme)
		}
		f.trips = append(f.trips, ids)
	}
	return nil
}

// claimsOn counts the claims of the application by the buyer that owes them.
func (f *file) claimsOn() map[string]int {
	owed := map[string]int{}
	for _, c := range f.Application.Collateral {
		of, err := receivable.ReceivableOf(c.ID)
		for _, t := range f.history.Trades {
			if err == nil && t.ID == of {
				owed[t.Buyer]++
			}
		}
	}
	return owed
}
