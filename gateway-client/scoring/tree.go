package scoring

import (
	"math"
	"slices"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// treeOptions limit the small trees of boosting.
type treeOptions struct {
	leaves     int
	minRows    int32   // rows in a leaf; 0: by the number of rows
	lambda     float64 // added to the second derivative of a leaf: shrinks small leaves
	lambdaCats float64 // the same for leaves of categorical features
}

// featureTree fits trees over the bins of one feature. Intervals are split in their order; levels in the order of
// their gradients (Fisher 1958: the best two-way grouping is a cut in that order). Bins outside the order (missing,
// special codes) choose their side at every split.
type featureTree struct {
	o       treeOptions
	nominal bool
	loose   []int // bins outside the order
	ordered []int
}

func newFeatureTree(f *scorecard.Feature, o treeOptions) *featureTree {
	t := &featureTree{o: o, nominal: f.Kind == scorecard.Categorical}
	first := f.FirstInterval()
	if t.nominal {
		first = 0
		o.lambda = o.lambdaCats
		t.o.lambda = o.lambdaCats
	}
	for b := range f.Bins() {
		if b < first {
			t.loose = append(t.loose, b)
		} else {
			t.ordered = append(t.ordered, b)
		}
	}
	return t
}

// segment is a leaf of the tree: a range of the order and some loose bins (a bit set over their positions).
type segment struct {
	from, to int
	loose    uint64
	g, h     float64
	n        int32

	split split
}

type split struct {
	gain      float64
	at        int // the left part is [from, at)
	looseLeft uint64
}

func (t *featureTree) fitTree(hist *histogram, step []float64) float64 {
	var order [256]int
	n := len(t.ordered)
	copy(order[:n], t.ordered)
	if t.nominal {
		n = 0
		for _, b := range t.ordered {
			if hist.n[b] > 0 {
				order[n] = b
				n++
			}
		}
		var value [256]float64
		for _, b := range order[:n] {
			value[b] = hist.g[b] / (hist.h[b] + t.o.lambda)
		}
		slices.SortFunc(order[:n], func(a, b int) int {
			switch {
			case value[a] < value[b]:
				return -1
			case value[a] > value[b]:
				return 1
			default:
				return a - b
			}
		})
	}
	root := segment{to: n}
	for i := range order[:n] {
		root.add(hist, order[i])
	}
	for i, b := range t.loose {
		if hist.n[b] > 0 && i < 64 {
			root.loose |= 1 << i
			root.add(hist, b)
		}
	}
	var leaves [8]segment
	leaves[0] = root
	count := 1
	leaves[0].split = t.best(hist, &order, &leaves[0])
	total := 0.0
	for count < t.o.leaves {
		widest := 0
		for i := 1; i < count; i++ {
			if leaves[i].split.gain > leaves[widest].split.gain {
				widest = i
			}
		}
		if leaves[widest].split.gain <= 0 {
			break
		}
		total += leaves[widest].split.gain
		left, right := t.divide(hist, &order, &leaves[widest])
		leaves[widest], leaves[count] = left, right
		count++
		if count < t.o.leaves {
			leaves[widest].split = t.best(hist, &order, &leaves[widest])
			leaves[count-1].split = t.best(hist, &order, &leaves[count-1])
		}
	}
	if count == 1 {
		return 0
	}
	clear(step)
	for i := range count {
		l := &leaves[i]
		value := l.g / (l.h + t.o.lambda)
		for _, b := range order[l.from:l.to] {
			step[b] = value
		}
		for k, b := range t.loose {
			if l.loose>>k&1 == 1 {
				step[b] = value
			}
		}
	}
	return total
}

func (s *segment) add(hist *histogram, b int) {
	s.g += hist.g[b]
	s.h += hist.h[b]
	s.n += hist.n[b]
}

func score(g, h, lambda float64) float64 { return float64(g*g) / (h + lambda) }

// best finds the split of a segment with the largest gain.
func (t *featureTree) best(hist *histogram, order *[256]int, s *segment) split {
	var found split
	whole := score(s.g, s.h, t.o.lambda)
	var looseG, looseH float64
	var looseN int32
	for k, b := range t.loose {
		if s.loose>>k&1 == 1 {
			looseG += hist.g[b]
			looseH += hist.h[b]
			looseN += hist.n[b]
		}
	}
	var g, h float64
	var n int32
	for at := s.from; at < s.to; at++ {
		if at > s.from {
			b := order[at-1]
			g += hist.g[b]
			h += hist.h[b]
			n += hist.n[b]
			if hist.n[b] == 0 {
				continue
			}
		}
		if s.loose == 0 {
			if n < t.o.minRows || s.n-n < t.o.minRows {
				continue
			}
			gain := score(g, h, t.o.lambda) + score(s.g-g, s.h-h, t.o.lambda) - whole
			if gain > found.gain {
				found = split{gain: gain, at: at}
			}
			continue
		}
		lg, lh, ln, mask := g, h, n, uint64(0)
		rg, rh := s.g-g-looseG, s.h-h-looseH
		// Loose bins take the side that gains more, one after the other.
		for k, b := range t.loose {
			if s.loose>>k&1 == 0 {
				continue
			}
			left := score(lg+hist.g[b], lh+hist.h[b], t.o.lambda) + score(rg, rh, t.o.lambda)
			right := score(lg, lh, t.o.lambda) + score(rg+hist.g[b], rh+hist.h[b], t.o.lambda)
			if left > right {
				lg, lh, ln, mask = lg+hist.g[b], lh+hist.h[b], ln+hist.n[b], mask|1<<k
			} else {
				rg, rh = rg+hist.g[b], rh+hist.h[b]
			}
		}
		if ln < t.o.minRows || s.n-ln < t.o.minRows {
			continue
		}
		gain := score(lg, lh, t.o.lambda) + score(rg, rh, t.o.lambda) - whole
		if gain > found.gain {
			found = split{gain: gain, at: at, looseLeft: mask}
		}
	}
	if math.IsNaN(found.gain) {
		return split{}
	}
	return found
}

func (t *featureTree) divide(hist *histogram, order *[256]int, s *segment) (left, right segment) {
	left = segment{from: s.from, to: s.split.at, loose: s.split.looseLeft}
	right = segment{from: s.split.at, to: s.to, loose: s.loose &^ s.split.looseLeft}
	for _, part := range []*segment{&left, &right} {
		for _, b := range order[part.from:part.to] {
			part.add(hist, b)
		}
		for k, b := range t.loose {
			if part.loose>>k&1 == 1 {
				part.add(hist, b)
			}
		}
	}
	return left, right
}

// pairTree fits a tree of four leaves to a grid of rows × columns (cell = row × columns + column): one cut through the
// whole grid, then one cut across each of the two parts, at places of their own.
type pairTree struct {
	o             treeOptions
	rows, columns int
}

func (t *pairTree) fitTree(hist *histogram, step []float64) float64 {
	byRows := newGrid(hist, t.rows, t.columns, false)
	byColumns := newGrid(hist, t.rows, t.columns, true)
	a, b := byRows.bestTree(t.o), byColumns.bestTree(t.o)
	g, tree := byRows, a
	if b.gain > a.gain {
		g, tree = byColumns, b
	}
	if tree.gain <= 0 {
		return 0
	}
	for r := range g.rows {
		for c := range g.columns {
			var v float64
			switch {
			case r < tree.first && c < tree.low:
				v = tree.value[0]
			case r < tree.first:
				v = tree.value[1]
			case c < tree.high:
				v = tree.value[2]
			default:
				v = tree.value[3]
			}
			if g.transposed {
				step[c*g.rows+r] = v
			} else {
				step[r*g.columns+c] = v
			}
		}
	}
	return tree.gain
}

// grid holds sums over [0, r) × [0, c).
type grid struct {
	rows, columns int
	transposed    bool
	g, h          [17][17]float64
	n             [17][17]int32
}

func newGrid(hist *histogram, rows, columns int, transposed bool) *grid {
	p := &grid{rows: rows, columns: columns, transposed: transposed}
	if transposed {
		p.rows, p.columns = columns, rows
	}
	for r := range p.rows {
		var g, h float64
		var n int32
		for c := range p.columns {
			cell := r*columns + c
			if transposed {
				cell = c*columns + r
			}
			g += hist.g[cell]
			h += hist.h[cell]
			n += hist.n[cell]
			p.g[r+1][c+1] = p.g[r][c+1] + g
			p.h[r+1][c+1] = p.h[r][c+1] + h
			p.n[r+1][c+1] = p.n[r][c+1] + n
		}
	}
	return p
}

type gridTree struct {
	gain             float64
	first, low, high int
	value            [4]float64
}

func (p *grid) bestTree(o treeOptions) gridTree {
	var best gridTree
	whole := score(p.g[p.rows][p.columns], p.h[p.rows][p.columns], o.lambda)
	for cut := 1; cut < p.rows; cut++ {
		low, lowScore := p.bestCut(0, cut, o)
		high, highScore := p.bestCut(cut, p.rows, o)
		if low == 0 || high == 0 {
			continue
		}
		if gain := lowScore + highScore - whole; gain > best.gain {
			best = gridTree{gain: gain, first: cut, low: low, high: high}
		}
	}
	if best.gain > 0 {
		p.values(&best, o)
	}
	return best
}

func (p *grid) values(t *gridTree, o treeOptions) {
	parts := [4][4]int{{0, t.first, 0, t.low}, {0, t.first, t.low, p.columns},
		{t.first, p.rows, 0, t.high}, {t.first, p.rows, t.high, p.columns}}
	for i, q := range parts {
		g, h, _ := p.sum(q[0], q[1], q[2], q[3])
		t.value[i] = g / (h + o.lambda)
	}
}

// bestCut finds the best cut across the rows [from, to); 0 where none leaves enough rows on both sides.
func (p *grid) bestCut(from, to int, o treeOptions) (int, float64) {
	at, best := 0, 0.0
	for c := 1; c < p.columns; c++ {
		lg, lh, ln := p.sum(from, to, 0, c)
		rg, rh, rn := p.sum(from, to, c, p.columns)
		if ln < o.minRows || rn < o.minRows {
			continue
		}
		if s := score(lg, lh, o.lambda) + score(rg, rh, o.lambda); at == 0 || s > best {
			at, best = c, s
		}
	}
	return at, best
}

func (p *grid) sum(r0, r1, c0, c1 int) (g, h float64, n int32) {
	return p.g[r1][c1] - p.g[r0][c1] - p.g[r1][c0] + p.g[r0][c0],
		p.h[r1][c1] - p.h[r0][c1] - p.h[r1][c0] + p.h[r0][c0],
		p.n[r1][c1] - p.n[r0][c1] - p.n[r1][c0] + p.n[r0][c0]
}

func sqrt(x float64) float64 { return math.Sqrt(x) }
