package receipt

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Limits of prices.
const (
	MaxSources  = 16
	MaxPriceAge = 366 * 24 * 60 * 60 // seconds
)

// Price is one source's signed observation: Minor units of Currency for Per units of Unit of goods of the class, so
// {734550, "USD", 1, "TNE"} is USD 7345.50 a tonne.
type Price struct {
	Source    string    `json:"source"`
	Class     string    `json:"class"`
	Minor     int64     `json:"minor"`
	Currency  string    `json:"currency"`
	Per       int64     `json:"per"`
	Unit      string    `json:"unit"`
	At        time.Time `json:"at"` // when it was observed: UTC, whole milliseconds
	Signature []byte    `json:"signature"`
}

// Validate reports every failure of the price with its field and value.
func (p Price) Validate() error {
	var bad fault.Fields
	if !classPattern.MatchString(p.Source) {
		bad.Add("source", p.Source, "must be 1 to 40 lower-case letters, digits, dots or dashes")
	}
	if !classPattern.MatchString(p.Class) {
		bad.Add("class", p.Class, "must be a commodity class")
	}
	money.Amount{Minor: p.Minor, Currency: p.Currency}.CheckPositive(&bad, "price")
	if p.Per < 1 || p.Per > 1_000_000_000 {
		bad.Add("per", p.Per, "must be 1 to 1000000000 units")
	}
	if !unitPattern.MatchString(p.Unit) {
		bad.Add("unit", p.Unit, "must be a UN/CEFACT Recommendation 20 code such as TNE")
	}
	if !milliseconds(p.At) {
		bad.Add("at", p.At, "must be an instant in UTC in whole milliseconds")
	}
	if len(p.Signature) == 0 || len(p.Signature) > MaxSignatureBytes {
		bad.Add("signature", len(p.Signature), "must have 1 to %d bytes", MaxSignatureBytes)
	}
	return bad.Err()
}

// Message is what the source signs.
func (p Price) Message() []byte {
	e := encoder{b: []byte("tallystick price v1\n")}
	e.text(p.Source)
	e.text(p.Class)
	e.int(p.Minor)
	e.text(p.Currency)
	e.int(p.Per)
	e.text(p.Unit)
	e.time(p.At)
	return e.b
}

// PriceSource is one of the sources that a programme's members have agreed on.
type PriceSource struct {
	ID  string    `json:"id"`
	Key PublicKey `json:"key"`
}

// PriceRule says whose prices count. A price is fresh for FreshSeconds; with Quorum fresh ones the lower median counts. With
// fewer, the lowest one that is at most UsableSeconds old counts, and the value is cut by Terms.StalePriceBps.
type PriceRule struct {
	Sources       []PriceSource `json:"sources"` // sorted by id
	Quorum        int           `json:"quorum"`
	FreshSeconds  int64         `json:"fresh_seconds"`
	UsableSeconds int64         `json:"usable_seconds"`
}

// Validate reports every failure of the rule with its field and value.
func (p PriceRule) Validate() error {
	var bad fault.Fields
	if len(p.Sources) == 0 || len(p.Sources) > MaxSources {
		bad.Add("sources", len(p.Sources), "must be 1 to %d", MaxSources)
	}
	for i, s := range p.Sources {
		if !classPattern.MatchString(s.ID) || i > 0 && p.Sources[i-1].ID >= s.ID {
			bad.Add(fmt.Sprintf("sources[%d].id", i), s.ID, "must be ids in alphabetical order, each once")
		}
		s.Key.Check(&bad, fmt.Sprintf("sources[%d].key", i))
	}
	if p.Quorum < 1 || p.Quorum > len(p.Sources) {
		bad.Add("quorum", p.Quorum, "must be 1 to the number of sources")
	}
	if p.FreshSeconds < 1 || p.UsableSeconds < p.FreshSeconds || p.UsableSeconds > MaxPriceAge {
		bad.Add("usable_seconds", p.UsableSeconds, "must be at least fresh_seconds, and both 1 to %d", MaxPriceAge)
	}
	return bad.Err()
}

