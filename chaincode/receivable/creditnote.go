package receivable

import (
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Crediting is the input of a credit note: the terms of the document.
type Crediting struct {
	ID string `json:"id"`
	// TypeCode is the document type, UNTDID 1001; CreditNoteTypes lists those that are taken.
	TypeCode  string        `json:"type_code"`
	Number    string        `json:"number"`
	IssueDate calendar.Date `json:"issue_date"`
	Currency  string        `json:"currency"`
	// AmountMinor is what the credit note takes off, above zero.
	AmountMinor  int64  `json:"amount_minor"`
	DocumentHash string `json:"document_hash"`
}

// Validate reports every failure with its field and value.
func (c Crediting) Validate() error {
	var bad fault.Fields
	checkID(&bad, "id", c.ID, "crn")
	if !slices.Contains(CreditNoteTypes(), c.TypeCode) {
		bad.Add("type_code", c.TypeCode, "must be one of UNTDID 1001 %v", CreditNoteTypes())
	}
	checkNumber(&bad, "number", c.Number)
	c.IssueDate.Check(&bad, "issue_date")
	checkCurrency(&bad, "currency", c.Currency)
	if c.AmountMinor <= 0 {
		bad.Add("amount_minor", c.AmountMinor, "must be above zero")
	}
	checkHash(&bad, "document_hash", c.DocumentHash)
	return bad.Err()
}

// Fingerprint is that of the credit note, as Invoice.Fingerprint: no credit note counts twice.
func (c Crediting) Fingerprint(seller string, key []byte) (string, error) {
	return Invoice{TypeCode: c.TypeCode, Seller: seller, Number: c.Number, IssueDate: c.IssueDate, Currency: c.Currency,
		PayableMinor: c.AmountMinor}.Fingerprint(key)
}

// CreditNote is a credit note on the ledger: what it lowered, and what is a recourse claim instead.
type CreditNote struct {
	Crediting
	Receivable  string `json:"receivable"`
	Fingerprint string `json:"fingerprint"`
	By          Mark   `json:"by"`
	// BeforeMinor is what it took off an unconfirmed invoice.
	BeforeMinor int64 `json:"before_minor,omitempty"`
	// Cuts are the fragments that it lowered, in the order in which it did.
	Cuts []Cut `json:"cuts,omitempty"`
	// Recourse is the buyer's claim on the seller for the rest.
	Recourse *RecourseClaim `json:"recourse,omitempty"`
}

// Cut is what a credit note took off one fragment.
type Cut struct {
	Fragment string `json:"fragment"`
	Holder   string `json:"holder"`
	Minor    int64  `json:"minor"`
}

// RecourseClaim is what the seller owes the buyer, because the buyer must pay holders in full for what was credited.
type RecourseClaim struct {
	Debtor   string `json:"debtor"`
	Creditor string `json:"creditor"`
	Currency string `json:"currency"`
	Minor    int64  `json:"minor"`
	// Settled is the buyer's acknowledgement that it has been paid back.
	Settled *Mark `json:"settled,omitempty"`
}

// Consent is a holder's agreement that a credit note may lower its fragment, up to an amount.
type Consent struct {
	CreditNote string `json:"credit_note"`
	UpToMinor  int64  `json:"up_to_minor"`
	By         Mark   `json:"by"`
}

// Consenting is the input of a consent.
type Consenting struct {
	CreditNote string `json:"credit_note"`
	UpToMinor  int64  `json:"up_to_minor"`
}

// Validate reports every failure with its field and value.
func (c Consenting) Validate() error {
	var bad fault.Fields
	checkID(&bad, "credit_note", c.CreditNote, "crn")
	if c.UpToMinor <= 0 {
		bad.Add("up_to_minor", c.UpToMinor, "must be above zero")
	}
	return bad.Err()
}

// ConsentTo lets one credit note lower the fragment, by the holder's maker. A later consent replaces it.
func (f Fragment) ConsentTo(in Consenting, by member.Actor, at time.Time) (Fragment, error) {
	if err := in.Validate(); err != nil {
		return f, err
	}
	if err := f.heldBy(by, member.Maker); err != nil {
		return f, err
	}
	next, err := f.step(GiveConsent)
	if err != nil {
		return f, err
	}
	f.Status, f.Agreed = next, &Consent{CreditNote: in.CreditNote, UpToMinor: in.UpToMinor, By: mark(by, at)}
	return f, nil
}

// CreditOrder is the order in which a credit note lowers fragments, in words, for people and for the documentation.
func CreditOrder() []string {
	return []string{
		"Fragments that the seller holds itself and that back no financing: frozen ones first (the dispute is about them), then the others, the oldest first.",
		"Fragments of other holders that back no financing and whose holder has consented to this credit note, up to the amount of the consent: frozen ones first, then the oldest.",
		"Never a fragment that is reserved, pledged, written off, or held by somebody who has not consented. What is left becomes the buyer's recourse claim on the seller.",
	}
}

// creditable returns how much of the fragment the credit note may take, and in which turn; turn 0 means never.
func (f Fragment) creditable(seller, creditNote string) (minor int64, turn int) {
	switch f.Status {
	case Held, Offered, Frozen:
	default:
		return 0, 0
	}
	minor, turn = f.FaceMinor, 2
	if f.Holder != seller {
		if f.Agreed == nil || f.Agreed.CreditNote != creditNote {
			return 0, 0
		}
		minor, turn = min(f.FaceMinor, f.Agreed.UpToMinor), 4
	}
	if f.Status == Frozen {
		turn--
	}
	return minor, turn
}

// Credit applies a credit note, by the seller's maker. Before confirmation it lowers what will be confirmed. After it, it
// lowers fragments in the fixed order of CreditOrder, and the rest is a recourse claim. Late interest on what is taken off
// falls away with it. It returns CREDIT_TOO_LARGE where all credit notes together would exceed the invoice,
// CURRENCY_MISMATCH, NOT_PERMITTED or TRANSITION_DENIED.
func (c Claim) Credit(in Crediting, fingerprint string, by member.Actor, at time.Time) (Outcome, CreditNote, error) {
	if err := in.Validate(); err != nil {
		return Outcome{}, CreditNote{}, err
	}
	if err := mustBe(by, c.Receivable.Invoice.Seller, member.Maker); err != nil {
		return Outcome{}, CreditNote{}, err
	}
	if in.Currency != c.Receivable.Invoice.Currency {
		return Outcome{}, CreditNote{}, fault.New(fault.CurrencyMismatch, "the credit note is not in the currency of receivable %s", in.ID)
	}
	if in.IssueDate.After(calendar.From(at)) {
		var bad fault.Fields
		bad.Add("issue_date", in.IssueDate, "must not be in the future")
		return Outcome{}, CreditNote{}, bad.Err()
	}
	if in.AmountMinor > c.Receivable.Invoice.PayableMinor-c.Receivable.CreditedMinor-c.Receivable.RecourseMinor {
		return Outcome{}, CreditNote{}, fault.New(fault.CreditTooLarge, "credit note %s and those before it exceed receivable %s", in.ID, c.Receivable.ID)
	}
	d, err := c.draft()
	if err != nil {
		return Outcome{}, CreditNote{}, err
	}
	note := CreditNote{Crediting: in, Receivable: c.Receivable.ID, Fingerprint: fingerprint, By: mark(by, at)}
	if !c.Receivable.HasClaim() {
		err = d.creditBefore(&note)
	} else {
		err = d.creditFragments(&note, calendar.From(at))
	}
	if err != nil {
		return Outcome{}, CreditNote{}, err
	}
	out, err := d.outcome()
	return out, note, err
}

func (d *draft) creditBefore(note *CreditNote) error {
	d.r.CreditedMinor += note.AmountMinor
	note.BeforeMinor = note.AmountMinor
	action := Credit
	if d.r.Owed() == 0 {
		action = Cancel
	}
	d.r.Proposal = nil
	var err error
	d.r, err = d.r.step(action)
	return err
}

func (d *draft) creditFragments(note *CreditNote, today calendar.Date) error {
	if err := d.accrue(today); err != nil {
		return err
	}
	left := note.AmountMinor
	for turn := 1; turn <= 4; turn++ {
		for i, f := range d.fragments {
			limit, its := f.creditable(d.r.Invoice.Seller, note.ID)
			if its != turn || left == 0 {
				continue
			}
			cut := min(left, limit)
			lowered, err := f.lower(cut)
			if err != nil {
				return err
			}
			d.put(i, lowered)
			note.Cuts = append(note.Cuts, Cut{Fragment: f.ID, Holder: f.Holder, Minor: cut})
			left -= cut
		}
	}
	d.r.CreditedMinor += note.AmountMinor - left
	if left > 0 {
		d.r.RecourseMinor += left
		note.Recourse = &RecourseClaim{Debtor: d.r.Invoice.Seller, Creditor: d.r.Invoice.Buyer, Currency: note.Currency, Minor: left}
	}
	action := Credit
	if !d.owes() && d.r.Status != Settled {
		action = Settle
	}
	var err error
	d.r, err = d.r.step(action)
	return err
}

// lower takes an amount off the face, and the same share of the late interest.
func (f Fragment) lower(minor int64) (Fragment, error) {
	if minor == f.FaceMinor {
		return f.close(CreditAway)
	}
	next, err := f.step(Lower)
	if err != nil {
		return f, err
	}
	interest, err := f.interest().MulDiv(f.FaceMinor-minor, f.FaceMinor, roundInterest)
	if err != nil {
		return f, err
	}
	f.Status, f.FaceMinor, f.InterestMinor, f.Offer, f.Agreed = next, f.FaceMinor-minor, interest.Minor, nil, nil
	return f, nil
}

// Settle acknowledges that the seller has paid the recourse claim back, by the buyer's checker.
func (n CreditNote) Settle(by member.Actor, at time.Time) (CreditNote, error) {
	if n.Recourse == nil || n.Recourse.Settled != nil {
		return n, fault.New(fault.TransitionDenied, "credit note %s has no open recourse claim", n.ID)
	}
	if err := mustBe(by, n.Recourse.Creditor, member.Checker); err != nil {
		return n, err
	}
	m, claim := mark(by, at), *n.Recourse
	claim.Settled = &m
	n.Recourse = &claim
	return n, nil
}
