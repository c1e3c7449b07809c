package financing

import (
	"math/bits"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// Flow is money that changes hands some days after the first payout.
type Flow struct {
	Day   int64 // 0 for the payout's own day
	Minor int64 // what the borrower pays
}

// MaxAnnualCostBP is the largest annual cost that is told apart: 10 000 %.
const MaxAnnualCostBP = 1_000_000

// AnnualCostBP is the all-in annual cost of a loan in basis points, rounded to the nearest: the X of
//
//	payout = Σ Dᵢ (1 + X)^(−dᵢ/365)
//
// where Dᵢ is what the borrower pays dᵢ days after the payout. That is the annual percentage rate of charge of Directive
// 2008/48/EC, annex I part I, which Directive (EU) 2023/2225, annex III, takes over; payout is what reaches the borrower, so
// fees that are kept back count. Days are counted exactly and a year has 365 of them (annex I, remark (c)).
//
// It is calculated in integers: bisection for the daily discount factor v = (1 + X)^(−1/365) as a 64-bit binary fraction,
// whose powers are products, so there is no root and every peer gets the same bits.
//
// INPUT_INVALID for a payout that is not positive, payments that are negative, before the payout, or less than it in sum.
func AnnualCostBP(payoutMinor int64, flows []Flow) (int64, error) {
	total := int64(0)
	for _, f := range flows {
		if f.Day < 0 || f.Minor < 0 || f.Minor > MaxAmountMinor || len(flows) > 2*MaxInstalments {
			return 0, fault.New(fault.InputInvalid, "a payment of the cost calculation is out of range")
		}
		total += f.Minor
	}
	if payoutMinor <= 0 || total < payoutMinor {
		return 0, fault.New(fault.InputInvalid, "the payments of a loan must be at least its payout")
	}
	if total == payoutMinor {
		return 0, nil
	}
	// The present value rises with v. Find the largest v at which it is not above the payout.
	var v uint64
	for bit := 63; bit >= 0; bit-- {
		if try := v | 1<<bit; !presentValueAbove(try, flows, uint64(payoutMinor)) {
			v = try
		}
	}
	year := power(v, 365)
	if year == 0 {
		return MaxAnnualCostBP, nil
	}
	// X = 1/year − 1 = (2^64 − year)/year, in basis points, rounded half up.
	high, low := bits.Mul64(-year, 10_000)
	low, carry := bits.Add64(low, year/2, 0)
	high += carry
	if high >= year {
		return MaxAnnualCostBP, nil
	}
	bp, _ := bits.Div64(high, low, year)
	return int64(min(bp, MaxAnnualCostBP)), nil
}

// presentValueAbove compares in 128 bits: 64 of whole minor units, 64 of fraction.
func presentValueAbove(v uint64, flows []Flow, payout uint64) bool {
	var whole, fraction uint64
	for _, f := range flows {
		if f.Day == 0 {
			whole += uint64(f.Minor)
			continue
		}
		high, low := bits.Mul64(uint64(f.Minor), power(v, uint64(f.Day)))
		var carry uint64
		fraction, carry = bits.Add64(fraction, low, 0)
		whole += high + carry
	}
	return whole > payout || whole == payout && fraction > 0
}

// power is v^n of a binary fraction v/2^64, rounded down at each step; n ≥ 1.
func power(v, n uint64) uint64 {
	result, have := uint64(0), false
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			if have {
				result, _ = bits.Mul64(result, v)
			} else {
				result, have = v, true
			}
		}
		v, _ = bits.Mul64(v, v)
	}
	return result
}