// Quotes is the latest price of every source for one class of goods.
type Quotes struct {
	Class  string  `json:"class"`
	Latest []Price `json:"latest"` // sorted by source
}

// Add takes a source's later price. Which of two prices is later is theirs to say, not the order in which they arrive.
// Errors: PRICE_SOURCE_UNKNOWN, PRICE_SIGNATURE_INVALID, EVIDENCE_FROM_FUTURE, PRICE_OUT_OF_DATE.
func (q Quotes) Add(rule PriceRule, p Price, now time.Time) (Quotes, error) {
	if err := p.Validate(); err != nil {
		return q, err
	}
	source := slices.IndexFunc(rule.Sources, func(s PriceSource) bool { return s.ID == p.Source })
	switch {
	case source < 0:
		return q, fault.New(fault.PriceSourceUnknown, "source %s", p.Source)
	case !rule.Sources[source].Key.Verify(p.Message(), p.Signature):
		return q, fault.New(fault.PriceSignatureInvalid, "source %s", p.Source)
	case p.At.After(now.Add(SkewSeconds * time.Second)):
		return q, fault.New(fault.EvidenceFromFuture, "price of source %s", p.Source)
	case q.Class != "" && q.Class != p.Class:
		return q, fault.New(fault.InternalError, "the quotes are of another class")
	}
	i, known := slices.BinarySearchFunc(q.Latest, p.Source, func(have Price, id string) int { return strings.Compare(have.Source, id) })
	if known && !p.At.After(q.Latest[i].At) {
		return q, fault.New(fault.PriceOutOfDate, "source %s", p.Source)
	}
	q.Class = p.Class
	q.Latest = slices.Clone(q.Latest)
	if known {
		q.Latest[i] = p
	} else {
		q.Latest = slices.Insert(q.Latest, i, p)
	}
	return q, nil
}

// At returns the price that counts at the instant in the currency, and whether it is fresh; ok is false where none is usable.
// Prices in other units than the goods' count where both measure mass, or both volume.
func (q Quotes) At(rule PriceRule, currency, unit string, now time.Time) (price Price, fresh, ok bool) {
	var list, usable []Price
	for _, p := range q.Latest {
		agreed := slices.ContainsFunc(rule.Sources, func(s PriceSource) bool { return s.ID == p.Source })
		if _, _, comparable := conversion(unit, p.Unit); !agreed || !comparable || p.Currency != currency {
			continue
		}
		age := int64(now.Sub(p.At) / time.Second)
		if age <= rule.FreshSeconds {
			list = append(list, p)
		}
		if age <= rule.UsableSeconds {
			usable = append(usable, p)
		}
	}
	cheaper := func(a, b Price) int {
		if order := a.perUnit(unit).Cmp(b.perUnit(unit)); order != 0 {
			return order
		}
		return strings.Compare(a.Source, b.Source)
	}
	if len(list) >= rule.Quorum && len(list) > 0 {
		slices.SortFunc(list, cheaper)
		return list[(len(list)-1)/2], true, true
	}
	if len(usable) == 0 {
		return Price{}, false, false
	}
	return slices.MinFunc(usable, cheaper), false, true
}

// perUnit is the price of one unit of the goods as an exact fraction of minor units.
func (p Price) perUnit(unit string) *big.Rat {
	up, down, _ := conversion(unit, p.Unit)
	return new(big.Rat).Mul(big.NewRat(p.Minor, p.Per), big.NewRat(up, max(1, down)))
}

// conversion returns how many of `to` one of `from` is, as a fraction: UN/CEFACT Recommendation 20 units of mass and volume,
// else only a unit itself.
func conversion(from, to string) (up, down int64, ok bool) {
	if from == to {
		return 1, 1, true
	}
	for _, family := range [...][3]string{{"GRM", "KGM", "TNE"}, {"MLT", "LTR", "MTQ"}} {
		i, j := slices.Index(family[:], from), slices.Index(family[:], to)
		if i >= 0 && j >= 0 {
			return pow10(3 * i), pow10(3 * j), true
		}
	}
	return 0, 1, false
}
