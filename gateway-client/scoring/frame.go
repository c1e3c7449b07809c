package scoring

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

// Column reads the cells of one CSV column as the raw values of one feature. It is fitted on training rows and then
// applied to any row, so that training, scoring and the chaincode see the same integers.
type Column struct {
	Name   string
	Kind   scorecard.Kind
	Scale  int
	Layout string // of dates, which become days since 1970-01-01; "" where the column holds no dates
}

// dateUnit marks a feature whose raw value is a date; what follows is the layout of the text, in Go's notation.
const dateUnit = "days since 1970-01-01, from "

// dateLayouts are tried in this order; a column is a date where one of them reads all its values.
var dateLayouts = []string{"2006-01-02", "2006/01/02", "20060102", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00",
	"02-Jan-06", "2-Jan-06", "02-Jan-2006", "2-Jan-2006", "02 Jan 2006", "Jan-06", "Jan-2006", "1/2/2006", "2/1/2006", "02.01.2006",
	"1/2/06", "2/1/06", "2006-01", "2006-01-02 15:04", "2006/01/02 15:04:05", "2006/01/02 15:04", "1/2/2006 15:04:05", "1/2/2006 15:04",
	"1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM", "2/1/2006 15:04:05", "2/1/2006 15:04", "02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.06",
	"2-1-2006", "1-2-2006", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04", "2 Jan 2006", "Jan 2, 2006", "January 2, 2006", "2 January 2006",
	"Jan 2006", "January 2006", "2006/01", "2006.01.02", "2006-1-2", "2006/1/2", "2006年1月2日", "2006年1月"}

// A column is numeric where this share of its values are numbers, or at least half of them, of many values, beside a few words
// such as "not stated". What is no number then counts as missing.
const (
	numericShare   = 0.98
	wordsShare     = 0.5
	mostWords      = 5
	numbersPerWord = 20
)

// fitColumn decides what a column holds, from its cells in the given rows.
func fitColumn(name string, cells []string, rows []int) Column {
	var numbers []decimal
	words, seen := map[string]bool{}, map[decimal]bool{}
	present := 0
	for _, r := range rows {
		if MissingText(cells[r]) {
			continue
		}
		present++
		if d, ok := parseDecimal(cells[r]); ok {
			numbers = append(numbers, d)
			if len(seen) < mostWords*numbersPerWord {
				seen[d] = true
			}
		} else if len(words) <= mostWords {
			words[cells[r]] = true
		}
	}
	share := float64(len(numbers)) / float64(max(1, present))
	if present == 0 || share >= numericShare || share >= wordsShare && len(words) <= mostWords && len(seen) >= numbersPerWord*len(words) {
		return Column{Name: name, Kind: scorecard.Numeric, Scale: scaleFor(numbers)}
	}
	for _, layout := range dateLayouts {
		if allDates(layout, cells, rows) {
			return Column{Name: name, Kind: scorecard.Numeric, Layout: layout}
		}
	}
	return Column{Name: name, Kind: scorecard.Categorical}
}

func allDates(layout string, cells []string, rows []int) bool {
	for _, r := range rows {
		if MissingText(cells[r]) {
			continue
		}
		if _, err := time.Parse(layout, cells[r]); err != nil {
			return false
		}
	}
	return true
}

// ColumnOf returns how the cells of a scorecard's feature are read.
func ColumnOf(f *scorecard.Feature) Column {
	c := Column{Name: f.Name, Kind: f.Kind, Scale: f.Scale}
	if layout, ok := strings.CutPrefix(f.Unit, dateUnit); ok {
		c.Layout = layout
	}
	return c
}

// Value reads one cell. Text in a numeric column is missing.
func (c Column) Value(cell string) scorecard.Value {
	if MissingText(cell) {
		return scorecard.Missing()
	}
	if c.Kind == scorecard.Categorical {
		return scorecard.Text(cell)
	}
	if c.Layout != "" {
		t, err := time.Parse(c.Layout, cell)
		if err != nil {
			return scorecard.Missing()
		}
		return scorecard.Number(t.Unix() / 86400)
	}
	d, ok := parseDecimal(cell)
	if !ok {
		return scorecard.Missing()
	}
	return scorecard.Number(d.at(c.Scale))
}

