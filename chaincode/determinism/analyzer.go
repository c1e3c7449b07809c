// Package determinism is an analyzer for the code that runs on peers: whatever could make two peers disagree, or tie a
// rule of finance to Fabric, is an error. It checks the packages below chaincode/ except fakeledger and itself, and no
// test files.
//
// A line that looks wrong and is right says so, with the reason, on that line or the one above:
//
//	//determinism:ok the sum is the same in any order
//
// An excuse without a reason, and one that excuses nothing, is an error, too.
package determinism

import (
	"go/ast"
	"go/token"
	"path"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Root is the import path of the chaincode: its main package, and the prefix of everything that the analyzer checks.
const Root = "github.com/tallystick/tallystick/chaincode"

// Analyzer reports what could make peers disagree.
var Analyzer = &analysis.Analyzer{
	Name: "determinism",
	Doc: "report what could make two peers disagree about a transaction: floats, clocks, randomness, goroutines, ranged maps, " +
		"changing globals, input and output; and imports that point outwards",
	Run: run,
}

const excusePrefix = "//determinism:ok"

type checker struct {
	*analysis.Pass
	folder  string // below Root: "" for the main package
	parents map[ast.Node]ast.Node
	excuses map[position]*excuse
}

type position struct {
	file string
	line int
}

// forTests reports whether the folder below Root holds nothing that runs on a peer: the tools, test binaries, and the
// helpers that a package has for tests of others in a folder of its name with "test" (as net/http/httptest).
func forTests(folder string) bool {
	top, _, _ := strings.Cut(folder, "/")
	parent, last := path.Split(folder)
	return top == "fakeledger" || top == "determinism" || strings.HasSuffix(folder, ".test") ||
		parent != "" && last == path.Base(parent)+"test"
}

type excuse struct {
	at     token.Pos
	reason string
	used   bool
}

func run(pass *analysis.Pass) (any, error) {
	name := strings.TrimSuffix(pass.Pkg.Path(), "_test")
	folder, below := strings.CutPrefix(name, Root+"/")
	if name == Root+".test" {
		return nil, nil
	}
	if name == Root {
		folder, below = "", true
	}
	if !below || forTests(folder) {
		return nil, nil
	}
	c := &checker{Pass: pass, folder: folder, parents: map[ast.Node]ast.Node{}, excuses: map[position]*excuse{}}
	var files []*ast.File
	for _, file := range pass.Files {
		if !strings.HasSuffix(pass.Fset.Position(file.FileStart).Filename, "_test.go") {
			files = append(files, file)
		}
	}
	for _, file := range files {
		c.collect(file)
	}
	for _, file := range files {
		c.checkImports(file)
		c.checkFloats(file)
		ast.Inspect(file, func(n ast.Node) bool {
			c.checkConcurrency(n)
			c.checkUse(n)
			c.checkRange(n)
			c.checkGlobals(n)
			return true
		})
	}
	for _, e := range c.excuses {
		switch {
		case e.reason == "":
			pass.Reportf(e.at, "%s needs a reason", excusePrefix)
		case !e.used:
			pass.Reportf(e.at, "%s excuses nothing here", excusePrefix)
		}
	}
	return nil, nil
}

// collect notes the parents of all nodes and the excuses.
func (c *checker) collect(file *ast.File) {
	var stack []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		if len(stack) > 0 {
			c.parents[n] = stack[len(stack)-1]
		}
		stack = append(stack, n)
		return true
	})
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if text, ok := strings.CutPrefix(comment.Text, excusePrefix); ok && (text == "" || text[0] == ' ') {
				p := c.Fset.Position(comment.Pos())
				c.excuses[position{p.Filename, p.Line}] = &excuse{at: comment.Pos(), reason: strings.TrimSpace(text)}
			}
		}
	}
}

// report reports, unless the line or the one above excuses it.
func (c *checker) report(at ast.Node, format string, args ...any) {
	p := c.Fset.Position(at.Pos())
	for _, line := range [2]int{p.Line, p.Line - 1} {
		if e := c.excuses[position{p.Filename, line}]; e != nil {
			e.used = true
			return
		}
	}
	c.Reportf(at.Pos(), format, args...)
}
