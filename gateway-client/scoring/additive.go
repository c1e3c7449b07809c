package scoring

import (
	"math"
	"math/rand/v2"
	"sort"
)

// additiveOptions are the settings of the glass-box trainer. The defaults serve every data set.
type additiveOptions struct {
	seed        uint64
	bins        BinOptions
	bagParts    int // a bag holds out one part of so many
	rowBudget   int // rows of all bags together; decides how often the parts are drawn anew
	maxRepeats  int
	trialBudget int // rows of the bags that try whether pairs help

	trees     boostOptions
	tree      treeOptions
	lines     bool
	lineSteps boostOptions
	line      treeOptions

	maxPairs   int
	pairSides  int // groups of a feature in a pair; 0: by the number of rows
	pairScreen int // features that pairs are looked for among
	pairSteps  boostOptions
	pairTree   treeOptions
	// pairDoubt shrinks pairs by 1 − doubt ÷ z², where z is the number of standard errors by which they improve the
	// prediction of held-out rows (the positive-part rule of James and Stein): none below √doubt, all when sure.
	pairDoubt float64
}

func defaultAdditive() additiveOptions {
	return additiveOptions{
		seed:        1,
		bins:        BinOptions{MaxBins: 64, MaxLevels: 100, MinLevel: 5},
		bagParts:    5,
		rowBudget:   120_000,
		maxRepeats:  8,
		trialBudget: 48_000,
		trees:       boostOptions{rate: 0.05, share: 0.15, maxSteps: 3000, check: 10, patience: 15},
		tree:        treeOptions{leaves: 3, lambda: 1, lambdaCats: 2},
		lines:       true,
		lineSteps:   boostOptions{rate: 0.1, share: 0.1, maxSteps: 1000, check: 10, patience: 15},
		line:        treeOptions{minRows: 5, lambda: 1, lambdaCats: 5},
		maxPairs:    60,
		pairScreen:  64,
		pairSteps:   boostOptions{rate: 0.05, share: 0.2, maxSteps: 2000, check: 10, patience: 15},
		pairTree:    treeOptions{minRows: 10, lambda: 5},
		pairDoubt:   1,
	}
}

// fitAdditive trains the additive model on the given rows of a frame. Signs do not bind it; see obey.
func fitAdditive(fr *Frame, train []int, o additiveOptions) *shapes {
	n := len(train)
	bad := make([]bool, n)
	bads := 0
	for i, r := range train {
		bad[i] = fr.Bad[r]
		if bad[i] {
			bads++
		}
	}
	base := math.Round(math.Log(float64(bads)/float64(n-bads)) * logitUnit)
	if o.tree.minRows == 0 {
		o.tree.minRows = int32(max(10, min(40, n/600)))
	}
	if o.pairSides == 0 {
		o.pairSides = 8
		if n > 10_000 {
			o.pairSides = 12
		}
	}
	bags := drawBags(bad, int32(base), o)

	cols := make([][]uint8, len(fr.Features)) // bin by training row
	tables := make([]additiveTable, len(fr.Features))
	for f := range fr.Features {
		cols[f] = make([]uint8, n)
		for i, r := range train {
			cols[f][i] = fr.Bins[f][r]
		}
		tables[f] = additiveTable{cells: fr.Features[f].Bins(), of: cols[f], fit: newFeatureTree(&fr.Features[f], o.tree)}
	}
	parallel(len(bags), func(i int) { bags[i].begin(tables) })
	mains := meanTables(bags, boostStage(bags, bad, o.trees))
	if o.lines {
		blendLines(fr, cols, bags, mains, bad, int32(base), o)
	}
	s := &shapes{intercept: base / logitUnit}
	for _, m := range mains {
		for b := range m {
			m[b] /= logitUnit
		}
		s.mains = append(s.mains, m)
	}
	if o.maxPairs > 0 && len(fr.Features) > 1 {
		s.pairs = fitPairs(fr, cols, bags, bad, s, o)
	}
	counts := s.count(fr, train)
	s.purify(counts)
	s.neutral(fr, counts)
	{
		mean, held := outOfBag(bags, n, heldOutLogits)
		var x []float64
		var y []bool
		for i, l := range mean {
			if held[i] > 0 {
				x = append(x, float64(l)/logitUnit)
				y = append(y, bad[i])
			}
		}
		slope, offset := recalibration(x, y)
		s.scale(slope, offset)
	}
	return s
}

