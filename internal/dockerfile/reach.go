package dockerfile

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A span is a part of the text of a script.
type span struct{ start, end int }

func spanOf(n syntax.Node) span {
	return span{int(n.Pos().Offset()), int(n.End().Offset())}
}

func (sp span) holds(pos int) bool { return sp.start <= pos && pos < sp.end }

func anyHolds(spans []span, pos int) bool {
	for _, sp := range spans {
		if sp.holds(pos) {
			return true
		}
	}
	return false
}

// mark notes on commands what the script as a whole says about them: which are
// never reached, and which may fail.
func (s *Script) mark(cmds []Command) {
	handled, dead := s.handled(), append(s.behindEnd(), s.uncalled()...)
	excused := s.excused(cmds, handled)
	branches := s.endingBranches()
	for _, b := range branches {
		dead = append(dead, b.dead...)
	}
	for i, c := range cmds {
		cmds[i].FailureHandled = anyHolds(handled, c.Pos) || c.Func != "" && excused[c.Func]
		cmds[i].Dead = anyHolds(dead, c.Pos)
		for _, b := range branches {
			if !b.rest.holds(c.Pos) || c.Func != "" {
				continue
			}
			if b.self {
				cmds[i].Behind = append(cmds[i].Behind, b.text)
			}
			if b.exec {
				cmds[i].Past = append(cmds[i].Past, b.text)
			}
		}
	}
}

// A budget bounds how many bytes of a script are looked at again because they are
// nested in each other, for texts that are made to be hostile.
type budget int

func (s *Script) budget() *budget {
	b := budget(maxAgain * len(s.Text))
	return &b
}

const (
	maxAgain     = 16  // times that the text is looked at
	maxFunctions = 256 // of a script, for all of which the text is searched
)

// spend reports whether the bytes of a node are left.
func (b *budget) spend(n syntax.Node) bool {
	sp := spanOf(n)
	*b -= budget(sp.end - sp.start)
	return *b >= 0
}

// handled returns the parts of the script whose failure does not end it: those on
// the left of || and the conditions of if, where nothing that may run instead
// ends the script.
func (s *Script) handled() []span {
	var out []span
	enders, budget := s.enders(), s.budget()
	syntax.Walk(s.File, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.BinaryCmd:
			if n.Op == syntax.OrStmt && budget.spend(n.Y) && !mayEnd(n.Y, enders) {
				out = append(out, spanOf(n.X))
			}
		case *syntax.IfClause:
			if len(n.Cond) > 0 && budget.spend(n) && !mayEnd(&syntax.Block{Stmts: n.Then}, enders) && (n.Else == nil || !mayEnd(n.Else, enders)) {
				out = append(out, span{int(n.Cond[0].Pos().Offset()), int(n.Cond[len(n.Cond)-1].End().Offset())})
			}
		}
		return true
	})
	return out
}

// excused returns the functions of which every call is one whose failure does not end the
// script: what fails in them does not either, set -e or not (POSIX, set -e).
func (s *Script) excused(cmds []Command, handled []span) map[string]bool {
	calls, other := map[string]int{}, map[string]bool{}
	for _, c := range cmds {
		if len(calls) > maxFunctions {
			return nil
		}
		if c.Func == "" || c.Name != c.Func {
			if anyHolds(handled, c.Pos) {
				calls[c.Name]++
			} else {
				other[c.Name] = true
			}
		}
	}
	out, seen := map[string]bool{}, map[string]bool{}
	for _, c := range cmds {
		// A name that stands elsewhere, behind trap for one, may be called from there: there is
		// one more of it where the function is declared.
		if f := c.Func; f != "" && !seen[f] && len(seen) < maxFunctions {
			seen[f] = true
			out[f] = calls[f] > 0 && !other[f] && s.count(f) == calls[f]+1
		}
	}
	return out
}

