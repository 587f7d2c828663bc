package gosource

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A value is a text that an expression may come to. An open one goes on with what only the
// running program knows: the name of a file in a directory that is known.
type value struct {
	text string
	open bool
}

// values are those that it may come to, none where nothing is known.
type values []value

// Bounds for expressions that were written to use up time.
const (
	maxDepth  = 16
	maxValues = 8
	maxSteps  = 4000   // for one path
	maxAll    = 200000 // for all of a program
	maxText   = 4096
)

// An evaluator works out expressions.
type evaluator struct {
	*program
	Environment
	depth int
	from  int               // the steps that were made before this path
	busy  map[ast.Expr]bool // what is being worked out: a name may stand in its own value
}

// with adds what is not among the values yet.
func (v values) with(more values) values {
	for _, o := range more {
		if len(v) < maxValues && len(o.text) <= maxText && !slices.Contains(v, o) {
			v = append(v, o)
		}
	}
	return v
}

// tired reports whether a program has used up what it may.
func (e *evaluator) tired() bool { return e.steps-e.from > maxSteps || e.steps > maxAll }

// eval returns what an expression may come to.
func (e *evaluator) eval(sc scope, x ast.Expr) values {
	e.depth++
	defer func() { e.depth-- }()
	if e.steps++; e.depth > maxDepth || e.tired() || x == nil {
		return nil
	}
	switch x := x.(type) {
	case *ast.BasicLit:
		if x.Kind == token.STRING {
			return values{{text: stringOf(x)}}
		}
	case *ast.ParenExpr:
		return e.eval(sc, x.X)
	case *ast.StarExpr:
		return e.eval(sc, x.X)
	case *ast.BinaryExpr:
		if x.Op == token.ADD {
			return e.pairs(e.eval(sc, x.X), e.eval(sc, x.Y), func(a, b string) string { return a + b })
		}
	case *ast.Ident:
		return e.named(sc, x.Name)
	case *ast.SelectorExpr:
		return e.selected(sc, x)
	case *ast.IndexExpr:
		if sel, ok := x.X.(*ast.SelectorExpr); ok && sel.Sel.Name == "Args" && e.imported(sc, sel.X) == "os" {
			if i, ok := x.Index.(*ast.BasicLit); ok && i.Value == "0" && e.Executable != "" {
				return values{{text: e.Executable}}
			}
		}
	case *ast.CallExpr:
		return e.call(sc, x, 0)
	}
	return nil
}

// pairs puts two values together. What follows the part that only the running program knows
// does not count, and where the first one is not known, nothing is.
func (e *evaluator) pairs(a, b values, join func(a, b string) string) values {
	var out values
	for _, x := range a {
		switch {
		case x.open:
			out = out.with(values{x})
		case len(b) == 0:
			out = out.with(values{{join(x.text, ""), true}})
		}
		for _, y := range b {
			if !x.open {
				out = out.with(values{{join(x.text, y.text), y.open}})
			}
		}
	}
	return out
}

// imported returns the path of the import that a name stands for.
func (e *evaluator) imported(sc scope, x ast.Expr) string {
	if name, ok := x.(*ast.Ident); ok {
		return sc.file.imports[name.Name]
	}
	return ""
}

// named returns the values of a name where it stands.
func (e *evaluator) named(sc scope, name string) values {
	if v, ok := sc.args[name]; ok && len(e.local[sc.fn][name]) == 0 {
		return v
	}
	at := parameter(sc.fn, name)
	if sc.fn != nil && (at >= 0 || len(e.local[sc.fn][name]) > 0) {
		var out values
		if v, ok := sc.args[name]; ok {
			out = v
		} else if at >= 0 {
			out = e.passed(sc, at)
		}
		return e.defined(e.local[sc.fn][name], out, sc.args)
	}
	return e.defined(sc.file.pkg.vars[name], nil, nil)
}

// passed returns what the calls of a function give to a parameter.
func (e *evaluator) passed(sc scope, at int) (out values) {
	key := sc.file.pkg.path + "." + sc.fn.Name.Name
	if sc.fn.Recv != nil {
		if e.methods[sc.fn.Name.Name] > 1 {
			return nil
		}
		key = "." + sc.fn.Name.Name
	}
	for _, s := range e.calls[key] {
		if e.tired() {
			break
		}
		if at < len(s.call.Args) && s.call.Ellipsis == token.NoPos {
			out = out.with(e.eval(s.scope, s.call.Args[at]))
		}
	}
	return out
}

