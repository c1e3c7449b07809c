package scorecard

import "fmt"

// Violations lists every place where a table contradicts a feature's Monotone sign: neighbouring intervals of its own
// table, and neighbouring intervals in every pair's table at every bin of the other feature. Every table is monotone by
// itself, so any sum of them is. nil means none.
func (c *Scorecard) Violations() []string {
	var list []string
	for i := range c.Features {
		list = append(list, c.violationsOf(i)...)
	}
	return list
}

func (c *Scorecard) violationsOf(i int) []string {
	f := &c.Features[i]
	if f.Monotone == 0 || f.Kind != Numeric {
		return nil
	}
	var list []string
	for b := f.firstRegular(); b+1 < f.Bins(); b++ {
		if wrong(f.Monotone, f.Points[b], f.Points[b+1]) {
			list = append(list, fmt.Sprintf("%s: %d points in bin %d, %d in bin %d", f.Name, f.Points[b], b, f.Points[b+1], b+1))
		}
		for k := range c.Pairs {
			p := &c.Pairs[k]
			if p.A != i && p.B != i {
				continue
			}
			other := p.A + p.B - i
			for o := range c.Features[other].Bins() {
				x, y := p.cell(i, b, o), p.cell(i, b+1, o)
				if wrong(f.Monotone, x, y) {
					list = append(list, fmt.Sprintf("%s with %s in bin %d: %d points in bin %d, %d in bin %d",
						f.Name, c.Features[other].Name, o, x, b, y, b+1))
				}
			}
		}
	}
	return list
}

// Enough returns the values of a feature that give no fewer points than the bin, whatever the other features are: those of the
// bin and, where every table keeps the feature's sign, all beyond it.
func (c *Scorecard) Enough(feature, bin int) Range {
	f := &c.Features[feature]
	r := f.BinRange(bin)
	if len(c.violationsOf(feature)) > 0 {
		return r
	}
	switch {
	case f.Monotone < 0 && r.AtLeast != "":
		r.Below = ""
	case f.Monotone > 0 && r.Below != "":
		r.AtLeast = ""
	}
	return r
}

// cell is the points of a pair for a bin of the given feature and a bin of the other one.
func (p *Pair) cell(feature, bin, other int) int64 {
	if feature == p.A {
		return p.at(uint16(bin), uint16(other))
	}
	return p.at(uint16(other), uint16(bin))
}

func wrong(sign int, low, high int64) bool {
	return sign > 0 && high > low || sign < 0 && high < low
}
