package supplychain_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/credit/scorecard"
	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/gateway-client/scoring/supplychain"
)

func TestValues(t *testing.T) {
	facts := supplychain.Facts{InvoicesIssued: 6, InvoicesConfirmed: 4, InvoicesRejected: 1, ConfirmedMinor: 9_999_999, CreditedMinor: 1_000_000,
		LargestBuyerMinor: 5_000_000, OverdueMinor: 2_500_000, DaysToConfirmTotal: 11, DaysOnLedger: 40, LoansRepaid: 1, LoanDaysPastDue: 3,
		Borrowed: true, Covered: true, Watched: true, ExcursionSeconds: 60, SilenceSeconds: 7200, QuarterMinor: [4]int64{3_000_000, 4_000_000, 1_000_000, 0},
		InvoicesPaid: 3, DaysToPayTotal: 100, OfferedMinor: 500, RequestedMinor: 400, InGraph: true, TradeRank: 1200, TierDepth: 2, Tiered: true,
		BuyersLateDays: 4, BuyersKnown: true, NearDistressBps: 70, NearKnown: true, FarDistressBps: 80, FarKnown: true, SoldMinor: 9_000, RelatedMinor: 900,
		RelatedKnown: true, CommunityMinor: 4_000, CommunityOverdueMinor: 100}
	want := map[string]int64{"invoices_confirmed": 4, "confirmed_volume": 9_999, "rejected_or_disputed_bps": 2000, "credited_bps": 1000,
		"days_to_confirm": 2, "buyer_concentration_bps": 5000, "buyer_overdue_bps": 2500, "days_on_ledger": 40, "loans_repaid": 1,
		"max_days_past_due": 3, "goods_covered": 1, "goods_excursion_seconds": 60, "goods_silence_seconds": 7200, "volume_trend_bps": 7_500,
		"days_to_pay": 33, "buyers_late_days": 4, "claim_coverage_bps": 12_500, "tier_depth": 2, "trade_rank": 1_200, "buyers_distress_bps": 70,
		"two_hops_distress_bps": 80, "community_overdue_bps": 250, "related_sales_bps": 1_000}
	assert.Len(t, supplychain.Features, len(want)+1)
	for name, n := range want {
		assert.Equal(t, scorecard.Number(n), facts.Value(name), name)
	}
	assert.True(t, facts.Value("peak_quarter_bps").Missing, "forty days have no season")
	facts.DaysOnLedger = 273
	assert.Equal(t, scorecard.Number(5_000), facts.Value("peak_quarter_bps"))
}

// Without a record a feature is missing exactly where its documentation says when.
func TestMissing(t *testing.T) {
	var none supplychain.Facts
	for _, f := range supplychain.Features {
		assert.Equal(t, f.Missing != "", none.Value(f.Name).Missing, f.Name)
	}
	three := supplychain.Facts{InvoicesIssued: 3, InvoicesConfirmed: 3, ConfirmedMinor: 3, LargestBuyerMinor: 3}
	assert.True(t, three.Value("buyer_concentration_bps").Missing)
	unwatched := supplychain.Facts{Covered: true}
	assert.True(t, unwatched.Value("goods_excursion_seconds").Missing, "goods that no device has reported on are not clean")
	rejected := supplychain.Facts{InvoicesIssued: 1, InvoicesRejected: 1}
	assert.Equal(t, scorecard.Number(10_000), rejected.Value("rejected_or_disputed_bps"))
	pending := supplychain.Facts{InvoicesIssued: 5, InvoicesConfirmed: 1, InvoicesRejected: 1}
	assert.Equal(t, scorecard.Number(5_000), pending.Value("rejected_or_disputed_bps"), "what waits for an answer does not thin out a rejection")
}

func TestRatiosOfLargeSums(t *testing.T) {
	f := supplychain.Facts{InvoicesConfirmed: 4, ConfirmedMinor: math.MaxInt64, CreditedMinor: math.MaxInt64 / 2}
	assert.Equal(t, scorecard.Number(4_999), f.Value("credited_bps"))
}

func TestComputeFollowsTheCard(t *testing.T) {
	card := &scorecard.Scorecard{Features: []scorecard.Feature{{Name: "loans_repaid", Kind: scorecard.Numeric}, {Name: "days_on_ledger", Kind: scorecard.Numeric}}}
	values, err := supplychain.Compute(card, supplychain.Facts{LoansRepaid: 2, DaysOnLedger: 9})
	require.NoError(t, err)
	assert.Equal(t, []scorecard.Value{scorecard.Number(2), scorecard.Number(9)}, values)

	card.Features = append(card.Features, scorecard.Feature{Name: "owner_age", Kind: scorecard.Numeric}, scorecard.Feature{Name: "loans_repaid", Kind: scorecard.Categorical})
	_, err = supplychain.Compute(card, supplychain.Facts{})
	assert.Equal(t, fault.InputInvalid, fault.CodeOf(err))
	assert.ErrorContains(t, err, "owner_age")
	assert.ErrorContains(t, err, "loans_repaid")
}

// MODEL.md names every feature, and nobody has to look for its definition elsewhere.
func TestModelDocumentNamesEveryFeature(t *testing.T) {
	b, err := os.ReadFile("MODEL.md")
	require.NoError(t, err)
	for _, f := range supplychain.Features {
		assert.True(t, strings.Contains(string(b), "| "+f.Name+" | "+f.Formula+" |"), "| %s | %s | %s | %s | %s |", f.Name, f.Formula, f.Unit, f.Missing, f.Change)
	}
}
