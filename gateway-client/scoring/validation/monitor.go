// Package validation measures a scorecard on rows that it was not trained on, or no longer knows: discrimination,
// calibration, stability, overrides, parity between groups, a challenger in shadow. Monitor gives the figures, Report
// puts them under the headings of SR 11-7, with pictures, into one HTML file.
//
// It measures; what a bank does about an alarm is the bank's.
package validation

import (
	"fmt"
	"math"
	"sort"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/scoring"
)

// Options say what to measure. Only the label is needed.
type Options struct {
	Label      string // column with the outcome; an empty cell is an outcome that is not known yet
	Bad        string // value of the label that means bad, where the label is text
	Approve    int64  // points from which an application counts as approved; 0: the median
	Group      string // column whose values are compared for parity; "" for none
	Decision   string // column that says approved or declined; "" for none
	Date       string // column with the date of the application, or the name of a period; "" for none
	Every      scoring.Every
	Split      string         // column that says train or test: test rows are measured, train rows are the reference
	Reference  *scoring.Table // rows of when the model was made; nil: the split's train rows, else the first period
	Challenger *scorecard.Scorecard
}

// Monitoring is how a model does.
type Monitoring struct {
	Model       string            `json:"model"`
	Hash        string            `json:"hash"`
	Data        string            `json:"data"`
	DataSHA256  string            `json:"data_sha256"`
	Rows        int               `json:"rows"`
	Known       int               `json:"known"` // rows with an outcome
	Bad         int               `json:"bad"`
	AUC         float64           `json:"auc"`
	KS          float64           `json:"ks"`
	Brier       float64           `json:"brier"`
	LogLoss     float64           `json:"logloss"`
	ECE         float64           `json:"ece"`
	Approve     int64             `json:"approve_points"`
	Calibration []CalibrationBand `json:"calibration"`
	Stability   *Stability        `json:"stability,omitempty"`
	Periods     []Period          `json:"periods,omitempty"`
	Overrides   *Overrides        `json:"overrides,omitempty"`
	Group       string            `json:"group,omitempty"`
	Groups      []Group           `json:"groups,omitempty"`
	Challenger  *Comparison       `json:"challenger,omitempty"`
	// Alarms in words, one for every limit that is passed. Empty: none.
	Alarms []string `json:"alarms"`

	scored *sample
	known  outcomes
}

// Period is a month, quarter or year, or whatever the column names.
type Period struct {
	Period   string   `json:"period"`
	Rows     int      `json:"rows"`
	Known    int      `json:"known"`
	Bad      int      `json:"bad"`
	Points   float64  `json:"mean_points"`
	PD       float64  `json:"mean_pd"`
	Approved float64  `json:"approved"` // share from the cut-off up
	AUC      *float64 `json:"auc,omitempty"`
	KS       *float64 `json:"ks,omitempty"`
	PSI      *float64 `json:"psi,omitempty"` // against the reference; nil where there is none
	Shifted  bool     `json:"shifted"`       // above PSIShifted, and above what so few rows reach by chance
}

// Gini is twice the area between the ROC curve and the diagonal.
func (m *Monitoring) Gini() float64 { return 2*m.AUC - 1 }

// Monitor measures a scorecard on the rows of a table. INPUT_INVALID for a column that is not there, an unreadable
// cell, or known outcomes that are all alike.
func Monitor(card *scorecard.Scorecard, t *scoring.Table, o Options) (*Monitoring, error) {
	hash, err := card.Hash()
	if err != nil {
		return nil, err
	}
	rows, reference, err := pickRows(t, o)
	if err != nil {
		return nil, err
	}
	m := &Monitoring{Model: card.Name, Hash: hash, Data: t.Name, DataSHA256: t.SHA256, Rows: len(rows), Group: o.Group, Approve: o.Approve, Alarms: []string{}}
	s, err := score(card, t, rows)
	if err != nil {
		return nil, err
	}
	known, err := readOutcomes(t, rows, o.Label, o.Bad)
	if err != nil {
		return nil, err
	}
	if !known.both() {
		return nil, fault.New(fault.InputInvalid, "%s: the %d known outcomes are all alike; nothing can be measured", t.Name, len(known.rows))
	}
	m.scored, m.known = s, known
	risk, pd := negated(known.of(s.points)), known.of(s.pd)
	m.Known, m.Bad = len(known.rows), known.bads()
	m.AUC, m.KS, m.Brier, m.LogLoss, m.ECE = scoring.AUC(risk, known.bad), scoring.KS(risk, known.bad), scoring.Brier(pd, known.bad),
		scoring.LogLoss(pd, known.bad), scoring.ECE(pd, known.bad)
	m.Calibration = calibration(known.of(s.points), pd, known.bad)
	if m.Approve == 0 {
		m.Approve = int64(median(s.points))
	}
	cut := float64(m.Approve)

	before, name, err := referenceSample(card, t, reference, o)
	if err != nil {
		return nil, err
	}
	if o.Date != "" {
		if before, name, err = m.periods(card, t, rows, o, before, name); err != nil {
			return nil, err
		}
	}
	if before != nil {
		m.Stability = stability(card, name, before, s)
	}
	var approved, decided []bool
	if o.Decision != "" {
		if approved, decided, err = readDecisions(t, rows, o.Decision); err != nil {
			return nil, err
		}
		m.Overrides = overrides(s, known, approved, decided, cut)
	}
	if o.Group != "" {
		if m.Groups, err = groups(t, rows, o.Group, s, known, approved, decided, cut); err != nil {
			return nil, err
		}
	}
	if o.Challenger != nil {
		shadow, err := score(o.Challenger, t, rows)
		if err != nil {
			return nil, fmt.Errorf("the challenger: %w", err)
		}
		m.Challenger = compare(s, shadow, known, cut)
		m.Challenger.Name = o.Challenger.Name
		if m.Challenger.Hash, err = o.Challenger.Hash(); err != nil {
			return nil, err
		}
	}
	m.alarms()
	return m, nil
}

