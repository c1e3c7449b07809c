package contract

import (
	"cmp"
	"slices"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// A receivable stands under its id; what belongs to it under its id and its own, so that it is found by a narrow range.
var (
	receivables    = ledger.Sealed[receivable.Receivable]("receivable")
	fragments      = ledger.Sealed[receivable.Fragment]("fragment")
	payments       = ledger.Sealed[receivable.Payment]("payment")
	creditNotes    = ledger.Sealed[receivable.CreditNote]("credit-note")
	disputes       = ledger.Sealed[receivable.Dispute]("dispute")
	programmeRules = ledger.Sealed[receivable.Rules]("receivable-rules")
	fingerprints   = ledger.Public[Fingerprinted]("fingerprint")
	// lookalikes stand under near fingerprint and receivable, so that two copies never wait for each other.
	lookalikes = ledger.Public[Lookalike]("near-fingerprint")
)

// Fingerprinted says which document on the ledger has a fingerprint. Document is a receivable's or a credit note's id.
type Fingerprinted struct {
	Document  string `json:"document"`
	Programme string `json:"programme"`
	// Released is set when the invoice was rejected or withdrawn, so that it can be issued again.
	Released bool `json:"released,omitempty"`
}

// Lookalike names a receivable with a near fingerprint. Released is set when the invoice was rejected or withdrawn: then it is
// no near duplicate of anything.
type Lookalike struct {
	Receivable string `json:"receivable"`
	Programme  string `json:"programme"`
	Released   bool   `json:"released,omitempty"`
}

// acting returns the caller when it may call the function, and its party is one that its organisation hosts: certificates
// name the party, and only the host's own CA may.
func acting(tx *ledger.Tx, function string) (member.Actor, error) {
	actor, err := tx.Authorise(function)
	if err != nil {
		return actor, err
	}
	anchor, found, err := partyAnchors.Find(tx, actor.Party)
	if err != nil {
		return actor, fault.New(fault.NotPermitted, "the caller's certificate names no party")
	}
	if !found || anchor.Host != actor.MSP {
		return actor, fault.New(fault.NotPermitted, "%s does not host the party that the caller acts for", actor.MSP)
	}
	return actor, nil
}

func rulesOf(tx *ledger.Tx, programme string) (receivable.Rules, error) {
	rules, _, err := programmeRules.Find(tx, programme)
	return rules.WithDefaults(), err
}

// fragmentWith loads a fragment with its receivable.
func fragmentWith(tx *ledger.Tx, id string) (receivable.Receivable, receivable.Fragment, error) {
	of, err := receivable.ReceivableOf(id)
	if err != nil {
		return receivable.Receivable{}, receivable.Fragment{}, err
	}
	r, err := receivables.Get(tx, of)
	if err != nil {
		return r, receivable.Fragment{}, err
	}
	f, err := fragments.Get(tx, of, id)
	return r, f, err
}

// claimOf loads a receivable with all its fragments.
func claimOf(tx *ledger.Tx, id string) (receivable.Claim, error) {
	r, err := receivables.Get(tx, id)
	if err != nil {
		return receivable.Claim{}, err
	}
	items, err := fragments.All(tx, id)
	return receivable.Claim{Receivable: r, Fragments: bodies(items)}, err
}

func bodies[T any](items []ledger.Item[T]) []T {
	list := make([]T, 0, len(items))
	for _, item := range items {
		list = append(list, item.Record)
	}
	return list
}

func saveFragments(tx *ledger.Tx, list ...receivable.Fragment) error {
	for _, f := range list {
		if err := fragments.Update(tx, f, f.Receivable, f.ID); err != nil {
			return err
		}
	}
	return nil
}

func createFragments(tx *ledger.Tx, programme string, list ...receivable.Fragment) error {
	for _, f := range list {
		if err := fragments.Create(tx, programme, f, f.Receivable, f.ID); err != nil {
			return err
		}
	}
	return nil
}

func saveOutcome(tx *ledger.Tx, out receivable.Outcome) error {
	if err := receivables.Update(tx, out.Receivable, out.Receivable.ID); err != nil {
		return err
	}
	return saveFragments(tx, out.Changed...)
}

// claimFingerprint enters a document's fingerprint, or returns RECEIVABLE_DUPLICATE where another document has it.
func claimFingerprint(tx *ledger.Tx, fingerprint, document, programme string) error {
	entry := Fingerprinted{Document: document, Programme: programme}
	was, found, err := fingerprints.Find(tx, fingerprint)
	switch {
	case err != nil:
		return err
	case !found:
		return fingerprints.Create(tx, programme, entry, fingerprint)
	case !was.Released:
		return fault.New(fault.ReceivableDuplicate, "the invoice is on the ledger already, as %s", was.Document)
	}
	return fingerprints.Update(tx, entry, fingerprint)
}

// releaseFingerprint lets an invoice that was rejected or withdrawn be issued again.
func releaseFingerprint(tx *ledger.Tx, r receivable.Receivable) error {
	if err := fingerprints.Update(tx, Fingerprinted{Document: r.ID, Programme: r.Programme, Released: true}, r.Fingerprint); err != nil {
		return err
	}
	return lookalikes.Update(tx, Lookalike{Receivable: r.ID, Programme: r.Programme, Released: true}, r.NearFingerprint, r.ID)
}

// lookalikesOf lists the other receivables whose invoices differ from this one's in punctuation and case of the number,
// in date or in document type only, in every programme.
func lookalikesOf(tx *ledger.Tx, r receivable.Receivable) ([]Lookalike, error) {
	items, err := lookalikes.All(tx, r.NearFingerprint)
	if err != nil {
		return nil, err
	}
	list := []Lookalike{}
	for _, l := range bodies(items) {
		if l.Receivable != r.ID && !l.Released {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b Lookalike) int { return cmp.Compare(a.Receivable, b.Receivable) })
	return list, nil
}

// What a financing does with the fragments that back it. Each returns FRAGMENT_ENCUMBERED where another application holds
// the fragment, and what ties it to a bank GOODS_PLEDGED while the invoice's goods are collateral themselves.

// reserveFragment ties a fragment to an application, for the maker of its holder, and returns it with its receivable.
func reserveFragment(tx *ledger.Tx, by member.Actor, application, fragment string) (receivable.Receivable, receivable.Fragment, error) {
	r, f, err := fragmentWith(tx, fragment)
	if err != nil {
		return r, f, err
	}
	if f, err = f.Reserve(r, application, by, tx.Now()); err != nil {
		return r, f, err
	}
	if err := goodsAreFree(tx, r); err != nil {
		return r, f, err
	}
	return r, f, saveEncumbrance(tx, r, f, application, "fragment.reserved")
}

// pledgeFragment gives a reserved fragment to the bank, a party, as security, before the claim is due. Its face may be less
// than when it was reserved, because the buyer has paid a part: the financing values it again.
func pledgeFragment(tx *ledger.Tx, application, bank, fragment string) error {
	r, f, err := fragmentWith(tx, fragment)
	if err != nil {
		return err
	}
	if err := r.Tradable(tx.Now()); err != nil {
		return err
	}
	if f, err = f.Pledge(application, bank, tx.Now()); err != nil {
		return err
	}
	if err := goodsAreFree(tx, r); err != nil { // which may have been pledged since the reservation
		return err
	}
	return saveEncumbrance(tx, r, f, application, "fragment.pledged")
}

// releaseFragment frees a fragment. One that was paid or credited away meanwhile is free already.
func releaseFragment(tx *ledger.Tx, application, fragment string) error {
	r, f, err := fragmentWith(tx, fragment)
	if err != nil || !f.Live() {
		return err
	}
	if f, err = f.Release(application); err != nil {
		return err
	}
	return saveEncumbrance(tx, r, f, application, "fragment.released")
}

// buyFragment makes the bank, a party, the holder of a reserved fragment, before the claim is due.
func buyFragment(tx *ledger.Tx, application, bank string, recourse receivable.Recourse, considerationMinor int64, fragment string) error {
	r, f, err := fragmentWith(tx, fragment)
	if err != nil {
		return err
	}
	if err := r.Tradable(tx.Now()); err != nil {
		return err
	}
	if f, err = f.TransferTo(application, bank, recourse, considerationMinor, tx.Now()); err != nil {
		return err
	}
	if err := goodsAreFree(tx, r); err != nil { // which may have been pledged since the reservation
		return err
	}
	return saveEncumbrance(tx, r, f, application, "fragment.transferred")
}

// enforceFragment makes the bank the holder of what was pledged to it.
func enforceFragment(tx *ledger.Tx, application, fragment string) error {
	r, f, err := fragmentWith(tx, fragment)
	if err != nil || !f.Live() {
		return err
	}
	if f, err = f.Enforce(application, tx.Now()); err != nil {
		return err
	}
	return saveEncumbrance(tx, r, f, application, "fragment.enforced")
}

func saveEncumbrance(tx *ledger.Tx, r receivable.Receivable, f receivable.Fragment, application, event string) error {
	tx.Emit(ledger.Event{Type: event, ID: f.ID, Circle: r.Programme, Ref: application})
	return saveFragments(tx, f)
}
