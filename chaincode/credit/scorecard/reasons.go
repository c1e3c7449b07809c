package scorecard

import "slices"

// Reason is what one feature costs the applicant against its reference bin.
type Reason struct {
	Feature   int    `json:"feature"` // index into Scorecard.Features; the feature's name is the reason code
	Bin       uint16 `json:"bin"`
	Reference uint16 `json:"reference"`
	Lost      int64  `json:"lost_points"` // negative where the applicant does better than the reference
}

// Reasons returns one reason for every feature, in dst's memory where it has room, ranked by points lost, the largest
// first and the lower feature index among equals. Their sum is exactly the points of the reference vector less the
// points of v.
//
// A feature's own table is its own. A pair's loss is divided between its two features by their Shapley value with the
// reference as the baseline (Shapley 1953; for two players the mean of "first" and "second" order):
//
//	lost(A) = ½ [(T(ra,rb) − T(a,rb)) + (T(ra,b) − T(a,b))], lost(B) = T(ra,rb) − T(a,b) − lost(A)
//
// in whole points, rounded down for A, so that B carries an odd half point.
func (c *Scorecard) Reasons(v Vector, dst []Reason) ([]Reason, error) {
	if err := c.Check(v); err != nil {
		return nil, err
	}
	dst = dst[:0]
	for i := range c.Features {
		f := &c.Features[i]
		r := f.ReferenceBin()
		dst = append(dst, Reason{Feature: i, Bin: v[i], Reference: uint16(r), Lost: f.Points[r] - f.Points[v[i]]})
	}
	for i := range c.Pairs {
		p := &c.Pairs[i]
		a, b := &dst[p.A], &dst[p.B]
		rr, ar := p.at(a.Reference, b.Reference), p.at(a.Bin, b.Reference)
		rb, ab := p.at(a.Reference, b.Bin), p.at(a.Bin, b.Bin)
		lostA := floorDiv(rr-ar+rb-ab, 2)
		a.Lost += lostA
		b.Lost += rr - ab - lostA
	}
	slices.SortFunc(dst, func(x, y Reason) int {
		switch {
		case x.Lost > y.Lost:
			return -1
		case x.Lost < y.Lost:
			return 1
		default:
			return x.Feature - y.Feature
		}
	})
	return dst, nil
}

// Top returns the first n reasons that cost points. Ranked reasons go in.
func Top(reasons []Reason, n int) []Reason {
	for i, r := range reasons {
		if i == n || r.Lost <= 0 {
			return reasons[:i]
		}
	}
	return reasons
}

// ReferenceVector is the vector that reasons compare with.
func (c *Scorecard) ReferenceVector() Vector {
	v := make(Vector, len(c.Features))
	for i := range c.Features {
		v[i] = uint16(c.Features[i].ReferenceBin())
	}
	return v
}
