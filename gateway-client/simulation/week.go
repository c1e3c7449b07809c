package simulation

// live books one week.
func (w *World) live() {
	if w.week%weeksPerOrder == 0 {
		w.shock()
		w.place()
	}
	for _, o := range w.orders[w.week%ordersAhead] {
		w.ship(o)
	}
	w.orders[w.week%ordersAhead] = w.orders[w.week%ordersAhead][:0]
	for i := range w.firms {
		if w.firms[i].failed == never {
			w.trade(i)
		}
	}
	for i := range w.firms { // core enterprises first, so that money flows down the tiers
		if w.firms[i].failed == never {
			w.payBills(i)
		}
	}
	w.repay()
	for i := range w.firms {
		if w.firms[i].failed == never {
			w.close(i)
		}
	}
	w.week++
}

// shock moves the economy, the sectors and every firm's own demand: random walks that return.
func (w *World) shock() {
	d := w.d
	w.economy = w.economy*920/1000 + d.normal()*25/1000
	for s := range w.sector {
		w.sector[s] = w.sector[s]*930/1000 + d.normal()*45/1000
	}
	published := index{day: dayOf(w.week)}
	for s := range w.sector {
		published.sector[s] = w.economy + w.sector[s]
	}
	w.indexes = append(w.indexes, published)
	for i := range w.firms {
		f := &w.firms[i]
		f.demand = f.demand*940/1000 + d.normal()*swing(f.tier)/1000
	}
}

// swing is by how much a firm's own demand moves; many suppliers hang on a core enterprise, so its own luck matters to them.
func swing(tier int) int64 {
	if tier == 0 {
		return 100
	}
	return 75
}

// tide is the outside market of a firm, against what is usual: ppm.
func (w *World) tide(i int) int64 {
	f := &w.firms[i]
	return scaled(1_000_000, w.economy+w.sector[f.sector]+f.demand+w.season(f.sector), 1000)
}

// season is the swing of a sector over the year, thousandths of a logarithm: a triangle.
func (w *World) season(sector int) int64 {
	at := (w.week + sector*weeksPerYear/sectors) % weeksPerYear
	if at > weeksPerYear/2 {
		at = weeksPerYear - at
	}
	return int64(at*8-weeksPerYear*2) * int64(sector%4) / 4
}

// place lets every buyer order for the next weeks: what it buys follows what it sells.
func (w *World) place() {
	for i := range w.firms {
		f := &w.firms[i]
		f.market = w.tide(i)
		if f.ledgerBase > 0 && w.week > 0 {
			ledger := min(3_000_000, f.received*1_000_000/(f.ledgerBase*weeksPerOrder))
			f.market = (f.market*(f.outsideBase/1000+1) + ledger*(f.ledgerBase/1000+1)) / (f.outsideBase/1000 + f.ledgerBase/1000 + 2)
		}
		f.received = 0
	}
	for k := range w.edges {
		e := &w.edges[k]
		if w.firms[e.seller].failed != never || w.firms[e.buyer].failed != never {
			continue
		}
		minor := scaled(share(e.base, w.firms[e.buyer].market), w.d.normal(), 200)
		if minor < 20_000 || w.d.chance(40_000) { // nothing this time
			continue
		}
		at := (w.week + w.d.IntN(weeksPerOrder)) % ordersAhead
		w.orders[at] = append(w.orders[at], order{int32(k), minor})
		w.firms[e.seller].received += minor
	}
}

// ship delivers an order and bills it.
func (w *World) ship(o order) {
	e := w.edges[o.edge]
	s := int(e.seller)
	f := &w.firms[s]
	if f.failed != never || w.firms[e.buyer].failed != never {
		return
	}
	if w.config.Links.Contagion {
		w.move(account(s), outside, share(o.minor, f.variablePPM))
	}
	issued := dayOf(w.week) + int32(w.d.IntN(daysPerWeek))
	v := invoice{edge: o.edge, next: -1, loan: -1, issued: issued, due: issued + e.termDays, queriedOn: never, answered: never,
		creditedOn: never, paid: never, minor: o.minor, flaw: w.flaw(s)}
	k := int32(len(w.invoices))
	w.invoices = append(w.invoices, v)
	b := &w.firms[e.buyer]
	if b.lastPayable < 0 {
		b.payable = k
	} else {
		w.invoices[b.lastPayable].next = k
	}
	b.lastPayable = k
	if w.config.Links.Contagion {
		f.yearSales += o.minor
	}
}

// flaw is what is wrong with a delivery: little, unless the storage is failing, or the firm is short of money and saves on its
// work.
func (w *World) flaw(i int) uint8 {
	flawedPPM, uselessPPM := int64(25_000), int64(6_000)
	switch {
	case w.firms[i].breaking:
		flawedPPM, uselessPPM = 250_000, 200_000
	case w.config.Links.Goods && w.strained(i):
		flawedPPM, uselessPPM = 110_000, 36_000
	}
	switch {
	case w.d.chance(uselessPPM):
		return useless
	case w.d.chance(flawedPPM):
		return flawed
	}
	return sound
}

