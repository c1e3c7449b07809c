package scoring

import (
	"math"
	"sort"
)

// AUC is the area under the ROC curve of a risk (higher = worse) against the outcome: the probability that a bad one
// ranks above a good one, ties counting half (Mann–Whitney U). NaN where a class is absent.
func AUC(risk []float64, bad []bool) float64 {
	order := byRisk(risk)
	var rankSum, bads float64
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && risk[order[j]] == risk[order[i]] {
			j++
		}
		mean := float64(float64(i+j+1) / 2)
		for ; i < j; i++ {
			if bad[order[i]] {
				rankSum += mean
				bads++
			}
		}
	}
	goods := float64(len(risk)) - bads
	return (rankSum - float64(bads*(bads+1)/2)) / (bads * goods)
}

// KS is the Kolmogorov–Smirnov statistic: the largest distance between the distributions of the two classes.
func KS(risk []float64, bad []bool) float64 {
	order := byRisk(risk)
	var bads, goods, b, g, best float64
	for _, x := range bad {
		if x {
			bads++
		} else {
			goods++
		}
	}
	for i := 0; i < len(order); {
		j := i
		for ; j < len(order) && risk[order[j]] == risk[order[i]]; j++ {
			if bad[order[j]] {
				b++
			} else {
				g++
			}
		}
		i = j
		best = math.Max(best, math.Abs(b/bads-g/goods))
	}
	return best
}

// Brier is the mean squared error of a probability.
func Brier(p []float64, bad []bool) float64 {
	sum := 0.0
	for i := range p {
		d := p[i] - outcome(bad[i])
		sum += float64(d * d)
	}
	return sum / float64(len(p))
}

// LogLoss is the mean negative log-likelihood; probabilities are held within a millionth of 0 and 1.
func LogLoss(p []float64, bad []bool) float64 {
	sum := 0.0
	for i := range p {
		q := math.Min(math.Max(p[i], 1e-6), 1-1e-6)
		if bad[i] {
			sum -= math.Log(q)
		} else {
			sum -= math.Log1p(-q)
		}
	}
	return sum / float64(len(p))
}

// ECE is the expected calibration error over ten bands of equal size: the mean distance between predicted and
// observed rate, weighted by the rows in the band.
func ECE(p []float64, bad []bool) float64 {
	order := byRisk(p)
	const bands = 10
	sum := 0.0
	for k := range bands {
		from, to := len(order)*k/bands, len(order)*(k+1)/bands
		d := 0.0
		for _, i := range order[from:to] {
			d += p[i] - outcome(bad[i])
		}
		sum += math.Abs(d)
	}
	return sum / float64(len(p))
}

func outcome(bad bool) float64 {
	if bad {
		return 1
	}
	return 0
}

func byRisk(risk []float64) []int {
	order := make([]int, len(risk))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return risk[order[a]] < risk[order[b]] })
	return order
}
