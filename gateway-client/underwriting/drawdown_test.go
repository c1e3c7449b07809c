package underwriting_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/gateway-client/consortium"
	"github.com/tallystick/tallystick/gateway-client/drawdown"
	"github.com/tallystick/tallystick/gateway-client/operation"
)

// Five loans of 90 000.00 on a buyer's limit of 400 000.00 in four lanes: four fit, one in each lane.
func TestManyLoansAreDrawnSideBySide(t *testing.T) {
	m := newMarketWith(t, func(terms *financing.Terms) {
		terms.Limits = []financing.LimitRule{{Kind: financing.Facility, TotalMinor: 16_000_000_00, Lanes: 4},
			{Kind: financing.PerBorrower, TotalMinor: 1_600_000_00, Lanes: 4}, {Kind: financing.PerBuyer, TotalMinor: 400_000_00, Lanes: 4}}
	})
	var loans []string
	for n := range 5 {
		id := m.apply(n+1, m.claim())
		m.until(m.underwriter(nil), m.decided(id))
		require.Equal(t, int64(90_000_00), m.application(id).Decision.Terms.AdvanceMinor)
		loans = append(loans, fmt.Sprintf("loan-%020x", n))
		m.must(m.session("supplier", "adam"), consortium.Call{Function: "financing:Accept", Args: []string{id, loans[n]}, Circles: []string{desk, programme}}, nil)
	}
	s := m.session("bankA", "mona")
	d := drawdown.Drawer{Session: s, Parallel: 5}
	drawn, lanes := 0, map[int]bool{}
	for _, r := range d.Draw(m.ctx, loans) {
		if r.Err != nil {
			assert.Equal(t, fault.LimitExceeded, fault.CodeOf(r.Err), "%v", r.Err)
			continue
		}
		drawn++
		lanes[r.Lanes[2]] = true
	}
	assert.Equal(t, 4, drawn)
	assert.Len(t, lanes, 4, "each in a lane of its own")
	id, err := operation.LimitID(m.ctx, m.session("bankA", "rita"), desk, financing.Draw{Kind: financing.PerBuyer, Subject: m.application(fmt.Sprintf("app-%020x", 1)).Decision.Uses[2].Subject})
	require.NoError(t, err)
	l, err := operation.ReadLimit(m.ctx, s, desk, id)
	require.NoError(t, err)
	assert.Equal(t, int64(360_000_00), l.UsedMinor)
	assert.LessOrEqual(t, l.UsedMinor, l.TotalMinor)
}

// Room that is spread over the lanes is gathered for a loan that none of them carries.
func TestRoomIsGatheredForADrawdown(t *testing.T) {
	m := newMarketWith(t, func(terms *financing.Terms) {
		terms.Limits[2] = financing.LimitRule{Kind: financing.PerBuyer, TotalMinor: 400_000_00, Lanes: 4}
	})
	id := m.apply(1, m.claim())
	m.until(m.underwriter(nil), m.decided(id))
	m.must(m.session("supplier", "adam"), consortium.Call{Function: "financing:Accept", Args: []string{id, "loan-00000001"}, Circles: []string{desk, programme}}, nil)
	use := m.application(id).Decision.Uses[2]
	m.must(m.session("bankA", "rita"), consortium.Call{Function: "financing:RebalanceLimit", Args: []string{use.Limit}, Input: financing.RebalanceInput{TotalMinor: 100_000_00}, Circles: []string{desk}}, nil)
	d := drawdown.Drawer{Session: m.session("bankA", "mona")}
	r := d.Draw(m.ctx, []string{"loan-00000001"})
	require.NoError(t, r[0].Err)
	l, err := m.loan("loan-00000001")
	require.NoError(t, err)
	assert.Equal(t, financing.Active, l.Status)
}
