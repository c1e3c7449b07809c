package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
)

// checkGlobals finds package variables that change after the start: what a peer remembers besides the ledger.
func (c *checker) checkGlobals(n ast.Node) {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			for _, left := range n.Lhs {
				c.checkChange(left)
			}
		}
	case *ast.IncDecStmt:
		c.checkChange(n.X)
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			c.checkChange(n.Key)
			c.checkChange(n.Value)
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			c.checkChange(n.X)
		}
	case *ast.CallExpr:
		for _, name := range []string{"delete", "clear", "copy"} {
			if c.isBuiltin(n, name) {
				c.checkChange(n.Args[0])
			}
		}
		c.checkReceiver(n)
	}
}

// checkReceiver finds methods with a pointer receiver that are called on a package variable, which takes its address.
func (c *checker) checkReceiver(call *ast.CallExpr) {
	s, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return
	}
	selection := c.TypesInfo.Selections[s]
	if selection == nil || selection.Kind() != types.MethodVal {
		return
	}
	f, ok := selection.Obj().(*types.Func)
	if !ok {
		return
	}
	_, pointerReceiver := f.Signature().Recv().Type().(*types.Pointer)
	_, pointerValue := selection.Recv().Underlying().(*types.Pointer)
	if pointerReceiver && !pointerValue {
		c.checkChange(s.X)
	}
}

func (c *checker) checkChange(e ast.Expr) {
	if e == nil {
		return
	}
	v := c.packageVariable(e)
	if v == nil || c.atStart(e) {
		return
	}
	c.report(e, "chaincode must not change the package variable %s: what is not on the ledger, peers remember differently", v.Name())
}

// packageVariable is the package-level variable that the expression is, or is a part of, or nil.
func (c *checker) packageVariable(e ast.Expr) *types.Var {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.SelectorExpr:
			if c.TypesInfo.Selections[x] == nil { // package.Variable
				e = x.Sel
				continue
			}
			e = x.X
		case *ast.Ident:
			v, ok := c.TypesInfo.Uses[x].(*types.Var)
			if ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
				return v
			}
			return nil
		default:
			return nil
		}
	}
}

// atStart reports whether the node is in an init function or in a package variable's own initializer: before the first
// transaction.
func (c *checker) atStart(n ast.Node) bool {
	for ; n != nil; n = c.parents[n] {
		if f, ok := n.(*ast.FuncDecl); ok {
			return f.Recv == nil && f.Name.Name == "init"
		}
	}
	return true
}
