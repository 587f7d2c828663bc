package rewrite

import (
	"regexp"
	"strconv"

	"github.com/dockharden/harden/internal/dockerfile"
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

// numberFromArg reports whether a build argument sets the number of an account
// that the file makes: USER with today's number would be wrong with another.
func (p *Pass) numberFromArg(a Account) bool {
	if a.By == nil || a.Command == "" {
		return false
	}
	for _, m := range uidVariable.FindAllStringSubmatch(a.By.Original, -1) {
		if p.fromArg("$" + m[1]) {
			return true
		}
	}
	return false
}

// numberArg returns the one variable that sets the number of an account where env,
// that of a later place in the stage, still has its value; "" when there is none.
func (p *Pass) numberArg(a Account, stage *dockerfile.Stage, env *dockerfile.Env) string {
	if !a.Certain {
		return ""
	}
	all := uidVariable.FindAllStringSubmatch(a.By.Original, -1)
	then := p.End.Before[a.By].Env
	if len(all) != 1 || a.By.Stage != stage || then == nil || env == nil {
		return ""
	}
	name := all[0][1]
	v, ok := env.Get(name)
	if w, had := then.Get(name); !ok || !had || v != w {
		return ""
	}
	if n, err := strconv.Atoi(v); err != nil || n <= 0 {
		return ""
	}
	return name
}
