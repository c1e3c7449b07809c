package main_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/tallystick/tallystick"

// rooms say which folders of the repository, and which parts of Fabric, the code below a folder may import, besides
// its own folder. The longest prefix decides. An import points inwards or downwards only (docs/architecture.md).
var rooms = []struct {
	folder string
	may    []string
	not    []string
}{
	{folder: "chaincode/.", may: []string{"chaincode/contract", "chaincode/ledger", "chaincode/fault", "fabric-chaincode"}},
	{folder: "chaincode/fault"},
	{folder: "chaincode/money", may: []string{"chaincode/fault"}},
	{folder: "chaincode/calendar", may: []string{"chaincode/fault"}},
	{folder: "chaincode/*", may: []string{"chaincode"}, not: []string{"chaincode/contract", "chaincode/ledger", "chaincode/fakeledger", "chaincode/determinism"}},
	{folder: "chaincode/ledger", may: []string{"chaincode", "fabric-chaincode", "fabric-protos"}, not: []string{"chaincode/contract", "chaincode/fakeledger"}},
	{folder: "chaincode/contract", may: []string{"chaincode", "fabric-chaincode", "fabric-protos"}, not: []string{"chaincode/fakeledger"}},
	{folder: "chaincode/fakeledger", may: []string{"fabric-chaincode", "fabric-protos"}},
	{folder: "chaincode/determinism"},

	{folder: "gateway-client/*", may: []string{"chaincode", "gateway-client", "network/profile", "fabric-protos"},
		not: []string{"chaincode/contract", "chaincode/ledger", "chaincode/fakeledger", "gateway-client/cmd", "gateway-client/cli", "gateway-client/memory"}},
	{folder: "gateway-client/keyfile", may: []string{"chaincode/fault"}},
	{folder: "gateway-client/document", may: []string{"chaincode"}, not: []string{"chaincode/contract", "chaincode/ledger", "chaincode/fakeledger"}},
	{folder: "gateway-client/scoring", may: []string{"chaincode"}, not: []string{"chaincode/contract", "chaincode/ledger", "chaincode/fakeledger"}},
	{folder: "gateway-client/fabric", may: []string{"chaincode", "gateway-client", "network/profile", "fabric-protos", "fabric-gateway"},
		not: []string{"chaincode/contract", "chaincode/ledger", "chaincode/fakeledger", "gateway-client/cmd", "gateway-client/cli", "gateway-client/memory",
			"gateway-client/api", "gateway-client/portal", "gateway-client/underwriting", "gateway-client/projection", "gateway-client/document", "gateway-client/scoring"}},
	// The whole consortium in one process: the real chaincode on fakeledger, behind the same sessions as the real network.
	{folder: "gateway-client/memory", may: []string{"chaincode", "gateway-client", "network/topology", "fabric-chaincode", "fabric-protos"},
		not: []string{"gateway-client/cmd", "gateway-client/cli"}},
	// For tests: scenarios on a consortium in memory.
	{folder: "gateway-client/scenario/scenariotest", may: []string{"chaincode/calendar", "gateway-client/cli", "gateway-client/consortium", "gateway-client/memory",
		"gateway-client/scenario", "gateway-client/service", "network/topology"}},
	{folder: "gateway-client/cli", may: []string{"chaincode", "gateway-client", "network/profile"},
		not: []string{"chaincode/contract", "chaincode/ledger", "chaincode/fakeledger", "gateway-client/cmd"}},
	{folder: "gateway-client/cmd", may: []string{"chaincode", "gateway-client", "network/profile"}, not: []string{"chaincode/contract", "chaincode/ledger"}},

	// The network starts nodes and knows nothing of finance; it deploys over Fabric's own administration.
	{folder: "network", may: []string{"network", "fabric-protos", "fabric-admin", "fabric-config", "fabric-gateway"}},
}

// fabricParts are the names above for Fabric's modules, by their path below github.com/hyperledger/.
var fabricParts = []struct{ path, part string }{
	{"fabric-chaincode-go", "fabric-chaincode"}, {"fabric-contract-api-go", "fabric-chaincode"}, {"fabric-protos-go-apiv2", "fabric-protos"},
	{"fabric-gateway", "fabric-gateway"}, {"fabric-admin-sdk", "fabric-admin"}, {"fabric-config", "fabric-config"},
}

// target is an import as the rooms name it, or "" where it is nobody's concern.
func target(path string) string {
	if inside, ok := strings.CutPrefix(path, module+"/"); ok {
		return inside
	}
	if below, ok := strings.CutPrefix(path, "github.com/hyperledger/"); ok {
		for _, f := range fabricParts {
			if under(below, f.path) {
				return f.part
			}
		}
		return "fabric"
	}
	return ""
}

// roomOf is the index of the room that the folder is in, or -1: the longest folder that holds it, or else the one with
// a star, which is for everything that is not named. "chaincode/." is that folder alone.
func roomOf(folder string) int {
	room, length := -1, -1
	for i, r := range rooms {
		prefix, rest := strings.CutSuffix(r.folder, "/*")
		matches, weight := under(folder, prefix) && (!rest || folder != prefix), len(prefix)
		if rest {
			weight = 0
		}
		if alone, ok := strings.CutSuffix(r.folder, "/."); ok {
			matches = folder == alone
		}
		if matches && weight > length {
			room, length = i, weight
		}
	}
	return room
}

