package projection

import (
	"context"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// Totals of receivables and fragments.
const (
	owedName   = "owed"   // of confirmed receivables: by buyer with the programme as subject, for everybody with the buyer; by due date
	debtorName = "debtor" // the same by buyer alone
	sellerName = "seller" // the same by seller alone
	heldName   = "held"   // faces: by holder with the debtor as subject, by due date
	nearName   = "near"   // receivables by near fingerprint
)

// Lookalike names a receivable with a near fingerprint: the same invoice but for punctuation, date or document type.
type Lookalike struct {
	Receivable string `json:"receivable"`
	Programme  string `json:"programme"`
	Released   bool   `json:"released,omitempty"`
}

func receivableKinds() []kind {
	return []kind{
		kindOf("receivable", forTrade, deriveReceivable),
		kindOf("fragment", forTrade, deriveFragment),
		kindOf("payment", forTrade, derivePayment),
		kindOf("credit-note", forTrade, func(n *receivable.CreditNote, l lookup, r *row) error {
			if n.Recourse != nil {
				r.status = "recourse"
				if n.Recourse.Settled != nil {
					r.status = "settled"
				}
			}
			return ofReceivable(n.Receivable, l, r)
		}),
		kindOf("dispute", forTrade, func(d *receivable.Dispute, l lookup, r *row) error {
			r.status, r.due = "open", dayText(d.EndsOn)
			if d.EndedBy != nil {
				r.status = "ended"
			}
			for _, f := range d.Fragments {
				r.link("about", "fragment", joinID([]string{d.Receivable, f}))
			}
			return ofReceivable(d.Receivable, l, r)
		}),
		kindOf("receivable-rules", forCircle, func(*receivable.Rules, lookup, *row) error { return nil }),
		kindOf("near-fingerprint", lookupOnly, func(n *Lookalike, _ lookup, r *row) error {
			if !n.Released {
				near, _, _ := strings.Cut(r.id, "/")
				r.totals = append(r.totals, total{name: nearName, subject: near})
			}
			return nil
		}),
	}
}

// ofReceivable makes a record concern the two sides of its receivable.
func ofReceivable(id string, l lookup, r *row) error {
	r.link("about", "receivable", id)
	var of receivable.Receivable
	_, err := l("receivable", id, &of)
	r.concern(of.Invoice.Seller, of.Invoice.Buyer)
	return err
}

func deriveReceivable(rec *receivable.Receivable, _ lookup, r *row) error {
	i := rec.Invoice
	r.status, r.due = string(rec.Status), dayText(i.DueDate)
	r.concern(i.Seller, i.Buyer)
	r.meet(i.Seller, i.Buyer)
	r.terms = words(i.Number)
	owed := int64(0)
	if rec.HasClaim() && !receivable.Life.Final(rec.Status) {
		owed = rec.Owed()
		r.add(owedName, i.Buyer, rec.Programme, i.Currency, i.DueDate, owed)
		r.add(owedName, "", i.Buyer, i.Currency, i.DueDate, owed)
		r.totals = append(r.totals, total{name: debtorName, subject: i.Buyer, currency: i.Currency, minor: owed},
			total{name: sellerName, subject: i.Seller, currency: i.Currency, minor: owed})
	}
	confirmed := ""
	if rec.Undertaking != nil {
		confirmed = instantText(rec.Undertaking.Checker.At)
	}
	r.columns("receivable", "confirmed", confirmed, "confirmed_minor", rec.ConfirmedMinor, "credited_minor", rec.CreditedMinor,
		"grace_days", int64(rec.Rules.GraceDays), "programme", rec.Programme, "seller", i.Seller, "buyer", i.Buyer, "number", i.Number, "currency", i.Currency,
		"amount_minor", i.PayableMinor, "owed_minor", owed, "issued", instantText(rec.Issued.At))
	return nil
}

func deriveFragment(f *receivable.Fragment, l lookup, r *row) error {
	r.status, r.due = string(f.Status), dayText(f.DueDate)
	var of receivable.Receivable
	if _, err := l("receivable", f.Receivable, &of); err != nil {
		return err
	}
	r.concern(f.Holder, of.Invoice.Buyer)
	if f.Offer != nil {
		r.concern(f.Offer.To)
		r.meet(f.Holder, f.Offer.To)
	}
	for _, e := range f.Chain {
		r.addConcern(e.From, true)
		r.meet(e.From, e.To)
	}
	r.link("part", "receivable", f.Receivable)
	for _, p := range f.Parents {
		r.link("parent", "fragment", joinID([]string{f.Receivable, p}))
	}
	if f.Live() {
		r.add(heldName, f.Holder, of.Invoice.Buyer, f.Currency, f.DueDate, f.FaceMinor)
	}
	r.columns("fragment", "receivable", f.Receivable, "programme", of.Programme, "holder", f.Holder, "debtor", of.Invoice.Buyer,
		"currency", f.Currency, "face_minor", f.FaceMinor)
	return nil
}

func derivePayment(p *receivable.Payment, l lookup, r *row) error {
	for _, out := range p.Payouts {
		r.link("pays", "fragment", joinID([]string{p.Receivable, out.Fragment}))
	}
	if err := ofReceivable(p.Receivable, l, r); err != nil {
		return err
	}
	for _, out := range p.Payouts {
		r.concern(out.Holder, out.Payee)
	}
	r.columns("payment", "receivable", p.Receivable, "paid", instantText(p.By.At))
	return nil
}

// ReceivableFilter filters a list of receivables; empty fields filter nothing.
type ReceivableFilter struct {
	Common
	Seller, Buyer, Programme, Number string
}

func (f ReceivableFilter) listing() listing {
	l := listing{typ: "receivable", Common: f.Common, table: "receivable"}
	l.where("number", f.Number)
	l.where("seller", f.Seller)
	l.where("buyer", f.Buyer)
	l.where("programme", f.Programme)
	return l
}

// Receivables lists the receivables that the viewer may see whole: a bank and the regulator all, others those in which one of
// their parties is the seller or the buyer. A holder further down the tiers lists Holdings.
func (s *Store) Receivables(ctx context.Context, v Viewer, f ReceivableFilter, p Page) (Slice[receivable.Receivable], error) {
	return page(ctx, s, v, f.listing(), p, whole[receivable.Receivable])
}

// ReceivableView is a receivable with its near duplicates.
type ReceivableView struct {
	receivable.Receivable
	Lookalikes []Lookalike `json:"lookalikes"`
}

// Receivable returns a receivable as Receivables does, or RECORD_NOT_FOUND.
func (s *Store) Receivable(ctx context.Context, v Viewer, id string) (ReceivableView, error) {
	r, err := one[receivable.Receivable](ctx, s, v, "receivable", id)
	if err != nil {
		return ReceivableView{}, err
	}
	view := ReceivableView{Receivable: r}
	alike, err := s.lookalikes(ctx, r.NearFingerprint)
	view.Lookalikes = slices.DeleteFunc(alike, func(l Lookalike) bool { return l.Receivable == id })
	return view, err
}

// lookalikes lists the live receivables with a near fingerprint, which is under the seller's own key.
func (s *Store) lookalikes(ctx context.Context, near string) ([]Lookalike, error) {
	rows, err := s.reader(ctx).QueryContext(ctx, `SELECT body FROM record WHERE type = 'near-fingerprint' AND id >= $1 AND id < $2 ORDER BY id`,
		near+"/", near+"0") // "0" follows on "/"
	if err != nil {
		return nil, err
	}
	list, err := scanAll(rows, func(scan func(...any) error) (Lookalike, error) {
		var body []byte
		if err := scan(&body); err != nil {
			return Lookalike{}, err
		}
		return decode[Lookalike](body)
	})
	return slices.DeleteFunc(list, func(l Lookalike) bool { return l.Released }), err
}

// FragmentFilter filters a list of fragments; empty fields filter nothing.
type FragmentFilter struct {
	Common
	Receivable, Holder, Programme string
}

// Fragments lists fragments: to a bank and the regulator with their whole lineage, to the debtor without the tiers between. A
// supplier's party lists Holdings instead and finds nothing here.
func (s *Store) Fragments(ctx context.Context, v Viewer, f FragmentFilter, p Page) (Slice[receivable.Fragment], error) {
	if hostOnly(v) {
		return Slice[receivable.Fragment]{Items: []receivable.Fragment{}}, nil
	}
	l := listing{typ: "fragment", Common: f.Common, table: "fragment"}
	l.where("receivable", f.Receivable)
	l.where("holder", f.Holder)
	l.where("programme", f.Programme)
	return page(ctx, s, v, l, p, func(_ context.Context, f receivable.Fragment) (receivable.Fragment, bool, error) {
		return withoutTiers(v, f), true, nil
	})
}

// Fragment returns a fragment as Fragments does, or RECORD_NOT_FOUND.
func (s *Store) Fragment(ctx context.Context, v Viewer, id string) (receivable.Fragment, error) {
	key, err := fragmentKey(id)
	if err != nil || hostOnly(v) {
		return receivable.Fragment{}, notFound("fragment", id)
	}
	f, err := one[receivable.Fragment](ctx, s, v, "fragment", key)
	if fault.CodeOf(err) == fault.RecordNotFound {
		err = notFound("fragment", id)
	}
	return withoutTiers(v, f), err
}

func fragmentKey(id string) (string, error) {
	of, err := receivable.ReceivableOf(id)
	return joinID([]string{of, id}), err
}

// withoutTiers leaves out what is between other parties, for whoever is neither a bank nor the regulator.
func withoutTiers(v Viewer, f receivable.Fragment) receivable.Fragment {
	if v.Kind != member.Bank && v.Kind != member.Regulator {
		f.Chain, f.Offer, f.Agreed = nil, nil, nil
	}
	return f
}

// HoldingFilter filters a list of holdings; empty fields filter nothing.
type HoldingFilter struct {
	Common
	Receivable string
}

// Holdings lists what the viewer's party holds, is offered, or has passed on: the debtor's undertaking and its own terms, not
// the tiers between.
func (s *Store) Holdings(ctx context.Context, v Viewer, f HoldingFilter, p Page) (Slice[receivable.Holding], error) {
	if v.Party == "" {
		return Slice[receivable.Holding]{Items: []receivable.Holding{}}, nil
	}
	l := listing{typ: "fragment", Common: f.Common, table: "fragment"}
	if f.Receivable != "" { // a party may hold thousands of others
		l.to = &link{"part", "receivable", f.Receivable}
	}
	if v.scope(forTrade) == all {
		l.where("holder", v.Party)
	}
	var of receivable.Receivable
	return page(ctx, s, v, l, p, func(ctx context.Context, f receivable.Fragment) (receivable.Holding, bool, error) {
		if of.ID != f.Receivable {
			var ok bool
			var err error
			if of, ok, err = whatever[receivable.Receivable](ctx, s, "receivable", f.Receivable); err != nil || !ok {
				return receivable.Holding{}, false, err
			}
		}
		return f.Holding(of, v.Party)
	})
}

// Holding returns what the viewer's party may see of a fragment, or RECORD_NOT_FOUND.
func (s *Store) Holding(ctx context.Context, v Viewer, fragment string) (receivable.Holding, error) {
	key, err := fragmentKey(fragment)
	if err != nil {
		return receivable.Holding{}, notFound("fragment", fragment)
	}
	f, err := one[receivable.Fragment](ctx, s, v, "fragment", key)
	if err != nil {
		return receivable.Holding{}, notFound("fragment", fragment)
	}
	of, ok, err := whatever[receivable.Receivable](ctx, s, "receivable", f.Receivable)
	if err != nil || !ok {
		return receivable.Holding{}, notFound("fragment", fragment)
	}
	h, ok, err := f.Holding(of, v.Party)
	if err == nil && !ok {
		err = notFound("fragment", fragment)
	}
	return h, err
}

// Payments lists payments, those on one receivable where it is given: to banks and the regulator with what each tier's transfers
// have cost. A supplier's party sees its own part of each, and the costs of transfers that it made itself; only the seller sees
// what was paid in all.
func (s *Store) Payments(ctx context.Context, v Viewer, receivableID string, c Common, p Page) (Slice[receivable.Payment], error) {
	var of receivable.Receivable
	var parts []receivable.Fragment
	return page(ctx, s, v, about("payment", receivableID, c), p, func(ctx context.Context, pay receivable.Payment) (receivable.Payment, bool, error) {
		if v.Kind == member.Buyer {
			return pay, true, nil
		}
		if of.ID != pay.Receivable {
			var err error
			if of, _, err = whatever[receivable.Receivable](ctx, s, "receivable", pay.Receivable); err != nil {
				return pay, false, err
			}
			if parts, err = s.fragmentsOf(ctx, pay.Receivable); err != nil {
				return pay, false, err
			}
		}
		party := ""
		if hostOnly(v) {
			party = v.Party
			pay, _ = pay.PartOf(of, party)
		} else if v.Kind != member.Bank && v.Kind != member.Regulator {
			return pay, true, nil
		}
		pay, err := pay.WithCosts(of, parts, party)
		return pay, true, err
	})
}

// fragmentsOf returns every fragment of a receivable, without asking who reads.
func (s *Store) fragmentsOf(ctx context.Context, id string) ([]receivable.Fragment, error) {
	rows, err := s.reader(ctx).QueryContext(ctx, `SELECT body FROM record WHERE type = 'fragment' AND id >= $1 AND id < $2 ORDER BY id`, id+"/", id+"0") // "0" follows on "/"
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(scan func(...any) error) (receivable.Fragment, error) {
		var body []byte
		if err := scan(&body); err != nil {
			return receivable.Fragment{}, err
		}
		return decode[receivable.Fragment](body)
	})
}

