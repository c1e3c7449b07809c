package financing

import (
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/money"
	"github.com/tallystick/tallystick/chaincode/transition"
)

// LoanStatus is where a loan stands. Whether it is overdue follows from the dates (Loan.Standing), without a step.
type LoanStatus string

// The statuses of a loan.
const (
	Agreed     LoanStatus = "agreed"
	Active     LoanStatus = "active"
	Defaulted  LoanStatus = "defaulted"
	WrittenOff LoanStatus = "written_off"
	Repaid     LoanStatus = "repaid"
	Cancelled  LoanStatus = "cancelled"
)

// LoanAction is a step in a loan's life.
type LoanAction string

// The steps in a loan's life.
const (
	AgreeLoan    LoanAction = "agree"
	DrawDown     LoanAction = "draw"
	CancelLoan   LoanAction = "cancel"
	ChargeFee    LoanAction = "charge"
	RepayPart    LoanAction = "repay"
	RepayAll     LoanAction = "settle"
	CallDefault  LoanAction = "default"
	CureDefault  LoanAction = "cure"
	CallRecourse LoanAction = "call_recourse"
	EnforceLoan  LoanAction = "enforce"
	WriteOffLoan LoanAction = "write_off"
	RecoverPart  LoanAction = "recover"
	TakeSurplus  LoanAction = "surplus"
	ReturnMoney  LoanAction = "return"
)

// LoanTable is the life of a loan.
var LoanTable = transition.Table[LoanStatus, LoanAction]{
	{From: "", Action: AgreeLoan, To: Agreed, Who: smeUser, Why: "The SME accepts the terms; the collateral is pledged; no money has moved."},
	{From: Agreed, Action: DrawDown, To: Active, Who: bankMaker, Why: "The bank pays out the advance less the fee; the limits are drawn on, and interest begins."},
	{From: Agreed, Action: CancelLoan, To: Cancelled, Who: "a user of the borrower, or the bank's checker", Why: "Nothing was paid out; the collateral is free again."},
	{From: Active, Action: ChargeFee, To: Active, Who: bankMaker, Why: "A fee that the contract allows, with its ground."},
	{From: Active, Action: RepayPart, To: Active, Who: bankMaker, Why: "Money has come in: fees first, then interest, then principal; the limits get the principal back."},
	{From: Active, Action: RepayAll, To: Repaid, Who: bankMaker, Why: "Nothing is owed any more; the collateral is free again."},
	{From: Active, Action: CallDefault, To: Defaulted, Who: bankChecker, Why: "It is overdue for as long as the terms say; the bank may turn to the collateral."},
	{From: Defaulted, Action: ChargeFee, To: Defaulted, Who: bankMaker, Why: "The costs of collection, with their ground."},
	{From: Defaulted, Action: CallRecourse, To: Defaulted, Who: bankChecker, Why: "The bank asks the borrower to pay what the buyer has not; only where the terms are with recourse."},
	{From: Defaulted, Action: EnforceLoan, To: Defaulted, Who: bankChecker, Why: "The collateral becomes the bank's, to collect or to sell; what it brings is a payment."},
	{From: Defaulted, Action: RepayPart, To: Defaulted, Who: bankMaker, Why: "From the borrower, the buyer, or the sale of collateral."},
	{From: Defaulted, Action: RepayAll, To: Repaid, Who: bankMaker, Why: "Nothing is owed any more; what is left of the collateral is free again."},
	{From: Defaulted, Action: CureDefault, To: Active, Who: bankChecker, Why: "What was overdue has been paid."},
	{From: Defaulted, Action: WriteOffLoan, To: WrittenOff, Who: bankChecker, Why: "The bank takes the loss; the debt is not forgiven, interest ends, the limits get the principal back."},
	{From: WrittenOff, Action: RecoverPart, To: WrittenOff, Who: bankMaker, Why: "Money has come in after all, up to the loss."},
	{From: Agreed, Action: TakeSurplus, To: Agreed, Who: underwriter, Why: "The buyer has paid the bank before the drawdown: the bank owes it to the borrower."},
	{From: Repaid, Action: TakeSurplus, To: Repaid, Who: underwriter, Why: "The buyer has paid the bank what was not owed any more: the bank owes it to the borrower."},
	{From: Cancelled, Action: TakeSurplus, To: Cancelled, Who: underwriter, Why: "The buyer has paid the bank for a loan that was never drawn: the bank owes it to the borrower."},
	{From: Repaid, Action: ReturnMoney, To: Repaid, Who: bankMaker, Why: "The bank pays a surplus on to the borrower."},
	{From: Cancelled, Action: ReturnMoney, To: Cancelled, Who: bankMaker, Why: "The bank pays a surplus on to the borrower."},
	{From: WrittenOff, Action: ReturnMoney, To: WrittenOff, Who: bankMaker, Why: "The bank pays a surplus on to the borrower."},
}

