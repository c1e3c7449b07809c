package receivable

import (
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
)

// maxReceivableHex leaves room for the fragments' own digits.
const maxReceivableHex = 40 - fragmentHex

// MaxBulk is the most invoices that one transaction issues or confirms.
const MaxBulk = 500

// Mark says who took a step, and when.
type Mark struct {
	Party string    `json:"party"`
	User  string    `json:"user"`
	At    time.Time `json:"at"`
}

func mark(by member.Actor, at time.Time) Mark { return Mark{by.Party, by.User, at.UTC()} }

// Receivable is one invoice on the ledger and, once it is confirmed, the sums of the claim that it makes. What is owed is
// ConfirmedMinor − CreditedMinor − PaidMinor, and the faces of its fragments add up to that, always (Conserves).
type Receivable struct {
	ID        string  `json:"id"`
	Programme string  `json:"programme"`
	Status    Status  `json:"status"`
	Invoice   Invoice `json:"invoice"`
	// Fingerprint and NearFingerprint are those of the invoice, under the seller's key.
	Fingerprint     string `json:"fingerprint"`
	NearFingerprint string `json:"near_fingerprint"`
	Issued          Mark   `json:"issued"`
	// Proposal is the first person's approval, while it waits for the second.
	Proposal *Mark `json:"proposal,omitempty"`
	// Undertaking is the buyer's signed promise to pay.
	Undertaking *Undertaking `json:"undertaking,omitempty"`
	// Response is the buyer's last rejection or query before confirmation.
	Response *Response `json:"response,omitempty"`
	// Rules are the programme's terms when it was issued.
	Rules Rules `json:"rules"`

	// ConfirmedMinor is the invoice's payable amount, once confirmed.
	ConfirmedMinor int64 `json:"confirmed_minor,omitempty"`
	// CreditedMinor is what credit notes have taken off; from before confirmation, too.
	CreditedMinor int64 `json:"credited_minor,omitempty"`
	// RecourseMinor is what credit notes could not take off and the buyer claims back from the seller.
	RecourseMinor int64 `json:"recourse_minor,omitempty"`
	// PaidMinor is what the buyer has paid on the claim, without late interest.
	PaidMinor int64 `json:"paid_minor,omitempty"`
	// LateInterestPaidMinor is the late interest that the buyer has paid.
	LateInterestPaidMinor int64 `json:"late_interest_paid_minor,omitempty"`
	// AccruedTo is the date up to which the fragments hold their late interest; none before any accrued.
	AccruedTo calendar.Date `json:"accrued_to,omitzero"`
}

// Response is a buyer's answer that is not a confirmation.
type Response struct {
	Because
	By Mark `json:"by"`
}

// Issuance is the input for a new receivable.
type Issuance struct {
	ID      string  `json:"id"`
	Invoice Invoice `json:"invoice"`
}

// Validate reports every failure with its field and value.
func (i Issuance) Validate() error {
	var bad fault.Fields
	i.check(&bad, "")
	return bad.Err()
}

func (i Issuance) check(bad *fault.Fields, path string) {
	checkID(bad, path+"id", i.ID, "rcv")
	if len(i.ID) > len("rcv-")+maxReceivableHex {
		bad.Add(path+"id", i.ID, "must have at most %d hex digits", maxReceivableHex)
	}
	i.Invoice.check(bad, path+"invoice.")
}

// New issues an invoice: by the seller's maker, under the seller's fingerprint key. It returns INPUT_INVALID,
// NOT_PERMITTED or TENOR_TOO_LONG.
func New(in Issuance, programme string, rules Rules, key []byte, by member.Actor, at time.Time) (Receivable, error) {
	if err := in.Validate(); err != nil {
		return Receivable{}, err
	}
	if err := rules.Validate(); err != nil {
		return Receivable{}, err
	}
	if err := mustBe(by, in.Invoice.Seller, member.Maker); err != nil {
		return Receivable{}, err
	}
	var bad fault.Fields
	if in.Invoice.IssueDate.After(calendar.From(at)) {
		bad.Add("invoice.issue_date", in.Invoice.IssueDate, "must not be in the future")
	}
	if err := bad.Err(); err != nil {
		return Receivable{}, err
	}
	if err := rules.checkTenor(in.Invoice.IssueDate, in.Invoice.DueDate); err != nil {
		return Receivable{}, err
	}
	r := Receivable{ID: in.ID, Programme: programme, Invoice: in.Invoice, Issued: mark(by, at), Rules: rules.WithDefaults()}
	var err error
	if r.Fingerprint, err = in.Invoice.Fingerprint(key); err != nil {
		return Receivable{}, err
	}
	if r.NearFingerprint, err = in.Invoice.NearFingerprint(key); err != nil {
		return Receivable{}, err
	}
	return r.step(Issue)
}

