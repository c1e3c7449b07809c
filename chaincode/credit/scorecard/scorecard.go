// Package scorecard is the model that a bank registers: an additive points table over binned features, with small
// tables for pairs of features. It is integers only, so adding it up gives the same points on every peer and in the
// client, and the reasons that it gives are the calculation itself, not an approximation of one.
//
// How to use it:
//
//	card, err := scorecard.Parse(bytes)          // checks everything; a card from elsewhere needs card.Validate()
//	hash, err := card.Hash()                     // SHA-256 of the canonical bytes: the model's identity
//	vector, err := card.Bin(values)              // raw integers → one bin index a feature; this is what is submitted
//	result, err := card.Points(vector)           // points, display points, PD in parts per million
//	reasons, err := card.Reasons(vector, nil)    // points lost by feature, largest first; they add up exactly
//	plan, err := card.WhatWouldChange(vector, target, 3)
//
// More points mean less risk. Points, Reasons and Check allocate nothing where the caller provides the buffers.
//
// # The bins of a feature
//
// Bin 0 is "missing". Then comes one bin for each special code, in the order of Feature.Special. Then, for a numeric
// feature with edges e[0] < e[1] < …, the intervals (-∞, e[0]), [e[0], e[1]), …, [e[n-1], +∞); for a categorical
// feature first the bin of levels that training did not see, then one bin for each group in Feature.Levels.
//
// # The file
//
// A scorecard is one JSON object. Its canonical bytes follow RFC 8785 (JSON Canonicalization Scheme): keys sorted,
// no white space, integers within ±(2^53-1), no control characters in strings. docs/scoring.md describes each field.
package scorecard

// Schema names the version of the file format in Scorecard.Schema.
const Schema = "tallystick.scorecard/1"

// Limits on a scorecard. Validate refuses what exceeds them.
const (
	MaxBytes        = 1 << 20 // canonical or not, of the whole file
	MaxFeatures     = 256
	MaxBins         = 256 // of one feature, missing and special codes included
	MaxLevels       = 1024
	MaxPairs        = 64
	MaxPairSide     = 16  // rows or columns of a pair table
	MinScale        = -15 // decimal places of a feature; below 0 the raw integers are tens, hundreds, …
	MaxScale        = 18
	MaxPoints       = 1000000 // of one cell, in absolute value
	MaxPDSteps      = 4096
	MaxNameBytes    = 64
	MaxLevelBytes   = 128
	MaxWordingBytes = 512
	MaxInteger      = 1<<53 - 1 // of edges and codes, in absolute value: what RFC 8785 can carry
	MillionPPM      = 1000000
)

// Kind says how a feature's raw value is read.
type Kind string

// Kinds of features.
const (
	Numeric     Kind = "numeric"
	Categorical Kind = "categorical"
)

// Change says what an applicant can do about a feature; WhatWouldChange proposes nothing else.
type Change string

// What an applicant can do about a feature.
const (
	Immutable Change = "none" // age of the firm's owner, sector: nothing to act on
	AnyWay    Change = "any"
	Upwards   Change = "up"   // only towards higher values (years on the ledger)
	Downwards Change = "down" // only towards lower values
)

// The fields of every type below stand in the alphabetical order of their JSON keys: that makes the encoder's output
// canonical. A test compares it with sorted keys.

// Scorecard is the model. BasePoints plus the points of every feature's bin plus the points of every pair's cell is
// the score. PointsToDoubleOdds more points halve the odds of default.
type Scorecard struct {
	// BasePoints every applicant starts with.
	BasePoints int64 `json:"base_points"`
	// DisplayPointsToDoubleOdds is the coarser scale for people: display points are points × display ÷ inside,
	// rounded down.
	DisplayPointsToDoubleOdds int64     `json:"display_points_to_double_odds"`
	Features                  []Feature `json:"features"`
	Name                      string    `json:"name"`
	// Outcome says what the PD is the probability of, in words ("90 days past due within 12 months").
	Outcome string `json:"outcome"`
	Pairs   []Pair `json:"pairs"`
	PD      PD     `json:"pd"`
	// PointsToDoubleOdds is the number of points that doubles the odds of good against bad, usually 60.
	PointsToDoubleOdds int64      `json:"points_to_double_odds"`
	Provenance         Provenance `json:"provenance"`
	Schema             string     `json:"schema"`
	Version            string     `json:"version"`
}

