package contract

import (
	"cmp"
	"slices"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// ReceivableView is a receivable with its near duplicates. Banks and the regulator see in Goods what is known of the lots that
// the invoice names; to a seller it would say what others have pledged.
type ReceivableView struct {
	receivable.Receivable
	Lookalikes []Lookalike   `json:"lookalikes"`
	Goods      []LotStanding `json:"goods,omitempty"`
}

// readableReceivable returns NOT_PERMITTED unless the caller may see the whole receivable: a bank or the regulator that reads its
// programme, its buyer, or its seller. A holder further down sees its Holding instead.
func readableReceivable(tx *ledger.Tx, actor member.Actor, r receivable.Receivable) error {
	if err := tx.CanRead(r.Programme); err != nil {
		return err
	}
	m, err := ledger.Members.Get(tx, actor.MSP)
	if err != nil {
		return err
	}
	if m.Kind == member.Bank || m.Kind == member.Regulator {
		return nil
	}
	party, err := hosted(tx, actor)
	if err != nil {
		return err
	}
	if party == r.Invoice.Seller || party == r.Invoice.Buyer {
		return nil
	}
	return fault.New(fault.NotPermitted, "receivable %s is another party's", r.ID)
}

// hosted returns the caller's party, when its organisation hosts it.
func hosted(tx *ledger.Tx, actor member.Actor) (string, error) {
	if actor.Party == "" {
		return "", fault.New(fault.NotPermitted, "the caller's certificate names no party")
	}
	anchor, found, err := partyAnchors.Find(tx, actor.Party)
	if err != nil {
		return "", err
	}
	if !found || anchor.Host != actor.MSP {
		return "", fault.New(fault.NotPermitted, "%s does not host the party that the caller acts for", actor.MSP)
	}
	return actor.Party, nil
}

func readReceivable(tx *ledger.Tx, function, id string) (receivable.Receivable, error) {
	actor, err := tx.Authorise(function)
	if err != nil {
		return receivable.Receivable{}, err
	}
	r, err := receivables.Get(tx, id)
	if err != nil {
		return r, err
	}
	return r, readableReceivable(tx, actor, r)
}

// Rules returns the programme's terms for receivables.
func (*Receivable) Rules(ctx *ledger.Context, programme string) (*receivable.Rules, error) {
	tx := ctx.Tx()
	if _, err := tx.Authorise("receivable:Rules"); err != nil {
		return nil, err
	}
	if err := tx.CanRead(programme); err != nil {
		return nil, err
	}
	rules, err := rulesOf(tx, programme)
	return &rules, err
}

// Get returns a receivable with its near duplicates.
func (*Receivable) Get(ctx *ledger.Context, id string) (*ReceivableView, error) {
	tx := ctx.Tx()
	r, err := readReceivable(tx, "receivable:Get", id)
	if err != nil {
		return nil, err
	}
	list, err := lookalikesOf(tx, r)
	if err != nil {
		return nil, err
	}
	view := &ReceivableView{Receivable: r, Lookalikes: list}
	m, err := ledger.Members.Get(tx, tx.Caller().MSP)
	if err == nil && (m.Kind == member.Bank || m.Kind == member.Regulator) {
		view.Goods, err = lotStandings(tx, r.Programme, r.Invoice.Lots)
	}
	return view, err
}

// ReceivablePage is one page of receivables.
type ReceivablePage struct {
	Receivables []receivable.Receivable `json:"receivables"`
	Next        string                  `json:"next"`
}

// List returns a page of the receivables that the caller may see whole, after the bookmark. A page may be short.
func (*Receivable) List(ctx *ledger.Context, size int, after string) (*ReceivablePage, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receivable:List")
	if err != nil {
		return nil, err
	}
	items, next, err := receivables.List(tx, ledger.Page{Size: size, After: after})
	if err != nil {
		return nil, err
	}
	page := &ReceivablePage{Receivables: []receivable.Receivable{}, Next: next}
	for _, r := range bodies(items) {
		switch err := readableReceivable(tx, actor, r); {
		case err == nil:
			page.Receivables = append(page.Receivables, r)
		case fault.CodeOf(err) != fault.NotPermitted:
			return nil, err
		}
	}
	return page, nil
}

// Terms returns what the buyer's checker signs to confirm the receivable.
func (*Receivable) Terms(ctx *ledger.Context, id string) (*receivable.Terms, error) {
	r, err := readReceivable(ctx.Tx(), "receivable:Terms", id)
	if err != nil {
		return nil, err
	}
	terms := r.Terms()
	return &terms, nil
}

// TermsBulk is Terms for up to 500 receivables, in their order.
func (*Receivable) TermsBulk(ctx *ledger.Context, ids []string) ([]receivable.Terms, error) {
	tx := ctx.Tx()
	if len(ids) > receivable.MaxBulk {
		return nil, fault.New(fault.InputTooLarge, "there may be at most %d", receivable.MaxBulk)
	}
	list := make([]receivable.Terms, len(ids))
	for i, id := range ids {
		r, err := readReceivable(tx, "receivable:TermsBulk", id)
		if err != nil {
			return nil, err
		}
		list[i] = r.Terms()
	}
	return list, nil
}

// Standings returns the statuses of up to 500 receivables, in their order: what a bulk has to know of those that it names. A
// receivable that is not there, or that the caller may not see whole, has none.
func (*Receivable) Standings(ctx *ledger.Context, ids []string) ([]Step, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receivable:Standings")
	if err != nil {
		return nil, err
	}
	if len(ids) > receivable.MaxBulk {
		return nil, fault.New(fault.InputTooLarge, "there may be at most %d", receivable.MaxBulk)
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		if keys[i], err = receivables.Key(id); err != nil {
			return nil, err
		}
	}
	if err := tx.Warm(keys...); err != nil {
		return nil, err
	}
	list := make([]Step, len(ids))
	for i, id := range ids {
		list[i].ID = id
		r, found, err := receivables.Find(tx, id)
		if err != nil && fault.CodeOf(err) != fault.KeyMissing {
			return nil, err
		}
		if err != nil || !found {
			continue
		}
		switch err := readableReceivable(tx, actor, r); {
		case err == nil:
			list[i].Status = r.Status
		case fault.CodeOf(err) != fault.NotPermitted:
			return nil, err
		}
	}
	return list, nil
}

// withoutTiers leaves out of fragments what is between other parties: the buyer sees whom it owes what, and not on which terms
// its suppliers passed a claim on.
func withoutTiers(tx *ledger.Tx, list ...receivable.Fragment) error {
	m, err := ledger.Members.Get(tx, tx.Caller().MSP)
	if err != nil || m.Kind == member.Bank || m.Kind == member.Regulator {
		return err
	}
	for i := range list {
		list[i].Chain, list[i].Offer, list[i].Agreed = nil, nil, nil
	}
	return nil
}

// Fragment returns a fragment: to banks and the regulator with its whole lineage, to the buyer without the tiers between.
func (*Receivable) Fragment(ctx *ledger.Context, id string) (*receivable.Fragment, error) {
	tx := ctx.Tx()
	of, err := receivable.ReceivableOf(id)
	if err != nil {
		return nil, err
	}
	if _, err := readReceivable(tx, "receivable:Fragment", of); err != nil {
		return nil, err
	}
	f, err := fragments.Get(tx, of, id)
	if err != nil {
		return nil, err
	}
	list := []receivable.Fragment{f}
	return &list[0], withoutTiers(tx, list...)
}

// Fragments returns all fragments of a receivable, closed ones included, as Fragment does.
func (*Receivable) Fragments(ctx *ledger.Context, id string) ([]receivable.Fragment, error) {
	tx := ctx.Tx()
	if _, err := readReceivable(tx, "receivable:Fragments", id); err != nil {
		return nil, err
	}
	items, err := fragments.All(tx, id)
	if err != nil {
		return nil, err
	}
	list := bodies(items)
	return list, withoutTiers(tx, list...)
}

// Holding returns what the caller's party may see of a fragment that it holds, held, or is offered: the debtor's
// undertaking and its own terms, not the tiers between.
func (*Receivable) Holding(ctx *ledger.Context, fragment string) (*receivable.Holding, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:Holding")
	if err != nil {
		return nil, err
	}
	r, f, err := fragmentWith(tx, fragment)
	if err != nil {
		return nil, err
	}
	h, ok, err := f.Holding(r, actor.Party)
	if err == nil && !ok {
		err = fault.New(fault.NotHolder, "fragment %s has another holder", fragment)
	}
	return &h, err
}

// Holdings returns what the caller's party may see of the fragments of a receivable.
func (*Receivable) Holdings(ctx *ledger.Context, id string) ([]receivable.Holding, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:Holdings")
	if err != nil {
		return nil, err
	}
	claim, err := claimOf(tx, id)
	if err != nil {
		return nil, err
	}
	list := []receivable.Holding{}
	for _, f := range claim.Fragments {
		h, ok, err := f.Holding(claim.Receivable, actor.Party)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, h)
		}
	}
	return list, nil
}

