package contract

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tallystick/tallystick/chaincode/fault"
	"github.com/tallystick/tallystick/chaincode/ledger"
	"github.com/tallystick/tallystick/chaincode/member"
	"github.com/tallystick/tallystick/chaincode/receivable"
	"github.com/tallystick/tallystick/chaincode/transition/transitiontest"
)

//go:generate go test -run ^TestReceivableAccessDocumentation$ . -update

var allRoles = []member.Role{member.Maker, member.Checker, member.Governor, member.Host, member.Risk, member.ModelOwner, member.Validator,
	member.Underwriter, member.Operator, member.Collector, member.Auditor}

var partyOf = map[string]string{buyerMSP: buyerParty, supplierMSP: sellerParty, bankMSP: bankParty, otherBankMSP: otherBankParty,
	regulatorMSP: regulatorParty, warehouseMSP: ""}

// mayCall is written by hand, so that a slip in the access table shows: who passes the door of each function.
var mayCall = map[string]string{
	"SetRules":           "buyer/governor",
	"Issue":              "supplier/maker",
	"IssueBulk":          "supplier/maker",
	"Withdraw":           "supplier/maker",
	"ProposeConfirm":     "buyer/maker",
	"ProposeConfirmBulk": "buyer/maker",
	"Return":             "buyer/checker",
	"Confirm":            "buyer/checker",
	"ConfirmBulk":        "buyer/checker",
	"Reject":             "buyer/maker buyer/checker",
	"Dispute":            "buyer/maker buyer/checker",
	"Resolve":            "buyer/maker",
	"Split":              "supplier/maker bank/maker",
	"Merge":              "supplier/maker bank/maker",
	"Offer":              "supplier/maker bank/maker",
	"TakeBack":           "supplier/maker bank/maker",
	"Accept":             "supplier/maker bank/maker",
	"Decline":            "supplier/maker bank/maker",
	"Consent":            "supplier/maker bank/maker",
	"Freeze":             "buyer/maker",
	"Thaw":               "buyer/maker supplier/maker bank/maker",
	"CreditNote":         "supplier/maker",
	"SettleRecourse":     "buyer/checker",
	"Pay":                "buyer/checker",
	"WriteOff":           "supplier/checker bank/checker",
	"Age":                "buyer/maker buyer/checker supplier/maker supplier/checker bank/maker bank/checker buyer/underwriter supplier/underwriter bank/underwriter",
	"Rules":              "buyer/* supplier/* bank/* regulator/*",
	"Get":                "buyer/* supplier/* bank/* regulator/*",
	"List":               "buyer/* supplier/* bank/* regulator/*",
	"Standings":          "buyer/* supplier/* bank/* regulator/*",
	"Terms":              "buyer/maker buyer/checker",
	"TermsBulk":          "buyer/maker buyer/checker",
	"Fragment":           "buyer/* bank/* regulator/*",
	"Fragments":          "buyer/* bank/* regulator/*",
	"Holding":            "buyer/* supplier/* bank/* regulator/*",
	"Holdings":           "buyer/* supplier/* bank/* regulator/*",
	"ListHoldings":       "buyer/* supplier/* bank/* regulator/*",
	"Bill":               "buyer/* bank/* regulator/*",
	"Costs":              "bank/* regulator/*",
	"Payments":           "buyer/* supplier/* bank/* regulator/*",
	"CreditNotes":        "buyer/* supplier/* bank/* regulator/*",
	"Disputes":           "buyer/* supplier/* bank/* regulator/*",
}

func expected(function string, kind member.Kind, role member.Role) bool {
	list := strings.Fields(mayCall[function])
	return slices.Contains(list, fmt.Sprintf("%s/%s", kind, role)) || slices.Contains(list, fmt.Sprintf("%s/*", kind))
}

