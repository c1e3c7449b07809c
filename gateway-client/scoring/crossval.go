package scoring

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
)

// Figure is a figure of merit: its mean over the folds and its value on each held-out fold.
type Figure struct {
	Mean   float64   `json:"mean"`
	ByFold []float64 `json:"by_fold"`
}

func (f *Figure) add(x float64) { f.ByFold = append(f.ByFold, x) }

func (f *Figure) finish() {
	sum := 0.0
	for _, x := range f.ByFold {
		sum += x
	}
	f.Mean = sum / float64(len(f.ByFold))
}

// CrossValidation is what a kind of model reaches on rows that it was not trained on. AUC, KS, Brier, LogLoss and ECE
// are of the integer scorecard; AUCFloat is of the same model before rounding. A gbt has no scorecard: all are its own.
type CrossValidation struct {
	Data         string   `json:"data"`
	Kind         Kind     `json:"kind"`
	Rows         int      `json:"rows"`
	Folds        int      `json:"folds"`
	FoldNames    []string `json:"fold_names"`
	AUC          Figure   `json:"auc"`
	AUCFloat     Figure   `json:"auc_float"`
	KS           Figure   `json:"ks"`
	Brier        Figure   `json:"brier"`
	LogLoss      Figure   `json:"logloss"`
	ECE          Figure   `json:"ece"` // ten bands of equal size
	TrainSeconds float64  `json:"train_seconds"`
	Features     int      `json:"features"` // of the scorecard, mean over the folds like bins and pairs
	Bins         int      `json:"bins"`
	Pairs        int      `json:"pairs"`
}

// Fold is one split of a table's rows.
type Fold struct {
	Name        string
	Train, Test []int
}

// MaxFolds bounds a cross-validation.
const MaxFolds = 100

// ReadFolds makes one fold for each value of a column: its rows test, all others train. INPUT_INVALID where the column
// is unknown or has an empty cell, fewer than two values or more than MaxFolds.
func ReadFolds(t *Table, column string) ([]Fold, error) {
	i, err := t.MustColumn("--fold", column)
	if err != nil {
		return nil, err
	}
	rows := map[string][]int{}
	for r, c := range t.Columns[i] {
		if MissingText(c) {
			return nil, fault.New(fault.InputInvalid, "%s, row %d: the fold %q is empty", t.Name, r+1, column)
		}
		rows[c] = append(rows[c], r)
		if len(rows) > MaxFolds {
			return nil, fault.New(fault.InputInvalid, "%s: the fold column %q has more than %d values", t.Name, column, MaxFolds)
		}
	}
	if len(rows) < 2 {
		return nil, fault.New(fault.InputInvalid, "%s: the fold column %q has one value only, so a fold or its training rows would be empty", t.Name, column)
	}
	names := sortedKeys(rows)
	sort.SliceStable(names, func(a, b int) bool {
		x, okX := parseDecimal(names[a])
		y, okY := parseDecimal(names[b])
		return okX && okY && x.at(nineDecimals) < y.at(nineDecimals)
	})
	var folds []Fold
	for _, name := range names {
		f := Fold{Name: name, Test: rows[name]}
		for r, c := range t.Columns[i] {
			if c != name {
				f.Train = append(f.Train, r)
			}
		}
		folds = append(folds, f)
	}
	return folds, nil
}

// ReadSplit makes one fold of a column that says train or test. INPUT_INVALID for another value or an empty side.
func ReadSplit(t *Table, column string) ([]Fold, error) {
	i, err := t.MustColumn("--split", column)
	if err != nil {
		return nil, err
	}
	f := Fold{Name: "test"}
	for r, c := range t.Columns[i] {
		switch strings.ToLower(c) {
		case "train":
			f.Train = append(f.Train, r)
		case "test":
			f.Test = append(f.Test, r)
		default:
			return nil, fault.New(fault.InputInvalid, "%s, row %d: the split %q is %q; it must be train or test", t.Name, r+1, column, c)
		}
	}
	if len(f.Train) == 0 || len(f.Test) == 0 {
		return nil, fault.New(fault.InputInvalid, "%s: the split %q has %d rows to train and %d to test; both are needed",
			t.Name, column, len(f.Train), len(f.Test))
	}
	return []Fold{f}, nil
}

// DrawFolds deals the rows into k folds at random, stratified by outcome.
func DrawFolds(target Target, k int, seed int64) []Fold {
	part := stratified(target.Bad, k, rand.New(rand.NewPCG(uint64(seed), 0)))
	folds := make([]Fold, k)
	for i := range folds {
		folds[i].Name = fmt.Sprint(i)
		for r, p := range part {
			if p == i {
				folds[i].Test = append(folds[i].Test, r)
			} else {
				folds[i].Train = append(folds[i].Train, r)
			}
		}
	}
	return folds
}

// Inputs lists the columns of a table but the named ones.
func Inputs(t *Table, without ...string) []int {
	var list []int
	for i, h := range t.Header {
		if !slices.Contains(without, h) {
			list = append(list, i)
		}
	}
	return list
}