// Sums are amounts by what they are for.
type Sums struct {
	PrincipalMinor int64 `json:"principal_minor"`
	InterestMinor  int64 `json:"interest_minor"`
	FeesMinor      int64 `json:"fees_minor"`
}

// TotalMinor adds them up.
func (s Sums) TotalMinor() int64 { return s.PrincipalMinor + s.InterestMinor + s.FeesMinor }

func (s Sums) plus(o Sums) Sums {
	return Sums{s.PrincipalMinor + o.PrincipalMinor, s.InterestMinor + o.InterestMinor, s.FeesMinor + o.FeesMinor}
}

func (s Sums) minus(o Sums) Sums {
	return Sums{s.PrincipalMinor - o.PrincipalMinor, s.InterestMinor - o.InterestMinor, s.FeesMinor - o.FeesMinor}
}

// Movement is one line of a loan's account.
type Movement struct {
	On     calendar.Date `json:"on"`
	Action LoanAction    `json:"action"`
	Source Source        `json:"source,omitempty"`
	// Sums is what the movement did to principal, interest and fees; SurplusMinor what was paid beyond the debt.
	Sums         Sums  `json:"sums,omitzero"`
	SurplusMinor int64 `json:"surplus_minor,omitempty"`
	// Receivable and Payment name the buyer's payment that the money is of.
	Receivable string       `json:"receivable,omitempty"`
	Payment    string       `json:"payment,omitempty"`
	Note       string       `json:"note,omitempty"`
	By         member.Actor `json:"by"`
	At         time.Time    `json:"at"`
}

// Source is where money came from.
type Source string

// The sources of a payment.
const (
	FromBorrower   Source = "borrower"
	FromBuyer      Source = "buyer"
	FromCollateral Source = "collateral" // proceeds of a sale
	FromRecourse   Source = "recourse"   // the borrower, called because the buyer has not paid
)

func (s Source) known() bool {
	return slices.Contains([]Source{FromBorrower, FromBuyer, FromCollateral, FromRecourse}, s)
}

// Loan is an agreed loan and its account. In minor units, always:
//
//	advance  = Owed.Principal + Paid.Principal + Lost.Principal
//	Charged.Interest = owed in whole units + Paid.Interest + Lost.Interest
//	Charged.Fees     = Owed.Fees + Paid.Fees + Lost.Fees
//	ReceivedMinor    = Paid less the fee that was kept back + RecoveredMinor + SurplusMinor
type Loan struct {
	ID          string     `json:"id"`
	Application string     `json:"application"`
	Lien        string     `json:"lien"` // what its claims are held for: the application, or its tender
	Bank        string     `json:"bank"`
	Party       string     `json:"party"` // the bank's party id
	Borrower    string     `json:"borrower"`
	Host        string     `json:"host"`
	Product     Product    `json:"product"`
	Collateral  []Ref      `json:"collateral"`
	Terms       LoanTerms  `json:"terms"`
	Uses        []LimitUse `json:"uses"` // lanes that it draws on: proposed by the decision, final at drawdown
	Status      LoanStatus `json:"status"`
	// DrawBy is the last day for the drawdown.
	DrawBy  calendar.Date `json:"draw_by"`
	DrawnOn calendar.Date `json:"drawn_on,omitzero"`
	// AccruedTo is the day up to which Interest is counted.
	AccruedTo calendar.Date `json:"accrued_to,omitzero"`
	Owed      Sums          `json:"owed"` // of interest only what Interest shows when rounded; kept for people
	Interest  Accrual       `json:"interest"`
	Paid      Sums          `json:"paid"`
	Lost      Sums          `json:"lost"` // written off
	// FeesChargedMinor are all fees ever charged, the one kept back included.
	FeesChargedMinor int64      `json:"fees_charged_minor"`
	ReceivedMinor    int64      `json:"received_minor"`
	RecoveredMinor   int64      `json:"recovered_minor"`          // of what was written off
	SurplusMinor     int64      `json:"surplus_minor"`            // paid beyond the debt: the bank owes it to the borrower
	ReturnedMinor    int64      `json:"returned_minor,omitempty"` // of the surplus, what the bank has paid on to the borrower
	RecourseCalled   bool       `json:"recourse_called,omitempty"`
	Enforced         bool       `json:"enforced,omitempty"` // the collateral is the bank's
	Movements        []Movement `json:"movements"`
}

