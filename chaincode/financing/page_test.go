package financing_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/chaincode/financing"
	"github.com/tallystick/tallystick/chaincode/transition"
	"github.com/tallystick/tallystick/chaincode/transition/transitiontest"
)

func section[S, A ~string](name string, table transition.Table[S, A]) transitiontest.Section {
	return transitiontest.Section{Name: name, Text: transitiontest.Diagram(table.Mermaid()) + "\n" + table.Markdown()}
}

func TestPage(t *testing.T) {
	reasons := "| code | what it says | 说明 | what would change it | 如何改变 |\n|---|---|---|---|---|\n"
	for _, r := range financing.ReasonTexts() {
		reasons += fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", r.Code, r.En, r.Zh, r.Change, r.ChangeZh)
	}
	transitiontest.Page(t, "../../docs/financing.md",
		section("application", financing.ApplicationTable),
		transitiontest.Section{Name: "reasons", Text: strings.TrimRight(reasons, "\n")},
		section("loan", financing.LoanTable),
		section("policy", financing.PolicyTable))
}

func TestTables(t *testing.T) {
	transitiontest.Check(t, financing.PolicyTable,
		[]financing.PolicyStatus{financing.PolicyProposed, financing.PolicyActive, financing.PolicyRejected, financing.PolicySuperseded},
		[]financing.PolicyAction{financing.ProposePolicy, financing.ApprovePolicy, financing.RejectPolicy, financing.SupersedePolicy})
	transitiontest.Check(t, financing.ApplicationTable,
		[]financing.ApplicationStatus{financing.Submitted, financing.Referred, financing.Approved, financing.Declined, financing.Accepted,
			financing.Withdrawn, financing.Expired},
		[]financing.ApplicationAction{financing.ApplyFor, financing.OfferEarly, financing.CommitToOffer, financing.DecideApprove, financing.DecideRefer, financing.DecideDecline,
			financing.ProposeOverride, financing.OverrideApprove, financing.OverrideDecline, financing.AcceptTerms, financing.WithdrawIt, financing.ExpireIt})
	transitiontest.Check(t, financing.LoanTable,
		[]financing.LoanStatus{financing.Agreed, financing.Active, financing.Defaulted, financing.WrittenOff, financing.Repaid, financing.Cancelled},
		[]financing.LoanAction{financing.AgreeLoan, financing.DrawDown, financing.CancelLoan, financing.ChargeFee, financing.RepayPart,
			financing.RepayAll, financing.CallDefault, financing.CureDefault, financing.CallRecourse, financing.EnforceLoan, financing.WriteOffLoan, financing.RecoverPart, financing.TakeSurplus, financing.ReturnMoney})
}
