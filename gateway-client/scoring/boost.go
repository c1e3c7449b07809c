package scoring

import (
	"math"
	"math/rand/v2"
)

// additiveTable is one table that boosting may add to: the bins of a feature, or the cells of a pair.
type additiveTable struct {
	cells int
	of    []uint8 // cell by training row
	fit   treeFitter
}

// treeFitter fits one small tree to the gradients by cell. It writes the tree's step of every cell to step and
// returns the gain in the second-order approximation of the log-likelihood; 0 where no split is allowed.
type treeFitter interface {
	fitTree(h *histogram, step []float64) (gain float64)
}

// histogram is the sum of gradients, second derivatives and rows by cell.
type histogram struct {
	g, h [256]float64
	n    [256]int32
}

// boostOptions are the settings of one stage.
type boostOptions struct {
	rate     float64
	maxSteps int
	check    int // steps between two looks at the held-out rows
	share    float64
	patience int // looks without improvement before stopping
}

// bag is one training subset with its held-out rows. Rows stand in the bag's order: the first `in` train.
type bag struct {
	rows  []int32 // training row by position
	in    int
	bad   []bool
	logit []int32
	start []int32 // logit when the stage began

	tables  []additiveTable
	cells   [][]uint8 // by table, in the bag's order
	counts  [][]int32 // rows of the training part by table and cell
	pack    []int64
	scale   gradientScale
	steps   []boostStep
	looks   [][]int32 // held-out logits at each look
	scratch histogram
	rng     *rand.Rand
	order   []int
}

type boostStep struct {
	table int
	delta []int32
}

func newBag(rows []int32, in int, bad []bool, base int32) *bag {
	b := &bag{rng: rand.New(rand.NewPCG(uint64(in), uint64(rows[len(rows)-1]))), rows: rows, in: in, scale: newGradientScale(in), pack: make([]int64, in)}
	b.bad = make([]bool, len(rows))
	b.logit = make([]int32, len(rows))
	for i, r := range rows {
		b.bad[i] = bad[r]
		b.logit[i] = base
	}
	return b
}

// begin prepares the bag for a stage over the tables.
func (b *bag) begin(tables []additiveTable) {
	b.tables = tables
	b.start = append([]int32(nil), b.logit...)
	b.steps, b.looks = nil, nil
	b.cells = make([][]uint8, len(tables))
	b.counts = make([][]int32, len(tables))
	for t := range tables {
		of := tables[t].of
		cells := make([]uint8, len(b.rows))
		for i, r := range b.rows {
			cells[i] = of[r]
		}
		counts := make([]int32, tables[t].cells)
		for _, c := range cells[:b.in] {
			counts[c]++
		}
		b.cells[t], b.counts[t] = cells, counts
	}
}

// advance boosts n steps and looks at the held-out rows every o.check steps.
func (b *bag) advance(n int, o boostOptions) {
	tables := b.tables
	var step, best [256]float64
	for range n {
		for i := range b.pack {
			b.pack[i] = b.scale.pack(b.logit[i], b.bad[i])
		}
		bestTable, bestGain := -1, 0.0
		for _, t := range b.draw(len(tables), o.share) {
			b.sum(t, tables[t].cells)
			gain := tables[t].fit.fitTree(&b.scratch, step[:])
			if gain > bestGain {
				bestTable, bestGain = t, gain
				copy(best[:tables[t].cells], step[:tables[t].cells])
			}
		}
		var done boostStep
		if bestTable >= 0 {
			done = boostStep{table: bestTable, delta: make([]int32, tables[bestTable].cells)}
			var delta [256]int32
			for c := range done.delta {
				done.delta[c] = int32(best[c] * o.rate * logitUnit)
				delta[c] = done.delta[c]
			}
			for i, c := range b.cells[bestTable] {
				b.logit[i] += delta[c]
			}
		}
		b.steps = append(b.steps, done)
		if len(b.steps)%o.check == 0 {
			b.looks = append(b.looks, append([]int32(nil), b.logit[b.in:]...))
		}
	}
}

// draw returns the tables that compete in one step: a random share of them. That makes the bags differ, which their
// mean gains from, and costs less.
func (b *bag) draw(n int, share float64) []int {
	if len(b.order) != n {
		b.order = make([]int, n)
		for i := range b.order {
			b.order[i] = i
		}
	}
	k := min(n, max(2, int(float64(share*float64(n))+0.5)))
	if k == n {
		return b.order
	}
	for i := range k {
		j := i + b.rng.IntN(n-i)
		b.order[i], b.order[j] = b.order[j], b.order[i]
	}
	return b.order[:k]
}

