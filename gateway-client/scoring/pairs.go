package scoring

import (
	"sort"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// coarse groups the bins of a feature for pair tables.
type coarse struct {
	of     []int   // group by bin; bins without training rows share the last group when there are any
	groups int     // that hold training rows
	sides  int     // groups, with the empty one
	rows   []uint8 // group by training row
}

// coarsen groups a feature's bins into at most `sides` groups of about equal size: neighbouring intervals, or levels
// that are neighbours in the order of their smoothed bad rate. Missing and special codes are a group of their own where
// they are frequent, at the end whose bad rate is nearer.
func coarsen(f *scorecard.Feature, bins []uint8, bad []bool, sides int) coarse {
	n := f.Bins()
	rows, bads := make([]float64, n), make([]float64, n)
	totalBad := 0.0
	for i, b := range bins {
		rows[b]++
		if bad[i] {
			bads[b]++
			totalBad++
		}
	}
	base := totalBad / float64(len(bins))
	const smoothing = 20
	rate := make([]float64, n)
	for b := range rate {
		rate[b] = (bads[b] + float64(smoothing*base)) / (rows[b] + smoothing)
	}
	var loose, order []int
	first := f.FirstInterval()
	for b := range n {
		switch {
		case rows[b] == 0:
		case f.Kind == scorecard.Numeric && b < first:
			loose = append(loose, b)
		default:
			order = append(order, b)
		}
	}
	if f.Kind == scorecard.Categorical {
		sort.SliceStable(order, func(i, j int) bool { return rate[order[i]] < rate[order[j]] })
	}
	var parts [][]int
	left := 0.0
	for _, b := range order {
		left += rows[b]
	}
	room := max(2, sides-len(loose))
	var part []int
	filled := 0.0
	for i, b := range order {
		part = append(part, b)
		filled += rows[b]
		target := left / float64(room)
		last := i+1 == len(order)
		if last || room > 1 && (filled >= target || filled+float64(rows[order[i+1]]/2) > target) {
			parts = append(parts, part)
			left -= filled
			part, filled = nil, 0
			room--
		}
	}
	for _, b := range loose {
		if len(parts) == 0 {
			parts = append(parts, []int{b})
			continue
		}
		mean := func(part []int) float64 {
			var n, bad float64
			for _, b := range part {
				n += rows[b]
				bad += bads[b]
			}
			return bad / n
		}
		low, high := parts[0], parts[len(parts)-1]
		nearLow := abs(mean(low)-rate[b]) < abs(mean(high)-rate[b])
		small := rows[b] < 0.01*float64(len(bins)) || len(parts) >= sides
		switch {
		case nearLow && small:
			parts[0] = append(low, b)
		case nearLow:
			parts = append([][]int{{b}}, parts...)
		case small:
			parts[len(parts)-1] = append(high, b)
		default:
			parts = append(parts, []int{b})
		}
	}
	c := coarse{of: make([]int, n), groups: len(parts), sides: len(parts), rows: make([]uint8, len(bins))}
	for b := range c.of {
		c.of[b] = -1
	}
	for g, part := range parts {
		for _, b := range part {
			c.of[b] = g
		}
	}
	for b := range c.of {
		if c.of[b] < 0 {
			c.of[b] = len(parts)
			c.sides = len(parts) + 1
		}
	}
	for i, b := range bins {
		c.rows[i] = uint8(c.of[b])
	}
	return c
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}

// pairCandidate is a pair of features and what its best four-quadrant tree gains beyond the better of its features
// alone.
type pairCandidate struct {
	a, b int
	gain float64
}

// screenPairs ranks all pairs by the gain of one small tree on the residuals of the main effects, as FAST does (Lou,
// Caruana, Gehrke, Hooker 2013). The residuals are those of held-out rows.
func screenPairs(features []int, groups []coarse, logits []int32, bad []bool, rows []int32, o treeOptions) []pairCandidate {
	scale := newGradientScale(len(rows))
	pack := make([]int64, len(rows))
	for i, r := range rows {
		pack[i] = scale.pack(logits[r], bad[r])
	}
	var list []pairCandidate
	for i, a := range features {
		for _, b := range features[i+1:] {
			list = append(list, pairCandidate{a: min(a, b), b: max(a, b)})
		}
	}
	parallel(len(list), func(i int) {
		p := &list[i]
		x, y := &groups[p.a], &groups[p.b]
		if x.groups < 2 || y.groups < 2 {
			return
		}
		var sums [256]int64
		var hist histogram
		columns := y.groups
		for i, r := range rows {
			cell := x.rows[r]*uint8(columns) + y.rows[r]
			sums[cell] += pack[i]
			hist.n[cell]++
		}
		for c := range x.groups * columns {
			hist.g[c], hist.h[c] = scale.unpack(sums[c])
		}
		straight := newGrid(&hist, x.groups, columns, false)
		across := newGrid(&hist, x.groups, columns, true)
		tree := max(straight.bestTree(o).gain, across.bestTree(o).gain)
		alone := max(straight.bestRow(o), across.bestRow(o))
		p.gain = tree - alone
	})
	sort.SliceStable(list, func(i, j int) bool {
		if list[i].gain != list[j].gain {
			return list[i].gain > list[j].gain
		}
		if list[i].a != list[j].a {
			return list[i].a < list[j].a
		}
		return list[i].b < list[j].b
	})
	for i := range list {
		if list[i].gain <= 0 {
			return list[:i]
		}
	}
	return list
}

// bestRow is the gain of the best single cut through the whole grid.
func (p *grid) bestRow(o treeOptions) float64 {
	best := 0.0
	g, h := p.g[p.rows][p.columns], p.h[p.rows][p.columns]
	whole := score(g, h, o.lambda)
	for cut := 1; cut < p.rows; cut++ {
		lg, lh := p.g[cut][p.columns], p.h[cut][p.columns]
		best = max(best, score(lg, lh, o.lambda)+score(g-lg, h-lh, o.lambda)-whole)
	}
	return best
}