// HoldingPage is one page of holdings.
type HoldingPage struct {
	Holdings []receivable.Holding `json:"holdings"`
	Next     string               `json:"next"`
}

// ListHoldings returns a page of what the caller's party holds, is offered, or has passed on, after the bookmark, in the
// programmes whose keys it brings: a holder down the tiers finds its claims without knowing a receivable. A page may hold fewer
// than size, even none, and still have a next one.
func (*Receivable) ListHoldings(ctx *ledger.Context, size int, after string) (*HoldingPage, error) {
	tx := ctx.Tx()
	actor, err := acting(tx, "receivable:ListHoldings")
	if err != nil {
		return nil, err
	}
	items, next, err := fragments.List(tx, ledger.Page{Size: size, After: after})
	if err != nil {
		return nil, err
	}
	page, r := &HoldingPage{Holdings: []receivable.Holding{}, Next: next}, receivable.Receivable{}
	for _, f := range bodies(items) {
		if f.Receivable != r.ID { // the fragments of a receivable follow each other
			if r, err = receivables.Get(tx, f.Receivable); err != nil {
				return nil, err
			}
		}
		h, ok, err := f.Holding(r, actor.Party)
		if err != nil {
			return nil, err
		}
		if ok {
			page.Holdings = append(page.Holdings, h)
		}
	}
	return page, nil
}

