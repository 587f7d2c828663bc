package rewrite

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// reportUnsaid names what start scripts write and nobody could give to the user.
func (p *Pass) reportUnsaid() {
	if p.User.How == ChoiceExisting || p.User.How == ChoiceInherited {
		return
	}
	targets := map[string][]string{}
	for _, u := range p.Entry.Unsaid {
		if !slices.Contains(targets[u.Where], u.Target) && !p.givenBefore(u.Target) {
			targets[u.Where] = append(targets[u.Where], u.Target)
		}
	}
	for _, script := range slices.Sorted(maps.Keys(targets)) {
		p.report(Finding{Line: p.at(p.Entry.By), Message: fmt.Sprintf("%s writes %s, and what that is cannot be known", path.Base(script), list(targets[script], 4)),
			Hint: "If it is not in a directory that the user has anyway, list it under writable: in .harden.yaml."})
	}
}

// givenBefore reports whether what a target begins with is a directory that the user gets.
func (p *Pass) givenBefore(target string) bool {
	before, _, _ := strings.Cut(strings.ReplaceAll(target, `"`, ""), "$")
	return path.IsAbs(before) && slices.ContainsFunc(p.writes(), func(w writePath) bool { return !w.file && strings.HasPrefix(before, w.path+"/") })
}
