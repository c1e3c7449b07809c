package financing

import (
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Collection is the part of a buyer's payment that went to the bank because the loan's claims are pledged to it. Whoever makes it has
// taken it from the payment on the ledger.
type Collection struct {
	Receivable  string
	Payment     string
	AmountMinor int64
	Currency    string
	On          calendar.Date // the day of the buyer's payment
}

// Collected reports whether the buyer's payment is booked on the loan.
func (l Loan) Collected(receivable, payment string) bool {
	for _, m := range l.Movements {
		if m.Payment == payment && m.Receivable == receivable {
			return true
		}
	}
	return false
}

// Collect books a payment of the buyer on the loan, once (RECORD_EXISTS): fees, interest, principal, and the rest a surplus. On a
// written-off loan it is a recovery; on one that owes nothing, all of it is a surplus, which the bank owes to the borrower. It counts
// from the day of the buyer's payment, or from the loan's last movement where that is later.
func (l Loan) Collect(c Collection, by member.Actor, at time.Time) (Loan, error) {
	if err := l.byBank(by); err != nil {
		return l, err
	}
	if l.Collected(c.Receivable, c.Payment) {
		return l, fault.New(fault.RecordExists, "payment %s is booked on loan %s", c.Payment, l.ID)
	}
	on := c.On
	if on.Before(l.AccruedTo) {
		on = l.AccruedTo
	}
	p := Payment{AmountMinor: c.AmountMinor, Currency: c.Currency, ReceivedOn: on, Source: FromBuyer}
	next, err := l, error(nil)
	switch l.Status {
	case Active, Defaulted:
		next, err = l.Repay(p, by, at)
	case WrittenOff:
		next, err = l.Recover(p, by, at)
	default:
		next, err = l.takeSurplus(p, by, at)
	}
	if err != nil {
		return l, err
	}
	last := &next.Movements[len(next.Movements)-1]
	last.Receivable, last.Payment = c.Receivable, c.Payment
	return next, nil
}

func (l Loan) takeSurplus(p Payment, by member.Actor, at time.Time) (Loan, error) {
	if err := p.check(l, at); err != nil {
		return l, err
	}
	next, err := l.step(TakeSurplus)
	if err != nil {
		return l, err
	}
	next.ReceivedMinor += p.AmountMinor
	next.SurplusMinor += p.AmountMinor
	return next.note(Movement{On: p.ReceivedOn, Action: TakeSurplus, Source: p.Source, SurplusMinor: p.AmountMinor, By: by, At: at}), nil
}

// Return books that the bank has paid the whole surplus on to the borrower. LOAN_OUTSTANDING where there is none.
func (l Loan) Return(note string, by member.Actor, at time.Time) (Loan, error) {
	if err := l.byBank(by); err != nil {
		return l, err
	}
	if err := checkNote("note", note); err != nil {
		return l, err
	}
	next, err := l.step(ReturnMoney)
	if err != nil {
		return l, err
	}
	due := l.SurplusMinor - l.ReturnedMinor
	if due == 0 {
		return l, fault.New(fault.LoanOutstanding, "the bank owes the borrower of loan %s no surplus", l.ID)
	}
	next.ReturnedMinor = l.SurplusMinor
	return next.note(Movement{On: calendar.From(at), Action: ReturnMoney, SurplusMinor: -due, Note: note, By: by, At: at}), nil
}

// StillBacked returns COLLATERAL_MISMATCH where the loan may not be drawn any more because what backs it has changed since the terms
// were accepted: a claim was paid or is disputed, or together they are worth less than the advance.
func (l Loan) StillBacked(facts []CollateralFact) error {
	worth := int64(0)
	for _, f := range facts {
		if f.ReservedFor != l.Lien && f.ReservedFor != l.ID || f.Impaired {
			return fault.New(fault.CollateralMismatch, "%s %s does not back loan %s any more", f.Kind, f.ID, l.ID)
		}
		worth = min(worth+f.ValueMinor, MaxAmountMinor)
	}
	if worth < l.Terms.AdvanceMinor {
		return fault.New(fault.CollateralMismatch, "what backs loan %s is worth less than its advance", l.ID)
	}
	return nil
}
