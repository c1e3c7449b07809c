package scorecard_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
)

func TestBin(t *testing.T) {
	c := small()
	for _, tc := range []struct {
		name   string
		values []scorecard.Value
		want   scorecard.Vector
	}{
		{"missing is bin 0", []scorecard.Value{scorecard.Missing(), scorecard.Missing(), scorecard.Missing()}, scorecard.Vector{0, 0, 0}},
		{"special code", []scorecard.Value{scorecard.Number(-1), scorecard.Text("C11"), scorecard.Number(2)}, scorecard.Vector{1, 2, 1}},
		{"just below an edge", []scorecard.Value{scorecard.Number(49), scorecard.Text("C10"), scorecard.Number(9)}, scorecard.Vector{2, 2, 2}},
		{"an edge belongs above", []scorecard.Value{scorecard.Number(50), scorecard.Number(46), scorecard.Number(10)}, scorecard.Vector{3, 3, 3}},
		{"unseen level, extremes", []scorecard.Value{scorecard.Number(1 << 62), scorecard.Text("Z"), scorecard.Number(-1 << 62)}, scorecard.Vector{4, 1, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := c.Bin(tc.values)
			require.NoError(t, err)
			assert.Equal(t, tc.want, v)
		})
	}
	_, err := c.Bin([]scorecard.Value{scorecard.Text("many"), scorecard.Missing(), scorecard.Text("few")})
	var f *fault.Error
	require.ErrorAs(t, err, &f)
	assert.Len(t, f.Fields, 2, "every failure is reported")
	_, err = c.Bin(nil)
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
}

func TestPointsByHand(t *testing.T) {
	c := small()
	r, err := c.Points(scorecard.Vector{3, 2, 3})
	require.NoError(t, err)
	// 1000 + 10 + 12 + 25 + pair(row 1, column 1) 9
	assert.Equal(t, scorecard.Result{Points: 1056, DisplayPoints: 352, PDPPM: 200000}, r)
	r, err = c.Points(scorecard.Vector{1, 1, 1})
	require.NoError(t, err)
	// 1000 - 40 - 3 - 30 + 0 = 927; PD 27/60 of the way from 500000 to 333333, rounded down
	assert.Equal(t, scorecard.Result{Points: 927, DisplayPoints: 309, PDPPM: 500000 - 75001}, r)
	assert.Equal(t, int64(4250), r.PDBasisPoints())
	for _, v := range []scorecard.Vector{nil, {3, 2}, {5, 2, 3}, {3, 4, 3}, {3, 2, 65535}} {
		_, err := c.Points(v)
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), "%v", v)
	}
}

func TestDisplayRoundsDownBelowZero(t *testing.T) {
	assert.Equal(t, int64(-1), small().Display(-1))
	assert.Equal(t, int64(0), small().Display(2))
}

func TestReasonsByHand(t *testing.T) {
	c := small()
	reasons, err := c.Reasons(scorecard.Vector{1, 1, 3}, nil)
	require.NoError(t, err)
	// Pair: reference (2,2) → 4, vector (1,3) → -3: 7 lost. A: ½[(4-0)+(9+3)] = 8, B: -1.
	assert.Equal(t, []scorecard.Reason{
		{Feature: 0, Bin: 1, Reference: 2, Lost: 70 + 8},
		{Feature: 1, Bin: 1, Reference: 2, Lost: 15},
		{Feature: 2, Bin: 3, Reference: 2, Lost: -25 - 1},
	}, reasons)
	assert.Len(t, scorecard.Top(reasons, 5), 2, "a gain is no reason")
	assert.Len(t, scorecard.Top(reasons, 1), 1)
}

// addUp is a second, naive reading of the format, to hold the evaluator against.
func addUp(c *scorecard.Scorecard, v scorecard.Vector) int64 {
	sum := c.BasePoints
	for f, bin := range v {
		sum += c.Features[f].Points[bin]
		for _, p := range c.Pairs {
			if p.B == f {
				sum += p.Points[p.RowOf[v[p.A]]][p.ColumnOf[bin]]
			}
		}
	}
	return sum
}

func TestEvaluatorAgainstNaiveSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := genCard(8, 8).Draw(t, "card")
		require.NoError(t, c.Validate())
		v := genVector(c).Draw(t, "vector")
		r, err := c.Points(v)
		require.NoError(t, err)
		require.Equal(t, addUp(c, v), r.Points)
		require.GreaterOrEqual(t, r.Points, 3*r.DisplayPoints)
		require.Less(t, r.Points, 3*r.DisplayPoints+3)

		reasons, err := c.Reasons(v, nil)
		require.NoError(t, err)
		lost := int64(0)
		for i, x := range reasons {
			lost += x.Lost
			require.True(t, i == 0 || reasons[i-1].Lost >= x.Lost)
		}
		require.Equal(t, addUp(c, c.ReferenceVector())-r.Points, lost, "reasons add up exactly")
	})
}

