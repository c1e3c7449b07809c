package contract

import (
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fakeledger"
	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/record"
)

// Many loans are drawn on one buyer's limit in the same block: as many succeed as there are lanes, none exceeds the limit, and
// the rest succeed in later blocks until the limit is used up.
func TestDrawdownsSideBySideOnOneBuyer(t *testing.T) {
	const loans, lanes, fit = 12, 4, 8 // of 12 loans of 10 000.00, 8 fit into 80 000.00
	d := newDesk(t, func(terms *financing.Terms) {
		terms.Limits = []financing.LimitRule{{Kind: financing.Facility, TotalMinor: 32_000_000, Lanes: lanes},
			{Kind: financing.PerBorrower, TotalMinor: 32_000_000, Lanes: lanes}, {Kind: financing.PerBuyer, TotalMinor: 8_000_000, Lanes: lanes}}
	})
	for n := 1; n <= loans; n++ {
		_, root := d.confirmed(n, "RE-"+opaque("n", n), 2_000_000)
		d.must(d.apply(n, 1_000_000, root))
		d.score(n, good)
		require.Equal(t, "approved", d.decide(n).Status)
		d.must(d.submit(seller("maker"), "financing:Accept", nil, opaque("app", n), opaque("lon", n)))
	}
	waiting := make([]int, loans)
	for i := range waiting {
		waiting[i] = i + 1
	}
	var perBlock []int
	for len(waiting) > 0 {
		waiting, perBlock = d.drawBlock(waiting, lanes, perBlock)
		assert.LessOrEqual(t, d.used(financing.PerBuyer, buyerParty), int64(8_000_000), "never above the limit")
		if perBlock[len(perBlock)-1] == 0 {
			break
		}
	}
	assert.Equal(t, int64(8_000_000), d.used(financing.PerBuyer, buyerParty))
	assert.Len(t, waiting, loans-fit)
	assert.Equal(t, lanes, perBlock[0], "one in each lane of the first block")
	assert.Equal(t, 2, firstEmpty(perBlock), "8 loans in 4 lanes take two blocks")
}

func firstEmpty(list []int) int {
	for i, n := range list {
		if n == 0 {
			return i
		}
	}
	return len(list)
}

// drawBlock has every waiting loan drawn in one block, loan n on lane n modulo the lanes, and returns those that still wait.
func (d *desk) drawBlock(waiting []int, lanes int, perBlock []int) ([]int, []int) {
	txs := map[int]*fakeledger.Transaction{}
	var order []int
	for i, n := range waiting {
		lane := i % lanes
		d.request++
		p := d.proposal(bank("maker"), "financing:Draw", financing.DrawInput{Lanes: []int{lane, lane, lane}}, opaque("lon", n)).
			WithTransient(record.TransientRequest, []byte(opaque("req", d.request)))
		tx, err := d.net.Endorse(d.identity(bank("maker")), p, regulatorMSP, supplierMSP)
		if err != nil {
			continue // LIMIT_EXCEEDED at endorsement
		}
		txs[n] = tx
		order = append(order, n)
		d.net.Order(tx)
	}
	if len(order) > 0 {
		d.net.Cut()
	}
	var left []int
	done := 0
	for _, n := range waiting {
		if tx := txs[n]; tx != nil {
			r, ok := d.net.Status(tx.TxID)
			require.True(d.t, ok)
			if r.Code == peer.TxValidationCode_VALID {
				done++
				continue
			}
			require.Equal(d.t, peer.TxValidationCode_MVCC_READ_CONFLICT, r.Code)
		}
		left = append(left, n)
	}
	return left, append(perBlock, done)
}
