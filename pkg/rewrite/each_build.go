package rewrite

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxBuilds bounds for how many values of its build arguments a file is looked at.
const maxBuilds = 8

// A Build is how a Compose or Bake file builds the Dockerfile.
type Build struct {
	File string
	Line int
	Args map[string]string
}

// forEachBuild looks at the file with the build arguments of each build that gives
// those which have no value. It returns the result when it is the same for all of them,
// and otherwise nil; the refusal then says what was found.
func (p *Pass) forEachBuild(ctx context.Context, src []byte) *Result {
	builds := p.buildsWith(p.Keep.Missing)
	if len(builds) == 0 {
		return nil
	}
	values := describeBuilds(builds, p.Keep.Missing)
	first := p.withArgs(ctx, src, builds[0])
	same := first != nil && len(builds) <= maxBuilds && !slices.ContainsFunc(builds[1:], func(b Build) bool {
		res := p.withArgs(ctx, src, b)
		return res == nil || res.Outcome != first.Outcome || res.Reason != first.Reason || !bytes.Equal(res.Output, first.Output)
	})
	if !same {
		p.Keep.Message += "; " + values
		return nil
	}
	first.Warnings = append(slices.Clip(first.Warnings), "the result is the same for all values of the build arguments: "+values)
	return first
}

// buildsWith returns the builds that give values to all of these arguments, one for
// each choice of values.
func (p *Pass) buildsWith(missing []string) []Build {
	var out []Build
	for _, b := range p.opts.Siblings.Builds {
		has := !slices.ContainsFunc(missing, func(name string) bool { return b.Args[name] == "" })
		seen := slices.ContainsFunc(out, func(o Build) bool {
			return !slices.ContainsFunc(missing, func(name string) bool { return o.Args[name] != b.Args[name] })
		})
		if has && !seen {
			out = append(out, b)
		}
	}
	return out
}

// withArgs returns the result with the arguments of a build below those that are
// given, nil when nothing is known of its base either.
func (p *Pass) withArgs(ctx context.Context, src []byte, b Build) *Result {
	opts := *p.opts
	opts.BuildArgs = maps.Clone(b.Args)
	maps.Copy(opts.BuildArgs, p.opts.BuildArgs)
	opts.Siblings.Builds = nil
	res, err := Run(ctx, src, opts)
	if err != nil || res.Reason == UnresolvedArg || res.Reason == NoBaseFacts {
		return nil
	}
	return res
}

// describeBuilds says which values were found, and where.
func describeBuilds(builds []Build, names []string) string {
	var out []string
	for i, b := range builds {
		if i == maxBuilds {
			out = append(out, "and others")
			break
		}
		var values []string
		for _, name := range names {
			values = append(values, fmt.Sprintf("%s=%.100s", name, b.Args[name]))
		}
		out = append(out, fmt.Sprintf("%s:%d has %s", b.File, b.Line, strings.Join(values, " ")))
	}
	return strings.Join(out, ", ")
}
