package contract

import (
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// Split divides a fragment (input: receivable.Division); its parts take its place.
func (*Receivable) Split(ctx *ledger.Context, fragment string) (*Step, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:Split")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[receivable.Division](tx)
	if err != nil {
		return nil, err
	}
	r, f, err := fragmentWith(tx, fragment)
	if err != nil {
		return nil, err
	}
	f, parts, err := f.Split(r, in, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := saveFragments(tx, f); err != nil {
		return nil, err
	}
	for _, p := range parts {
		tx.Emit(ledger.Event{Type: "fragment.opened", ID: p.ID, Circle: r.Programme, Ref: f.ID})
	}
	return stepOf(r, parts...), createFragments(tx, r.Programme, parts...)
}

// Merge joins fragments of one receivable, one holder and the same terms into one.
func (*Receivable) Merge(ctx *ledger.Context, list []string) (*Step, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:Merge")
	if err != nil {
		return nil, err
	}
	if len(list) < 2 || len(list) > receivable.MaxParts {
		return nil, fault.New(fault.InputInvalid, "a merge takes 2 to %d fragments", receivable.MaxParts)
	}
	r, _, err := fragmentWith(tx, list[0])
	if err != nil {
		return nil, err
	}
	named, err := namedFragments(tx, r.ID, list)
	if err != nil {
		return nil, err
	}
	closed, merged, err := receivable.Merge(r, named, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := saveFragments(tx, closed...); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "fragment.opened", ID: merged.ID, Circle: r.Programme})
	return stepOf(r, merged), createFragments(tx, r.Programme, merged)
}

// Offer offers a fragment to another party of the programme (input: receivable.Offering).
func (*Receivable) Offer(ctx *ledger.Context, fragment string) (*Step, error) {
	return passFragment(ctx, "receivable:Offer", fragment, "fragment.offered", func(tx *ledger.Tx, r receivable.Receivable, f receivable.Fragment, by member.Actor) (receivable.Fragment, error) {
		in, err := ledger.Input[receivable.Offering](tx)
		if err != nil {
			return f, err
		}
		if _, err := parties.Get(tx, r.Programme, in.To); err != nil {
			return f, err
		}
		return f.OfferTo(r, in, by, tx.Now())
	})
}

// TakeBack withdraws an offer.
func (*Receivable) TakeBack(ctx *ledger.Context, fragment string) (*Step, error) {
	return passFragment(ctx, "receivable:TakeBack", fragment, "fragment.taken_back", func(_ *ledger.Tx, _ receivable.Receivable, f receivable.Fragment, by member.Actor) (receivable.Fragment, error) {
		return f.TakeBack(by)
	})
}

// Accept takes an offered fragment over.
func (*Receivable) Accept(ctx *ledger.Context, fragment string) (*Step, error) {
	return passFragment(ctx, "receivable:Accept", fragment, "fragment.transferred", func(tx *ledger.Tx, r receivable.Receivable, f receivable.Fragment, by member.Actor) (receivable.Fragment, error) {
		m, err := ledger.Members.Get(tx, by.MSP)
		if err != nil {
			return f, err
		}
		if m.Kind == member.Bank { // which finances by taking the claim over
			if err := goodsAreFree(tx, r); err != nil {
				return f, err
			}
		}
		return f.Accept(r, by, tx.Now())
	})
}

// Decline refuses an offered fragment.
func (*Receivable) Decline(ctx *ledger.Context, fragment string) (*Step, error) {
	return passFragment(ctx, "receivable:Decline", fragment, "fragment.declined", func(_ *ledger.Tx, _ receivable.Receivable, f receivable.Fragment, by member.Actor) (receivable.Fragment, error) {
		return f.Decline(by)
	})
}

// Consent lets one credit note lower the caller's fragment (input: receivable.Consenting).
func (*Receivable) Consent(ctx *ledger.Context, fragment string) (*Step, error) {
	return passFragment(ctx, "receivable:Consent", fragment, "fragment.consented", func(tx *ledger.Tx, _ receivable.Receivable, f receivable.Fragment, by member.Actor) (receivable.Fragment, error) {
		in, err := ledger.Input[receivable.Consenting](tx)
		if err != nil {
			return f, err
		}
		return f.ConsentTo(in, by, tx.Now())
	})
}

// passFragment carries out a step that concerns one fragment alone.
func passFragment(ctx *ledger.Context, function, id, event string, rule func(*ledger.Tx, receivable.Receivable, receivable.Fragment, member.Actor) (receivable.Fragment, error)) (*Step, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, function)
	if err != nil {
		return nil, err
	}
	r, f, err := fragmentWith(tx, id)
	if err != nil {
		return nil, err
	}
	if f, err = rule(tx, r, f, actor); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: event, ID: f.ID, Circle: r.Programme})
	return stepOf(r, f), saveFragments(tx, f)
}
