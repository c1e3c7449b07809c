package evidence

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/plotter"

	"github.com/tallystick/tallystick/chaincode/fault"
)

func TestChartShowsExcursionsAndLoanToValue(t *testing.T) {
	w := newWorld(t, 1, true)
	s, err := w.simulator(t, 0, Profile{Excursions: []Excursion{{After: 600 * time.Minute, For: 15 * time.Minute, Offset: 450}}}).Segment(2880)
	require.NoError(t, err)
	b := w.seal(t, "evd-00000001", start.Add(48*time.Hour), s)
	p := Picture{Title: "Receipt rct-00000001", Series: SeriesOf([]Batch{b}, w.devices), MaintenanceBps: 7500, CureBps: 7000,
		LTV: []LTVPoint{{start, 6500}, {start.Add(10 * time.Hour), 7900}, {start.Add(20 * time.Hour), 6800}}}
	require.Len(t, p.Series, 2)
	var out bytes.Buffer
	require.NoError(t, Chart(&out, p))
	svg := out.String()
	for _, want := range []string{"Receipt rct-00000001", "Temperature", "RelativeHumidity", "1440 readings, 15 outside of the limits", "maintenance level 75.00 %", "cure level 70.00 %", "2026-03-02", "12:00"} {
		assert.Contains(t, svg, want)
	}
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, "the picture is not XML")
	}
	var again bytes.Buffer
	require.NoError(t, Chart(&again, p))
	assert.Equal(t, svg, again.String())
	assert.Equal(t, fault.InputMissing, fault.CodeOf(Chart(&out, Picture{})))
}

// Calls that open and are cured within minutes stay readable beside weeks of readings: each step has its own place.
func TestChartOfAMomentaryLoanToValue(t *testing.T) {
	w := newWorld(t, 1, true)
	s, err := w.simulator(t, 0, Profile{}).Segment(2880)
	require.NoError(t, err)
	at := start.Add(47 * time.Hour)
	p := Picture{Series: SeriesOf([]Batch{w.seal(t, "evd-00000001", start.Add(48*time.Hour), s)}, w.devices), MaintenanceBps: 7500, CureBps: 7000,
		LTV: []LTVPoint{{at, 6500}, {at.Add(time.Second), 7900}, {at.Add(time.Second), 6800}}}
	var out bytes.Buffer
	require.NoError(t, Chart(&out, p))
	for _, want := range []string{"not to scale", at.Format(time.TimeOnly), at.Add(time.Second).Format(time.TimeOnly), ">maintenance</text>", ">cure</text>"} {
		assert.True(t, strings.Contains(out.String(), want), want)
	}
	p.LTV = []LTVPoint{{start, 6500}, {at, 7900}}
	out.Reset()
	require.NoError(t, Chart(&out, p))
	assert.False(t, strings.Contains(out.String(), "not to scale"))
}

func TestThinKeepsTheExtremes(t *testing.T) {
	all := make(plotter.XYs, 100_000)
	for i := range all {
		all[i].X = float64(i)
	}
	all[4711].Y, all[4712].Y, all[99_999].Y = 9, -9, 5
	kept := thin(all, maxPoints)
	assert.Len(t, kept, maxPoints)
	for _, want := range []plotter.XY{all[4711], all[4712], all[99_999]} {
		assert.Contains(t, kept, want)
	}
	for i := range kept[1:] {
		assert.LessOrEqual(t, kept[i].X, kept[i+1].X)
	}
}
