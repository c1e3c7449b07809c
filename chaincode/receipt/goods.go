package receipt

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Limits of one receipt.
const (
	MaxLines       = 64
	MaxSerials     = 256
	MaxTextBytes   = 120
	MaxScale       = 6
	MaxPartsOfALot = 64
)

// Quantity is Value × 10^-Scale of a UN/CEFACT Recommendation 20 unit: {12500, 3, "TNE"} is 12.5 tonnes.
type Quantity struct {
	Value int64  `json:"value"`
	Scale int    `json:"scale"`
	Unit  string `json:"unit"`
}

// Goods says what a line of a receipt stands for. Class is the programme's commodity class, by which goods are priced and
// cut; GTIN names the product where it has one. A lot is named by who numbered it: the GTIN's owner, or LotIssuer where there
// is no GTIN.
type Goods struct {
	Class     string   `json:"class"`
	GTIN      string   `json:"gtin,omitempty"`       // 8, 12, 13 or 14 digits, GS1 General Specifications section 7.9
	LotIssuer string   `json:"lot_issuer,omitempty"` // who numbered the lot: a GLN or the issuer's registered name
	Lot       string   `json:"lot"`
	Serials   []string `json:"serials,omitempty"` // sorted
	Quantity  Quantity `json:"quantity"`
	Grade     string   `json:"grade,omitempty"`
}

// Line is goods under a receipt. Origin is the receipt that the goods were first issued under, and Part the path of splits
// since then ("" is the whole lot, "2.1" the first part of its second part), so no two lines anywhere are the same goods.
type Line struct {
	Goods
	Origin string `json:"origin"`
	Part   string `json:"part,omitempty"`
}

var (
	classPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,39}$`)
	unitPattern  = regexp.MustCompile(`^[A-Z0-9]{2,3}$`)
	gtinPattern  = regexp.MustCompile(`^([0-9]{8}|[0-9]{12,14})$`)
	// textPattern is what a lot, a serial or an issuer may hold: printable ASCII, as GS1's character set 82 and most
	// producers' own marks are; other text has several spellings of the same mark.
	textPattern = regexp.MustCompile(`^[!-~]([ -~]*[!-~])?$`)
)

// Check records what is wrong with the quantity.
func (q Quantity) Check(bad *fault.Fields, path string) {
	if q.Value <= 0 {
		bad.Add(path+".value", q.Value, "must be above zero")
	}
	if q.Scale < 0 || q.Scale > MaxScale {
		bad.Add(path+".scale", q.Scale, "must be 0 to %d decimals", MaxScale)
	}
	if !unitPattern.MatchString(q.Unit) {
		bad.Add(path+".unit", q.Unit, "must be a UN/CEFACT Recommendation 20 code such as KGM, TNE or H87")
	}
}

// Check records what is wrong with the goods.
func (g Goods) Check(bad *fault.Fields, path string) {
	if !classPattern.MatchString(g.Class) {
		bad.Add(path+".class", g.Class, "must be a commodity class: 1 to 40 lower-case letters, digits, dots or dashes")
	}
	if g.GTIN != "" && !ValidGTIN(g.GTIN) {
		bad.Add(path+".gtin", g.GTIN, "must be a GTIN of 8, 12, 13 or 14 digits with a right check digit")
	}
	if g.GTIN == "" && g.LotIssuer == "" {
		bad.Add(path+".lot_issuer", "", "must say who numbered the lot where the goods have no GTIN")
	}
	text(bad, path+".lot_issuer", g.LotIssuer, false)
	text(bad, path+".lot", g.Lot, true)
	text(bad, path+".grade", g.Grade, false)
	if len(g.Serials) > MaxSerials {
		bad.Add(path+".serials", len(g.Serials), "must be at most %d", MaxSerials)
	}
	for i, s := range g.Serials {
		text(bad, fmt.Sprintf("%s.serials[%d]", path, i), s, true)
		if i > 0 && s <= g.Serials[i-1] {
			bad.Add(fmt.Sprintf("%s.serials[%d]", path, i), s, "must be sorted, each once")
		}
	}
	g.Quantity.Check(bad, path+".quantity")
	if n := len(g.Serials); n > 0 && g.Quantity.whole() != int64(n) {
		bad.Add(path+".quantity.value", g.Quantity.Value, "must be the number of serials where there are any")
	}
}

func text(bad *fault.Fields, path, value string, required bool) {
	switch {
	case value == "" && required:
		bad.Add(path, value, "is missing")
	case value == "":
	case len(value) > MaxTextBytes || !textPattern.MatchString(value):
		bad.Add(path, value, "must be at most %d printable ASCII characters without blanks at its ends", MaxTextBytes)
	}
}

// ValidGTIN reports whether the text is a GTIN whose check digit is right (GS1 General Specifications section 7.9: weights
// 3 and 1 from the right).
func ValidGTIN(gtin string) bool {
	if !gtinPattern.MatchString(gtin) {
		return false
	}
	sum := 0
	for i := range len(gtin) {
		digit := int(gtin[len(gtin)-1-i] - '0')
		if i%2 == 1 {
			digit *= 3
		}
		sum += digit
	}
	return sum%10 == 0
}

// whole is the quantity in units when it has no fraction, else -1.
func (q Quantity) whole() int64 {
	p := pow10(q.Scale)
	if q.Value%p != 0 {
		return -1
	}
	return q.Value / p
}

// divide splits the line's goods into parts of the given quantities, which must add up; serials are dealt out in order.
func (l Line) divide(values []int64) ([]Line, error) {
	if len(values) < 2 || len(values) > MaxPartsOfALot {
		return nil, fault.New(fault.ReceiptGoodsMismatch, "a lot is divided into 2 to %d parts", MaxPartsOfALot)
	}
	rest := l.Quantity.Value
	serials := l.Serials
	parts := make([]Line, 0, len(values))
	for i, v := range values {
		if v <= 0 || v > rest {
			return nil, fault.New(fault.ReceiptGoodsMismatch, "the parts of a lot must be above zero and add up to it")
		}
		rest -= v
		part := l
		part.Quantity.Value = v
		part.Part = strings.TrimPrefix(fmt.Sprintf("%s.%d", l.Part, i+1), ".")
		if len(part.Part) > MaxTextBytes {
			return nil, fault.New(fault.InputTooLarge, "the lot has been divided too often")
		}
		part.Serials = nil
		if len(l.Serials) > 0 {
			n := part.Quantity.whole()
			if n < 0 || n > int64(len(serials)) {
				return nil, fault.New(fault.ReceiptGoodsMismatch, "serial numbered goods are divided in whole units")
			}
			part.Serials, serials = slices.Clone(serials[:n]), serials[n:]
		}
		parts = append(parts, part)
	}
	if rest != 0 {
		return nil, fault.New(fault.ReceiptGoodsMismatch, "the parts of a lot must be above zero and add up to it")
	}
	return parts, nil
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		if p > math.MaxInt64/10 {
			return math.MaxInt64
		}
		p *= 10
	}
	return p
}
