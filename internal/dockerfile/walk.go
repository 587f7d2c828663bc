package dockerfile

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// list walks statements of which all but the last may fail without failing the
// list. (set -e changes that, except for tests on the left of &&.)
func (w *walker) list(stmts []*syntax.Stmt, sc scope) {
	for i, st := range stmts {
		inner := sc
		inner.untested = sc.caught || i < len(stmts)-1
		w.stmt(st, inner)
	}
}

// A test is the condition that a statement asks before it goes on.
type test struct {
	text string // "" if there is none
	pure bool   // the statement does nothing else
}

// stmt walks one statement.
func (w *walker) stmt(st *syntax.Stmt, sc scope) test {
	for _, r := range st.Redirs {
		if red := w.redirect(r, sc); len(sc.redirects) < maxInherited {
			sc.redirects = append(slices.Clip(sc.redirects), red)
		}
	}
	if st.Negated || st.Background {
		sc.caught = true
	}
	sc.background = sc.background || st.Background
	switch c := st.Cmd.(type) {
	case *syntax.BinaryCmd:
		return w.binary(st, c, sc)
	case *syntax.CallExpr:
		w.callExpr(c, sc)
		if len(c.Args) > 0 && asking(c.Args[0].Lit(), c.Args) {
			return test{w.span(st, st), true}
		}
	case *syntax.DeclClause:
		w.decl(c, sc)
	case *syntax.TestClause, *syntax.ArithmCmd:
		w.substitutions(c, sc)
		return test{w.span(st, st), true}
	default:
		sc.caught = sc.caught || sc.untested
		w.compound(c, sc)
	}
	return test{}
}

// binary walks a && b, a || b and pipelines.
func (w *walker) binary(st *syntax.Stmt, c *syntax.BinaryCmd, sc scope) test {
	left, right := sc, sc
	switch c.Op {
	case syntax.AndStmt:
		x := w.stmt(c.X, left)
		right.conditional, right.branch = sc.conditional || sc.caught, w.branchOf(sc)
		if x.text != "" {
			right.guard = x.text
			right.conditional = right.conditional || sc.untested
		}
		y := w.stmt(c.Y, right)
		switch {
		case x.pure && y.pure:
			return test{w.span(st, st), true}
		case y.text != "":
			return test{text: y.text}
		}
		return test{text: x.text}
	case syntax.OrStmt:
		left.caught = true
		x := w.stmt(c.X, left)
		guard := ""
		if x.pure {
			guard = negate(x.text)
		}
		y := w.stmt(c.Y, w.when(right, guard))
		if x.pure && y.pure {
			return test{w.span(st, st), true}
		}
	default:
		left.caught, left.input, right.input = true, nil, nil
		before := len(w.out)
		w.stmt(c.X, left)
		right.input = inOrder(w.out[before:], sc)
		if found := foundBy(w.out[before:]); found != nil {
			right.found = found
		}
		if y := w.stmt(c.Y, right); y.pure {
			return test{w.span(st, st), true}
		}
	}
	return test{}
}

// maxInput bounds how many commands are kept that one command reads.
const maxInput = 32

// inOrder returns the commands on the left of a pipe where they run one after the other, as in
// { echo a; echo b; } | tee file, and nil where that is not certain.
func inOrder(cmds []Command, sc scope) []Command {
	if len(cmds) == 0 || len(cmds) > maxInput || len(cmds) > 1 && slices.ContainsFunc(cmds, func(c Command) bool {
		return c.Conditional != sc.conditional || c.Loop != sc.loop || c.Func != sc.fn || c.Input != nil || len(c.Redirects) > len(sc.redirects) && !readsText(c)
	}) {
		return nil
	}
	return slices.Clone(cmds)
}

// readsText reports whether all redirections of a command feed it a text.
func readsText(c Command) bool {
	return !slices.ContainsFunc(c.Redirects, func(r Redirect) bool { return !strings.HasPrefix(r.Op, "<<") })
}

// asking reports whether a command does nothing but set its exit status.
func asking(name string, args []*syntax.Word) bool {
	switch baseName(name) {
	case "[", "test", "getent", "id", "grep", "egrep", "fgrep", "which", "type", "hash":
		return true
	case "command":
		return len(args) > 1 && (args[1].Lit() == "-v" || args[1].Lit() == "-V")
	}
	return false
}

// negate puts "!" in front of a condition.
func negate(guard string) string {
	if rest, ok := strings.CutPrefix(guard, "! "); ok && !strings.ContainsAny(rest, ";&|\n") {
		return rest
	}
	if strings.ContainsAny(guard, ";&|\n") {
		return "! { " + guard + "; }"
	}
	return "! " + guard
}

// span returns the source text from one statement to another.
func (w *walker) span(first, last *syntax.Stmt) string {
	text := w.source(int(first.Pos().Offset()), int(last.End().Offset()))
	return clip(strings.TrimRight(text, "; \t\n"))
}