// count returns how often a name stands in the script as a word.
func (s *Script) count(name string) int {
	n := 0
	for at := 0; ; at += len(name) {
		i := strings.Index(s.Text[at:], name)
		if i < 0 {
			return n
		}
		at += i
		end := at + len(name)
		if (at == 0 || !wordByte(s.Text[at-1])) && (end == len(s.Text) || !wordByte(s.Text[end])) {
			n++
		}
	}
}

func wordByte(c byte) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// ends are the commands after which a script does not go on, or no longer says
// that all is well.
var ends = map[string]bool{"exit": true, "return": true, "exec": true, "kill": true, "false": true, "break": true, "continue": true}

// enders returns the functions of the script that may end it.
func (s *Script) enders() map[string]bool {
	out, budget := map[string]bool{}, s.budget()
	syntax.Walk(s.File, func(n syntax.Node) bool {
		if f, ok := n.(*syntax.FuncDecl); ok && f.Name != nil && (!budget.spend(f) || mayEnd(f.Body, nil)) {
			out[f.Name.Value] = true
		}
		return true
	})
	return out
}

// mayEnd reports whether a statement holds a command that ends the script, calls
// one of the functions that do, or calls something unknown by a name of that
// meaning.
func mayEnd(n syntax.Node, functions map[string]bool) bool {
	found := false
	syntax.Walk(n, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 {
			name := c.Args[0].Lit()
			found = found || name == "" || ends[name] || functions[name] || strings.HasPrefix(name, "die") || strings.HasPrefix(name, "fail") || strings.HasPrefix(name, "abort")
		}
		return !found
	})
	return found
}

// behindEnd returns what stands behind an unconditional exec or exit at the top of
// the script.
func (s *Script) behindEnd() []span {
	for i, st := range s.File.Stmts {
		if i+1 < len(s.File.Stmts) && ending(st) {
			return []span{{int(s.File.Stmts[i+1].Pos().Offset()), len(s.Text)}}
		}
	}
	return nil
}

// ending reports whether no statement after this one runs. exec with nothing but
// redirections goes on.
func ending(st *syntax.Stmt) bool {
	c, ok := st.Cmd.(*syntax.CallExpr)
	if !ok || st.Background || st.Negated || len(c.Args) == 0 {
		return false
	}
	switch c.Args[0].Lit() {
	case "exit":
		return true
	case "exec":
		// exec "$@" without arguments goes on, too.
		return slices.ContainsFunc(c.Args[1:], func(w *syntax.Word) bool { return w.Lit() != "" })
	}
	return false
}

// execs reports whether a statement is an exec of something, be it what the script is called
// with.
func execs(st *syntax.Stmt) bool {
	c, ok := st.Cmd.(*syntax.CallExpr)
	return ok && !st.Background && !st.Negated && len(c.Args) > 1 && c.Args[0].Lit() == "exec"
}

// uncalled returns the functions that nothing in the script mentions. A script
// that reads another one may have it call its functions, and one that runs
// commands it does not spell out ("$1", eval) may mean any.
func (s *Script) uncalled() []span {
	functions := map[string][]span{}
	open := false
	syntax.Walk(s.File, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl:
			if n.Name != nil {
				functions[n.Name.Value] = append(functions[n.Name.Value], spanOf(n))
			}
		case *syntax.CallExpr:
			if len(n.Args) > 0 {
				name := n.Args[0].Lit()
				open = open || name == "" || name == "." || name == "source" || name == "eval"
			}
		}
		return true
	})
	if open || len(functions) > maxFunctions {
		return nil
	}
	var out []span
	for name, spans := range functions {
		if !s.mentions(name, spans) {
			out = append(out, spans...)
		}
	}
	return out
}

// mentions reports whether a name stands anywhere outside of the given spans.
func (s *Script) mentions(name string, except []span) bool {
	for at := 0; ; {
		i := strings.Index(s.Text[at:], name)
		if i < 0 {
			return false
		}
		at += i
		if !anyHolds(except, at) {
			return true
		}
		at += len(name)
	}
}
