// Package supplychain is the first model of the project: which figures of an applicant's own ledger record it reads,
// and the scorecard itself, trained on a simulated world (MODEL.md says how, and what it is not).
package supplychain

import (
	_ "embed"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
)

// WindowDays is how far back the windowed features look from the day of the application.
const WindowDays = 365

// FirstScorecard is the shipped scorecard, in canonical bytes. A golden test trains it again and compares.
//
//go:embed first-scorecard.json
var FirstScorecard []byte

// Facts are what the ledger holds about an applicant on the day of its application. Amounts are minor units of one
// currency.
type Facts struct {
	InvoicesIssued     int64 // in the window
	InvoicesConfirmed  int64 // of those, undertaken by the buyer
	InvoicesRejected   int64 // of those, rejected or disputed
	ConfirmedMinor     int64
	CreditedMinor      int64 // credit notes against confirmed invoices
	LargestBuyerMinor  int64 // confirmed by the one buyer with most of it
	OverdueMinor       int64 // confirmed, of which the buyer is overdue
	DaysToConfirmTotal int64 // days from issue to undertaking, over the confirmed invoices
	DaysOnLedger       int64 // since the first invoice that was ever issued
	LoansRepaid        int64 // ever
	LoanDaysPastDue    int64 // the longest of today
	// Pledged is whether goods back the application; the four figures below exist only then.
	Pledged           bool
	PledgedMinor      int64 // value of the goods
	RequestedMinor    int64
	Excursions        int64 // readings outside the limits of the goods, in the window
	CustodyGapMinutes int64 // the longest time without a reading, in the window
}

// Feature documents one input of the model.
type Feature struct {
	Name    string
	Formula string
	Window  string
	Unit    string
	Sign    int // 1: the risk rises with it, -1: it falls
	Change  scorecard.Change
	Wording scorecard.Wording
	value   func(f *Facts) scorecard.Value
}

// Features lists the inputs in the order of the training data.
var Features = []Feature{
	{Name: "invoices_confirmed", Formula: "invoices that a buyer has undertaken to pay", Window: "365 days", Unit: "invoices", Sign: -1, Change: scorecard.Upwards,
		Wording: scorecard.Wording{En: "Few invoices have been confirmed by buyers", Zh: "获买方确认的发票较少"},
		value:   func(f *Facts) scorecard.Value { return scorecard.Number(f.InvoicesConfirmed) }},
	{Name: "confirmed_minor", Formula: "sum of the confirmed invoices", Window: "365 days", Unit: "minor units", Sign: -1, Change: scorecard.Upwards,
		Wording: scorecard.Wording{En: "The confirmed volume is small", Zh: "已确认的交易额较小"},
		value:   func(f *Facts) scorecard.Value { return scorecard.Number(f.ConfirmedMinor) }},
	{Name: "days_to_confirm", Formula: "mean days from issue on the ledger to the undertaking", Window: "365 days", Unit: "days", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "Invoices take long to be confirmed", Zh: "发票确认所需时间较长"},
		value:   func(f *Facts) scorecard.Value { return ratio(f.DaysToConfirmTotal, f.InvoicesConfirmed, 1) }},
	{Name: "dilution_bp", Formula: "credit notes ÷ confirmed volume", Window: "365 days", Unit: "basis points", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "Credit notes reduce what buyers owe", Zh: "贷记单使应收账款减少"},
		value:   func(f *Facts) scorecard.Value { return ratio(f.CreditedMinor, f.ConfirmedMinor, 10_000) }},
	{Name: "rejected_bp", Formula: "invoices rejected or disputed ÷ invoices issued", Window: "365 days", Unit: "basis points", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "Buyers have rejected or disputed invoices", Zh: "买方拒绝或质疑过发票"},
		value:   func(f *Facts) scorecard.Value { return ratio(f.InvoicesRejected, f.InvoicesIssued, 10_000) }},
	{Name: "buyer_concentration_bp", Formula: "confirmed by the largest buyer ÷ confirmed volume", Window: "365 days", Unit: "basis points", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "Sales depend on one buyer", Zh: "销售集中于单一买方"},
		value:   func(f *Facts) scorecard.Value { return ratio(f.LargestBuyerMinor, f.ConfirmedMinor, 10_000) }},
	{Name: "buyer_overdue_bp", Formula: "confirmed volume that buyers are overdue with ÷ confirmed volume", Window: "365 days", Unit: "basis points", Sign: 1, Change: scorecard.Immutable,
		Wording: scorecard.Wording{En: "Buyers are overdue with payments", Zh: "买方逾期付款"},
		value:   func(f *Facts) scorecard.Value { return ratio(f.OverdueMinor, f.ConfirmedMinor, 10_000) }},
	{Name: "days_on_ledger", Formula: "days since the first invoice issued", Window: "all time", Unit: "days", Sign: -1, Change: scorecard.Upwards,
		Wording: scorecard.Wording{En: "The trade record is short", Zh: "链上交易记录时间较短"},
		value:   func(f *Facts) scorecard.Value { return scorecard.Number(f.DaysOnLedger) }},
	{Name: "loans_repaid", Formula: "loans that were repaid", Window: "all time", Unit: "loans", Sign: -1, Change: scorecard.Upwards,
		Wording: scorecard.Wording{En: "Few loans have been repaid so far", Zh: "已偿还的贷款较少"},
		value:   func(f *Facts) scorecard.Value { return scorecard.Number(f.LoansRepaid) }},
	{Name: "loan_days_past_due", Formula: "longest delay of a loan today", Window: "today", Unit: "days", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "A loan is past due", Zh: "存在逾期贷款"},
		value:   func(f *Facts) scorecard.Value { return scorecard.Number(f.LoanDaysPastDue) }},
	{Name: "pledge_coverage_bp", Formula: "value of the pledged goods ÷ amount requested; missing without goods", Window: "today", Unit: "basis points", Sign: -1, Change: scorecard.Upwards,
		Wording: scorecard.Wording{En: "Pledged goods cover little of the loan, or there are none", Zh: "质押货物覆盖率低，或没有质押货物"},
		value:   func(f *Facts) scorecard.Value { return f.ifPledged(ratio(f.PledgedMinor, f.RequestedMinor, 10_000)) }},
	{Name: "sensor_excursions", Formula: "device readings outside the goods' limits; missing without goods", Window: "365 days", Unit: "readings", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "Devices reported goods outside their limits", Zh: "设备报告货物超出允许范围"},
		value:   func(f *Facts) scorecard.Value { return f.ifPledged(scorecard.Number(f.Excursions)) }},
	{Name: "custody_gap_minutes", Formula: "longest time without a reading; missing without goods", Window: "365 days", Unit: "minutes", Sign: 1, Change: scorecard.Downwards,
		Wording: scorecard.Wording{En: "The custody of goods has gaps", Zh: "货物保管记录存在空档"},
		value:   func(f *Facts) scorecard.Value { return f.ifPledged(scorecard.Number(f.CustodyGapMinutes)) }},
}

