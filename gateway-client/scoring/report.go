package scoring

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"math"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
)

//go:embed report.html
var reportFiles embed.FS

var reportTemplate = template.Must(template.ParseFS(reportFiles, "report.html"))

// ReportOptions say what a model report is about beside the card and the rows.
type ReportOptions struct {
	Group    string // column whose values are compared for fairness; "" for none
	Approve  int64  // points from which an application counts as approved in the fairness table; 0: the median
	Split    string // column that says train or test; then figures are of the test rows and stability compares the two
	Prepared string // date on the report, ISO 8601; "" for none
}

type reportData struct {
	Card        *scorecard.Scorecard
	Hash        string
	Data        string
	DataSHA256  string
	Prepared    string
	Rows, Bads  int
	SameData    bool
	AUC, KS     float64
	Brier, Loss float64
	ECE         float64
	ROC         template.HTML
	Calibration template.HTML
	Histogram   template.HTML
	Features    []reportFeature
	Pairs       []reportPair
	Bands       []reportBand
	PSI         string
	Group       string
	Approve     int64
	Groups      []reportGroup
	Violations  []string
	Monotone    int
}

type reportFeature struct {
	*scorecard.Feature
	Range   int64
	Picture template.HTML
}

type reportPair struct {
	A, B   string
	Range  int64
	Header []string
	Rows   []reportPairRow
}

type reportPairRow struct {
	Label string
	Cells []reportCell
}

type reportCell struct {
	Points int64
	Colour template.CSS
}

type reportBand struct {
	From, To  int64
	Rows, Bad int
	Predicted float64
	Observed  float64
	PValue    float64
}

type reportGroup struct {
	Value          string
	Rows           int
	Approved       float64
	Ratio          float64
	BadRate, Score float64
	AUC            string
}

