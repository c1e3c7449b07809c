package simulation

import "slices"

// firm is a supplier. Money is minor units.
type firm struct {
	d      draw
	day    int // 0 is the cut-off
	start  int
	joined int // its first day on the ledger

	// What no record shows.
	buyers      []buyer
	discipline  int64 // of its work (quality, paperwork, storage), thousandths of a standard deviation
	orderPPM    int64 // chance of an order on a day
	meanMinor   int64 // of an order
	costPPM     int64 // of an order's value, paid when it is made
	fixedMinor  int64 // a day
	creditLine  int64
	demand      int64 // a slow random walk, thousandths
	spoilPPM    int64 // chance of a failure of its storage on a day
	cashMinor   int64
	stockMinor  int64
	stockTarget int64

	sales   []sale
	open    []int // of sales, those that are not paid
	loans   []advance
	watched bool // its warehouse has devices
	// What devices have said of the lot that is in the warehouse now.
	excursionSeconds, silenceSeconds int64
}

// sale is one invoice.
type sale struct {
	day, answeredDay, dueDay, paidDay int // paidDay: far away where the buyer never pays
	minor, creditedMinor              int64
	buyer                             int
	rejected                          bool
}

// advance is a loan on a sale.
type advance struct {
	minor                     int64
	drawnDay, dueDay, paidDay int // paidDay: never while it is owed
}

const never = 1 << 30

func newFirm(d draw, buyers []buyer) *firm {
	f := &firm{d: d}
	switch {
	case d.chance(250_000):
		f.joined = -d.IntN(4) // applies as soon as it is there
	case d.chance(400_000):
		f.joined = -d.IntN(45)
	default:
		f.joined = -d.IntN(maxJoined)
	}
	warmUp := 60 + d.IntN(maxWarmUp)
	if d.chance(300_000) {
		warmUp = 20 + d.IntN(60) // a young firm
	}
	f.start = f.joined - warmUp
	f.day = f.start
	f.discipline = d.normal()
	f.orderPPM = min(900_000, scaled(50_000, d.normal(), 800))
	f.meanMinor = scaled(1_800_000, d.normal(), 700)
	dailyMinor := f.meanMinor * f.orderPPM / 1_000_000
	f.costPPM = 705_000 - 15*f.discipline + 20*d.normal()
	f.fixedMinor = dailyMinor * (195 + 25*d.normal()/1000) / 1000
	// Money to begin with: four months of sales on the whole, and room at its bank for one.
	f.cashMinor = scaled(120*dailyMinor+2*f.meanMinor, d.normal()+f.discipline/4, 600)
	f.creditLine = scaled(30*dailyMinor, d.normal(), 500)
	f.spoilPPM = scaled(4_000, d.normal()-f.discipline, 800)
	if d.chance(450_000) {
		f.stockTarget = scaled(20*dailyMinor+f.meanMinor, d.normal(), 500)
		f.stockMinor = f.stockTarget
		f.watched = d.chance(watchedPPM)
	}
	for range 1 + d.IntN(5) {
		f.buyers = append(f.buyers, buyers[d.IntN(len(buyers))])
	}
	return f
}

// copy is the firm with other luck from here on: its own, that of its buyers, and when they pay what is open.
func (f *firm) copy(d draw) *firm {
	g := *f
	g.d = d
	g.buyers, g.sales, g.open, g.loans = slices.Clone(f.buyers), slices.Clone(f.sales), slices.Clone(f.open), slices.Clone(f.loans)
	for i := range g.buyers {
		if b := &g.buyers[i]; b.fails >= f.day {
			for b.fails = d.failure(); b.fails < f.day; { // it has not failed so far
				b.fails = d.failure()
			}
		}
	}
	for _, i := range g.open {
		s := &g.sales[i]
		if b := g.buyers[s.buyer]; s.paidDay > f.day && b.fails >= f.day {
			s.paidDay = b.pays(d, s.dueDay, f.day+1)
		}
	}
	return &g
}

// run lives up to the day and reports whether the firm still has money.
func (f *firm) run(until int) bool {
	for ; f.day < until; f.day++ {
		if !f.live() {
			return false
		}
	}
	return true
}