// trade is a firm's week with the outside: sales and costs.
func (w *World) trade(i int) {
	f, a := &w.firms[i], account(i)
	sales := share(f.outsideBase, w.tide(i))
	costs := f.variablePPM
	if !w.config.Links.Contagion { // the outside buys everything, and sells it what it needs
		sales = share(f.outsideBase+f.ledgerBase, w.tide(i))
		costs += f.inputPPM
	}
	sales = scaled(sales, w.d.normal(), 100)
	f.yearSales += sales
	w.move(outside, a, sales)
	w.move(a, outside, share(sales, costs)+f.fixed)
	if f.breaking && w.config.Links.Goods {
		w.move(a, outside, share(sales, 200_000)) // what goes bad comes back from outside customers, too
	}
	if f.stockTarget > 0 {
		w.store(i)
	}
}

// store is a week of the goods: their state is its own, and devices see most of it, see what is not there, and are silent at
// times.
func (w *World) store(i int) {
	f, d := &w.firms[i], w.d
	day := dayOf(w.week) + int32(d.IntN(daysPerWeek))
	if f.breaking {
		f.breaking = !d.chance(80_000) // found and repaired
	} else {
		f.breaking = d.chance(f.breakPPM)
	}
	seen := f.watched && f.covered
	say := func(kind uint8, seconds int64) {
		if seen {
			w.sightings = append(w.sightings, sighting{int32(i), day, kind, seconds})
		}
	}
	if d.chance(150_000) {
		say(sightLot, 0)
	}
	loss := int64(0)
	if f.breaking {
		loss = share(f.stock, d.between(10_000, 80_000))
		if d.chance(900_000) {
			say(sightExcursion, d.between(600, 14_400))
		}
	} else if d.chance(15_000) {
		say(sightExcursion, d.between(300, 1_800))
	}
	if d.chance(f.theftPPM) {
		loss += share(f.stock, d.between(150_000, 600_000))
		if d.chance(800_000) {
			say(sightSilence, d.between(20_000, 90_000))
		}
	} else if d.chance(25_000) {
		say(sightSilence, d.between(900, 30_000))
	}
	f.stock -= min(loss, f.stock)
	a := account(i)
	if !w.config.Links.Goods { // they are somebody else's, who makes good what is lost
		f.stock += (f.stockTarget - f.stock) / 4
		w.cover(i, day)
		return
	}
	// Short of money, it sells goods at half of their cost; with money to spare, it fills up again.
	if short := -w.room(i) + 2*f.fixed; short > 0 && f.stock > 0 {
		sold := min(f.stock, 2*short)
		f.stock -= sold
		w.move(outside, a, sold/2)
	} else if missing := f.stockTarget - f.stock; missing > 0 {
		bought := max(0, min(missing/4+1, w.room(i)-6*w.weekly(i)))
		f.stock += bought
		w.move(a, outside, bought)
	}
	w.cover(i, day)
}

// cover writes down whether there are enough goods to lend on.
func (w *World) cover(i int, day int32) {
	f := &w.firms[i]
	covered := f.stock > f.stockTarget/4
	if covered != f.covered {
		f.covered = covered
		kind := uint8(sightTaken)
		if covered {
			kind = sightStored
		}
		w.sightings = append(w.sightings, sighting{int32(i), day, kind, 0})
	}
}

// close ends a firm's week: interest, owners, accounts, and the end where no cash is left.
func (w *World) close(i int) {
	f, a := &w.firms[i], account(i)
	if drawn := -w.accounts[a]; drawn > 0 {
		w.move(a, bank, share(drawn, weeklyRatePPM))
	}
	if spare := w.accounts[a] - f.target; spare > 0 {
		w.move(a, outside, spare/12)
	}
	day := dayOf(w.week) + daysPerWeek - 1
	if (w.week+f.founded%weeksPerYear+weeksPerYear)%weeksPerYear == 0 {
		w.filings = append(w.filings, filing{int32(i), day, w.accounts[a], f.yearSales})
		f.yearSales = 0
	}
	if w.week%cutOffEvery == 0 && f.tier > 0 {
		w.limits = append(w.limits, limitUse{int32(i), day, max(0, -w.accounts[a]) / max(1, f.line/1_000_000)})
	}
	if w.room(i) <= 0 {
		w.fail(i)
	}
}

// fail ends a firm. Whoever it owes loses that much; who sold to it finds a fifth of that trade elsewhere. What is
// left of its account is the bank's loss.
func (w *World) fail(i int) {
	f := &w.firms[i]
	f.failed = w.week
	w.move(bank, account(i), -w.accounts[account(i)])
	if !w.config.Links.Contagion {
		return
	}
	for k := range w.edges {
		e := &w.edges[k]
		if int(e.buyer) == i {
			s := &w.firms[e.seller]
			s.ledgerBase -= e.base / weeksPerOrder
			s.outsideBase += e.base / weeksPerOrder / 5
		}
		if int(e.seller) == i { // its buyers find what they need outside
			b := &w.firms[e.buyer]
			bought := e.base / weeksPerOrder * 1_000_000 / max(1, b.outsideBase+b.ledgerBase)
			b.inputPPM -= bought
			b.variablePPM += bought
		}
	}
}