// Bill returns what the buyer has to pay today, late interest included; what is in dispute is apart.
func (*Receivable) Bill(ctx *ledger.Context, id string) (*receivable.Bill, error) {
	tx := ctx.Tx()
	if _, err := readReceivable(tx, "receivable:Bill", id); err != nil {
		return nil, err
	}
	claim, err := claimOf(tx, id)
	if err != nil {
		return nil, err
	}
	bill, err := claim.Bill(tx.Today())
	return &bill, err
}

// Costs returns the all-in cost of every tier of a fragment.
func (*Receivable) Costs(ctx *ledger.Context, fragment string) ([]receivable.Cost, error) {
	tx := ctx.Tx()
	of, err := receivable.ReceivableOf(fragment)
	if err != nil {
		return nil, err
	}
	r, err := readReceivable(tx, "receivable:Costs", of)
	if err != nil {
		return nil, err
	}
	f, err := fragments.Get(tx, of, fragment)
	if err != nil {
		return nil, err
	}
	return f.Costs(r.Rules.WithDefaults().DayCount)
}

// Payments returns the payments on a receivable, the first one first, with their distribution: to banks and the regulator with what each tier's
// transfers have cost, to a supplier's party its own part and the costs of the transfers that it made itself.
func (*Receivable) Payments(ctx *ledger.Context, id string) ([]receivable.Payment, error) {
	tx := ctx.Tx()
	actor, err := tx.Authorise("receivable:Payments")
	if err != nil {
		return nil, err
	}
	r, err := receivables.Get(tx, id)
	if err != nil {
		return nil, err
	}
	m, err := ledger.Members.Get(tx, actor.MSP)
	if err != nil {
		return nil, err
	}
	party := ""
	if m.Kind == member.Supplier {
		party, err = hosted(tx, actor)
	} else {
		err = readableReceivable(tx, actor, r)
	}
	if err != nil {
		return nil, err
	}
	items, err := payments.All(tx, id)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(items, func(a, b ledger.Item[receivable.Payment]) int {
		return cmp.Or(a.Record.By.At.Compare(b.Record.By.At), cmp.Compare(a.Record.ID, b.Record.ID))
	})
	if m.Kind == member.Buyer {
		return bodies(items), nil
	}
	claim, err := claimOf(tx, id)
	if err != nil {
		return nil, err
	}
	list := []receivable.Payment{}
	for _, p := range bodies(items) {
		if party != "" {
			var ok bool
			if p, ok = p.PartOf(r, party); !ok {
				continue
			}
		}
		if p, err = p.WithCosts(r, claim.Fragments, party); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// CreditNotes returns the credit notes on a receivable, with what each lowered and its recourse claim. The seller does not
// learn from them who else holds fragments.
func (*Receivable) CreditNotes(ctx *ledger.Context, id string) ([]receivable.CreditNote, error) {
	tx := ctx.Tx()
	if _, err := readReceivable(tx, "receivable:CreditNotes", id); err != nil {
		return nil, err
	}
	items, err := creditNotes.All(tx, id)
	if err != nil {
		return nil, err
	}
	list := bodies(items)
	m, err := ledger.Members.Get(tx, tx.Caller().MSP)
	if err != nil || m.Kind != member.Supplier {
		return list, err
	}
	for _, n := range list {
		for i, cut := range n.Cuts {
			if cut.Holder != tx.Caller().Party {
				n.Cuts[i].Holder = ""
			}
		}
	}
	return list, nil
}

// Disputes returns the disputes over a confirmed receivable.
func (*Receivable) Disputes(ctx *ledger.Context, id string) ([]receivable.Dispute, error) {
	tx := ctx.Tx()
	if _, err := readReceivable(tx, "receivable:Disputes", id); err != nil {
		return nil, err
	}
	items, err := disputes.All(tx, id)
	return bodies(items), err
}