// Accept makes a loan of an approved application's terms, by a user of the applicant. OFFER_EXPIRED after its last day.
func (a Application) Accept(loanID string, p Policy, by member.Actor, at time.Time) (Application, Loan, error) {
	var f fault.Fields
	checkID(&f, "loan", loanID)
	if err := f.Err(); err != nil {
		return a, Loan{}, err
	}
	if by.Party == "" || by.Party != a.Applicant {
		return a, Loan{}, fault.New(fault.NotPermitted, "application %s is another party's", a.ID)
	}
	if a.Due(calendar.From(at)) {
		return a, Loan{}, fault.New(fault.OfferExpired, "the terms of application %s are no longer open", a.ID)
	}
	if err := a.Choosable(at); err != nil {
		return a, Loan{}, err
	}
	next, err := a.step(AcceptTerms)
	if err != nil {
		return a, Loan{}, err
	}
	status, err := LoanTable.Next("", AgreeLoan)
	if err != nil {
		return a, Loan{}, err
	}
	next.Loan = loanID
	l := Loan{
		ID: loanID, Application: a.ID, Lien: a.Lien(), Bank: a.Bank, Party: p.Party, Borrower: a.Applicant, Host: a.Host, Product: a.Product,
		Collateral: slices.Clone(a.Collateral), Terms: *a.Decision.Terms, Uses: slices.Clone(a.Decision.Uses), Status: status, DrawBy: a.OpenUntil,
	}
	return next, l.note(Movement{On: calendar.From(at), Action: AgreeLoan, By: by, At: at}), nil
}

func (l Loan) note(m Movement) Loan {
	l.Movements = append(slices.Clone(l.Movements), m)
	return l
}

func (l Loan) step(action LoanAction) (Loan, error) {
	if len(l.Movements) >= MaxMovements {
		return l, fault.New(fault.InputTooLarge, "loan %s has %d movements, the most that it can have", l.ID, MaxMovements)
	}
	next, err := LoanTable.Next(l.Status, action)
	if err != nil {
		return l, err
	}
	l.Status = next
	return l, nil
}

func (l Loan) byBank(by member.Actor) error {
	if by.MSP != l.Bank {
		return fault.New(fault.NotPermitted, "loan %s is another bank's", l.ID)
	}
	return nil
}

// Draw pays the advance out, less the fee, on the operation's day. Lanes names for each of the loan's uses, in their order,
// the lane that it draws on; nil leaves the decision's. The caller draws the same amounts on the lanes.
func (l Loan) Draw(lanes []int, note string, by member.Actor, at time.Time) (Loan, error) {
	if err := l.byBank(by); err != nil {
		return l, err
	}
	today := calendar.From(at)
	if today.After(l.DrawBy) || !today.Before(l.Terms.MaturityOn) {
		return l, fault.New(fault.OfferExpired, "loan %s was to be drawn earlier", l.ID)
	}
	if lanes != nil && len(lanes) != len(l.Uses) {
		return l, fault.New(fault.LimitMismatch, "loan %s draws on %d limits", l.ID, len(l.Uses))
	}
	next, err := l.step(DrawDown)
	if err != nil {
		return l, err
	}
	next.Uses = slices.Clone(l.Uses)
	for i, lane := range lanes {
		next.Uses[i].Lane = lane
	}
	t := l.Terms
	next.DrawnOn, next.AccruedTo = today, today
	next.Owed.PrincipalMinor, next.FeesChargedMinor, next.Paid.FeesMinor = t.AdvanceMinor, t.FeeMinor, t.FeeMinor
	return next.note(Movement{On: today, Action: DrawDown, Note: note, By: by, At: at,
		Sums: Sums{PrincipalMinor: t.AdvanceMinor, FeesMinor: t.FeeMinor}}), nil
}

// PayoutMinor is what the drawdown pays to the borrower.
func (l Loan) PayoutMinor() int64 { return l.Terms.AdvanceMinor - l.Terms.FeeMinor }

// Cancel ends a loan that was not drawn: by a user of the borrower, or by the bank.
func (l Loan) Cancel(by member.Actor, at time.Time) (Loan, error) {
	if by.MSP != l.Bank && (by.Party == "" || by.Party != l.Borrower) {
		return l, fault.New(fault.NotPermitted, "loan %s is not this party's", l.ID)
	}
	next, err := l.step(CancelLoan)
	if err != nil {
		return l, err
	}
	return next.note(Movement{On: calendar.From(at), Action: CancelLoan, By: by, At: at}), nil
}

