// Package simulation makes a labelled world to train and test on where no history exists yet: a tiered trade graph whose firms
// sell on credit, keep goods that devices watch, borrow, and run out of cash or do not. The outcome comes from cash accounts
// alone, never from a formula over the features; features are measured on what the ledger shows on the cut-off day, by the code
// that measures them on the ledger. It says nothing about real lending. docs/simulation.md describes it.
//
// Everything is integers and PCG draws, so that one seed gives one world on any machine.
package simulation

import (
	"slices"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
)

// Limits and defaults of a world.
const (
	MaxFirms      = 50_000
	MaxMonths     = 120
	DefaultFirms  = 5_000
	DefaultMonths = 36
	minFirms      = 10
	minMonths     = 24

	sectors        = 8
	calmWeeks      = 5 // of costs at hand: with less a firm stretches its payments
	workingWeeks   = 9 // of ledger sales that are on their way to be paid
	weeksPerYear   = 52
	daysPerWeek    = 7
	weeksPerOrder  = 4  // orders are placed once in so many weeks: thirteen times a year
	ordersAhead    = 8  // weeks by which an order may lie ahead
	outcomeWeeks   = 26 // after a cut-off: out of cash within them is bad
	never          = 1 << 30
	outside        = 0 // account of everybody who is not in the world
	bank           = 1 // account of the banks
	firstAccount   = 2
	currency       = "EUR"
	coresPerMille  = 40 // core enterprises per 1,000 firms
	fewestCores    = 4
	watchedPPM     = 700_000 // of those who keep goods: the warehouse has devices
	stockPPM       = 450_000
	financedPPM    = 250_000 // of confirmed invoices; a firm's own habit around it
	doublePPM      = 20_000  // firms that pledge a claim twice when they are short
	relatedPPM     = 40_000  // firms with a director or an address in common with a buyer
	advancePPM     = 800_000
	weeklyRatePPM  = 2_000 // on what is drawn of a credit line
	filedAfterWeek = 16    // accounts are published so long after the year's end
)

// begin is a Monday, the first day of every world.
var begin = calendar.MustParse("2023-01-02")

// Links are the ways in which what the ledger sees reaches a firm's cash.
type Links struct {
	// Contagion: ledger buyers place the orders and pay the firm, late or never as their own cash allows. Without it an outside
	// market of the same laws feeds every account, and the ledger's invoices clear elsewhere.
	Contagion bool
	// Goods: what is wrong with the goods costs money. Without it an insurer makes it good.
	Goods bool
}

// AllLinks is the world as it is meant; its opposite, no links, is the placebo.
var AllLinks = Links{Contagion: true, Goods: true}

// Config says which world.
type Config struct {
	Seed   uint64
	Firms  int // suppliers; the core enterprises come on top
	Months int
	Links  Links
}

// Validate reports every failure with its field and value.
func (c Config) Validate() error {
	var bad fault.Fields
	if c.Firms < minFirms || c.Firms > MaxFirms {
		bad.Add("firms", c.Firms, "must be %d to %d", minFirms, MaxFirms)
	}
	if c.Months < minMonths || c.Months > MaxMonths {
		bad.Add("months", c.Months, "must be %d to %d", minMonths, MaxMonths)
	}
	return bad.Err()
}

// World is one, at the beginning of a week. All of its state is flat, so that a copy is cheap.
type World struct {
	config Config
	d      draw
	weeks  int // that it lasts
	week   int // that comes next

	accounts []int64 // minor units; they always add up to zero
	firms    []firm
	edges    []edge
	invoices []invoice
	loans    []loan
	orders   [ordersAhead][]order
	economy  int64 // thousandths of a logarithm
	sector   [sectors]int64

	// What was written down, in the order of time.
	sightings []sighting
	filings   []filing
	limits    []limitUse
	indexes   []index
	doubles   []double
	openLoans []int32
}

// firm is a core enterprise or a supplier. Amounts are minor units a week where nothing else is said.
type firm struct {
	id                string
	tier, sector      int
	founded           int // week, before the first one
	joined            int // week of its first invoice on the ledger
	failed            int // week; never while it lives
	director, address int32

	outsideBase, ledgerBase int64 // sales to the outside, and to ledger buyers
	variablePPM             int64 // costs of what it sells without what it buys on the ledger
	inputPPM                int64 // what it buys on the ledger, of its sales
	fixed, line, target     int64
	demand                  int64 // own, thousandths of a logarithm
	market                  int64 // ppm: its sales now against what is usual; what it buys follows
	received                int64 // orders since the last round
	payHabitPPM             int64 // chance that a due invoice is paid in a week, money permitting
	answerHabitPPM          int64
	financeHabitPPM         int64
	dishonest               bool
	payable, lastPayable    int32 // invoices that it owes: a list through invoice.next

	stockTarget, stock         int64
	watched, covered, breaking bool
	breakPPM, theftPPM         int64
	yearSales                  int64 // since its last accounts
}

// edge is who buys from whom.
type edge struct {
	seller, buyer int32
	base          int64 // a round of orders
	termDays      int32
	related       bool
}