// live books one day.
func (f *firm) live() bool {
	f.demand = f.demand*996/1000 + f.d.normal()*25/1000
	f.cashMinor -= f.fixedMinor
	f.store()
	if f.d.chance(min(950_000, scaled(f.orderPPM, f.demand, 1000))) {
		f.sell()
	}
	f.collect()
	f.repay()
	// Short of money, it sells stock at half its cost; with money to spare, it fills up and pays its owners.
	if f.cashMinor < 0 && f.stockMinor > 0 {
		sold := min(f.stockMinor, -f.cashMinor*2)
		f.stockMinor -= sold
		f.cashMinor += sold / 2
	}
	if spare := f.cashMinor - 200*f.fixedMinor*5; spare > 0 {
		filled := min(spare, max(0, f.stockTarget-f.stockMinor))
		f.stockMinor += filled
		f.cashMinor -= filled + (spare-filled)/30
	}
	return f.cashMinor+f.creditLine > 0
}

// strained says that less than a month's costs are left: such a firm saves on quality and bills before it has delivered.
func (f *firm) strained() bool { return f.cashMinor+f.creditLine < 30*f.fixedMinor*5 }

func (f *firm) sell() {
	d, day := f.d, f.day
	minor := max(10_000, scaled(f.meanMinor, d.normal(), 500))
	f.cashMinor -= minor / 1_000_000 * f.costPPM
	f.cashMinor -= minor % 1_000_000 * f.costPPM / 1_000_000
	who := 0
	for who < len(f.buyers)-1 && d.chance(450_000) {
		who++
	}
	b := f.buyers[who]
	rejectPPM, queryPPM := scaled(25_000, -f.discipline, 700), scaled(60_000, -f.discipline, 600)
	if f.strained() {
		rejectPPM, queryPPM = 4*rejectPPM, 2*queryPPM
	}
	s := sale{day: day, dueDay: day + termDays, minor: minor, buyer: who, paidDay: never}
	s.answeredDay = day + d.days(int(scaled(2, -f.discipline, 400)))
	switch {
	case d.chance(rejectPPM):
		s.rejected = true // no sale, and the cost is gone
	default:
		if d.chance(queryPPM) {
			s.creditedMinor = minor * d.Int64N(500) / 1000
		}
		s.paidDay = b.pays(d, s.dueDay, day)
		f.open = append(f.open, len(f.sales))
	}
	f.sales = append(f.sales, s)
	// Some sales are financed until the buyer pays.
	if !s.rejected && day >= f.joined && d.chance(300_000) {
		f.cashMinor += minor * 4 / 5
		f.loans = append(f.loans, advance{minor: minor * 4 / 5, drawnDay: day, dueDay: s.dueDay + 5, paidDay: never})
	}
}

func (f *firm) collect() {
	f.open = slices.DeleteFunc(f.open, func(i int) bool {
		s := &f.sales[i]
		if s.paidDay > f.day {
			return false
		}
		f.cashMinor += s.minor - s.creditedMinor
		return true
	})
}

// repay pays loans that are due, and those that are past due, as long as that leaves money for ten days.
func (f *firm) repay() {
	for i := range f.loans {
		l := &f.loans[i]
		if l.paidDay == never && l.dueDay <= f.day && f.cashMinor > l.minor+50*f.fixedMinor {
			f.cashMinor -= l.minor * 102 / 100
			l.paidDay = f.day
		}
	}
}

// store lets stock spoil when storage fails; the device sees most of it, has false alarms, and is silent at times.
func (f *firm) store() {
	if f.stockMinor <= 0 {
		return
	}
	d := f.d
	if d.chance(1_000_000 / lotDays) { // another lot: what was read of the last one is not about this one
		f.excursionSeconds, f.silenceSeconds = 0, 0
	}
	seen := f.watched && f.day >= f.joined
	switch {
	case d.chance(f.spoilPPM):
		f.stockMinor -= f.stockMinor * d.Int64N(400) / 1000
		if seen && d.chance(900_000) {
			f.excursionSeconds += 600 + d.Int64N(14_400)
		}
	case d.chance(500):
		if seen {
			f.excursionSeconds += 300 + d.Int64N(1_800)
		}
	}
	if seen && d.chance(scaled(15_000, -f.discipline, 500)) {
		f.silenceSeconds = max(f.silenceSeconds, 600+60*int64(d.days(120)))
	}
}