// Frame is the training view of a table: features without points yet, and the bin of every row of the table.
type Frame struct {
	Features []scorecard.Feature
	Bins     [][]uint8 // by feature, by row of the table
	Bad      []bool    // by row
	Rows     int
}

// BinOptions are the settings of binning.
type BinOptions struct {
	MaxBins    int // intervals of a numeric feature
	MaxLevels  int // levels of a categorical feature that get a bin of their own
	MinLevel   int // rows that a level needs for a bin of its own
	Change     map[string]scorecard.Change
	Special    map[string]map[string]string // column → code as it is written → its meaning
	Monotone   map[string]int
	Wording    map[string]scorecard.Wording
	Units      map[string]string // column → unit for people
	Categories map[string]bool   // numeric columns that are codes
}

// fitFrame decides the features of the table on the training rows and bins every row. Columns without any
// information in the training rows (constant, or text that never repeats) are left out, and numbers of rows.
func fitFrame(t *Table, columns []int, bad []bool, train []int, o BinOptions) *Frame {
	fr := &Frame{Bad: bad, Rows: t.Rows()}
	features := make([]*scorecard.Feature, len(columns))
	bins := make([][]uint8, len(columns))
	parallel(len(columns), func(i int) {
		features[i], bins[i] = fitFeature(t, columns[i], train, o)
	})
	for i, f := range features {
		if f != nil {
			fr.Features = append(fr.Features, *f)
			fr.Bins = append(fr.Bins, bins[i])
		}
	}
	return fr
}

func fitFeature(t *Table, column int, train []int, o BinOptions) (*scorecard.Feature, []uint8) {
	name, cells := t.Header[column], t.Columns[column]
	if numbersRows(cells) {
		return nil, nil
	}
	col := fitColumn(name, cells, train)
	if o.Categories[name] {
		col = Column{Name: name, Kind: scorecard.Categorical}
	}
	f := &scorecard.Feature{Name: featureName(name), Kind: col.Kind, Scale: col.Scale, Reference: -1, Change: scorecard.AnyWay,
		Monotone: o.Monotone[name], Wording: o.Wording[name], Unit: o.Units[name]}
	if c, ok := o.Change[name]; ok {
		f.Change = c
	}
	if codes := o.Special[name]; len(codes) > 0 && col.Kind == scorecard.Numeric && col.Layout == "" {
		f.Scale, f.Special = specialCodes(codes, col.Scale)
		col.Scale = f.Scale
	}
	if col.Kind == scorecard.Categorical {
		f.Monotone = 0
		if f.Change != scorecard.Immutable {
			f.Change = scorecard.AnyWay
		}
	}
	if col.Layout != "" {
		f.Unit = dateUnit + col.Layout
	}
	values := make([]scorecard.Value, len(cells))
	for r, cell := range cells {
		values[r] = col.Value(cell)
	}
	if col.Kind == scorecard.Categorical {
		f.Levels = levelGroups(values, train, o)
	} else {
		f.Edges = quantileEdges(values, train, f.Special, o.MaxBins)
	}
	bins := make([]uint8, len(cells))
	cache := map[string]uint8{}
	for r, v := range values {
		if v.Text != "" {
			b, ok := cache[v.Text]
			if !ok {
				n, _ := f.BinOf(v)
				b = uint8(n)
				cache[v.Text] = b
			}
			bins[r] = b
			continue
		}
		n, _ := f.BinOf(v)
		bins[r] = uint8(n)
	}
	first := bins[train[0]]
	for _, r := range train {
		if bins[r] != first {
			return f, bins
		}
	}
	return nil, nil
}

// specialCodes turns codes as they are written into a scorecard's, in ascending order. The scale grows where a code has
// more decimal places than the column.
func specialCodes(codes map[string]string, scale int) (int, []scorecard.Special) {
	for code := range codes {
		if d, ok := parseDecimal(code); ok {
			scale = max(scale, min(d.places, nineDecimals))
		}
	}
	var list []scorecard.Special
	for _, code := range sortedKeys(codes) {
		if d, ok := parseDecimal(code); ok {
			list = append(list, scorecard.Special{Code: d.at(scale), Meaning: codes[code]})
		}
	}
	slices.SortFunc(list, func(a, b scorecard.Special) int { return cmp.Compare(a.Code, b.Code) })
	return scale, list
}

