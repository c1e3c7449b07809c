package money

import (
	"math"
	"math/bits"
	"sort"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// MaxParts is the most parts that Allocate and Split make.
const MaxParts = 10_000

// Allocate divides the amount in proportion to the weights, so that the parts add up to it exactly and each is less
// than one minor unit from its exact share. It is Hamilton's method of largest remainders; of equal remainders the
// earlier part gets the unit, so every peer divides alike. A negative amount divides as its opposite does.
//
// It returns INPUT_INVALID unless there are 1 to 10000 weights, none negative, not all zero, whose sum fits into an
// int64, and AMOUNT_OVERFLOW never: no part exceeds the whole.
func (a Amount) Allocate(weights []int64) ([]Amount, error) {
	if len(weights) == 0 || len(weights) > MaxParts {
		return nil, fault.New(fault.InputInvalid, "an amount divides into 1 to %d parts, not %d", MaxParts, len(weights))
	}
	var sum uint64
	for i, w := range weights {
		if w < 0 {
			return nil, fault.New(fault.InputInvalid, "weight %d is negative", i)
		}
		if sum += uint64(w); sum > math.MaxInt64 {
			return nil, fault.New(fault.InputInvalid, "the weights add up to more than 64 bits")
		}
	}
	if sum == 0 {
		return nil, fault.New(fault.InputInvalid, "all weights are zero")
	}

	whole := magnitude(a.Minor)
	parts := make([]uint64, len(weights))
	remainders := make([]uint64, len(weights))
	order := make([]int, len(weights))
	left := whole
	for i, w := range weights {
		high, low := bits.Mul64(whole, uint64(w))
		parts[i], remainders[i] = bits.Div64(high, low, sum) // w <= sum, so high < sum
		left -= parts[i]
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return remainders[order[i]] > remainders[order[j]] })
	for _, i := range order[:left] { // fewer units are left than there are remainders above zero
		parts[i]++
	}

	amounts := make([]Amount, len(parts))
	for i, p := range parts {
		if a.Minor < 0 {
			p = -p
		}
		amounts[i] = Amount{int64(p), a.Currency}
	}
	return amounts, nil
}

// Split divides the amount into n parts that differ by at most one minor unit, the larger ones first. Errors are
// those of Allocate.
func (a Amount) Split(n int) ([]Amount, error) {
	if n < 1 || n > MaxParts {
		return nil, fault.New(fault.InputInvalid, "an amount divides into 1 to %d parts, not %d", MaxParts, n)
	}
	weights := make([]int64, n)
	for i := range weights {
		weights[i] = 1
	}
	return a.Allocate(weights)
}
