package simulation_test

import (
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
	assert.Equal(t, string(want), string(b)+"\n", "go test ./gateway-client/simulation -run Shipped -update, and raise its version")
}

func card(t *testing.T) *scorecard.Scorecard {
	c, err := scorecard.Parse(supplychain.FirstScorecard)
	require.NoError(t, err)
	return c
}

func points(t *testing.T, c *scorecard.Scorecard, f supplychain.Facts) scorecard.Result {
	v, err := c.Bin(f.Values(c))
	require.NoError(t, err)
	r, err := c.Points(v)
	require.NoError(t, err)
	t.Logf("%+v: %+v", f, r)
	return r
}

func TestShippedScorecardIsSensible(t *testing.T) {
	c := card(t)
	assert.Empty(t, c.Violations())
	for _, f := range c.Features {
		assert.NotEmpty(t, f.Wording.En, f.Name)
		assert.NotEmpty(t, f.Wording.Zh, f.Name)
		assert.NotZero(t, f.Monotone, f.Name)
	}
	seasoned := points(t, c, supplychain.Facts{InvoicesIssued: 40, InvoicesConfirmed: 40, ConfirmedMinor: 90_000_000, LargestBuyerMinor: 40_000_000,
		DaysToConfirmTotal: 20, DaysOnLedger: 500, LoansRepaid: 6, Pledged: true, PledgedMinor: 8_000_000, RequestedMinor: 4_000_000, CustodyGapMinutes: 10})
	fresh := points(t, c, supplychain.Facts{InvoicesIssued: 2, InvoicesConfirmed: 2, ConfirmedMinor: 6_065_000, LargestBuyerMinor: 6_065_000,
		Pledged: true, PledgedMinor: 8_000_000, RequestedMinor: 4_000_000, CustodyGapMinutes: 10})
	bare := points(t, c, supplychain.Facts{InvoicesIssued: 1, InvoicesConfirmed: 1, ConfirmedMinor: 1_980_000, LargestBuyerMinor: 1_980_000})
	troubled := points(t, c, supplychain.Facts{InvoicesIssued: 3, InvoicesConfirmed: 1, InvoicesRejected: 2, ConfirmedMinor: 1_980_000,
		CreditedMinor: 400_000, LargestBuyerMinor: 1_980_000, DaysToConfirmTotal: 6, Pledged: true, PledgedMinor: 1_000_000, RequestedMinor: 2_000_000,
		Excursions: 9, CustodyGapMinutes: 1200})
	assert.Greater(t, seasoned.Points, fresh.Points+60)
	assert.Greater(t, fresh.Points, bare.Points)
	assert.Greater(t, bare.Points, troubled.Points+60)
}

func TestSameSeedSameWorld(t *testing.T) {
	a, b := simulation.CSV(simulation.Suppliers(7, 200)), simulation.CSV(simulation.Suppliers(7, 200))
	assert.Equal(t, string(a), string(b))
	assert.NotEqual(t, string(a), string(simulation.CSV(simulation.Suppliers(8, 200))))
}

// Every feature of the table is one that Facts computes, and none is constant.
func TestFeaturesVary(t *testing.T) {
	cases := simulation.Suppliers(3, 800)
	for _, f := range supplychain.Features {
		seen := map[scorecard.Value]bool{}
		for i := range cases {
			seen[cases[i].Facts.Value(f.Name)] = true
		}
		assert.Greater(t, len(seen), 3, f.Name)
	}
}

var _ = scoring.Additive
