package rewrite

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// A rootTask is what the entry point of a family of images does for those who start it
// as root, before it changes to the family's account: what a file asks for by a
// variable or by a script in a directory. A file that asks for it is root on purpose;
// one that does not has forgotten to go back.
type rootTask struct {
	mark      string   // a variable that every image of the family sets
	starts    []string // the commands that do it
	variables []string
	dirs      []string // of scripts that it runs
}

// rootTasks are the families known. Jupyter's docker-stacks: start.sh, and what calls it
// (jupyter-docker-stacks.readthedocs.io/en/latest/using/common.html, "Docker Options" and
// "Startup Hooks").
var rootTasks = []rootTask{{
	mark:      "NB_USER",
	starts:    []string{"start.sh", "start-notebook.sh", "start-notebook.py", "start-singleuser.sh", "start-singleuser.py"},
	variables: []string{"GRANT_SUDO", "NB_USER", "NB_UID", "NB_GID", "CHOWN_HOME", "CHOWN_EXTRA"},
	dirs:      []string{"/usr/local/bin/start-notebook.d", "/usr/local/bin/before-notebook.d"},
}}

// asksRoot refuses files that go back to root and ask their base's entry point for what
// it does as root only.
func asksRoot(p *Pass) *Refusal {
	if p.End.User.By == nil {
		return nil
	}
	for _, t := range rootTasks {
		if !p.baseSets(t.mark) || !p.startsAny(t.starts) {
			continue
		}
		in, what := p.asksFor(t)
		if in == nil {
			continue
		}
		return &Refusal{Reason: DropsPrivilegesItself, Line: in.Line,
			Message: fmt.Sprintf("the entry point of %s changes the user itself, and line %d has it do something as root first (%s)", p.baseName(), in.Line, what)}
	}
	return nil
}

// startsAny reports whether the image's command names one of the programs, also in the
// text of a shell.
func (p *Pass) startsAny(names []string) bool {
	return slices.ContainsFunc(p.Entry.Argv, func(arg string) bool {
		return slices.ContainsFunc(strings.Fields(arg), func(w string) bool { return slices.Contains(names, path.Base(w)) })
	})
}

// baseSets reports whether the base image sets a variable.
func (p *Pass) baseSets(name string) bool {
	return slices.ContainsFunc(p.Base.Config.Env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
}

// asksFor returns the first instruction that sets one of the variables to something else
// than its base does, or that names one of the directories.
func (p *Pass) asksFor(t rootTask) (*dockerfile.Instruction, string) {
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			switch in.Keyword {
			case "ENV":
				for _, kv := range in.KeyValues() {
					if slices.Contains(t.variables, kv.Key) && !idle[strings.ToLower(kv.Value)] && !slices.Contains(p.Base.Config.Env, kv.Key+"="+kv.Value) {
						return in, kv.Key
					}
				}
			case "COPY", "ADD", "RUN":
				for _, dir := range t.dirs {
					if strings.Contains(in.Original, dir) {
						return in, dir
					}
				}
			}
		}
	}
	return nil, ""
}

// idle are values that ask for nothing.
var idle = map[string]bool{"": true, "0": true, "no": true, "false": true}