// featureName makes a column's name fit for a scorecard. One that does not fit ends in a few digits of its SHA-256, so that names
// that begin alike stay apart.
func featureName(s string) string {
	if len(s) <= scorecard.MaxNameBytes && scorecard.PlainText(s) {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	end := "~" + hex.EncodeToString(sum[:4])
	var b strings.Builder
	for _, r := range s {
		if b.Len()+len(string(r))+len(end) > scorecard.MaxNameBytes {
			break
		}
		if scorecard.PlainText(string(r)) {
			b.WriteRune(r)
		}
	}
	return b.String() + end
}

// levelGroups gives each frequent level a group of its own, in alphabetical order. Others share the bin of unseen
// levels.
func levelGroups(values []scorecard.Value, train []int, o BinOptions) [][]string {
	count := map[string]int{}
	for _, r := range train {
		if v := values[r]; v.Text != "" && len(v.Text) <= scorecard.MaxLevelBytes && scorecard.PlainText(v.Text) {
			count[v.Text]++
		}
	}
	var levels []string
	for level, n := range count {
		if n >= o.MinLevel {
			levels = append(levels, level)
		}
	}
	sort.Slice(levels, func(i, j int) bool {
		if count[levels[i]] != count[levels[j]] {
			return count[levels[i]] > count[levels[j]]
		}
		return levels[i] < levels[j]
	})
	if len(levels) > o.MaxLevels {
		levels = levels[:o.MaxLevels]
	}
	sort.Strings(levels)
	groups := make([][]string, len(levels))
	for i, level := range levels {
		groups[i] = []string{level}
	}
	return groups
}

// quantileEdges cuts the training values into at most maxBins intervals of about equal size. A frequent value gets an
// interval of its own.
func quantileEdges(values []scorecard.Value, train []int, special []scorecard.Special, maxBins int) []int64 {
	var sorted []int64
next:
	for _, r := range train {
		if values[r].Missing {
			continue
		}
		for _, s := range special {
			if s.Code == values[r].Number {
				continue next
			}
		}
		sorted = append(sorted, values[r].Number)
	}
	sort.Slice(sorted, func(i, j int) bool { return sorted[i] < sorted[j] })
	type run struct {
		value int64
		count int
	}
	var runs []run
	for _, v := range sorted {
		if len(runs) > 0 && runs[len(runs)-1].value == v {
			runs[len(runs)-1].count++
			continue
		}
		runs = append(runs, run{v, 1})
	}
	var edges []int64
	if len(runs) <= maxBins {
		for i := 1; i < len(runs); i++ {
			edges = append(edges, edgeBetween(runs[i-1].value, runs[i].value))
		}
		return edges
	}
	left, bins := len(sorted), maxBins
	filled := 0
	for i := 0; i+1 < len(runs) && bins > 1; i++ {
		filled += runs[i].count
		target := float64(left) / float64(bins)
		// Close the bin where it is full, or where the next value alone would overfill it by more than it lacks now.
		if float64(filled) >= target || float64(filled)+float64(float64(runs[i+1].count)/2) > target && filled > 0 && runs[i+1].count > int(target) {
			edges = append(edges, edgeBetween(runs[i].value, runs[i+1].value))
			left -= filled
			filled = 0
			bins--
		}
	}
	return edges
}

// edgeBetween returns the roundest integer e with low < e ≤ high in the middle half of the gap, so that the borders
// read well.
func edgeBetween(low, high int64) int64 {
	mid := low + (high-low+1)/2
	quarter := (high - low) / 4
	from, to := mid-quarter, mid+quarter
	for unit := int64(1_000_000_000_000_000); unit > 1; unit /= 10 {
		// The multiple of the unit that is nearest to the middle.
		q := mid / unit * unit
		for _, e := range []int64{q, q + unit, q - unit} {
			if e >= from && e <= to && e > low && e <= high {
				return e
			}
		}
	}
	return mid
}