func TestPDNeverRisesWithPoints(t *testing.T) {
	pd := small().PD
	last := int64(scorecard.MillionPPM)
	for p := int64(800); p < 1100; p++ {
		at := pd.At(p)
		assert.LessOrEqual(t, at, last)
		last = at
	}
	assert.Equal(t, int64(500000), pd.At(-5000))
	assert.Equal(t, int64(333333), pd.At(960))
	assert.Equal(t, int64(200000), pd.At(5000))
}

// The client's path (raw integers, a buffer of its own, a card parsed from its own copy of the file) and the
// chaincode's (a vector, a card from canonical bytes) agree on a million random inputs.
func TestTwoCallersAgreeOnAMillionInputs(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 20_000
	}
	client := sizedCard(7, 12, 24, 11)
	canonical, err := client.CanonicalJSON()
	require.NoError(t, err)
	chain, err := scorecard.Parse(canonical)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	values := make([]scorecard.Value, len(client.Features))
	vector := make(scorecard.Vector, 0, len(values))
	for range n {
		for i := range values {
			values[i] = scorecard.Number(rng.Int64N(150) - 20)
			if rng.IntN(10) == 0 {
				values[i] = scorecard.Missing()
			}
		}
		vector, err = client.BinInto(vector, values)
		require.NoError(t, err)
		a, errA := client.Points(vector)
		v, errV := chain.Bin(values)
		b, errB := chain.Points(v)
		if errA != nil || errV != nil || errB != nil || a != b || a.Points != addUp(chain, v) {
			t.Fatalf("%v: %v %v, %v %v %v", values, a, b, errA, errV, errB)
		}
	}
}

func TestCanonicalBytes(t *testing.T) {
	c := small()
	b, err := c.CanonicalJSON()
	require.NoError(t, err)

	var sorted any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&sorted))
	var again bytes.Buffer
	enc := json.NewEncoder(&again)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(sorted)) // maps are written with sorted keys
	assert.Equal(t, strings.TrimSpace(again.String()), string(b), "keys must stand in alphabetical order")
	assert.NotContains(t, string(b), "null")

	spaced, err := json.MarshalIndent(c, " ", "   ")
	require.NoError(t, err)
	parsed, err := scorecard.Parse(spaced)
	require.NoError(t, err)
	h1, err := c.Hash()
	require.NoError(t, err)
	h2, err := parsed.Hash()
	require.NoError(t, err)
	assert.Equal(t, h1, h2)
	parsed.Features[0].Points[2]++
	h3, err := parsed.Hash()
	require.NoError(t, err)
	assert.NotEqual(t, h1, h3)
}

func TestHashIsStable(t *testing.T) {
	h, err := small().Hash()
	require.NoError(t, err)
	assert.Equal(t, "663d9971c04ef55f795ac13a503386a84036025aff6f03dd53df59b3d00851b5", h, "the canonical form changed: registered models would lose their identity")
}

func TestParseRefuses(t *testing.T) {
	good, err := small().CanonicalJSON()
	require.NoError(t, err)
	for name, text := range map[string]string{
		"not JSON":      "scorecard",
		"unknown field": strings.Replace(string(good), `"base_points"`, `"bass_points":1,"base_points"`, 1),
		"a float":       strings.Replace(string(good), `"base_points":1000`, `"base_points":1000.5`, 1),
		"trailing text": string(good) + "{}",
	} {
		_, err := scorecard.Parse([]byte(text))
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), name)
	}
	_, err = scorecard.Parse(make([]byte, scorecard.MaxBytes+1))
	assert.Equal(t, fault.InputTooLarge, fault.CodeOf(err))
}

func TestValidateReportsEveryFailure(t *testing.T) {
	c := small()
	require.NoError(t, c.Validate())
	c.Schema = "x"
	c.Name = ""
	c.Outcome = "a\nb"
	c.PointsToDoubleOdds = 0
	c.Provenance.BadRows = 1
	c.Features[0].Edges[1] = 50
	c.Features[0].Points = c.Features[0].Points[:4]
	c.Features[1].Levels[1][0] = "C10"
	c.Features[1].Change = scorecard.Upwards
	c.Features[2].Reference = 9
	c.Features[2].Name = "sector"
	c.Pairs[0].RowOf[0] = 2
	c.Pairs = append(c.Pairs, scorecard.Pair{A: 2, B: 1})
	c.PD.PPM[1] = 500001
	err := c.Validate()
	var f *fault.Error
	require.True(t, errors.As(err, &f))
	var paths []string
	for _, x := range f.Fields {
		paths = append(paths, x.Path)
	}
	assert.Equal(t, []string{"schema", "name", "outcome", "provenance.bad_rows", "points_to_double_odds",
		"features[0].edges[1]", "features[0].points", "features[1].change", "features[1].levels[1][0]", "features[2].name",
		"features[2].reference", "pairs[0].row_of[0]", "pairs[1]", "pd.ppm[1]"}, paths)
}

