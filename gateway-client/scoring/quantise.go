package scoring

import (
	"fmt"
	"math"
	"slices"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// The scale of every scorecard: 60 points double the odds inside, 20 on display; 1800 points (600 on display) stand for
// 30 good to 1 bad, the customary anchor (Siddiqi 2006, Credit Risk Scorecards, chapter 6).
const (
	pointsToDouble  = 60
	displayToDouble = 20
	anchorPoints    = 1800
	anchorOdds      = 30
	pdStep          = 5
)

// quantise rounds an additive model to the integers of a scorecard, and merges neighbouring bins that became equal.
func quantise(fr *Frame, s *shapes) *scorecard.Scorecard {
	perLogit := pointsToDouble / math.Ln2
	evenPoints := anchorPoints - float64(pointsToDouble*math.Log2(anchorOdds)) // points at odds of 1
	c := &scorecard.Scorecard{Schema: scorecard.Schema, PointsToDoubleOdds: pointsToDouble, DisplayPointsToDoubleOdds: displayToDouble}
	c.BasePoints = rounded(evenPoints - float64(perLogit*s.intercept))
	for f := range fr.Features {
		ft := fr.Features[f]
		ft.Points = make([]int64, len(s.mains[f]))
		for b, x := range s.mains[f] {
			ft.Points[b] = rounded(-perLogit * x)
		}
		c.Features = append(c.Features, ft)
	}
	for i := range s.pairs {
		p := &s.pairs[i]
		q := scorecard.Pair{A: p.a, B: p.b, RowOf: slices.Clone(p.rowOf), ColumnOf: slices.Clone(p.columnOf)}
		any := false
		for _, row := range p.cells {
			var points []int64
			for _, x := range row {
				v := rounded(-perLogit * x)
				any = any || v != 0
				points = append(points, v)
			}
			q.Points = append(q.Points, points)
		}
		if any {
			c.Pairs = append(c.Pairs, q)
		}
	}
	compact(c)
	c.PD = pdTable(c, evenPoints)
	return c
}

func rounded(x float64) int64 {
	return max(-scorecard.MaxPoints, min(scorecard.MaxPoints, int64(math.Round(x))))
}

// pdTable tabulates the logistic curve over the points that the card can give.
func pdTable(c *scorecard.Scorecard, evenPoints float64) scorecard.PD {
	low, high := c.BasePoints, c.BasePoints
	widen := func(points []int64) {
		low += slices.Min(points)
		high += slices.Max(points)
	}
	for _, f := range c.Features {
		widen(f.Points)
	}
	for _, p := range c.Pairs {
		widen(slices.Concat(p.Points...))
	}
	// Beyond a PD of one in a million nothing is left to say.
	span := int64(20 * pointsToDouble)
	low = max(low, int64(evenPoints)-span) / pdStep * pdStep
	high = min(high, int64(evenPoints)+span) + pdStep
	t := scorecard.PD{FromPoints: low, StepPoints: pdStep}
	for p := low; p <= high || len(t.PPM) == 0; p += pdStep {
		pd := 1 / (1 + math.Exp2((float64(p)-evenPoints)/pointsToDouble))
		t.PPM = append(t.PPM, max(1, min(scorecard.MillionPPM-1, int64(math.Round(pd*scorecard.MillionPPM)))))
	}
	return t
}

// compact merges bins that no table tells apart: neighbouring intervals and any groups of levels with the same points
// and the same place in every pair.
func compact(c *scorecard.Scorecard) {
	dropUnread(c)
	for f := range c.Features {
		ft := &c.Features[f]
		first := ft.FirstInterval()
		key := func(b int) string {
			k := fmt.Sprint(ft.Points[b])
			for i := range c.Pairs {
				if c.Pairs[i].A == f {
					k += fmt.Sprint(" a", i, c.Pairs[i].RowOf[b])
				}
				if c.Pairs[i].B == f {
					k += fmt.Sprint(" b", i, c.Pairs[i].ColumnOf[b])
				}
			}
			return k
		}
		kept := make([]int, 0, ft.Bins()) // old bins that go on
		for b := range first {
			kept = append(kept, b)
		}
		var edges []int64
		var levels [][]string
		seen := map[string]int{}
		for b := first; b < ft.Bins(); b++ {
			k := key(b)
			if ft.Kind == scorecard.Categorical {
				if g, ok := seen[k]; ok {
					levels[g] = append(levels[g], ft.Levels[b-first]...)
					continue
				}
				seen[k] = len(levels)
				levels = append(levels, slices.Clone(ft.Levels[b-first]))
				kept = append(kept, b)
				continue
			}
			if b > first && k == key(b-1) {
				continue
			}
			if b > first {
				edges = append(edges, ft.Edges[b-1-first])
			}
			kept = append(kept, b)
		}
		points := make([]int64, len(kept))
		for i, b := range kept {
			points[i] = ft.Points[b]
		}
		for i := range c.Pairs {
			p := &c.Pairs[i]
			if p.A == f {
				p.RowOf = pick(p.RowOf, kept)
			}
			if p.B == f {
				p.ColumnOf = pick(p.ColumnOf, kept)
			}
		}
		ft.Points, ft.Edges, ft.Levels = points, edges, levels
	}
}

func pick(of, kept []int) []int {
	list := make([]int, len(kept))
	for i, b := range kept {
		list[i] = of[b]
	}
	return list
}

// dropUnread removes features without any effect: no points of their own and no pair.
func dropUnread(c *scorecard.Scorecard) {
	inPair := make([]bool, len(c.Features))
	for _, p := range c.Pairs {
		inPair[p.A], inPair[p.B] = true, true
	}
	to := make([]int, len(c.Features))
	var features []scorecard.Feature
	for f, ft := range c.Features {
		to[f] = len(features)
		if inPair[f] || slices.Min(ft.Points) != 0 || slices.Max(ft.Points) != 0 || f == len(c.Features)-1 && len(features) == 0 {
			features = append(features, ft)
		}
	}
	c.Features = features
	for i := range c.Pairs {
		c.Pairs[i].A, c.Pairs[i].B = to[c.Pairs[i].A], to[c.Pairs[i].B]
	}
}
