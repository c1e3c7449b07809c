package simulation

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/gateway-client/scoring"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

func small(seed uint64, links Links) Config {
	return Config{Seed: seed, Firms: 300, Months: 30, Links: links}
}

func cases(t *testing.T, c Config, lives int) []Case {
	list, err := Cases(c, Lives{Test: lives}, nil)
	require.NoError(t, err)
	return list
}

func TestSameSeedSameBytes(t *testing.T) {
	a := CSV(cases(t, small(7, AllLinks), 0), true)
	assert.Equal(t, string(a), string(CSV(cases(t, small(7, AllLinks), 0), true)))
	assert.Equal(t, string(a), string(CSV(cases(t, small(7, AllLinks), 2), true)), "looking into other futures changes nothing")
	assert.NotEqual(t, string(a), string(CSV(cases(t, small(8, AllLinks), 0), true)))
	first, err := Operations(small(7, AllLinks), 20)
	require.NoError(t, err)
	second, err := Operations(small(7, AllLinks), 20)
	require.NoError(t, err)
	assert.Equal(t, first, second)
}

// Two worlds that have only the past in common have the same record of it, each looking back from its own end: nothing that happens
// after a cut-off is in a feature.
func TestRecordsDoNotKnowTheFuture(t *testing.T) {
	for _, links := range []Links{AllLinks, {}} {
		w, err := New(small(11, links))
		require.NoError(t, err)
		week := CutOffs(w.weeks)[0]
		w.Run(week)
		then := w.recordAt(week).cases(false)
		other := w.copy(12, 1)
		w.Run(week + outcomeWeeks)
		other.Run(week + outcomeWeeks)
		otherFates, otherPayments := 0, 0
		for i := range w.firms {
			if w.firms[i].failed != other.firms[i].failed {
				otherFates++
			}
		}
		for k := range min(len(w.invoices), len(other.invoices)) {
			if w.invoices[k].paid != other.invoices[k].paid {
				otherPayments++
			}
		}
		require.Positive(t, otherFates)
		require.Greater(t, otherPayments, 100)
		require.NotEmpty(t, then)
		assert.True(t, reflect.DeepEqual(then, w.recordAt(week).cases(false)), "what came is in the record")
		assert.True(t, reflect.DeepEqual(then, other.recordAt(week).cases(false)), "what came is in the record")
	}
}

// Money moves from account to account: with everybody's together, none appears and none vanishes, and nobody holds the account of a
// firm that is gone.
func TestMoneyIsConserved(t *testing.T) {
	for _, links := range []Links{AllLinks, {}, {Contagion: true}, {Goods: true}} {
		w, err := New(small(3, links))
		require.NoError(t, err)
		failed := 0
		for w.week < w.weeks {
			w.Run(w.week + 1)
			sum := int64(0)
			for _, a := range w.accounts {
				sum += a
			}
			require.Zero(t, sum, "week %d", w.week)
		}
		for i := range w.firms {
			if w.firms[i].failed != never {
				failed++
				assert.Zero(t, w.accounts[account(i)], "firm %d", i)
			}
		}
		assert.Positive(t, failed)
	}
}

// The label is the account's: a firm that is given money on the cut-off day lives, one whose money is taken away does not, and their
// features stay what they were.
func TestLabelComesFromCash(t *testing.T) {
	w, err := New(small(5, AllLinks))
	require.NoError(t, err)
	week := CutOffs(w.weeks)[0]
	w.Run(week)
	list := w.recordAt(week).cases(false)
	rich, poor := w.copy(1, 1), w.copy(1, 1)
	for _, c := range list {
		rich.move(outside, account(c.firm), 1_000_000_000_000)
		poor.move(account(c.firm), outside, poor.room(c.firm)+1_000_000_000)
	}
	assert.True(t, reflect.DeepEqual(list, rich.recordAt(week).cases(false)))
	assert.True(t, reflect.DeepEqual(list, poor.recordAt(week).cases(false)))
	rich.Run(week + outcomeWeeks)
	poor.Run(week + 2)
	for i := range list {
		assert.False(t, list[i].fails(rich), list[i].Firm)
		assert.True(t, list[i].fails(poor), list[i].Firm)
	}
}

