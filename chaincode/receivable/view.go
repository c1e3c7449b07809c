package receivable

import (
	"github.com/tallystick/tallystick/chaincode/calendar"
)

// Holding is what a holder sees of a fragment: the debtor's undertaking, its own claim, whom it has it from, and what its
// own transfers cost; not the tiers between.
type Holding struct {
	Fragment      string         `json:"fragment"`
	Receivable    string         `json:"receivable"`
	Programme     string         `json:"programme"`
	Status        FragmentStatus `json:"status,omitempty"`
	Claim         Status         `json:"claim"`
	Debtor        string         `json:"debtor"`
	Holder        string         `json:"holder"`
	Currency      string         `json:"currency"`
	FaceMinor     int64          `json:"face_minor"`
	InterestMinor int64          `json:"interest_minor,omitempty"`
	DueDate       calendar.Date  `json:"due_date"`
	Undertaking   *Undertaking   `json:"undertaking"`
	// From is the last transfer; none for the seller's own.
	From *Endorsement `json:"from,omitempty"`
	// Costs are those transfers that the viewer made itself.
	Costs       []Cost       `json:"costs,omitempty"`
	Offer       *Offer       `json:"offer,omitempty"`
	Encumbrance *Encumbrance `json:"encumbrance,omitempty"`
	Dispute     string       `json:"dispute,omitempty"`
}

// Holding shows the fragment as the viewer, a party, may see it: its holder, whom it is offered to, or a former holder. ok
// is false for anybody else. A receiver to be sees what it is offered. A former holder sees the claim, and of the fragment
// what it passed on: neither what has become of it nor who holds it.
func (f Fragment) Holding(r Receivable, viewer string) (h Holding, ok bool, err error) {
	costs, err := f.Costs(r.Rules.WithDefaults().DayCount)
	if err != nil {
		return Holding{}, false, err
	}
	h = Holding{Fragment: f.ID, Receivable: f.Receivable, Programme: r.Programme, Status: f.Status, Claim: r.Status, Debtor: r.Invoice.Buyer,
		Currency: f.Currency, FaceMinor: f.FaceMinor, DueDate: f.DueDate, Undertaking: r.Undertaking}
	for _, c := range costs {
		if c.From == viewer {
			h.Costs = append(h.Costs, c)
		}
	}
	offered := f.Offer != nil && f.Offer.To == viewer
	switch {
	case viewer == "":
		return Holding{}, false, nil
	case f.Holder == viewer:
		h.Holder, h.InterestMinor, h.Offer, h.Encumbrance, h.Dispute = f.Holder, f.InterestMinor, f.Offer, f.Encumbrance, f.Dispute
		if n := len(f.Chain); n > 0 {
			last := f.Chain[n-1]
			h.From = &last
		}
	case offered:
		h.Holder, h.Offer = f.Holder, f.Offer
	case len(h.Costs) > 0:
		h.Status, h.FaceMinor = "", h.Costs[len(h.Costs)-1].FaceMinor
	default:
		return Holding{}, false, nil
	}
	return h, true, nil
}