// defined returns the values that a name is given. One that it gets only where it has none
// counts where the ones before it are empty.
func (e *evaluator) defined(defs []def, out values, args map[string]values) values {
	for _, d := range defs {
		if e.tired() {
			break
		}
		if d.ifEmpty && slices.ContainsFunc(out, func(v value) bool { return v.text != "" }) {
			continue
		}
		if args != nil {
			d.scope.args = args
		}
		out = out.with(e.definition(d))
	}
	return out
}

// definition returns the values of one definition.
func (e *evaluator) definition(d def) values {
	if d.flag != "" {
		if v, ok := e.Flag(d.flag); ok {
			return values{{text: v}}
		}
	}
	if d.expr == nil {
		if d.text != "" {
			return values{{text: d.text}}
		}
		return nil
	}
	if e.busy[d.expr] {
		return nil
	}
	e.busy[d.expr] = true
	defer delete(e.busy, d.expr)
	switch x := d.expr.(type) {
	case *ast.CompositeLit:
		if !d.element {
			return nil
		}
		var out values
		for _, el := range x.Elts {
			out = out.with(e.eval(d.scope, el))
		}
		return out
	case *ast.CallExpr:
		if d.element {
			return nil
		}
		return e.call(d.scope, x, d.result)
	}
	if d.element {
		return e.elements(d)
	}
	return e.eval(d.scope, d.expr)
}

// elements returns those of a list that a name stands for.
func (e *evaluator) elements(d def) (out values) {
	name, ok := d.expr.(*ast.Ident)
	if !ok {
		return nil
	}
	defs := e.local[d.scope.fn][name.Name]
	if len(defs) == 0 {
		defs = d.scope.file.pkg.vars[name.Name]
	}
	for _, of := range defs {
		if list, ok := of.expr.(*ast.CompositeLit); ok {
			for _, el := range list.Elts {
				out = out.with(e.eval(of.scope, el))
			}
		}
	}
	return out
}

// selected returns the values of a variable of another package, or of a field of which there
// is only one.
func (e *evaluator) selected(sc scope, x *ast.SelectorExpr) values {
	if imported := e.imported(sc, x.X); imported != "" {
		if p := e.packages[imported]; p != nil {
			return e.defined(p.vars[x.Sel.Name], nil, nil)
		}
		return nil
	}
	if e.structs[x.Sel.Name] != 1 {
		return nil
	}
	return e.defined(e.fields[x.Sel.Name], nil, nil)
}

// call returns one result of a call.
func (e *evaluator) call(sc scope, x *ast.CallExpr, result int) values {
	switch fun := x.Fun.(type) {
	case *ast.Ident:
		if fun.Name == "string" && len(x.Args) == 1 {
			return e.eval(sc, x.Args[0])
		}
		return e.result(sc.file.pkg, fun.Name, sc, x, result)
	case *ast.SelectorExpr:
		imported := e.imported(sc, fun.X)
		if p := e.packages[imported]; p != nil && imported != "" {
			return e.result(p, fun.Sel.Name, sc, x, result)
		}
		if result == 0 {
			return e.library(sc, imported, fun.Sel.Name, x.Args)
		}
	}
	return nil
}

// result returns one result of a function of the program.
func (e *evaluator) result(p *pkg, name string, sc scope, x *ast.CallExpr, result int) (out values) {
	fn := p.funcs[name]
	if e.depth++; fn == nil || fn.Body == nil || e.depth > maxDepth {
		e.depth--
		return nil
	}
	defer func() { e.depth-- }()
	args, i := map[string]values{}, 0
	for _, field := range fn.Type.Params.List {
		for _, param := range field.Names {
			if i < len(x.Args) {
				args[param.Name] = e.eval(sc, x.Args[i])
			}
			i++
		}
	}
	inner := scope{file: p.of[fn], fn: fn, args: args}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			// What is returned first wins: the environment before what stands in for it.
			if result < len(n.Results) && !slices.ContainsFunc(out, func(v value) bool { return v.text != "" }) {
				out = out.with(e.eval(inner, n.Results[result]))
			}
		}
		return true
	})
	return out
}

