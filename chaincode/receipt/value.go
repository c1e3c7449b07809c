package receipt

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Limits of terms.
const (
	MaxClasses  = 64
	MaxCureDays = 30
	// MaxLTVBps is what a loan-to-value reads when the goods are worth (next to) nothing.
	MaxLTVBps = 1_000_000
	whole     = int64(money.Whole)
)

// ClassHaircut is what is cut from the market value of goods of a class, in basis points.
type ClassHaircut struct {
	Class string `json:"class"`
	Bps   int64  `json:"bps"`
}

// Terms are how a bank lends on goods; a loan keeps those under which it was made. Haircuts are in basis points of the market
// value; those that apply are added up, to at most the whole.
type Terms struct {
	Currency string         `json:"currency"`
	Classes  []ClassHaircut `json:"classes"` // sorted by class; goods of another class are worth nothing
	// A device that has been silent for more than SilenceSeconds, or has never reported, cuts SilenceBps.
	SilenceSeconds int64 `json:"silence_seconds"`
	SilenceBps     int64 `json:"silence_bps"`
	// More than ExcursionReadings outside of a device's limits, or any outside of the goods' conditions, cut ExcursionBps.
	ExcursionReadings int64 `json:"excursion_readings"`
	ExcursionBps      int64 `json:"excursion_bps"`
	// More than MissingReadings, a silence that is over, or readings after the device's revocation cut CustodyGapBps.
	MissingReadings int64 `json:"missing_readings"`
	CustodyGapBps   int64 `json:"custody_gap_bps"`
	StalePriceBps   int64 `json:"stale_price_bps"`
	// AdvanceBps is the loan-to-value up to which the bank lends, MaintenanceBps the one above which a margin call opens, and
	// CureBps the one to which a call brings it back.
	AdvanceBps     int64 `json:"advance_bps"`
	MaintenanceBps int64 `json:"maintenance_bps"`
	CureBps        int64 `json:"cure_bps"`
	CureDays       int   `json:"cure_days"` // business days
}

// Validate reports every failure of the terms with its field and value.
func (t Terms) Validate() error {
	var bad fault.Fields
	if _, ok := money.Lookup(t.Currency); !ok {
		bad.Add("currency", t.Currency, "must be an active ISO 4217 code")
	}
	if len(t.Classes) == 0 || len(t.Classes) > MaxClasses {
		bad.Add("classes", len(t.Classes), "must be 1 to %d", MaxClasses)
	}
	for i, c := range t.Classes {
		if !classPattern.MatchString(c.Class) || i > 0 && t.Classes[i-1].Class >= c.Class {
			bad.Add(fmt.Sprintf("classes[%d].class", i), c.Class, "must be commodity classes in alphabetical order, each once")
		}
		share(&bad, fmt.Sprintf("classes[%d].bps", i), c.Bps)
	}
	share(&bad, "silence_bps", t.SilenceBps)
	share(&bad, "excursion_bps", t.ExcursionBps)
	share(&bad, "custody_gap_bps", t.CustodyGapBps)
	share(&bad, "stale_price_bps", t.StalePriceBps)
	if t.SilenceSeconds < 1 {
		bad.Add("silence_seconds", t.SilenceSeconds, "must be 1 or more")
	}
	if t.ExcursionReadings < 0 || t.MissingReadings < 0 {
		bad.Add("excursion_readings", t.ExcursionReadings, "must not be negative, nor must missing_readings")
	}
	if t.AdvanceBps < 1 || t.AdvanceBps > t.MaintenanceBps || t.MaintenanceBps > whole {
		bad.Add("maintenance_bps", t.MaintenanceBps, "must be from advance_bps to %d", whole)
	}
	if t.CureBps < 1 || t.CureBps > t.MaintenanceBps {
		bad.Add("cure_bps", t.CureBps, "must be 1 to maintenance_bps")
	}
	if t.CureDays < 1 || t.CureDays > MaxCureDays {
		bad.Add("cure_days", t.CureDays, "must be 1 to %d business days", MaxCureDays)
	}
	return bad.Err()
}

func share(bad *fault.Fields, path string, bps int64) {
	if bps < 0 || bps > whole {
		bad.Add(path, bps, "must be 0 to %d basis points", whole)
	}
}

// Finding is a reason for which the value is cut.
type Finding string

// The findings.
const (
	FindingSilence    Finding = "SENSOR_SILENCE"
	FindingExcursion  Finding = "EXCURSION"
	FindingCustodyGap Finding = "CUSTODY_GAP"
	FindingStalePrice Finding = "STALE_PRICE"
	FindingClass      Finding = "CLASS"    // the class's own haircut
	FindingNoClass    Finding = "NO_CLASS" // the terms do not lend on the class
	FindingUnpriced   Finding = "UNPRICED" // no usable price
)

// Cut is a finding and what it takes, in basis points of the line's market value.
type Cut struct {
	Finding Finding `json:"finding"`
	Bps     int64   `json:"bps"`
}

// LineValue is what one line is worth: ValueMinor = MarketMinor less the cuts, rounded down.
type LineValue struct {
	MarketMinor int64 `json:"market_minor"`
	Cuts        []Cut `json:"cuts"`
	ValueMinor  int64 `json:"value_minor"`
}

