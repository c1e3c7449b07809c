package evidence

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receipt"
	"github.com/tallystick/tallystick/gateway-client/document/epcis"
)

// Series is one property as one device has read it, in the order of time, with the device's alarm limits.
type Series struct {
	Device   string
	Measure  receipt.Measure
	Readings []receipt.Reading
}

// LTVPoint is a loan's loan-to-value from an instant on.
type LTVPoint struct {
	At  time.Time
	Bps int64
}

// Picture is what a chart of a receipt shows: what devices have read, and what the bank made of it. LTV may be empty.
type Picture struct {
	Title          string
	Series         []Series
	LTV            []LTVPoint
	MaintenanceBps int64
	CureBps        int64
}

// SeriesOf sorts the readings of batches by device and property.
func SeriesOf(batches []Batch, devices []receipt.Device) []Series {
	var list []Series
	for _, d := range devices {
		for _, m := range d.Measures {
			s := Series{Device: d.ID, Measure: m}
			for _, b := range batches {
				for _, segment := range b.Segments {
					for _, r := range segment.Readings {
						if r.Device == d.ID && r.Property == m.Property {
							s.Readings = append(s.Readings, r)
						}
					}
				}
			}
			slices.SortStableFunc(s.Readings, func(a, b receipt.Reading) int { return a.At.Compare(b.At) })
			if len(s.Readings) > 0 {
				list = append(list, s)
			}
		}
	}
	return list
}

const (
	chartWidth  = 24 * vg.Centimeter
	panelHeight = 7 * vg.Centimeter
	titleHeight = 9 * vg.Millimeter
	// headroom is the part of a panel above its highest and below its lowest point.
	headroom = 0.08
	// maxPoints is how many points a line has at most; of more, the lowest and the highest of each stretch are kept, so that no
	// excursion gets lost.
	maxPoints = 2000
	// maxPanels bounds the height of a picture.
	maxPanels = 24
)

var (
	blue  = color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}
	red   = color.RGBA{R: 0xc8, G: 0x1e, B: 0x1e, A: 0xff}
	grey  = color.RGBA{R: 0x70, G: 0x70, B: 0x70, A: 0xff}
	amber = color.RGBA{R: 0xc7, G: 0x7a, B: 0x00, A: 0xff}
)

// Chart draws the picture as SVG: a panel for each series, with its limits dashed and its excursions as red dots, and below
// them the loan-to-value in steps, with the maintenance and the cure level, and in red what is above the former. All panels share
// one axis of time, in UTC. Only a loan-to-value that moved within a moment, among days of readings, is drawn one step after the
// other at even distances, with the times below, or nobody could see it.
func Chart(out io.Writer, p Picture) error {
	if len(p.Series) == 0 && len(p.LTV) == 0 {
		return fault.New(fault.InputMissing, "there is nothing to draw: no readings and no loan-to-value")
	}
	from, to := p.window()
	var panels []*plot.Plot
	for _, s := range p.Series {
		panel, err := s.panel(from, to)
		if err != nil {
			return err
		}
		panels = append(panels, panel)
	}
	if len(p.LTV) > 0 {
		panel, err := p.ltvPanel(from, to)
		if err != nil {
			return err
		}
		panels = append(panels, panel)
	}
	if len(panels) > maxPanels {
		return fault.New(fault.InputTooLarge, "a picture has at most %d panels; choose fewer devices or properties", maxPanels)
	}
	grid := make([][]*plot.Plot, len(panels))
	for i, panel := range panels {
		panel.Title.TextStyle.Font.Size, panel.Title.Padding = vg.Points(10), vg.Millimeter
		room := headroom * (panel.Y.Max - panel.Y.Min)
		panel.Y.Max += room
		if panel.Y.Min != 0 { // a loan-to-value begins at nothing
			panel.Y.Min -= room
		}
		grid[i] = []*plot.Plot{panel}
	}
	canvas := vgsvg.New(chartWidth, titleHeight+panelHeight*vg.Length(len(panels)))
	whole := draw.New(canvas)
	whole.SetColor(color.White)
	whole.Fill(whole.Rectangle.Path())
	style := panels[0].Title.TextStyle
	style.Font.Size, style.XAlign, style.YAlign = vg.Points(13), draw.XCenter, draw.YTop
	whole.FillText(style, vg.Point{X: whole.Center().X, Y: whole.Max.Y - 2*vg.Millimeter}, p.Title)
	tiles := draw.Tiles{Rows: len(panels), Cols: 1, PadY: vg.Millimeter * 5, PadTop: titleHeight, PadBottom: vg.Millimeter * 2,
		PadLeft: vg.Millimeter * 3, PadRight: vg.Millimeter * 12}
	for i, row := range plot.Align(grid, tiles, whole) {
		panels[i].Draw(row[0])
	}
	_, err := canvas.WriteTo(out)
	return err
}

