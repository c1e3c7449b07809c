// Package scoring trains, applies, explains and watches credit models. What it trains is an integer scorecard
// (chaincode/credit/scorecard): the same integers that every peer adds up again. Nothing here runs on the ledger.
//
// Training is deterministic: the same table, options and seed give the same bytes, whatever the number of cores. The
// additive kind computes on integers and on exactly rounded float operations only, so the machine does not matter
// either; the challengers woe and logistic go through gonum's kernels, which differ between processors in last bits.
package scoring

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
)

// Kind names a way to train.
type Kind string

// Kinds of models. Additive is the glass box that is registered; the others are challengers. GBT has no scorecard.
const (
	Additive Kind = "additive"
	WOE      Kind = "woe"
	Logistic Kind = "logistic"
	GBT      Kind = "gbt"
)

// Kinds lists the kinds in the order in which help shows them.
var Kinds = []Kind{Additive, WOE, Logistic, GBT}

// Options of training. The zero value trains the additive kind with its defaults.
type Options struct {
	Kind     Kind
	Seed     int64
	Name     string // of the scorecard
	Version  string
	Outcome  string
	Monotone map[string]int                     // column → 1 (risk rises with it) or -1
	Special  map[string]map[string]string       // column → code as it is written → its meaning; each has a bin of its own
	Change   map[string]scorecard.Change        // column → what an applicant can do about it
	Wording  map[string]scorecard.Wording       // column → reason text
	Units    map[string]string                  // column → unit for people
	Category []string                           // numeric columns whose values are codes, not quantities
	Select   int                                // keep at most so many features, the most important; 0 keeps all
	Progress func(step string, done, total int) // may be nil
}

// Target is the outcome of every row of a table.
type Target struct {
	Column string
	Bad    []bool
}

// Model is a trained model.
type Model struct {
	Kind  Kind
	Card  *scorecard.Scorecard // nil for GBT
	frame *Frame
	float func(fr *Frame, row int) float64 // log-odds of bad before rounding
}

// FloatLogit is the log-odds of bad of a row of the training table before rounding to integers.
func (m *Model) FloatLogit(row int) float64 { return m.float(m.frame, row) }

// MaxFeatures that are trained on. Of wider tables the features with the most information by themselves are taken.
const MaxFeatures = 200