// Value returns the raw value of a feature by name; missing for a name that this package does not know.
func (f *Facts) Value(name string) scorecard.Value {
	for i := range Features {
		if Features[i].Name == name {
			return Features[i].value(f)
		}
	}
	return scorecard.Missing()
}

// Compute returns the raw values of a card's features, in the card's order. It returns INPUT_INVALID with every feature that
// this package does not have, or has with another kind or scale: a bank that registers a card over other features has to run
// an underwriter that knows them.
func Compute(card *scorecard.Scorecard, f Facts) ([]scorecard.Value, error) {
	var bad fault.Fields
	for i := range card.Features {
		c := &card.Features[i]
		if ByName(c.Name) == nil {
			bad.Add("features.name", c.Name, "is no feature of a supply-chain record")
		} else if c.Kind != scorecard.Numeric || c.Scale != 0 {
			bad.Add("features."+c.Name, c.Kind, "must be numeric with scale 0")
		}
	}
	return f.Values(card), bad.Err()
}

// ByName returns a feature, or nil.
func ByName(name string) *Feature {
	for i := range Features {
		if Features[i].Name == name {
			return &Features[i]
		}
	}
	return nil
}

// Values returns the raw values of a scorecard's features, in its order.
func (f *Facts) Values(card *scorecard.Scorecard) []scorecard.Value {
	values := make([]scorecard.Value, len(card.Features))
	for i := range card.Features {
		values[i] = f.Value(card.Features[i].Name)
	}
	return values
}

func (f *Facts) ifPledged(v scorecard.Value) scorecard.Value {
	if !f.Pledged {
		return scorecard.Missing()
	}
	return v
}

// ratio is a × scale ÷ b, rounded down; missing where there is nothing to divide by. Where the product would not fit
// into 64 bits, the divisor is scaled down instead.
func ratio(a, b, scale int64) scorecard.Value {
	if b <= 0 {
		return scorecard.Missing()
	}
	if a > (1<<62)/scale {
		return scorecard.Number(a / max(1, b/scale))
	}
	return scorecard.Number(a * scale / b)
}
