package simulation_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/gateway-client/scoring"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
	"github.com/tallystick/tallystick/gateway-client/simulation"
)

var update = flag.Bool("update", false, "write the shipped scorecard anew")

const shipped = "../scoring/supplychain/first-scorecard.json"

// The shipped scorecard is what the code of today trains, byte by byte.
func TestShippedScorecardIsReproducible(t *testing.T) {
	m, _, err := simulation.TrainFirst()
	require.NoError(t, err)
	b, err := m.Card.CanonicalJSON()
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(shipped, append(b, '\n'), 0o644))
		return
	}
	want, err := os.ReadFile(shipped)
	require.NoError(t, err)
	if !bytes.Equal(want, append(b, '\n')) {
		t.Fatal("training gives another scorecard: go generate ./gateway-client/scoring/supplychain, " +
			"raise its version, and look at MODEL.md and the bands of testdata/policies/bank-a.json again")
	}
}

func card(t *testing.T) *scorecard.Scorecard {
	file, err := os.ReadFile(shipped)
	require.NoError(t, err)
	c, err := scorecard.Parse(file)
	require.NoError(t, err)
	return c
}

func points(t *testing.T, c *scorecard.Scorecard, who string, f supplychain.Facts) scorecard.Result {
	values, err := supplychain.Compute(c, f)
	require.NoError(t, err)
	v, err := c.Bin(values)
	require.NoError(t, err)
	r, err := c.Points(v)
	require.NoError(t, err)
	t.Logf("%-70s %4d points, PD %d ppm", who, r.Points, r.PDPPM)
	return r
}

// Applicants that differ in what a banker would look at first.
func TestShippedScorecardIsSensible(t *testing.T) {
	c := card(t)
	assert.Empty(t, c.Violations())
	for _, f := range c.Features {
		assert.NotEmpty(t, f.Wording.En, f.Name)
		assert.NotEmpty(t, f.Wording.Zh, f.Name)
		assert.NotZero(t, f.Monotone, f.Name)
	}
	young := func(f supplychain.Facts) supplychain.Facts { // in a programme of its own age
		f.InvoicesIssued, f.InGraph, f.TradeRank, f.TierDepth, f.Tiered = 2, true, 1000, 1, true
		f.QuarterMinor[0], f.SoldMinor, f.OfferedMinor, f.RequestedMinor = f.ConfirmedMinor, f.ConfirmedMinor, f.LargestBuyerMinor, f.LargestBuyerMinor
		return f
	}
	old := supplychain.Facts{InvoicesIssued: 40, InvoicesConfirmed: 40, ConfirmedMinor: 90_000_000, LargestBuyerMinor: 40_000_000, DaysToConfirmTotal: 160,
		DaysOnLedger: 500, LoansRepaid: 6, Borrowed: true, InvoicesPaid: 34, DaysToPayTotal: 34 * 62, InGraph: true, TradeRank: 1000, TierDepth: 1, Tiered: true,
		QuarterMinor: [4]int64{23_000_000, 22_000_000, 23_000_000, 22_000_000}, BuyersKnown: true, BuyersLateDays: 6, NearKnown: true, NearDistressBps: 300,
		SoldMinor: 90_000_000, RelatedKnown: true, CommunityMinor: 1_000_000_000, CommunityOverdueMinor: 60_000_000, OfferedMinor: 5_000_000, RequestedMinor: 4_000_000}
	clean, late := old, old
	clean.Covered, clean.Watched, clean.SilenceSeconds = true, true, 600
	late.LoanDaysPastDue = 30
	two := supplychain.Facts{InvoicesConfirmed: 2, ConfirmedMinor: 6_065_000, LargestBuyerMinor: 4_825_000}
	covered, watched := two, two
	covered.Covered, watched.Covered, watched.Watched, watched.SilenceSeconds = true, true, true, 600
	seasoned := points(t, c, "40 confirmed in 500 days, 6 loans repaid, clean goods", clean)
	steady := points(t, c, "40 confirmed in 500 days, 6 loans repaid, no goods", old)
	first := points(t, c, "first time: 2 confirmed, none rejected, clean goods", young(watched))
	unwatched := points(t, c, "first time: 2 confirmed, none rejected, goods without a device", young(covered))
	bare := points(t, c, "first time: 2 confirmed, none rejected, no goods", young(two))
	rejected := points(t, c, "first time: 1 confirmed, 1 rejected, no goods", young(supplychain.Facts{InvoicesConfirmed: 1, InvoicesRejected: 1,
		ConfirmedMinor: 1_980_000, LargestBuyerMinor: 1_980_000}))
	overdue := points(t, c, "40 confirmed in 500 days, a loan 30 days past due, no goods", late)
	assert.Less(t, seasoned.PDPPM, first.PDPPM)
	assert.LessOrEqual(t, first.PDPPM, unwatched.PDPPM)
	assert.Less(t, first.PDPPM, bare.PDPPM)
	assert.Less(t, bare.PDPPM, rejected.PDPPM)
	assert.Less(t, bare.PDPPM, overdue.PDPPM)
	assert.Less(t, steady.PDPPM, overdue.PDPPM)
	// What the bands of testdata/policies/bank-a.json are meant to do with the two applicants of the main job.
	assert.LessOrEqual(t, first.PDPPM, int64(60_000))
	assert.Greater(t, rejected.PDPPM, int64(90_000))
}

