package dockerfile

import (
	"cmp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A Redirect is a redirection of a command or of the block around it.
type Redirect struct {
	Op     string // with the file descriptor, if one is given: ">", ">>", "2>", "<<"
	Target Word
	Body   string // text of a heredoc, or of a here-string if that is static

	bodyPos int
}

// A Command is a program that a script runs, seen through wrappers such as
// sudo and sh -c. An assignment without a command has no name.
type Command struct {
	Name        string // without its directory; the source text if Dynamic
	Path        string // as written
	Args        []Word // without the name
	Via         []string
	As          *Word // the user that the innermost wrapper with one switches to
	Dynamic     bool  // the name is an expansion
	MoreArgs    bool  // gets further arguments at run time (xargs, find -exec)
	Assigns     []string
	Redirects   []Redirect
	Conditional bool   // may not run although the script succeeds
	Guard       string // source text of the innermost condition it depends on, with "! " in front for the else branch
	Func        string // function in whose body it stands
	Pos, End    int    // offsets in the text of the script: the name, and the end of the last argument
}

// Commands returns the commands of the script in the order they are written,
// including those in command substitutions and in the static argument of
// sh -c. find is listed besides the commands that it runs; other wrappers are
// only named in Via.
//
// The right-hand side of && counts as run, because otherwise the script
// fails, unless its failure is caught: on the left of ||, in a condition, or
// behind a test ([ … ] && …) that is not the last command of the script.
func (s *Script) Commands() []Command {
	w := &walker{text: s.Text}
	w.list(s.File.Stmts, scope{})
	slices.SortStableFunc(w.out, func(a, b Command) int { return cmp.Compare(a.Pos, b.Pos) })
	return w.out
}

// ExecCommands returns the commands of an exec-form argument list, seen through
// the same wrappers. Their positions mean nothing.
func ExecCommands(args []string) []Command {
	var words []Word
	for _, a := range args {
		words = append(words, Word{Value: a, Static: true})
	}
	w := &walker{exact: -1}
	w.call(words, scope{})
	return w.out
}

// Bounds for texts that are made to be hostile.
const (
	maxNesting   = 8    // of sh -c in sh -c
	maxInherited = 16   // wrappers around a command, and redirections
	maxGuard     = 1000 // bytes of a condition
)

// A walker collects commands.
type walker struct {
	text  string
	out   []Command
	base  int // offset of text in the text of the outermost script
	exact int // <0: positions within text are unknown, base stands for all
	depth int
}

// pos turns an offset in w.text into one of the outermost script.
func (w *walker) pos(i int) int {
	if w.exact < 0 {
		return w.base
	}
	return w.base + i
}

func (w *walker) source(start, end int) string {
	if start < 0 || end > len(w.text) || start > end {
		return ""
	}
	return w.text[start:end]
}

// A scope is what a command inherits from the constructs around it.
type scope struct {
	conditional bool
	caught      bool // a failure here does not fail the script
	untested    bool // a test that fails here does not fail the script
	guard       string
	fn          string
	via         []string
	as          *Word
	assigns     []string
	redirects   []Redirect
	more        bool
}

func (sc scope) when(guard string) scope {
	sc.conditional = true
	if guard != "" {
		sc.guard = guard
	}
	return sc
}

func (sc scope) through(wrapper string) scope {
	sc.via = append(slices.Clip(sc.via), wrapper)
	return sc
}

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
		right.conditional = sc.conditional || sc.caught
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
		y := w.stmt(c.Y, right.when(guard))
		if x.pure && y.pure {
			return test{w.span(st, st), true}
		}
	default:
		left.caught = true
		w.stmt(c.X, left)
		if y := w.stmt(c.Y, right); y.pure {
			return test{w.span(st, st), true}
		}
	}
	return test{}
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
		w.list(c.Stmts, sc)
	case *syntax.IfClause:
		w.ifClause(c, sc)
	case *syntax.WhileClause:
		w.condition(c.Cond, sc)
		w.list(c.Do, sc.when(""))
	case *syntax.ForClause:
		w.substitutions(c.Loop, sc)
		w.list(c.Do, sc.when(""))
	case *syntax.CaseClause:
		w.caseClause(c, sc)
	case *syntax.FuncDecl:
		inner := sc.when("")
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
		w.list(c.Then, sc.when(guard))
		sc = sc.when(negate(guard))
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
		w.list(item.Stmts, sc.when(clip("case "+subject+" in "+strings.Join(patterns, "|")+")")))
	}
}

