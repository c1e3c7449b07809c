package simulation

import (
	"strconv"
	"time"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

// records are what the ledger holds of the firm on the cut-off day: only what a feature may read is filled in.
func (f *firm) records() underwriting.History {
	h := underwriting.History{Party: "supplier", Today: cutOff}
	for i := range f.sales {
		// What was sold within the last days before it joined comes onto the ledger when it joins.
		if s := &f.sales[i]; s.day >= f.joined-10 {
			h.Sold = append(h.Sold, f.invoice(s))
		}
	}
	for _, l := range f.loans {
		due := onDay(l.dueDay)
		r := financing.Loan{Borrower: h.Party, Status: financing.Active, DrawnOn: onDay(l.drawnDay),
			Terms: financing.LoanTerms{Currency: "EUR", AdvanceMinor: l.minor, MaturityOn: due, Schedule: []financing.Due{{On: due, PrincipalMinor: l.minor}}}}
		if l.paidDay != never {
			r.Status, r.Paid.PrincipalMinor = financing.Repaid, l.minor
		}
		h.Loans = append(h.Loans, r)
	}
	// Goods that are worth lending on; the rest is not brought to a warehouse.
	if f.stockMinor > f.meanMinor {
		h.Receipts = []receipt.Receipt{{Status: receipt.Stored, Owner: receipt.Holder{Party: h.Party}}}
		h.Watches = []receipt.Watch{{}}
		if f.watched {
			h.Watches[0] = receipt.Watch{Batches: 1, Devices: []receipt.DeviceWatch{{Device: "dev", Since: at(f.joined), LastAt: at(0), Readings: 1,
				ExcursionSeconds: f.excursionSeconds, SilenceSeconds: max(600, f.silenceSeconds)}}}
		}
	}
	return h
}

func (f *firm) invoice(s *sale) receivable.Receivable {
	issued, answered := max(s.day, f.joined), max(s.answeredDay, f.joined)
	r := receivable.Receivable{Status: receivable.Issued, Issued: receivable.Mark{At: at(issued)}, Invoice: receivable.Invoice{
		Seller: "supplier", Buyer: "buyer-" + strconv.Itoa(s.buyer), IssueDate: onDay(s.day), DueDate: onDay(s.dueDay), Currency: "EUR", PayableMinor: s.minor}}
	switch {
	case answered > 0:
		return r
	case s.rejected:
		r.Status = receivable.Rejected
		return r
	}
	r.Status, r.ConfirmedMinor = receivable.Confirmed, s.minor
	r.Undertaking = &receivable.Undertaking{Checker: receivable.Mark{At: at(answered)}}
	if s.day+15 <= 0 { // the buyer has inspected what it took
		r.CreditedMinor = s.creditedMinor
	}
	switch {
	case s.paidDay <= 0:
		r.Status, r.PaidMinor = receivable.Settled, s.minor-r.CreditedMinor
	case s.dueDay < 0:
		r.Status = receivable.Overdue
	}
	return r
}

func at(day int) time.Time { return cutOff.Start().AddDate(0, 0, day) }

func onDay(day int) calendar.Date { return calendar.From(at(day)) }
