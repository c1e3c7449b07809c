package financing

import (
	"slices"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Limits of what is found in the trades behind an application.
const (
	MaxTrips             = 4
	MaxTripTrades        = 5
	MaxWarnings          = 8 // reasons that the guards add, so that there is room for those of the other rules
	DefaultRoundTripDays = 180
)

// Guards say what the bank does when the trades behind an application look wrong: refer (a person decides) or decline. What is
// left out is referred: no policy passes over a warning.
type Guards struct {
	// RoundTrip: trades lead in a circle back to the applicant, all within RoundTripDays (0 means 180).
	RoundTrip     Outcome `json:"round_trip,omitempty"`
	RoundTripDays int64   `json:"round_trip_days,omitempty"`
	// Related: parties that share directors, an address or a registration number with the applicant owe more than MaxRelatedShare
	// of what the collateral carries.
	Related         Outcome           `json:"related,omitempty"`
	MaxRelatedShare money.BasisPoints `json:"max_related_share_bp,omitempty"`
	// Lookalike: another invoice differs from one of the collateral's in punctuation, date or document type only.
	Lookalike Outcome `json:"lookalike,omitempty"`
}

func (g Guards) check(f *fault.Fields) {
	for _, one := range []struct {
		path    string
		outcome Outcome
	}{{"guards.round_trip", g.RoundTrip}, {"guards.related", g.Related}, {"guards.lookalike", g.Lookalike}} {
		if one.outcome != "" && one.outcome != Refer && one.outcome != Decline {
			f.Add(one.path, one.outcome, "must be refer or decline")
		}
	}
	checkRange(f, "guards.round_trip_days", g.RoundTripDays, 0, 730)
	checkRange(f, "guards.max_related_share_bp", int64(g.MaxRelatedShare), 0, int64(money.Whole))
}

// Window is how many days the trades of a circle lie apart at most.
func (g Guards) Window() int64 {
	if g.RoundTripDays > 0 {
		return g.RoundTripDays
	}
	return DefaultRoundTripDays
}

// Trade is an invoice: who sold to whom, and when it was issued on the ledger.
type Trade struct {
	ID     string        `json:"id"`
	Seller string        `json:"seller"`
	Buyer  string        `json:"buyer"`
	On     calendar.Date `json:"on"`
}

// RoundTrip is a circle of trades: A sells to B, B to C, C to A. Nothing leaves it, so it may exist to be financed only.
type RoundTrip struct {
	Parties []string `json:"parties"` // from the applicant round to it again
	Trades  []Trade  `json:"trades"`  // the first is the applicant's sale
}

// NewRoundTrip makes a circle of the trades, or returns INPUT_INVALID where they are none that begins and ends at the party within
// the days.
func NewRoundTrip(party string, trades []Trade, days int64) (RoundTrip, error) {
	r := RoundTrip{Parties: []string{party}, Trades: trades}
	var first, last calendar.Date
	at := party
	for i, t := range trades {
		if t.Seller != at || t.Seller == t.Buyer || i > 0 && t.Seller == party {
			return r, fault.New(fault.InputInvalid, "the trades named do not follow each other in a circle")
		}
		if first.IsZero() || t.On.Before(first) {
			first = t.On
		}
		if t.On.After(last) {
			last = t.On
		}
		at = t.Buyer
		r.Parties = append(r.Parties, at)
	}
	if at != party || len(trades) < 2 || len(trades) > MaxTripTrades {
		return r, fault.New(fault.InputInvalid, "the trades named do not lead back to the applicant")
	}
	if int64(calendar.DaysBetween(first, last)) > days {
		return r, fault.New(fault.InputInvalid, "the trades named lie further apart than the policy's window")
	}
	return r, nil
}

// Relation says that the register of a programme has the same director, address or identifier for the applicant and another party.
type Relation struct {
	Party     string   `json:"party"`
	Programme string   `json:"programme"`
	Shared    []string `json:"shared"` // director, address, identifier
}

// LooksLike names the other receivables whose invoices are almost the same as the one behind a piece of collateral.
type LooksLike struct {
	Collateral  string   `json:"collateral"`
	Receivables []string `json:"receivables"`
}

// Findings are what looks wrong in the trades behind an application.
type Findings struct {
	Trips      []RoundTrip `json:"trips,omitempty"`
	Relations  []Relation  `json:"relations,omitempty"`
	Lookalikes []LooksLike `json:"lookalikes,omitempty"`
}

func (f Findings) none() bool {
	return len(f.Trips) == 0 && len(f.Relations) == 0 && len(f.Lookalikes) == 0
}

// CheckTrips reports what is wrong with the circles that a bank names.
func CheckTrips(f *fault.Fields, trips [][]string) {
	if len(trips) > MaxTrips {
		f.Add("trips", len(trips), "must be at most %d", MaxTrips)
		return
	}
	for _, ids := range trips {
		if len(ids) < 2 || len(ids) > MaxTripTrades {
			f.Add("trips", len(ids), "must name 2 to %d invoices each", MaxTripTrades)
			continue
		}
		for _, id := range ids {
			checkID(f, "trips", id)
		}
	}
}

// warn adds the reasons of what was found, and refers the application where the policy leaves it to a person. Forbidden says that
// the policy declines for one of them, whoever decides.
func (c Case) warn(d *Decision, overridden bool) (forbidden bool, err error) {
	if c.Findings.none() {
		return false, nil
	}
	found := c.Findings
	d.Findings = &found
	g, before := c.Policy.Terms.Guards, len(d.Reasons)
	add := func(code ReasonCode, ref string, outcome Outcome) {
		if len(d.Reasons)-before < MaxWarnings {
			d.because(code, ref)
		}
		forbidden = forbidden || outcome == Decline
		if d.Outcome == Approve && !overridden {
			d.Outcome = Refer
		}
	}
	for _, trip := range found.Trips {
		add(CircularTrades, trip.Trades[0].ID, g.RoundTrip)
	}
	over, err := c.relatedShareOver(g.MaxRelatedShare)
	if err != nil {
		return false, err
	}
	for _, r := range found.Relations {
		if over {
			add(PartiesRelated, r.Party, g.Related)
		}
	}
	for _, l := range found.Lookalikes {
		for _, other := range l.Receivables {
			add(InvoiceLooksAlike, other, g.Lookalike)
		}
	}
	return forbidden, nil
}

// relatedShareOver reports whether related parties owe more than the share of what the collateral carries. A related party that owes
// none of it, but is on the way of a circular trade, counts as over where the share is 0.
func (c Case) relatedShareOver(most money.BasisPoints) (bool, error) {
	related, all := int64(0), int64(0)
	for _, f := range c.Collateral {
		minor, err := c.lendable(f)
		if err != nil {
			return false, err
		}
		all = min(all+minor, MaxAmountMinor)
		if slices.ContainsFunc(c.Findings.Relations, func(r Relation) bool { return r.Party == f.Buyer }) {
			related = min(related+minor, MaxAmountMinor)
		}
	}
	if most == 0 {
		return len(c.Findings.Relations) > 0, nil
	}
	allowed, err := money.MulDiv(all, int64(most), int64(money.Whole), money.Down)
	return related > allowed, err
}

// ForApplicant hides of a circle of trades what is between others: whom the applicant sells to and buys from it knows, the rest of
// the way it does not.
func (f Findings) ForApplicant() Findings {
	trips := make([]RoundTrip, len(f.Trips))
	for i, t := range f.Trips {
		last := len(t.Trades) - 1
		trips[i] = RoundTrip{Parties: slices.Clone(t.Parties)}
		for n, p := range t.Parties {
			if n > 1 && n < len(t.Parties)-2 {
				p = HiddenParty
			}
			trips[i].Parties[n] = p
		}
		trips[i].Trades = []Trade{t.Trades[0], t.Trades[last]}
	}
	f.Trips = trips
	if len(trips) == 0 {
		f.Trips = nil
	}
	return f
}

// HiddenParty stands for a party whom the reader does not trade with.
const HiddenParty = "…"

// ForApplicant is the application as its applicant may see it.
func (a Application) ForApplicant() Application {
	if a.Decision != nil && a.Decision.Findings != nil {
		d := *a.Decision
		f := d.Findings.ForApplicant()
		d.Findings = &f
		a.Decision = &d
	}
	return a
}
