package scoring

import (
	"math"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// shapes is an additive model before it is rounded: log-odds of bad by bin, in the bins of a frame.
type shapes struct {
	intercept float64
	mains     [][]float64
	pairs     []pairShape
}

// pairShape is a table over the coarse groups of two features' bins.
type pairShape struct {
	a, b            int
	rowOf, columnOf []int
	cells           [][]float64
}

// logit adds the shapes up for one row of the frame.
func (s *shapes) logit(fr *Frame, row int) float64 {
	x := s.intercept
	for f, main := range s.mains {
		x += main[fr.Bins[f][row]]
	}
	for i := range s.pairs {
		p := &s.pairs[i]
		x += p.cells[p.rowOf[fr.Bins[p.a][row]]][p.columnOf[fr.Bins[p.b][row]]]
	}
	return x
}

// counts of training rows by feature and bin, and by pair and cell.
type shapeCounts struct {
	mains [][]float64
	pairs [][][]float64
}

func (s *shapes) count(fr *Frame, train []int) shapeCounts {
	var n shapeCounts
	for f, main := range s.mains {
		c := make([]float64, len(main))
		for _, r := range train {
			c[fr.Bins[f][r]]++
		}
		n.mains = append(n.mains, c)
	}
	for i := range s.pairs {
		p := &s.pairs[i]
		c := make([][]float64, len(p.cells))
		for r := range c {
			c[r] = make([]float64, len(p.cells[r]))
		}
		for _, r := range train {
			c[p.rowOf[fr.Bins[p.a][r]]][p.columnOf[fr.Bins[p.b][r]]]++
		}
		n.pairs = append(n.pairs, c)
	}
	return n
}

// purify moves what a pair's table says about one feature alone into that feature's own table (functional ANOVA:
// Lengerich et al. 2020, "Purifying interaction effects"), then centres every table on the training rows. The model's
// log-odds do not change.
func (s *shapes) purify(n shapeCounts) {
	for i := range s.pairs {
		p := &s.pairs[i]
		for range 20 {
			for r := range p.cells {
				var sum, rows float64
				for c := range p.cells[r] {
					sum += float64(p.cells[r][c] * n.pairs[i][r][c])
					rows += n.pairs[i][r][c]
				}
				if rows == 0 {
					continue
				}
				m := sum / rows
				for c := range p.cells[r] {
					p.cells[r][c] -= m
				}
				for b, to := range p.rowOf {
					if to == r {
						s.mains[p.a][b] += m
					}
				}
			}
			for c := range p.cells[0] {
				var sum, rows float64
				for r := range p.cells {
					sum += float64(p.cells[r][c] * n.pairs[i][r][c])
					rows += n.pairs[i][r][c]
				}
				if rows == 0 {
					continue
				}
				m := sum / rows
				for r := range p.cells {
					p.cells[r][c] -= m
				}
				for b, to := range p.columnOf {
					if to == c {
						s.mains[p.b][b] += m
					}
				}
			}
		}
	}
	s.centre(n)
}

// centre makes the mean of every feature's table zero over the training rows, and moves the rest to the intercept.
func (s *shapes) centre(n shapeCounts) {
	for f, main := range s.mains {
		var sum, rows float64
		for b := range main {
			sum += float64(main[b] * n.mains[f][b])
			rows += n.mains[f][b]
		}
		m := sum / rows
		for b := range main {
			main[b] -= m
		}
		s.intercept += m
	}
}

// neutral gives bins and cells without training rows no effect.
func (s *shapes) neutral(fr *Frame, n shapeCounts) {
	for f, main := range s.mains {
		first := fr.Features[f].FirstInterval()
		if fr.Features[f].Kind == scorecard.Categorical {
			first = fr.Features[f].Bins()
		}
		for b := range min(first, len(main)) {
			if n.mains[f][b] == 0 {
				main[b] = 0
			}
		}
	}
	for i := range s.pairs {
		for r, row := range s.pairs[i].cells {
			for c := range row {
				if n.pairs[i][r][c] == 0 && (emptyRow(n.pairs[i], r) || emptyColumn(n.pairs[i], c)) {
					row[c] = 0
				}
			}
		}
	}
}

func emptyRow(n [][]float64, r int) bool {
	for _, x := range n[r] {
		if x > 0 {
			return false
		}
	}
	return true
}

func emptyColumn(n [][]float64, c int) bool {
	for _, row := range n {
		if row[c] > 0 {
			return false
		}
	}
	return true
}

// scale multiplies every table, and the log-odds, by a slope and adds an offset.
func (s *shapes) scale(slope, offset float64) {
	s.intercept = float64(s.intercept*slope) + offset
	for _, main := range s.mains {
		for b := range main {
			main[b] *= slope
		}
	}
	for i := range s.pairs {
		for _, row := range s.pairs[i].cells {
			for c := range row {
				row[c] *= slope
			}
		}
	}
}

// importance of a pair: the mean absolute log-odds over the training rows.
func pairImportance(cells, n [][]float64) float64 {
	var sum, rows float64
	for r := range cells {
		for c := range cells[r] {
			sum += float64(math.Abs(cells[r][c]) * n[r][c])
			rows += n[r][c]
		}
	}
	return sum / rows
}

// recalibration finds the slope and offset of log-odds that predict the outcome best (Platt scaling by Newton's
// method), rounded to 2^-20, so that the last bits of the machine's arithmetic do not show.
func recalibration(logits []float64, bad []bool) (slope, offset float64) {
	slope = 1
	for range 50 {
		var g0, g1, h00, h01, h11 float64
		for i, x := range logits {
			p := 1 / (1 + math.Exp(-(float64(slope*x) + offset)))
			d, w := outcome(bad[i])-p, float64(p*(1-p))
			g0 += d
			g1 += float64(d * x)
			h00 += w
			h01 += float64(w * x)
			h11 += float64(float64(w*x) * x)
		}
		h00 += 1e-9
		h11 += 1e-3 // holds the slope where it has nothing to go by
		g1 -= float64(1e-3 * (slope - 1))
		det := float64(h00*h11) - float64(h01*h01)
		if det <= 1e-12 {
			break
		}
		d0 := (float64(h11*g0) - float64(h01*g1)) / det
		d1 := (float64(h00*g1) - float64(h01*g0)) / det
		offset += d0
		slope += d1
		if math.Abs(d0)+math.Abs(d1) < 1e-10 {
			break
		}
	}
	if math.IsNaN(slope) || math.IsNaN(offset) || slope <= 0 {
		return 1, 0
	}
	const unit = 1 << 20
	return math.Round(slope*unit) / unit, math.Round(offset*unit) / unit
}
