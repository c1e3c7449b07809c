package simulation_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/gateway-client/scoring"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
	"github.com/tallystick/tallystick/gateway-client/simulation"
)

// An additive card can be right on the whole and wrong for the few. It is held to the true PD of the applicants that the main job
// shows: young ones with a few invoices.
func TestShippedScorecardIsHonestAboutYoungApplicants(t *testing.T) {
	thin := func(f *supplychain.Facts) bool { return f.InvoicesConfirmed <= 3 }
	segments := []struct {
		name string
		in   func(f *supplychain.Facts) bool
	}{
		{"all", func(*supplychain.Facts) bool { return true }},
		{"at most three confirmed, none rejected, clean goods", func(f *supplychain.Facts) bool {
			return thin(f) && f.InvoicesRejected == 0 && f.Watched && f.ExcursionSeconds == 0
		}},
		{"at most three confirmed, none rejected, goods without a device", func(f *supplychain.Facts) bool {
			return thin(f) && f.InvoicesRejected == 0 && f.Covered && !f.Watched
		}},
		{"at most three confirmed, none rejected, no goods", func(f *supplychain.Facts) bool { return thin(f) && f.InvoicesRejected == 0 && !f.Covered }},
		{"at most three confirmed, some rejected, no goods", func(f *supplychain.Facts) bool { return thin(f) && f.InvoicesRejected > 0 && !f.Covered }},
	}
	var cases []simulation.Case
	for seed := range uint64(4) {
		some, err := simulation.Cases(simulation.Config{Seed: 777 + seed, Firms: 2500, Months: simulation.DefaultMonths, Links: simulation.AllLinks}, simulation.Lives{Train: 6, Test: 6}, nil)
		require.NoError(t, err)
		cases = append(cases, some...)
	}
	table, err := scoring.ReadCSV("others", bytes.NewReader(simulation.CSV(cases, false)))
	require.NoError(t, err)
	s, err := scoring.NewScorer(card(t), table)
	require.NoError(t, err)
	n, pd, truth, square := make([]float64, len(segments)), make([]float64, len(segments)), make([]float64, len(segments)), make([]float64, len(segments))
	for i := range cases {
		_, r, err := s.Row(i)
		require.NoError(t, err)
		for k := range segments {
			if segments[k].in(&cases[i].Facts) {
				n[k]++
				pd[k] += float64(r.PDPPM) / 1e6
				share := float64(cases[i].Futures) / float64(cases[i].Lives)
				truth[k] += share
				square[k] += share * share
			}
		}
	}
	for k := range segments {
		require.Greater(t, n[k], 50.0, segments[k].name)
		pd[k], truth[k] = pd[k]/n[k], truth[k]/n[k]
		t.Logf("%-65s %5.0f applicants, mean PD %.4f, true %.4f", segments[k].name, n[k], pd[k], truth[k])
		// Within a fifth, and two standard errors of the truth of so few applicants.
		chance := 2 * math.Sqrt((square[k]/n[k]-truth[k]*truth[k])/n[k])
		assert.InDelta(t, truth[k], pd[k], truth[k]/5+chance, segments[k].name)
	}
	assert.Greater(t, pd[4], 5*pd[1], "rejected invoices against clean goods")
}
