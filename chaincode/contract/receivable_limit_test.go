package contract

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/receivable"
)

// A claim that has been divided as often as it can be is still read, credited and paid in one transaction.
func TestAClaimAtItsLimitCanBePaid(t *testing.T) {
	w := newTrade(t)
	id, largest := w.confirmed(1, "RE-1", 10_000_000)
	pennies := make([]int64, receivable.MaxParts-1)
	for i := range pennies {
		pennies[i] = 1
	}
	for {
		claim := w.claimNow(id)
		budget := 0
		for _, f := range claim.Fragments {
			if f.Live() && f.FaceMinor > 1 {
				largest, budget = f.ID, f.Budget
			}
		}
		parts := min(len(pennies), budget-1)
		if parts < 1 {
			break
		}
		w.must(w.submit(seller("maker"), "receivable:Split", receivable.Division{AmountsMinor: pennies[:parts]}, largest))
	}
	w.refused(fault.ReceivableExhausted)(w.submit(seller("maker"), "receivable:Split", receivable.Division{Ratios: []int64{1, 1}}, largest))
	claim := w.claimNow(id)
	assert.Greater(t, len(claim.Fragments), 100)
	assert.LessOrEqual(t, len(claim.Fragments), receivable.MaxFragments)
	pay := receivable.Paying{ID: opaque("pay", 1), AmountMinor: 9_999_999, Currency: "EUR"}
	w.must(w.submit(buyer("checker"), "receivable:Pay", pay, id, pay.ID))
	pay = receivable.Paying{ID: opaque("pay", 2), AmountMinor: 1, Currency: "EUR"}
	s := w.step(w.submit(buyer("checker"), "receivable:Pay", pay, id, pay.ID))
	require.Equal(t, receivable.Settled, s.Status)
	t.Logf("%d fragments in all", len(claim.Fragments))
}