// sum fills the scratch histogram with the gradients of one table. Two histograms take turns, so that neighbouring
// rows of one cell need not wait for each other.
func (b *bag) sum(table, cells int) {
	var even, odd [256]int64
	of := b.cells[table][:b.in]
	pack := b.pack[:len(of)]
	i := 0
	for ; i+1 < len(of); i += 2 {
		even[of[i]] += pack[i]
		odd[of[i+1]] += pack[i+1]
	}
	if i < len(of) {
		even[of[i]] += pack[i]
	}
	for c := range cells {
		b.scratch.g[c], b.scratch.h[c] = b.scale.unpack(even[c] + odd[c])
		b.scratch.n[c] = b.counts[table][c]
	}
}

// rewind keeps the first n steps and returns their sum by table and cell, in logit units.
func (b *bag) rewind(n int) [][]int64 {
	tables := b.tables
	sum := make([][]int64, len(tables))
	for t := range tables {
		sum[t] = make([]int64, tables[t].cells)
	}
	copy(b.logit, b.start)
	for _, s := range b.steps[:n] {
		for c, d := range s.delta {
			sum[s.table][c] += int64(d)
		}
	}
	for t := range tables {
		var delta [256]int32
		for c, d := range sum[t] {
			delta[c] = int32(d)
		}
		for i, c := range b.cells[t] {
			b.logit[i] += delta[c]
		}
	}
	b.steps, b.looks = nil, nil
	return sum
}

// boostStage boosts all bags side by side, each over the tables that it began with, and returns the number of steps
// after which the mean of the bags' held-out log-odds predicts the outcome best.
func boostStage(bags []*bag, bad []bool, o boostOptions) int {
	bestLoss := outOfBagLoss(bags, bad, heldOutLogits)
	bestSteps, looked := 0, 0
	const looksPerRound = 5
	for steps := 0; steps < o.maxSteps; {
		n := o.check * looksPerRound
		parallel(len(bags), func(i int) { bags[i].advance(n, o) })
		steps += n
		for ; looked < steps/o.check; looked++ {
			loss := outOfBagLoss(bags, bad, func(b *bag) []int32 { return b.looks[looked] })
			if loss < bestLoss {
				bestLoss, bestSteps = loss, (looked+1)*o.check
			}
		}
		for _, b := range bags {
			for i := range b.looks {
				b.looks[i] = nil // looked at; only their number counts
			}
		}
		if looked*o.check-bestSteps > o.check*o.patience+bestSteps/4 {
			break
		}
	}
	return bestSteps
}

// meanTables brings every bag to the given step and returns the mean of their tables, in logit units. The bags have
// the same tables.
func meanTables(bags []*bag, steps int) [][]float64 {
	sums := make([][][]int64, len(bags))
	parallel(len(bags), func(i int) { sums[i] = bags[i].rewind(steps) })
	mean := make([][]float64, len(bags[0].tables))
	for t := range mean {
		mean[t] = make([]float64, bags[0].tables[t].cells)
		for c := range mean[t] {
			total := int64(0)
			for i := range sums {
				total += sums[i][t][c]
			}
			mean[t][c] = float64(total) / float64(len(bags))
		}
	}
	return mean
}

// outOfBag is the mean log-odds of every training row over the bags that held it out; n counts them.
func outOfBag(bags []*bag, rows int, heldOut func(*bag) []int32) (mean []int32, n []int32) {
	sum := make([]int64, rows)
	mean, n = make([]int32, rows), make([]int32, rows)
	for _, b := range bags {
		for i, l := range heldOut(b) {
			r := b.rows[b.in+i]
			sum[r] += int64(l)
			n[r]++
		}
	}
	for r := range mean {
		if n[r] > 0 {
			mean[r] = int32(sum[r] / int64(n[r]))
		}
	}
	return mean, n
}

// heldOutLogits are the log-odds of the rows that a bag held out.
func heldOutLogits(b *bag) []int32 { return b.logit[b.in:] }

// improvement is by how many standard errors the log-odds `after` predict the outcome better than those before, row by
// row.
func improvement(before, after []int32, bad []bool) float64 {
	var sum, square int64
	for i := range bad {
		d := (lossFixed(before[i], bad[i]) - lossFixed(after[i], bad[i])) >> 8 // 2^-12 units: squares fit
		sum += d
		square += d * d
	}
	n := float64(len(bad))
	mean := float64(sum) / n
	variance := float64(square)/n - float64(mean*mean)
	if variance <= 0 {
		return 0
	}
	return mean / math.Sqrt(variance/n)
}

func outOfBagLoss(bags []*bag, bad []bool, heldOut func(*bag) []int32) int64 {
	mean, n := outOfBag(bags, len(bad), heldOut)
	loss := int64(0)
	for r, l := range mean {
		if n[r] > 0 {
			loss += lossFixed(l, bad[r])
		}
	}
	return loss
}
