package contract

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/member"
)

// mayCallOnGoods is written by hand, like mayCall: who passes the door of each function of receipts, devices, evidence, prices and
// margins. "*" is anybody.
var mayCallOnGoods = map[string]string{
	"receipt:RegisterLotKey":  "warehouse/governor warehouse/operator warehouse/host buyer/governor buyer/operator buyer/host supplier/governor supplier/operator supplier/host",
	"receipt:LotKey":          "warehouse/governor warehouse/operator warehouse/host buyer/governor buyer/operator buyer/host supplier/governor supplier/operator supplier/host",
	"receipt:RegisterDevice":  "warehouse/operator",
	"receipt:AttestDevice":    "bank/governor bank/risk buyer/governor buyer/risk supplier/governor supplier/risk warehouse/governor warehouse/risk",
	"receipt:CalibrateDevice": "bank/governor bank/risk buyer/governor buyer/risk supplier/governor supplier/risk warehouse/governor warehouse/risk",
	"receipt:RevokeDevice": "bank/governor bank/risk buyer/governor buyer/risk supplier/governor supplier/risk warehouse/governor warehouse/risk " +
		"bank/operator buyer/operator supplier/operator warehouse/operator",
	"receipt:Issue":          "warehouse/operator",
	"receipt:AnchorEvidence": "warehouse/collector",
	"receipt:Offer":          "supplier/maker buyer/maker",
	"receipt:Accept":         "supplier/maker buyer/maker",
	"receipt:Withdraw":       "supplier/maker buyer/maker",
	"receipt:Decline":        "supplier/maker buyer/maker",
	"receipt:Split":          "supplier/maker buyer/maker bank/maker",
	"receipt:Merge":          "supplier/maker buyer/maker bank/maker",
	"receipt:Propose":        "warehouse/operator",
	"receipt:Substitute":     "supplier/maker buyer/maker bank/maker",
	"receipt:Request":        "supplier/maker buyer/maker",
	"receipt:Deliver":        "warehouse/operator",
	"receipt:Cancel":         "warehouse/operator",
	"receipt:ProposePrices":  "bank/risk bank/governor warehouse/risk warehouse/governor",
	"receipt:AgreePrices":    "bank/risk",
	"receipt:ObservePrice": "bank/underwriter bank/risk bank/maker bank/collector " +
		"warehouse/underwriter warehouse/risk warehouse/maker warehouse/collector",
	"receipt:Prices":        "*",
	"receipt:Value":         "*",
	"receipt:Get":           "*",
	"receipt:List":          "*",
	"receipt:Device":        "*",
	"receipt:Devices":       "*",
	"receipt:Head":          "*",
	"receipt:Evidence":      "*",
	"receipt:Watch":         "*",
	"receipt:VerifyReading": "*",
	"margin:ProposeTerms":   "bank/risk",
	"margin:ApproveTerms":   "bank/risk",
	"margin:Assess":         "bank/underwriter bank/maker bank/checker bank/risk",
	"margin:AddCollateral":  "supplier/maker",
	"margin:Release":        "bank/checker",
	"margin:Liquidate":      "bank/checker",
	"margin:Sell":           "bank/maker",
	"margin:Get":            "bank/* supplier/* regulator/*",
	"margin:Terms":          "bank/* regulator/*",
	"margin:Sale":           "bank/* supplier/* regulator/*",
}

// Every function on goods by every role of every organisation: what stands in the access table is what was meant, and the door
// asks it. Calls name records that do not exist, so whoever passes is refused for that and nothing else.
func TestEveryFunctionOnGoodsByEveryRole(t *testing.T) {
	s := newStorage(t)
	all := maps.Clone(receiptAccess)
	maps.Copy(all, marginAccess)
	functions := slices.Sorted(maps.Keys(all))
	require.Equal(t, slices.Sorted(maps.Keys(mayCallOnGoods)), functions, "every function stands in the table by hand")
	absent, loan := opaque("rct", 4095), opaque("lon", 4095)
	args := map[string][]string{
		"receipt:RegisterLotKey": {goodsCircle}, "receipt:LotKey": {goodsCircle}, "receipt:RegisterDevice": {goodsCircle, opaque("reg", 4095)},
		"receipt:AttestDevice": {opaque("dev", 4095)}, "receipt:CalibrateDevice": {opaque("dev", 4095), "2027-01-01"},
		"receipt:RevokeDevice": {opaque("dev", 4095), "2026-01-01T00:00:00Z"}, "receipt:Device": {opaque("dev", 4095)}, "receipt:Devices": {"10", ""},
		"receipt:Issue": {goodsCircle, absent}, "receipt:AnchorEvidence": {goodsCircle, opaque("evd", 4095)}, "receipt:Evidence": {opaque("evd", 4095)},
		"receipt:VerifyReading": {opaque("evd", 4095)}, "receipt:Merge": {absent, text([]string{absent, opaque("rct", 4094)})}, "receipt:List": {"10", ""},
		"receipt:Head": {goodsCircle, opaque("dev", 4095)}, "receipt:ProposePrices": {goodsCircle}, "receipt:AgreePrices": {goodsCircle, "00"},
		"receipt:ObservePrice": {goodsCircle}, "receipt:Prices": {goodsCircle},
		"margin:ProposeTerms": {bankDesk}, "margin:ApproveTerms": {bankDesk}, "margin:Terms": {bankDesk}, "margin:Assess": {loan}, "margin:AddCollateral": {loan, absent},
		"margin:Release": {loan, absent}, "margin:Liquidate": {loan}, "margin:Sell": {loan, absent}, "margin:Get": {loan},
	}
	// These ask first whether the caller's organisation reads the programme, or the desk is its own; neither the buyer nor the other
	// bank does.
	readers := []string{"receipt:RegisterLotKey", "receipt:LotKey", "receipt:ProposePrices", "receipt:AgreePrices", "receipt:ObservePrice", "receipt:Prices",
		"receipt:Head", "margin:ProposeTerms", "margin:ApproveTerms", "margin:Terms"}
	for _, function := range functions {
		list, ok := args[function]
		if !ok {
			list = []string{absent}
		}
		may := strings.Fields(mayCallOnGoods[function])
		for msp, kind := range kindOf {
			for _, role := range allRoles {
				who := user{msp, partyOf[msp], string(role)}
				permitted := slices.Contains(may, "*") || slices.Contains(may, string(kind)+"/*") || slices.Contains(may, string(kind)+"/"+string(role))
				assert.Equal(t, permitted, all.Allows(function, kind, []member.Role{role}), "the table, %s by %s", function, who)
				if (msp == buyerMSP || msp == otherBankMSP) && slices.Contains(readers, function) {
					permitted = false
				}
				_, err := s.net.Evaluate(s.identity(who), s.proposal(who, function, nil, list...), regulatorMSP)
				code := fault.Code("")
				if err != nil {
					code = fault.CodeOf(refusal(err))
					require.NotEmpty(t, code, "%s by %s: %v", function, who, err)
				}
				assert.Equal(t, permitted, code != fault.NotPermitted, "%s by %s: %s", function, who, code)
			}
		}
	}
}
