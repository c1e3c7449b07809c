package scoring

import (
	"math"
	"sort"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// enforce makes the finished tables of the features that have a sign monotone: each feature's own table by isotonic
// regression (pool adjacent violators, weighted by training rows), each pair's table by isotonic regression along
// both axes in turn and a last pass that leaves no violation at all. Every table is then monotone by itself.
func (s *shapes) enforce(fr *Frame, n shapeCounts) {
	for f := range fr.Features {
		ft := &fr.Features[f]
		if ft.Monotone == 0 || ft.Kind != scorecard.Numeric {
			continue
		}
		first := ft.FirstInterval()
		isotonic(s.mains[f][first:], n.mains[f][first:], ft.Monotone)
	}
	for f := range fr.Features {
		if fr.Features[f].Monotone != 0 && fr.Features[f].Kind == scorecard.Numeric {
			s.lend(&fr.Features[f], f)
		}
	}
	for i := range s.pairs {
		p := &s.pairs[i]
		rows := orderedGroups(&fr.Features[p.a], p.rowOf)
		columns := orderedGroups(&fr.Features[p.b], p.columnOf)
		if len(rows) > 0 || len(columns) > 0 {
			p.enforce(n.pairs[i], rows, columns, fr.Features[p.a].Monotone, fr.Features[p.b].Monotone)
		}
	}
}

// lend moves as much of a feature's own steps into its pairs as makes them monotone, so far as the steps suffice. The
// sum stays what it was: only what goes against the sign in sum has to be flattened afterwards.
func (s *shapes) lend(ft *scorecard.Feature, f int) {
	main := s.mains[f]
	shift := make([][]float64, len(s.pairs)) // by pair and group
	for i := range s.pairs {
		shift[i] = make([]float64, scorecard.MaxPairSide)
	}
	sign := float64(ft.Monotone)
	for b := ft.FirstInterval(); b+1 < ft.Bins(); b++ {
		var total float64
		lack := make([]float64, len(s.pairs))
		for i := range s.pairs {
			lack[i] = s.pairs[i].lack(f, b, sign)
			total += lack[i]
		}
		if total == 0 {
			continue
		}
		part := math.Min(1, math.Max(0, sign*(main[b+1]-main[b]))/total)
		for i := range s.pairs {
			if lack[i] > 0 {
				for _, g := range s.pairs[i].groupsFrom(ft, f, b+1) {
					shift[i][g] += float64(sign * lack[i] * part)
				}
			}
		}
	}
	for i := range s.pairs {
		p := &s.pairs[i]
		if p.a != f && p.b != f {
			continue
		}
		of := p.rowOf
		if p.b == f {
			of = p.columnOf
		}
		for r := range p.cells {
			for c := range p.cells[r] {
				if p.a == f {
					p.cells[r][c] += shift[i][r]
				} else {
					p.cells[r][c] += shift[i][c]
				}
			}
		}
		for b := range main {
			main[b] -= shift[i][of[b]]
		}
	}
}

// lack is by how much the pair's table goes against the sign from bin b of feature f to the next one, at worst.
func (p *pairShape) lack(f, b int, sign float64) float64 {
	worst := 0.0
	switch f {
	case p.a:
		for c := range p.cells[0] {
			worst = math.Max(worst, -sign*(p.cells[p.rowOf[b+1]][c]-p.cells[p.rowOf[b]][c]))
		}
	case p.b:
		for r := range p.cells {
			worst = math.Max(worst, -sign*(p.cells[r][p.columnOf[b+1]]-p.cells[r][p.columnOf[b]]))
		}
	}
	return worst
}

// groupsFrom lists the groups that a feature's intervals from bin b on fall into.
func (p *pairShape) groupsFrom(ft *scorecard.Feature, f, b int) []int {
	of := p.rowOf
	if p.b == f {
		of = p.columnOf
	}
	var list []int
	for ; b < ft.Bins(); b++ {
		if len(list) == 0 || list[len(list)-1] != of[b] {
			list = append(list, of[b])
		}
	}
	return list
}

// orderedGroups lists the groups that a feature's intervals fall into, in their order; none where it has no sign.
func orderedGroups(f *scorecard.Feature, of []int) []int {
	if f.Monotone == 0 || f.Kind != scorecard.Numeric {
		return nil
	}
	var list []int
	for b := f.FirstInterval(); b < f.Bins(); b++ {
		if len(list) == 0 || list[len(list)-1] != of[b] {
			list = append(list, of[b])
		}
	}
	return list
}

func (p *pairShape) enforce(n [][]float64, rows, columns []int, signA, signB int) {
	line := make([]float64, scorecard.MaxPairSide)
	weight := make([]float64, scorecard.MaxPairSide)
	for range 50 {
		for c := range p.cells[0] {
			for k, r := range rows {
				line[k], weight[k] = p.cells[r][c], n[r][c]
			}
			isotonic(line[:len(rows)], weight[:len(rows)], signA)
			for k, r := range rows {
				p.cells[r][c] = line[k]
			}
		}
		for r := range p.cells {
			for k, c := range columns {
				line[k], weight[k] = p.cells[r][c], n[r][c]
			}
			isotonic(line[:len(columns)], weight[:len(columns)], signB)
			for k, c := range columns {
				p.cells[r][c] = line[k]
			}
		}
		if len(rows) == 0 || len(columns) == 0 {
			return // one axis only: exact after one pass
		}
	}
	// The running extreme along one axis, then the other, satisfies both.
	for c := range p.cells[0] {
		for k := 1; k < len(rows); k++ {
			p.cells[rows[k]][c] = extreme(p.cells[rows[k-1]][c], p.cells[rows[k]][c], signA)
		}
	}
	for r := range p.cells {
		for k := 1; k < len(columns); k++ {
			p.cells[r][columns[k]] = extreme(p.cells[r][columns[k-1]], p.cells[r][columns[k]], signB)
		}
	}
}

func extreme(before, x float64, sign int) float64 {
	if sign > 0 {
		return math.Max(before, x)
	}
	return math.Min(before, x)
}

// isotonic replaces x by the nearest sequence in weighted least squares that never falls (sign 1) or never rises (-1).
func isotonic(x, weight []float64, sign int) {
	type block struct {
		sum, weight float64
		size        int
	}
	blocks := make([]block, 0, len(x))
	for i := range x {
		w := math.Max(weight[i], 1e-6)
		blocks = append(blocks, block{sum: w * x[i] * float64(sign), weight: w, size: 1})
		for k := len(blocks); k > 1 && blocks[k-2].sum/blocks[k-2].weight >= blocks[k-1].sum/blocks[k-1].weight; k-- {
			last := blocks[k-1]
			blocks = blocks[:k-1]
			blocks[k-2].sum += last.sum
			blocks[k-2].weight += last.weight
			blocks[k-2].size += last.size
		}
	}
	i := 0
	for _, b := range blocks {
		v := b.sum / b.weight * float64(sign)
		for range b.size {
			x[i] = v
			i++
		}
	}
	if !sort.SliceIsSorted(x, func(i, j int) bool { return float64(sign)*x[i] < float64(sign)*x[j] }) {
		for i := 1; i < len(x); i++ {
			x[i] = extreme(x[i-1], x[i], sign)
		}
	}
}
