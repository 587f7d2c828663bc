package gosource

import (
	"go/ast"
	"reflect"
	"strconv"
)

// A scope is where an expression stands.
type scope struct {
	file *file
	fn   *ast.FuncDecl     // nil at the top of a file
	args map[string]values // the parameters, where the call is known
}

// A def is one of the values that a name is given.
type def struct {
	scope   scope
	expr    ast.Expr
	result  int    // which result of a call
	element bool   // one of the elements of a list
	ifEmpty bool   // only where it has none
	flag    string // the option of the command line that gives another
	text    string // the value itself, where there is no expression
}

// A site is where a function is called.
type site struct {
	scope scope
	call  *ast.CallExpr
}

// index notes what names stand for, in all packages.
func (g *program) index() {
	for _, p := range g.order {
		for _, f := range p.files {
			for _, d := range f.syntax.Decls {
				g.declare(f, d)
			}
		}
	}
	for _, p := range g.order {
		for _, f := range p.files {
			for _, d := range f.syntax.Decls {
				fn, _ := d.(*ast.FuncDecl)
				g.collect(scope{file: f, fn: fn}, d)
			}
		}
	}
}

// declare notes what a declaration at the top of a file names.
func (g *program) declare(f *file, d ast.Decl) {
	if fn, ok := d.(*ast.FuncDecl); ok {
		f.pkg.of[fn] = f
		if fn.Recv == nil {
			f.pkg.funcs[fn.Name.Name] = fn
		} else {
			g.methods[fn.Name.Name]++
		}
		return
	}
	decl, ok := d.(*ast.GenDecl)
	if !ok {
		return
	}
	for _, s := range decl.Specs {
		switch s := s.(type) {
		case *ast.ValueSpec:
			for i, name := range s.Names {
				if len(s.Values) == len(s.Names) {
					f.pkg.vars[name.Name] = append(f.pkg.vars[name.Name], def{scope: scope{file: f}, expr: s.Values[i]})
				} else if len(s.Values) == 1 {
					f.pkg.vars[name.Name] = append(f.pkg.vars[name.Name], def{scope: scope{file: f}, expr: s.Values[0], result: i})
				} else {
					f.pkg.vars[name.Name] = append(f.pkg.vars[name.Name], def{scope: scope{file: f}})
				}
			}
		case *ast.TypeSpec:
			g.declareType(s)
		}
	}
}

// declareType notes the fields of a struct, and what their tags say.
func (g *program) declareType(s *ast.TypeSpec) {
	st, ok := s.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range st.Fields.List {
		for _, name := range field.Names {
			g.structs[name.Name]++
			if field.Tag == nil || len(field.Tag.Value) > 1000 {
				continue
			}
			text, err := strconv.Unquote(field.Tag.Value)
			if err != nil {
				continue
			}
			for _, key := range []string{"envDefault", "env-default", "default"} {
				if v, ok := reflect.StructTag(text).Lookup(key); ok {
					g.fields[name.Name] = append(g.fields[name.Name], def{text: v})
				}
			}
		}
	}
}

// collect notes what one declaration assigns and calls.
func (g *program) collect(sc scope, d ast.Decl) {
	var stack []ast.Node
	ast.Inspect(d, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		switch n := n.(type) {
		case *ast.AssignStmt:
			g.assign(sc, n, stack)
		case *ast.ValueSpec:
			if sc.fn != nil {
				for i, name := range n.Names {
					if i < len(n.Values) {
						g.setLocal(sc, name.Name, def{scope: sc, expr: n.Values[i]})
					}
				}
			}
		case *ast.RangeStmt:
			if name, ok := n.Value.(*ast.Ident); ok {
				g.setLocal(sc, name.Name, def{scope: sc, expr: n.X, element: true})
			}
		case *ast.CompositeLit:
			g.literal(sc, n)
		case *ast.CallExpr:
			g.noteCall(sc, n)
		}
		return true
	})
}

func (g *program) setLocal(sc scope, name string, d def) {
	if sc.fn == nil || name == "_" {
		return
	}
	if g.local[sc.fn] == nil {
		g.local[sc.fn] = map[string][]def{}
	}
	g.local[sc.fn][name] = append(g.local[sc.fn][name], d)
}

// assign notes the values of an assignment.
func (g *program) assign(sc scope, n *ast.AssignStmt, stack []ast.Node) {
	for i, target := range n.Lhs {
		d := def{scope: sc}
		switch {
		case len(n.Rhs) == len(n.Lhs):
			d.expr = n.Rhs[i]
		case len(n.Rhs) == 1:
			d.expr, d.result = n.Rhs[0], i
		default:
			continue
		}
		if n.Tok.String() != "=" && n.Tok.String() != ":=" {
			d.expr = nil // += and the like
		}
		d.ifEmpty = insideIfEmpty(target, stack)
		g.set(sc, target, d)
	}
}

// set notes the value of a variable or a field.
func (g *program) set(sc scope, target ast.Expr, d def) {
	switch t := target.(type) {
	case *ast.Ident:
		if _, ok := sc.file.pkg.vars[t.Name]; ok && g.local[sc.fn][t.Name] == nil && !isParameter(sc.fn, t.Name) {
			sc.file.pkg.vars[t.Name] = append(sc.file.pkg.vars[t.Name], d)
			return
		}
		g.setLocal(sc, t.Name, d)
	case *ast.SelectorExpr:
		g.fields[t.Sel.Name] = append(g.fields[t.Sel.Name], d)
	case *ast.StarExpr:
		g.set(sc, t.X, d)
	}
}

