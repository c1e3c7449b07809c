// Package financing is what a bank decides and what follows from it: its policy as data, the application, the decision
// as a pure function that every endorser runs again, the limits, and the loan from drawdown to recovery. It is pure:
// contracts load and save, this package decides.
//
// Amounts are minor units of the policy's currency. Rates are basis points a year. Dates are calendar dates.
package financing

import (
	"math"
	"regexp"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// Limits on what the ledger takes.
const (
	MaxCollateral    = 50 // fragments and receipts of one application
	MaxBands         = 20
	MaxPrices        = 200
	MaxClosedDays    = 1000
	MaxTenorDays     = 1830 // five years
	MaxInstalments   = 60
	MaxLanes         = 64
	MaxRateBP        = 10_000
	MaxReasons       = 16
	MaxNoteBytes     = 512
	MaxAmountMinor   = math.MaxInt64 / 1_000_000 // leaves room for products
	MaxMovements     = 400                       // of one loan
	MaxOffersPerCall = 20
)

var idPattern = regexp.MustCompile(`^[a-z]{1,8}-[0-9A-Za-z_-]{4,64}$`)

func checkID(f *fault.Fields, path, id string) {
	if !idPattern.MatchString(id) {
		f.Add(path, id, "must be an opaque id: a short prefix, a dash, and 4 to 64 letters or digits")
	}
}

func checkRange(f *fault.Fields, path string, value, low, high int64) {
	if value < low || value > high {
		f.Add(path, value, "must be between %d and %d", low, high)
	}
}

func checkNote(path, text string) error {
	var f fault.Fields
	if text == "" || len(text) > MaxNoteBytes {
		f.Add(path, text, "must have 1 to %d bytes", MaxNoteBytes)
	}
	return f.Err()
}

func sameUser(a, b member.Actor) bool { return a.MSP == b.MSP && a.User == b.User }
