package simulation

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is still to come cannot be in a feature: a firm with another future has the same records.
func TestRecordsDoNotKnowTheFuture(t *testing.T) {
	buyers := newBuyers(rand.New(rand.NewPCG(11, 1<<63)))
	otherPayDays, otherFailures, lived := 0, 0, 0
	for i := range uint64(300) {
		f := newFirm(draw{rand.New(rand.NewPCG(11, i))}, buyers)
		if !f.run(0) {
			continue
		}
		lived++
		g := f.copy(draw{rand.New(rand.NewPCG(12, i))})
		records := f.records()
		require.True(t, reflect.DeepEqual(records, g.records()), "firm %d", i)
		for _, k := range f.open {
			if f.sales[k].paidDay != g.sales[k].paidDay {
				otherPayDays++
			}
		}
		for k := range f.buyers {
			if f.buyers[k].fails < 0 {
				require.Equal(t, f.buyers[k].fails, g.buyers[k].fails, "what has happened stays")
			} else if f.buyers[k].fails != g.buyers[k].fails {
				otherFailures++
			}
			require.Equal(t, f.buyers[k].fails < 0, g.buyers[k].fails < 0)
		}
		g.run(outcomeDays)
		require.True(t, reflect.DeepEqual(records, f.records()), "a life of the copy of firm %d does not touch it", i)
	}
	assert.Greater(t, lived, 100)
	assert.Greater(t, otherPayDays, 100)
	assert.Positive(t, otherFailures)
}

// Whether devices watch the goods is up to the warehouse: goods without readings, and goods with excursions, are common enough
// to learn from, and the record of a lot does not grow with the time that its owner has been on the ledger.
func TestGoodsWithAndWithoutDevices(t *testing.T) {
	var covered, watched, excursions int
	for _, c := range Suppliers(13, 3000, 0) {
		f := c.Facts
		require.True(t, f.Covered || !f.Watched)
		if f.Covered {
			covered++
		}
		if f.Watched {
			watched++
			if f.ExcursionSeconds > 0 {
				excursions++
			}
		}
	}
	assert.InDelta(t, 0.7, float64(watched)/float64(covered), 0.05)
	assert.InDelta(t, 0.1, float64(excursions)/float64(watched), 0.05)
}
