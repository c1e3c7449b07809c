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

// FactsOf adds up what the ledger holds about an applicant.
func FactsOf(h History) supplychain.Facts {
	var f supplychain.Facts
	addInvoices(&f, h)
	for _, l := range h.Loans {
		f.Borrowed = f.Borrowed || !l.DrawnOn.IsZero()
		if l.Status == financing.Repaid {
			f.LoansRepaid++
		}
		f.LoanDaysPastDue = max(f.LoanDaysPastDue, l.DaysPastDue(h.Today))
	}
	addGoods(&f, h)
	return f
}

func addInvoices(f *supplychain.Facts, h History) {
	byBuyer := map[string]int64{}
	for _, r := range h.Sold {
		since := int64(calendar.DaysBetween(calendar.From(r.Issued.At), h.Today))
		f.DaysOnLedger = max(f.DaysOnLedger, since)
		if since > supplychain.WindowDays {
			continue
		}
		f.InvoicesIssued++
		if r.Status == receivable.Rejected || r.Status == receivable.Disputed {
			f.InvoicesRejected++
		}
		if !r.HasClaim() {
			continue
		}
		f.InvoicesConfirmed++
		f.ConfirmedMinor += r.ConfirmedMinor
		f.CreditedMinor += r.CreditedMinor
		f.DaysToConfirmTotal += int64(calendar.DaysBetween(calendar.From(r.Issued.At), calendar.From(r.Undertaking.Checker.At)))
		byBuyer[r.Invoice.Buyer] += r.ConfirmedMinor
		f.LargestBuyerMinor = max(f.LargestBuyerMinor, byBuyer[r.Invoice.Buyer])
		if r.Status == receivable.Overdue || r.Status == receivable.Defaulted || r.Status == receivable.WrittenOff {
			f.OverdueMinor += r.ConfirmedMinor
		}
	}
}

func addGoods(f *supplychain.Facts, h History) {
	for _, r := range h.Receipts {
		f.Covered = f.Covered || r.Status.Live() && r.Owner.Party == h.Party
	}
	for _, w := range h.Watches {
		for _, d := range w.Devices {
			f.Watched = true
			f.ExcursionSeconds += d.ExcursionSeconds
			f.SilenceSeconds = max(f.SilenceSeconds, d.SilenceSeconds)
		}
	}
}
