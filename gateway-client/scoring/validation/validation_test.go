package validation_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/scoring"
	"github.com/tallystick/tallystick/gateway-client/scoring/validation"
)

// world is a table of loans of four quarters. From the third quarter on, loads are higher by `shift`; outcomes of the
// last quarter are not known yet; one decision in twenty is an override.
func world(t testing.TB, n int, seed uint64, shift float64) *scoring.Table {
	rng := rand.New(rand.NewPCG(seed, 7))
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	require.NoError(t, w.Write([]string{"load", "age", "region", "applied", "decided", "label"}))
	for i := range n {
		quarter := i * 4 / n
		load, age := rng.NormFloat64(), 20+rng.IntN(50)
		if quarter >= 2 {
			load += shift
		}
		decided := "approved"
		if load > 1 != (rng.IntN(20) == 0) {
			decided = "declined"
		}
		label := "0"
		if rng.Float64() < 1/(1+math.Exp(-(1.4*load-0.03*float64(age-40)-1.5))) {
			label = "1"
		}
		if quarter == 3 {
			label = ""
		}
		region := "north"
		if load > 0.7 {
			region = "south"
		}
		require.NoError(t, w.Write([]string{fmt.Sprintf("%.3f", load), fmt.Sprint(age), region, fmt.Sprintf("2026-%02d-10", 2+3*quarter), decided, label}))
	}
	w.Flush()
	table, err := scoring.ReadCSV("loans", bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	return table
}

// train makes a scorecard of the rows with an outcome.
func train(t testing.TB, table *scoring.Table, kind scoring.Kind, inputs ...string) *scorecard.Scorecard {
	known := &scoring.Table{Name: "known", Header: table.Header, Columns: make([][]string, len(table.Header)), SHA256: table.SHA256}
	label := table.Column("label")
	var rows []int
	for r := range table.Rows() {
		if table.Columns[label][r] == "" {
			continue
		}
		rows = append(rows, len(rows))
		for c := range table.Columns {
			known.Columns[c] = append(known.Columns[c], table.Columns[c][r])
		}
	}
	target, err := scoring.ReadTarget(known, "label", "")
	require.NoError(t, err)
	var columns []int
	for _, name := range inputs {
		columns = append(columns, known.Column(name))
	}
	o := scoring.Options{Kind: kind, Seed: 1, Name: "inv<ented>", Wording: map[string]scorecard.Wording{}}
	if slices.Contains(inputs, "load") {
		o.Wording["load"] = scorecard.Wording{En: "The load is high", Zh: "负载过高"}
	}
	m, err := scoring.Train(known, columns, target, rows, o)
	require.NoError(t, err)
	return m.Card
}

func TestMonitorSeesWhatChanged(t *testing.T) {
	card := train(t, world(t, 3000, 1, 0), scoring.WOE, "load", "age")
	weak := train(t, world(t, 3000, 1, 0), scoring.WOE, "age")
	o := validation.Options{Label: "label", Date: "applied", Decision: "decided", Group: "region", Challenger: weak}

	still, err := validation.Monitor(card, world(t, 4000, 2, 0), o)
	require.NoError(t, err)
	assert.Equal(t, 4000, still.Rows)
	assert.Equal(t, 3000, still.Known, "the last quarter's outcomes are not known")
	assert.Greater(t, still.AUC, 0.75)
	assert.Less(t, still.Stability.PSI, validation.PSIStable)
	assert.Equal(t, "2026-Q1", still.Stability.Reference, "the first period, as there is no other reference")
	require.Len(t, still.Periods, 4)
	assert.Equal(t, "2026-Q4", still.Periods[3].Period)
	assert.Nil(t, still.Periods[3].AUC)
	assert.NotNil(t, still.Periods[0].AUC)
	require.Len(t, still.Groups, 2)
	assert.True(t, still.Groups[1].Alarm, "the south is declined")
	assert.NotZero(t, still.Overrides.DeclinedAbove)
	assert.NotZero(t, still.Overrides.ApprovedBelow.Rows)
	assert.Equal(t, 4000, still.Overrides.Decided)
	assert.Less(t, still.Challenger.High, 0.0, "a challenger that knows the age only ranks worse, surely")
	assert.Greater(t, still.Challenger.SwappedIn.BadRate, still.Challenger.SwappedOut.BadRate)
	for _, a := range still.Alarms {
		assert.NotContains(t, a, "shifted")
		assert.NotContains(t, a, "challenger")
	}

	o.Challenger = nil
	moved, err := validation.Monitor(card, world(t, 4000, 2, 1.6), o)
	require.NoError(t, err)
	assert.Greater(t, moved.Stability.PSI, validation.PSIShifted)
	assert.Equal(t, "load", moved.Stability.Features[0].Feature)
	assert.Less(t, moved.Stability.Features[1].PSI, validation.PSIStable, "the age has not moved")
	assert.Contains(t, strings.Join(moved.Alarms, "\n"), "load has shifted")
	assert.Greater(t, *moved.Periods[3].PSI, *moved.Periods[1].PSI)

	// The other way round: the weak model's challenger is better, and that is an alarm.
	o.Challenger = card
	better, err := validation.Monitor(weak, world(t, 4000, 2, 0), o)
	require.NoError(t, err)
	assert.Greater(t, better.Challenger.Low, 0.0)
	assert.Contains(t, strings.Join(better.Alarms, "\n"), "the challenger ranks better")
}

func TestCalibrationThatIsOffIsSeen(t *testing.T) {
	table := world(t, 3000, 3, 0)
	card := train(t, table, scoring.WOE, "load", "age")
	deviating := func() int {
		m, err := validation.Monitor(card, world(t, 4000, 4, 0), validation.Options{Label: "label"})
		require.NoError(t, err)
		n := 0
		for _, b := range m.Calibration {
			if b.Deviates {
				n++
			}
		}
		return n
	}
	assert.LessOrEqual(t, deviating(), 1)
	for i := range card.PD.PPM {
		card.PD.PPM[i] /= 2
	}
	assert.Greater(t, deviating(), 3)
}

func TestMonitorRefuses(t *testing.T) {
	table := world(t, 800, 5, 0)
	card := train(t, table, scoring.WOE, "load", "age")
	for name, o := range map[string]validation.Options{
		"no such label":    {Label: "absent"},
		"no such group":    {Label: "label", Group: "absent"},
		"no such date":     {Label: "label", Date: "absent"},
		"a period of days": {Label: "label", Date: "applied", Every: "day"},
		"no decision":      {Label: "label", Decision: "region"},
		"no outcome":       {Label: "label", Bad: "2"},
		"no split":         {Label: "label", Split: "region"},
		"too many groups":  {Label: "label", Group: "load"},
		"too many periods": {Label: "label", Date: "load"},
	} {
		_, err := validation.Monitor(card, table, o)
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), name)
	}
}

