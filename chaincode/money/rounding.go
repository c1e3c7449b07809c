package money

import (
	"math"
	"math/bits"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Rounding says what becomes of the fraction of a minor unit. Contracts name it, so it is text on the ledger.
type Rounding string

// The roundings, with the names and meanings of IEEE 754-2019 section 4.3 where it has one.
const (
	// HalfEven goes to the nearest unit, and from the middle to the even one (roundTiesToEven, "banker's rounding").
	HalfEven Rounding = "half_even"
	// HalfUp goes to the nearest unit, and from the middle away from zero (roundTiesToAway, commercial rounding).
	HalfUp Rounding = "half_up"
	// Down drops the fraction (roundTowardZero).
	Down Rounding = "down"
	// Up goes away from zero whenever there is a fraction.
	Up Rounding = "up"
)

// Validate returns INPUT_INVALID unless the rounding is one of those above.
func (r Rounding) Validate() error {
	switch r {
	case HalfEven, HalfUp, Down, Up:
		return nil
	}
	var fields fault.Fields
	fields.Add("rounding", r, "must be half_even, half_up, down or up")
	return fields.Err()
}

// MulDiv returns a × b ÷ divisor, with a product of 128 bits and rounded once. It returns INPUT_INVALID for a zero
// divisor or an unknown rounding, and AMOUNT_OVERFLOW where the result does not fit into an int64.
func MulDiv(a, b, divisor int64, r Rounding) (int64, error) {
	if err := r.Validate(); err != nil {
		return 0, err
	}
	if divisor == 0 {
		return 0, fault.New(fault.InputInvalid, "the divisor is zero")
	}
	negative := (a < 0) != (b < 0) != (divisor < 0)
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	d := magnitude(divisor)
	if high >= d {
		return 0, overflow()
	}
	quotient, remainder := bits.Div64(high, low, d)
	if remainder > 0 && roundsAway(quotient, remainder, d, r) {
		if quotient == math.MaxUint64 {
			return 0, overflow()
		}
		quotient++
	}
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	if quotient > limit {
		return 0, overflow()
	}
	if negative {
		quotient = -quotient
	}
	return int64(quotient), nil
}

func roundsAway(quotient, remainder, divisor uint64, r Rounding) bool {
	rest := divisor - remainder // comparing it with remainder cannot overflow, as doubling could
	switch r {
	case HalfEven:
		return remainder > rest || remainder == rest && quotient%2 == 1
	case HalfUp:
		return remainder >= rest
	case Up:
		return true
	}
	return false
}

// MulDiv returns the amount × numerator ÷ denominator, rounded once. Errors are those of the function MulDiv.
func (a Amount) MulDiv(numerator, denominator int64, r Rounding) (Amount, error) {
	minor, err := MulDiv(a.Minor, numerator, denominator, r)
	if err != nil {
		return Amount{}, err
	}
	return Amount{minor, a.Currency}, nil
}

// BasisPoints is a rate or a share in hundredths of a percent: 10000 is the whole.
type BasisPoints int64

// Whole is one hundred percent.
const Whole BasisPoints = 10_000

// Share returns the share of the amount, rounded once. Errors are those of the function MulDiv.
func (a Amount) Share(share BasisPoints, r Rounding) (Amount, error) {
	return a.MulDiv(int64(share), int64(Whole), r)
}

// Interest returns simple interest on the amount: amount × rate × days ÷ (10000 × year), rounded once, where rate is
// per year and days ÷ year is a day count fraction (calendar.DayCount gives both). It returns INPUT_INVALID for a year
// that is not positive, an unknown rounding or rate × days beyond 64 bits, and AMOUNT_OVERFLOW for such a result.
func (a Amount) Interest(rate BasisPoints, days, year int64, r Rounding) (Amount, error) {
	if year <= 0 || year > math.MaxInt64/int64(Whole) {
		return Amount{}, fault.New(fault.InputInvalid, "the year of a day count must be above zero and reasonable")
	}
	high, low := bits.Mul64(magnitude(int64(rate)), magnitude(days))
	if high > 0 || low > math.MaxInt64 {
		return Amount{}, fault.New(fault.InputInvalid, "rate times days does not fit into 64 bits")
	}
	return a.MulDiv(int64(rate)*days, int64(Whole)*year, r)
}
