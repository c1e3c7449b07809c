// Package simulation makes a labelled world to train and test on where no history exists yet: suppliers that sell on credit to
// buyers they share, keep stock that devices watch, borrow, and run out of cash or do not. The outcome comes from the cash
// account alone, never from a formula over the features, and features are measured on the records of before the cut-off by the
// code that measures them on the ledger. It says nothing about real lending.
//
// Everything is integers and PCG draws, so that one seed gives one world on any machine.
package simulation

import (
	"math/rand/v2"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
	"github.com/tallystick/tallystick/gateway-client/underwriting"
)

const (
	outcomeDays = 182  // after the cut-off: out of cash within them is bad
	maxWarmUp   = 1000 // days of trade before the first record
	maxJoined   = 900  // days on the ledger at the cut-off
	termDays    = 45   // payment terms
	buyerCount  = 400
	lotDays     = 45      // that a lot stays in the warehouse, mean
	watchedPPM  = 700_000 // of those who keep stock: the warehouse has devices, whoever keeps its goods there
)

// cutOff is the day of every application, day 0 of the world.
var cutOff = calendar.MustParse("2026-01-15")

// Case is one supplier that applies for a loan on the cut-off day, with what came of it.
type Case struct {
	History underwriting.History
	Facts   supplychain.Facts
	Bad     bool // its cash ran out within 182 days
	// Futures of Lives further lives from the cut-off day on ended without cash: the true PD, up to chance.
	Futures, Lives int
}

// Suppliers simulates suppliers until n of them apply. The same seed gives the same cases. For lives above 0 every case is
// lived so many times more from its cut-off day.
func Suppliers(seed uint64, n, lives int) []Case {
	buyers := newBuyers(rand.New(rand.NewPCG(seed, 1<<63)))
	cases := make([]Case, 0, n)
	for i := uint64(0); len(cases) < n; i++ {
		f := newFirm(draw{rand.New(rand.NewPCG(seed, i))}, buyers)
		if !f.run(0) {
			continue // gone before it could apply
		}
		c := Case{History: f.records()}
		c.Facts = underwriting.FactsOf(c.History)
		if c.Facts.InvoicesConfirmed == 0 {
			continue // nothing to finance
		}
		for k := range lives {
			g := f.copy(draw{rand.New(rand.NewPCG(seed^0x5eed, i<<16+uint64(k)))})
			if c.Lives++; !g.run(outcomeDays) {
				c.Futures++
			}
		}
		c.Bad = !f.run(outcomeDays)
		cases = append(cases, c)
	}
	return cases
}

// buyer pays for what it has taken, late at times, until it fails.
type buyer struct {
	lateDays int // mean delay
	fails    int // day on which it stops paying; far away for most
}

func newBuyers(r *rand.Rand) []buyer {
	d := draw{r}
	buyers := make([]buyer, buyerCount)
	for i := range buyers {
		buyers[i] = buyer{lateDays: int(scaled(3, d.normal(), 800)), fails: d.failure()}
	}
	return buyers
}

// failure is the day on which a buyer fails; never for most.
func (d draw) failure() int {
	if d.chance(40_000) {
		return d.IntN(maxJoined+outcomeDays) - maxJoined
	}
	return never
}

// pays is the day, from the earliest on, on which the buyer pays what is due on a day. Delays are geometric, so that how long
// the supplier has waited already does not matter.
func (b buyer) pays(d draw, dueDay, earliest int) int {
	if dueDay >= b.fails {
		return never
	}
	return max(dueDay, earliest) + d.days(b.lateDays)
}

// draw makes integers of the usual distributions.
type draw struct{ *rand.Rand }

// chance is true in so many of a million cases.
func (d draw) chance(ppm int64) bool { return d.Int64N(1_000_000) < ppm }

// normal is about standard normal, in thousandths: the sum of twelve uniforms (Irwin-Hall), so within ±6000.
func (d draw) normal() int64 {
	z := int64(-6000)
	for range 12 {
		z += d.Int64N(1001)
	}
	return z
}

// days is geometric with the mean.
func (d draw) days(mean int) int {
	n := 0
	for mean > 0 && n < 40*mean && d.IntN(mean+1) != 0 {
		n++
	}
	return n
}

// scaled is n × e^(z × sigma), z and sigma in thousandths: (1 + x/256)^256 in fixed point, which is near enough to e^x for the
// spread of a world and the same on every machine. The exponent is held within ±4.
func scaled(n, z, sigma int64) int64 {
	const one = 1 << 20
	x := max(-4000, min(4000, z*sigma/1000))
	e := one + x*one/256_000
	for range 8 {
		e = e * e / one
	}
	return n * e / one
}