// Train trains a model on the given rows of a table. Columns are the inputs. Codes: INPUT_INVALID.
func Train(t *Table, columns []int, target Target, rows []int, o Options) (*Model, error) {
	if err := checkTraining(t, columns, target, rows, o); err != nil {
		return nil, err
	}
	a := defaultAdditive()
	a.seed = uint64(o.Seed)
	a.bins.Monotone, a.bins.Special, a.bins.Change, a.bins.Wording = o.Monotone, o.Special, o.Change, o.Wording
	a.bins.Units = o.Units
	a.bins.Categories = map[string]bool{}
	for _, c := range o.Category {
		a.bins.Categories[c] = true
	}
	if o.Kind == WOE {
		a.bins.MaxBins, a.bins.MinLevel = 12, 20
	}
	fr := fitFrame(t, columns, target.Bad, rows, a.bins)
	if len(fr.Features) == 0 {
		return nil, fault.New(fault.InputInvalid, "%s: no column tells rows apart; nothing can be learned", t.Name)
	}
	fr.keepInformative(rows, MaxFeatures)
	m := &Model{Kind: o.Kind, frame: fr}
	var s *shapes
	switch o.Kind {
	case GBT:
		g := fitGBT(fr, rows, a.seed)
		m.float = g.logit
		return m, nil
	case WOE:
		s = fitLinear(fr, rows, woeDesign(fr, rows), a.seed)
	case Logistic:
		s = fitLinear(fr, rows, logisticDesign(fr, rows), a.seed)
	default:
		m.Kind = Additive
		s = fitAdditive(fr, rows, a)
		if o.Select > 0 && o.Select < len(fr.Features) {
			fr.keep(strongest(s, fr, rows, o.Select))
			s = fitAdditive(fr, rows, a)
		}
	}
	counts := s.count(fr, rows)
	if len(o.Monotone) > 0 {
		s.obey(fr, rows, counts)
	}
	m.float = s.logit
	m.Card = quantise(fr, s)
	bads := 0
	for _, r := range rows {
		if target.Bad[r] {
			bads++
		}
	}
	m.Card.Name, m.Card.Version, m.Card.Outcome = orElse(o.Name, "unnamed"), orElse(o.Version, "1"), o.Outcome
	m.Card.Provenance = scorecard.Provenance{Rows: int64(len(rows)), BadRows: int64(bads), DataSHA256: t.SHA256, Seed: o.Seed,
		Method: "tally model train --kind " + string(m.Kind)}
	if err := m.Card.Validate(); err != nil {
		return nil, fault.New(fault.InternalError, "the trained scorecard is not valid: %v", err)
	}
	if v := m.Card.Violations(); len(v) > 0 {
		return nil, fault.New(fault.InternalError, "the trained scorecard is not monotone: %s", v[0])
	}
	return m, nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func checkTraining(t *Table, columns []int, target Target, rows []int, o Options) error {
	var bad fault.Fields
	if o.Kind != "" && !slices.Contains(Kinds, o.Kind) {
		bad.Add("kind", o.Kind, "must be additive, woe, logistic or gbt")
	}
	if o.Seed < 0 || o.Seed > scorecard.MaxInteger {
		bad.Add("seed", o.Seed, "must be between 0 and 2^53-1")
	}
	if len(columns) == 0 {
		bad.Add("columns", t.Name, "there is no input column besides the label and the excluded ones")
	}
	inputs := map[string]int{}
	for _, c := range columns {
		inputs[t.Header[c]] = c
	}
	for _, name := range sortedKeys(o.Monotone) {
		c, ok := inputs[name]
		sign := o.Monotone[name]
		switch {
		case !ok:
			bad.Add("monotone", name, "is not an input column; the inputs are %s", shorten(sortedKeys(inputs), 20))
		case sign != 1 && sign != -1:
			bad.Add("monotone."+name, sign, "must be 1 (the risk rises with it) or -1 (it falls)")
		case fitColumn(name, t.Columns[c], rows).Kind != scorecard.Numeric:
			bad.Add("monotone", name, "is a text column, which has no direction")
		}
	}
	checkColumns(&bad, t, inputs, rows, o)
	var goods, bads int
	for _, r := range rows {
		if target.Bad[r] {
			bads++
		} else {
			goods++
		}
	}
	if goods == 0 || bads == 0 {
		bad.Add(target.Column, fmt.Sprintf("%d bad of %d rows", bads, len(rows)), "the training rows must hold both outcomes")
	} else if min(goods, bads) < 5 {
		bad.Add(target.Column, fmt.Sprintf("%d bad of %d rows", bads, len(rows)), "at least 5 training rows of each outcome are needed")
	}
	return bad.Err()
}

// MaxSpecial codes of one column.
const MaxSpecial = 32

// checkColumns refuses what is said about columns that are no inputs, and special codes that are no numbers.
func checkColumns(bad *fault.Fields, t *Table, inputs map[string]int, rows []int, o Options) {
	known := func(field, name string) bool {
		_, ok := inputs[name]
		if !ok {
			bad.Add(field, name, "is not an input column; the inputs are %s", shorten(sortedKeys(inputs), 20))
		}
		return ok
	}
	for _, name := range sortedKeys(o.Special) {
		if !known("special", name) {
			continue
		}
		if c := fitColumn(name, t.Columns[inputs[name]], rows); c.Kind != scorecard.Numeric || c.Layout != "" {
			bad.Add("special", name, "is no column of numbers; a text of its own is a level of its own already")
		}
		if n := len(o.Special[name]); n == 0 || n > MaxSpecial {
			bad.Add("special."+name, n, "must have 1 to %d codes", MaxSpecial)
		}
		seen := map[decimal]bool{}
		for _, code := range sortedKeys(o.Special[name]) {
			d, ok := parseDecimal(code)
			if !ok || seen[d] {
				bad.Add("special."+name, code, "must be a number, once")
			}
			seen[d] = true
		}
	}
	for _, name := range sortedKeys(o.Change) {
		if c := o.Change[name]; known("change", name) && !slices.Contains([]scorecard.Change{scorecard.Immutable, scorecard.AnyWay, scorecard.Upwards, scorecard.Downwards}, c) {
			bad.Add("change."+name, c, "must be none, any, up or down")
		}
	}
	for _, name := range sortedKeys(o.Wording) {
		if known("wording", name) && max(len(o.Wording[name].En), len(o.Wording[name].Zh)) > scorecard.MaxWordingBytes {
			bad.Add("wording."+name, len(o.Wording[name].En), "may have at most %d bytes", scorecard.MaxWordingBytes)
		}
	}
	for _, name := range o.Category {
		known("category", name)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}

// ReadTarget reads the outcome column. Numbers: two values, the larger is bad (0/1, -1/1, 1/2). Texts: the value in
// `bad`, or one of the customary words. Codes: INPUT_INVALID for an unknown column, an empty cell, more than two
// values, or words that do not say which is bad.
func ReadTarget(t *Table, column, bad string) (Target, error) {
	i, err := t.MustColumn("--label", column)
	if err != nil {
		return Target{}, err
	}
	cells := t.Columns[i]
	seen := map[string]bool{}
	signs := bad == "-" || bad == "+" // a minus among the outcomes is no missing one
	for r, c := range cells {
		if MissingText(c) && !(signs && c == "-") {
			if c == "-" && slices.Contains(cells, "+") {
				return Target{}, fault.New(fault.InputInvalid, "%s, label %q: has the values + and -; name the bad one with --bad", t.Name, column)
			}
			return Target{}, fault.New(fault.InputInvalid, "%s, row %d: the label %q is empty (%q); leave rows out whose outcome is not known", t.Name, r+1, column, c)
		}
		if len(seen) <= 8 {
			seen[c] = true
		}
	}
	badCell := func(c string) bool { return c == bad }
	if bad == "" {
		isBad, err := guessBad(sortedKeys(seen))
		if err != nil {
			return Target{}, fault.New(fault.InputInvalid, "%s, label %q: %v", t.Name, column, err)
		}
		badCell = func(c string) bool { return isBad[c] }
	} else if !slices.Contains(cells, bad) {
		return Target{}, fault.New(fault.InputInvalid, "%s, label %q: no row has the bad value %q", t.Name, column, bad)
	}
	target := Target{Column: column, Bad: make([]bool, len(cells))}
	bads := 0
	for r, c := range cells {
		target.Bad[r] = badCell(c)
		if target.Bad[r] {
			bads++
		}
	}
	if bads == 0 || bads == len(cells) {
		return Target{}, fault.New(fault.InputInvalid, "%s, label %q: all %d rows have one outcome; nothing can be learned", t.Name, column, len(cells))
	}
	return target, nil
}

func guessBad(values []string) (map[string]bool, error) {
	numbers := map[decimal][]string{}
	all := true
	for _, v := range values {
		d, ok := parseDecimal(v)
		all = all && ok
		numbers[d] = append(numbers[d], v)
	}
	if all {
		switch len(numbers) {
		case 1:
			return nil, fmt.Errorf("all rows have the outcome %s; nothing can be learned", values[0])
		case 2:
			var list []decimal
			for d := range numbers {
				list = append(list, d)
			}
			if list[0].at(nineDecimals) < list[1].at(nineDecimals) {
				list[0], list[1] = list[1], list[0]
			}
			isBad := map[string]bool{}
			for _, v := range numbers[list[0]] {
				isBad[v] = true
			}
			return isBad, nil
		}
		return nil, fmt.Errorf("has more than two values (%s); it must have two, the larger meaning bad", shorten(values, 8))
	}
	if len(values) == 1 {
		return nil, fmt.Errorf("all rows have the outcome %s; nothing can be learned", values[0])
	}
	isBad, isGood := map[string]bool{}, map[string]bool{}
	for _, v := range values {
		switch strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(v)) {
		case "bad", "default", "defaulted", "yes", "y", "true", "t", "bankrupt", "bankruptcy", "chargedoff", "chargeoff", "chgoff", "delinquent", "failed",
			"insolvent", "nonperforming", "notpaid", "positive", "unpaid", "writtenoff", "1", "坏", "违约", "是":
			isBad[v] = true
		case "good", "nondefault", "nodefault", "notdefaulted", "no", "n", "false", "f", "fullypaid", "paid", "paidinfull", "paidoff", "pif", "repaid",
			"active", "current", "healthy", "nonbankrupt", "performing", "solvent", "negative", "好", "正常", "否":
			isGood[v] = true
		}
	}
	// The one of two that is not known is the other's opposite.
	if len(values) == 2 && len(isBad) == 0 && len(isGood) == 1 {
		for _, v := range values {
			isBad[v] = !isGood[v]
		}
		return isBad, nil
	}
	if len(values) != 2 || len(isBad) != 1 {
		return nil, fmt.Errorf("has the values %s; name the bad one with --bad", shorten(values, 8))
	}
	return isBad, nil
}

// keepInformative keeps the n features with the most information value by themselves.
func (fr *Frame) keepInformative(train []int, n int) {
	if len(fr.Features) <= n {
		return
	}
	value := make([]float64, len(fr.Features))
	d := woeDesign(fr, train)
	for j, f := range d.feature {
		for _, r := range train {
			value[f] += abs(d.at[j][fr.Bins[f][r]])
		}
	}
	order := make([]int, len(value))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return value[order[i]] > value[order[j]] })
	kept := order[:n]
	sort.Ints(kept)
	fr.keep(kept)
}

func (fr *Frame) keep(features []int) {
	list, bins := make([]scorecard.Feature, 0, len(features)), make([][]uint8, 0, len(features))
	for _, f := range features {
		list = append(list, fr.Features[f])
		bins = append(bins, fr.Bins[f])
	}
	fr.Features, fr.Bins = list, bins
}

// strongest lists the n features that move the log-odds most, pairs counting for both of theirs.
func strongest(s *shapes, fr *Frame, train []int, n int) []int {
	counts := s.count(fr, train)
	value := make([]float64, len(fr.Features))
	for f, main := range s.mains {
		value[f] = pairImportance([][]float64{main}, [][]float64{counts.mains[f]})
	}
	for i, p := range s.pairs {
		v := pairImportance(p.cells, counts.pairs[i])
		value[p.a] += float64(v / 2)
		value[p.b] += float64(v / 2)
	}
	order := make([]int, len(value))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return value[order[i]] > value[order[j]] })
	kept := slices.Clone(order[:n])
	sort.Ints(kept)
	return kept
}
