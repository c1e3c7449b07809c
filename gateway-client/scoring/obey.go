package scoring

import "github.com/tallystick/tallystick/chaincode/credit/scorecard"

const (
	// obeySweeps bound the search. The sum of squares falls with every one; held-out rows gain nothing after these.
	obeySweeps = 30
	// obeyDoubt holds a cell where it is as if so much more weight agreed with it: cells of few rows would otherwise
	// take up whatever their rows lack.
	obeyDoubt = 20
)

// obey replaces the tables by tables that obey the signs, each by itself, and whose log-odds are as near as can be to
// what they were: weighted least squares over the training rows, the weight being the variance of the outcome that the
// free model predicts. What a table may no longer say, others take up where they can: all features' own tables and the
// pairs of features with a sign. One table after the other is fitted to what the others leave over and projected onto
// its signs; the sum is convex and the signs bind each table alone, so this goes towards the one optimum. The target is
// a model, not the outcomes, so nothing is learned from noise a second time. Slope and offset stay what they were.
func (s *shapes) obey(fr *Frame, train []int, n shapeCounts) {
	slope, offset := s.calibration(fr, train)
	free, weight := make([]float64, len(train)), make([]float64, len(train))
	for i, r := range train {
		free[i] = s.logit(fr, r)
		p := float64(float64(sigmoidFixed(int32(free[i]*logitUnit))) / probUnit)
		weight[i] = p * (1 - p)
	}
	s.enforce(fr, n)
	for i, r := range train {
		free[i] -= s.logit(fr, r)
	}
	w := obeyWork{frame: fr, shapes: s, weight: weight, lacking: free}
	for f, ft := range fr.Features {
		w.cells = append(w.cells, make([]uint8, len(train)))
		for i, r := range train {
			w.cells[f][i] = fr.Bins[f][r]
		}
		w.signed = append(w.signed, ft.Monotone != 0 && ft.Kind == scorecard.Numeric)
	}
	for i := range s.pairs {
		p := &s.pairs[i]
		cells := make([]uint8, len(train)) // at most 16 × 16
		for r := range cells {
			cells[r] = uint8(p.rowOf[w.cells[p.a][r]]*len(p.cells[0]) + p.columnOf[w.cells[p.b][r]])
		}
		w.pairCells = append(w.pairCells, cells)
	}
	for range obeySweeps {
		for f := range s.mains {
			w.fitMain(f)
		}
		for i := range s.pairs {
			if w.signed[s.pairs[i].a] || w.signed[s.pairs[i].b] {
				w.fitPair(i)
			}
		}
	}
	s.centre(n)
	slopeNow, offsetNow := s.calibration(fr, train)
	s.scale(slopeNow/slope, (offsetNow-offset)/slope)
}

// calibration is the slope and offset by which the log-odds predict the training rows best.
func (s *shapes) calibration(fr *Frame, train []int) (slope, offset float64) {
	logits, bad := make([]float64, len(train)), make([]bool, len(train))
	for i, r := range train {
		logits[i], bad[i] = s.logit(fr, r), fr.Bad[r]
	}
	return recalibration(logits, bad)
}

// obeyWork is the state of obey: what the tables still lack of the free model's log-odds, by training row.
type obeyWork struct {
	frame           *Frame
	shapes          *shapes
	signed          []bool    // by feature
	cells           [][]uint8 // by feature, by training row
	pairCells       [][]uint8
	weight, lacking []float64
}

// wanted adds to a table, cell by cell, what its rows lack on average. It returns the cells' weights.
func (w *obeyWork) wanted(of []uint8, table *[256]float64, cells int) *[256]float64 {
	var weight, sum [256]float64
	for i, c := range of {
		weight[c] += w.weight[i]
		sum[c] += float64(w.weight[i] * w.lacking[i])
	}
	for c := range cells {
		weight[c] += obeyDoubt
		table[c] += sum[c] / weight[c]
	}
	return &weight
}

// settle subtracts a table's change from what its rows lack.
func (w *obeyWork) settle(of []uint8, before, after *[256]float64) {
	var step [256]float64
	for c := range step {
		step[c] = after[c] - before[c]
	}
	for i, c := range of {
		w.lacking[i] -= step[c]
	}
}

func (w *obeyWork) fitMain(f int) {
	var before, table [256]float64
	main := w.shapes.mains[f]
	copy(before[:], main)
	table = before
	weight := w.wanted(w.cells[f], &table, len(main))
	if ft := &w.frame.Features[f]; w.signed[f] {
		first := ft.FirstInterval()
		isotonic(table[first:len(main)], weight[first:len(main)], ft.Monotone)
	}
	copy(main, table[:])
	w.settle(w.cells[f], &before, &table)
}

func (w *obeyWork) fitPair(i int) {
	var before, table [256]float64
	p := &w.shapes.pairs[i]
	side := len(p.cells[0])
	for r, row := range p.cells {
		copy(before[r*side:], row)
	}
	table = before
	weight := w.wanted(w.pairCells[i], &table, len(p.cells)*side)
	rows := make([][]float64, len(p.cells))
	for r := range p.cells {
		rows[r] = weight[r*side : (r+1)*side]
		copy(p.cells[r], table[r*side:])
	}
	a, b := &w.frame.Features[p.a], &w.frame.Features[p.b]
	p.enforce(rows, orderedGroups(a, p.rowOf), orderedGroups(b, p.columnOf), a.Monotone, b.Monotone)
	for r, row := range p.cells {
		copy(table[r*side:], row)
	}
	w.settle(w.pairCells[i], &before, &table)
}
