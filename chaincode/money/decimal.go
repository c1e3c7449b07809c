package money

import (
	"strings"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// MaxDecimalLength is the longest text that ParseDecimal reads, in bytes; a document's trailing zeros fit easily.
const MaxDecimalLength = 64

// ParseDecimal reads a decimal number exactly into minor units. The text has the form of W3C XML Schema 1.1 part 2,
// section 3.3.3 (decimal): an optional sign, digits, and optionally a point with digits; no exponent, no thousands
// separator, no white space. Trailing zeros are fine, however many decimals the currency has.
//
// It returns CURRENCY_UNKNOWN, INPUT_INVALID (not such a number), AMOUNT_NOT_EXACT (more significant decimals than the
// currency has: it never rounds), or AMOUNT_OVERFLOW.
func ParseDecimal(text, currency string) (Amount, error) {
	unit, ok := Lookup(currency)
	if !ok {
		return Amount{}, unknown(currency)
	}
	if len(text) > MaxDecimalLength {
		return Amount{}, bad(fault.InputInvalid, text, "must have at most 64 characters")
	}
	digits := text
	negative := strings.HasPrefix(text, "-")
	if negative || strings.HasPrefix(text, "+") {
		digits = text[1:]
	}
	whole, decimals, _ := strings.Cut(digits, ".")
	if whole == "" && decimals == "" || !onlyDigits(whole) || !onlyDigits(decimals) {
		return Amount{}, bad(fault.InputInvalid, text, "must be a decimal number such as -1234.50")
	}
	decimals = strings.TrimRight(decimals, "0")
	if len(decimals) > unit.Exponent {
		return Amount{}, bad(fault.AmountNotExact, text, "has more decimals than its currency")
	}
	decimals += strings.Repeat("0", unit.Exponent-len(decimals))

	limit := uint64(1)<<63 - 1
	if negative {
		limit++
	}
	var minor uint64
	for _, part := range [2]string{whole, decimals} {
		for i := range len(part) {
			digit := uint64(part[i] - '0')
			if minor > (limit-digit)/10 {
				return Amount{}, bad(fault.AmountOverflow, text, "does not fit into 64 bits of minor units")
			}
			minor = minor*10 + digit
		}
	}
	if negative {
		minor = -minor
	}
	return Amount{int64(minor), currency}, nil
}

func onlyDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func bad(code fault.Code, text, reason string) error {
	var fields fault.Fields
	fields.Add("amount", text, "%s", reason)
	return &fault.Error{Code: code, Fields: fields}
}