// callExpr walks a simple command and the substitutions in its words.
func (w *walker) callExpr(c *syntax.CallExpr, sc scope) {
	for _, a := range c.Assigns {
		w.substitutions(a, sc)
		sc.assigns = append(slices.Clip(sc.assigns), w.assign(a))
	}
	words := make([]Word, 0, len(c.Args))
	for i, a := range c.Args {
		word := w.word(a)
		if name := ""; !word.Static {
			if i == 0 {
				name = w.located(a)
			}
			if name != "" {
				word.Value, word.Static = name, true
			}
			w.substitutions(a, sc)
		}
		words = append(words, word)
	}
	if len(words) == 0 {
		w.emit(Command{Pos: w.pos(int(c.Pos().Offset())), End: w.pos(int(c.End().Offset()))}, sc)
		return
	}
	w.call(words, sc)
}

// decl walks export, local and the like.
func (w *walker) decl(c *syntax.DeclClause, sc scope) {
	cmd := Command{
		Name: c.Variant.Value, Path: c.Variant.Value,
		Pos: w.pos(int(c.Pos().Offset())), End: w.pos(int(c.End().Offset())),
	}
	for _, a := range c.Args {
		w.substitutions(a, sc)
		start, end := int(a.Pos().Offset()), int(a.End().Offset())
		text := w.assign(a)
		static := a.Array == nil && a.Index == nil
		if static && a.Value != nil {
			static = literal(&strings.Builder{}, a.Value.Parts, false)
		}
		cmd.Args = append(cmd.Args, Word{Value: text, Static: static, Pos: w.pos(start), End: w.pos(end)})
	}
	w.emit(cmd, sc)
}

// assign returns NAME=value, without quotes where it is static.
func (w *walker) assign(a *syntax.Assign) string {
	if a.Name != nil && a.Index == nil && a.Array == nil && !a.Append {
		switch {
		case a.Naked:
			return a.Name.Value
		case a.Value == nil:
			return a.Name.Value + "="
		}
		if v := w.word(a.Value); v.Static {
			return a.Name.Value + "=" + v.Value
		}
	}
	return w.source(int(a.Pos().Offset()), int(a.End().Offset()))
}

// redirect evaluates one redirection.
func (w *walker) redirect(r *syntax.Redirect, sc scope) Redirect {
	out := Redirect{Op: r.Op.String()}
	if r.N != nil {
		out.Op = r.N.Value + out.Op
	}
	if r.Word != nil {
		out.Target = w.word(r.Word)
		w.substitutions(r.Word, sc)
		if r.Op == syntax.WordHdoc && out.Target.Static {
			out.Body = out.Target.Value
		}
	}
	if r.Hdoc != nil {
		out.bodyPos = int(r.Hdoc.Pos().Offset())
		out.Body = w.source(out.bodyPos, int(r.Hdoc.End().Offset()))
		out.Body = out.Body[:strings.LastIndexByte(out.Body, '\n')+1] // the end mark is no part of it
		w.substitutions(r.Hdoc, sc)
	}
	return out
}

// substitutions walks the commands in $( ), ` ` and <( ) below a node.
func (w *walker) substitutions(n syntax.Node, sc scope) {
	// What a substitution prints is used elsewhere: it has no part in the
	// redirections and wrappers of the command around it.
	sc.redirects, sc.via, sc.as, sc.assigns, sc.more, sc.caught = nil, nil, nil, nil, false, true
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			w.list(n.Stmts, sc)
			return false
		case *syntax.ProcSubst:
			w.list(n.Stmts, sc)
			return false
		}
		return true
	})
}

// emit adds a command with what its surroundings say about it.
func (w *walker) emit(c Command, sc scope) {
	c.Via, c.As, c.MoreArgs = sc.via, sc.as, sc.more
	c.Assigns, c.Redirects = sc.assigns, sc.redirects
	c.Conditional, c.Guard, c.Func = sc.conditional, sc.guard, sc.fn
	w.out = append(w.out, c)
}