// clip bounds the text of a condition.
func clip(s string) string {
	if len(s) > maxGuard {
		return s[:maxGuard]
	}
	return s
}

// compound walks blocks, conditions, loops and functions.
func (w *walker) compound(c syntax.Command, sc scope) {
	switch c := c.(type) {
	case nil:
	case *syntax.Block:
		w.list(c.Stmts, sc)
	case *syntax.Subshell:
		w.list(c.Stmts, sc.inShell(w.pos(int(c.Pos().Offset()))))
	case *syntax.IfClause:
		w.ifClause(c, sc)
	case *syntax.WhileClause:
		w.condition(c.Cond, sc)
		inner := w.when(sc, "")
		if name := readsName(c.Cond); name != "" && sc.found != nil {
			inner.loop, inner.found = &Loop{Var: name, Found: sc.found, Outer: sc.loop}, nil
		}
		w.list(c.Do, inner)
	case *syntax.ForClause:
		inner := w.when(sc, "")
		inner.loop = w.loop(c, sc)
		w.list(c.Do, inner)
	case *syntax.CaseClause:
		w.caseClause(c, sc)
	case *syntax.FuncDecl:
		inner := w.when(sc, "")
		if c.Name != nil {
			inner.fn = c.Name.Value
		}
		inner.guard = ""
		w.stmt(c.Body, inner)
	case *syntax.TimeClause:
		if c.Stmt != nil {
			w.stmt(c.Stmt, sc.through("time"))
		}
	case *syntax.CoprocClause:
		sc.caught = true
		w.stmt(c.Stmt, sc)
	default:
		w.substitutions(c, sc)
	}
}

// condition walks the statements that decide about a branch.
func (w *walker) condition(stmts []*syntax.Stmt, sc scope) {
	sc.caught = true
	w.list(stmts, sc)
}

func (w *walker) ifClause(c *syntax.IfClause, sc scope) {
	for c != nil {
		if len(c.Cond) == 0 { // else
			w.list(c.Then, sc)
			return
		}
		w.condition(c.Cond, sc)
		guard := w.span(c.Cond[0], c.Cond[len(c.Cond)-1])
		w.list(c.Then, w.when(sc, guard))
		sc = w.when(sc, negate(guard))
		c = c.Else
	}
}

func (w *walker) caseClause(c *syntax.CaseClause, sc scope) {
	w.substitutions(c.Word, sc)
	subject := clip(w.source(int(c.Word.Pos().Offset()), int(c.Word.End().Offset())))
	for _, item := range c.Items {
		var patterns []string
		for _, p := range item.Patterns {
			patterns = append(patterns, w.source(int(p.Pos().Offset()), int(p.End().Offset())))
		}
		w.list(item.Stmts, w.when(sc, clip("case "+subject+" in "+strings.Join(patterns, "|")+")")))
	}
}

// loop walks the words of a for and returns it.
func (w *walker) loop(c *syntax.ForClause, sc scope) *Loop {
	words, ok := c.Loop.(*syntax.WordIter)
	if !ok || words.Name == nil {
		w.substitutions(c.Loop, sc)
		return sc.loop
	}
	l := &Loop{Var: words.Name.Value, Outer: sc.loop}
	before := len(w.out)
	w.substitutions(c.Loop, sc)
	l.Found = foundBy(w.out[before:])
	for _, item := range words.Items {
		if len(l.Items) < maxInherited {
			l.Items = append(l.Items, w.word(item))
		}
	}
	return l
}

// readsName returns the variable that the condition of a loop reads: while read -r NAME.
func readsName(cond []*syntax.Stmt) string {
	if len(cond) != 1 {
		return ""
	}
	call, ok := cond[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) < 2 || call.Args[0].Lit() != "read" {
		return ""
	}
	return call.Args[len(call.Args)-1].Lit()
}

// foundBy returns where the first of commands looks for files, if it is one that prints
// their names: find, and grep -rl.
func foundBy(cmds []Command) []Word {
	if len(cmds) == 0 {
		return nil
	}
	switch c := cmds[0]; c.Name {
	case "find":
		return FindPaths(c.Args)
	case "grep", "egrep", "fgrep":
		var operands []Word
		recursive, pattern := false, true
		for _, a := range c.Args {
			switch v := a.Value; {
			case strings.HasPrefix(v, "--"):
				recursive = recursive || v == "--recursive"
			case strings.HasPrefix(v, "-") && a.Static:
				recursive = recursive || strings.ContainsAny(v, "rR")
				pattern = pattern && !strings.HasSuffix(v, "e")
			default:
				operands = append(operands, a)
			}
		}
		if pattern && len(operands) > 0 {
			operands = operands[1:]
		}
		if recursive {
			return operands
		}
	}
	return nil
}
