package scoring

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/optimize"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// design is a linear model's view of a frame: every column is a number for each bin of one feature.
type design struct {
	feature []int
	at      [][]float64 // by column, by bin
}

// logisticDesign has a standardised value and a "missing" flag for each numeric feature and a flag for each level.
func logisticDesign(fr *Frame, train []int) design {
	var d design
	for f := range fr.Features {
		ft := &fr.Features[f]
		bins := make([]uint8, len(train))
		for i, r := range train {
			bins[i] = fr.Bins[f][r]
		}
		if ft.Kind == scorecard.Numeric {
			lines := newFeatureLines(ft, bins, treeOptions{})
			if len(lines) > 0 {
				d.add(f, lines[len(lines)-1].(*featureLine).at) // the values, not their ranks
			}
		}
		for b := range ft.Bins() {
			if ft.Kind == scorecard.Numeric && b >= ft.FirstInterval() {
				break
			}
			flag := make([]float64, ft.Bins())
			flag[b] = 1
			d.add(f, flag)
		}
	}
	return d
}

// woeDesign has one column a feature: the weight of evidence of its bins, smoothed (Good 1950; Siddiqi 2006).
func woeDesign(fr *Frame, train []int) design {
	var d design
	var bads float64
	for _, r := range train {
		bads += outcome(fr.Bad[r])
	}
	rate := bads / float64(len(train))
	for f := range fr.Features {
		woe := make([]float64, fr.Features[f].Bins())
		rows, bad := make([]float64, len(woe)), make([]float64, len(woe))
		for _, r := range train {
			b := fr.Bins[f][r]
			rows[b]++
			bad[b] += outcome(fr.Bad[r])
		}
		const smoothing = 10
		for b := range woe {
			p := (bad[b] + smoothing*rate) / (rows[b] + smoothing)
			woe[b] = math.Log(p/(1-p)) - math.Log(rate/(1-rate))
		}
		d.add(f, woe)
	}
	return d
}

func (d *design) add(f int, at []float64) {
	d.feature = append(d.feature, f)
	d.at = append(d.at, at)
}

// fitLinear fits a ridge logistic regression over a design and returns it as shapes. The ridge is chosen inside the
// training rows, by five-fold log-loss.
func fitLinear(fr *Frame, train []int, d design, seed uint64) *shapes {
	bad := make([]bool, len(train))
	for i, r := range train {
		bad[i] = fr.Bad[r]
	}
	ridges := []float64{0.3, 3, 30, 300}
	const parts = 5
	part := stratified(bad, parts, rand.New(rand.NewPCG(seed, 0)))
	loss := make([]float64, len(ridges)*parts)
	parallel(len(loss), func(i int) {
		ridge, k := ridges[i/parts], i%parts
		var in, out []int
		for j, r := range train {
			if part[j] == k {
				out = append(out, r)
			} else {
				in = append(in, r)
			}
		}
		w := ridgeLogistic(fr, in, d, ridge)
		for _, r := range out {
			x := d.logit(fr, r, w)
			if fr.Bad[r] {
				x = -x
			}
			loss[i] += math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
		}
	})
	best, bestLoss := 0, math.Inf(1)
	for i := range ridges {
		sum := 0.0
		for k := range parts {
			sum += loss[i*parts+k]
		}
		if sum < bestLoss-1e-6 {
			best, bestLoss = i, sum
		}
	}
	w := ridgeLogistic(fr, train, d, ridges[best])
	s := &shapes{intercept: w[0]}
	for f := range fr.Features {
		s.mains = append(s.mains, make([]float64, fr.Features[f].Bins()))
	}
	for j, f := range d.feature {
		for b, x := range d.at[j] {
			s.mains[f][b] += w[j+1] * x
		}
	}
	s.centre(s.count(fr, train))
	return s
}

func (d *design) logit(fr *Frame, row int, w []float64) float64 {
	x := w[0]
	for j, f := range d.feature {
		x += w[j+1] * d.at[j][fr.Bins[f][row]]
	}
	return x
}

// ridgeLogistic minimises the negative log-likelihood plus half the ridge times the squared weights (L-BFGS, gonum).
func ridgeLogistic(fr *Frame, rows []int, d design, ridge float64) []float64 {
	residual := make([]float64, len(rows))
	logits := make([]float64, len(rows))
	evaluate := func(w []float64) {
		for i := range logits {
			logits[i] = w[0]
		}
		for j, f := range d.feature {
			at, bins := d.at[j], fr.Bins[f]
			for i, r := range rows {
				logits[i] += w[j+1] * at[bins[r]]
			}
		}
	}
	problem := optimize.Problem{
		Func: func(w []float64) float64 {
			evaluate(w)
			loss := 0.0
			for i, r := range rows {
				x := logits[i]
				if fr.Bad[r] {
					x = -x
				}
				loss += math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
			}
			for _, v := range w[1:] {
				loss += ridge / 2 * v * v
			}
			return loss / float64(len(rows))
		},
		Grad: func(grad, w []float64) {
			evaluate(w)
			clear(grad)
			n := float64(len(rows))
			for i, r := range rows {
				residual[i] = (1/(1+math.Exp(-logits[i])) - outcome(fr.Bad[r])) / n
				grad[0] += residual[i]
			}
			for j, f := range d.feature {
				at, bins := d.at[j], fr.Bins[f]
				g := 0.0
				for i, r := range rows {
					g += residual[i] * at[bins[r]]
				}
				grad[j+1] = g + ridge*w[j+1]/n
			}
		},
	}
	start := make([]float64, len(d.feature)+1)
	bads := 0.0
	for _, r := range rows {
		bads += outcome(fr.Bad[r])
	}
	start[0] = math.Log(bads / (float64(len(rows)) - bads))
	settings := &optimize.Settings{MajorIterations: 200, GradientThreshold: 1e-6, Concurrent: 0}
	result, err := optimize.Minimize(problem, start, settings, &optimize.LBFGS{})
	if result == nil || err != nil && len(result.X) == 0 {
		return start
	}
	return result.X // also where the iterations ran out: it is the best point so far
}
