package validation

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// Reading of a stability index, after Siddiqi 2006, Credit Risk Scorecards, chapter 9.
const (
	PSIStable  = 0.10
	PSIShifted = 0.25
)

// Stability compares the population of today with the one that the model was made on.
type Stability struct {
	Reference string             `json:"reference"` // what is compared with
	PSI       float64            `json:"psi"`       // of the score
	Chance    float64            `json:"chance"`    // what so few rows reach without any shift, in 95 of 100 cases
	Shifted   bool               `json:"shifted"`   // above PSIShifted and above chance
	Bands     []StabilityBand    `json:"bands"`
	Features  []FeatureStability `json:"features"` // the least stable first
}

// StabilityBand is a tenth of the reference population, and the share of today's that falls into it.
type StabilityBand struct {
	FromPoints int64   `json:"from_points"` // the lowest band has no lower end
	Expected   float64 `json:"expected"`
	Observed   float64 `json:"observed"`
}

// FeatureStability is the index over the bins of one feature.
type FeatureStability struct {
	Feature string  `json:"feature"`
	PSI     float64 `json:"psi"`
	Chance  float64 `json:"chance"` // the five of 100 shared among the features
	Shifted bool    `json:"shifted"`
}

// Chance is the stability index that rows of one population do not exceed with the given confidence, though they are drawn
// twice: about χ² of one degree of freedom less than there are filled bands, × (1 ÷ n + 1 ÷ m) (Yurdakul 2018, Statistical
// Properties of Population Stability Index, chapter 3).
func Chance(before, after []int, confidence float64) float64 {
	var n, m, filled float64
	for k := range before {
		n, m = n+float64(before[k]), m+float64(after[k])
		if before[k]+after[k] > 0 {
			filled++
		}
	}
	if filled < 2 || n == 0 || m == 0 {
		return 0
	}
	return distuv.ChiSquared{K: filled - 1}.Quantile(confidence) * (1/n + 1/m)
}

// shift measures before against after; the chance of a false alarm is shared among the comparisons.
func shift(before, after []int, comparisons int) (psi, chance float64, shifted bool) {
	psi, chance = PSI(before, after), Chance(before, after, 1-0.05/float64(comparisons))
	return psi, chance, psi > math.Max(PSIShifted, chance)
}

// PSI is the population stability index between two counts of rows by band: Σ (b − a) ln(b ÷ a) over the shares. Half a
// row more in every band keeps an empty one finite.
func PSI(before, after []int) float64 {
	var n, m float64
	for k := range before {
		n += float64(before[k]) + 0.5
		m += float64(after[k]) + 0.5
	}
	sum := 0.0
	for k := range before {
		a, b := (float64(before[k])+0.5)/n, (float64(after[k])+0.5)/m
		sum += (b - a) * math.Log(b/a)
	}
	return sum
}

// scoreBands cuts points at the reference's tenths; equal points stay together, so there may be fewer bands than ten.
func scoreBands(reference []float64) []float64 {
	sorted := append([]float64(nil), reference...)
	sort.Float64s(sorted)
	var from []float64
	for k := 1; k < 10; k++ {
		if v := sorted[len(sorted)*k/10]; v > sorted[0] && (len(from) == 0 || v > from[len(from)-1]) {
			from = append(from, v)
		}
	}
	return from
}

func countBands(points, from []float64) []int {
	counts := make([]int, len(from)+1)
	for _, p := range points {
		counts[sort.Search(len(from), func(i int) bool { return from[i] > p })]++
	}
	return counts
}

func stability(card *scorecard.Scorecard, name string, before, after *sample) *Stability {
	from := scoreBands(before.points)
	a, b := countBands(before.points, from), countBands(after.points, from)
	s := &Stability{Reference: name}
	s.PSI, s.Chance, s.Shifted = shift(a, b, 1)
	for k := range a {
		band := StabilityBand{Expected: float64(a[k]) / float64(len(before.points)), Observed: float64(b[k]) / float64(len(after.points))}
		if k > 0 {
			band.FromPoints = int64(from[k-1])
		}
		s.Bands = append(s.Bands, band)
	}
	for f := range card.Features {
		one := FeatureStability{Feature: card.Features[f].Name}
		one.PSI, one.Chance, one.Shifted = shift(before.bins[f], after.bins[f], len(card.Features))
		s.Features = append(s.Features, one)
	}
	sort.SliceStable(s.Features, func(i, j int) bool { return s.Features[i].PSI > s.Features[j].PSI })
	return s
}
