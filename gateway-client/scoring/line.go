package scoring

import (
	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// featureLine fits a straight line over the intervals of a numeric feature, or shrunk levels of a categorical one. A
// model of lines is stiffer than one of trees; on small sets the mean of both is better than either.
type featureLine struct {
	at     []float64 // position of each bin, centred and scaled; only of intervals
	first  int       // first interval; bins below get a step of their own
	lambda float64
	minN   int32
}

// newFeatureLines returns the lines to choose from for one feature: over ranks and over values, or the levels.
func newFeatureLines(f *scorecard.Feature, bins []uint8, o treeOptions) []treeFitter {
	n := f.Bins()
	if f.Kind == scorecard.Categorical {
		return []treeFitter{&featureLine{first: n, lambda: o.lambdaCats, minN: o.minRows}}
	}
	first := f.FirstInterval()
	rows := make([]float64, n)
	for _, b := range bins {
		rows[b]++
	}
	rank, value := make([]float64, n), make([]float64, n)
	below := 0.0
	for b := first; b < n; b++ {
		rank[b] = below + float64(rows[b]/2)
		below += rows[b]
		i := b - first
		switch {
		case len(f.Edges) == 0:
		case i == 0:
			value[b] = float64(f.Edges[0])
			if len(f.Edges) > 1 {
				value[b] -= float64(float64(f.Edges[1]-f.Edges[0]) / 2)
			}
		case i == len(f.Edges):
			value[b] = float64(f.Edges[i-1])
			if len(f.Edges) > 1 {
				value[b] += float64(float64(f.Edges[i-1]-f.Edges[i-2]) / 2)
			}
		default:
			value[b] = (float64(f.Edges[i-1]) + float64(f.Edges[i])) / 2
		}
	}
	var list []treeFitter
	for _, at := range [][]float64{rank, value} {
		if standardise(at[first:], rows[first:]) {
			list = append(list, &featureLine{at: at, first: first, lambda: o.lambda, minN: o.minRows})
		}
	}
	return list
}

func standardise(x, weight []float64) bool {
	var n, sum float64
	for i := range x {
		n += weight[i]
		sum += float64(x[i] * weight[i])
	}
	if n == 0 {
		return false
	}
	mean := sum / n
	var square float64
	for i := range x {
		x[i] -= mean
		square += float64(float64(x[i]*x[i]) * weight[i])
	}
	if square <= 0 {
		return false
	}
	scale := sqrt(square / n)
	for i := range x {
		x[i] /= scale
	}
	return true
}

func (t *featureLine) fitTree(hist *histogram, step []float64) float64 {
	gain := 0.0
	for b := range t.first {
		step[b] = 0
		if hist.n[b] >= t.minN {
			step[b] = hist.g[b] / (hist.h[b] + t.lambda)
			gain += score(hist.g[b], hist.h[b], t.lambda)
		}
	}
	var g, h, xg, xh, xxh float64
	for b := t.first; b < len(t.at); b++ {
		x := t.at[b]
		g += hist.g[b]
		h += hist.h[b]
		xg += float64(x * hist.g[b])
		xh += float64(x * hist.h[b])
		xxh += float64(float64(x*x) * hist.h[b])
	}
	if h <= 0 {
		return gain
	}
	mean := xh / h
	spread := xxh - float64(mean*xh) + t.lambda
	slope := (xg - float64(mean*g)) / spread
	gain += float64(slope * (xg - float64(mean*g)))
	level := g / (h + t.lambda)
	for b := t.first; b < len(t.at); b++ {
		step[b] = level + float64(slope*(t.at[b]-mean))
	}
	return gain
}

// blendLines boosts a second model of lines on bags of their own cut, and mixes it into the trees' tables and log-odds
// with the weight that predicts held-out rows best. Both are additive over the same bins, so their mean is too. The
// optimum is flat and noisy on small sets: the most even weight that is within one unit of log-likelihood of the best
// one is taken.
func blendLines(fr *Frame, cols [][]uint8, bags []*bag, mains [][]float64, bad []bool, base int32, o additiveOptions) {
	second := drawBags(bad, base, o) // the same rows, bag by bag
	var tables []additiveTable
	var feature []int
	for f := range fr.Features {
		for _, fit := range newFeatureLines(&fr.Features[f], cols[f], o.line) {
			tables = append(tables, additiveTable{cells: fr.Features[f].Bins(), of: cols[f], fit: fit})
			feature = append(feature, f)
		}
	}
	parallel(len(second), func(i int) { second[i].begin(tables) })
	steps := boostStage(second, bad, o.lineSteps)
	lines := meanTables(second, steps)

	const parts = 16
	x, _ := outOfBag(bags, len(bad), heldOutLogits)
	y, _ := outOfBag(second, len(bad), heldOutLogits)
	mix := func(x, y int32, w int) int32 { return int32((int64(x)*int64(parts-w) + int64(y)*int64(w)) / parts) }
	var loss [parts + 1]int64
	best := 0
	for w := range loss {
		for i := range bad {
			loss[w] += lossFixed(mix(x[i], y[i], w), bad[i])
		}
		if loss[w] < loss[best] {
			best = w
		}
	}
	weight := best
	for w := range loss {
		if loss[w] <= loss[best]+lossUnit && distance(w, parts/2) < distance(weight, parts/2) {
			weight = w
		}
	}
	for f := range mains {
		for b := range mains[f] {
			mains[f][b] *= float64(parts-weight) / parts
		}
	}
	for i, f := range feature {
		for b := range mains[f] {
			mains[f][b] += float64(lines[i][b] * (float64(weight) / parts))
		}
	}
	for i, b := range bags {
		for k := range b.logit {
			b.logit[k] = mix(b.logit[k], second[i].logit[k], weight)
		}
	}
}

func distance(a, b int) int { return max(a-b, b-a) }