// CrossValidate trains on each fold's training rows and measures on its held-out rows. Held-out rows are scored as the
// chaincode would: raw values, binned by the scorecard, added up in integers.
func CrossValidate(t *Table, columns []int, target Target, folds []Fold, o Options) (*CrossValidation, error) {
	cv := &CrossValidation{Data: t.Name, Kind: o.Kind, Rows: t.Rows(), Folds: len(folds)}
	if cv.Kind == "" {
		cv.Kind = Additive
	}
	for _, f := range folds {
		bads := 0
		for _, r := range f.Test {
			if target.Bad[r] {
				bads++
			}
		}
		if bads == 0 || bads == len(f.Test) {
			return nil, fault.New(fault.InputInvalid, "%s, fold %s: its %d held-out rows have one outcome only; nothing can be measured",
				t.Name, f.Name, len(f.Test))
		}
	}
	var seconds float64
	for i, f := range folds {
		if o.Progress != nil {
			o.Progress("fold "+f.Name, i, len(folds))
		}
		start := time.Now()
		m, err := Train(t, columns, target, f.Train, o)
		if err != nil {
			return nil, fmt.Errorf("fold %s: %w", f.Name, err)
		}
		seconds += time.Since(start).Seconds()
		risk, pd, err := m.apply(t, f.Test)
		if err != nil {
			return nil, err
		}
		bad := make([]bool, len(f.Test))
		float := make([]float64, len(f.Test))
		for i, r := range f.Test {
			bad[i] = target.Bad[r]
			float[i] = m.FloatLogit(r)
		}
		cv.FoldNames = append(cv.FoldNames, f.Name)
		cv.AUC.add(AUC(risk, bad))
		cv.AUCFloat.add(AUC(float, bad))
		cv.KS.add(KS(risk, bad))
		cv.Brier.add(Brier(pd, bad))
		cv.LogLoss.add(LogLoss(pd, bad))
		cv.ECE.add(ECE(pd, bad))
		if m.Card != nil {
			cv.Features += len(m.Card.Features)
			cv.Pairs += len(m.Card.Pairs)
			for _, ft := range m.Card.Features {
				cv.Bins += ft.Bins()
			}
		}
	}
	if o.Progress != nil {
		o.Progress("done", len(folds), len(folds))
	}
	for _, f := range []*Figure{&cv.AUC, &cv.AUCFloat, &cv.KS, &cv.Brier, &cv.LogLoss, &cv.ECE} {
		f.finish()
	}
	n := len(folds)
	cv.TrainSeconds = seconds / float64(n)
	cv.Features, cv.Bins, cv.Pairs = (cv.Features+n/2)/n, (cv.Bins+n/2)/n, (cv.Pairs+n/2)/n
	return cv, nil
}

// apply scores rows of the training table and returns their risk (for ranking) and probability of default.
func (m *Model) apply(t *Table, rows []int) (risk, pd []float64, err error) {
	risk, pd = make([]float64, len(rows)), make([]float64, len(rows))
	if m.Card == nil {
		for i, r := range rows {
			risk[i] = m.FloatLogit(r)
			pd[i] = float64(sigmoidFixed(int32(risk[i]*logitUnit))) / probUnit
		}
		return risk, pd, nil
	}
	s, err := NewScorer(m.Card, t)
	if err != nil {
		return nil, nil, err
	}
	for i, r := range rows {
		_, result, err := s.Row(r)
		if err != nil {
			return nil, nil, err
		}
		risk[i] = -float64(result.Points)
		pd[i] = float64(result.PDPPM) / scorecard.MillionPPM
	}
	return risk, pd, nil
}

// Scorer scores the rows of a table with a scorecard.
type Scorer struct {
	card    *scorecard.Scorecard
	table   *Table
	columns []int
	readers []Column
	values  []scorecard.Value
	vector  scorecard.Vector
}

// NewScorer finds the scorecard's features among the table's columns. INPUT_INVALID lists every one that is not there.
func NewScorer(card *scorecard.Scorecard, t *Table) (*Scorer, error) {
	s := &Scorer{card: card, table: t, values: make([]scorecard.Value, len(card.Features))}
	var bad fault.Fields
	for i := range card.Features {
		f := &card.Features[i]
		c := t.Column(f.Name)
		if c < 0 {
			for j, h := range t.Header {
				if featureName(h) == f.Name {
					c = j
				}
			}
		}
		if c < 0 {
			bad.Add(f.Name, t.Name, "the model needs this column and the data has none of that name")
		}
		s.columns = append(s.columns, c)
		s.readers = append(s.readers, ColumnOf(f))
	}
	return s, bad.Err()
}

// Row scores one row. The vector is valid until the next call.
func (s *Scorer) Row(r int) (scorecard.Vector, scorecard.Result, error) {
	for i, c := range s.columns {
		s.values[i] = s.readers[i].Value(s.table.Columns[c][r])
	}
	v, err := s.card.BinInto(s.vector, s.values)
	if err != nil {
		return nil, scorecard.Result{}, err
	}
	s.vector = v
	result, err := s.card.Points(v)
	return v, result, err
}
