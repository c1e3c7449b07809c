package underwriting

import (
	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

// Recorded works out the features of an applicant's own record (package supplychain documents each).
func Recorded(card *scorecard.Scorecard, h History) ([]scorecard.Value, error) {
	return supplychain.Compute(card, FactsOf(h))
}

// FactsOf measures what the ledger holds about an applicant (supplychain.Market).
func FactsOf(h History) supplychain.Facts {
	a := supplychain.Applicant{Party: h.Party, OfferedMinor: h.OfferedMinor, RequestedMinor: h.RequestedMinor}
	for _, r := range h.Sold {
		a.Sold = append(a.Sold, TradeOf(r, h.Settled[r.ID], h.Today))
	}
	for _, l := range h.Loans {
		a.Loans = append(a.Loans, supplychain.Loan{Drawn: !l.DrawnOn.IsZero(), Repaid: l.Status == financing.Repaid, DaysPastDue: l.DaysPastDue(h.Today)})
	}
	for _, r := range h.Receipts {
		a.Covered = a.Covered || r.Status.Live() && r.Owner.Party == h.Party
	}
	for _, w := range h.Watches {
		for _, d := range w.Devices {
			a.Watches = append(a.Watches, supplychain.Watch{ExcursionSeconds: d.ExcursionSeconds, SilenceSeconds: d.SilenceSeconds})
		}
	}
	return supplychain.NewMarket(h.Today, h.Currency, h.Trades, h.Related).Facts(a)
}

// TradeOf is a receivable as features read it. Settled is the day on which it was paid in full; zero where that is not known.
// A claim whose due date has passed is overdue, whether or not somebody has aged its record since.
func TradeOf(r receivable.Receivable, settled calendar.Date, today calendar.Date) Trade {
	t := Trade{ID: r.ID, Seller: r.Invoice.Seller, Buyer: r.Invoice.Buyer, Currency: r.Invoice.Currency, On: calendar.From(r.Issued.At),
		DueOn: r.Invoice.DueDate, Minor: r.Invoice.PayableMinor, CreditedMinor: r.CreditedMinor, Confirmed: r.HasClaim(), SettledOn: settled,
		Refused: r.Status == receivable.Rejected || r.Status == receivable.Disputed}
	if !r.HasClaim() {
		return t
	}
	t.Minor, t.ConfirmedOn = r.ConfirmedMinor, calendar.From(r.Undertaking.Checker.At)
	switch r.Status {
	case receivable.Overdue, receivable.Defaulted, receivable.WrittenOff:
		t.Overdue = true
	case receivable.Confirmed, receivable.Matured:
		graceEnd, err := t.DueOn.AddDays(r.Rules.GraceDays)
		t.Overdue = err == nil && !t.DueOn.IsZero() && graceEnd.Before(today)
	}
	return t
}
