package scorecard_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
)

func TestWhatWouldChangeByHand(t *testing.T) {
	c := small()
	v := scorecard.Vector{4, 1, 1} // 1000 - 20 - 3 - 30 + 4 = 951
	plan, err := c.WhatWouldChange(v, 980, 3)
	require.NoError(t, err)
	// One feature is enough: invoices to 3–9 gains 30; that is fewer bins than days_to_confirm two intervals down.
	assert.Equal(t, scorecard.Plan{Reached: true, Exhaustive: true, Points: 981,
		Changes: []scorecard.BinChange{{Feature: 2, From: 1, To: 2}}}, plan)

	plan, err = c.WhatWouldChange(v, 951, 3)
	require.NoError(t, err)
	assert.True(t, plan.Reached)
	assert.Empty(t, plan.Changes)

	plan, err = c.WhatWouldChange(v, 1055, 3)
	require.NoError(t, err)
	assert.Len(t, plan.Changes, 2)
	assert.Equal(t, int64(1061), plan.Points)

	plan, err = c.WhatWouldChange(v, 1070, 3) // only the sector, which cannot change, would reach it
	require.NoError(t, err)
	assert.False(t, plan.Reached)
	assert.True(t, plan.Exhaustive)

	_, err = c.WhatWouldChange(v, 1, 0)
	assert.Error(t, err)
}

// TestWhatWouldChangeAgainstBruteForce tries every vector that the applicant could reach.
func TestWhatWouldChangeAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := genCard(4, 6).Draw(t, "card")
		v := genVector(c).Draw(t, "vector")
		target := addUp(c, v) + rapid.Int64Range(1, 900).Draw(t, "gain")

		fewest := 99
		w := append(scorecard.Vector(nil), v...)
		var walk func(i, changed int)
		walk = func(i, changed int) {
			if i == len(w) {
				if addUp(c, w) >= target {
					fewest = min(fewest, changed)
				}
				return
			}
			walk(i+1, changed)
			f := &c.Features[i]
			if f.Change == scorecard.Immutable {
				return
			}
			for b := f.FirstInterval(); b < f.Bins(); b++ {
				known := int(v[i]) > len(f.Special)
				if b == int(v[i]) || known && f.Change == scorecard.Upwards && b < int(v[i]) ||
					known && f.Change == scorecard.Downwards && b > int(v[i]) {
					continue
				}
				w[i] = uint16(b)
				walk(i+1, changed+1)
			}
			w[i] = v[i]
		}
		walk(0, 0)

		plan, err := c.WhatWouldChange(v, target, 4)
		require.NoError(t, err)
		require.True(t, plan.Exhaustive)
		require.Equal(t, fewest < 99, plan.Reached)
		if plan.Reached {
			require.Len(t, plan.Changes, fewest)
			for _, ch := range plan.Changes {
				require.Equal(t, v[ch.Feature], ch.From)
				w[ch.Feature] = ch.To
			}
			require.Equal(t, addUp(c, w), plan.Points)
			require.GreaterOrEqual(t, plan.Points, target)
		}
	})
}
