package epcis

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// units.csv converts units of UN/ECE Recommendation 20 to the coherent SI unit of their quantity: a value v is
// (v + offset) × numerator ÷ denominator there. The factors follow from the definitions of the units (SI Brochure, NIST
// SP 811), so they are exact where the unit is; they were compared with Annexes II and III of the Recommendation,
// which print them rounded, and some of them (P71, H49) with a misplaced decimal point.
//
//go:embed units.csv
var unitsCSV string

// unit is a row of units.csv.
type unit struct {
	code, si, symbol, name         string
	numerator, denominator, offset *apd.Decimal
}

var units = mustUnits(unitsCSV)

func mustUnits(text string) map[string]unit {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		panic("units.csv: " + err.Error())
	}
	table := map[string]unit{}
	for _, row := range rows[1:] {
		u := unit{code: row[0], si: row[1], symbol: row[5], name: row[6]}
		for i, target := range []**apd.Decimal{&u.numerator, &u.denominator, &u.offset} {
			number := row[2+i]
			if number == "" {
				number = "0"
			}
			d, _, err := apd.NewFromString(number)
			if err != nil {
				panic(fmt.Sprintf("units.csv: %s: %v", row[0], err))
			}
			*target = d
		}
		table[u.code] = u
	}
	return table
}

// precise computes with 40 significant digits; shown rounds to 17, which is as many as a binary double can tell apart.
var (
	precise = apd.BaseContext.WithPrecision(40)
	shown   = apd.BaseContext.WithPrecision(17)
)

// decimal is the number as an exact decimal, nil when there is none.
func (n Number) decimal() *apd.Decimal {
	if n == "" {
		return nil
	}
	d, _, err := apd.NewFromString(string(n))
	if err != nil || d.Form != apd.Finite {
		return nil
	}
	return d
}

// SI converts a value to the coherent SI unit of its quantity, such as CEL to KEL, and names that unit by its
// Recommendation 20 code. A conversion that is not finite is rounded to 17 significant digits. ok is false when there
// is no value or the unit is unknown.
func (n Number) SI(unitCode string) (si Number, siUnit string, ok bool) {
	d, u := n.decimal(), units[unitCode]
	if d == nil || u.code == "" {
		return "", "", false
	}
	result, err := u.toSI(d)
	if err != nil {
		return "", "", false
	}
	if u.numerator.Cmp(apd.New(1, 0)) != 0 || u.denominator.Cmp(apd.New(1, 0)) != 0 {
		if _, err := shown.Round(result, result); err != nil {
			return "", "", false
		}
		result.Reduce(result)
	}
	return numberOf(result), u.si, true
}

// SIUnit is the Recommendation 20 code of the SI unit that a unit converts to; "" when the unit is unknown.
func SIUnit(unitCode string) string { return units[unitCode].si }

// Symbol is the symbol of a unit for people, such as °C; the code itself when the unit is unknown.
func Symbol(unitCode string) string {
	if s := units[unitCode].symbol; s != "" {
		return s
	}
	return unitCode
}

func (u unit) toSI(value *apd.Decimal) (*apd.Decimal, error) {
	d := new(apd.Decimal)
	if _, err := precise.Add(d, value, u.offset); err != nil {
		return nil, err
	}
	if _, err := precise.Mul(d, d, u.numerator); err != nil {
		return nil, err
	}
	if u.denominator.Cmp(apd.New(1, 0)) == 0 {
		return d, nil
	}
	_, err := precise.Quo(d, d, u.denominator)
	return d, err
}

func (u unit) fromSI(value *apd.Decimal) (*apd.Decimal, error) {
	d := new(apd.Decimal)
	if _, err := precise.Mul(d, value, u.denominator); err != nil {
		return nil, err
	}
	if _, err := precise.Quo(d, d, u.numerator); err != nil {
		return nil, err
	}
	_, err := precise.Sub(d, d, u.offset)
	return d, err
}

// numberOf writes a decimal as a JSON number: without an exponent where that is short.
func numberOf(d *apd.Decimal) Number {
	if d.IsZero() {
		d = apd.New(0, max(d.Exponent, -10))
	}
	if d.Exponent <= 0 && d.Exponent > -40 || d.Exponent > 0 && d.Exponent < 10 {
		return Number(d.Text('f'))
	}
	return Number(d.Text('E'))
}