// The demonstration bank's bands begin at the first points whose PD is within its limits: 3, 6 and 9 %.
func TestBandsOfTheDemonstrationBank(t *testing.T) {
	c := card(t)
	file, err := os.ReadFile("../../testdata/policies/bank-a.json")
	require.NoError(t, err)
	var policy struct {
		Bands []struct {
			Name      string `json:"name"`
			MinPoints int64  `json:"min_points"`
		} `json:"bands"`
	}
	require.NoError(t, json.Unmarshal(file, &policy))
	limits := []int64{30_000, 60_000, 90_000}
	require.Len(t, policy.Bands, len(limits)+1)
	for i, limit := range limits {
		b := policy.Bands[i]
		assert.LessOrEqual(t, c.PD.At(b.MinPoints), limit, b.Name)
		assert.Greater(t, c.PD.At(b.MinPoints-1), limit, b.Name)
	}
}

// On applicants that the card was not trained on it ranks well above chance, and below what the hidden state allows.
func TestShippedScorecardOnOtherApplicants(t *testing.T) {
	cases, err := simulation.Cases(simulation.Config{Seed: 99, Firms: 3000, Months: simulation.DefaultMonths, Links: simulation.AllLinks}, simulation.Lives{Test: 20}, nil)
	require.NoError(t, err)
	cases = slices.DeleteFunc(cases, func(c simulation.Case) bool { return !c.Test })
	table, err := scoring.ReadCSV("others", bytes.NewReader(simulation.CSV(cases, false)))
	require.NoError(t, err)
	s, err := scoring.NewScorer(card(t), table)
	require.NoError(t, err)
	pd, truth, bad := make([]float64, len(cases)), make([]float64, len(cases)), make([]bool, len(cases))
	for i, c := range cases {
		_, r, err := s.Row(i)
		require.NoError(t, err)
		pd[i], truth[i], bad[i] = float64(r.PDPPM)/1e6, float64(c.Futures)/float64(c.Lives), c.Bad
	}
	mean, rate := 0.0, 0.0
	for i := range pd {
		mean += pd[i] / float64(len(pd))
		if bad[i] {
			rate += 1 / float64(len(pd))
		}
	}
	card, ceiling := scoring.AUC(pd, bad), scoring.AUC(truth, bad)
	t.Logf("AUC %.3f, of the true PD %.3f; calibration error %.4f, mean PD %.4f, bad %.4f", card, ceiling, scoring.ECE(pd, bad), mean, rate)
	assert.Greater(t, card, 0.75)
	assert.Greater(t, ceiling, card)
	assert.Less(t, scoring.ECE(pd, bad), 0.02)
}
