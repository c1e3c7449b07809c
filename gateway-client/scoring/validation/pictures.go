package validation

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
)

func (d *reportData) pictures() error {
	var err error
	if d.ROC, err = d.rocPicture(); err != nil {
		return err
	}
	if d.Reliability, err = d.reliabilityPicture(); err != nil {
		return err
	}
	if d.Histogram, err = d.histogram(); err != nil {
		return err
	}
	d.Drift, err = d.driftPicture()
	return err
}

func (d *reportData) rocPicture() (template.HTML, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "ROC", "share of goods", "share of bads"
	curve, err := plotter.NewLine(rocCurve(negated(d.known.of(d.scored.points)), d.known.bad))
	if err != nil {
		return "", err
	}
	curve.Color, curve.Width = goodColour, vg.Points(1.5)
	diagonal, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}})
	if err != nil {
		return "", err
	}
	diagonal.Dashes = []vg.Length{vg.Points(3), vg.Points(3)}
	p.Add(plotter.NewGrid(), curve, diagonal)
	return svg(p, 9, 8)
}

func (d *reportData) reliabilityPicture() (template.HTML, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "Calibration by tenths", "predicted", "observed"
	var dots plotter.XYs
	top := 0.0
	for _, b := range d.Calibration {
		dots = append(dots, plotter.XY{X: b.Predicted, Y: b.Observed})
		top = math.Max(top, math.Max(b.Predicted, b.Observed))
	}
	scatter, err := plotter.NewScatter(dots)
	if err != nil {
		return "", err
	}
	scatter.Color, scatter.Shape, scatter.Radius = badColour, draw.CircleGlyph{}, vg.Points(3)
	exact, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: top, Y: top}})
	if err != nil {
		return "", err
	}
	exact.Dashes = []vg.Length{vg.Points(3), vg.Points(3)}
	p.Add(plotter.NewGrid(), scatter, exact)
	return svg(p, 9, 8)
}

func (d *reportData) histogram() (template.HTML, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text = "Distribution of points, each class by itself", "points"
	p.Y.Tick.Marker = plot.ConstantTicks(nil)
	points := d.known.of(d.scored.points)
	low, high := slices.Min(points), slices.Max(points)+1
	bars := max(12, min(40, int(math.Sqrt(float64(len(points))))))
	for k, name := range []string{"good", "bad"} {
		var rows float64
		steps := make(plotter.XYs, bars+1)
		for i := range steps {
			steps[i].X = low + (high-low)*float64(i)/float64(bars)
		}
		for i, v := range points {
			if class(d.known.bad[i]) == k {
				rows++
				steps[int((v-low)/(high-low)*float64(bars))].Y++
			}
		}
		for i := range steps {
			steps[i].Y /= rows
		}
		line, err := plotter.NewLine(steps)
		if err != nil {
			return "", err
		}
		line.StepStyle, line.Width, line.Color = plotter.PostStep, vg.Points(1.2), []color.Color{goodColour, badColour}[k]
		p.Add(line)
		p.Legend.Add(name, line)
	}
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs = true, true, vg.Points(6)
	return svg(p, 20, 7)
}

// driftPicture shows AUC and KS by period.
func (d *reportData) driftPicture() (template.HTML, error) {
	var auc, ks plotter.XYs
	var ticks []plot.Tick
	for i, period := range d.Periods {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: period.Period})
		if period.AUC != nil {
			auc = append(auc, plotter.XY{X: float64(i), Y: *period.AUC})
			ks = append(ks, plotter.XY{X: float64(i), Y: *period.KS})
		}
	}
	if len(auc) < 2 {
		return "", nil
	}
	p := plot.New()
	p.Title.Text = "AUC and KS over time"
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign = 0.5, draw.XRight
	p.Y.Min, p.Y.Max = 0, 1
	p.X.Max = float64(len(ticks)) - 0.5
	p.Legend.Left, p.Legend.XOffs, p.Legend.YOffs = true, vg.Points(6), vg.Points(4)
	p.Add(plotter.NewGrid())
	for _, line := range []struct {
		name   string
		points plotter.XYs
		colour color.Color
	}{{"AUC", auc, goodColour}, {"KS", ks, badColour}} {
		l, dots, err := plotter.NewLinePoints(line.points)
		if err != nil {
			return "", err
		}
		l.Color, dots.Color, dots.Shape = line.colour, line.colour, draw.CircleGlyph{}
		p.Add(l, dots)
		p.Legend.Add(line.name, l)
	}
	return svg(p, 20, 7)
}

func rocCurve(risk []float64, bad []bool) plotter.XYs {
	order := make([]int, len(risk))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return risk[order[i]] < risk[order[j]] })
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
	step, next := max(1, len(order)/400), 0
	for n, k := 0, len(order)-1; k >= 0; n, k = n+1, k-1 {
		if bad[order[k]] {
			b++
		} else {
			g++
		}
		if n >= next && (k == 0 || risk[order[k-1]] != risk[order[k]]) {
			curve = append(curve, plotter.XY{X: g / goods, Y: b / bads})
			next = n + step
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
	p.X.Min, p.X.Max = -0.6, float64(len(bars))-0.4
	p.Y.Tick.Marker = plot.TickerFunc(wholeTicks)
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
	return svg(p, 20, 6)
}

// wholeTicks are gonum's, where they are whole points.
func wholeTicks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for _, t := range (plot.DefaultTicks{}).Ticks(low, high) {
		if t.Value != math.Trunc(t.Value) {
			continue
		}
		if t.Label != "" {
			t.Label = fmt.Sprintf("%.0f", t.Value)
		}
		ticks = append(ticks, t)
	}
	return ticks
}

func shortLabel(s string) string {
	r := []rune(s)
	if len(r) > 18 {
		return string(r[:17]) + "…"
	}
	return s
}

// svg draws a plot as an SVG element of the given size in centimetres, with room for labels at its edges.
func svg(p *plot.Plot, width, height float64) (template.HTML, error) {
	c := vgsvg.New(vg.Length(width)*vg.Centimeter, vg.Length(height)*vg.Centimeter)
	p.Draw(draw.Crop(draw.New(c), vg.Points(4), vg.Points(-14), vg.Points(2), vg.Points(-6)))
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