// violation says what is wrong with an import, or "".
func violation(folder, path string, test bool) string {
	to := target(path)
	if to == "" || to == folder {
		return ""
	}
	if test {
		// Tests stand outside of the house and may look into any room; but the chaincode's must pass without the rest.
		// The fake is held to the real client.
		held := under(folder, "chaincode/fakeledger") && to == "fabric-gateway"
		if under(folder, "chaincode") && !under(to, "chaincode") && to != "fabric-chaincode" && to != "fabric-protos" && !held {
			return fmt.Sprintf("tests of %s must not import %s", folder, to)
		}
		return ""
	}
	room := roomOf(folder)
	if room < 0 {
		return fmt.Sprintf("%s is in no room of the house: give it a rule here", folder)
	}
	r := rooms[room]
	allowed := under(to, r.folder) // its own folder
	for _, m := range r.may {
		allowed = allowed || under(to, m)
	}
	for _, n := range r.not {
		allowed = allowed && !under(to, n)
	}
	if !allowed {
		return fmt.Sprintf("%s must not import %s", folder, to)
	}
	return ""
}

func under(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

func TestImportsPointInwards(t *testing.T) {
	root := ".."
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			_, moduleErr := os.Stat(filepath.Join(path, "go.mod"))
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin" || moduleErr == nil) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files++
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if v := violation(filepath.ToSlash(folder), imported, strings.HasSuffix(name, "_test.go")); v != "" {
				t.Errorf("%s: %s", path, v)
			}
		}
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, files, 20, "the walk must have found the repository")
}

func TestViolations(t *testing.T) {
	in := func(folder string) string { return module + "/" + folder }
	fabric := "github.com/hyperledger/"
	for _, c := range []struct {
		folder, path string
		test, wrong  bool
	}{
		{"chaincode", in("chaincode/contract"), false, false},
		{"chaincode", in("gateway-client/fabric"), false, true},
		{"chaincode", in("chaincode/fakeledger"), false, true},
		{"chaincode/money", in("chaincode/fault"), false, false},
		{"chaincode/money", in("chaincode/receivable"), false, true},
		{"chaincode/fault", in("chaincode/money"), false, true},
		{"chaincode/receivable", in("chaincode/money"), false, false},
		{"chaincode/receivable", in("chaincode/member"), false, false},
		{"chaincode/receivable", in("chaincode/contract"), false, true},
		{"chaincode/receivable", in("chaincode/ledger"), false, true},
		{"chaincode/receivable", in("chaincode/fakeledger"), false, true},
		{"chaincode/receivable", in("chaincode/fakeledger"), true, false},
		{"chaincode/receivable", in("gateway-client/document"), true, true},
		{"chaincode/receivable", fabric + "fabric-chaincode-go/v2/shim", false, true},
		{"chaincode/credit/scorecard", in("chaincode/fault"), false, false},
		{"chaincode/credit/scorecard", in("chaincode/ledger"), false, true},
		{"chaincode/ledger", fabric + "fabric-chaincode-go/v2/shim", false, false},
		{"chaincode/ledger", in("chaincode/contract"), false, true},
		{"chaincode/contract", in("chaincode/ledger"), false, false},
		{"chaincode/contract", fabric + "fabric-contract-api-go/v2/contractapi", false, false},
		{"chaincode/contract", fabric + "fabric-gateway/pkg/client", false, true},
		{"chaincode/determinism/cmd/determinism", in("chaincode/determinism"), false, false},
		{"gateway-client/document/ubl", in("chaincode/money"), false, false},
		{"gateway-client/document/ubl", in("gateway-client/document/xmlsafe"), false, false},
		{"gateway-client/document", in("gateway-client/fabric"), false, true},
		{"gateway-client/scoring", in("gateway-client/underwriting"), false, true},
		{"gateway-client/fabric", fabric + "fabric-gateway/pkg/client", false, false},
		{"gateway-client/fabric", in("gateway-client/underwriting"), false, true},
		{"gateway-client/underwriting", in("gateway-client/fabric"), false, false},
		{"gateway-client/underwriting", fabric + "fabric-gateway/pkg/client", false, true},
		{"gateway-client/api", in("gateway-client/projection"), false, false},
		{"gateway-client/api", in("gateway-client/cmd/tallyd"), false, true},
		{"gateway-client/api", in("chaincode/ledger"), false, true},
		{"gateway-client/memory", in("chaincode/contract"), false, false},
		{"gateway-client/api", in("gateway-client/memory"), false, true},
		{"gateway-client/api", in("gateway-client/memory"), true, false},
		{"gateway-client/cmd/tallyd", in("gateway-client/api"), false, false},
		{"gateway-client/cmd/tallyd", in("network/native"), false, true},
		{"network/native", in("network/plan"), false, false},
		{"network/native", in("chaincode/money"), false, true},
		{"network/native", in("gateway-client/fabric"), false, true},
		{"elsewhere", in("chaincode/money"), false, true},
		{"elsewhere", "fmt", false, false},
	} {
		assert.Equal(t, c.wrong, violation(c.folder, c.path, c.test) != "", "%s imports %s", c.folder, c.path)
	}
}
