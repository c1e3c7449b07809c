package contract

import (
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// Receivable is the contract of the claims: invoices, their confirmation, the fragments that travel, credit notes and
// payments. Arguments are opaque ids; terms come as the sealed input.
type Receivable struct{ contractapi.Contract }

// Step is the result of a transaction on a receivable: opaque ids and statuses only.
type Step struct {
	ID     string            `json:"id"`
	Status receivable.Status `json:"status"`
	// Fragments are those that the step has made, or else changed.
	Fragments []string `json:"fragments,omitempty"`
}

// BulkStep is the result of a bulk transaction.
type BulkStep struct {
	Steps []Step `json:"steps"`
}

func stepOf(r receivable.Receivable, list ...receivable.Fragment) *Step {
	s := &Step{ID: r.ID, Status: r.Status}
	for _, f := range list {
		s.Fragments = append(s.Fragments, f.ID)
	}
	return s
}

// GetEvaluateTransactions names the functions that only read.
func (*Receivable) GetEvaluateTransactions() []string {
	return []string{"Rules", "Get", "List", "Terms", "TermsBulk", "Fragment", "Fragments", "Holding", "Holdings", "Payments", "CreditNotes", "Disputes"}
}

// SetRules writes the programme's terms for receivables (input: receivable.Rules), by the organisation that founded it.
// Claims that are confirmed keep theirs.
func (*Receivable) SetRules(ctx *ledger.Context, programme string) error {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receivable:SetRules")
	if err != nil {
		return err
	}
	c, err := ledger.Circles.Get(tx, programme)
	if err != nil {
		return err
	}
	if c.Founder != actor.MSP {
		return fault.New(fault.NotPermitted, "the rules of programme %s are for %s to set", programme, c.Founder)
	}
	rules, err := ledger.Input[receivable.Rules](tx)
	if err != nil {
		return err
	}
	_, found, err := programmeRules.Find(tx, programme)
	switch {
	case err != nil:
		return err
	case found:
		err = programmeRules.Update(tx, rules, programme)
	default:
		err = programmeRules.Create(tx, programme, rules, programme)
	}
	tx.Emit(ledger.Event{Type: "receivable.rules", ID: programme, Circle: programme})
	return err
}

// Issue enters an invoice (input: receivable.Issuance with the same id) into a programme. The ledger computes its
// fingerprint itself and refuses a second invoice with the same (RECEIVABLE_DUPLICATE).
func (*Receivable) Issue(ctx *ledger.Context, programme, id string) (*Step, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:Issue")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[receivable.Issuance](tx)
	if err != nil {
		return nil, err
	}
	if in.ID != id {
		return nil, fault.New(fault.InputInvalid, "the input is for another receivable than %s", id)
	}
	r, err := issueReceivable(tx, actor, programme, in)
	if err != nil {
		return nil, err
	}
	return stepOf(r), nil
}

// IssueBulk enters many invoices (input: receivable.BulkIssuance): all of them, or none.
func (*Receivable) IssueBulk(ctx *ledger.Context, programme string) (*BulkStep, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:IssueBulk")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[receivable.BulkIssuance](tx)
	if err != nil {
		return nil, err
	}
	out := &BulkStep{}
	for _, item := range in.Items {
		r, err := issueReceivable(tx, actor, programme, item)
		if err != nil {
			return nil, about(err, item.ID)
		}
		out.Steps = append(out.Steps, *stepOf(r))
	}
	return out, nil
}

func issueReceivable(tx *ledger.Tx, actor member.Actor, programme string, in receivable.Issuance) (receivable.Receivable, error) {
	var r receivable.Receivable
	rules, err := rulesOf(tx, programme)
	if err != nil {
		return r, err
	}
	seller, err := parties.Get(tx, programme, in.Invoice.Seller)
	if err != nil {
		return r, err
	}
	if _, err = parties.Get(tx, programme, in.Invoice.Buyer); err != nil {
		return r, err
	}
	key, err := seller.Key()
	if err != nil {
		return r, err
	}
	if r, err = receivable.New(in, programme, rules, key, actor, tx.Now()); err != nil {
		return r, err
	}
	if err := claimFingerprint(tx, r.Fingerprint, r.ID, programme); err != nil {
		return r, err
	}
	if err := receivables.Create(tx, programme, r, r.ID); err != nil {
		return r, err
	}
	tx.Emit(ledger.Event{Type: "receivable.issued", ID: r.ID, Circle: programme})
	return r, lookalikes.Create(tx, programme, Lookalike{Receivable: r.ID, Programme: programme}, r.NearFingerprint, r.ID)
}

// about adds the id of the item of a bulk to a failure.
func about(err error, id string) error {
	code := fault.CodeOf(err)
	if e, ok := err.(*fault.Error); ok && code != "" {
		return &fault.Error{Code: code, Detail: id + ": " + e.Detail, Fields: e.Fields}
	}
	return err
}

// Withdraw takes an unconfirmed invoice back.
func (*Receivable) Withdraw(ctx *ledger.Context, id string) (*Step, error) {
	return advanceReceivable(ctx, "receivable:Withdraw", id, "receivable.withdrawn", func(tx *ledger.Tx, r receivable.Receivable, by member.Actor) (receivable.Receivable, error) {
		return r.Withdraw(by)
	})
}

// ProposeConfirm is the approval of the buyer's first person.
func (*Receivable) ProposeConfirm(ctx *ledger.Context, id string) (*Step, error) {
	return advanceReceivable(ctx, "receivable:ProposeConfirm", id, "receivable.proposed", func(tx *ledger.Tx, r receivable.Receivable, by member.Actor) (receivable.Receivable, error) {
		return r.Propose(by, tx.Now())
	})
}

// ProposeConfirmBulk approves many invoices (input: receivable.BulkProposal): all of them, or none.
func (*Receivable) ProposeConfirmBulk(ctx *ledger.Context) (*BulkStep, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:ProposeConfirmBulk")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[receivable.BulkProposal](tx)
	if err != nil {
		return nil, err
	}
	list, err := receivables.GetMany(tx, in.IDs)
	if err != nil {
		return nil, err
	}
	out := &BulkStep{}
	for _, r := range list {
		if r, err = r.Propose(actor, tx.Now()); err != nil {
			return nil, err
		}
		if err := receivables.Update(tx, r, r.ID); err != nil {
			return nil, err
		}
		tx.Emit(ledger.Event{Type: "receivable.proposed", ID: r.ID, Circle: r.Programme})
		out.Steps = append(out.Steps, *stepOf(r))
	}
	return out, nil
}

// Return sends a proposal back to the buyer's first person.
func (*Receivable) Return(ctx *ledger.Context, id string) (*Step, error) {
	return advanceReceivable(ctx, "receivable:Return", id, "receivable.returned", func(tx *ledger.Tx, r receivable.Receivable, by member.Actor) (receivable.Receivable, error) {
		return r.Return(by)
	})
}

// Confirm makes the claim: the buyer's second person signs the undertaking (input: receivable.Confirmation, the signature
// over the bytes of Terms by the key of the caller's certificate). The seller holds the root fragment.
func (*Receivable) Confirm(ctx *ledger.Context, id string) (*Step, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:Confirm")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[receivable.Confirmation](tx)
	if err != nil {
		return nil, err
	}
	r, err := receivables.Get(tx, id)
	if err != nil {
		return nil, err
	}
	return confirmReceivable(tx, actor, receivable.ByCertificate(tx.Identity().CertificatePEM), r, in)
}

// ConfirmBulk confirms many receivables (input: receivable.BulkConfirmation): all of them, or none.
func (*Receivable) ConfirmBulk(ctx *ledger.Context) (*BulkStep, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:ConfirmBulk")
	if err != nil {
		return nil, err
	}
	in, err := ledger.Input[receivable.BulkConfirmation](tx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(in.Items))
	for i, item := range in.Items {
		ids[i] = item.ID
	}
	list, err := receivables.GetMany(tx, ids)
	if err != nil {
		return nil, err
	}
	check, out := receivable.ByCertificate(tx.Identity().CertificatePEM), &BulkStep{}
	for i, r := range list {
		s, err := confirmReceivable(tx, actor, check, r, in.Items[i].Confirmation)
		if err != nil {
			return nil, about(err, r.ID)
		}
		out.Steps = append(out.Steps, *s)
	}
	return out, nil
}

func confirmReceivable(tx *ledger.Tx, actor member.Actor, check receivable.Verifier, r receivable.Receivable, in receivable.Confirmation) (*Step, error) {
	r, root, err := r.Confirm(in, check, actor, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := receivables.Update(tx, r, r.ID); err != nil {
		return nil, err
	}
	tx.Emit(ledger.Event{Type: "receivable.confirmed", ID: r.ID, Circle: r.Programme, Ref: root.ID})
	return stepOf(r, root), createFragments(tx, r.Programme, root)
}

// Reject refuses an invoice for good (input: receivable.Because). It may be issued again, as a new receivable.
func (*Receivable) Reject(ctx *ledger.Context, id string) (*Step, error) {
	return advanceReceivable(ctx, "receivable:Reject", id, "receivable.rejected", func(tx *ledger.Tx, r receivable.Receivable, by member.Actor) (receivable.Receivable, error) {
		why, err := ledger.Input[receivable.Because](tx)
		if err != nil {
			return r, err
		}
		return r.Reject(why, by, tx.Now())
	})
}

// Dispute queries an unconfirmed invoice (input: receivable.Because). Freeze disputes parts of a confirmed one.
func (*Receivable) Dispute(ctx *ledger.Context, id string) (*Step, error) {
	return advanceReceivable(ctx, "receivable:Dispute", id, "receivable.disputed", func(tx *ledger.Tx, r receivable.Receivable, by member.Actor) (receivable.Receivable, error) {
		why, err := ledger.Input[receivable.Because](tx)
		if err != nil {
			return r, err
		}
		return r.Dispute(why, by, tx.Now())
	})
}

// Resolve ends the query of an unconfirmed invoice.
func (*Receivable) Resolve(ctx *ledger.Context, id string) (*Step, error) {
	return advanceReceivable(ctx, "receivable:Resolve", id, "receivable.resolved", func(tx *ledger.Tx, r receivable.Receivable, by member.Actor) (receivable.Receivable, error) {
		return r.Resolve(by)
	})
}

// Age makes the receivable's status say what the date says: matured, overdue, defaulted.
func (*Receivable) Age(ctx *ledger.Context, id string) (*Step, error) {
	return advanceReceivable(ctx, "receivable:Age", id, "receivable.aged", func(tx *ledger.Tx, r receivable.Receivable, by member.Actor) (receivable.Receivable, error) {
		return r.Age(tx.Today())
	})
}

// advanceReceivable carries out a step that concerns the receivable alone.
func advanceReceivable(ctx *ledger.Context, function, id, event string, rule func(*ledger.Tx, receivable.Receivable, member.Actor) (receivable.Receivable, error)) (*Step, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, function)
	if err != nil {
		return nil, err
	}
	r, err := receivables.Get(tx, id)
	if err != nil {
		return nil, err
	}
	was := r.Status
	if r, err = rule(tx, r, actor); err != nil {
		return nil, err
	}
	if r.Status == was { // nothing has happened
		return stepOf(r), nil
	}
	if r.Status == receivable.Rejected || r.Status == receivable.Withdrawn {
		if err := releaseFingerprint(tx, r); err != nil {
			return nil, err
		}
	}
	tx.Emit(ledger.Event{Type: event, ID: r.ID, Circle: r.Programme})
	return stepOf(r), receivables.Update(tx, r, id)
}
