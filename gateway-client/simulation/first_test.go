package simulation_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
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
	seasoned := points(t, c, "40 confirmed in 500 days, 6 loans repaid, clean goods", supplychain.Facts{InvoicesIssued: 40, InvoicesConfirmed: 40,
		ConfirmedMinor: 90_000_000, LargestBuyerMinor: 40_000_000, DaysToConfirmTotal: 40, DaysOnLedger: 500, LoansRepaid: 6, Borrowed: true,
		Covered: true, Watched: true, SilenceSeconds: 600})
	first := points(t, c, "first time: 2 confirmed, none rejected, clean goods", supplychain.Facts{InvoicesIssued: 2, InvoicesConfirmed: 2,
		ConfirmedMinor: 6_065_000, LargestBuyerMinor: 4_825_000, Covered: true, Watched: true, SilenceSeconds: 600})
	unwatched := points(t, c, "first time: 2 confirmed, none rejected, goods without a device", supplychain.Facts{InvoicesIssued: 2, InvoicesConfirmed: 2,
		ConfirmedMinor: 6_065_000, LargestBuyerMinor: 4_825_000, Covered: true})
	bare := points(t, c, "first time: 2 confirmed, none rejected, no goods", supplychain.Facts{InvoicesIssued: 2, InvoicesConfirmed: 2,
		ConfirmedMinor: 6_065_000, LargestBuyerMinor: 4_825_000})
	rejected := points(t, c, "first time: 1 confirmed, 1 rejected, no goods", supplychain.Facts{InvoicesIssued: 2, InvoicesConfirmed: 1,
		InvoicesRejected: 1, ConfirmedMinor: 1_980_000, LargestBuyerMinor: 1_980_000})
	overdue := points(t, c, "40 confirmed in 500 days, a loan 30 days past due, no goods", supplychain.Facts{InvoicesIssued: 40, InvoicesConfirmed: 40,
		ConfirmedMinor: 90_000_000, LargestBuyerMinor: 40_000_000, DaysToConfirmTotal: 40, DaysOnLedger: 500, LoansRepaid: 6, Borrowed: true, LoanDaysPastDue: 30})
	assert.Less(t, seasoned.PDPPM, first.PDPPM)
	assert.LessOrEqual(t, first.PDPPM, unwatched.PDPPM)
	assert.Less(t, first.PDPPM, bare.PDPPM)
	assert.Less(t, bare.PDPPM, rejected.PDPPM)
	assert.Less(t, bare.PDPPM, overdue.PDPPM)
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
	cases := simulation.Suppliers(99, 3000, 20)
	table, err := scoring.ReadCSV("others", bytes.NewReader(simulation.CSV(cases)))
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

func TestSameSeedSameWorld(t *testing.T) {
	a, b := simulation.CSV(simulation.Suppliers(7, 200, 0)), simulation.CSV(simulation.Suppliers(7, 200, 0))
	assert.Equal(t, string(a), string(b))
	assert.Equal(t, string(a), string(simulation.CSV(simulation.Suppliers(7, 200, 2))), "looking into other futures changes nothing")
	assert.NotEqual(t, string(a), string(simulation.CSV(simulation.Suppliers(8, 200, 0))))
}

// What happens after the cut-off day cannot be in a feature: the records of a world do not know how it ends.
func TestRecordsEndOnTheCutOffDay(t *testing.T) {
	for _, c := range simulation.Suppliers(5, 200, 0) {
		for _, r := range c.History.Sold {
			assert.False(t, r.Issued.At.After(c.History.Today.Start()))
			assert.True(t, r.Undertaking == nil || !r.Undertaking.Checker.At.After(c.History.Today.Start()))
		}
	}
}

// Every feature of the table is one that the world varies.
func TestFeaturesVary(t *testing.T) {
	cases := simulation.Suppliers(3, 800, 0)
	for _, f := range supplychain.Features {
		seen := map[scorecard.Value]bool{}
		for i := range cases {
			seen[cases[i].Facts.Value(f.Name)] = true
		}
		assert.Greater(t, len(seen), 1, f.Name)
	}
}
