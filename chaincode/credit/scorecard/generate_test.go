package scorecard_test

import (
	"fmt"
	"math/rand/v2"

	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// genCard draws a valid scorecard of up to maxFeatures features.
func genCard(maxFeatures, maxBins int) *rapid.Generator[*scorecard.Scorecard] {
	return rapid.Custom(func(t *rapid.T) *scorecard.Scorecard {
		c := &scorecard.Scorecard{
			Schema: scorecard.Schema, Name: "drawn", Version: "1", Outcome: "default",
			BasePoints:         rapid.Int64Range(-2000, 2000).Draw(t, "base"),
			PointsToDoubleOdds: 60, DisplayPointsToDoubleOdds: 20,
		}
		points := rapid.Int64Range(-300, 300)
		n := rapid.IntRange(1, maxFeatures).Draw(t, "features")
		for i := range n {
			f := scorecard.Feature{
				Name: fmt.Sprintf("feature_%d", i), Kind: scorecard.Numeric, Reference: -1,
				Change: rapid.SampledFrom([]scorecard.Change{scorecard.Immutable, scorecard.AnyWay, scorecard.Upwards,
					scorecard.Downwards}).Draw(t, "change"),
			}
			if rapid.Bool().Draw(t, "special") {
				f.Special = []scorecard.Special{{Code: -9, Meaning: "not asked"}}
			}
			size := rapid.IntRange(1, maxBins-3).Draw(t, "bins")
			if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
				f.Kind = scorecard.Categorical
				if f.Change != scorecard.Immutable {
					f.Change = scorecard.AnyWay
				}
				for g := range size {
					f.Levels = append(f.Levels, []string{fmt.Sprintf("L%d", g), fmt.Sprint(g)})
				}
			} else {
				for e := range size {
					f.Edges = append(f.Edges, int64(e*10))
				}
			}
			for range f.Bins() {
				f.Points = append(f.Points, points.Draw(t, "points"))
			}
			c.Features = append(c.Features, f)
		}
		for a := 0; a < n; a++ {
			for b := a + 1; b < n; b++ {
				if rapid.IntRange(0, 2).Draw(t, "pair") > 0 || len(c.Pairs) == scorecard.MaxPairs {
					continue
				}
				p := scorecard.Pair{A: a, B: b}
				rows, columns := rapid.IntRange(1, 4).Draw(t, "rows"), rapid.IntRange(1, 4).Draw(t, "columns")
				for range rows {
					p.Points = append(p.Points, rapid.SliceOfN(points, columns, columns).Draw(t, "row"))
				}
				p.RowOf = rapid.SliceOfN(rapid.IntRange(0, rows-1), c.Features[a].Bins(), c.Features[a].Bins()).Draw(t, "rowOf")
				p.ColumnOf = rapid.SliceOfN(rapid.IntRange(0, columns-1), c.Features[b].Bins(), c.Features[b].Bins()).Draw(t, "columnOf")
				c.Pairs = append(c.Pairs, p)
			}
		}
		c.PD = scorecard.PD{FromPoints: -1000, StepPoints: 100, PPM: []int64{900000, 700000, 700000, 400000, 3, 0}}
		return c
	})
}

func genVector(c *scorecard.Scorecard) *rapid.Generator[scorecard.Vector] {
	return rapid.Custom(func(t *rapid.T) scorecard.Vector {
		v := make(scorecard.Vector, len(c.Features))
		for i := range v {
			v[i] = uint16(rapid.IntRange(0, c.Features[i].Bins()-1).Draw(t, "bin"))
		}
		return v
	})
}

// small is a card that a person can add up.
func small() *scorecard.Scorecard {
	return &scorecard.Scorecard{
		Schema: scorecard.Schema, Name: "small", Version: "1", Outcome: "90 days past due within 12 months",
		BasePoints: 1000, PointsToDoubleOdds: 60, DisplayPointsToDoubleOdds: 20,
		Features: []scorecard.Feature{
			{Name: "days_to_confirm", Kind: scorecard.Numeric, Scale: 1, Edges: []int64{50, 100}, Change: scorecard.Downwards,
				Special: []scorecard.Special{{Code: -1, Meaning: "never confirmed"}},
				Points:  []int64{-5, -40, 30, 10, -20}, Reference: -1, Monotone: 1, Unit: "days",
				Wording: scorecard.Wording{En: "Invoices take long to be confirmed", Zh: "发票确认时间较长"}},
			{Name: "sector", Kind: scorecard.Categorical, Levels: [][]string{{"C10", "C11"}, {"46"}}, Change: scorecard.Immutable,
				Points: []int64{0, -3, 12, -7}, Reference: -1},
			{Name: "invoices", Kind: scorecard.Numeric, Edges: []int64{3, 10}, Change: scorecard.AnyWay,
				Points: []int64{-9, -30, 0, 25}, Reference: 2, Monotone: -1},
		},
		Pairs: []scorecard.Pair{{A: 0, B: 2, RowOf: []int{0, 0, 1, 1, 1}, ColumnOf: []int{0, 0, 0, 1},
			Points: [][]int64{{0, -3}, {4, 9}}}},
		PD: scorecard.PD{FromPoints: 900, StepPoints: 60, PPM: []int64{500000, 333333, 200000}},
	}
}

// sizedCard is a card of a given size, for benchmarks and bulk comparisons.
func sizedCard(seed uint64, features, edges, pairs int) *scorecard.Scorecard {
	rng := rand.New(rand.NewPCG(seed, 1))
	points := func(n int) []int64 {
		list := make([]int64, n)
		for i := range list {
			list[i] = rng.Int64N(200) - 100
		}
		return list
	}
	c := small()
	c.Features, c.Pairs = nil, nil
	for i := range features {
		f := scorecard.Feature{Name: fmt.Sprintf("feature_%d", i), Kind: scorecard.Numeric, Change: scorecard.AnyWay, Reference: -1,
			Special: []scorecard.Special{{Code: -9}}}
		if i%5 == 4 {
			f.Kind = scorecard.Categorical
		}
		for e := range edges {
			if f.Kind == scorecard.Categorical {
				f.Levels = append(f.Levels, []string{fmt.Sprint(e)})
			} else {
				f.Edges = append(f.Edges, int64(e*100/edges))
			}
		}
		f.Points = points(f.Bins())
		c.Features = append(c.Features, f)
	}
	for i := range pairs {
		a := i % (features - 1)
		p := scorecard.Pair{A: a, B: min(a+1+i/features, features-1)}
		for range 8 {
			p.Points = append(p.Points, points(8))
		}
		for b := range c.Features[p.A].Bins() {
			p.RowOf = append(p.RowOf, b%8)
		}
		for b := range c.Features[p.B].Bins() {
			p.ColumnOf = append(p.ColumnOf, b%8)
		}
		c.Pairs = append(c.Pairs, p)
	}
	return c
}
