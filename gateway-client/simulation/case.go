package simulation

import (
	"runtime"
	"slices"
	"sync"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

const (
	firstCutOff   = weeksPerYear // a year of records first
	cutOffEvery   = 13
	foldCount     = 5
	testShare     = 3 // the last third of the cut-offs tests
	futureStreams = 1 << 20
)

// CutOffs are the weeks at whose beginning firms apply, in a world of so many weeks: once a quarter, after a year of records, while
// half a year is left to see what comes of it.
func CutOffs(weeks int) []int {
	var list []int
	for c := firstCutOff; c+outcomeWeeks <= weeks; c += cutOffEvery {
		list = append(list, c)
	}
	return list
}

// Split divides the cut-offs by time: the last third tests; those train whose outcomes are known before the first of these. What
// lies between is in neither.
func Split(cutOffs []int) (train, test []int) {
	n := max(1, len(cutOffs)/testShare)
	test = cutOffs[len(cutOffs)-n:]
	for _, c := range cutOffs {
		if c+outcomeWeeks <= test[0] {
			train = append(train, c)
		}
	}
	return train, test
}

// Case is one supplier that applies on a cut-off day, with what came of it.
type Case struct {
	Firm   string
	On     calendar.Date
	Facts  supplychain.Facts
	Bad    bool // its cash and credit ran out within 182 days
	Test   bool // of the later cut-offs
	Fold   int  // of its firm, 0 to 4
	bureau bureau
	// Futures of Lives further lives of the whole world from the cut-off day on ended without cash for it: the true PD, up to
	// chance.
	Futures, Lives int
	firm           int
}

// Progress hears how much of a step is done; it may be nil.
type Progress func(step string, done, total int)

func (p Progress) say(step string, done, total int) {
	if p != nil {
		p(step, done, total)
	}
}

// Lives are how many times the whole world is lived once more from every cut-off that trains or tests on, with other luck.
type Lives struct{ Train, Test int }

// Cases lives a world to its end and returns every application of it, by cut-off and firm.
func Cases(c Config, lives Lives, progress Progress) ([]Case, error) {
	w, err := New(c)
	if err != nil {
		return nil, err
	}
	var cases []Case
	train, test := Split(CutOffs(w.weeks))
	for k, week := range append(train, test...) {
		progress.say("world", k, len(train)+len(test)+1)
		w.Run(week)
		later := k >= len(train)
		some := w.recordAt(week).cases(later)
		if again := lives.of(later); again > 0 {
			w.futures(some, again)
		}
		cases = append(cases, some...)
	}
	w.Run(w.weeks)
	for i := range cases {
		cases[i].Bad = cases[i].fails(w)
	}
	progress.say("world", 1, 1)
	return cases, nil
}

// marketOf is what the bank reads besides the applicant's own record: everything, or, for half of those that have joined within the
// last quarter, only their own programme, which is as young as they are.
func (r *record) marketOf(i int) *supplychain.Market {
	d := newDraw(r.w.config.Seed^0x9e11, uint64(i)<<32|uint64(r.day))
	if r.week-r.w.firms[i].joined > cutOffEvery || r.w.firms[i].joined == 0 || d.chance(500_000) {
		return r.market
	}
	own := slices.DeleteFunc(slices.Clone(r.sold[i]), func(t supplychain.Trade) bool { return t.Refused })
	return supplychain.NewMarket(r.today(), currency, own, nil)
}

func (l Lives) of(test bool) int {
	if test {
		return l.Test
	}
	return l.Train
}

// cases are the suppliers that live and have a confirmed invoice to finance.
func (r *record) cases(test bool) []Case {
	var list []Case
	for i := range r.w.firms {
		f := &r.w.firms[i]
		if f.tier == 0 || f.failed < r.week {
			continue
		}
		c := Case{Firm: f.id, On: r.today(), Facts: r.marketOf(i).Facts(r.applicant(i)), Test: test, Fold: i % foldCount, bureau: r.book[i], firm: i}
		if c.Facts.InvoicesConfirmed > 0 {
			list = append(list, c)
		}
	}
	return list
}

// fails reports whether the case's firm has run out of cash within the outcome's weeks of the cut-off.
func (c *Case) fails(w *World) bool {
	week := calendar.DaysBetween(begin, c.On) / daysPerWeek
	return w.firms[c.firm].failed < week+outcomeWeeks
}

// futures lives the world on again and again; each life has a generator of its own, so the number of cores does not matter.
func (w *World) futures(cases []Case, lives int) {
	base := w.unfinished()
	counts := make([][]int, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for p := range counts {
		counts[p] = make([]int, len(cases))
		group.Go(func() {
			for k := p; k < lives; k += len(counts) {
				v := base.copy(w.config.Seed, uint64(futureStreams+w.week*futureStreams+k))
				v.weeks = max(v.weeks, w.week+outcomeWeeks)
				v.Run(w.week + outcomeWeeks)
				for i := range cases {
					if cases[i].fails(v) {
						counts[p][i]++
					}
				}
			}
		})
	}
	group.Wait()
	for i := range cases {
		cases[i].Lives = lives
		for p := range counts {
			cases[i].Futures += counts[p][i]
		}
	}
}
