package financing

import (
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Payment is money that has reached the bank, sealed.
type Payment struct {
	AmountMinor int64         `json:"amount_minor"`
	Currency    string        `json:"currency"`
	ReceivedOn  calendar.Date `json:"received_on"` // value date
	Source      Source        `json:"source"`
	Note        string        `json:"note,omitempty"` // the bank's reference
}

// Validate reports every failure of the input with its field and value.
func (p Payment) Validate() error {
	var f fault.Fields
	checkRange(&f, "amount_minor", p.AmountMinor, 1, MaxAmountMinor)
	p.ReceivedOn.Check(&f, "received_on")
	if !p.Source.known() {
		f.Add("source", p.Source, "must be borrower, buyer, collateral or recourse")
	}
	if len(p.Note) > MaxNoteBytes {
		f.Add("note", p.Note, "must have at most %d bytes", MaxNoteBytes)
	}
	return f.Err()
}

// check holds a payment against its loan: the same currency, and a value date that is neither in the future nor before the
// last movement (PAYMENT_BACKDATED).
func (p Payment) check(l Loan, at time.Time) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if p.Currency != l.Terms.Currency {
		return fault.New(fault.CurrencyMismatch, "loan %s is in another currency", l.ID)
	}
	last := l.AccruedTo
	if p.ReceivedOn.After(calendar.From(at)) || p.ReceivedOn.Before(last) {
		return fault.New(fault.PaymentBackdated, "a payment on loan %s is dated outside what is open", l.ID)
	}
	return nil
}

// Repay applies a payment: fees first, then interest, then principal; what is more than the debt is a surplus that the bank
// owes to the borrower. A payment that leaves nothing owed settles the loan.
func (l Loan) Repay(p Payment, by member.Actor, at time.Time) (Loan, error) {
	if err := l.byBank(by); err != nil {
		return l, err
	}
	if !LoanTable.Allows(l.Status, RepayPart) {
		return l.step(RepayPart) // says what is possible
	}
	if err := p.check(l, at); err != nil {
		return l, err
	}
	now, err := l.At(p.ReceivedOn)
	if err != nil {
		return l, err
	}
	applied, rest := now.Owed.waterfall(p.AmountMinor)
	action := RepayPart
	if applied == now.Owed {
		action = RepayAll
	}
	if now, err = now.step(action); err != nil {
		return l, err
	}
	now.Owed, now.Paid = now.Owed.minus(applied), now.Paid.plus(applied)
	now.Interest = now.Interest.Pay(applied.InterestMinor)
	now.ReceivedMinor += p.AmountMinor
	now.SurplusMinor += rest
	return now.note(Movement{On: p.ReceivedOn, Action: action, Source: p.Source, Sums: applied, SurplusMinor: rest, Note: p.Note, By: by, At: at}), nil
}

// waterfall divides money over what is owed.
func (s Sums) waterfall(minor int64) (applied Sums, rest int64) {
	applied.FeesMinor = min(minor, s.FeesMinor)
	minor -= applied.FeesMinor
	applied.InterestMinor = min(minor, s.InterestMinor)
	minor -= applied.InterestMinor
	applied.PrincipalMinor = min(minor, s.PrincipalMinor)
	return applied, minor - applied.PrincipalMinor
}

// Charge adds a fee, with its ground.
func (l Loan) Charge(minor int64, ground string, by member.Actor, at time.Time) (Loan, error) {
	if err := l.byBank(by); err != nil {
		return l, err
	}
	var f fault.Fields
	checkRange(&f, "fee_minor", minor, 1, MaxAmountMinor)
	if err := f.Err(); err != nil {
		return l, err
	}
	if err := checkNote("ground", ground); err != nil {
		return l, err
	}
	next, err := l.step(ChargeFee)
	if err != nil {
		return l, err
	}
	today := calendar.From(at)
	if next, err = next.At(today); err != nil {
		return l, err
	}
	if next.FeesChargedMinor > MaxAmountMinor-minor {
		return l, fault.New(fault.AmountOverflow, "the fees of loan %s do not fit", l.ID)
	}
	next.FeesChargedMinor += minor
	next.Owed.FeesMinor += minor
	return next.note(Movement{On: today, Action: ChargeFee, Sums: Sums{FeesMinor: minor}, Note: ground, By: by, At: at}), nil
}