// Feature is one input and its points by bin.
type Feature struct {
	Change Change `json:"change"`
	// Edges are the borders of a numeric feature's intervals, ascending, in units of 10^-Scale. A value equal to an
	// edge belongs to the interval above it.
	Edges []int64 `json:"edges"`
	Kind  Kind    `json:"kind"`
	// Levels are the groups of a categorical feature's levels; each group is a bin.
	Levels [][]string `json:"levels"`
	// Monotone is 1 where the risk rises with the value (points fall), -1 where it falls (points rise), else 0. It
	// covers the intervals, not missing and special codes.
	Monotone int    `json:"monotone"`
	Name     string `json:"name"`
	// Points by bin.
	Points []int64 `json:"points"`
	// Reference is the bin that reasons compare with; -1 means the bin with the most points.
	Reference int `json:"reference"`
	// Scale is the number of decimal places that the raw integers carry: 12345 at scale 2 is 123.45, at −2 1234500.
	Scale int `json:"scale"`
	// Special are raw integers with a meaning of their own ("-9 = not applicable"); each is a bin.
	Special []Special `json:"special"`
	// Unit of the raw value, for people ("days", "basis points").
	Unit string `json:"unit"`
	// Wording of the reason code that carries the feature's name.
	Wording Wording `json:"wording"`
}

// Special is a raw integer that is no quantity.
type Special struct {
	Code    int64  `json:"code"`
	Meaning string `json:"meaning"`
}

// Wording is a text in the languages of the people who read it.
type Wording struct {
	En string `json:"en"`
	Zh string `json:"zh"`
}

// Pair is a table over the coarsened bins of two features.
type Pair struct {
	// A and B are indexes into Features, A < B.
	A int `json:"a"`
	B int `json:"b"`
	// ColumnOf maps a bin of B to a column of Points.
	ColumnOf []int `json:"column_of"`
	// Points by row and column.
	Points [][]int64 `json:"points"`
	// RowOf maps a bin of A to a row of Points.
	RowOf []int `json:"row_of"`
}

// PD turns points into a probability of default in parts per million: PPM[i] at FromPoints + i × StepPoints, linear
// between them (rounded down), constant outside. PPM never rises with the points.
type PD struct {
	FromPoints int64   `json:"from_points"`
	PPM        []int64 `json:"ppm"`
	StepPoints int64   `json:"step_points"`
}

// Provenance says what the model was trained on. It takes no part in the calculation.
type Provenance struct {
	BadRows    int64  `json:"bad_rows"`
	DataSHA256 string `json:"data_sha256"`
	Method     string `json:"method"`
	Rows       int64  `json:"rows"`
	Seed       int64  `json:"seed"`
}

// Bins is the number of bins of the feature.
func (f *Feature) Bins() int { return f.firstRegular() + f.regular() }

// FirstInterval is the index of the lowest interval of a numeric feature, or of the first group of a categorical one
// (after the bin of unseen levels).
func (f *Feature) FirstInterval() int {
	if f.Kind == Categorical {
		return f.firstRegular() + 1
	}
	return f.firstRegular()
}

func (f *Feature) firstRegular() int { return 1 + len(f.Special) }

func (f *Feature) regular() int {
	// Numeric: one interval more than edges. Categorical: unseen levels, then the groups.
	if f.Kind == Categorical {
		return len(f.Levels) + 1
	}
	return len(f.Edges) + 1
}

// BestBin is the bin with the most points, the lowest index among equals.
func (f *Feature) BestBin() int {
	best := 0
	for i, p := range f.Points {
		if p > f.Points[best] {
			best = i
		}
	}
	return best
}

// ReferenceBin is the bin that reasons compare with.
func (f *Feature) ReferenceBin() int {
	if f.Reference >= 0 {
		return f.Reference
	}
	return f.BestBin()
}
