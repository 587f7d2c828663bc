package dockerfile

import (
	"cmp"
	"slices"
	"strconv"
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
	As          *Word  // the user that the innermost wrapper with one switches to
	Dynamic     bool   // the name is an expansion
	MoreArgs    bool   // gets further arguments at run time (xargs, find -exec)
	Found       []Word // where find or grep -r looks for those, the directories or files that it is given
	Loop        *Loop  // the innermost loop over words or files that it stands in
	Assigns     []string
	Redirects   []Redirect
	Input       []Command // the commands whose output it reads, one after the other, nil where they are not known
	Conditional bool      // may not run although the script succeeds
	Guard       string    // source text of the innermost condition it depends on, with "! " in front for the else branch
	Func        string    // function in whose body it stands
	Branch      string    // the branches that it stands in, "/3/7": what runs in 7 has run what stands before it in 3
	Shell       string    // the shells that it stands in, "" for the script's own: ( … ), $( … ) and sh -c keep their directory to themselves
	Pos, End    int       // offsets in the text of the script: the name, and the end of the last argument

	// FailureHandled says that the script goes on if the command fails, as
	// its author wrote it: by ||, or as the condition of an if.
	FailureHandled bool
	// Background says that it stands before a &, itself or what it is part of.
	Background bool
	// Dead says that nothing reaches the command: it stands behind an
	// unconditional exec or exit, or in a function that nothing calls, or its
	// conditions are those of a branch before it that ends the script.
	Dead bool
	// Behind are the conditions of branches before the command that end in an exec
	// of the script itself: what stands behind is only reached in a run in which
	// none of them holds.
	Behind []string
	// Past are those of branches before it that end in any exec: of a script that is
	// called with something to start, what stands behind is only reached where none holds.
	Past []string
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
	s.mark(w.out)
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

// A Loop gives a variable one value after the other: for NAME in …, and find | while read NAME.
type Loop struct {
	Var   string
	Items []Word // the values, as they are written
	Found []Word // where find or grep -r looks for them
	Outer *Loop
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

	branches int // how many were named
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
	background  bool
	untested    bool // a test that fails here does not fail the script
	guard       string
	branch      string
	shell       string
	fn          string
	via         []string
	as          *Word
	assigns     []string
	redirects   []Redirect
	more        bool
	input       []Command
	found       []Word
	loop        *Loop
}

// when enters a branch.
func (w *walker) when(sc scope, guard string) scope {
	sc.conditional, sc.branch = true, w.branchOf(sc)
	if guard != "" {
		sc.guard = guard
	}
	return sc
}

// branchOf names a new branch in a scope.
func (w *walker) branchOf(sc scope) string {
	w.branches++
	return sc.branch + "/" + strconv.Itoa(w.branches)
}

// inShell enters another shell, which starts at an offset.
func (sc scope) inShell(at int) scope {
	sc.shell += "/" + strconv.Itoa(at)
	return sc
}

func (sc scope) through(wrapper string) scope {
	sc.via = append(slices.Clip(sc.via), wrapper)
	return sc
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
	sc.redirects, sc.via, sc.as, sc.assigns, sc.more, sc.found, sc.input, sc.caught = nil, nil, nil, nil, false, nil, nil, true
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			w.list(n.Stmts, sc.inShell(w.pos(int(n.Pos().Offset()))))
			return false
		case *syntax.ProcSubst:
			w.list(n.Stmts, sc.inShell(w.pos(int(n.Pos().Offset()))))
			return false
		}
		return true
	})
}

// emit adds a command with what its surroundings say about it.
func (w *walker) emit(c Command, sc scope) {
	c.Via, c.As, c.MoreArgs = sc.via, sc.as, sc.more
	c.Loop, c.Input = sc.loop, sc.input
	if sc.more {
		c.Found = sc.found
	}
	c.Assigns, c.Redirects, c.Background = sc.assigns, sc.redirects, sc.background
	c.Conditional, c.Guard, c.Func, c.Branch, c.Shell = sc.conditional, sc.guard, sc.fn, sc.branch, sc.shell
	w.out = append(w.out, c)
}