// Report writes a model report as one HTML page without references to anything outside it. The rows are those that the
// figures are measured on; say so in the text where they trained the model, too.
func Report(card *scorecard.Scorecard, t *Table, target Target, o ReportOptions) ([]byte, error) {
	s, err := NewScorer(card, t)
	if err != nil {
		return nil, err
	}
	hash, err := card.Hash()
	if err != nil {
		return nil, err
	}
	rows := make([]int, t.Rows())
	for i := range rows {
		rows[i] = i
	}
	var reference []int
	if o.Split != "" {
		folds, err := ReadSplit(t, o.Split)
		if err != nil {
			return nil, err
		}
		rows, reference = folds[0].Test, folds[0].Train
	}
	d := reportData{Card: card, Hash: hash, Data: t.Name, DataSHA256: t.SHA256, Prepared: o.Prepared, Rows: len(rows), Group: o.Group,
		SameData: t.SHA256 == card.Provenance.DataSHA256 && o.Split == "", Violations: card.Violations()}
	points, pd, bad := make([]float64, len(rows)), make([]float64, len(rows)), make([]bool, len(rows))
	risk := make([]float64, len(rows))
	for i, r := range rows {
		_, result, err := s.Row(r)
		if err != nil {
			return nil, err
		}
		points[i], pd[i], bad[i] = float64(result.Points), float64(result.PDPPM)/scorecard.MillionPPM, target.Bad[r]
		risk[i] = -points[i]
		if bad[i] {
			d.Bads++
		}
	}
	if d.Bads == 0 || d.Bads == d.Rows {
		return nil, fault.New(fault.InputInvalid, "%s: the rows have one outcome only; nothing can be measured", t.Name)
	}
	d.AUC, d.KS, d.Brier, d.Loss, d.ECE = AUC(risk, bad), KS(risk, bad), Brier(pd, bad), LogLoss(pd, bad), ECE(pd, bad)
	d.Bands = bands(points, pd, bad)
	if err := d.pictures(points, pd, risk, bad); err != nil {
		return nil, err
	}
	if err := d.tables(card); err != nil {
		return nil, err
	}
	if reference != nil {
		before := make([]float64, len(reference))
		for i, r := range reference {
			_, result, err := s.Row(r)
			if err != nil {
				return nil, err
			}
			before[i] = float64(result.Points)
		}
		d.PSI = fmt.Sprintf("%.4f", PSI(before, points))
	}
	if o.Group != "" {
		if err := d.fairness(t, rows, points, bad, risk, o); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	if err := reportTemplate.Execute(&b, d); err != nil {
		return nil, fault.New(fault.InternalError, "the report: %v", err)
	}
	return b.Bytes(), nil
}

// PSI is the population stability index between two samples of scores, over ten bands of the first one's deciles. The
// customary reading: below 0.1 stable, above 0.25 shifted (Siddiqi 2006, chapter 9).
func PSI(before, after []float64) float64 {
	sorted := append([]float64(nil), before...)
	sort.Float64s(sorted)
	share := func(x []float64, k int) float64 {
		low, high := math.Inf(-1), math.Inf(1)
		if k > 0 {
			low = sorted[len(sorted)*k/10]
		}
		if k < 9 {
			high = sorted[len(sorted)*(k+1)/10]
		}
		n := 0.5 // half a row keeps an empty band finite
		for _, v := range x {
			if v >= low && v < high {
				n++
			}
		}
		return n / (float64(len(x)) + 5)
	}
	sum := 0.0
	for k := range 10 {
		a, b := share(before, k), share(after, k)
		sum += (b - a) * math.Log(b/a)
	}
	return sum
}

// bands cuts the rows into ten of equal size and compares predicted with observed bad rate by a two-sided binomial
// test in its normal approximation.
func bands(points, pd []float64, bad []bool) []reportBand {
	order := byRisk(points)
	var list []reportBand
	for k := range 10 {
		part := order[len(order)*k/10 : len(order)*(k+1)/10]
		if len(part) == 0 {
			continue
		}
		b := reportBand{From: int64(points[part[0]]), To: int64(points[part[len(part)-1]]), Rows: len(part)}
		variance := 0.0
		for _, i := range part {
			b.Predicted += pd[i] / float64(len(part))
			variance += pd[i] * (1 - pd[i])
			if bad[i] {
				b.Bad++
			}
		}
		b.Observed = float64(b.Bad) / float64(len(part))
		z := math.Abs(float64(b.Bad)-b.Predicted*float64(len(part))) / math.Sqrt(math.Max(variance, 1e-9))
		b.PValue = math.Erfc(z / math.Sqrt2)
		list = append(list, b)
	}
	return list
}

func (d *reportData) fairness(t *Table, rows []int, points []float64, bad []bool, risk []float64, o ReportOptions) error {
	c, err := t.MustColumn("--group", o.Group)
	if err != nil {
		return err
	}
	d.Approve = o.Approve
	if d.Approve == 0 {
		sorted := append([]float64(nil), points...)
		sort.Float64s(sorted)
		d.Approve = int64(sorted[len(sorted)/2])
	}
	members := map[string][]int{}
	for i, r := range rows {
		members[t.Columns[c][r]] = append(members[t.Columns[c][r]], i)
	}
	if len(members) > 50 {
		return fault.New(fault.InputInvalid, "--group %q has %d values; at most 50 groups can be compared", o.Group, len(members))
	}
	best := 0.0
	for _, value := range sortedKeys(members) {
		g := reportGroup{Value: value, Rows: len(members[value]), AUC: "–"}
		var gr []float64
		var gb []bool
		bads := 0
		for _, i := range members[value] {
			if int64(points[i]) >= d.Approve {
				g.Approved++
			}
			if bad[i] {
				bads++
			}
			g.Score += points[i]
			gr, gb = append(gr, risk[i]), append(gb, bad[i])
		}
		n := float64(g.Rows)
		g.Approved, g.Score, g.BadRate = g.Approved/n, g.Score/n, float64(bads)/n
		if bads > 0 && bads < g.Rows {
			g.AUC = fmt.Sprintf("%.3f", AUC(gr, gb))
		}
		best = math.Max(best, g.Approved)
		d.Groups = append(d.Groups, g)
	}
	for i := range d.Groups {
		if best > 0 {
			d.Groups[i].Ratio = d.Groups[i].Approved / best
		}
	}
	return nil
}

// tables makes a picture of every feature's points and a heat map of every pair, the strongest first.
func (d *reportData) tables(card *scorecard.Scorecard) error {
	for i := range card.Features {
		f := &card.Features[i]
		low, high := extremes(f.Points)
		if f.Monotone != 0 {
			d.Monotone++
		}
		picture, err := featurePicture(f)
		if err != nil {
			return err
		}
		d.Features = append(d.Features, reportFeature{Feature: f, Range: high - low, Picture: picture})
	}
	sort.SliceStable(d.Features, func(i, j int) bool { return d.Features[i].Range > d.Features[j].Range })
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
		scale := math.Max(math.Abs(float64(low)), math.Abs(float64(high)))
		labels := sides(a, p.RowOf, len(p.Points))
		for k, row := range p.Points {
			line := reportPairRow{Label: labels[k]}
			for _, v := range row {
				line.Cells = append(line.Cells, reportCell{Points: v, Colour: heat(float64(v) / math.Max(scale, 1))})
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

// sides labels the rows or columns of a pair by the first and last bin that fall into them.
func sides(f *scorecard.Feature, of []int, n int) []string {
	first, last := make([]int, n), make([]int, n)
	for g := range n {
		first[g] = -1
	}
	for b, g := range of {
		if first[g] < 0 {
			first[g] = b
		}
		last[g] = b
	}
	list := make([]string, n)
	for g := range n {
		switch {
		case first[g] < 0:
			list[g] = "–"
		case first[g] == last[g]:
			list[g] = f.BinLabel(first[g])
		default:
			list[g] = f.BinLabel(first[g]) + " … " + f.BinLabel(last[g])
		}
	}
	return list
}

// heat is green for points gained, red for points lost.
func heat(x float64) template.CSS {
	v := int(255 - math.Round(math.Abs(x)*150))
	if x >= 0 {
		return template.CSS(fmt.Sprintf("background:rgb(%d,255,%d)", v, v))
	}
	return template.CSS(fmt.Sprintf("background:rgb(255,%d,%d)", v, v))
}

func (d *reportData) pictures(points, pd, risk []float64, bad []bool) error {
	roc := plot.New()
	roc.Title.Text, roc.X.Label.Text, roc.Y.Label.Text = "ROC", "share of goods", "share of bads"
	curve, err := plotter.NewLine(rocCurve(risk, bad))
	if err != nil {
		return err
	}
	diagonal, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}})
	if err != nil {
		return err
	}
	diagonal.Dashes = []vg.Length{vg.Points(3), vg.Points(3)}
	roc.Add(plotter.NewGrid(), curve, diagonal)
	if d.ROC, err = svg(roc, 9, 8); err != nil {
		return err
	}
	cal := plot.New()
	cal.Title.Text, cal.X.Label.Text, cal.Y.Label.Text = "Calibration by tenths", "predicted", "observed"
	var dots plotter.XYs
	top := 0.0
	for _, b := range d.Bands {
		dots = append(dots, plotter.XY{X: b.Predicted, Y: b.Observed})
		top = math.Max(top, math.Max(b.Predicted, b.Observed))
	}
	scatter, err := plotter.NewScatter(dots)
	if err != nil {
		return err
	}
	exact, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: top, Y: top}})
	if err != nil {
		return err
	}
	cal.Add(plotter.NewGrid(), scatter, exact)
	if d.Calibration, err = svg(cal, 9, 8); err != nil {
		return err
	}
	hist := plot.New()
	hist.Title.Text, hist.X.Label.Text, hist.Y.Label.Text = "Points of goods (blue) and bads (red), normalised", "points", ""
	for _, class := range []bool{false, true} {
		var v plotter.Values
		for i := range points {
			if bad[i] == class {
				v = append(v, points[i])
			}
		}
		h, err := plotter.NewHist(v, 30)
		if err != nil {
			return err
		}
		h.Normalize(1)
		h.FillColor = nil
		h.LineStyle.Color = goodColour
		if class {
			h.LineStyle.Color = badColour
		}
		hist.Add(h)
	}
	d.Histogram, err = svg(hist, 18, 7)
	return err
}

