package financing

import (
	"fmt"
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/transition"
)

// ApplicationStatus is where an application stands.
type ApplicationStatus string

// The statuses of an application.
const (
	Submitted ApplicationStatus = "submitted"
	Referred  ApplicationStatus = "referred"
	Approved  ApplicationStatus = "approved"
	Declined  ApplicationStatus = "declined"
	Accepted  ApplicationStatus = "accepted"
	Withdrawn ApplicationStatus = "withdrawn"
	Expired   ApplicationStatus = "expired"
)

// ApplicationAction is a step in an application's life.
type ApplicationAction string

// The steps in an application's life.
const (
	ApplyFor        ApplicationAction = "apply"
	OfferEarly      ApplicationAction = "offer"
	CommitToOffer   ApplicationAction = "commit"
	DecideApprove   ApplicationAction = "approve"
	DecideRefer     ApplicationAction = "refer"
	DecideDecline   ApplicationAction = "decline"
	ProposeOverride ApplicationAction = "propose_override"
	OverrideApprove ApplicationAction = "override_approve"
	OverrideDecline ApplicationAction = "override_decline"
	AcceptTerms     ApplicationAction = "accept"
	WithdrawIt      ApplicationAction = "withdraw"
	ExpireIt        ApplicationAction = "expire"
)

const (
	underwriter = "the bank's underwriter"
	bankMaker   = "the bank's maker"
	bankChecker = "the bank's checker, another user than the maker"
	smeUser     = "a user of the applicant"
	anybody     = "anybody of the bank or the applicant: the dates decide"
)

// ApplicationTable is the life of an application.
var ApplicationTable = transition.Table[ApplicationStatus, ApplicationAction]{
	{From: "", Action: ApplyFor, To: Submitted, Who: smeUser, Why: "Its collateral is reserved, so that no second application holds the same."},
	{From: "", Action: OfferEarly, To: Approved, Who: underwriter, Why: "A buyer has confirmed a claim of an enrolled supplier: the programme's terms are offered; nothing is reserved until they are accepted."},
	{From: Submitted, Action: CommitToOffer, To: Submitted, Who: underwriter, Why: "In a tender: the bank binds itself to an offer by a salted hash; nobody sees it before the deadline."},
	{From: Submitted, Action: DecideApprove, To: Approved, Who: underwriter, Why: "The policy says so, and every endorser has run it again; the terms are open until their day."},
	{From: Submitted, Action: DecideRefer, To: Referred, Who: underwriter, Why: "The score is in the grey band: a person decides."},
	{From: Submitted, Action: DecideDecline, To: Declined, Who: underwriter, Why: "The policy says no, with reasons; the collateral is free again."},
	{From: Submitted, Action: WithdrawIt, To: Withdrawn, Who: smeUser, Why: "The collateral is free again."},
	{From: Submitted, Action: ExpireIt, To: Expired, Who: anybody, Why: "No decision in time; the collateral is free again."},
	{From: Referred, Action: ProposeOverride, To: Referred, Who: bankMaker, Why: "A person proposes what to decide, with a note that stays visible."},
	{From: Referred, Action: OverrideApprove, To: Approved, Who: bankChecker, Why: "A person has decided; terms, limits and collateral are still the policy's."},
	{From: Referred, Action: OverrideDecline, To: Declined, Who: bankChecker, Why: "A person has decided; the collateral is free again."},
	{From: Referred, Action: WithdrawIt, To: Withdrawn, Who: smeUser, Why: "The collateral is free again."},
	{From: Referred, Action: ExpireIt, To: Expired, Who: anybody, Why: "No decision in time; the collateral is free again."},
	{From: Declined, Action: ProposeOverride, To: Declined, Who: bankMaker, Why: "Where the policy allows it, a person proposes to approve what the score declined."},
	{From: Declined, Action: OverrideApprove, To: Approved, Who: bankChecker, Why: "The collateral must still be there: it is reserved again."},
	{From: Approved, Action: AcceptTerms, To: Accepted, Who: smeUser, Why: "The terms become a loan; the collateral is pledged."},
	{From: Approved, Action: WithdrawIt, To: Withdrawn, Who: smeUser, Why: "The terms do not suit; the collateral is free again."},
	{From: Approved, Action: ExpireIt, To: Expired, Who: anybody, Why: "The terms were not accepted in time; the collateral is free again."},
}

