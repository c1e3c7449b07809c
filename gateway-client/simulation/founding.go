package simulation

import (
	"cmp"
	"fmt"
	"slices"
)

// found makes the firms, who buys from whom, and the money to begin with.
func (w *World) found() {
	n := w.config.Firms
	cores := max(fewestCores, n*coresPerMille/1000)
	w.firms = make([]firm, cores+n)
	w.accounts = make([]int64, firstAccount+len(w.firms))
	joins := CutOffs(w.weeks)
	for i := range w.firms {
		w.draft(i, cores, joins)
	}
	w.connect(cores)
	for i := range w.firms {
		w.endow(i)
	}
	for s := range w.sector {
		w.sector[s] = w.d.normal() * 60 / 1000
	}
}

// draft gives a firm its nature. Suppliers of three tiers: 45, 35 and 20 of a hundred.
func (w *World) draft(i, cores int, joins []int) {
	f, d := &w.firms[i], w.d
	f.id = fmt.Sprintf("p-%04x%012x", i, d.Uint64()>>16)
	f.failed, f.payable, f.lastPayable = never, -1, -1
	f.sector = d.IntN(sectors)
	f.director, f.address = int32(i), int32(i)
	f.founded = -d.IntN(30 * weeksPerYear)
	if i >= cores {
		rank := (i - cores) * 100 / w.config.Firms
		f.tier = 1
		if rank >= 45 {
			f.tier = 2
		}
		if rank >= 80 {
			f.tier = 3
		}
		switch {
		case d.chance(400_000):
			f.joined = 0
		case d.chance(750_000): // shortly before it applies for the first time
			f.joined = joins[d.IntN(len(joins))] - 1 - d.IntN(6)
		default:
			f.joined = d.IntN(w.weeks)
		}
	}
	f.variablePPM = 520_000 + 18*d.normal()
	f.demand = d.normal() * 200 / 1000
	f.market = 1_000_000
	f.payHabitPPM = min(950_000, scaled(550_000, d.normal(), 350))
	f.answerHabitPPM = min(950_000, scaled(600_000, d.normal(), 350))
	f.financeHabitPPM = min(900_000, scaled(financedPPM, d.normal(), 700))
	f.dishonest = d.chance(doublePPM)
	f.breakPPM = scaled(2_500, d.normal(), 800)
	f.theftPPM = scaled(1_500, d.normal(), 800)
}

// connect gives every supplier one to five buyers of the tier above, a buyer's chance being its size (preferential, so
// heavy-tailed); then each buyer divides what it buys on the ledger among those who sell to it.
func (w *World) connect(cores int) {
	d := w.d
	size := make([]int64, len(w.firms)) // sales a week
	var tiers [4][]int
	for i := range w.firms {
		tiers[w.firms[i].tier] = append(tiers[w.firms[i].tier], i)
	}
	for k := range cores { // Zipf and Mandelbrot
		size[k] = 45_000_000 * int64(w.config.Firms) / int64(k+5) / 8
	}
	for tier := 1; tier <= 3; tier++ {
		above := tiers[tier-1]
		cumulative, sum := make([]int64, len(above)), int64(0)
		for k, b := range above {
			sum += size[b]/1000 + 1
			cumulative[k] = sum
		}
		affinity := map[int32]int64{} // by buyer
		first := len(w.edges)
		for _, s := range tiers[tier] {
			var mine []int32
			for range 1 + d.IntN(4) {
				at, _ := slices.BinarySearch(cumulative, d.Int64N(sum)+1)
				b := int32(above[at])
				if slices.Contains(mine, b) {
					continue
				}
				mine = append(mine, b)
				e := edge{seller: int32(s), buyer: b, base: scaled(1000, d.normal(), 900), termDays: int32(30 * (1 + d.IntN(3)))}
				if d.chance(relatedPPM) {
					e.related = true
					w.relate(s, int(b))
				}
				affinity[b] += e.base
				w.edges = append(w.edges, e)
			}
		}
		for k := first; k < len(w.edges); k++ {
			e := &w.edges[k]
			budget := share(size[e.buyer]*weeksPerOrder, 450_000)
			e.base = max(80_000, budget/affinity[e.buyer]*e.base)
			size[e.seller] += e.base / weeksPerOrder
		}
		for _, s := range tiers[tier] {
			f := &w.firms[s]
			f.ledgerBase = size[s]
			f.outsideBase = share(size[s], d.between(50_000, 600_000))
			size[s] += f.outsideBase
		}
	}
	for k := range cores {
		w.firms[k].outsideBase = size[k]
	}
	for _, e := range w.edges {
		f := &w.firms[e.buyer]
		f.inputPPM += e.base / weeksPerOrder * 1_000_000 / (f.outsideBase + f.ledgerBase)
	}
	slices.SortStableFunc(w.edges, func(a, b edge) int { return cmp.Compare(a.buyer, b.buyer) })
}

func (w *World) relate(a, b int) {
	if w.d.chance(500_000) {
		w.firms[a].director = w.firms[b].director
	} else {
		w.firms[a].address = w.firms[b].address
	}
}

// endow sets costs that leave a small margin, and gives money to begin with.
func (w *World) endow(i int) {
	f, d := &w.firms[i], w.d
	sales := f.outsideBase + f.ledgerBase
	f.variablePPM = max(50_000, f.variablePPM-f.inputPPM)
	marginPPM := 62_000 + 18*d.normal()
	f.fixed = max(0, share(sales, 1_000_000-f.variablePPM-f.inputPPM-marginPPM))
	weeks := scaled(4_500, d.normal(), 600) // thousandths
	if f.tier == 0 {
		weeks = scaled(7_000, d.normal(), 500)
	}
	f.target = sales / 1000 * weeks
	f.line = sales / 1000 * scaled(2_500, d.normal(), 500)
	start := share(f.target, d.between(400_000, 1_100_000))
	if w.config.Links.Contagion {
		start += f.ledgerBase * workingWeeks
	}
	w.move(outside, account(i), start)
	if f.tier > 0 && d.chance(stockPPM) {
		f.stockTarget = sales / 1000 * scaled(4_000, d.normal(), 500)
		f.stock = f.stockTarget
		f.watched = d.chance(watchedPPM)
	}
}
