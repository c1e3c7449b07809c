package receivable

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/calendar"
	"github.com/tallystick/tallystick/chaincode/fault"
)

func faces(list []Fragment) (out []int64) {
	for _, f := range list {
		out = append(out, f.FaceMinor)
	}
	return out
}

func TestSplit(t *testing.T) {
	r, root := confirmed(t)
	closed, parts, err := root.Split(r, Division{AmountsMinor: []int64{300_00}}, maker(sellerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, []int64{300_00, 700_00}, faces(parts))
	assert.Equal(t, Divided, closed.Status)
	require.NoError(t, Conserves(r, append(parts, closed)))
	assert.Equal(t, MaxFragments, parts[0].Budget+parts[1].Budget+3, "every fragment that ever was is counted")
	assert.Equal(t, []string{root.ID}, parts[1].Parents)

	_, parts, err = root.Split(r, Division{Ratios: []int64{1, 1, 1}}, maker(sellerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, []int64{33334, 33333, 33333}, faces(parts), "the remainder goes to the first")

	for name, c := range map[string]struct {
		in   Division
		code fault.Code
	}{
		"too much":          {Division{AmountsMinor: []int64{900_00, 100_01}}, fault.SplitNotExact},
		"one part":          {Division{AmountsMinor: []int64{1_000_00}}, fault.SplitNotExact},
		"nothing":           {Division{}, fault.InputInvalid},
		"both":              {Division{AmountsMinor: []int64{1}, Ratios: []int64{1, 2}}, fault.InputInvalid},
		"negative":          {Division{AmountsMinor: []int64{-1, 2}}, fault.InputInvalid},
		"overflow":          {Division{AmountsMinor: []int64{1 << 62, 1 << 62}}, fault.InputInvalid},
		"a part of nothing": {Division{Ratios: []int64{1, 1 << 60}}, fault.SplitNotExact},
		"too many":          {Division{Ratios: make([]int64, MaxParts+1)}, fault.InputInvalid},
	} {
		_, _, err := root.Split(r, c.in, maker(sellerParty), noon)
		requireCode(t, c.code, err, name)
	}
	_, _, err = root.Split(r, Division{Ratios: []int64{1, 1}}, maker(tierTwo), noon)
	requireCode(t, fault.NotHolder, err)
	_, _, err = root.Split(r, Division{Ratios: []int64{1, 1}}, checker(sellerParty), noon)
	requireCode(t, fault.NotPermitted, err)
	_, _, err = root.Split(r, Division{Ratios: []int64{1, 1}}, maker(sellerParty), on("2026-06-01"))
	requireCode(t, fault.ReceivableMatured, err)
	_, _, err = closed.Split(r, Division{Ratios: []int64{1, 1}}, maker(sellerParty), noon)
	requireCode(t, fault.TransitionDenied, err)
	poor := root
	poor.Budget = 1
	_, _, err = poor.Split(r, Division{Ratios: []int64{1, 1}}, maker(sellerParty), noon)
	requireCode(t, fault.ReceivableExhausted, err)
}

func TestMerge(t *testing.T) {
	r, root := confirmed(t)
	parts := split(t, r, root, 100_00, 200_00)
	closed, merged, err := Merge(r, parts[:2], maker(sellerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, int64(300_00), merged.FaceMinor)
	assert.Len(t, merged.Parents, 2)
	require.NoError(t, Conserves(r, append(closed, merged, parts[2])))
	other := pass(t, r, parts[0], tierTwo, 0, noon)
	_, _, err = Merge(r, []Fragment{other, parts[1]}, maker(tierTwo), noon)
	require.Error(t, err)
	back := pass(t, r, other, sellerParty, 0, noon)
	_, _, err = Merge(r, []Fragment{back, parts[1]}, maker(sellerParty), noon)
	requireCode(t, fault.FragmentsDiffer, err, "one came back with recourse, the other never left")
	_, _, err = Merge(r, []Fragment{parts[0], parts[0]}, maker(sellerParty), noon)
	requireCode(t, fault.InputInvalid, err)
	_, _, err = Merge(r, parts[:1], maker(sellerParty), noon)
	requireCode(t, fault.InputInvalid, err)
}

func TestTransferNeedsAcceptance(t *testing.T) {
	r, root := confirmed(t)
	offer := Offering{To: tierTwo, Recourse: WithoutRecourse, ConsiderationMinor: 990_00}
	offered, err := root.OfferTo(r, offer, maker(sellerParty), noon)
	require.NoError(t, err)
	assert.Equal(t, sellerParty, offered.Holder, "nothing has passed")
	_, err = offered.Accept(r, maker(tierThree), noon)
	requireCode(t, fault.NotPermitted, err)
	_, err = offered.Accept(r, maker(tierTwo), on("2026-06-01"))
	requireCode(t, fault.ReceivableMatured, err)
	_, err = offered.Reserve(r, "app-1", maker(sellerParty), noon)
	requireCode(t, fault.TransitionDenied, err)
	back, err := offered.TakeBack(maker(sellerParty))
	require.NoError(t, err)
	assert.Nil(t, back.Offer)
	declined, err := offered.Decline(maker(tierTwo))
	require.NoError(t, err)
	assert.Equal(t, Held, declined.Status)
	taken, err := offered.Accept(r, maker(tierTwo), noon)
	require.NoError(t, err)
	assert.Equal(t, tierTwo, taken.Holder)
	assert.Equal(t, []Endorsement{{From: sellerParty, To: tierTwo, Recourse: WithoutRecourse, FaceMinor: 1_000_00, ConsiderationMinor: 990_00, At: noon}}, taken.Chain)
	_, err = taken.Accept(r, maker(tierTwo), noon)
	requireCode(t, fault.TransitionDenied, err)

	for name, in := range map[string]Offering{
		"no recourse terms": {To: tierTwo}, "to itself": {To: sellerParty, Recourse: WithRecourse}, "to the debtor": {To: buyerParty, Recourse: WithRecourse},
		"above the face": {To: tierTwo, Recourse: WithRecourse, ConsiderationMinor: 1_000_01}, "nobody": {To: "Bob", Recourse: WithRecourse},
	} {
		_, err := root.OfferTo(r, in, maker(sellerParty), noon)
		requireCode(t, fault.InputInvalid, err, name)
	}
	_, err = root.OfferTo(r, offer, maker(tierTwo), noon)
	requireCode(t, fault.NotHolder, err)
}

func TestHolderSeesTheUndertakingNotTheTiersBetween(t *testing.T) {
	r, root := confirmed(t)
	second := pass(t, r, root, tierTwo, 980_00, noon)
	third := pass(t, r, second, tierThree, 970_00, on("2026-04-02"))
	h, ok, err := third.Holding(r, tierThree)
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, h.Undertaking.Verify())
	assert.Equal(t, tierTwo, h.From.From)
	assert.NotContains(t, string(canonical(h)), sellerParty)
	assert.Empty(t, h.Costs)
	h, ok, err = third.Holding(r, sellerParty)
	require.NoError(t, err)
	require.True(t, ok)
	assert.Len(t, h.Costs, 1)
	assert.Empty(t, h.Holder, "a former holder does not learn who holds it now")
	assert.Empty(t, h.Status, "nor what has become of it")
	assert.Equal(t, int64(1_000_00), h.FaceMinor)
	assert.NotContains(t, string(canonical(h)), tierThree)
	_, ok, err = third.Holding(r, bankParty)
	require.NoError(t, err)
	assert.False(t, ok)
	_, ok, _ = third.Holding(r, "")
	assert.False(t, ok)
}

func TestCosts(t *testing.T) {
	r, root := confirmed(t)
	f := pass(t, r, root, tierTwo, 980_00, noon) // 91 days before the due date
	costs, err := f.Costs(calendar.Actual360)
	require.NoError(t, err)
	// 2000 ÷ 98000 × 360 ÷ 91 = 8.0736 %
	assert.Equal(t, Cost{From: sellerParty, To: tierTwo, Recourse: WithRecourse, FaceMinor: 1_000_00, ConsiderationMinor: 980_00, CostMinor: 20_00, Days: 91, RateBps: 807}, costs[0])
	parts := split(t, r, f, 333_33)
	costs, err = parts[0].Costs(calendar.Actual360)
	require.NoError(t, err)
	assert.Equal(t, int64(333_33), costs[0].FaceMinor)
	assert.Equal(t, int64(326_66), costs[0].ConsiderationMinor)
}

func TestEncumbrance(t *testing.T) {
	r, root := confirmed(t)
	held, err := root.Reserve(r, "app-1", maker(sellerParty), noon)
	require.NoError(t, err)
	_, err = held.Reserve(r, "app-2", maker(sellerParty), noon)
	requireCode(t, fault.FragmentEncumbered, err)
	_, err = held.Pledge("app-2", bankParty, noon)
	requireCode(t, fault.FragmentEncumbered, err)
	_, _, err = held.Split(r, Division{Ratios: []int64{1, 1}}, maker(sellerParty), noon)
	requireCode(t, fault.FragmentEncumbered, err)
	_, err = held.OfferTo(r, Offering{To: tierTwo, Recourse: WithRecourse}, maker(sellerParty), noon)
	requireCode(t, fault.FragmentEncumbered, err)
	_, err = held.Enforce("app-1", noon)
	requireCode(t, fault.TransitionDenied, err, "nothing is pledged yet")
	free, err := held.Release("app-1")
	require.NoError(t, err)
	assert.Nil(t, free.Encumbrance)
	pledged, err := held.Pledge("app-1", bankParty, noon)
	require.NoError(t, err)
	_, err = pledged.Release("app-2")
	requireCode(t, fault.FragmentEncumbered, err)
	enforced, err := pledged.Enforce("app-1", noon)
	require.NoError(t, err)
	assert.Equal(t, bankParty, enforced.Holder)
	assert.Equal(t, "app-1", enforced.Chain[0].Financing)
	bought, err := held.TransferTo("app-1", bankParty, WithoutRecourse, 985_00, noon)
	require.NoError(t, err)
	assert.Equal(t, bankParty, bought.Holder)
	assert.Equal(t, Held, bought.Status)
	_, err = held.TransferTo("app-1", bankParty, "", 0, noon)
	requireCode(t, fault.InputInvalid, err)
	_, err = root.Pledge("app-1", bankParty, noon)
	requireCode(t, fault.TransitionDenied, err)
	_, err = root.Reserve(r, "app-1", maker(tierTwo), noon)
	requireCode(t, fault.NotHolder, err)
	_, err = root.Reserve(r, "app-1", maker(sellerParty), on("2026-06-01"))
	requireCode(t, fault.ReceivableMatured, err)
	fresh := issue(t, sample())
	_, err = Fragment{Receivable: fresh.ID, Status: Held, Holder: sellerParty}.Reserve(fresh, "app-1", maker(sellerParty), noon)
	requireCode(t, fault.ReceivableNotConfirmed, err)
}
