package epcis

import (
	"github.com/cockroachdb/apd/v3"

	"github.com/tallystick/tallystick/chaincode/fault"
)

// maxScale bounds the decimals of a converted reading.
const maxScale = 9

// Convert expresses a number in another unit of the same quantity, as an integer count of 10^-scale of it, half to
// even. It returns INPUT_INVALID when the units are unknown or of different quantities, AMOUNT_OVERFLOW when the result
// does not fit into 64 bits.
func (n Number) Convert(from, to string, scale int) (int64, error) {
	d := n.decimal()
	if d == nil {
		return 0, fault.New(fault.InputInvalid, "%q is not a number", string(n))
	}
	if from != to {
		u, v := units[from], units[to]
		if u.code == "" || v.code == "" || u.si != v.si {
			return 0, fault.New(fault.InputInvalid, "%s cannot be converted to %s", from, to)
		}
		var err error
		if d, err = u.toSI(d); err == nil {
			d, err = v.fromSI(d)
		}
		if err != nil {
			return 0, fault.New(fault.InputInvalid, "%s cannot be converted to %s: %v", from, to, err)
		}
	}
	if scale < 0 || scale > maxScale {
		return 0, fault.New(fault.InputInvalid, "the scale %d is not between 0 and %d", scale, maxScale)
	}
	halfEven := precise.WithPrecision(precise.Precision)
	halfEven.Rounding = apd.RoundHalfEven
	rounded := new(apd.Decimal)
	if d.NumDigits()+int64(d.Exponent)+int64(scale) > 19 {
		return 0, overflow()
	}
	if _, err := halfEven.Quantize(rounded, d, int32(-scale)); err != nil {
		return 0, overflow()
	}
	rounded.Exponent += int32(scale)
	value, err := rounded.Int64()
	if err != nil {
		return 0, overflow()
	}
	return value, nil
}

func overflow() error {
	return fault.New(fault.AmountOverflow, "the reading does not fit into 64 bits at this scale")
}