// Every function by every role of every organisation: a call that names records that do not exist is refused as
// NOT_PERMITTED exactly where the door is closed. Whoever passes gets another answer.
func TestEveryFunctionByEveryRole(t *testing.T) {
	w := newTrade(t)
	absent, fragment := opaque("rcv", 4095), "frg-"+strings.Repeat("f", 32)
	args := map[string][]string{
		"SetRules": {tradeCircle}, "Rules": {tradeCircle}, "Issue": {tradeCircle, absent}, "IssueBulk": {tradeCircle},
		"ProposeConfirmBulk": {}, "ConfirmBulk": {}, "List": {"10", ""}, "ListHoldings": {"10", ""}, "TermsBulk": {text([]string{absent})}, "Standings": {text([]string{absent})}, "Merge": {text([]string{fragment, fragment})},
		"Freeze": {absent, "dsp-00000001"}, "Thaw": {absent, "dsp-00000001"}, "CreditNote": {absent, "crn-00000001"},
		"SettleRecourse": {absent, "crn-00000001"}, "Pay": {absent, "pay-00000001"},
	}
	for _, name := range []string{"Split", "Offer", "TakeBack", "Accept", "Decline", "Consent", "Fragment", "Holding", "Costs"} {
		args[name] = []string{fragment}
	}
	var functions []string
	for name := range receivableAccess {
		functions = append(functions, strings.TrimPrefix(name, "receivable:"))
	}
	slices.Sort(functions)
	require.Len(t, mayCall, len(functions), "every function stands in the table by hand")
	for _, function := range functions {
		list, ok := args[function]
		if !ok {
			list = []string{absent}
		}
		for msp, kind := range kindOf {
			for _, role := range allRoles {
				who := user{msp, partyOf[msp], string(role)}
				_, err := w.net.Evaluate(w.identity(who), w.proposal(who, "receivable:"+function, nil, list...), regulatorMSP)
				code := fault.Code("")
				if err != nil {
					code = fault.CodeOf(refusal(err))
					require.NotEmpty(t, code, "%s by %s: %v", function, who, err)
				}
				permitted := expected(function, kind, role)
				if function == "Rules" && msp == otherBankMSP {
					permitted = false // it does not read that programme
				}
				assert.Equal(t, permitted, code != fault.NotPermitted, "%s by %s: %s", function, who, code)
			}
		}
	}
}