// At is the loan with interest accrued up to the day, which may not be before the last movement's (PAYMENT_BACKDATED). It
// accrues the rate on all principal, and the penalty on the part that is overdue.
func (l Loan) At(day calendar.Date) (Loan, error) {
	if l.Status != Active && l.Status != Defaulted {
		return l, nil
	}
	if day.Before(l.AccruedTo) {
		return l, fault.New(fault.PaymentBackdated, "loan %s is counted to a later day already", l.ID)
	}
	for l.AccruedTo.Before(day) {
		until := day
		for _, due := range l.Terms.Schedule { // a penalty may begin inside the period
			if due.On.After(l.AccruedTo) && due.On.Before(until) {
				until = due.On
			}
		}
		days, year, err := l.Terms.DayCount.Fraction(l.AccruedTo, until)
		if err != nil {
			return l, err
		}
		if l.Interest, err = l.Interest.Add(l.Owed.PrincipalMinor, l.Terms.Rate, days, year); err != nil {
			return l, err
		}
		if l.Interest, err = l.Interest.Add(l.OverduePrincipalMinor(l.AccruedTo), l.Terms.Penalty, days, year); err != nil {
			return l, err
		}
		l.AccruedTo = until
	}
	year, err := l.year()
	if err != nil {
		return l, err
	}
	l.Owed.InterestMinor = l.Interest.Payable(year, l.Terms.Rounding)
	return l, nil
}

func (l Loan) year() (int64, error) {
	_, year, err := l.Terms.DayCount.Fraction(l.Terms.MaturityOn, l.Terms.MaturityOn)
	return year, err
}

// OverduePrincipalMinor is the principal that was due on or before the day and is not repaid. Payments count against the
// schedule in its order, so principal that is repaid early shortens what is due next.
func (l Loan) OverduePrincipalMinor(day calendar.Date) int64 {
	due := int64(0)
	for _, d := range l.Terms.Schedule {
		if !d.On.After(day) {
			due += d.PrincipalMinor
		}
	}
	return max(0, due-l.Paid.PrincipalMinor)
}

// DaysPastDue counts from the oldest day of the schedule whose principal is not repaid; 0 when nothing is overdue. A loan
// that owes interest or fees only is overdue from maturity.
func (l Loan) DaysPastDue(today calendar.Date) int64 {
	if l.Status != Active && l.Status != Defaulted {
		return 0
	}
	reached := int64(0)
	for _, d := range l.Terms.Schedule {
		if reached += d.PrincipalMinor; reached > l.Paid.PrincipalMinor {
			return max(0, int64(calendar.DaysBetween(d.On, today)))
		}
	}
	return max(0, int64(calendar.DaysBetween(l.Terms.MaturityOn, today)))
}

// Bucket is how long a loan is overdue, as banks report it.
type Bucket string

// The buckets.
const (
	Current     Bucket = "current"
	Past1To30   Bucket = "1-30"
	Past31To60  Bucket = "31-60"
	Past61To90  Bucket = "61-90"
	PastOver90  Bucket = "90+"
	NoneOfThese Bucket = ""
)

// Standing is the bucket on a day; none for a loan that is not outstanding.
func (l Loan) Standing(today calendar.Date) Bucket {
	if l.Status != Active && l.Status != Defaulted {
		return NoneOfThese
	}
	switch n := l.DaysPastDue(today); {
	case n == 0:
		return Current
	case n <= 30:
		return Past1To30
	case n <= 60:
		return Past31To60
	case n <= 90:
		return Past61To90
	}
	return PastOver90
}

// Outstanding is what each lane is used for now: the part of the principal that is owed, rounded up, so that the exposure
// is never understated. It is nothing before the drawdown and after repayment or write-off.
func (l Loan) Outstanding() ([]LimitUse, error) {
	uses := slices.Clone(l.Uses)
	for i, u := range uses {
		minor, err := money.MulDiv(u.Minor, l.Owed.PrincipalMinor, l.Terms.AdvanceMinor, money.Up)
		if err != nil {
			return nil, err
		}
		uses[i].Minor = minor
	}
	return uses, nil
}

// Freed is what the lanes get back when the loan has changed from before to l.
func (l Loan) Freed(before Loan) ([]LimitUse, error) {
	was, err := before.Outstanding()
	if err != nil {
		return nil, err
	}
	now, err := l.Outstanding()
	if err != nil {
		return nil, err
	}
	var freed []LimitUse
	for i := range was {
		if was[i].Minor -= now[i].Minor; was[i].Minor > 0 {
			freed = append(freed, was[i])
		}
	}
	return freed, nil
}
