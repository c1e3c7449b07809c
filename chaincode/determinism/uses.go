package determinism

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// uses are functions, methods (as Type.Method) and variables that peers must not use, by package, and why.
var uses = map[string]map[string]string{
	"time": {
		"Now": clock, "Since": clock, "Until": clock, "After": clock, "AfterFunc": clock, "Tick": clock, "NewTimer": clock,
		"NewTicker": clock, "Sleep": clock,
		"Local": zone, "Time.Local": zone, "LoadLocation": zone, "LoadLocationFromTZData": zone, "ParseInLocation": zone,
	},
	"fmt": {
		"Print": output, "Println": output, "Printf": output, "Scan": output, "Scanf": output, "Scanln": output,
	},
	"crypto/ecdh":    {"Curve.GenerateKey": random},
	"crypto/ecdsa":   {"GenerateKey": random, "Sign": random, "SignASN1": random, "PrivateKey.Sign": random},
	"crypto/ed25519": {"GenerateKey": random},
	"crypto/hpke":    {"NewSender": random, "Seal": random, "KEM.GenerateKey": random},
	"crypto/mlkem": {"GenerateKey768": random, "GenerateKey1024": random, "EncapsulationKey768.Encapsulate": random,
		"EncapsulationKey1024.Encapsulate": random},
	"crypto/rsa": {"GenerateKey": random, "GenerateMultiPrimeKey": random, "EncryptOAEP": random, "EncryptPKCS1v15": random,
		"SignPSS": random, "PrivateKey.Sign": random},
	"reflect": {
		"Value.MapKeys": order, "Value.MapRange": order, "Value.Seq": order, "Value.Seq2": order, "Value.Pointer": address,
		"Value.UnsafePointer": address, "Value.UnsafeAddr": address, "Select": concurrency, "MakeChan": concurrency,
	},
	"maps": {"Keys": order, "Values": order, "All": order},
}

const (
	clock       = "peers have different clocks; take the transaction's instant"
	zone        = "peers have different time zones; use UTC"
	output      = "a peer has nobody to talk to, and what it says can hold terms"
	random      = "it draws random numbers, which differ on every peer"
	order       = "the order of a map differs on every peer"
	address     = "addresses differ on every peer"
	concurrency = "nothing here may run at the same time"
)

// sorters put the result of an iterator over a map into order, and collectors do not care.
var orderFree = map[string]map[string]bool{
	"slices": {"Sorted": true, "SortedFunc": true, "SortedStableFunc": true},
	"maps":   {"Collect": true, "Insert": true},
}

func (c *checker) checkUse(n ast.Node) {
	id, ok := n.(*ast.Ident)
	if !ok {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			c.checkFormat(lit)
		}
		return
	}
	object := c.TypesInfo.Uses[id]
	if object == nil || object.Pkg() == nil {
		return
	}
	path, name := object.Pkg().Path(), qualified(object)
	if path == "time" && (name == "Unix" || name == "UnixMilli" || name == "UnixMicro") && !c.thenUTC(id) {
		c.report(id, "time.%s gives a time in the peer's zone; call UTC() on it at once", name)
	}
	why := uses[path][name]
	if why == "" || path == "maps" && c.givenToSorter(id) {
		return
	}
	c.report(id, "chaincode must not use %s.%s: %s", path, name, why)
}

// qualified is the object's name, with its receiver's type where it is a method; fields and locals have no name here.
func qualified(object types.Object) string {
	switch o := object.(type) {
	case *types.Func:
		receiver := o.Signature().Recv()
		if receiver == nil {
			return o.Name()
		}
		t := receiver.Type()
		if p, ok := t.(*types.Pointer); ok {
			t = p.Elem()
		}
		if named, ok := t.(*types.Named); ok {
			return named.Obj().Name() + "." + o.Name()
		}
		return ""
	case *types.Var:
		if o.Parent() == o.Pkg().Scope() {
			return o.Name()
		}
	}
	return ""
}

