package receivable

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/chaincode/transition/transitiontest"
)

func TestTables(t *testing.T) {
	transitiontest.Check(t, Life, Statuses(), Actions())
	transitiontest.Check(t, FragmentLife, FragmentStatuses(), FragmentActions())
}

func TestDocumentation(t *testing.T) {
	var reasons, order strings.Builder
	reasons.WriteString("| code | meaning |\n|---|---|\n")
	for _, r := range Reasons() {
		fmt.Fprintf(&reasons, "| %s | %s |\n", r.Code, r.Meaning)
	}
	for i, text := range CreditOrder() {
		fmt.Fprintf(&order, "%d. %s\n", i+1, text)
	}
	transitiontest.Page(t, "../../docs/receivable.md",
		transitiontest.Section{Name: "life-diagram", Text: transitiontest.Diagram(Life.Mermaid())},
		transitiontest.Section{Name: "life-table", Text: Life.Markdown()},
		transitiontest.Section{Name: "fragment-diagram", Text: transitiontest.Diagram(FragmentLife.Mermaid())},
		transitiontest.Section{Name: "fragment-table", Text: FragmentLife.Markdown()},
		transitiontest.Section{Name: "reasons", Text: reasons.String()},
		transitiontest.Section{Name: "credit-order", Text: order.String()},
	)
}
