package chart

import (
	"math"
	"time"
)

// Span is what was measured between two instants: the lowest, the highest and the mean value, as floats for the eye only.
type Span struct {
	From, To        time.Time
	Low, High, Mean float64
	// Outside says that something in it was beyond the limits.
	Outside bool
	Title   string
}

// Spans is a chart of values over time with the limits that they must keep.
type Spans struct {
	Name, Title, Description, Unit string
	Spans                          []Span
	LimitLow, LimitHigh            float64
	LimitText                      string
}

type spanShape struct {
	box   rect
	mean  [2][2]float64
	title string
}

type spansShape struct {
	yTicks, xTicks []Tick
	spans          []spanShape
	line           string
	limits         []float64
	base           float64
}

// minSpan is the least width of a span, in pixels: a single reading stays visible.
const minSpan = 3

func (c Spans) shape(size Size) spansShape {
	low, high := c.LimitLow, c.LimitHigh
	var from, to time.Time
	for i, s := range c.Spans {
		low, high = math.Min(low, s.Low), math.Max(high, s.High)
		if i == 0 || s.From.Before(from) {
			from = s.From
		}
		if s.To.After(to) {
			to = s.To
		}
	}
	if !to.After(from) {
		to = from.Add(time.Hour)
	}
	marks := ticks(low, high)
	bottom, highest := math.Min(marks[0], low), marks[len(marks)-1]
	base := size.Height - size.Bottom
	y := func(v float64) float64 { return base - (base-top)*(v-bottom)/(highest-bottom) }
	x := func(t time.Time) float64 {
		return size.Left + (size.Width-size.Left-size.Right)*t.Sub(from).Seconds()/to.Sub(from).Seconds()
	}
	out := spansShape{base: base, limits: []float64{y(c.LimitLow), y(c.LimitHigh)}}
	for _, m := range marks {
		out.yTicks = append(out.yTicks, Tick{At: y(m), Label: trimmed(m)})
	}
	out.xTicks = timeTicks(from, to, x, size.MaxLabels/2)
	var line [][2]float64
	for _, s := range c.Spans {
		left, right := x(s.From), x(s.To)
		if right-left < minSpan {
			middle := (left + right) / 2
			left, right = middle-minSpan/2, middle+minSpan/2
		}
		shape := spanShape{title: s.Title, mean: [2][2]float64{{left, y(s.Mean)}, {right, y(s.Mean)}}}
		shape.box = rect{x: left, y: y(s.High), width: right - left, height: math.Max(y(s.Low)-y(s.High), 1), class: "s1"}
		if s.Outside {
			shape.box.class = "s5"
		}
		out.spans = append(out.spans, shape)
		line = append(line, shape.mean[0], shape.mean[1])
	}
	out.line = path(line)
	return out
}

// timeTicks are at most most marks at whole hours or days.
func timeTicks(from, to time.Time, x func(time.Time) float64, most int) []Tick {
	steps := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour}
	for days := time.Duration(1); days < 3_000; days *= 2 {
		steps = append(steps, days*24*time.Hour)
	}
	step := steps[len(steps)-1]
	for _, s := range steps {
		if to.Sub(from)/s < time.Duration(max(most, 2)) {
			step = s
			break
		}
	}
	layout := "01-02 15:04"
	if step >= 24*time.Hour {
		layout = "2006-01-02"
	}
	var list []Tick
	for t := from.UTC().Truncate(step); !t.After(to); t = t.Add(step) {
		if !t.Before(from) {
			list = append(list, Tick{At: x(t), Label: t.Format(layout)})
		}
	}
	return list
}