// timeTicks marks whole minutes, hours or days, at most ten of them, with date and time in UTC.
func timeTicks(from, to float64) []plot.Tick {
	minutes := []float64{1.0 / 60, 5.0 / 60, 0.25, 1, 5, 15, 60, 180, 360, 720, 1440, 2 * 1440, 7 * 1440, 30 * 1440, 365 * 1440}
	step := minutes[len(minutes)-1] * 60
	for _, m := range minutes {
		if (to-from)/(m*60) <= 9 {
			step = m * 60
			break
		}
	}
	var ticks []plot.Tick
	for x := math.Ceil(from/step) * step; x <= to && len(ticks) < 100; x += step {
		layout := "2006-01-02\n15:04"
		if step < 60 {
			layout += ":05"
		}
		ticks = append(ticks, plot.Tick{Value: x, Label: time.Unix(int64(x), 0).UTC().Format(layout)})
	}
	return ticks
}

func (p Picture) window() (from, to time.Time) {
	widen := func(t time.Time) {
		if from.IsZero() || t.Before(from) {
			from = t
		}
		if t.After(to) {
			to = t
		}
	}
	for _, s := range p.Series {
		widen(s.Readings[0].At)
		widen(s.Readings[len(s.Readings)-1].At)
	}
	for _, l := range p.LTV {
		widen(l.At)
	}
	if !to.After(from) {
		to = from.Add(time.Hour)
	}
	return from, to
}

// momentary reports whether the loan-to-value moved within less than a fiftieth of the picture's time.
func (p Picture) momentary(from, to time.Time) bool {
	span := p.LTV[len(p.LTV)-1].At.Sub(p.LTV[0].At)
	return len(p.LTV) > 1 && span*50 <= to.Sub(from)
}

// seconds is an instant on an axis of time.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// panel draws one series. Floats are for the eye only.
func (s Series) panel(from, to time.Time) (*plot.Plot, error) {
	unit := math.Pow10(-s.Measure.Scale)
	all := make(plotter.XYs, len(s.Readings))
	var outside plotter.XYs
	for i, r := range s.Readings {
		all[i] = plotter.XY{X: seconds(r.At), Y: float64(r.Value) * unit}
		if r.Value < s.Measure.LimitMin || r.Value > s.Measure.LimitMax {
			outside = append(outside, all[i])
		}
	}
	panel := overTime(from, to)
	panel.Title.Text = fmt.Sprintf("%s, device %s: %d readings, %d outside of the limits", s.Measure.Property, s.Device, len(all), len(outside))
	panel.Y.Label.Text = epcis.Symbol(s.Measure.Unit)
	line, err := plotter.NewLine(thin(all, maxPoints))
	if err != nil {
		return nil, err
	}
	line.Color = blue
	panel.Add(plotter.NewGrid(), line)
	for _, limit := range []int64{s.Measure.LimitMin, s.Measure.LimitMax} {
		if err := level(panel, float64(limit)*unit, "limit", draw.YBottom, grey); err != nil {
			return nil, err
		}
	}
	return panel, mark(panel, thin(outside, maxPoints))
}

// mark adds red dots.
func mark(panel *plot.Plot, points plotter.XYs) error {
	if len(points) == 0 {
		return nil
	}
	dots, err := plotter.NewScatter(points)
	if err != nil {
		return err
	}
	dots.Color, dots.Shape, dots.Radius = red, draw.CircleGlyph{}, vg.Points(1.6)
	panel.Add(dots)
	return nil
}