func TestPSI(t *testing.T) {
	assert.InDelta(t, 0, validation.PSI([]int{100, 200, 300}, []int{50, 100, 150}), 1e-4, "size does not matter")
	assert.InDelta(t, 0.2*math.Log(0.6/0.4)*2, validation.PSI([]int{40_000, 60_000}, []int{60_000, 40_000}), 1e-3)
	assert.False(t, math.IsInf(validation.PSI([]int{100, 0}, []int{0, 100}), 0))
}

// Two samples of one population pass the limit by chance as often as it says.
func TestStabilityIndexOfFewRowsIsChance(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	const draws = 4000
	for _, bands := range []int{10, 40} {
		beyond := 0
		for range draws {
			a, b := make([]int, bands), make([]int, bands)
			for range 2000 {
				a[rng.IntN(bands)]++
			}
			for range 400 {
				b[rng.IntN(bands)]++
			}
			if validation.PSI(a, b) > validation.Chance(a, b, 0.95) {
				beyond++
			}
		}
		assert.InDelta(t, 0.05, float64(beyond)/draws, 0.02, "%d bands", bands)
	}
	assert.Zero(t, validation.Chance([]int{5, 0}, []int{3, 0}, 0.95), "one band cannot shift")

	card := train(t, world(t, 3000, 1, 0), scoring.WOE, "load", "age")
	few := validation.Options{Label: "label", Reference: world(t, 3000, 1, 0)}
	m, err := validation.Monitor(card, world(t, 40, 6, 0), few)
	require.NoError(t, err)
	assert.Greater(t, m.Stability.Features[0].PSI, validation.PSIShifted, "ten bins of forty rows")
	assert.NotContains(t, strings.Join(m.Alarms, "\n"), "shifted")
	m, err = validation.Monitor(card, world(t, 60, 6, 3), few)
	require.NoError(t, err)
	assert.Contains(t, strings.Join(m.Alarms, "\n"), "load has shifted")
}

// Against adding up the probabilities.
func TestBinomialTest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		bad := rapid.IntRange(0, n).Draw(t, "bad")
		p := rapid.Float64Range(0.01, 0.99).Draw(t, "p")
		low, high, term := 0.0, 0.0, math.Pow(1-p, float64(n))
		for k := range n + 1 {
			if k <= bad {
				low += term
			}
			if k >= bad {
				high += term
			}
			term *= float64(n-k) / float64(k+1) * p / (1 - p)
		}
		require.InDelta(t, math.Min(1, 2*math.Min(low, high)), validation.BinomialTest(bad, n, p), 1e-9)
	})
}

func TestReportIsOneFile(t *testing.T) {
	table := world(t, 2000, 8, 0)
	card := train(t, table, scoring.Additive, "load", "age", "region")
	o := validation.ReportOptions{Prepared: "2026-11-22",
		Options: validation.Options{Label: "label", Group: "region", Date: "applied", Decision: "decided", Challenger: card}}
	page, err := validation.Report(card, table, o)
	require.NoError(t, err)
	text := string(page)
	for _, want := range []string{"Conceptual soundness", "Outcomes analysis", "Stability", "Fairness", "Ongoing monitoring", "Governance", "<svg",
		"负载过高", "inv&lt;ented&gt;", "the very rows that the model was trained on", card.Provenance.DataSHA256, "2026-Q3", "scored in shadow", "Overrides"} {
		assert.Contains(t, text, want)
	}
	for _, not := range []string{" src=", " href=", "@import", "url(", "NaN", "ZgotmplZ"} {
		assert.NotContains(t, strings.ReplaceAll(text, "xlink:href", ""), not)
	}
	again, err := validation.Report(card, table, o)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(page, again))
	o.Group = "absent"
	_, err = validation.Report(card, table, o)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
}
