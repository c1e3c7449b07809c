package financing

import (
	"math/bits"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/money"
)

// Accrual is interest that has accrued and is not paid, exactly: whole minor units and the fraction that is left over, in
// units of 1/(10000 × year) where year is that of the day count, 360 or 365. Interest is never rounded while it accrues, so
// a period gives the same whether it is counted at once or day by day; it is rounded once, when it is paid.
//
// Minor may be −1 after a payment that was rounded up; with its fraction the accrual is then above −1 unit.
type Accrual struct {
	Minor int64 `json:"minor"`
	Carry int64 `json:"carry,omitempty"` // 0 ≤ Carry < 10000 × year
}

// Add accrues principal × rate × days ÷ (10000 × year). AMOUNT_OVERFLOW where the result does not fit into 63 bits.
func (a Accrual) Add(principalMinor int64, rate money.BasisPoints, days, year int64) (Accrual, error) {
	if principalMinor < 0 || rate < 0 || days < 0 || year <= 0 || days > 1<<20 || rate > 1<<20 {
		return a, fault.New(fault.InternalError, "interest accrues on what is not negative, forwards in time")
	}
	unit := uint64(money.Whole) * uint64(year)
	high, low := bits.Mul64(uint64(principalMinor), uint64(rate)*uint64(days))
	low, carry := bits.Add64(low, uint64(a.Carry), 0)
	high += carry
	if high >= unit {
		return a, fault.New(fault.AmountOverflow, "the interest does not fit into 64 bits of minor units")
	}
	quotient, rest := bits.Div64(high, low, unit)
	if quotient > uint64(MaxAmountMinor) || a.Minor > MaxAmountMinor {
		return a, fault.New(fault.AmountOverflow, "the interest does not fit into 64 bits of minor units")
	}
	return Accrual{Minor: a.Minor + int64(quotient), Carry: int64(rest)}, nil
}

// Payable is the interest in whole minor units, rounded once.
func (a Accrual) Payable(year int64, r money.Rounding) int64 {
	unit := int64(money.Whole) * year
	up := false
	switch rest := unit - a.Carry; r {
	case money.Up:
		up = a.Carry > 0
	case money.HalfUp:
		up = a.Carry >= rest
	case money.HalfEven:
		up = a.Carry > rest || a.Carry == rest && a.Minor%2 != 0
	}
	if up {
		return a.Minor + 1
	}
	return max(a.Minor, 0)
}

// Pay takes a payment off.
func (a Accrual) Pay(minor int64) Accrual { return Accrual{Minor: a.Minor - minor, Carry: a.Carry} }