// Every function that changes something, by somebody with the right organisation and role who acts for another party.
func TestEveryFunctionByAnotherParty(t *testing.T) {
	w := newTrade(t)
	issued := opaque("rcv", 1)
	w.must(w.issue(1, "A", 1000))
	proposed := opaque("rcv", 2)
	w.must(w.issue(2, "B", 1000))
	w.must(w.submit(buyer("maker"), "receivable:ProposeConfirm", nil, proposed))
	disputed := opaque("rcv", 3)
	w.must(w.issue(3, "C", 1000))
	because := receivable.Because{Reasons: []receivable.Reason{"QTY"}}
	w.must(w.submit(buyer("maker"), "receivable:Dispute", because, disputed))
	confirmed, root := w.confirmed(4, "D", 1000)
	parts := w.step(w.submit(seller("maker"), "receivable:Split", receivable.Division{Ratios: []int64{1, 1, 1, 1}}, root)).Fragments
	offering := receivable.Offering{To: tierTwoParty, Recourse: receivable.WithRecourse}
	w.must(w.submit(seller("maker"), "receivable:Offer", offering, parts[0]))
	objection := receivable.Objection{ID: opaque("dsp", 1), Fragments: parts[1:2], Because: because}
	w.must(w.submit(buyer("maker"), "receivable:Freeze", objection, confirmed, objection.ID))
	note := receivable.Crediting{ID: opaque("crn", 1), TypeCode: "381", Number: "G-1", IssueDate: w.today(), Currency: "EUR", AmountMinor: 10, DocumentHash: strings.Repeat("cd", 32)}
	pay := receivable.Paying{ID: opaque("pay", 1), AmountMinor: 10, Currency: "EUR"}
	another := objection
	another.ID, another.Fragments = opaque("dsp", 2), parts[2:3]
	const otherBuyer, stranger = "p-000000b1b1", "p-000000dddd"
	w.host(tradeCircle, otherBuyer, buyerMSP)
	w.host(tradeCircle, stranger, supplierMSP)
	buyers, suppliers := user{buyerMSP, otherBuyer, "maker,checker"}, user{supplierMSP, stranger, "maker,checker"}
	signed := w.signed(buyer("checker"), proposed)
	for _, c := range []struct {
		who      user
		function string
		input    any
		args     []string
	}{
		{suppliers, "Issue", receivable.Issuance{ID: opaque("rcv", 9), Invoice: w.invoice("Z", 5)}, []string{tradeCircle, opaque("rcv", 9)}},
		{suppliers, "IssueBulk", receivable.BulkIssuance{Items: []receivable.Issuance{{ID: opaque("rcv", 9), Invoice: w.invoice("Z", 5)}}}, []string{tradeCircle}},
		{suppliers, "Withdraw", nil, []string{issued}},
		{buyers, "ProposeConfirm", nil, []string{issued}},
		{buyers, "ProposeConfirmBulk", receivable.BulkProposal{IDs: []string{issued}}, nil},
		{buyers, "Return", nil, []string{proposed}},
		{buyers, "Confirm", signed, []string{proposed}},
		{buyers, "ConfirmBulk", receivable.BulkConfirmation{Items: []receivable.ConfirmationOf{{ID: proposed, Confirmation: signed}}}, nil},
		{buyers, "Reject", because, []string{issued}},
		{buyers, "Dispute", because, []string{issued}},
		{buyers, "Resolve", nil, []string{disputed}},
		{suppliers, "Split", receivable.Division{Ratios: []int64{1, 1}}, []string{parts[3]}},
		{suppliers, "Merge", nil, []string{text(parts[2:])}},
		{suppliers, "Offer", offering, []string{parts[3]}},
		{suppliers, "TakeBack", nil, []string{parts[0]}},
		{suppliers, "Accept", nil, []string{parts[0]}},
		{suppliers, "Decline", nil, []string{parts[0]}},
		{suppliers, "Consent", receivable.Consenting{CreditNote: note.ID, UpToMinor: 1}, []string{parts[3]}},
		{buyers, "Freeze", another, []string{confirmed, another.ID}},
		{buyers, "Thaw", nil, []string{confirmed, objection.ID}},
		{suppliers, "Thaw", nil, []string{confirmed, objection.ID}},
		{suppliers, "CreditNote", note, []string{confirmed, note.ID}},
		{buyers, "Pay", pay, []string{confirmed, pay.ID}},
	} {
		_, err := w.submit(c.who, "receivable:"+c.function, c.input, c.args...)
		require.Error(t, err, c.function)
		assert.Contains(t, []fault.Code{fault.NotPermitted, fault.NotHolder}, fault.CodeOf(err), "%s: %v", c.function, err)
	}
	for _, function := range []string{"Get", "CreditNotes", "Disputes"} {
		_, err := w.evaluate(suppliers, "receivable:"+function, confirmed)
		assert.Equal(t, fault.NotPermitted, fault.CodeOf(err), function)
	}
	_, err := w.evaluate(suppliers, "receivable:Holding", parts[3])
	assert.Equal(t, fault.NotHolder, fault.CodeOf(err))
	_, err = w.evaluate(buyers, "receivable:Terms", proposed)
	assert.Equal(t, fault.NotPermitted, fault.CodeOf(err))
	assert.Equal(t, "[]", string(w.must(w.evaluate(suppliers, "receivable:Holdings", confirmed))))
	assert.Empty(t, decoded[ReceivablePage](t, w.must(w.evaluate(suppliers, "receivable:List", "100", ""))).Receivables)
}

func TestReceivableAccessDocumentation(t *testing.T) {
	transitiontest.Page(t, "../../docs/receivable.md", transitiontest.Section{Name: "receivable-access", Text: accessTable(receivableAccess)})
}

func accessTable(access ledger.Access) string {
	var names []string
	for name := range access {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("| function | organisations | roles |\n|---|---|---|\n")
	for _, name := range names {
		row := access[name]
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, joined(row.Kinds), joined(row.Roles))
	}
	return b.String()
}

func joined[T ~string](list []T) string {
	if len(list) == 0 {
		return "any"
	}
	var names []string
	for _, v := range list {
		names = append(names, string(v))
	}
	return strings.Join(names, ", ")
}