// ltvPanel draws the loan-to-value in steps. A value above 200 % is drawn as 200 %.
func (p Picture) ltvPanel(from, to time.Time) (*plot.Plot, error) {
	panel := overTime(from, to)
	place := func(i int) float64 { return seconds(p.LTV[i].At) }
	if p.momentary(from, to) {
		place = func(i int) float64 { return float64(i) }
		panel.X.Min, panel.X.Max = -0.25, float64(len(p.LTV))
		panel.X.Tick.Marker = plot.TickerFunc(p.stepTicks)
		panel.X.Label.TextStyle.Font.Size = vg.Points(9)
		panel.X.Label.Text = "one step after the other, not to scale"
	}
	panel.Title.Text = "Loan-to-value"
	panel.Y.Label.Text = "%"
	points := make(plotter.XYs, 0, len(p.LTV)+1)
	var above plotter.XYs
	for i, l := range p.LTV {
		points = append(points, plotter.XY{X: place(i), Y: float64(min(l.Bps, 20_000)) / 100})
		if p.MaintenanceBps > 0 && l.Bps > p.MaintenanceBps {
			above = append(above, points[i])
		}
	}
	points = append(points, plotter.XY{X: panel.X.Max, Y: points[len(points)-1].Y})
	line, err := plotter.NewLine(points)
	if err != nil {
		return nil, err
	}
	line.StepStyle, line.Color, line.Width = plotter.PostStep, blue, vg.Points(1.5)
	panel.Add(plotter.NewGrid(), line)
	for _, l := range []struct {
		bps   int64
		name  string
		side  text.YAlignment
		color color.Color
	}{{p.MaintenanceBps, "maintenance", draw.YBottom, red}, {p.CureBps, "cure", draw.YTop, amber}} {
		if l.bps == 0 {
			continue
		}
		panel.Title.Text += fmt.Sprintf("; %s level %d.%02d %%", l.name, l.bps/100, l.bps%100)
		if err := level(panel, float64(l.bps)/100, l.name, l.side, l.color); err != nil {
			return nil, err
		}
	}
	panel.Y.Min = 0
	return panel, mark(panel, thin(above, maxPoints))
}

// stepTicks writes the time below the steps, below at most ten of them.
func (p Picture) stepTicks(_, _ float64) []plot.Tick {
	var ticks []plot.Tick
	every := (len(p.LTV) + 9) / 10
	for i := 0; i < len(p.LTV); i += every {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: p.LTV[i].At.UTC().Format("2006-01-02\n15:04:05")})
	}
	return ticks
}

// overTime is a panel whose axis is the time of the picture.
func overTime(from, to time.Time) *plot.Plot {
	panel := plot.New()
	panel.X.Min, panel.X.Max = seconds(from), seconds(to)
	panel.X.Tick.Marker = plot.TickerFunc(timeTicks)
	return panel
}

// level draws a dashed line across the panel with its name at the left end, above or below.
func level(panel *plot.Plot, y float64, name string, side text.YAlignment, c color.Color) error {
	from, to := panel.X.Min, panel.X.Max
	line, err := plotter.NewLine(plotter.XYs{{X: from, Y: y}, {X: to, Y: y}})
	if err != nil {
		return err
	}
	line.Color, line.Dashes = c, []vg.Length{vg.Points(4), vg.Points(3)}
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: from, Y: y}}, Labels: []string{name}})
	if err != nil {
		return err
	}
	label.TextStyle[0].Color, label.TextStyle[0].Font.Size = c, vg.Points(8)
	label.TextStyle[0].YAlign, label.Offset = side, vg.Point{X: vg.Points(3), Y: vg.Points(1)}
	panel.Add(line, label)
	return nil
}

// thin keeps the lowest and the highest point of each stretch.
func thin(all plotter.XYs, most int) plotter.XYs {
	if len(all) <= most {
		return all
	}
	stretches := most / 2
	kept := make(plotter.XYs, 0, most)
	for i := range stretches {
		part := all[i*len(all)/stretches : (i+1)*len(all)/stretches]
		low, high := part[0], part[0]
		for _, p := range part {
			if p.Y < low.Y {
				low = p
			}
			if p.Y > high.Y {
				high = p
			}
		}
		if high.X < low.X {
			low, high = high, low
		}
		kept = append(kept, low, high)
	}
	return kept
}
