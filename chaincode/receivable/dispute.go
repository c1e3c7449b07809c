package receivable

import (
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// MaxDisputed is the most fragments that one dispute names.
const MaxDisputed = 100

// Dispute is the buyer's objection to part of a confirmed receivable. It freezes the fragments that it names until the
// buyer resolves it, or its term is over and the seller or a holder ends it.
type Dispute struct {
	ID         string   `json:"id"`
	Receivable string   `json:"receivable"`
	Fragments  []string `json:"fragments"`
	Because
	By      Mark          `json:"by"`
	EndsOn  calendar.Date `json:"ends_on"`
	EndedBy *Mark         `json:"ended_by,omitempty"`
}

// Objection is the input of a dispute over a confirmed receivable.
type Objection struct {
	ID        string   `json:"id"`
	Fragments []string `json:"fragments"`
	Because
}

// Validate reports every failure with its field and value.
func (o Objection) Validate() error {
	var bad fault.Fields
	checkID(&bad, "id", o.ID, "dsp")
	if len(o.Fragments) == 0 || len(o.Fragments) > MaxDisputed {
		bad.Add("fragments", len(o.Fragments), "there must be 1 to %d", MaxDisputed)
	}
	for i, id := range o.Fragments {
		if slices.Contains(o.Fragments[:i], id) {
			bad.Add("fragments", id, "is named twice")
		}
	}
	o.Because.check(&bad)
	return bad.Err()
}

// Freeze opens a dispute over exactly the fragments given, by the buyer's maker, before the due date. A fragment that
// backs a financing is refused (FRAGMENT_ENCUMBERED): the bank relied on the undertaking, and the buyer has recourse to
// the seller by a credit note. One whose dispute has lapsed is refused, too (DISPUTE_LAPSED). Other errors:
// NOT_PERMITTED, RECEIVABLE_NOT_CONFIRMED, RECEIVABLE_MATURED, FRAGMENT_FROZEN.
func (r Receivable) Freeze(in Objection, named []Fragment, by member.Actor, at time.Time) (Dispute, []Fragment, error) {
	if err := in.Validate(); err != nil {
		return Dispute{}, nil, err
	}
	if err := mustBe(by, r.Invoice.Buyer, member.Maker); err != nil {
		return Dispute{}, nil, err
	}
	if err := r.Tradable(at); err != nil {
		return Dispute{}, nil, err
	}
	if _, err := r.step(Freeze); err != nil {
		return Dispute{}, nil, err
	}
	ends, err := calendar.From(at).AddDays(r.Rules.WithDefaults().DisputeDays)
	if err != nil {
		return Dispute{}, nil, err
	}
	changed := make([]Fragment, 0, len(named))
	for _, id := range in.Fragments {
		i := slices.IndexFunc(named, func(f Fragment) bool { return f.ID == id })
		if i < 0 {
			return Dispute{}, nil, fault.New(fault.RecordNotFound, "receivable %s has no fragment %s", r.ID, id)
		}
		f := named[i]
		if err := f.of(r); err != nil {
			return Dispute{}, nil, err
		}
		if f.Status, err = f.step(FreezeIt); err != nil {
			return Dispute{}, nil, err
		}
		if f.Undisputable {
			return Dispute{}, nil, fault.New(fault.DisputeLapsed, "a dispute over fragment %s has lapsed", f.ID)
		}
		f.Dispute, f.Offer = in.ID, nil
		changed = append(changed, f)
	}
	return Dispute{ID: in.ID, Receivable: r.ID, Fragments: slices.Clone(in.Fragments), Because: in.Because, By: mark(by, at), EndsOn: ends}, changed, nil
}

// End ends the dispute and thaws those of its fragments that it still freezes: by the buyer's maker at any time, and by
// the seller's maker or a holder's once its term is over; then those fragments cannot be disputed again.
func (d Dispute) End(r Receivable, named []Fragment, by member.Actor, at time.Time) (Dispute, []Fragment, error) {
	if d.EndedBy != nil {
		return d, nil, fault.New(fault.TransitionDenied, "dispute %s has ended", d.ID)
	}
	today := calendar.From(at)
	lapsed := today.After(d.EndsOn)
	isHolder := slices.ContainsFunc(named, func(f Fragment) bool { return f.Holder == by.Party })
	switch {
	case !by.Has(member.Maker) || by.Party == "":
		return d, nil, fault.New(fault.NotPermitted, "this needs the role %s", member.Maker)
	case by.Party == r.Invoice.Buyer:
	case !lapsed || by.Party != r.Invoice.Seller && !isHolder:
		return d, nil, fault.New(fault.NotPermitted, "only the buyer ends dispute %s before its term is over", d.ID)
	}
	aged, err := r.age(today)
	if err != nil {
		return d, nil, err
	}
	if aged.Status != Settled {
		if _, err := aged.step(Thaw); err != nil {
			return d, nil, err
		}
	}
	var changed []Fragment
	for _, f := range named {
		if f.Status != Frozen || f.Dispute != d.ID {
			continue
		}
		var err error
		if f.Status, err = f.step(ThawIt); err != nil {
			return d, nil, err
		}
		f.Dispute = ""
		f.Undisputable = f.Undisputable || lapsed
		changed = append(changed, f)
	}
	m := mark(by, at)
	d.EndedBy = &m
	return d, changed, nil
}