// A loss travels: when every core enterprise stops paying, more of its suppliers fail, and only where the link is there.
func TestLossesPassToSuppliers(t *testing.T) {
	lost := func(links Links) (usual, hit int) {
		w, err := New(small(9, links))
		require.NoError(t, err)
		w.Run(52)
		usualWorld, hitWorld := w.copy(2, 2), w.copy(2, 2)
		for i := range hitWorld.firms {
			if hitWorld.firms[i].tier == 0 && hitWorld.firms[i].failed == never {
				hitWorld.fail(i)
			}
		}
		usualWorld.Run(78)
		hitWorld.Run(78)
		for i := range w.firms {
			if w.firms[i].tier == 0 || w.firms[i].failed != never {
				continue
			}
			if usualWorld.firms[i].failed != never {
				usual++
			}
			if hitWorld.firms[i].failed != never {
				hit++
			}
		}
		return usual, hit
	}
	usual, hit := lost(AllLinks)
	assert.Greater(t, hit, 3*usual+20, "%d fail otherwise", usual)
	usual, hit = lost(Links{})
	assert.InDelta(t, usual, hit, 15)
}

// What the true PD says of a cut-off is what comes, up to chance.
func TestTruePDIsCalibrated(t *testing.T) {
	bad, futures, n := 0.0, 0.0, 0.0
	for seed := range uint64(5) {
		for _, c := range cases(t, small(20+seed, AllLinks), 10) {
			if c.Test {
				n++
				futures += float64(c.Futures) / float64(c.Lives)
				if c.Bad {
					bad++
				}
			}
		}
	}
	t.Logf("%.0f applications, %.4f bad, %.4f by their futures", n, bad/n, futures/n)
	assert.InDelta(t, bad/n, futures/n, 0.02)
}

func TestSplitLeavesNoOutcomeInTheFuture(t *testing.T) {
	train, test := Split(CutOffs(156))
	require.NotEmpty(t, train)
	require.NotEmpty(t, test)
	assert.LessOrEqual(t, train[len(train)-1]+outcomeWeeks, test[0])
	folds := map[string]int{}
	for _, c := range cases(t, small(2, AllLinks), 0) {
		if f, ok := folds[c.Firm]; ok {
			require.Equal(t, f, c.Fold, "a firm is in one fold")
		}
		folds[c.Firm] = c.Fold
	}
}

// Every feature of the table is one that the world varies, and every column can be read.
func TestTableTrains(t *testing.T) {
	c := small(3, AllLinks)
	c.Firms = 1200
	list := cases(t, c, 0)
	for _, f := range supplychain.Features {
		seen := map[scorecard.Value]bool{}
		for i := range list {
			seen[list[i].Facts.Value(f.Name)] = true
		}
		assert.Greater(t, len(seen), 1, f.Name)
	}
	table, err := scoring.ReadCSV("world", bytes.NewReader(CSV(list, false)))
	require.NoError(t, err)
	target, err := scoring.ReadTarget(table, "label", "")
	require.NoError(t, err)
	byTime, err := scoring.ReadSplit(table, "split")
	require.NoError(t, err)
	byFirm, err := scoring.ReadFolds(table, "fold")
	require.NoError(t, err)
	assert.Len(t, byFirm, foldCount)
	cv, err := scoring.CrossValidate(table, scoring.Inputs(table, "label", "split", "fold"), target, byTime, scoring.Options{Kind: scoring.WOE, Seed: 1})
	require.NoError(t, err)
	assert.Greater(t, cv.AUC.Mean, 0.6)
}

func TestConfigIsValidated(t *testing.T) {
	_, err := New(Config{Firms: 1, Months: 3})
	assert.ErrorContains(t, err, "firms")
	assert.ErrorContains(t, err, "months")
	_, err = Backtest{Seeds: 1, Firms: 100, Months: 36, ApproveBps: 8000}.Run()
	assert.ErrorContains(t, err, "seeds")
}

func BenchmarkWorld(b *testing.B) {
	for b.Loop() {
		w, err := New(Config{Seed: 1, Firms: DefaultFirms, Months: DefaultMonths, Links: AllLinks})
		require.NoError(b, err)
		w.Run(w.weeks)
	}
}

func BenchmarkCases(b *testing.B) {
	for b.Loop() {
		_, err := Cases(Config{Seed: 1, Firms: DefaultFirms, Months: DefaultMonths, Links: AllLinks}, Lives{}, nil)
		require.NoError(b, err)
	}
}
