package underwriting

import (
	"slices"
	"strings"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
)

// Limits of the search for circular trades.
const (
	roundTripDays   = 180 // all trades of a circle lie within so many days
	roundTripLength = 5   // parties
	maxTripSteps    = 200_000
)

// Trade is an invoice that the bank may read: who sold to whom, and when it was issued on the ledger.
type Trade struct {
	ID     string
	Seller string
	Buyer  string
	On     calendar.Date
}

// RoundTrip is a circle of trades: A sells to B, B to C, C to A. Nothing leaves it, so it may exist to be financed only.
type RoundTrip struct {
	Parties []string // from the applicant round to it again
	Trades  []string // the invoices, in the same order
}

func (r RoundTrip) String() string { return strings.Join(r.Parties, " → ") }

// RoundTrips finds the shortest circle of trades through each of the party's buyers: at most five parties, all trades within 180
// days of each other. Each step takes the latest trade between two parties. The order of the trades does not show.
func RoundTrips(party string, trades []Trade) []RoundTrip {
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
		if trip, ok := shortest(party, buyer, next, latest, &steps); ok {
			found = append(found, trip)
		}
	}
	return found
}

// shortest searches breadth first from the buyer back to the party.
func shortest(party, buyer string, next map[string][]string, latest map[[2]string]Trade, steps *int) (RoundTrip, bool) {
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
			if trip := tripOf(longer, latest); trip.within(latest) {
				return trip, true
			}
		}
	}
	return RoundTrip{}, false
}

func tripOf(parties []string, latest map[[2]string]Trade) RoundTrip {
	r := RoundTrip{Parties: parties}
	for i := 1; i < len(parties); i++ {
		r.Trades = append(r.Trades, latest[[2]string{parties[i-1], parties[i]}].ID)
	}
	return r
}

func (r RoundTrip) within(latest map[[2]string]Trade) bool {
	var first, last calendar.Date
	for i := 1; i < len(r.Parties); i++ {
		on := latest[[2]string{r.Parties[i-1], r.Parties[i]}].On
		if first.IsZero() || on.Before(first) {
			first = on
		}
		if last.IsZero() || on.After(last) {
			last = on
		}
	}
	return calendar.DaysBetween(first, last) <= roundTripDays
}

// guard sets an application aside whose applicant is in a circle of trades, until a person of the bank has looked.
func (u *Underwriter) guard(application string, h History) error {
	if u.Cleared != nil && u.Cleared(application) {
		return nil
	}
	trips := RoundTrips(h.Party, h.Trades)
	if len(trips) == 0 {
		return nil
	}
	return fault.New(fault.TradeSuspicious, "circular trades: %s", trips[0])
}