// Ref names a piece of collateral.
type Ref struct {
	Kind   Kind   `json:"kind"`
	ID     string `json:"id"`
	Circle string `json:"circle"` // the programme that it belongs to
}

// Request is what an SME applies for, sealed.
type Request struct {
	ID         string  `json:"id"`
	Bank       string  `json:"bank"` // MSP id
	Product    Product `json:"product"`
	Collateral []Ref   `json:"collateral"`
	Currency   string  `json:"currency"`
	// AdvanceMinor is what is asked for; 0 asks for as much as the policy gives.
	AdvanceMinor int64 `json:"advance_minor"`
	// TenorDays from the decision to maturity; 0 asks for the due date of the last claim.
	TenorDays int64 `json:"tenor_days"`
	// Consent is the id of the applicant's consent to this bank.
	Consent string `json:"consent"`
}

// Validate reports every failure of the input with its field and value.
func (r Request) Validate() error {
	var f fault.Fields
	checkID(&f, "id", r.ID)
	checkID(&f, "consent", r.Consent)
	if r.Bank == "" || len(r.Bank) > 64 {
		f.Add("bank", r.Bank, "must be the MSP id of a bank")
	}
	money.Zero(r.Currency).Check(&f, "request")
	checkRange(&f, "advance_minor", r.AdvanceMinor, 0, MaxAmountMinor)
	checkRange(&f, "tenor_days", r.TenorDays, 0, MaxTenorDays)
	if len(r.Collateral) == 0 || len(r.Collateral) > MaxCollateral {
		f.Add("collateral", len(r.Collateral), "must name 1 to %d fragments or receipts", MaxCollateral)
		return f.Err()
	}
	fragments, receipts := 0, 0
	for i, c := range r.Collateral {
		path := fmt.Sprintf("collateral[%d]", i)
		checkID(&f, path+".id", c.ID)
		if c.Circle == "" || len(c.Circle) > 64 {
			f.Add(path+".circle", c.Circle, "must be the id of a programme")
		}
		switch c.Kind {
		case Fragment:
			fragments++
		case Receipt:
			receipts++
		default:
			f.Add(path+".kind", c.Kind, "must be fragment or receipt")
		}
		if slices.ContainsFunc(r.Collateral[:i], func(o Ref) bool { return o.Kind == c.Kind && o.ID == c.ID }) {
			f.Add(path+".id", c.ID, "must be named once")
		}
	}
	fits := map[Product]bool{
		ReceivableProduct: fragments > 0 && receipts == 0,
		InventoryProduct:  receipts > 0 && fragments == 0,
		CombinedProduct:   receipts > 0 && fragments > 0,
	}
	if !fits[r.Product] {
		f.Add("product", r.Product, "must be receivable (fragments only), inventory (receipts only) or combined (both), and fit the collateral")
	}
	if fragments == 0 && r.TenorDays == 0 {
		f.Add("tenor_days", r.TenorDays, "must be above zero where no claim has a due date")
	}
	return f.Err()
}

// Application is a request and what became of it.
type Application struct {
	Request
	Applicant string            `json:"applicant"` // the SME's party id
	Host      string            `json:"host"`      // MSP id of the organisation that hosts it
	Status    ApplicationStatus `json:"status"`
	AppliedBy member.Actor      `json:"applied_by"`
	AppliedAt time.Time         `json:"applied_at"`
	AppliedOn calendar.Date     `json:"applied_on"`
	// OpenUntil is the last day for the bank's decision; once it is approved, for the SME's acceptance.
	OpenUntil calendar.Date `json:"open_until"`
	Decision  *Decision     `json:"decision,omitempty"`
	DecidedBy *member.Actor `json:"decided_by,omitempty"`
	DecidedAt time.Time     `json:"decided_at,omitzero"`
	Override  *Override     `json:"override,omitempty"`
	Loan      string        `json:"loan,omitempty"`
	// Tender and Commitment are set where several banks compete.
	Tender     *Tender     `json:"tender,omitempty"`
	Commitment *Commitment `json:"commitment,omitempty"`
}

