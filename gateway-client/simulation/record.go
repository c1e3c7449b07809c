package simulation

import (
	"fmt"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

// record is what is known of the world at the beginning of a cut-off day. It is read from the days on which things happened, so a
// world that has lived on since gives the same.
type record struct {
	w      *World
	week   int
	day    int32 // the cut-off, first day of the week: what is written on it or later is not known
	dates  []calendar.Date
	trades []supplychain.Trade
	sold   [][]supplychain.Trade // by firm
	loans  [][]supplychain.Loan  // by firm, of the banks
	goods  []goods               // by firm
	book   []bureau              // by firm
	market *supplychain.Market
}

// goods is what warehouse and devices have said so far.
type goods struct {
	covered bool
	watch   supplychain.Watch
}

// recordAt reads the record of a cut-off week.
func (w *World) recordAt(week int) *record {
	r := &record{w: w, week: week, day: dayOf(week), dates: dates(w.weeks), sold: make([][]supplychain.Trade, len(w.firms)),
		loans: make([][]supplychain.Loan, len(w.firms)), goods: make([]goods, len(w.firms)), book: make([]bureau, len(w.firms))}
	for k := range w.invoices {
		if t, ok := r.trade(k); ok {
			if !t.Refused {
				r.trades = append(r.trades, t)
			}
			seller := w.edges[w.invoices[k].edge].seller
			r.sold[seller] = append(r.sold[seller], t)
		}
	}
	for _, l := range w.loans {
		if l.drawn < r.day {
			r.loan(l)
		}
	}
	r.look()
	r.ask()
	r.market = supplychain.NewMarket(r.today(), currency, r.trades, w.related())
	return r
}

func (r *record) today() calendar.Date { return r.dates[r.day] }

// dates lists the days of a world of so many weeks, and of half a year beyond.
func dates(weeks int) []calendar.Date {
	list := make([]calendar.Date, (weeks+outcomeWeeks)*daysPerWeek)
	start := begin.Start()
	for i := range list {
		list[i] = calendar.From(start.AddDate(0, 0, i))
	}
	return list
}

// trade is an invoice as the ledger shows it; ok is false where it is not there, or not there yet.
func (r *record) trade(k int) (t supplychain.Trade, ok bool) {
	v := &r.w.invoices[k]
	e := r.w.edges[v.edge]
	if v.issued >= r.day || v.issued < dayOf(r.w.firms[e.seller].joined) {
		return t, false
	}
	t = supplychain.Trade{ID: r.w.invoiceID(k), Seller: r.w.firms[e.seller].id, Buyer: r.w.firms[e.buyer].id, Currency: currency,
		On: r.dates[v.issued], DueOn: r.dates[v.due], Minor: v.minor}
	switch {
	case v.answered >= r.day:
		t.Refused = v.queriedOn < r.day
		return t, true
	case v.answer == rejected:
		t.Refused = true
		return t, true
	}
	t.Confirmed, t.ConfirmedOn = true, r.dates[v.answered]
	if v.creditedOn < r.day {
		t.CreditedMinor = v.credited
	}
	if v.paid < r.day {
		t.SettledOn = r.dates[v.paid]
	} else {
		t.Overdue = v.due < r.day
	}
	return t, true
}

// invoiceID is the id of an invoice, another one in every world.
func (w *World) invoiceID(k int) string { return fmt.Sprintf("rcv-%016x%08x", w.config.Seed, k) }

func (r *record) loan(l loan) {
	if l.outside || l.drawn < dayOf(r.w.firms[l.firm].joined) {
		return
	}
	of := supplychain.Loan{Drawn: true, Repaid: l.repaid < r.day}
	if !of.Repaid {
		of.DaysPastDue = max(0, int64(r.day-l.due))
	}
	r.loans[l.firm] = append(r.loans[l.firm], of)
}

// look replays what warehouses and devices have said.
func (r *record) look() {
	for _, s := range r.w.sightings {
		if s.day >= r.day {
			continue
		}
		g := &r.goods[s.firm]
		switch s.kind {
		case sightStored:
			*g = goods{covered: true, watch: supplychain.Watch{SilenceSeconds: 600}} // readings come every ten minutes
		case sightTaken:
			*g = goods{}
		case sightLot:
			g.watch = supplychain.Watch{SilenceSeconds: 600}
		case sightExcursion:
			g.watch.ExcursionSeconds += s.seconds
		case sightSilence:
			g.watch.SilenceSeconds = max(g.watch.SilenceSeconds, s.seconds)
		}
	}
}

// related lists who shares a director or an address.
func (w *World) related() []supplychain.Related {
	var list []supplychain.Related
	for i := range w.firms {
		for _, of := range []int32{w.firms[i].director, w.firms[i].address} {
			if int(of) != i {
				list = append(list, supplychain.Related{A: w.firms[i].id, B: w.firms[of].id})
			}
		}
	}
	return list
}

// applicant is a firm that applies on the cut-off day, with its latest claims that back nothing yet and its goods.
func (r *record) applicant(i int) supplychain.Applicant {
	f := &r.w.firms[i]
	a := supplychain.Applicant{Party: f.id, Sold: r.sold[i], Loans: r.loans[i], Covered: r.goods[i].covered}
	if a.Covered && f.watched {
		a.Watches = []supplychain.Watch{r.goods[i].watch}
	}
	d := newDraw(r.w.config.Seed^0xa991, uint64(i)<<32|uint64(r.day)) // what it asks for says nothing about it
	left := 1 + d.IntN(3)
	for k := len(a.Sold) - 1; k >= 0 && left > 0; k-- {
		if t := &a.Sold[k]; t.Confirmed && t.SettledOn.IsZero() && !t.Overdue {
			a.OfferedMinor += t.Minor - t.CreditedMinor
			left--
		}
	}
	a.RequestedMinor = share(a.OfferedMinor, d.between(500_000, 950_000))
	return a
}
