package language

import (
	"strconv"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// Units of the features of a scorecard that are written in another way than number and unit.
const (
	thousandMinor = "thousand minor units" // of the application's currency
	basisPoints   = "basis points"
	seconds       = "seconds"
	yesOrNo       = "0 or 1"
	ofTheMean     = "thousandths of the mean"
)

// Range writes what a bin of a feature means: "less than €127,500.00", "45.00 % or more", "none". Label is the bin's own (BinLabel),
// which is written where the bin is no interval.
func (p *Printer) Range(r scorecard.Range, label, unit, currency string) string {
	if label == "missing" {
		return p.Text("feature.missing")
	}
	from, hasFrom := bound(r.AtLeast)
	below, hasBelow := bound(r.Below)
	if r.AtLeast != "" && !hasFrom || r.Below != "" && !hasBelow || !hasFrom && !hasBelow {
		return p.inUnit(label, unit)
	}
	if unit == yesOrNo {
		if hasFrom {
			return p.Text("range.yes")
		}
		return p.Text("range.no")
	}
	counted := unit != thousandMinor && unit != basisPoints && unit != seconds && unit != ofTheMean
	switch {
	case counted && !hasFrom && below == 1:
		return p.Text("range.none")
	case counted && hasFrom && hasBelow && below == from+1:
		return p.inUnit(p.Number(from), unit)
	case counted && hasFrom && hasBelow:
		return p.inUnit(p.Text("range.from_to", "from", p.Number(from), "to", p.Number(below-1)), unit)
	case hasFrom && hasBelow:
		return p.Text("range.between", "from", p.quantity(from, unit, currency), "to", p.quantity(below, unit, currency))
	case hasFrom:
		return p.Text("range.at_least", "from", p.quantity(from, unit, currency))
	}
	return p.Text("range.below", "to", p.quantity(below, unit, currency))
}

// bound reads a whole number; what has decimals is written as the ledger does.
func bound(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

func (p *Printer) quantity(n int64, unit, currency string) string {
	switch unit {
	case thousandMinor:
		const most = (1<<63 - 1) / 1000
		if currency != "" && n < most && n > -most {
			return p.Money(n*1000, currency)
		}
	case basisPoints:
		return p.Percent(n)
	case seconds:
		return p.Duration(n)
	case ofTheMean:
		return p.Text("range.of_the_mean", "times", p.Decimal(n, 3))
	}
	return p.inUnit(p.Number(n), unit)
}

func (p *Printer) inUnit(text, unit string) string {
	if unit == "" {
		return text
	}
	if key := "unit." + unit; p.Has(key) {
		unit = p.Text(key)
	}
	return text + "\u00a0" + unit
}
