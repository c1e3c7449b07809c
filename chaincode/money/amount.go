// Package money is exact amounts: a count of minor units in an ISO 4217 currency, and the few operations that finance
// needs on them. Nothing rounds unless it is told how, nothing wraps around, and there is no floating point.
package money

import (
	"math"
	"strconv"
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Amount is a number of minor units (cents, fen; whole yen) of a currency. The zero Amount has no currency and is
// valid nowhere; Zero makes nothing of a currency.
type Amount struct {
	// Minor counts the minor units of Currency; it may be negative (a credit note).
	Minor int64 `json:"minor"`
	// Currency is an active ISO 4217 alphabetic code.
	Currency string `json:"currency"`
}

// New returns the amount, or CURRENCY_UNKNOWN.
func New(minor int64, currency string) (Amount, error) {
	a := Amount{Minor: minor, Currency: currency}
	return a, a.Validate()
}

// Zero is nothing of a currency that is known to be valid.
func Zero(currency string) Amount { return Amount{Currency: currency} }

// Validate returns CURRENCY_UNKNOWN unless the currency is an active ISO 4217 code.
func (a Amount) Validate() error {
	if _, ok := Lookup(a.Currency); !ok {
		return unknown(a.Currency)
	}
	return nil
}

// Check records a failure at path+".currency" unless the currency is an active ISO 4217 code, for a Validate that
// collects every failure.
func (a Amount) Check(fields *fault.Fields, path string) {
	if _, ok := Lookup(a.Currency); !ok {
		fields.Add(path+".currency", a.Currency, "must be an active ISO 4217 code")
	}
}

// CheckPositive is Check, and records a failure at path+".minor" unless the amount is above zero.
func (a Amount) CheckPositive(fields *fault.Fields, path string) {
	a.Check(fields, path)
	if a.Minor <= 0 {
		fields.Add(path+".minor", a.Minor, "must be above zero")
	}
}

// IsZero reports whether there is nothing of it, in whatever currency.
func (a Amount) IsZero() bool { return a.Minor == 0 }

// IsPositive reports whether the amount is above zero.
func (a Amount) IsPositive() bool { return a.Minor > 0 }

// IsNegative reports whether the amount is below zero.
func (a Amount) IsNegative() bool { return a.Minor < 0 }

// Add returns a + b, or CURRENCY_MISMATCH, or AMOUNT_OVERFLOW.
func (a Amount) Add(b Amount) (Amount, error) {
	if err := a.same(b); err != nil {
		return Amount{}, err
	}
	sum := a.Minor + b.Minor
	if (sum > a.Minor) != (b.Minor > 0) {
		return Amount{}, overflow()
	}
	return Amount{sum, a.Currency}, nil
}

// Sub returns a - b, or CURRENCY_MISMATCH, or AMOUNT_OVERFLOW.
func (a Amount) Sub(b Amount) (Amount, error) {
	if err := a.same(b); err != nil {
		return Amount{}, err
	}
	difference := a.Minor - b.Minor
	if (difference < a.Minor) != (b.Minor > 0) {
		return Amount{}, overflow()
	}
	return Amount{difference, a.Currency}, nil
}

// Neg returns -a, or AMOUNT_OVERFLOW for the one amount that has no opposite.
func (a Amount) Neg() (Amount, error) {
	if a.Minor == math.MinInt64 {
		return Amount{}, overflow()
	}
	return Amount{-a.Minor, a.Currency}, nil
}

// Compare returns -1, 0 or +1 as a is below, equal to or above b, or CURRENCY_MISMATCH.
func (a Amount) Compare(b Amount) (int, error) {
	if err := a.same(b); err != nil {
		return 0, err
	}
	switch {
	case a.Minor < b.Minor:
		return -1, nil
	case a.Minor > b.Minor:
		return 1, nil
	}
	return 0, nil
}

// Min returns the smaller of the two, or CURRENCY_MISMATCH.
func (a Amount) Min(b Amount) (Amount, error) {
	order, err := a.Compare(b)
	if err != nil {
		return Amount{}, err
	}
	if order > 0 {
		return b, nil
	}
	return a, nil
}

// Sum adds the amounts, all of them in the currency: the sum of none is zero. It returns CURRENCY_MISMATCH or
// AMOUNT_OVERFLOW; partial sums must fit, too.
func Sum(currency string, amounts ...Amount) (Amount, error) {
	total := Zero(currency)
	for _, a := range amounts {
		var err error
		if total, err = total.Add(a); err != nil {
			return Amount{}, err
		}
	}
	return total, nil
}

// Format writes the amount as a plain decimal with every decimal of its currency and no currency: "-1234.50", "1200".
// ParseDecimal reads it back. An unknown currency shows whole minor units.
func (a Amount) Format() string {
	unit, _ := Lookup(a.Currency)
	digits := strconv.FormatUint(magnitude(a.Minor), 10)
	if missing := unit.Exponent + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if point := len(digits) - unit.Exponent; unit.Exponent > 0 {
		digits = digits[:point] + "." + digits[point:]
	}
	if a.Minor < 0 {
		return "-" + digits
	}
	return digits
}

// String is Format with the currency before it: "EUR 1234.50".
func (a Amount) String() string { return a.Currency + " " + a.Format() }

func (a Amount) same(b Amount) error {
	if a.Currency != b.Currency {
		return &fault.Error{Code: fault.CurrencyMismatch, Fields: []fault.Field{
			{Path: "currency", Value: b.Currency, Reason: "must be the currency of the other amount"}}}
	}
	return nil
}

// The values stand in fields and not in details, because details reach the logs of peers.

func unknown(currency string) error {
	var fields fault.Fields
	fields.Add("currency", currency, "must be an active ISO 4217 code")
	return &fault.Error{Code: fault.CurrencyUnknown, Fields: fields}
}

func overflow() error {
	return fault.New(fault.AmountOverflow, "the result does not fit into 64 bits of minor units")
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n) // two's complement: right for the smallest int64 as well
	}
	return uint64(n)
}
