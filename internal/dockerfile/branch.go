package dockerfile

import (
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A branch is an if at the top of a script whose commands end it: exec or exit.
type branch struct {
	text string   // its condition
	asks []string // what that asks, each in one spelling
	rest span     // what stands behind it
	self bool     // it ends in an exec of the script itself
	exec bool     // it ends in an exec, be it of the arguments alone
	dead []span   // what of that has the same conditions, and is never reached
}

const maxBranches = 32 // of a script, behind each of which the text is searched

// endingBranches returns the branches of the script that end it.
func (s *Script) endingBranches() []branch {
	var out []branch
	budget := s.budget()
	for i, st := range s.File.Stmts {
		c, ok := st.Cmd.(*syntax.IfClause)
		if !ok || i+1 == len(s.File.Stmts) || len(out) == maxBranches || len(c.Then) == 0 {
			continue
		}
		last := c.Then[len(c.Then)-1]
		if !ending(last) && !execs(last) {
			continue
		}
		b := branch{
			text: clip(strings.TrimRight(s.source(c.Cond[0].Pos(), c.Cond[len(c.Cond)-1].End()), "; \t\n")),
			asks: s.asks(c.Cond),
			rest: span{int(st.End().Offset()), len(s.Text)},
			self: itself.MatchString(s.source(last.Pos(), last.End())),
			exec: execs(last),
		}
		if len(b.asks) > 0 && ending(last) && s.settled(c) {
			for _, later := range s.File.Stmts[i+1:] {
				if budget.spend(later) {
					b.dead = append(b.dead, s.repeats(later, b.asks)...)
				}
			}
		}
		out = append(out, b)
	}
	return out
}

func (s *Script) source(from, to syntax.Pos) string {
	return s.Text[from.Offset():to.Offset()]
}

// repeats returns the branches below a statement that are only reached where all
// of these conditions hold.
func (s *Script) repeats(st *syntax.Stmt, asks []string) []span {
	var out []span
	var walk func(n syntax.Node, known []string)
	walk = func(n syntax.Node, known []string) {
		syntax.Walk(n, func(inner syntax.Node) bool {
			c, ok := inner.(*syntax.IfClause)
			if !ok || len(c.Cond) == 0 {
				_, fn := inner.(*syntax.FuncDecl)
				return !fn
			}
			holds := slices.Concat(known, s.asks(c.Cond))
			for i, then := range c.Then {
				if !slices.ContainsFunc(asks, func(a string) bool { return !slices.Contains(holds, a) }) {
					out = append(out, span{int(c.Then[i].Pos().Offset()), int(c.Then[len(c.Then)-1].End().Offset())})
					break
				}
				walk(then, holds)
			}
			if c.Else != nil {
				walk(c.Else, known)
			}
			return false
		})
	}
	walk(st, nil)
	return out
}

// asks returns the tests of a condition that have to hold together, each in one
// spelling; none where it holds anything else.
func (s *Script) asks(cond []*syntax.Stmt) []string {
	if len(cond) != 1 {
		return nil
	}
	return s.asked(cond[0])
}

func (s *Script) asked(st *syntax.Stmt) []string {
	if st.Negated || len(st.Redirs) > 0 {
		return nil
	}
	switch c := st.Cmd.(type) {
	case *syntax.BinaryCmd:
		x, y := s.asked(c.X), s.asked(c.Y)
		if c.Op != syntax.AndStmt || x == nil || y == nil {
			return nil
		}
		return append(x, y...)
	case *syntax.CallExpr:
		if n := len(c.Args); n > 2 && c.Args[0].Lit() == "[" {
			return tests(s.source(c.Args[1].Pos(), c.Args[n-2].End()))
		} else if n > 1 && c.Args[0].Lit() == "test" {
			return tests(s.source(c.Args[1].Pos(), c.Args[n-1].End()))
		}
	case *syntax.TestClause:
		return tests(s.source(c.X.Pos(), c.X.End()))
	}
	return nil
}

// tests returns the parts of a test that have to hold together, in one spelling.
func tests(text string) []string {
	text = strings.Join(strings.Fields(oneSpelling.Replace(text)), " ")
	text = strings.ReplaceAll(text, " -a ", "&&")
	rest := strings.ReplaceAll(text, "$(id -u)", "")
	if strings.ContainsAny(rest, "(`|!") || strings.Contains(rest, " -o ") || changing.MatchString(rest) {
		return nil
	}
	var out []string
	for part := range strings.SplitSeq(text, "&&") {
		out = append(out, strings.TrimSpace(part))
	}
	return out
}

var (
	oneSpelling = strings.NewReplacer(`"`, "", "'", "", "==", "=", "-eq", "=", "/usr/bin/id", "id", "{", "", "}", "")
	// changing are the questions after a file, and those whose answer is another one
	// each time.
	changing = regexp.MustCompile(`(^|\s)-[a-mo-yA-Z]\s|\$\?|\$RANDOM|\$SECONDS`)
	itself   = regexp.MustCompile(`^exec\s.*\$(0|BASH_SOURCE|\{0\}|\{BASH_SOURCE(\[0\])?\})("|\s|$)`)
	asksFor  = regexp.MustCompile(`\$([A-Za-z_][A-Za-z0-9_]*|[0-9@*#])`)
)

// settled reports whether what a condition asks for stays as it is behind it.
func (s *Script) settled(c *syntax.IfClause) bool {
	text := strings.NewReplacer("{", "", "}", "").Replace(s.source(c.Cond[0].Pos(), c.Cond[len(c.Cond)-1].End()))
	names, arguments := map[string]bool{}, false
	for _, m := range asksFor.FindAllStringSubmatch(text, -1) {
		names[m[1]] = true
		arguments = arguments || !variableStart(m[1])
	}
	settled, inFunction := true, false
	var visit func(n syntax.Node) bool
	visit = func(n syntax.Node) bool {
		if n == nil || !settled {
			return false
		}
		later := inFunction || n.Pos().Offset() > c.Pos().Offset() // a function may be called later
		switch n := n.(type) {
		case *syntax.FuncDecl:
			outer := inFunction
			inFunction = true
			syntax.Walk(n.Body, visit)
			inFunction = outer
			return false
		case *syntax.Assign:
			settled = n.Name == nil || !names[n.Name.Value] || !later
		case *syntax.WordIter:
			settled = !names[n.Name.Value] || !later
		case *syntax.CallExpr:
			settled = !later || !sets(n, names, arguments && !inFunction)
		}
		return true
	}
	syntax.Walk(s.File, visit)
	return settled
}

func variableStart(name string) bool {
	return name[0] == '_' || name[0] >= 'A' && name[0] <= 'Z' || name[0] >= 'a' && name[0] <= 'z'
}

// sets reports whether a command may change one of the variables, or the arguments.
func sets(c *syntax.CallExpr, names map[string]bool, arguments bool) bool {
	if len(c.Args) == 0 {
		return false
	}
	switch c.Args[0].Lit() {
	case "set", "shift":
		return arguments
	case "eval", ".", "source":
		return true
	case "read", "unset", "mapfile", "readarray", "getopts":
		return slices.ContainsFunc(c.Args[1:], func(w *syntax.Word) bool { return names[w.Lit()] })
	}
	return false
}
