package scoring

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
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
			p := (bad[b] + float64(smoothing*rate)) / (rows[b] + smoothing)
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
	settle(fr, train, d, ridges[best], w)
	s := &shapes{intercept: w[0]}
	for f := range fr.Features {
		s.mains = append(s.mains, make([]float64, fr.Features[f].Bins()))
	}
	for j, f := range d.feature {
		for b, x := range d.at[j] {
			s.mains[f][b] += float64(w[j+1] * x)
		}
	}
	s.centre(s.count(fr, train))
	return s
}

func (d *design) logit(fr *Frame, row int, w []float64) float64 {
	x := w[0]
	for j, f := range d.feature {
		x += float64(w[j+1] * d.at[j][fr.Bins[f][row]])
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
				logits[i] += float64(w[j+1] * at[bins[r]])
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
				loss += float64(ridge / 2 * v * v)
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
					g += float64(residual[i] * at[bins[r]])
				}
				grad[j+1] = g + float64(ridge*w[j+1]/n)
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

const (
	maxSettled = 160  // columns; the second derivatives of more take too long
	settleUnit = 1e-7 // to which weights are rounded
)

// settle takes weights that are near the optimum to it, by Newton's method, and rounds them. L-BFGS stops where its
// path has led it, which depends on how the processor adds; the optimum does not, so the rounded weights are the same
// everywhere. It leaves designs of more than maxSettled columns alone.
func settle(fr *Frame, rows []int, d design, ridge float64, w []float64) {
	n := len(w)
	if n > maxSettled {
		return
	}
	x := make([]float64, n)
	for range 20 {
		gradient, second := make([]float64, n), make([]float64, n*n)
		for j := 1; j < n; j++ {
			gradient[j] = float64(ridge * w[j])
			second[j*n+j] = ridge
		}
		for _, r := range rows {
			x[0] = 1
			for j, f := range d.feature {
				x[j+1] = d.at[j][fr.Bins[f][r]]
			}
			p := 1 / (1 + math.Exp(-d.logit(fr, r, w)))
			residual, weight := p-outcome(fr.Bad[r]), float64(p*(1-p))
			for j, a := range x {
				if a == 0 {
					continue
				}
				gradient[j] += float64(residual * a)
				wa := float64(weight * a)
				for k := j; k < n; k++ {
					second[j*n+k] += float64(wa * x[k])
				}
			}
		}
		var factor mat.Cholesky
		step := mat.NewVecDense(n, nil)
		if !factor.Factorize(mat.NewSymDense(n, second)) || factor.SolveVecTo(step, mat.NewVecDense(n, gradient)) != nil {
			break
		}
		largest := 0.0
		for j := range w {
			w[j] -= step.AtVec(j)
			largest = math.Max(largest, math.Abs(step.AtVec(j)))
		}
		if largest < 1e-12 {
			break
		}
	}
	for j := range w {
		w[j] = math.Round(w[j]/settleUnit) * settleUnit
	}
}