func fitPairs(fr *Frame, cols [][]uint8, bags []*bag, bad []bool, s *shapes, o additiveOptions) []pairShape {
	groups := make([]coarse, len(cols))
	parallel(len(cols), func(f int) { groups[f] = coarsen(&fr.Features[f], cols[f], bad, o.pairSides) })
	logits, _ := outOfBag(bags, len(bad), heldOutLogits)
	features := mostImportant(s, cols, o.pairScreen)
	build := func(rows []int32) ([]pairCandidate, []additiveTable) {
		list := screenPairs(features, groups, logits, bad, rows, o.pairTree)
		list = list[:min(len(list), o.maxPairs)]
		tables := make([]additiveTable, len(list))
		for i, p := range list {
			x, y := &groups[p.a], &groups[p.b]
			cells := make([]uint8, len(bad))
			for r := range cells {
				cells[r] = x.rows[r]*uint8(y.groups) + y.rows[r]
			}
			tables[i] = additiveTable{cells: x.groups * y.groups, of: cells, fit: &pairTree{o: o.pairTree, rows: x.groups, columns: y.groups}}
		}
		return list, tables
	}
	// Do pairs help at all, and for how long? Rows that a bag holds out take no part in the choice of its pairs, or
	// they would praise whatever was chosen.
	trial := bags[:min(len(bags), o.bagParts*max(1, o.trialBudget/(len(bad)*o.bagParts)))]
	before, _ := outOfBag(trial, len(bad), heldOutLogits)
	parallel(len(trial), func(i int) {
		_, tables := build(trial[i].rows[:trial[i].in])
		trial[i].begin(tables)
	})
	steps := boostStage(trial, bad, o.pairSteps)
	for _, b := range trial {
		b.rewind(steps)
	}
	after, _ := outOfBag(trial, len(bad), heldOutLogits)
	for _, b := range trial {
		copy(b.logit, b.start)
	}
	proof := improvement(before, after, bad)
	trust := 1 - o.pairDoubt/float64(proof*proof)
	if steps == 0 || proof <= 0 || trust <= 0 {
		return nil
	}
	all := make([]int32, len(bad))
	for i := range all {
		all[i] = int32(i)
	}
	list, tables := build(all)
	parallel(len(bags), func(i int) {
		bags[i].begin(tables)
		bags[i].advance(steps, o.pairSteps)
	})
	fitted := meanTables(bags, steps)
	for t := range fitted {
		for c := range fitted[t] {
			fitted[t][c] *= trust
		}
	}
	for _, b := range bags {
		for i, before := range b.start {
			b.logit[i] = before + int32(float64(b.logit[i]-before)*trust)
		}
	}
	var pairs []pairShape
	for i, p := range list {
		x, y := &groups[p.a], &groups[p.b]
		used := false
		cells := make([][]float64, x.sides)
		for r := range cells {
			cells[r] = make([]float64, y.sides)
			for c := 0; r < x.groups && c < y.groups; c++ {
				cells[r][c] = fitted[i][r*y.groups+c] / logitUnit
				used = used || cells[r][c] != 0
			}
		}
		if used {
			pairs = append(pairs, pairShape{a: p.a, b: p.b, rowOf: x.of, columnOf: y.of, cells: cells})
		}
	}
	return pairs
}

// mostImportant lists the n features whose tables move the training rows most, in the frame's order.
func mostImportant(s *shapes, cols [][]uint8, n int) []int {
	type ranked struct {
		f int
		v float64
	}
	list := make([]ranked, len(cols))
	for f, col := range cols {
		sum := 0.0
		for _, b := range col {
			sum += math.Abs(s.mains[f][b])
		}
		list[f] = ranked{f, sum}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].v > list[j].v })
	var features []int
	for _, r := range list[:min(n, len(list))] {
		features = append(features, r.f)
	}
	sort.Ints(features)
	return features
}

// drawBags cuts the rows into parts, stratified by outcome; each bag trains on all parts but one. The cut is repeated
// with fresh draws while the rows of all bags stay within the budget: small sets need the averaging, large ones the
// time.
func drawBags(bad []bool, base int32, o additiveOptions) []*bag {
	n := len(bad)
	repeats := max(1, min(o.maxRepeats, o.rowBudget/(n*o.bagParts)))
	var bags []*bag
	for rep := range repeats {
		rng := rand.New(rand.NewPCG(o.seed, uint64(rep)))
		part := stratified(bad, o.bagParts, rng)
		for k := range o.bagParts {
			var rows, out []int32
			for i, p := range part {
				if p == k {
					out = append(out, int32(i))
				} else {
					rows = append(rows, int32(i))
				}
			}
			if len(rows) > 0 && len(out) > 0 {
				bags = append(bags, newBag(append(rows, out...), len(rows), bad, base))
			}
		}
	}
	return bags
}

// stratified deals the rows of each outcome into k parts at random.
func stratified(bad []bool, k int, rng *rand.Rand) []int {
	part := make([]int, len(bad))
	next := 0
	for _, class := range []bool{true, false} {
		var rows []int
		for i, b := range bad {
			if b == class {
				rows = append(rows, i)
			}
		}
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for _, r := range rows {
			part[r] = next % k
			next++
		}
	}
	return part
}