// library returns what a function of a library returns, where it is one that is known.
func (e *evaluator) library(sc scope, imported, name string, args []ast.Expr) values {
	arg := func(i int) values {
		if i >= len(args) {
			return nil
		}
		return e.eval(sc, args[i])
	}
	if at, ok := flagReturns[name]; ok && len(args) == at[1]+2 {
		return e.definition(def{scope: sc, expr: args[at[1]], flag: stringOf(args[at[0]])})
	}
	switch imported + "." + name {
	case "path/filepath.Join", "path.Join":
		return e.joined(sc, args)
	case "path/filepath.Dir", "path.Dir":
		return mapped(arg(0), func(v value) value { return value{text: path.Dir(v.text)} })
	case "path/filepath.Clean", "path.Clean", "path/filepath.Abs", "path/filepath.EvalSymlinks", "path/filepath.FromSlash", "path/filepath.ToSlash",
		"strings.TrimSpace", "strings.TrimRight", "os.ExpandEnv":
		return slices.DeleteFunc(slices.Clone(arg(0)), func(v value) bool { return strings.Contains(v.text, "$") })
	case "strings.TrimSuffix":
		return mapped(arg(0), func(v value) value { return value{strings.TrimSuffix(v.text, "/"), v.open} })
	case "os.Getenv", "os.LookupEnv":
		return e.environment(arg(0))
	case "os.Getwd":
		return values{{text: "."}}
	case "os.TempDir":
		return values{{text: "/tmp"}}
	case "os.Executable":
		if e.Executable != "" {
			return values{{text: e.Executable}}
		}
	case "fmt.Sprintf":
		return e.formatted(sc, args)
	case "cmp.Or":
		for i := range args {
			if v := arg(i); slices.ContainsFunc(v, func(v value) bool { return v.text != "" }) {
				return v
			}
		}
	}
	if (name == "GetString" || name == "String") && len(args) == 1 && imported != "fmt" {
		if key := stringOf(args[0]); key != "" {
			return e.defined(e.options[key], nil, nil)
		}
	}
	return nil
}

// ofRunning matches variables that the running container has although no ENV sets them.
var ofRunning = regexp.MustCompile(`^(HOME|USER|PWD|HOSTNAME|PATH|TMPDIR|XDG_\w+)$`)

// environment returns the values of variables: an empty one for those that nothing sets.
func (e *evaluator) environment(names values) (out values) {
	for _, name := range names {
		if text := e.Getenv(name.text); !name.open && (text != "" || !ofRunning.MatchString(name.text)) {
			out = out.with(values{{text: text}})
		}
	}
	return out
}

func mapped(v values, f func(value) value) (out values) {
	for _, x := range v {
		out = out.with(values{f(x)})
	}
	return out
}

// joined puts the parts of a path together.
func (e *evaluator) joined(sc scope, args []ast.Expr) (out values) {
	for i, a := range args {
		v := e.eval(sc, a)
		if i == 0 {
			// A directory that is empty comes from somewhere else.
			if out = slices.DeleteFunc(slices.Clone(v), func(v value) bool { return v.text == "" }); len(out) == 0 {
				return nil
			}
			continue
		}
		out = e.pairs(out, v, func(a, b string) string {
			if b == "" {
				return strings.TrimSuffix(a, "/") + "/"
			}
			return path.Join(a, b)
		})
	}
	return out
}

// formatted fills in the verbs of a format, as far as what they stand for is known.
func (e *evaluator) formatted(sc scope, args []ast.Expr) values {
	if len(args) == 0 || len(args) > maxDepth {
		return nil
	}
	format := stringOf(args[0])
	out := values{{}}
	for _, a := range args[1:] {
		before, after, ok := strings.Cut(format, "%")
		if !ok || after == "" {
			break
		}
		if after[0] != 's' && after[0] != 'v' {
			return e.pairs(out, values{{before, true}}, func(a, b string) string { return a + b })
		}
		out = e.pairs(out, values{{text: before}}, func(a, b string) string { return a + b })
		out = e.pairs(out, e.eval(sc, a), func(a, b string) string { return a + b })
		format = after[1:]
	}
	return e.pairs(out, values{{text: format}}, func(a, b string) string { return a + b })
}