type order struct {
	edge  int32
	minor int64
}

// Answers of a buyer.
const (
	unanswered = iota
	queried
	confirmed
	rejected
)

// What is wrong with a delivery.
const (
	sound = iota
	flawed
	useless
)

// invoice carries the days of what happened to it; never for what has not.
type invoice struct {
	edge                                               int32
	next                                               int32 // of the buyer's payables
	loan                                               int32 // that is drawn on it, or -1
	issued, due, queriedOn, answered, creditedOn, paid int32
	minor, credited                                    int64
	answer, flaw                                       uint8
}

type loan struct {
	firm, invoice      int32
	drawn, due, repaid int32 // days
	minor              int64
	outside            bool // the second lender of a claim that is pledged twice
}

// sighting is what a warehouse or its devices have said on a day.
type sighting struct {
	firm, day int32
	kind      uint8
	seconds   int64
}

const (
	sightStored = iota
	sightTaken
	sightLot // another lot: what was read of the last one is not about this one
	sightExcursion
	sightSilence
)

// filing is a year's published accounts.
type filing struct {
	firm, day   int32
	cash, sales int64
}

// limitUse is how much of a credit line was drawn, ppm.
type limitUse struct {
	firm, day int32
	ppm       int64
}

// index is the published state of a sector's trade on a day, thousandths of a logarithm.
type index struct {
	day    int32
	sector [sectors]int64
}

// double is an attempt to pledge a claim a second time.
type double struct{ firm, invoice, day int32 }

// New makes a world at its first day.
func New(c Config) (*World, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	w := &World{config: c, d: newDraw(c.Seed, 0), weeks: c.Months * 365 / 12 / daysPerWeek}
	w.found()
	return w, nil
}

// Run lives up to the week.
func (w *World) Run(until int) {
	for w.week < min(until, w.weeks) {
		w.live()
	}
}

// move pays from one account to another: the only way in which an account changes.
func (w *World) move(from, to int, minor int64) {
	w.accounts[from] -= minor
	w.accounts[to] += minor
}

func account(firm int) int { return firstAccount + firm }

// room is what a firm can still spend: its cash and what is left of its credit line.
func (w *World) room(i int) int64 { return w.accounts[account(i)] + w.firms[i].line }

// strained says that less than four weeks' costs are left.
func (w *World) strained(i int) bool { return w.room(i) < 4*w.weekly(i) }

// weekly is what a usual week costs.
func (w *World) weekly(i int) int64 {
	f := &w.firms[i]
	return f.fixed + share(f.outsideBase+f.ledgerBase, f.variablePPM)
}

// copy is the world with other luck from here on.
func (w *World) copy(seed, stream uint64) *World {
	v := *w
	v.d = newDraw(seed, stream)
	v.accounts, v.firms, v.loans = slices.Clone(w.accounts), slices.Clone(w.firms), slices.Clone(w.loans)
	v.invoices, v.openLoans = slices.Clone(w.invoices), slices.Clone(w.openLoans)
	for i := range v.orders {
		v.orders[i] = slices.Clone(w.orders[i])
	}
	v.sightings, v.filings, v.indexes = slices.Clip(w.sightings), slices.Clip(w.filings), slices.Clip(w.indexes)
	v.limits, v.doubles = slices.Clip(w.limits), slices.Clip(w.doubles)
	return &v
}

// unfinished is the world without what nothing can come of any more: invoices that are paid, and what was written down.
func (w *World) unfinished() *World {
	v := w.copy(0, 0)
	v.sightings, v.filings, v.limits, v.indexes, v.doubles, v.invoices, v.loans, v.openLoans = nil, nil, nil, nil, nil, nil, nil, nil
	for i := range v.firms {
		f := &v.firms[i]
		at := f.payable
		f.payable, f.lastPayable = -1, -1
		if f.failed != never {
			continue
		}
		for ; at >= 0; at = w.invoices[at].next {
			k := int32(len(v.invoices))
			v.invoices = append(v.invoices, w.invoices[at])
			open := &v.invoices[k]
			open.next = -1
			if f.payable < 0 {
				f.payable = k
			} else {
				v.invoices[f.lastPayable].next = k
			}
			f.lastPayable = k
			if open.loan >= 0 && w.loans[open.loan].repaid == never {
				open.loan = v.keep(w.loans[open.loan])
			} else {
				open.loan = -1
			}
		}
	}
	for _, k := range w.openLoans { // those whose invoice is not open any more, and the second lenders'
		l := w.loans[k]
		if w.invoices[l.invoice].loan != k || w.invoices[l.invoice].paid != never || w.firms[w.edges[w.invoices[l.invoice].edge].buyer].failed != never {
			v.keep(l)
		}
	}
	return v
}

func (w *World) keep(l loan) int32 {
	k := int32(len(w.loans))
	w.loans, w.openLoans = append(w.loans, l), append(w.openLoans, k)
	return k
}

func dayOf(week int) int32 { return int32(week * daysPerWeek) }
