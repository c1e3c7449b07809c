// Package simulation makes a labelled world to train and test on where no history exists yet: suppliers that sell on
// credit to buyers of different health, hold goods of a condition that devices observe with noise, and run out of cash
// or do not. The outcome comes from the cash account alone, never from a formula over the features, and features see
// only what was on the ledger before the cut-off. It says nothing about real lending.
package simulation

import (
	"math"
	"math/rand/v2"

	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

// Days of a supplier's life in the world.
const (
	warmUpDays  = 200 // before it joins the ledger: what it owes and is owed settles
	outcomeDays = 365 // after the cut-off: insolvent within them is bad
	maxJoined   = 900 // days on the ledger at the cut-off, at most
	termDays    = 45  // payment terms
)

// Case is one supplier that applies for a loan on the cut-off day, with what came of it.
type Case struct {
	Facts supplychain.Facts
	Bad   bool // its cash ran out within 365 days
}

// Suppliers simulates suppliers until n of them apply. The same seed gives the same cases.
func Suppliers(seed uint64, n int) []Case {
	cases := make([]Case, 0, n)
	for i := uint64(0); len(cases) < n; i++ {
		f := newFirm(rand.New(rand.NewPCG(seed, i)))
		if c, ok := f.live(); ok {
			cases = append(cases, c)
		}
	}
	return cases
}

type invoice struct {
	day, dueDay, paidDay int
	confirmDays          int // -1: rejected
	minor, creditedMinor int64
	buyer                int
	onLedger             bool
	counted              bool // the payment has been booked
}

// firm is a supplier. What is below "hidden" no feature reads.
type firm struct {
	rng      *rand.Rand
	cutOff   int
	joined   int
	invoices []invoice

	// hidden
	discipline float64 // of its work: quality, paperwork, storage
	ordersADay float64
	meanMinor  float64
	costShare  float64 // of an order's value, paid when it is made
	fixedMinor int64   // a day
	cashMinor  int64
	creditLine int64
	buyers     []buyer
	goods      bool
	storage    float64 // rate of excursions
	shock      float64 // demand of its sector, a slow random walk

	loans                 []loan
	excursionDays         []int
	gaps                  []gap
	loansRepaid, pastDues int64
}

type buyer struct {
	share float64
	late  float64 // mean days of delay
	fails int     // day on which it stops paying; far away for most
}

type loan struct {
	minor  int64
	dueDay int
}

type gap struct {
	day     int
	minutes int64
}

func newFirm(rng *rand.Rand) *firm {
	f := &firm{rng: rng}
	joined := int(float64(maxJoined) * rng.Float64() * rng.Float64())
	if rng.Float64() < 0.2 {
		joined = rng.IntN(5) // applies as soon as it is there
	}
	f.joined = warmUpDays
	f.cutOff = warmUpDays + joined
	f.discipline = rng.NormFloat64()
	f.ordersADay = 0.04 * math.Exp(0.9*rng.NormFloat64())
	f.meanMinor = 1_500_000 * math.Exp(0.6*rng.NormFloat64())
	monthly := 30 * f.ordersADay * f.meanMinor
	f.costShare = 0.72 - 0.02*f.discipline + 0.03*rng.NormFloat64()
	f.fixedMinor = int64(monthly / 30 * (0.165 + 0.03*rng.NormFloat64()))
	f.cashMinor = int64(monthly * 1.5 * math.Exp(0.7*rng.NormFloat64()+0.2*f.discipline))
	f.creditLine = f.cashMinor / 3
	f.goods = rng.Float64() < 0.5+0.1*f.discipline
	f.storage = 0.012 * math.Exp(0.8*rng.NormFloat64()-0.8*f.discipline)
	n := 1 + rng.IntN(6)
	for k := range n {
		b := buyer{share: 1 / float64(k+1), late: 4 * math.Exp(0.8*rng.NormFloat64()), fails: 1 << 30}
		if rng.Float64() < 0.05 {
			b.fails = rng.IntN(f.cutOff + outcomeDays)
		}
		f.buyers = append(f.buyers, b)
	}
	return f
}

// live runs the firm to the end of the outcome window. ok is false where it never came to apply.
func (f *firm) live() (Case, bool) {
	for day := 0; day < f.cutOff; day++ {
		if !f.day(day) {
			return Case{}, false // gone before it could apply
		}
	}
	c := Case{Facts: f.facts()}
	if c.Facts.InvoicesConfirmed == 0 {
		return Case{}, false // nothing to finance
	}
	for day := f.cutOff; day < f.cutOff+outcomeDays; day++ {
		if !f.day(day) {
			c.Bad = true
			break
		}
	}
	return c, true
}

// day books one day and reports whether the firm is still solvent.
func (f *firm) day(day int) bool {
	f.shock = 0.995*f.shock + 0.02*f.rng.NormFloat64()
	f.cashMinor -= f.fixedMinor
	if f.goods {
		f.watchGoods(day)
	}
	if f.rng.Float64() < f.ordersADay*math.Exp(f.shock) {
		f.sell(day)
	}
	for i := range f.invoices {
		v := &f.invoices[i]
		if !v.counted && v.paidDay == day {
			v.counted = true
			f.cashMinor += v.minor - v.creditedMinor
		}
	}
	kept := f.loans[:0]
	for _, l := range f.loans {
		switch {
		case day < l.dueDay:
			kept = append(kept, l)
		case f.cashMinor > l.minor:
			f.cashMinor -= l.minor
			if day < f.cutOff {
				f.loansRepaid++
			}
		default:
			kept = append(kept, l) // past due: it pays when it can
		}
	}
	f.loans = kept
	return f.cashMinor+f.creditLine > 0
}

func (f *firm) sell(day int) {
	r := f.rng
	minor := int64(f.meanMinor * math.Exp(0.5*r.NormFloat64()))
	f.cashMinor -= int64(float64(minor) * f.costShare)
	who := 0
	total := 0.0
	for _, b := range f.buyers {
		total += b.share
	}
	for x := r.Float64() * total; who < len(f.buyers)-1; who++ {
		if x -= f.buyers[who].share; x < 0 {
			break
		}
	}
	b := f.buyers[who]
	v := invoice{day: day, dueDay: day + termDays, minor: minor, buyer: who, onLedger: day >= f.joined-3 && day <= f.cutOff}
	v.confirmDays = int(math.Abs(2 * math.Exp(-0.4*f.discipline) * r.NormFloat64()))
	poor := math.Exp(-0.7 * f.discipline)
	if r.Float64() < 0.03*poor {
		v.confirmDays = -1 // goods refused: no sale, and the cost is gone
		v.paidDay = -1
	} else {
		v.paidDay = v.dueDay + int(b.late*r.ExpFloat64())
		if r.Float64() < 0.07*poor {
			v.creditedMinor = int64(float64(minor) * 0.5 * r.Float64())
		}
		if day > b.fails-termDays {
			v.paidDay = -1 // never
		}
	}
	f.invoices = append(f.invoices, v)
	// Some sales are financed until the buyer pays.
	if v.paidDay > 0 && day >= f.joined && day < f.cutOff-1 && r.Float64() < 0.25 {
		f.cashMinor += int64(float64(minor) * 0.8)
		f.loans = append(f.loans, loan{minor: int64(float64(minor) * 0.81), dueDay: v.dueDay + 5})
	}
}

// watchGoods lets goods spoil when storage fails; the device sees most of it, some false alarms, and goes silent at
// times.
func (f *firm) watchGoods(day int) {
	r := f.rng
	if r.Float64() < f.storage {
		f.cashMinor -= int64(f.meanMinor * 0.3 * r.Float64())
		if r.Float64() < 0.9 {
			f.excursionDays = append(f.excursionDays, day)
		}
	} else if r.Float64() < 0.001 {
		f.excursionDays = append(f.excursionDays, day)
	}
	if r.Float64() < 0.02*math.Exp(-0.5*f.discipline) {
		f.gaps = append(f.gaps, gap{day, 10 + int64(240*r.ExpFloat64())})
	}
}

// facts reads the ledger on the cut-off day.
func (f *firm) facts() supplychain.Facts {
	var s supplychain.Facts
	byBuyer := map[int]int64{}
	for _, v := range f.invoices {
		if !v.onLedger {
			continue
		}
		issued := max(v.day, f.joined)
		s.DaysOnLedger = max(s.DaysOnLedger, int64(f.cutOff-issued))
		if f.cutOff-issued > supplychain.WindowDays {
			continue
		}
		s.InvoicesIssued++
		if v.confirmDays < 0 {
			s.InvoicesRejected++
			continue
		}
		if issued+v.confirmDays > f.cutOff {
			continue
		}
		s.InvoicesConfirmed++
		s.ConfirmedMinor += v.minor
		if v.dueDay <= f.cutOff {
			s.CreditedMinor += v.creditedMinor
		}
		s.DaysToConfirmTotal += int64(v.confirmDays)
		if v.dueDay < f.cutOff && (v.paidDay < 0 || v.paidDay > f.cutOff) {
			s.OverdueMinor += v.minor
		}
		byBuyer[v.buyer] += v.minor
		s.LargestBuyerMinor = max(s.LargestBuyerMinor, byBuyer[v.buyer])
	}
	s.LoansRepaid = f.loansRepaid
	for _, l := range f.loans {
		s.LoanDaysPastDue = max(s.LoanDaysPastDue, int64(f.cutOff-l.dueDay))
	}
	if f.goods && s.ConfirmedMinor > 0 {
		s.Pledged = true
		s.RequestedMinor = int64(f.meanMinor)
		// Stock is what cash pays for: a firm short of cash has little, by and large.
		s.PledgedMinor = int64(float64(max(0, f.cashMinor+f.creditLine)) * 0.3 * math.Exp(0.9*f.rng.NormFloat64()))
		from := max(f.joined, f.cutOff-supplychain.WindowDays)
		for _, d := range f.excursionDays {
			if d >= from {
				s.Excursions++
			}
		}
		s.CustodyGapMinutes = 10
		for _, g := range f.gaps {
			if g.day >= from {
				s.CustodyGapMinutes = max(s.CustodyGapMinutes, g.minutes)
			}
		}
	}
	return s
}
