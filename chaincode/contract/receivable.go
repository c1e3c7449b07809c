package contract

import (
	"strings"

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
	return []string{"Rules", "Get", "List", "Terms", "TermsBulk", "Standings", "Fragment", "Fragments", "Holding", "Holdings", "ListHoldings", "Bill", "Costs", "Payments", "CreditNotes", "Disputes"}
}

// SetRules writes the programme's terms for receivables (input: receivable.Rules), by the organisation that founded it.
// Receivables that are issued keep theirs.
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
	list, err := issueReceivables(tx, actor, programme, in)
	if err != nil {
		return nil, err
	}
	return stepOf(list[0]), nil
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
	list, err := issueReceivables(tx, actor, programme, in.Items...)
	if err != nil {
		return nil, err
	}
	out := &BulkStep{}
	for _, r := range list {
		out.Steps = append(out.Steps, *stepOf(r))
	}
	return out, nil
}

// issueReceivables decides on every invoice first, and then saves all of them, so that what it must look at is read at once.
func issueReceivables(tx *ledger.Tx, actor member.Actor, programme string, items ...receivable.Issuance) ([]receivable.Receivable, error) {
	rules, err := rulesOf(tx, programme)
	if err != nil {
		return nil, err
	}
	list := make([]receivable.Receivable, len(items))
	var keys []string
	for i, in := range items {
		key, err := fingerprintKey(tx, programme, in.Invoice)
		if err != nil {
			return nil, about(err, in.ID)
		}
		if list[i], err = receivable.New(in, programme, rules, key, actor, tx.Now()); err != nil {
			return nil, about(err, in.ID)
		}
		mine, err := keysOfIssue(list[i])
		if err != nil {
			return nil, err
		}
		keys = append(keys, mine...)
	}
	if err := tx.Warm(keys...); err != nil {
		return nil, err
	}
	for _, r := range list {
		if err := claimFingerprint(tx, r.Fingerprint, r.ID, programme); err != nil {
			return nil, about(err, r.ID)
		}
		if err := receivables.Create(tx, programme, r, r.ID); err != nil {
			return nil, err
		}
		if err := lookalikes.Create(tx, programme, Lookalike{Receivable: r.ID, Programme: programme}, r.NearFingerprint, r.ID); err != nil {
			return nil, err
		}
		tx.Emit(ledger.Event{Type: "receivable.issued", ID: r.ID, Circle: programme})
	}
	return list, nil
}

// fingerprintKey returns the seller's, when both parties are registered in the programme.
func fingerprintKey(tx *ledger.Tx, programme string, i receivable.Invoice) ([]byte, error) {
	seller, err := parties.Get(tx, programme, i.Seller)
	if err != nil {
		return nil, err
	}
	if _, err := parties.Get(tx, programme, i.Buyer); err != nil {
		return nil, err
	}
	return seller.Key()
}

func keysOfIssue(r receivable.Receivable) ([]string, error) {
	record, err := receivables.Key(r.ID)
	if err != nil {
		return nil, err
	}
	unique, err := fingerprints.Key(r.Fingerprint)
	if err != nil {
		return nil, err
	}
	near, err := lookalikes.Key(r.NearFingerprint, r.ID)
	return []string{record, unique, near}, err
}

// about adds the id of the item of a bulk to a failure.
func about(err error, id string) error {
	code := fault.CodeOf(err)
	if e, ok := err.(*fault.Error); ok && code != "" {
		return &fault.Error{Code: code, Detail: strings.TrimSuffix(id+": "+e.Detail, ": "), Fields: e.Fields}
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
	out, err := confirmReceivables(tx, actor, []receivable.Receivable{r}, []receivable.Confirmation{in})
	if err != nil {
		return nil, err
	}
	return &out.Steps[0], nil
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
	signatures := make([]receivable.Confirmation, len(list))
	for i, item := range in.Items {
		signatures[i] = item.Confirmation
	}
	return confirmReceivables(tx, actor, list, signatures)
}

// confirmReceivables decides on every confirmation first, and then saves all of them.
func confirmReceivables(tx *ledger.Tx, actor member.Actor, list []receivable.Receivable, in []receivable.Confirmation) (*BulkStep, error) {
	check := receivable.ByCertificate(tx.Identity().CertificatePEM)
	roots, keys, out := make([]receivable.Fragment, len(list)), make([]string, len(list)), &BulkStep{}
	for i, r := range list {
		var err error
		if list[i], roots[i], err = r.Confirm(in[i], check, actor, tx.Now()); err != nil {
			return nil, about(err, r.ID)
		}
		if keys[i], err = fragments.Key(r.ID, roots[i].ID); err != nil {
			return nil, err
		}
	}
	if err := tx.Warm(keys...); err != nil {
		return nil, err
	}
	for i, r := range list {
		if err := receivables.Update(tx, r, r.ID); err != nil {
			return nil, err
		}
		if err := createFragments(tx, r.Programme, roots[i]); err != nil {
			return nil, err
		}
		tx.Emit(ledger.Event{Type: "receivable.confirmed", ID: r.ID, Circle: r.Programme, Ref: roots[i].ID})
		out.Steps = append(out.Steps, *stepOf(r, roots[i]))
	}
	return out, nil
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