// Override is a decision that a person took. It stays in the application for good.
type Override struct {
	Outcome Outcome `json:"outcome"` // approve or decline
	// AdvanceMinor caps the advance of an approval; 0 leaves the policy's.
	AdvanceMinor int64        `json:"advance_minor,omitempty"`
	Note         string       `json:"note"`
	By           member.Actor `json:"by"`
	At           time.Time    `json:"at"`
	// Policy's own outcome, which the person has set aside.
	Instead    Outcome       `json:"instead"`
	ApprovedBy *member.Actor `json:"approved_by,omitempty"`
	ApprovedAt time.Time     `json:"approved_at,omitzero"`
}

// OverrideInput is what the maker proposes, sealed.
type OverrideInput struct {
	Outcome      Outcome `json:"outcome"`
	AdvanceMinor int64   `json:"advance_minor,omitempty"`
	Note         string  `json:"note"`
}

// Validate reports every failure of the input with its field and value.
func (in OverrideInput) Validate() error {
	var f fault.Fields
	if in.Outcome != Approve && in.Outcome != Decline {
		f.Add("outcome", in.Outcome, "must be approve or decline")
	}
	checkRange(&f, "advance_minor", in.AdvanceMinor, 0, MaxAmountMinor)
	if in.Note == "" || len(in.Note) > MaxNoteBytes {
		f.Add("note", in.Note, "must have 1 to %d bytes", MaxNoteBytes)
	}
	return f.Err()
}

// Apply makes an application of the actor's party. The policy is the bank's active one: it says until when the application
// waits.
func Apply(r Request, p Policy, by member.Actor, at time.Time) (Application, error) {
	if err := r.Validate(); err != nil {
		return Application{}, err
	}
	if by.Party == "" {
		return Application{}, fault.New(fault.NotPermitted, "only a user of a party can apply")
	}
	if p.Bank != r.Bank || p.Status != PolicyActive {
		return Application{}, fault.New(fault.PolicyNotActive, "policy %s is not the active policy of %s", p.ID, r.Bank)
	}
	status, err := ApplicationTable.Next("", ApplyFor)
	if err != nil {
		return Application{}, err
	}
	today := calendar.From(at)
	until, err := today.AddDays(int(p.Terms.ApplicationDays))
	if err != nil {
		return Application{}, err
	}
	return Application{
		Request: r, Applicant: by.Party, Host: by.MSP, Status: status, AppliedBy: by, AppliedAt: at, AppliedOn: today, OpenUntil: until,
	}, nil
}

// Open reports whether the application holds collateral and is not a loan yet.
func (a Application) Open() bool {
	return a.Status == Submitted || a.Status == Referred || a.Status == Approved
}

// Due reports whether the application's last day has passed.
func (a Application) Due(today calendar.Date) bool { return a.Open() && today.After(a.OpenUntil) }

// Settle records the policy's decision. OFFER_EXPIRED where the application's last day has passed.
func (a Application) Settle(d Decision, p Policy, by member.Actor, at time.Time) (Application, error) {
	if by.MSP != a.Bank {
		return a, fault.New(fault.NotPermitted, "application %s is not to this bank", a.ID)
	}
	if a.Due(calendar.From(at)) {
		return a, fault.New(fault.OfferExpired, "application %s has expired", a.ID)
	}
	action := map[Outcome]ApplicationAction{Approve: DecideApprove, Refer: DecideRefer, Decline: DecideDecline}[d.Outcome]
	next, err := ApplicationTable.Next(a.Status, action)
	if err != nil {
		return a, err
	}
	a.Status, a.Decision, a.DecidedBy, a.DecidedAt = next, &d, &by, at
	return a.extend(p, at)
}

