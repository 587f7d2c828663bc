package entry

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A functionBody is a function of a script, with how the script was reached.
type functionBody struct {
	commands []dockerfile.Command
	walk     scriptWalk
}

// noteBody remembers the commands of a function: what a call with a variable gives it is only
// known where the script calls it.
func (r *Reader) noteBody(cmds []dockerfile.Command, w scriptWalk) {
	if function := cmds[0].Func; function != "" {
		r.bodies[function] = functionBody{slices.Concat(r.bodies[function].commands, cmds), w}
	}
}

// callsFunction reads a function again for a call that gives it a variable whose value is
// known by then: configure "$CONF". Calls with words alone were known from the start.
func (r *Reader) callsFunction(c dockerfile.Command, w scriptWalk, ctx reach) {
	body, ok := r.bodies[c.Path]
	if !ok || c.Dynamic || r.shifts[c.Path] || w.depth > maxFollow || !slices.ContainsFunc(body.commands, usesArguments) {
		return
	}
	args, learned := r.learned(c.Args)
	if learned == "" || r.followed[c.Path][learned] || len(r.followed[c.Path]) >= maxCalls {
		return
	}
	if r.followed[c.Path] == nil {
		r.followed[c.Path] = map[string]bool{}
	}
	r.followed[c.Path][learned] = true
	dir, branch, vars := r.Dir, r.branch, r.vars
	r.vars = vars.clone()
	body.walk.ctx, body.walk.depth, body.walk.dirs = ctx, w.depth+1, simulate.StartIn(dir)
	for _, k := range body.commands {
		if dependsOnWords(k) {
			r.one(r.withArguments(k, args), body.walk)
		}
	}
	r.Dir, r.branch, r.vars = dir, branch, vars
	r.vars.enter(branch)
}

// learned returns the arguments of a call with the values of variables that hold paths, and
// which those are, "" where there are none.
func (r *Reader) learned(args []dockerfile.Word) ([]dockerfile.Word, string) {
	out, which := slices.Clone(args), ""
	for i, a := range args {
		if v, ok := r.value(a); ok && !a.Static {
			out[i] = dockerfile.Word{Value: v, Static: true}
			which += fmt.Sprintf("%d=%s ", i, v)
		}
	}
	return out, which
}

// dependsOnWords reports whether what a command does depends on arguments or variables.
// What does not was noted when the function was read.
func dependsOnWords(c dockerfile.Command) bool {
	open := func(w dockerfile.Word) bool { return !w.Static && strings.Contains(w.Value, "$") }
	return c.Dynamic || len(c.Assigns) > 0 || slices.ContainsFunc(c.Args, open) ||
		slices.ContainsFunc(c.Redirects, func(red dockerfile.Redirect) bool { return open(red.Target) })
}