// insideIfEmpty reports whether an assignment stands under a condition that its target is
// empty: if p == "" { p = "data" }.
func insideIfEmpty(target ast.Expr, stack []ast.Node) bool {
	for i := len(stack) - 1; i > 0; i-- {
		cond, ok := stack[i].(*ast.IfStmt)
		if !ok || i+1 >= len(stack) || stack[i+1] != cond.Body {
			continue
		}
		b, ok := cond.Cond.(*ast.BinaryExpr)
		if !ok || b.Op.String() != "==" {
			return false
		}
		x := b.X
		if call, ok := x.(*ast.CallExpr); ok && len(call.Args) == 1 {
			x = call.Args[0] // len(p), strings.TrimSpace(p)
		}
		return nameOf(x) != "" && nameOf(x) == nameOf(target)
	}
	return false
}

// nameOf is the name of a variable or a field.
func nameOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.StarExpr:
		return nameOf(x.X)
	}
	return ""
}

func isParameter(fn *ast.FuncDecl, name string) bool { return parameter(fn, name) >= 0 }

// parameter returns the place of a parameter, -1 for none.
func parameter(fn *ast.FuncDecl, name string) int {
	if fn == nil {
		return -1
	}
	i := 0
	for _, field := range fn.Type.Params.List {
		for _, n := range field.Names {
			if n.Name == name {
				return i
			}
			i++
		}
		if len(field.Names) == 0 {
			i++
		}
	}
	return -1
}

// literal notes the fields of a struct that a composite literal sets, where its type is one
// of the program, and the options of libraries for command lines.
func (g *program) literal(sc scope, n *ast.CompositeLit) {
	typ := nameOf(n.Type)
	if sel, ok := n.Type.(*ast.SelectorExpr); ok {
		imported := sc.file.imports[nameOf(sel.X)]
		if typ == "StringFlag" || typ == "PathFlag" {
			g.option(sc, n)
		}
		if g.packages[imported] == nil {
			return
		}
	}
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && typ != "" {
			if key, ok := kv.Key.(*ast.Ident); ok {
				g.fields[key.Name] = append(g.fields[key.Name], def{scope: sc, expr: kv.Value})
			}
		}
	}
}

// option notes an option of urfave/cli with its default, and the variable that gets it.
func (g *program) option(sc scope, n *ast.CompositeLit) {
	d, name := def{scope: sc}, ""
	var target ast.Expr
	for _, e := range n.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		switch nameOf(kv.Key) {
		case "Name":
			name = stringOf(kv.Value)
		case "Value":
			d.expr = kv.Value
		case "Destination":
			if u, ok := kv.Value.(*ast.UnaryExpr); ok {
				target = u.X
			}
		}
	}
	d.flag = name
	if name != "" {
		g.options[name] = append(g.options[name], d)
	}
	if target != nil {
		g.set(sc, target, d)
	}
}

// stringOf is the text of a string literal, "" of anything else.
func stringOf(x ast.Expr) string {
	if lit, ok := x.(*ast.BasicLit); ok {
		if text, err := strconv.Unquote(lit.Value); err == nil {
			return text
		}
	}
	return ""
}

// Where the functions of flag, pflag and viper have the name of an option and its default.
var (
	flagReturns = map[string][2]int{"String": {0, 1}, "StringP": {0, 2}}
	flagSets    = map[string][2]int{"StringVar": {1, 2}, "StringVarP": {1, 3}}
)

// noteCall notes a call of a function of the program, and those that declare options.
func (g *program) noteCall(sc scope, n *ast.CallExpr) {
	switch fun := n.Fun.(type) {
	case *ast.Ident:
		key := sc.file.pkg.path + "." + fun.Name
		g.calls[key] = append(g.calls[key], site{sc, n})
	case *ast.SelectorExpr:
		name := fun.Sel.Name
		if imported, ok := sc.file.imports[nameOf(fun.X)]; ok && g.packages[imported] != nil {
			g.calls[imported+"."+name] = append(g.calls[imported+"."+name], site{sc, n})
		} else {
			g.calls["."+name] = append(g.calls["."+name], site{sc, n})
		}
		g.noteOption(sc, name, n.Args)
		g.moves = g.moves || name == "Chdir" && nameOf(fun.X) == "os"
	}
}

func (g *program) noteOption(sc scope, name string, args []ast.Expr) {
	if at, ok := flagSets[name]; ok && len(args) > at[1] {
		d := def{scope: sc, expr: args[at[1]], flag: stringOf(args[at[0]])}
		if u, ok := args[0].(*ast.UnaryExpr); ok {
			g.set(sc, u.X, d)
		}
		g.options[d.flag] = append(g.options[d.flag], d)
	}
	if at, ok := flagReturns[name]; ok && len(args) == at[1]+2 {
		flag := stringOf(args[at[0]])
		g.options[flag] = append(g.options[flag], def{scope: sc, expr: args[at[1]], flag: flag})
	}
	if name == "SetDefault" && len(args) == 2 {
		key := stringOf(args[0])
		g.options[key] = append(g.options[key], def{scope: sc, expr: args[1]})
	}
}
