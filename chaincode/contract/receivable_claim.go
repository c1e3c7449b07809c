package contract

import (
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// Freeze disputes the fragments of a confirmed receivable that the input names (receivable.Objection with the same id), and
// no others.
func (*Receivable) Freeze(ctx *ledger.Context, id, dispute string) (*Step, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:Freeze")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[receivable.Objection](tx)
	if err != nil {
		return nil, err
	}
	if in.ID != dispute {
		return nil, fault.New(fault.InputInvalid, "the input is for another dispute than %s", dispute)
	}
	r, err := receivables.Get(tx, id)
	if err != nil {
		return nil, err
	}
	named, err := namedFragments(tx, id, in.Fragments)
	if err != nil {
		return nil, err
	}
	d, frozen, err := r.Freeze(in, named, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := disputes.Create(tx, r.Programme, d, id, d.ID); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "fragment.frozen", ID: d.ID, Circle: r.Programme, Ref: r.ID})
	return stepOf(r, frozen...), saveFragments(tx, frozen...)
}

// Thaw ends a dispute over a confirmed receivable.
func (*Receivable) Thaw(ctx *ledger.Context, id, dispute string) (*Step, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:Thaw")
	if err != nil {
		return nil, err
	}
	r, err := receivables.Get(tx, id)
	if err != nil {
		return nil, err
	}
	d, err := disputes.Get(tx, id, dispute)
	if err != nil {
		return nil, err
	}
	named, err := namedFragments(tx, id, d.Fragments)
	if err != nil {
		return nil, err
	}
	d, thawed, err := d.End(r, named, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := disputes.Update(tx, d, id, d.ID); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "fragment.thawed", ID: d.ID, Circle: r.Programme, Ref: r.ID})
	return stepOf(r, thawed...), saveFragments(tx, thawed...)
}

func namedFragments(tx *ledger.Tx, of string, ids []string) ([]receivable.Fragment, error) {
	list := make([]receivable.Fragment, len(ids))
	for i, id := range ids {
		var err error
		if list[i], err = fragments.Get(tx, of, id); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// CreditNote applies a credit note (input: receivable.Crediting with the same id) in the fixed order; what it cannot lower
// is the buyer's recourse claim on the seller. A credit note counts once (RECEIVABLE_DUPLICATE).
func (*Receivable) CreditNote(ctx *ledger.Context, id, note string) (*Step, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:CreditNote")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[receivable.Crediting](tx)
	if err != nil {
		return nil, err
	}
	if in.ID != note {
		return nil, fault.New(fault.InputInvalid, "the input is for another credit note than %s", note)
	}
	claim, err := claimOf(tx, id)
	if err != nil {
		return nil, err
	}
	r := claim.Receivable
	seller, err := parties.Get(tx, r.Programme, r.Invoice.Seller)
	if err != nil {
		return nil, err
	}
	key, err := seller.Key()
	if err != nil {
		return nil, err
	}
	fingerprint, err := in.Fingerprint(r.Invoice.Seller, key)
	if err != nil {
		return nil, err
	}
	out, record, err := claim.Credit(in, fingerprint, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := claimFingerprint(tx, fingerprint, note, r.Programme); err != nil {
		return nil, err
	}
	if err := creditNotes.Create(tx, r.Programme, record, id, note); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "receivable.credited", ID: r.ID, Circle: r.Programme, Ref: note})
	return stepOf(out.Receivable, out.Changed...), saveOutcome(tx, out)
}

// SettleRecourse acknowledges that the seller has paid back what a credit note could not lower.
func (*Receivable) SettleRecourse(ctx *ledger.Context, id, note string) (*Step, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:SettleRecourse")
	if err != nil {
		return nil, err
	}
	r, err := receivables.Get(tx, id)
	if err != nil {
		return nil, err
	}
	n, err := creditNotes.Get(tx, id, note)
	if err != nil {
		return nil, err
	}
	if n, err = n.Settle(actor, tx.Now()); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "recourse.settled", ID: note, Circle: r.Programme, Ref: id})
	return stepOf(r), creditNotes.Update(tx, n, id, note)
}

// Pay distributes a payment of the buyer (input: receivable.Paying with the same id) to the holders on record.
func (*Receivable) Pay(ctx *ledger.Context, id, payment string) (*Step, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:Pay")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[receivable.Paying](tx)
	if err != nil {
		return nil, err
	}
	if in.ID != payment {
		return nil, fault.New(fault.InputInvalid, "the input is for another payment than %s", payment)
	}
	claim, err := claimOf(tx, id)
	if err != nil {
		return nil, err
	}
	out, record, err := claim.Pay(in, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	programme := claim.Receivable.Programme
	if err := payments.Create(tx, programme, record, id, payment); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "receivable.paid", ID: id, Circle: programme, Ref: payment})
	if out.Receivable.Status == receivable.Settled {
		tx.Emit(ledger.Event{Type: "receivable.settled", ID: id, Circle: programme})
	}
	return stepOf(out.Receivable, out.Changed...), saveOutcome(tx, out)
}

// WriteOff marks the caller's own fragments of a defaulted receivable as written off. It waives nothing.
func (*Receivable) WriteOff(ctx *ledger.Context, id string) (*Step, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:WriteOff")
	if err != nil {
		return nil, err
	}
	claim, err := claimOf(tx, id)
	if err != nil {
		return nil, err
	}
	out, err := claim.WriteOff(actor, tx.Now())
	if err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "receivable.written_off", ID: id, Circle: claim.Receivable.Programme})
	return stepOf(out.Receivable, out.Changed...), saveOutcome(tx, out)
}
