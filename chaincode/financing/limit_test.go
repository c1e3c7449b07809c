package financing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
)

func TestLimitIDTellsNothingAndIsUnique(t *testing.T) {
	p := policy(t)
	id, err := p.Terms.LimitID("BankAMSP", financing.PerBuyer, "p-00bb22")
	require.NoError(t, err)
	assert.NotContains(t, id, "00bb22")
	other, err := p.Terms.LimitID("BankAMSP", financing.PerBorrower, "p-00bb22")
	require.NoError(t, err)
	assert.NotEqual(t, id, other)
}

func TestOnlyLimitsOfThePolicyAreOpened(t *testing.T) {
	_, _, err := financing.OpenLimit(policy(t), financing.PerSector, "C10")
	assert.Equal(t, fault.LimitMismatch, fault.CodeOf(err))
}

// Whatever happens in whatever order, what is used never exceeds the total, and the caps always add up to it.
func TestExposureNeverExceedsTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policy(t, func(terms *financing.Terms) { terms.Limits[2].Lanes = int64(rapid.IntRange(1, 6).Draw(t, "lanes")) })
		limit, lanes, err := financing.OpenLimit(p, financing.PerBuyer, "p-00bb22")
		require.NoError(t, err)
		used := int64(0)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			n := rapid.IntRange(0, len(lanes)-1).Draw(t, "lane")
			minor := rapid.Int64Range(0, limit.TotalMinor).Draw(t, "minor")
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				next, err := lanes[n].Draw(minor)
				if minor <= lanes[n].FreeMinor() {
					require.NoError(t, err)
					used += minor
				} else {
					require.Equal(t, fault.LimitExceeded, fault.CodeOf(err))
				}
				lanes[n] = next
			case 1:
				if next, err := lanes[n].Free(minor); err == nil {
					lanes[n], used = next, used-minor
				}
			case 2:
				total := rapid.Int64Range(1, 2*limit.TotalMinor).Draw(t, "total")
				next, out, err := limit.Rebalance(lanes, min(total, financing.MaxAmountMinor))
				if min(total, financing.MaxAmountMinor) < used {
					require.Equal(t, fault.LimitExceeded, fault.CodeOf(err))
				} else {
					require.NoError(t, err)
					limit, lanes = next, out
				}
			case 3:
				lanes, err = limit.Gather(lanes, n)
				require.NoError(t, err)
			}
			caps, sum := int64(0), int64(0)
			for _, lane := range lanes {
				caps, sum = caps+lane.CapMinor, sum+lane.UsedMinor
				require.LessOrEqual(t, lane.UsedMinor, lane.CapMinor)
			}
			require.Equal(t, limit.TotalMinor, caps)
			require.Equal(t, used, sum)
			require.LessOrEqual(t, sum, limit.TotalMinor)
		}
	})
}