// Default calls the loan in default. LOAN_NOT_OVERDUE before the terms' days have passed.
func (l Loan) Default(by member.Actor, at time.Time) (Loan, error) {
	today := calendar.From(at)
	if l.Status == Active && l.DaysPastDue(today) < l.Terms.DefaultAfter {
		return l, fault.New(fault.LoanNotOverdue, "loan %s is not overdue for long enough", l.ID)
	}
	return l.turn(CallDefault, "", by, at)
}

// Cure ends a default once nothing is overdue, else LOAN_OUTSTANDING.
func (l Loan) Cure(by member.Actor, at time.Time) (Loan, error) {
	if l.Status == Defaulted && l.DaysPastDue(calendar.From(at)) > 0 {
		return l, fault.New(fault.LoanOutstanding, "something is still overdue on loan %s", l.ID)
	}
	return l.turn(CureDefault, "", by, at)
}

// Recourse asks the borrower to pay what the buyer has not, where the terms are with recourse, else NOT_PERMITTED.
func (l Loan) Recourse(by member.Actor, at time.Time) (Loan, error) {
	if !l.Terms.WithRecourse {
		return l, fault.New(fault.NotPermitted, "loan %s is without recourse", l.ID)
	}
	next, err := l.turn(CallRecourse, "", by, at)
	if err != nil {
		return l, err
	}
	next.RecourseCalled = true
	return next, nil
}

// Enforce turns to the collateral.
func (l Loan) Enforce(by member.Actor, at time.Time) (Loan, error) {
	if l.Enforced {
		return l, fault.New(fault.TransitionDenied, "the collateral of loan %s is enforced already", l.ID)
	}
	next, err := l.turn(EnforceLoan, "", by, at)
	if err != nil {
		return l, err
	}
	next.Enforced = true
	return next, nil
}

// WriteOff takes everything that is owed as a loss, on the operation's day. The debt itself goes on: recoveries count
// against the loss.
func (l Loan) WriteOff(note string, by member.Actor, at time.Time) (Loan, error) {
	if err := checkNote("note", note); err != nil {
		return l, err
	}
	now, err := l.At(calendar.From(at))
	if err != nil {
		return l, err
	}
	next, err := now.turn(WriteOffLoan, note, by, at)
	if err != nil {
		return l, err
	}
	lost := now.Owed
	next.Movements[len(next.Movements)-1].Sums = lost
	next.Lost, next.Owed, next.Interest = lost, Sums{}, Accrual{}
	return next, nil
}

// Recover books money on a written-off loan, up to the loss; what is more is a surplus.
func (l Loan) Recover(p Payment, by member.Actor, at time.Time) (Loan, error) {
	if err := l.byBank(by); err != nil {
		return l, err
	}
	if err := p.check(l, at); err != nil {
		return l, err
	}
	next, err := l.step(RecoverPart)
	if err != nil {
		return l, err
	}
	recovered := min(p.AmountMinor, l.Lost.TotalMinor()-l.RecoveredMinor)
	next.ReceivedMinor += p.AmountMinor
	next.RecoveredMinor += recovered
	next.SurplusMinor += p.AmountMinor - recovered
	return next.note(Movement{On: p.ReceivedOn, Action: RecoverPart, Source: p.Source, SurplusMinor: p.AmountMinor - recovered, Note: p.Note, By: by, At: at}), nil
}

func (l Loan) turn(action LoanAction, note string, by member.Actor, at time.Time) (Loan, error) {
	if err := l.byBank(by); err != nil {
		return l, err
	}
	next, err := l.step(action)
	if err != nil {
		return l, err
	}
	return next.note(Movement{On: calendar.From(at), Action: action, Note: note, By: by, At: at}), nil
}

// DrawInput is what the bank's maker submits at drawdown, sealed. Lanes names the lane of each of the loan's uses, in their
// order; none leaves those of the decision.
type DrawInput struct {
	Lanes []int  `json:"lanes,omitempty"`
	Note  string `json:"note,omitempty"` // the bank's payment reference
}

// Validate reports every failure of the input with its field and value.
func (in DrawInput) Validate() error {
	var f fault.Fields
	checkLanes(&f, in.Lanes)
	if len(in.Note) > MaxNoteBytes {
		f.Add("note", in.Note, "must have at most %d bytes", MaxNoteBytes)
	}
	return f.Err()
}

// FeeInput is a fee with its ground, sealed.
type FeeInput struct {
	FeeMinor int64  `json:"fee_minor"`
	Ground   string `json:"ground"`
}

// NoteInput is a note, sealed.
type NoteInput struct {
	Note string `json:"note"`
}

// RebalanceInput sets a limit's total, sealed; 0 leaves it.
type RebalanceInput struct {
	TotalMinor int64 `json:"total_minor"`
}
