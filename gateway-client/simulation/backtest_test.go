package simulation

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Where neither trade nor goods reach the cash, their features must not seem to help: the uplift's intervals contain zero.
func TestPlaceboHasNoUplift(t *testing.T) {
	o, err := Backtest{FirstSeed: 1, Seeds: 3, Firms: 1200, Months: 36, ApproveBps: DefaultApproveBps, Lives: 4}.Run()
	require.NoError(t, err)
	t.Logf("world %+v %+v, placebo %+v %+v", o.World.Reduction, o.World.UpliftAUC, o.Placebo.Reduction, o.Placebo.UpliftAUC)
	assert.True(t, o.Placebo.Reduction.Contains(0), "%+v", o.Placebo.Reduction)
	assert.True(t, o.Placebo.OverSeeds.Contains(0), "%+v", o.Placebo.OverSeeds)
	assert.True(t, o.Placebo.UpliftAUC.Contains(0), "%+v", o.Placebo.UpliftAUC)
	assert.Greater(t, o.World.UpliftAUC.Estimate, o.Placebo.UpliftAUC.Estimate)
	for _, s := range o.World.BySeed {
		assert.Greater(t, s.CeilingHigh, s.LedgerAUC)
		assert.InDelta(t, s.CeilingLow, s.CeilingHigh, 0.15)
	}
	var page bytes.Buffer
	require.NoError(t, o.HTML(&page))
	assert.Contains(t, page.String(), notice)
	assert.NotContains(t, page.String(), "%!")
}

// A model that knows more must show it: rates and intervals on rows whose truth is known.
func TestPoolSeesAnUplift(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 1))
	bk := book{}
	for firm := range 4000 {
		hidden := d.NormFloat64()
		bad := d.Float64() < 0.1+0.08*hidden
		bk.firm, bk.bad = append(bk.firm, firm), append(bk.bad, bad)
		bk.bureau, bk.ledger = append(bk.bureau, hidden+3*d.NormFloat64()), append(bk.ledger, hidden)
	}
	out := WorldOutcome{BySeed: []SeedOutcome{bk.outcome(1, nil, 8000), bk.outcome(2, nil, 8000)}}
	out.pool([]book{bk}, 8000, 1)
	assert.Greater(t, out.Reduction.Low, 0.0)
	assert.Greater(t, out.Reduction.Estimate, out.Reduction.Low)
	assert.Less(t, out.Reduction.Estimate, out.Reduction.High)
	assert.InDelta(t, out.BySeed[0].Reduction, out.Reduction.Estimate, 1e-9)
	same := book{firm: bk.firm, bad: bk.bad, bureau: bk.bureau, ledger: bk.bureau}
	none := WorldOutcome{BySeed: []SeedOutcome{same.outcome(1, nil, 8000), same.outcome(2, nil, 8000)}}
	none.pool([]book{same}, 8000, 1)
	assert.Zero(t, none.Reduction)
}

func TestOwnAUC(t *testing.T) {
	assert.InDelta(t, 0.5, ownAUC([]float64{0.3, 0.3, 0.3}), 1e-12)
	assert.InDelta(t, 1, ownAUC([]float64{0, 1}), 1e-12)
}