func pickRows(t *scoring.Table, o Options) (rows, reference []int, err error) {
	if o.Split != "" {
		folds, err := scoring.ReadSplit(t, o.Split)
		if err != nil {
			return nil, nil, err
		}
		return folds[0].Test, folds[0].Train, nil
	}
	rows = make([]int, t.Rows())
	for i := range rows {
		rows[i] = i
	}
	return rows, nil, nil
}

func referenceSample(card *scorecard.Scorecard, t *scoring.Table, rows []int, o Options) (*sample, string, error) {
	switch {
	case o.Reference != nil:
		all, _, _ := pickRows(o.Reference, Options{})
		s, err := score(card, o.Reference, all)
		return s, o.Reference.Name, err
	case rows != nil:
		s, err := score(card, t, rows)
		return s, "training rows of " + t.Name, err
	}
	return nil, "", nil
}

// periods measures each period. Without another reference the first period is the one that the others are compared
// with.
func (m *Monitoring) periods(card *scorecard.Scorecard, t *scoring.Table, rows []int, o Options, before *sample, name string) (*sample, string, error) {
	labels, err := scoring.Periods(t, rows, "--date", o.Date, o.Every)
	if err != nil {
		return nil, "", err
	}
	members := map[string][]int{}
	for i, label := range labels {
		members[label] = append(members[label], i)
	}
	order := sortedKeys(members)
	if before == nil {
		var first []int
		for _, i := range members[order[0]] {
			first = append(first, rows[i])
		}
		if before, err = score(card, t, first); err != nil {
			return nil, "", err
		}
		name = order[0]
	}
	from := scoreBands(before.points)
	expected := countBands(before.points, from)
	for _, label := range order {
		p := Period{Period: label, Rows: len(members[label])}
		var points []float64
		for _, i := range members[label] {
			points = append(points, m.scored.points[i])
			p.Points += m.scored.points[i] / float64(p.Rows)
			p.PD += m.scored.pd[i] / float64(p.Rows)
			p.Approved += one(m.scored.points[i] >= float64(m.Approve)) / float64(p.Rows)
		}
		var psi float64
		psi, _, p.Shifted = shift(expected, countBands(points, from), len(order))
		p.PSI = &psi
		part := m.known.within(members[label])
		p.Known, p.Bad = len(part.rows), part.bads()
		if part.both() {
			risk := negated(part.of(m.scored.points))
			auc, ks := scoring.AUC(risk, part.bad), scoring.KS(risk, part.bad)
			p.AUC, p.KS = &auc, &ks
		}
		m.Periods = append(m.Periods, p)
	}
	return before, name, nil
}

func (m *Monitoring) alarms() {
	alarm := func(format string, args ...any) { m.Alarms = append(m.Alarms, fmt.Sprintf(format, args...)) }
	if s := m.Stability; s != nil {
		if s.Shifted {
			alarm("the population has shifted: stability index %.3f, above %.2f", s.PSI, PSIShifted)
		}
		for _, f := range s.Features {
			if f.Shifted {
				alarm("%s has shifted: stability index %.3f, above %.2f", f.Feature, f.PSI, PSIShifted)
			}
		}
	}
	for _, b := range m.Calibration {
		if b.Deviates {
			alarm("from %d to %d points %.4f bad were predicted and %.4f were seen (binomial test, p = %.2g)",
				b.FromPoints, b.ToPoints, b.Predicted, b.Observed, b.PValue)
		}
	}
	for _, p := range m.Periods {
		if p.Shifted {
			alarm("%s: stability index %.3f, above %.2f", p.Period, *p.PSI, PSIShifted)
		}
	}
	for _, g := range m.Groups {
		if g.Alarm {
			alarm("%s %s is approved %.2f times as often as the group that is approved most", m.Group, g.Value, g.Ratio)
		}
	}
	if c := m.Challenger; c != nil && c.Low > 0 {
		alarm("the challenger ranks better: AUC %+.4f, from %+.4f to %+.4f", c.Difference, c.Low, c.High)
	}
}

func median(list []float64) float64 {
	sorted := append([]float64(nil), list...)
	sort.Float64s(sorted)
	return math.Floor(sorted[len(sorted)/2])
}

func sortedKeys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}
