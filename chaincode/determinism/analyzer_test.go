package determinism_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/tallystick/tallystick/chaincode/determinism"
)

// Every rule has a line in testdata that it must report ("want") and one beside it that it must not.
func TestAnalyzer(t *testing.T) {
	root := determinism.Root
	analysistest.Run(t, analysistest.TestData(), determinism.Analyzer,
		root, root+"/claim", root+"/claim/claimtest", root+"/contract", root+"/ledger", root+"/outward", root+"/fakeledger", "elsewhere")
}
