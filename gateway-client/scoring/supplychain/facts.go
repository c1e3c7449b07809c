// Package supplychain is the first model of the project: which figures of an applicant's own ledger record it reads,
// and the scorecard itself, trained on a simulated world (MODEL.md says how, and what it is not).
package supplychain

import (
	_ "embed"
	"math/bits"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
)

// WindowDays is how far back the windowed features look from the day of the application.
const WindowDays = 365

// FirstScorecard is the shipped scorecard, in canonical bytes. A golden test trains it again and compares.
//
//go:generate go test ../../simulation -run Shipped -update
//go:embed first-scorecard.json
var FirstScorecard []byte

// Facts are what the ledger holds about an applicant on the day of its application (Market.Facts adds them up). Amounts are
// minor units of the application's currency; what is in other currencies is not counted.
type Facts struct {
	InvoicesIssued     int64 // in the window
	InvoicesConfirmed  int64 // of those, undertaken by the buyer
	InvoicesRejected   int64 // of those, rejected or disputed
	ConfirmedMinor     int64
	CreditedMinor      int64    // credit notes against confirmed invoices
	LargestBuyerMinor  int64    // confirmed by the one buyer with most of it
	OverdueMinor       int64    // confirmed, of which the buyer is overdue
	DaysToConfirmTotal int64    // days from issue to undertaking, over the confirmed invoices
	QuarterMinor       [4]int64 // confirmed, by the 91 days in which it was issued, the latest first
	InvoicesPaid       int64    // of those confirmed, settled
	DaysToPayTotal     int64    // days from issue to settlement, over those
	DaysOnLedger       int64    // since the first invoice that was ever issued
	LoansRepaid        int64    // ever
	LoanDaysPastDue    int64    // the longest of today
	Borrowed           bool     // a loan was ever drawn
	// OfferedMinor is the face of the claims that back the application, RequestedMinor what it asks for.
	OfferedMinor, RequestedMinor int64
	// Covered is whether goods in a warehouse back the application.
	Covered bool
	// Watched is whether a device has reported on them; the two figures below count only then.
	Watched          bool
	ExcursionSeconds int64 // that devices read outside their limits, summed over devices
	SilenceSeconds   int64 // the longest time without a reading

	// InGraph is whether it has a confirmed trade in the window; what is below counts only then.
	InGraph   bool
	TradeRank int64 // PageRank, 1000 is the mean
	TierDepth int64 // sales up to a party that sells to nobody, where Tiered
	Tiered    bool
	// BuyersLateDays is how late its buyers pay everybody, by its volume with each, where BuyersKnown.
	BuyersLateDays int64
	BuyersKnown    bool
	// NearDistressBps is the overdue share of what its buyers owe everybody, FarDistressBps that of its buyers' buyers.
	NearDistressBps, FarDistressBps int64
	NearKnown, FarKnown             bool
	// SoldMinor is its confirmed volume in the graph, RelatedMinor that with parties of the same director or address.
	SoldMinor, RelatedMinor int64
	RelatedKnown            bool // directors or addresses are recorded at all
	// CommunityMinor is the volume inside of its community without its own, CommunityOverdueMinor what is overdue of it.
	CommunityMinor, CommunityOverdueMinor int64
}

// Feature documents one input of the model.
type Feature struct {
	Name    string
	Formula string
	Window  string // which records count
	Unit    string // of the raw integer; every feature has scale 0
	Missing string // when there is nothing to measure; "" for never
	// Sign is 1 where the risk rises with the value, -1 where it falls. Training holds every table to it.
	Sign    int
	Change  scorecard.Change // what the applicant can do about it
	Wording scorecard.Wording
	value   func(f *Facts) scorecard.Value
}

// Compute returns the raw values of a card's features, in the card's order. It returns INPUT_INVALID with every feature that
// this package does not have, or has with another kind or scale: a bank that registers a card over other features has to run
// an underwriter that knows them.
func Compute(card *scorecard.Scorecard, f Facts) ([]scorecard.Value, error) {
	var bad fault.Fields
	for i := range card.Features {
		c := &card.Features[i]
		if ByName(c.Name) == nil {
			bad.Add("features."+c.Name, c.Name, "is no feature of a supply-chain record")
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

// Value returns the raw value of a feature by name; missing for a name that this package does not know.
func (f *Facts) Value(name string) scorecard.Value {
	if known := ByName(name); known != nil {
		return known.value(f)
	}
	return scorecard.Missing()
}

// Values returns the raw values of a scorecard's features, in its order.
func (f *Facts) Values(card *scorecard.Scorecard) []scorecard.Value {
	values := make([]scorecard.Value, len(card.Features))
	for i := range card.Features {
		values[i] = f.Value(card.Features[i].Name)
	}
	return values
}

func (f *Facts) ifWatched(n int64) scorecard.Value {
	if !f.Watched {
		return scorecard.Missing()
	}
	return scorecard.Number(n)
}

// ratio is a × scale ÷ b, rounded down, computed with 128 bits and held within what a scorecard can carry; missing where there
// is nothing to divide by.
func ratio(a, b, scale int64) scorecard.Value {
	if b <= 0 || a < 0 {
		return scorecard.Missing()
	}
	hi, lo := bits.Mul64(uint64(a), uint64(scale))
	if hi >= uint64(b) {
		return scorecard.Number(scorecard.MaxInteger)
	}
	q, _ := bits.Div64(hi, lo, uint64(b))
	return scorecard.Number(int64(min(q, scorecard.MaxInteger)))
}
