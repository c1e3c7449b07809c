package determinism

import (
	"go/ast"
	"strconv"
	"strings"
)

// forbidden are packages, with everything below them, that have no place on a peer, and why.
var forbidden = []struct{ path, why string }{
	{"C", "what C does cannot be checked"},
	{"crypto/rand", "peers would draw different numbers"},
	{"expvar", "a package variable that changes"},
	{"hash/maphash", "its seed differs on every peer"},
	{"io/ioutil", "peers have different files"},
	{"log", "what is logged can hold terms of others"},
	{"math/rand", "peers would draw different numbers"},
	{"net", "peers would hear different answers"},
	{"os", "peers have different systems"},
	{"plugin", "peers have different files"},
	{"runtime", "peers run on different machines"},
	{"sync", "nothing here may run at the same time"},
	{"syscall", "peers have different systems"},
	{"testing", "tests belong into test files"},
	{"unique", "its order differs on every peer"},
	{"unsafe", "addresses differ on every peer"},
	{"weak", "peers collect garbage at different times"},
}

// outer are packages of the repository that chaincode may not import.
var outer = []string{"gateway-client", "network"}

// checkImports enforces the directions of the house (docs, "The house"): only the doors and the store know Fabric, a
// capability knows neither, and nothing on a peer knows the client.
func (c *checker) checkImports(file *ast.File) {
	top, _, _ := strings.Cut(c.folder, "/")
	knowsFabric := c.folder == "" || top == "contract" || top == "ledger"
	module := strings.TrimSuffix(Root, "/chaincode")
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		// The main package starts the process: it reads its environment and opens its port.
		starts := c.folder == "" && (within(path, "os") || within(path, "net") || within(path, "log"))
		for _, f := range forbidden {
			if within(path, f.path) && !starts {
				c.report(spec, "chaincode must not import %s: %s", path, f.why)
			}
		}
		switch {
		case within(path, "github.com/hyperledger") && !knowsFabric:
			c.report(spec, "%s must not import Fabric (%s): only contract and ledger do", c.name(), path)
		case within(path, Root) && forTests(strings.TrimPrefix(path, Root+"/")):
			c.report(spec, "%s must not import %s: it is for tests", c.name(), path)
		case within(path, Root+"/contract") && c.folder != "" && top != "contract":
			c.report(spec, "%s must not import a contract (%s): ask for the smallest interface that it needs", c.name(), path)
		case within(path, Root+"/ledger") && !knowsFabric:
			c.report(spec, "%s must not import the store (%s): contracts load and save", c.name(), path)
		}
		for _, o := range outer {
			if within(path, module+"/"+o) {
				c.report(spec, "%s must not import %s: imports point inwards", c.name(), path)
			}
		}
	}
}

func (c *checker) name() string {
	if c.folder == "" {
		return "the chaincode's main package"
	}
	return "chaincode/" + c.folder
}

func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}
