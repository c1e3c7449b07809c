// Package chart draws what people would rather look at than read, as SVG that follows the page's colours and scheme: columns
// over time, bars in a table, ranges over time, steps, and graphs whose nodes are links. Every picture has a title and a
// description, and the pages put the figures beside it as a table.
package chart

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// Size is the drawing area of a chart. A page holds a wide and a narrow drawing, of which the style sheet shows the one that
// fits, so that text keeps its size.
type Size struct {
	Name                string
	Width, Height       float64
	Left, Bottom, Right float64 // margins for labels
	MaxLabels           int
}

// The sizes of charts.
var (
	Wide   = Size{Name: "wide", Width: 680, Height: 260, Left: 66, Bottom: 34, Right: 12, MaxLabels: 14}
	Narrow = Size{Name: "narrow", Width: 330, Height: 230, Left: 58, Bottom: 34, Right: 6, MaxLabels: 5}
)

const top = 14

// Tick is a mark of an axis.
type Tick struct {
	At    float64
	Label string
}

// ticks are the major marks between two values, as gonum chooses them, and always one beyond the highest value.
func ticks(low, high float64) []float64 {
	if high <= low {
		high = low + 1
	}
	var at []float64
	for _, t := range (plot.DefaultTicks{}).Ticks(low, high) {
		if t.Label != "" {
			at = append(at, t.Value)
		}
	}
	if len(at) > 1 && at[len(at)-1] < high {
		at = append(at, 2*at[len(at)-1]-at[len(at)-2])
	}
	return at
}

// px writes a coordinate with a tenth of a pixel.
func px(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		v = 0
	}
	return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
}

// path joins points to the d of a path.
func path(points [][2]float64) string {
	var b strings.Builder
	for i, p := range points {
		if i == 0 {
			b.WriteString("M")
		} else {
			b.WriteString("L")
		}
		b.WriteString(px(p[0]) + " " + px(p[1]))
	}
	return b.String()
}

// every is how many labels share one place, so that at most most are shown.
func every(n, most int) int {
	if n <= most || most == 0 {
		return 1
	}
	return (n + most - 1) / most
}

// share is a part of a whole in hundredths, between 0 and 100.
func share(part, whole int64) float64 {
	if whole <= 0 || part <= 0 {
		return 0
	}
	return math.Min(100, 100*float64(part)/float64(whole))
}
