package simulation

import "math/rand/v2"

// draw makes integers of the usual distributions.
type draw struct{ *rand.Rand }

func newDraw(seed, stream uint64) draw { return draw{rand.New(rand.NewPCG(seed, stream))} }

// chance is true in so many of a million cases.
func (d draw) chance(ppm int64) bool { return d.Int64N(1_000_000) < ppm }

// normal is about standard normal, in thousandths: the sum of twelve uniforms (Irwin-Hall), so within ±6000.
func (d draw) normal() int64 {
	z := int64(-6000)
	for range 4 { // three uniforms of 0 to 1000 out of one draw
		n := d.Uint64N(1001 * 1001 * 1001)
		z += int64(n%1001 + n/1001%1001 + n/(1001*1001))
	}
	return z
}

// between is uniform from low to high, both included.
func (d draw) between(low, high int64) int64 { return low + d.Int64N(high-low+1) }

// scaled is n × e^(z × sigma), z and sigma in thousandths: (1 + x/256)^256 in fixed point, which is near enough to e^x for the
// spread of a world and the same on every machine. The exponent is held within ±4.
func scaled(n, z, sigma int64) int64 {
	const one = 1 << 20
	x := max(-4000, min(4000, z*sigma/1000))
	e := one + x*one/256_000
	for range 8 {
		e = e * e / one
	}
	return n/one*e + n%one*e/one
}

// share is n × ppm ÷ 1,000,000, rounded down, for sums that would not fit when multiplied.
func share(n, ppm int64) int64 { return n/1_000_000*ppm + n%1_000_000*ppm/1_000_000 }