// Withdraw takes an unconfirmed invoice back, by the seller's maker.
func (r Receivable) Withdraw(by member.Actor) (Receivable, error) {
	if err := mustBe(by, r.Invoice.Seller, member.Maker); err != nil {
		return r, err
	}
	r.Proposal = nil
	return r.step(Withdraw)
}

// Propose is the first person's approval, by the buyer's maker.
func (r Receivable) Propose(by member.Actor, at time.Time) (Receivable, error) {
	if err := mustBe(by, r.Invoice.Buyer, member.Maker); err != nil {
		return r, err
	}
	m := mark(by, at)
	r.Proposal = &m
	return r.step(Propose)
}

// Return sends a proposal back, by the buyer's checker.
func (r Receivable) Return(by member.Actor) (Receivable, error) {
	if err := mustBe(by, r.Invoice.Buyer, member.Checker); err != nil {
		return r, err
	}
	r.Proposal = nil
	return r.step(Return)
}

// Reject refuses the invoice for good: by the buyer's maker or checker, and a proposed one by the checker only.
func (r Receivable) Reject(why Because, by member.Actor, at time.Time) (Receivable, error) {
	roles := []member.Role{member.Maker, member.Checker}
	if r.Status == Proposed {
		roles = roles[1:]
	}
	return r.respond(Reject, why, by, at, roles)
}

// Dispute queries an unconfirmed invoice, by the buyer's maker or checker. A confirmed one is disputed by Claim.Freeze.
func (r Receivable) Dispute(why Because, by member.Actor, at time.Time) (Receivable, error) {
	return r.respond(OpenDispute, why, by, at, []member.Role{member.Maker, member.Checker})
}

func (r Receivable) respond(action Action, why Because, by member.Actor, at time.Time, roles []member.Role) (Receivable, error) {
	if err := why.Validate(); err != nil {
		return r, err
	}
	if err := mustBe(by, r.Invoice.Buyer, roles...); err != nil {
		return r, err
	}
	r.Proposal = nil
	r.Response = &Response{Because: why, By: mark(by, at)}
	return r.step(action)
}

// Resolve ends the query of an unconfirmed invoice, by the buyer's maker.
func (r Receivable) Resolve(by member.Actor) (Receivable, error) {
	if err := mustBe(by, r.Invoice.Buyer, member.Maker); err != nil {
		return r, err
	}
	return r.step(Resolve)
}

// Owed is what is left of the claim without late interest, in minor units; before confirmation, what would be confirmed.
func (r Receivable) Owed() int64 {
	if r.ConfirmedMinor == 0 {
		return r.Invoice.PayableMinor - r.CreditedMinor
	}
	return r.ConfirmedMinor - r.CreditedMinor - r.PaidMinor
}

// HasClaim reports whether the buyer has confirmed the invoice.
func (r Receivable) HasClaim() bool { return r.Undertaking != nil }

// Tradable returns nil while fragments may be divided, passed on and financed: from confirmation until the day before the
// due date. It returns RECEIVABLE_NOT_CONFIRMED or RECEIVABLE_MATURED.
func (r Receivable) Tradable(at time.Time) error {
	switch {
	case !r.HasClaim():
		return fault.New(fault.ReceivableNotConfirmed, "receivable %s is %s", r.ID, r.Status)
	case r.Status != Confirmed || !calendar.From(at).Before(r.Invoice.DueDate):
		return fault.New(fault.ReceivableMatured, "receivable %s is %s and due", r.ID, r.Status)
	}
	return nil
}

func (r Receivable) amount(minor int64) money.Amount {
	return money.Amount{Minor: minor, Currency: r.Invoice.Currency}
}

// step moves the receivable along its table.
func (r Receivable) step(action Action) (Receivable, error) {
	next, err := Life.Next(r.Status, action)
	if err != nil {
		if e, ok := err.(*fault.Error); ok && r.ID != "" {
			return r, fault.New(e.Code, "receivable %s: %s", r.ID, e.Detail)
		}
		return r, err
	}
	r.Status = next
	return r, nil
}

// mustBe returns NOT_PERMITTED unless the actor acts for the party with one of the roles.
func mustBe(by member.Actor, party string, roles ...member.Role) error {
	if by.Party == "" || by.Party != party {
		return fault.New(fault.NotPermitted, "this is for another party's people")
	}
	if !slices.ContainsFunc(roles, by.Has) {
		return fault.New(fault.NotPermitted, "this needs the role %v", roles)
	}
	return nil
}
