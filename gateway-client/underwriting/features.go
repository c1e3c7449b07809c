package underwriting

import (
	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// windowDays is how far back the features look.
const windowDays = 365

// Recorded works out the features of an applicant's own record. Each looks at the invoices that were issued in the last 365
// days; integers, rounded down; missing where there is nothing to divide by. A feature with another name is missing.
//
//	invoices_confirmed       invoices that a buyer has undertaken to pay
//	confirmed_minor          their sum, in minor units
//	days_to_confirm          mean days from issue on the ledger to the undertaking
//	dilution_bp              credit notes ÷ confirmed, basis points
//	rejected_bp              invoices rejected or disputed ÷ invoices issued, basis points
//	buyer_concentration_bp   confirmed by the largest buyer ÷ confirmed, basis points
//	buyer_overdue_bp         confirmed, of which the buyer is overdue ÷ confirmed, basis points
//	days_on_ledger           days since the first invoice that was ever issued
//	loans_repaid             loans of this bank that were repaid
//	loan_days_past_due       the longest that a loan of this bank is overdue today
func Recorded(card *scorecard.Scorecard, h History) ([]scorecard.Value, error) {
	r := record(h)
	values := make([]scorecard.Value, len(card.Features))
	for i, f := range card.Features {
		values[i] = r.value(f.Name)
	}
	return values, nil
}

// figures are sums over an applicant's record.
type figures struct {
	issued, confirmed, rejected                         int64
	confirmedMinor, creditedMinor, overdueMinor, daysTo int64
	largestBuyerMinor                                   int64
	daysOnLedger, loansRepaid, loanDaysPastDue          int64
}

func record(h History) figures {
	var f figures
	byBuyer := map[string]int64{}
	for _, r := range h.Sold {
		since := int64(calendar.DaysBetween(calendar.From(r.Issued.At), h.Today))
		f.daysOnLedger = max(f.daysOnLedger, since)
		if since > windowDays {
			continue
		}
		f.issued++
		if r.Status == receivable.Rejected || r.Status == receivable.Disputed {
			f.rejected++
		}
		if !r.HasClaim() {
			continue
		}
		f.confirmed++
		f.confirmedMinor += r.ConfirmedMinor
		f.creditedMinor += r.CreditedMinor
		f.daysTo += int64(calendar.DaysBetween(calendar.From(r.Issued.At), calendar.From(r.Undertaking.Checker.At)))
		byBuyer[r.Invoice.Buyer] += r.ConfirmedMinor
		f.largestBuyerMinor = max(f.largestBuyerMinor, byBuyer[r.Invoice.Buyer])
		if r.Status == receivable.Overdue || r.Status == receivable.Defaulted || r.Status == receivable.WrittenOff {
			f.overdueMinor += r.ConfirmedMinor
		}
	}
	for _, l := range h.Loans {
		if l.Status == financing.Repaid {
			f.loansRepaid++
		}
		f.loanDaysPastDue = max(f.loanDaysPastDue, l.DaysPastDue(h.Today))
	}
	return f
}

func (f figures) value(name string) scorecard.Value {
	switch name {
	case "invoices_confirmed":
		return scorecard.Number(f.confirmed)
	case "confirmed_minor":
		return scorecard.Number(f.confirmedMinor)
	case "days_to_confirm":
		return ratio(f.daysTo, f.confirmed, 1)
	case "dilution_bp":
		return ratio(f.creditedMinor, f.confirmedMinor, 10_000)
	case "rejected_bp":
		return ratio(f.rejected, f.issued, 10_000)
	case "buyer_concentration_bp":
		return ratio(f.largestBuyerMinor, f.confirmedMinor, 10_000)
	case "buyer_overdue_bp":
		return ratio(f.overdueMinor, f.confirmedMinor, 10_000)
	case "days_on_ledger":
		if f.issued == 0 && f.daysOnLedger == 0 {
			return scorecard.Missing()
		}
		return scorecard.Number(f.daysOnLedger)
	case "loans_repaid":
		return scorecard.Number(f.loansRepaid)
	case "loan_days_past_due":
		return scorecard.Number(f.loanDaysPastDue)
	}
	return scorecard.Missing()
}

// ratio is a × scale ÷ b, rounded down; missing for b = 0. Sums of minor units stay below 2^63 ÷ scale: an amount on the ledger
// is at most 2^63, so it is divided first where the product would not fit.
func ratio(a, b, scale int64) scorecard.Value {
	if b == 0 {
		return scorecard.Missing()
	}
	if a > (1<<62)/scale {
		return scorecard.Number(a / max(1, b/scale))
	}
	return scorecard.Number(a * scale / b)
}