// Valuation is what a receipt is worth to a bank at an instant, and why.
type Valuation struct {
	Receipt    string      `json:"receipt"`
	At         time.Time   `json:"at"`
	Currency   string      `json:"currency"`
	Lines      []LineValue `json:"lines"`
	ValueMinor int64       `json:"value_minor"`
}

// Value prices the receipt's goods. It is a function of the facts and the instant alone, so the order in which evidence and
// prices arrived cannot matter. quotes stands in the order of the receipt's lines; devices are those that the receipt names,
// as they are registered now. Goods without a usable price, or of a class that the terms do not name, are worth nothing.
// It returns AMOUNT_OVERFLOW for a value beyond 64 bits.
func Value(r Receipt, w Watch, devices []Device, quotes []Quotes, rule PriceRule, t Terms, now time.Time) (Valuation, error) {
	if len(quotes) != len(r.Lines) {
		return Valuation{}, fault.New(fault.InternalError, "quotes must stand beside the lines")
	}
	v := Valuation{Receipt: r.ID, At: now, Currency: t.Currency}
	common := t.findings(r, w, devices, now)
	for i, line := range r.Lines {
		one, err := t.line(line, common, quotes[i], rule, now)
		if err != nil {
			return Valuation{}, err
		}
		v.Lines = append(v.Lines, one)
		sum, err := money.Amount{Minor: v.ValueMinor, Currency: t.Currency}.Add(money.Amount{Minor: one.ValueMinor, Currency: t.Currency})
		if err != nil {
			return Valuation{}, err
		}
		v.ValueMinor = sum.Minor
	}
	return v, nil
}

func (t Terms) line(line Line, common []Cut, q Quotes, rule PriceRule, now time.Time) (LineValue, error) {
	class := slices.IndexFunc(t.Classes, func(c ClassHaircut) bool { return c.Class == line.Class })
	if class < 0 {
		return LineValue{Cuts: []Cut{{FindingNoClass, whole}}}, nil
	}
	price, fresh, ok := q.At(rule, t.Currency, line.Quantity.Unit, now)
	if !ok {
		return LineValue{Cuts: []Cut{{FindingUnpriced, whole}}}, nil
	}
	cuts := append([]Cut{{FindingClass, t.Classes[class].Bps}}, common...)
	if !fresh {
		cuts = append(cuts, Cut{FindingStalePrice, t.StalePriceBps})
	}
	exact := new(big.Rat).Mul(price.perUnit(line.Quantity.Unit), big.NewRat(line.Quantity.Value, pow10(line.Quantity.Scale)))
	market := new(big.Int).Quo(exact.Num(), exact.Denom())
	if !market.IsInt64() {
		return LineValue{}, fault.New(fault.AmountOverflow, "a line's market value does not fit into 64 bits of minor units")
	}
	keep := whole
	for _, c := range cuts {
		keep = max(0, keep-c.Bps)
	}
	value, err := money.MulDiv(market.Int64(), keep, whole, money.Down)
	return LineValue{MarketMinor: market.Int64(), Cuts: cuts, ValueMinor: value}, err
}

// findings are the cuts that all lines share, from what the devices say. A receipt without devices counts as silent.
func (t Terms) findings(r Receipt, w Watch, devices []Device, now time.Time) []Cut {
	silent, gap := len(r.Devices) == 0, false
	var excursions, breaches, missing int64
	limit := time.Duration(t.SilenceSeconds) * time.Second
	for _, id := range r.Devices {
		i := slices.IndexFunc(w.Devices, func(d DeviceWatch) bool { return d.Device == id })
		if i < 0 || now.Sub(w.Devices[i].LastAt) > limit {
			silent = true
		}
		if i < 0 {
			continue
		}
		seen := w.Devices[i]
		excursions += seen.Excursions
		breaches += seen.Breaches
		missing += seen.Missing
		gap = gap || seen.SilenceSeconds > t.SilenceSeconds || slices.ContainsFunc(devices, func(d Device) bool {
			return d.ID == id && d.Status == Revoked && !seen.LastAt.Before(d.RevokedFrom)
		})
	}
	var cuts []Cut
	if silent {
		cuts = append(cuts, Cut{FindingSilence, t.SilenceBps})
	}
	if excursions > t.ExcursionReadings || breaches > 0 {
		cuts = append(cuts, Cut{FindingExcursion, t.ExcursionBps})
	}
	if gap || missing > t.MissingReadings {
		cuts = append(cuts, Cut{FindingCustodyGap, t.CustodyGapBps})
	}
	return cuts
}

// LTV is the loan-to-value in basis points, rounded up: outstanding ÷ value, at most MaxLTVBps.
func LTV(outstandingMinor, valueMinor int64) int64 {
	if outstandingMinor <= 0 {
		return 0
	}
	if valueMinor <= 0 {
		return MaxLTVBps
	}
	bps, err := money.MulDiv(outstandingMinor, whole, valueMinor, money.Up)
	if err != nil {
		return MaxLTVBps
	}
	return min(bps, MaxLTVBps)
}

// MaxAdvance is the most that the bank lends on the value, rounded down.
func (t Terms) MaxAdvance(valueMinor int64) int64 {
	advance, err := money.MulDiv(max(0, valueMinor), t.AdvanceBps, whole, money.Down)
	if err != nil {
		return 0
	}
	return advance
}
