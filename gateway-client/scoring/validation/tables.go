package validation

import (
	"fmt"
	"html/template"
	"math"
	"sort"
	"strings"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// tables makes a picture of every feature's points and a heat map of every pair, the strongest first.
func (d *reportData) tables(card *scorecard.Scorecard) error {
	for i := range card.Features {
		f := &card.Features[i]
		low, high := extremes(f.Points)
		if f.Monotone != 0 {
			d.Signed++
		}
		picture, err := featurePicture(f)
		if err != nil {
			return err
		}
		one := reportFeature{Feature: f, Range: high - low, Picture: picture, Missing: float64(d.scored.bins[i][0]) / float64(d.Rows)}
		for b, n := range d.scored.bins[i] {
			one.Lost += float64(n) * float64(high-f.Points[b]) / float64(d.Rows)
		}
		d.Features = append(d.Features, one)
	}
	sort.SliceStable(d.Features, func(i, j int) bool { return d.Features[i].Range > d.Features[j].Range })
	strongest := int64(1) // one scale of colours for all pairs
	for i := range card.Pairs {
		for _, row := range card.Pairs[i].Points {
			low, high := extremes(row)
			strongest = max(strongest, -low, high)
		}
	}
	for i := range card.Pairs {
		p := &card.Pairs[i]
		a, b := &card.Features[p.A], &card.Features[p.B]
		r := reportPair{A: a.Name, B: b.Name, Header: sides(b, p.ColumnOf, len(p.Points[0]))}
		var all []int64
		for _, row := range p.Points {
			all = append(all, row...)
		}
		low, high := extremes(all)
		r.Range = high - low
		labels := sides(a, p.RowOf, len(p.Points))
		for k, row := range p.Points {
			line := reportPairRow{Label: labels[k]}
			for _, v := range row {
				line.Cells = append(line.Cells, reportCell{Points: v, Colour: heat(float64(v) / float64(strongest))})
			}
			r.Rows = append(r.Rows, line)
		}
		d.Pairs = append(d.Pairs, r)
	}
	sort.SliceStable(d.Pairs, func(i, j int) bool { return d.Pairs[i].Range > d.Pairs[j].Range })
	return nil
}

func extremes(list []int64) (low, high int64) {
	low, high = list[0], list[0]
	for _, v := range list {
		low, high = min(low, v), max(high, v)
	}
	return low, high
}

// sides labels the rows or columns of a pair by the bins that fall into them.
func sides(f *scorecard.Feature, of []int, n int) []string {
	members := make([][]int, n)
	for b, g := range of {
		members[g] = append(members[g], b)
	}
	list := make([]string, n)
	for g, bins := range members {
		var names []string
		var intervals []int
		for _, b := range bins {
			if f.Kind == scorecard.Numeric && b >= f.FirstInterval() {
				intervals = append(intervals, b)
			} else {
				names = append(names, f.BinLabel(b))
			}
		}
		if len(intervals) > 0 {
			names = append(names, span(f, intervals[0], intervals[len(intervals)-1]))
		}
		if len(names) > 4 {
			names = append(names[:3], fmt.Sprintf("… (%d)", len(names)))
		}
		list[g] = strings.Join(names, ", ")
	}
	return list
}

// span labels neighbouring intervals as one.
func span(f *scorecard.Feature, first, last int) string {
	whole := scorecard.Feature{Kind: f.Kind, Scale: f.Scale}
	bin := 1
	if i := first - f.FirstInterval(); i > 0 {
		whole.Edges = append(whole.Edges, f.Edges[i-1])
		bin = 2
	}
	if i := last - f.FirstInterval(); i < len(f.Edges) {
		whole.Edges = append(whole.Edges, f.Edges[i])
	}
	return whole.BinLabel(bin)
}

// heat is blue for points gained, red for points lost: told apart also by those who do not see red and green alike.
func heat(x float64) template.CSS {
	v := int(255 - math.Round(math.Abs(x)*150))
	if x >= 0 {
		return template.CSS(fmt.Sprintf("background:rgb(%d,%d,255)", v, (v+255)/2))
	}
	return template.CSS(fmt.Sprintf("background:rgb(255,%d,%d)", v, v))
}