func TestViolations(t *testing.T) {
	c := small()
	assert.Len(t, c.Violations(), 2, "invoices at the two bins of row 0")
	c.Pairs[0].Points[0] = []int64{0, 3}
	assert.Empty(t, c.Violations())
	c.Features[0].Points[4] = 11
	assert.Len(t, c.Violations(), 1)
	c.Features[0].Points[4] = -20
	c.Pairs[0].Points[1] = []int64{9, 4} // the risk rises with invoices, at the three bins of row 1
	assert.Len(t, c.Violations(), 3)
}

func TestWhatIsEnoughGivesNoFewerPoints(t *testing.T) {
	c := small()
	c.Pairs[0].Points = [][]int64{{0, 3}, {-4, -1}}
	require.Empty(t, c.Violations())
	assert.Equal(t, scorecard.Range{Below: "10.0"}, c.Enough(0, 3), "days to confirm: fewer are no worse")
	assert.Equal(t, scorecard.Range{AtLeast: "3"}, c.Enough(2, 2), "invoices: more are no worse")
	assert.Equal(t, scorecard.Range{}, c.Enough(0, 1), "a special code has no bounds")
	assert.Equal(t, scorecard.Range{}, c.Enough(1, 2), "nor have levels")
	c.Features[2].Points[3] = -1
	assert.Equal(t, scorecard.Range{AtLeast: "3", Below: "10"}, c.Enough(2, 2), "a table that breaks its sign promises nothing beyond the bin")
}

func TestBinLabel(t *testing.T) {
	c := small()
	var labels []string
	for _, f := range c.Features[:2] {
		for b := range f.Bins() {
			labels = append(labels, f.BinLabel(b))
		}
	}
	assert.Equal(t, []string{"missing", "never confirmed", "< 5.0", "5.0 to < 10.0", "≥ 10.0",
		"missing", "other", "C10, C11", "46"}, labels)
}

func TestScaleOfVeryLargeAndVerySmallNumbers(t *testing.T) {
	for scale, want := range map[int]scorecard.Range{
		-3: {AtLeast: "-12000", Below: "0"}, 0: {AtLeast: "-12", Below: "0"}, 2: {AtLeast: "-0.12", Below: "0.00"},
		18: {AtLeast: "-0.000000000000000012", Below: "0.000000000000000000"},
	} {
		c := small()
		c.Features[0].Edges, c.Features[0].Scale = []int64{-12, 0}, scale
		require.NoError(t, c.Validate(), scale)
		assert.Equal(t, want, c.Features[0].BinRange(3), scale)
	}
	for _, scale := range []int{scorecard.MinScale - 1, scorecard.MaxScale + 1} {
		c := small()
		c.Features[0].Scale = scale
		assert.ErrorContains(t, c.Validate(), "scale")
	}
}

func TestNoAllocation(t *testing.T) {
	c := sizedCard(3, 20, 16, 15)
	v := c.ReferenceVector()
	buf := make([]scorecard.Reason, 0, len(v))
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := c.Points(v); err != nil {
			panic(err)
		}
		if _, err := c.Reasons(v, buf); err != nil {
			panic(err)
		}
	}))
}

// 30 features of 32 intervals and 30 pairs of 8 × 8.
func BenchmarkPointsAndReasons(b *testing.B) {
	c := sizedCard(11, 30, 32, 30)
	v := make(scorecard.Vector, len(c.Features))
	buf := make([]scorecard.Reason, 0, len(v))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Points(v); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Reasons(v, buf); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	good, err := small().CanonicalJSON()
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"features":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := scorecard.Parse(data)
		if err != nil {
			return
		}
		b, err := c.CanonicalJSON()
		require.NoError(t, err)
		again, err := scorecard.Parse(b)
		require.NoError(t, err)
		b2, err := again.CanonicalJSON()
		require.NoError(t, err)
		require.Equal(t, string(b), string(b2))
		_, err = c.Points(c.ReferenceVector())
		require.NoError(t, err)
		_, err = c.Reasons(make(scorecard.Vector, len(c.Features)), nil)
		require.NoError(t, err)
	})
}