// call is the call whose function the identifier names, or nil.
func (c *checker) call(id *ast.Ident) *ast.CallExpr {
	var function ast.Node = id
	if s, ok := c.parents[id].(*ast.SelectorExpr); ok && s.Sel == id {
		function = s
	}
	for {
		switch p := c.parents[function].(type) {
		case *ast.IndexExpr, *ast.IndexListExpr, *ast.ParenExpr: // type arguments
			function = p
			continue
		case *ast.CallExpr:
			if p.Fun == function {
				return p
			}
		}
		return nil
	}
}

func (c *checker) thenUTC(id *ast.Ident) bool {
	call := c.call(id)
	if call == nil {
		return false
	}
	s, ok := c.parents[call].(*ast.SelectorExpr)
	return ok && (s.Sel.Name == "UTC" || strings.HasPrefix(s.Sel.Name, "Unix"))
}

func (c *checker) givenToSorter(id *ast.Ident) bool {
	call := c.call(id)
	if call == nil {
		return false
	}
	outerCall, ok := c.parents[call].(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := c.callee(outerCall).(*types.Func)
	return ok && f.Pkg() != nil && orderFree[f.Pkg().Path()][f.Name()]
}

// callee is what a call calls, or nil.
func (c *checker) callee(call *ast.CallExpr) types.Object {
	function := ast.Unparen(call.Fun)
	switch f := function.(type) {
	case *ast.IndexExpr:
		function = f.X
	case *ast.IndexListExpr:
		function = f.X
	}
	switch f := function.(type) {
	case *ast.Ident:
		return c.TypesInfo.Uses[f]
	case *ast.SelectorExpr:
		return c.TypesInfo.Uses[f.Sel]
	}
	return nil
}

// checkFormat finds formats that print addresses.
func (c *checker) checkFormat(lit *ast.BasicLit) {
	call, ok := c.parents[lit].(*ast.CallExpr)
	if !ok {
		return
	}
	f, ok := c.callee(call).(*types.Func)
	if !ok || f.Pkg() == nil || f.Pkg().Path() != "fmt" {
		return
	}
	value := c.TypesInfo.Types[lit].Value
	if value != nil && value.Kind() == constant.String && strings.Contains(constant.StringVal(value), "%p") {
		c.report(lit, "chaincode must not print %%p: %s", address)
	}
}

// checkConcurrency finds goroutines and channels.
func (c *checker) checkConcurrency(n ast.Node) {
	switch n := n.(type) {
	case *ast.GoStmt:
		c.report(n, "chaincode must not start goroutines: %s", concurrency)
	case *ast.SelectStmt:
		c.report(n, "chaincode must not select: %s", concurrency)
	case *ast.ChanType:
		c.report(n, "chaincode must not have channels: %s", concurrency)
	case *ast.SendStmt:
		c.report(n, "chaincode must not send on channels: %s", concurrency)
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			c.report(n, "chaincode must not receive from channels: %s", concurrency)
		}
	case *ast.RangeStmt:
		if t := c.TypesInfo.TypeOf(n.X); t != nil {
			if _, ok := t.Underlying().(*types.Chan); ok {
				c.report(n, "chaincode must not receive from channels: %s", concurrency)
			}
		}
	}
}

// checkFloats finds floating point and complex numbers (types, constants, conversions, results), once a line.
func (c *checker) checkFloats(file *ast.File) {
	reported := map[int]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		t := types.Type(nil)
		if tv, ok := c.TypesInfo.Types[e]; ok {
			t = tv.Type
		} else if id, ok := e.(*ast.Ident); ok && c.TypesInfo.Defs[id] != nil {
			if _, isType := c.TypesInfo.Defs[id].(*types.TypeName); !isType {
				t = c.TypesInfo.Defs[id].Type()
			}
		}
		if t == nil || !isFloat(t) {
			return true
		}
		line := c.Fset.Position(e.Pos()).Line
		if reported[line] {
			return false
		}
		reported[line] = true
		c.report(e, "chaincode must not use floating point: peers may round differently; use integers and name the rounding")
		return false
	})
}

func isFloat(t types.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&(types.IsFloat|types.IsComplex) != 0
}
