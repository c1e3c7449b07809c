package credit_test

import (
	"testing"

	"github.com/tallystick/tallystick/chaincode/credit"
	"github.com/tallystick/tallystick/chaincode/transition"
	"github.com/tallystick/tallystick/chaincode/transition/transitiontest"
)

func section[S, A ~string](name string, table transition.Table[S, A]) transitiontest.Section {
	return transitiontest.Section{Name: name, Text: transitiontest.Diagram(table.Mermaid()) + "\n" + table.Markdown()}
}

func TestPage(t *testing.T) {
	transitiontest.Page(t, "../../docs/financing.md",
		section("model", credit.ModelTable), section("consent", credit.ConsentTable), section("score", credit.ScoreTable))
}
