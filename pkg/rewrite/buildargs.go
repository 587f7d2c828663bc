package rewrite

import (
	"regexp"
	"strconv"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// variable is a variable in a word or in shell text.
var variable = regexp.MustCompile(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// fromArg reports whether a word uses a build argument, by name or through an ENV
// that takes its value from one: who builds the image may give it another.
func (p *Pass) fromArg(word string) bool { return p.usesArg(word, map[string]bool{}) }

func (p *Pass) usesArg(word string, seen map[string]bool) bool {
	for _, m := range variable.FindAllStringSubmatch(word, -1) {
		name := m[1]
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, in := range p.Doc.Instructions {
			if in.Keyword != "ARG" && in.Keyword != "ENV" {
				continue
			}
			for _, kv := range in.KeyValues() {
				if kv.Key == name && (in.Keyword == "ARG" || p.usesArg(kv.Value, seen)) {
					return true
				}
			}
		}
	}
	return false
}

// uidVariable is a variable given as the number of an account.
var uidVariable = regexp.MustCompile(`(?:--uid|-u)[ =]?["']?\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// gidVariable is a variable given as the number of a group.
var gidVariable = regexp.MustCompile(`(?:--gid|-g)[ =]?["']?\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// numberFromArg reports whether a build argument sets the number of an account
// that the file makes: USER with today's number would be wrong with another.
func (p *Pass) numberFromArg(a simulate.Account) bool {
	by := a.NumberedBy()
	if by == nil {
		return false
	}
	for _, m := range uidVariable.FindAllStringSubmatch(by.Original, -1) {
		if p.fromArg("$" + m[1]) {
			return true
		}
	}
	return false
}

// nameFromArg reports whether the step that makes an account does not spell its name: who
// builds the image may give it another.
func (p *Pass) nameFromArg(a simulate.Account) bool {
	if a.By == nil || a.Command == "" {
		return false
	}
	spelled := regexp.MustCompile(`(^|[\s"'])` + regexp.QuoteMeta(a.Name) + `($|[\s"';&|)])`)
	return !spelled.MatchString(a.By.Original)
}

// numberArg returns the one variable that sets the number of an account where env,
// that of a later place in the stage, still has its value; "" when there is none.
func (p *Pass) numberArg(a simulate.Account, stage *dockerfile.Stage, env *dockerfile.Env) string {
	if !a.Certain {
		return ""
	}
	return p.onlyVariable(uidVariable, a.NumberedBy(), stage, env)
}

// groupOf returns the one variable that sets a group's number, as numberArg does for the
// account's; failing that, whether the number is the same in every build.
func (p *Pass) groupOf(gid simulate.Number, a simulate.Account, stage *dockerfile.Stage, env *dockerfile.Env) (variable string, set bool) {
	if !gid.Known {
		return "", false
	}
	g, ok := p.End.GroupByGID(gid)
	steps := []*dockerfile.Instruction{a.NumberedBy()}
	if ok && g.By != nil && g.By != steps[0] {
		steps = append(steps, g.By)
	}
	set = ok && (g.Command != "" || g.By == nil)
	// The base's group, too: a step may give it another number, or its own the same one.
	for _, by := range steps {
		if v := p.onlyVariable(gidVariable, by, stage, env); v != "" {
			value, _ := env.Get(v)
			if value == strconv.Itoa(gid.N) {
				return v, false
			}
		}
		set = set && (by == nil && g.By == nil || by != nil && !gidVariable.MatchString(by.Original))
	}
	return "", set
}

// onlyVariable returns the variable that all matches in a step name, where env has its value
// of then, and that is a number.
func (p *Pass) onlyVariable(re *regexp.Regexp, by *dockerfile.Instruction, stage *dockerfile.Stage, env *dockerfile.Env) string {
	if by == nil || by.Stage != stage || env == nil || p.End.Before[by].Env == nil {
		return ""
	}
	name := ""
	for _, m := range re.FindAllStringSubmatch(by.Original, -1) {
		if name != "" && m[1] != name {
			return ""
		}
		name = m[1]
	}
	v, ok := env.Get(name)
	if w, had := p.End.Before[by].Env.Get(name); !ok || !had || v != w {
		return ""
	}
	if n, err := strconv.Atoi(v); err != nil || n <= 0 {
		return ""
	}
	return name
}
