package validation

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// Significance of the test of all bands together; each band is tested at a share of it (Bonferroni).
const Significance = 0.05

// CalibrationBand compares the predicted with the observed bad rate of a tenth of the rows.
type CalibrationBand struct {
	FromPoints int64   `json:"from_points"`
	ToPoints   int64   `json:"to_points"`
	Rows       int     `json:"rows"`
	Bad        int     `json:"bad"`
	Predicted  float64 `json:"predicted"`
	Observed   float64 `json:"observed"`
	PValue     float64 `json:"p_value"` // two-sided binomial test
	Deviates   bool    `json:"deviates"`
}

// calibration cuts the rows into ten bands of about equal size, equal points together.
func calibration(points, pd []float64, bad []bool) []CalibrationBand {
	order := make([]int, len(points))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return points[order[a]] < points[order[b]] })
	var list []CalibrationBand
	for from := 0; from < len(order); {
		to := max(from+1, len(order)*(len(list)+1)/10)
		for to < len(order) && points[order[to]] == points[order[to-1]] {
			to++
		}
		b := CalibrationBand{FromPoints: int64(points[order[from]]), ToPoints: int64(points[order[to-1]]), Rows: to - from}
		for _, i := range order[from:to] {
			b.Predicted += pd[i] / float64(b.Rows)
			if bad[i] {
				b.Bad++
			}
		}
		b.Observed = float64(b.Bad) / float64(b.Rows)
		b.PValue = BinomialTest(b.Bad, b.Rows, b.Predicted)
		list = append(list, b)
		from = to
	}
	for i := range list {
		list[i].Deviates = list[i].PValue < Significance/float64(len(list))
	}
	return list
}

// BinomialTest is the two-sided p-value of so many bad ones among n of which each is bad with probability p: twice the
// smaller tail, at most 1.
func BinomialTest(bad, n int, p float64) float64 {
	d := distuv.Binomial{N: float64(n), P: p}
	low := d.CDF(float64(bad))
	high := 1.0
	if bad > 0 {
		high = 1 - d.CDF(float64(bad-1))
	}
	return math.Max(0, math.Min(1, 2*math.Min(low, high)))
}
