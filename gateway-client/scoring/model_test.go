package scoring

import (
	"math"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/fault"
)

func train(t testing.TB, l loaded, o Options) *Model {
	t.Helper()
	m, err := Train(l.table, l.inputs, l.target, l.rows, o)
	require.NoError(t, err)
	return m
}

func canonical(t testing.TB, m *Model) string {
	t.Helper()
	b, err := m.Card.CanonicalJSON()
	require.NoError(t, err)
	return string(b)
}

func TestSameBytesOnAnyNumberOfCores(t *testing.T) {
	l := load(t, invented(1500, 1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var one string
	for _, o := range []Options{{Kind: WOE, Seed: 3}, {Kind: Logistic, Seed: 3}, {Seed: 3, Monotone: map[string]int{"load": 1, "age": -1}}, {Seed: 3}} {
		runtime.GOMAXPROCS(1)
		one = canonical(t, train(t, l, o))
		runtime.GOMAXPROCS(4)
		assert.Equal(t, one, canonical(t, train(t, l, o)), o.Kind)
	}
	assert.NotEqual(t, one, canonical(t, train(t, l, Options{Seed: 4})), "the seed matters")
}

func TestEveryKindLearns(t *testing.T) {
	l := load(t, invented(2000, 2))
	for _, kind := range Kinds {
		cv, err := CrossValidate(l.table, l.inputs, l.target, DrawFolds(l.target, 3, 1), Options{Kind: kind, Seed: 1})
		require.NoError(t, err, kind)
		assert.Greater(t, cv.AUC.Mean, 0.75, kind)
		assert.InDelta(t, cv.AUCFloat.Mean, cv.AUC.Mean, 0.001, kind)
		assert.Less(t, cv.ECE.Mean, 0.05, kind)
		assert.Len(t, cv.AUC.ByFold, 3, kind)
	}
}

func TestUselessColumnsAreLeftOut(t *testing.T) {
	m := train(t, load(t, invented(2000, 3)), Options{Seed: 1})
	var names []string
	for _, f := range m.Card.Features {
		names = append(names, f.Name)
	}
	assert.NotContains(t, names, "constant")
	assert.NotContains(t, names, "id", "text that never repeats")
	assert.Contains(t, names, "load")
}

// Signs against the data are obeyed, too: every table is monotone, at every cell.
func TestSignsAreObeyedEverywhere(t *testing.T) {
	l := load(t, invented(1500, 4))
	for _, signs := range []map[string]int{{"load": 1, "age": -1}, {"load": -1, "age": 1, "noise": 1, "gap": -1}} {
		for _, kind := range []Kind{Additive, WOE, Logistic} {
			m := train(t, l, Options{Kind: kind, Seed: 1, Monotone: signs})
			signed := 0
			for _, f := range m.Card.Features {
				if f.Monotone != 0 {
					signed++
				}
			}
			assert.NotZero(t, signed)
			assert.Empty(t, m.Card.Violations())
		}
	}
	_, err := Train(l.table, l.inputs, l.target, l.rows, Options{Monotone: map[string]int{"kind": 1, "absent": 1, "age": 2}})
	var f *fault.Error
	require.ErrorAs(t, err, &f)
	assert.Len(t, f.Fields, 3)
}

// The card's points are the rounded tables added up: merging bins changed nothing.
func TestCardIsTheRoundedShapes(t *testing.T) {
	l := load(t, invented(2500, 5))
	m := train(t, l, Options{Seed: 1})
	require.NotEmpty(t, m.Card.Pairs, "the interaction is found")
	s, err := NewScorer(m.Card, l.table)
	require.NoError(t, err)
	tables := len(m.Card.Features) + len(m.Card.Pairs) + 1
	for _, r := range l.rows {
		_, result, err := s.Row(r)
		require.NoError(t, err)
		exact := anchorPoints - pointsToDouble*(math.Log2(anchorOdds)+m.FloatLogit(r)/math.Ln2)
		require.InDelta(t, exact, float64(result.Points), float64(tables)/2)
		pd := 1 / (1 + math.Exp(m.FloatLogit(r)))
		require.InDelta(t, 1-pd, float64(result.PDPPM)/1e6, 0.06)
	}
}

func TestSelectKeepsTheStrongest(t *testing.T) {
	m := train(t, load(t, invented(2000, 6)), Options{Seed: 1, Select: 2})
	require.Len(t, m.Card.Features, 2)
	assert.Equal(t, "load", m.Card.Features[0].Name)
}

func TestTrainRefuses(t *testing.T) {
	l := load(t, invented(300, 7))
	for name, err := range map[string]error{
		"unknown kind": errOf(Train(l.table, l.inputs, l.target, l.rows, Options{Kind: "forest"})),
		"no inputs":    errOf(Train(l.table, nil, l.target, l.rows, Options{})),
		"one class":    errOf(Train(l.table, l.inputs, Target{"label", make([]bool, len(l.rows))}, l.rows, Options{})),
		"constant":     errOf(Train(l.table, []int{l.table.Column("constant")}, l.target, l.rows, Options{})),
	} {
		assert.Equal(t, fault.InputInvalid, fault.CodeOf(err), name)
	}
}

func errOf(_ *Model, err error) error { return err }

func TestIsotonic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "n")
		x := rapid.SliceOfN(rapid.Float64Range(-5, 5), n, n).Draw(t, "x")
		w := rapid.SliceOfN(rapid.Float64Range(0, 9), n, n).Draw(t, "w")
		sign := rapid.SampledFrom([]int{1, -1}).Draw(t, "sign")
		y := append([]float64(nil), x...)
		isotonic(y, w, sign)
		var before, after float64
		for i := range y {
			before += x[i] * math.Max(w[i], 1e-6)
			after += y[i] * math.Max(w[i], 1e-6)
			if i > 0 {
				require.GreaterOrEqual(t, float64(sign)*(y[i]-y[i-1]), 0.0)
			}
		}
		require.InDelta(t, before, after, 1e-6, "the weighted mean stays")
	})
}

func TestAUCAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 40).Draw(t, "n")
		bad := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "bad")
		bad[0], bad[1] = true, false
		risk := make([]float64, n)
		for i := range risk {
			risk[i] = float64(rapid.IntRange(0, 8).Draw(t, "risk"))
		}
		var wins, pairs float64
		for i := range n {
			for j := range n {
				if bad[i] && !bad[j] {
					pairs++
					switch {
					case risk[i] > risk[j]:
						wins++
					case risk[i] == risk[j]:
						wins += 0.5
					}
				}
			}
		}
		require.InDelta(t, wins/pairs, AUC(risk, bad), 1e-12)
		require.GreaterOrEqual(t, KS(risk, bad), math.Abs(2*AUC(risk, bad)-1)/2)
	})
}

func TestFixedPointFunctions(t *testing.T) {
	for x := -19.5; x < 19.5; x += 0.0371 {
		p := 1 / (1 + math.Exp(-x))
		l := int32(x * logitUnit)
		assert.InDelta(t, p, float64(sigmoidFixed(l))/probUnit, 1e-5)
		assert.InDelta(t, -math.Log(p), float64(lossFixed(l, true))/lossUnit, 4e-5)
	}
	s := newGradientScale(30_000)
	g, h := s.unpack(s.pack(0, true) + s.pack(logitUnit, false))
	assert.InDelta(t, 0.5-0.731, g, 1e-3)
	assert.InDelta(t, 0.25+0.1966, h, 1e-3)
}

// What the project promises on real data. German takes seconds; the others only run when asked for.
func TestRealData(t *testing.T) {
	for _, tc := range []struct {
		name     string
		auc, max float64 // AUC of the integer scorecard at least, log-loss at most (2 % above xgboost's)
	}{
		{"german", 0.790, 0.5115}, {"taiwan", 0.784, 0.4342}, {"polish_5year", 0.957, 0.1053}, {"sba_case", 0.872, 0.4273}, {"slovak_sme", 0.960, 0.0463},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.name != "german" && os.Getenv("TALLY_REAL_DATA") != "all" {
				t.Skip("takes minutes; set TALLY_REAL_DATA=all")
			}
			l := realData(t, tc.name)
			folds, err := ReadFolds(l.table, "fold")
			require.NoError(t, err)
			cv, err := CrossValidate(l.table, l.inputs, l.target, folds, Options{Seed: 1})
			require.NoError(t, err)
			t.Logf("AUC %.4f (float %.4f), log-loss %.4f, ECE %.4f, %.1f s", cv.AUC.Mean, cv.AUCFloat.Mean, cv.LogLoss.Mean, cv.ECE.Mean, cv.TrainSeconds)
			assert.GreaterOrEqual(t, cv.AUC.Mean, tc.auc)
			assert.LessOrEqual(t, cv.AUCFloat.Mean-cv.AUC.Mean, 0.001)
			assert.LessOrEqual(t, cv.LogLoss.Mean, tc.max)
			if l.table.Rows() >= 5000 {
				assert.LessOrEqual(t, cv.ECE.Mean, 0.02)
			}
		})
	}
}

// 30,000 rows of 23 features.
func BenchmarkTrainTaiwan(b *testing.B) {
	l := realData(b, "taiwan")
	for b.Loop() {
		train(b, l, Options{Seed: 1})
	}
}