func rocCurve(risk []float64, bad []bool) plotter.XYs {
	order := byRisk(risk)
	var goods, bads float64
	for _, b := range bad {
		if b {
			bads++
		} else {
			goods++
		}
	}
	var g, b float64
	curve := plotter.XYs{{X: 0, Y: 0}}
	step := max(1, len(order)/400)
	for n, k := 0, len(order)-1; k >= 0; n, k = n+1, k-1 {
		if bad[order[k]] {
			b++
		} else {
			g++
		}
		if n%step == 0 && (k == 0 || risk[order[k-1]] != risk[order[k]]) {
			curve = append(curve, plotter.XY{X: g / goods, Y: b / bads})
		}
	}
	return append(curve, plotter.XY{X: 1, Y: 1})
}

func featurePicture(f *scorecard.Feature) (template.HTML, error) {
	p := plot.New()
	p.Y.Label.Text = "points"
	var bars plotter.Values
	for _, v := range f.Points {
		bars = append(bars, float64(v))
	}
	width := vg.Length(math.Max(1.5, math.Min(14, 330/float64(len(bars)))))
	chart, err := plotter.NewBarChart(bars, width)
	if err != nil {
		return "", err
	}
	chart.Color, chart.LineStyle.Width = goodColour, 0
	p.Add(plotter.NewGrid(), chart)
	var ticks []plot.Tick
	every := max(1, len(bars)/8)
	for b := range bars {
		label := ""
		if b == 0 || b%every == 0 {
			label = shortLabel(f.BinLabel(b))
		}
		ticks = append(ticks, plot.Tick{Value: float64(b), Label: label})
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	p.X.Tick.Label.Rotation = 0.5
	p.X.Tick.Label.XAlign = draw.XRight
	return svg(p, 16, 6)
}

func shortLabel(s string) string {
	r := []rune(s)
	if len(r) > 18 {
		return string(r[:17]) + "…"
	}
	return s
}

// svg draws a plot as an SVG element of the given size in centimetres.
func svg(p *plot.Plot, width, height float64) (template.HTML, error) {
	c := vgsvg.New(vg.Length(width)*vg.Centimeter, vg.Length(height)*vg.Centimeter)
	p.Draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", fault.New(fault.InternalError, "a picture of the report: %v", err)
	}
	// The element alone: the XML declaration has no place inside a page.
	text := b.Bytes()
	if i := bytes.Index(text, []byte("<svg")); i > 0 {
		text = text[i:]
	}
	return template.HTML(text), nil // made by gonum/plot, which escapes labels
}

// Gini is twice the area between the ROC curve and the diagonal.
func (d reportData) Gini() float64 { return 2*d.AUC - 1 }
