package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
)

// checkRange finds loops over maps whose order can show.
func (c *checker) checkRange(n ast.Node) {
	loop, ok := n.(*ast.RangeStmt)
	if !ok {
		return
	}
	t := c.TypesInfo.TypeOf(loop.X)
	if t == nil {
		return
	}
	if _, isMap := t.Underlying().(*types.Map); !isMap {
		return
	}
	if !c.orderCannotShow(loop) {
		c.report(loop, "chaincode must not range over a map: %s; collect the keys, sort them right after, and range over them", order)
	}
}

// orderCannotShow proves that a loop over a map does the same in any order. Its body may only collect into slices that
// the statements right after sort, count or add up integers, delete, copy to the same key of another map, and choose
// between these by conditions that call nothing.
func (c *checker) orderCannotShow(loop *ast.RangeStmt) bool {
	collected := map[types.Object]bool{}
	if !c.harmless(loop.Body.List, loop, collected) {
		return false
	}
	next := c.following(loop)
	for len(collected) > 0 && len(next) > 0 {
		slice := c.sorts(next[0])
		if slice == nil {
			return false
		}
		delete(collected, slice)
		next = next[1:]
	}
	return len(collected) == 0
}

func (c *checker) harmless(list []ast.Stmt, loop *ast.RangeStmt, collected map[types.Object]bool) bool {
	for _, statement := range list {
		switch s := statement.(type) {
		case *ast.IncDecStmt:
			if !c.isInteger(s.X) || !c.callsNothing(s.X) {
				return false
			}
		case *ast.ExprStmt:
			call, ok := s.X.(*ast.CallExpr)
			if !ok || !c.isBuiltin(call, "delete") || !c.callsNothing(call.Args...) {
				return false
			}
		case *ast.AssignStmt:
			if !c.harmlessAssignment(s, loop, collected) {
				return false
			}
		case *ast.IfStmt:
			if s.Init != nil || !c.callsNothing(s.Cond) || !c.harmless(s.Body.List, loop, collected) {
				return false
			}
			switch otherwise := s.Else.(type) {
			case nil:
			case *ast.BlockStmt:
				if !c.harmless(otherwise.List, loop, collected) {
					return false
				}
			default:
				if !c.harmless([]ast.Stmt{otherwise}, loop, collected) {
					return false
				}
			}
		case *ast.BranchStmt:
			if s.Tok != token.CONTINUE || s.Label != nil {
				return false
			}
		default:
			return false
		}
	}
	// What the loop itself changes must not decide what it does.
	return !c.readsWhatItWrites(list)
}

func (c *checker) harmlessAssignment(s *ast.AssignStmt, loop *ast.RangeStmt, collected map[types.Object]bool) bool {
	if len(s.Lhs) != 1 || len(s.Rhs) != 1 {
		return false
	}
	left, right := s.Lhs[0], s.Rhs[0]
	switch s.Tok {
	case token.ADD_ASSIGN, token.SUB_ASSIGN, token.OR_ASSIGN, token.AND_ASSIGN, token.XOR_ASSIGN, token.MUL_ASSIGN:
		return c.isInteger(left) && c.callsNothing(left, right)
	case token.ASSIGN:
	default:
		return false
	}
	if index, ok := left.(*ast.IndexExpr); ok { // copied[key] = …
		_, isMap := c.TypesInfo.TypeOf(index.X).Underlying().(*types.Map)
		return isMap && c.callsNothing(index.X, right) && c.isKey(index.Index, loop)
	}
	call, ok := right.(*ast.CallExpr)
	if !ok || !c.isBuiltin(call, "append") || len(call.Args) < 2 || call.Ellipsis.IsValid() {
		return false
	}
	target := c.object(left)
	if target == nil || target != c.object(call.Args[0]) || !c.callsNothing(call.Args[1:]...) {
		return false
	}
	collected[target] = true
	return true
}

// readsWhatItWrites reports whether a condition or a value in the loop names a variable that the loop changes.
func (c *checker) readsWhatItWrites(list []ast.Stmt) bool {
	written := map[types.Object]bool{}
	var reads []ast.Expr
	for _, statement := range list {
		ast.Inspect(statement, func(n ast.Node) bool {
			switch s := n.(type) {
			case *ast.AssignStmt:
				for _, left := range s.Lhs {
					if index, ok := left.(*ast.IndexExpr); ok {
						left = index.X
					}
					if o := c.object(left); o != nil {
						written[o] = true
					}
				}
				for _, right := range s.Rhs {
					if call, ok := right.(*ast.CallExpr); ok && c.isBuiltin(call, "append") {
						reads = append(reads, call.Args[1:]...)
						continue
					}
					reads = append(reads, right)
				}
			case *ast.IncDecStmt:
				if o := c.object(s.X); o != nil {
					written[o] = true
				}
			case *ast.IfStmt:
				reads = append(reads, s.Cond)
			}
			return true
		})
	}
	found := false
	for _, e := range reads {
		ast.Inspect(e, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && written[c.TypesInfo.Uses[id]] {
				found = true
			}
			return true
		})
	}
	return found
}

// following lists the statements after the loop in its block.
func (c *checker) following(loop ast.Stmt) []ast.Stmt {
	var list []ast.Stmt
	switch p := c.parents[loop].(type) {
	case *ast.BlockStmt:
		list = p.List
	case *ast.CaseClause:
		list = p.Body
	}
	for i, s := range list {
		if s == loop {
			return list[i+1:]
		}
	}
	return nil
}

var sorters = map[string]map[string]bool{
	"sort":   {"Strings": true, "Ints": true, "Slice": true, "SliceStable": true},
	"slices": {"Sort": true, "SortFunc": true, "SortStableFunc": true},
}

// sorts returns the slice that the statement sorts, or nil.
func (c *checker) sorts(s ast.Stmt) types.Object {
	e, ok := s.(*ast.ExprStmt)
	if !ok {
		return nil
	}
	call, ok := e.X.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return nil
	}
	f, ok := c.callee(call).(*types.Func)
	if !ok || f.Pkg() == nil || !sorters[f.Pkg().Path()][f.Name()] {
		return nil
	}
	return c.object(call.Args[0])
}

func (c *checker) object(e ast.Expr) types.Object {
	if id, ok := ast.Unparen(e).(*ast.Ident); ok {
		return c.TypesInfo.ObjectOf(id)
	}
	return nil
}

func (c *checker) isKey(e ast.Expr, loop *ast.RangeStmt) bool {
	return loop.Key != nil && c.object(e) != nil && c.object(e) == c.object(loop.Key)
}

func (c *checker) isInteger(e ast.Expr) bool {
	t := c.TypesInfo.TypeOf(e)
	if t == nil {
		return false
	}
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsInteger != 0
}

func (c *checker) isBuiltin(call *ast.CallExpr, name string) bool {
	b, ok := c.callee(call).(*types.Builtin)
	return ok && b.Name() == name
}

// callsNothing reports whether the expressions call nothing but conversions and len.
func (c *checker) callsNothing(list ...ast.Expr) bool {
	pure := true
	for _, e := range list {
		ast.Inspect(e, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if tv := c.TypesInfo.Types[n.Fun]; !tv.IsType() && !c.isBuiltin(n, "len") {
					pure = false
				}
			case *ast.FuncLit:
				pure = false
			}
			return pure
		})
	}
	return pure
}
