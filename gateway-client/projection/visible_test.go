package projection

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/member"
)

// The ledger hides of a circle of trades what is between others (financing_read.go); so does the read model.
func TestTheApplicantSeesItsOwnTradesOfACircleOnly(t *testing.T) {
	trip := financing.RoundTrip{Parties: []string{"p-a", "p-b", "p-c", "p-d", "p-a"},
		Trades: []financing.Trade{{ID: "rcv-1", Seller: "p-a", Buyer: "p-b"}, {ID: "rcv-2", Seller: "p-b", Buyer: "p-c"},
			{ID: "rcv-3", Seller: "p-c", Buyer: "p-d"}, {ID: "rcv-4", Seller: "p-d", Buyer: "p-a"}}}
	a := financing.Application{Applicant: "p-a", Decision: &financing.Decision{Findings: &financing.Findings{Trips: []financing.RoundTrip{trip}}}}
	for kind, trades := range map[member.Kind]int{member.Supplier: 2, member.Buyer: 2, member.Warehouse: 2, member.Bank: 4, member.Regulator: 4} {
		seen := applicationFor(Viewer{MSP: "XMSP", Kind: kind}, a)
		assert.Len(t, seen.Decision.Findings.Trips[0].Trades, trades, kind)
	}
	assert.Len(t, a.Decision.Findings.Trips[0].Trades, 4, "the record itself stays whole")
}
