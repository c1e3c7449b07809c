package validation

import (
	"math"
	"sort"

	"github.com/tallystick/tallystick/gateway-client/scoring"
)

// Comparison is a challenger that was scored in shadow, on the rows whose outcome is known.
type Comparison struct {
	Name       string  `json:"name"`
	Hash       string  `json:"hash"`
	AUC        float64 `json:"auc"`
	KS         float64 `json:"ks"`
	LogLoss    float64 `json:"logloss"`
	ECE        float64 `json:"ece"`
	Difference float64 `json:"auc_difference"` // challenger less champion
	Low        float64 `json:"auc_difference_low"`
	High       float64 `json:"auc_difference_high"` // 95 % confidence interval (DeLong et al. 1988)
	// At the approval rate of the champion: whom only one of the two would approve, and how many of them were bad.
	SwappedIn  Swap `json:"swapped_in"`  // only the challenger approves
	SwappedOut Swap `json:"swapped_out"` // only the champion approves
}

// Swap is a group of rows with known outcomes.
type Swap struct {
	Rows    int     `json:"rows"`
	BadRate float64 `json:"bad_rate"` // 0 where there are none
}

func compare(champion, challenger *sample, known outcomes, cut float64) *Comparison {
	old, young := negated(known.of(champion.points)), negated(known.of(challenger.points))
	pd := known.of(challenger.pd)
	c := &Comparison{AUC: scoring.AUC(young, known.bad), KS: scoring.KS(young, known.bad), LogLoss: scoring.LogLoss(pd, known.bad), ECE: scoring.ECE(pd, known.bad)}
	var error float64
	c.Difference, error = delong(young, old, known.bad)
	c.Low, c.High = c.Difference-1.959964*error, c.Difference+1.959964*error

	approved := 0
	for _, p := range champion.points {
		if p >= cut {
			approved++
		}
	}
	sorted := append([]float64(nil), challenger.points...)
	sort.Float64s(sorted)
	cutYoung := math.Inf(1)
	if approved > 0 {
		cutYoung = sorted[len(sorted)-approved]
	}
	for i, r := range known.rows {
		before, after := champion.points[r] >= cut, challenger.points[r] >= cutYoung
		s := &c.SwappedIn
		switch {
		case before == after:
			continue
		case before:
			s = &c.SwappedOut
		}
		s.Rows++
		if known.bad[i] {
			s.BadRate++
		}
	}
	for _, s := range []*Swap{&c.SwappedIn, &c.SwappedOut} {
		if s.Rows > 0 {
			s.BadRate /= float64(s.Rows)
		}
	}
	return c
}

// delong is the difference of two AUCs on the same rows and its standard error (DeLong, DeLong, Clarke-Pearson 1988, by
// the ranks of Sun and Xu 2014).
func delong(a, b []float64, bad []bool) (difference, standardError float64) {
	placeA, placeB := placements(a, bad), placements(b, bad)
	var mean [2]float64
	var n [2]float64
	for i, x := range bad {
		k := class(x)
		mean[k] += placeA[i] - placeB[i]
		n[k]++
	}
	var variance [2]float64
	for k := range mean {
		mean[k] /= n[k]
	}
	for i, x := range bad {
		k := class(x)
		d := placeA[i] - placeB[i] - mean[k]
		variance[k] += d * d
	}
	for k := range variance {
		variance[k] /= math.Max(1, n[k]-1) * n[k]
	}
	return mean[1], math.Sqrt(variance[0] + variance[1])
}

func class(bad bool) int {
	if bad {
		return 1
	}
	return 0
}

// placements gives every row the share of the other class that it is ranked rightly against, ties counting half.
func placements(risk []float64, bad []bool) []float64 {
	order := make([]int, len(risk))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(x, y int) bool { return risk[order[x]] < risk[order[y]] })
	var n [2]float64
	for _, x := range bad {
		n[class(x)]++
	}
	share := make([]float64, len(risk))
	var below [2]float64
	for i := 0; i < len(order); {
		j := i
		var tied [2]float64
		for ; j < len(order) && risk[order[j]] == risk[order[i]]; j++ {
			tied[class(bad[order[j]])]++
		}
		for ; i < j; i++ {
			r := order[i]
			if bad[r] {
				share[r] = (below[0] + tied[0]/2) / n[0]
			} else {
				share[r] = (n[1] - below[1] - tied[1]/2) / n[1]
			}
		}
		below[0] += tied[0]
		below[1] += tied[1]
	}
	return share
}
