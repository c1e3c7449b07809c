package validation

import (
	"slices"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/scoring"
)

// sample is rows of a table as a scorecard scores them.
type sample struct {
	points []float64 // by row
	pd     []float64 // probability, 0 to 1
	bins   [][]int   // rows by feature and bin
}

func score(card *scorecard.Scorecard, t *scoring.Table, rows []int) (*sample, error) {
	scorer, err := scoring.NewScorer(card, t)
	if err != nil {
		return nil, err
	}
	s := &sample{points: make([]float64, len(rows)), pd: make([]float64, len(rows)), bins: make([][]int, len(card.Features))}
	for f := range card.Features {
		s.bins[f] = make([]int, card.Features[f].Bins())
	}
	for i, r := range rows {
		v, result, err := scorer.Row(r)
		if err != nil {
			return nil, err
		}
		s.points[i], s.pd[i] = float64(result.Points), float64(result.PDPPM)/scorecard.MillionPPM
		for f, b := range v {
			s.bins[f][b]++
		}
	}
	return s, nil
}

// outcomes are the rows whose outcome is known, with it. Monitoring begins before every loan has come to its end: an
// empty cell of the label means that the outcome is not known yet.
type outcomes struct {
	rows []int // indexes into the sample
	bad  []bool
}

func readOutcomes(t *scoring.Table, rows []int, label, bad string) (outcomes, error) {
	c, err := t.MustColumn("--label", label)
	if err != nil {
		return outcomes{}, err
	}
	var o outcomes
	known := &scoring.Table{Name: t.Name, Header: []string{label}, Columns: [][]string{{}}}
	for i, r := range rows {
		if cell := t.Columns[c][r]; !scoring.MissingText(cell) {
			o.rows = append(o.rows, i)
			known.Columns[0] = append(known.Columns[0], cell)
		}
	}
	if len(o.rows) == 0 {
		return o, fault.New(fault.InputInvalid, "%s: no row has an outcome in %q", t.Name, label)
	}
	target, err := scoring.ReadTarget(known, label, bad)
	o.bad = target.Bad
	return o, err
}

// of picks the values of the rows whose outcome is known.
func (o outcomes) of(values []float64) []float64 {
	list := make([]float64, len(o.rows))
	for i, r := range o.rows {
		list[i] = values[r]
	}
	return list
}

// within picks the known outcomes among some rows of the sample.
func (o outcomes) within(rows []int) outcomes {
	var part outcomes
	for i, r := range o.rows {
		if _, found := slices.BinarySearch(rows, r); found {
			part.rows, part.bad = append(part.rows, r), append(part.bad, o.bad[i])
		}
	}
	return part
}

func (o outcomes) bads() int {
	n := 0
	for _, b := range o.bad {
		if b {
			n++
		}
	}
	return n
}

// both reports whether both outcomes occur: only then do AUC and KS mean something.
func (o outcomes) both() bool { n := o.bads(); return n > 0 && n < len(o.bad) }

func negated(values []float64) []float64 {
	list := make([]float64, len(values))
	for i, v := range values {
		list[i] = -v
	}
	return list
}