func (a Application) extend(p Policy, at time.Time) (Application, error) {
	var err error
	days := p.Terms.ApplicationDays
	if a.Status == Approved {
		days = p.Terms.OfferDays
	}
	from := calendar.From(at)
	if a.Tender != nil && from.Before(calendar.From(a.Tender.RevealBy)) {
		from = calendar.From(a.Tender.RevealBy) // until then nobody may choose
	}
	a.OpenUntil, err = from.AddDays(int(days))
	return a, err
}

// Overrule proposes to set the policy's outcome aside. OVERRIDE_NOT_ALLOWED where the policy does not let a person decide,
// or where more than the score stands against it.
func (a Application) Overrule(in OverrideInput, p Policy, by member.Actor, at time.Time) (Application, error) {
	if err := in.Validate(); err != nil {
		return a, err
	}
	if by.MSP != a.Bank || p.Bank != a.Bank {
		return a, fault.New(fault.NotPermitted, "application %s is not to this bank", a.ID)
	}
	next, err := ApplicationTable.Next(a.Status, ProposeOverride)
	if err != nil {
		return a, err
	}
	switch {
	case a.Status == Referred && !p.Terms.OverrideRefer:
		return a, fault.New(fault.OverrideNotAllowed, "policy %s lets nobody decide what it refers", p.ID)
	case a.Status == Declined && (!p.Terms.OverrideDecline || in.Outcome != Approve || !a.Decision.scoreOnly()):
		return a, fault.New(fault.OverrideNotAllowed, "policy %s lets nobody approve what it declines for these reasons", p.ID)
	case a.Override != nil && a.Override.ApprovedBy != nil:
		return a, fault.New(fault.OverrideNotAllowed, "application %s was decided by a person already", a.ID)
	}
	a.Status = next
	a.Override = &Override{Outcome: in.Outcome, AdvanceMinor: in.AdvanceMinor, Note: in.Note, By: by, At: at, Instead: a.Decision.Outcome}
	return a, nil
}

// Confirm carries out an override. For an approval d is the decision of DecideOverride, for a decline it is ignored. It
// takes another user than the maker (MAKER_IS_CHECKER).
func (a Application) Confirm(d Decision, p Policy, by member.Actor, at time.Time) (Application, error) {
	if by.MSP != a.Bank {
		return a, fault.New(fault.NotPermitted, "application %s is not to this bank", a.ID)
	}
	if a.Override == nil || a.Override.ApprovedBy != nil {
		return a, fault.New(fault.OverrideNotAllowed, "nobody has proposed to decide application %s otherwise", a.ID)
	}
	if sameUser(by, a.Override.By) {
		return a, fault.New(fault.MakerIsChecker, "an override must be approved by another user")
	}
	action := OverrideApprove
	if a.Override.Outcome == Decline {
		action = OverrideDecline
	}
	next, err := ApplicationTable.Next(a.Status, action)
	if err != nil {
		return a, err
	}
	o := *a.Override
	o.ApprovedBy, o.ApprovedAt = &by, at
	if o.Outcome == Decline {
		d = *a.Decision
		d.Outcome, d.Terms, d.Uses = Decline, nil, nil
		d.Reasons = []Because{{Code: ByPerson}}
	}
	a.Status, a.Override, a.Decision, a.DecidedBy, a.DecidedAt = next, &o, &d, &by, at
	return a.extend(p, at)
}

// Withdraw ends an application, by a user of the applicant.
func (a Application) Withdraw(by member.Actor) (Application, error) {
	if by.Party == "" || by.Party != a.Applicant {
		return a, fault.New(fault.NotPermitted, "application %s is another party's", a.ID)
	}
	return a.step(WithdrawIt)
}

// Expire ends an application whose last day has passed, else TRANSITION_DENIED.
func (a Application) Expire(today calendar.Date) (Application, error) {
	if !a.Due(today) {
		return a, fault.New(fault.TransitionDenied, "application %s is %s and not past its last day", a.ID, a.Status)
	}
	return a.step(ExpireIt)
}

func (a Application) step(action ApplicationAction) (Application, error) {
	next, err := ApplicationTable.Next(a.Status, action)
	if err != nil {
		return a, err
	}
	a.Status = next
	return a, nil
}