// CreditNotes lists credit notes, those on one receivable where it is given. A supplier's party does not learn from them who else
// holds fragments.
func (s *Store) CreditNotes(ctx context.Context, v Viewer, receivableID string, c Common, p Page) (Slice[receivable.CreditNote], error) {
	return page(ctx, s, v, about("credit-note", receivableID, c), p, func(_ context.Context, n receivable.CreditNote) (receivable.CreditNote, bool, error) {
		for i, cut := range n.Cuts {
			if hostOnly(v) && cut.Holder != v.Party {
				n.Cuts[i].Holder = ""
			}
		}
		return n, true, nil
	})
}

// Disputes lists disputes over confirmed receivables, those on one receivable where it is given.
func (s *Store) Disputes(ctx context.Context, v Viewer, receivableID string, c Common, p Page) (Slice[receivable.Dispute], error) {
	return page(ctx, s, v, about("dispute", receivableID, c), p, whole[receivable.Dispute])
}

func about(typ, receivableID string, c Common) listing {
	l := listing{typ: typ, Common: c}
	if receivableID != "" {
		l.to = &link{"about", "receivable", receivableID}
	}
	return l
}

// Rules returns a programme's terms for receivables; the defaults where none were set. RECORD_NOT_FOUND where the viewer's
// parties are not in the programme.
func (s *Store) Rules(ctx context.Context, v Viewer, programme string) (receivable.Rules, error) {
	rules, err := one[receivable.Rules](ctx, s, v, "receivable-rules", programme)
	return rules.WithDefaults(), err
}
