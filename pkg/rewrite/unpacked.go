package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// unpacked returns what a program writes whose archive the file unpacks itself, and
// false when it is not known to come that way, or where to.
func (p *Pass) unpacked(c programs.Command) (programs.Variant, bool) {
	u := c.Program.Unpacked
	if u == nil {
		return programs.Variant{}, false
	}
	prefix := p.prefix(c, u)
	if prefix == "" {
		return programs.Variant{}, false
	}
	v := programs.Variant{Writes: slices.Clone(u.Writes)}
	for i := range v.Writes {
		v.Writes[i].Path = strings.Replace(v.Writes[i].Path, "{prefix}", prefix, 1)
	}
	return v, true
}

// closedTrees returns the directories of unpacked programs into which only their owner
// and group may look, and that no step opens.
func (p *Pass) closedTrees() []string {
	var out []string
	for _, r := range p.running() {
		if !r.unpacked || !r.Program.Unpacked.Closed {
			continue
		}
		prefix := p.prefix(r.Command, r.Program.Unpacked)
		if slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool { return c.From != "" && path.Clean(c.Dest) == prefix }) {
			continue // out of another image or stage, which has seen to it
		}
		if !slices.ContainsFunc(p.Stage.Instructions, func(in *dockerfile.Instruction) bool {
			return in.Keyword == "RUN" && strings.Contains(in.Original, "chmod -R") || opensTree(in, prefix, r.Program.Unpacked.Env)
		}) {
			out = append(out, prefix)
		}
	}
	return out
}

// opensTree reports whether a RUN gives a directory, by its name or a variable, to
// somebody else with all that is in it.
func opensTree(in *dockerfile.Instruction, dir string, env []string) bool {
	if in.Keyword != "RUN" || !strings.Contains(in.Original, "chown -R") && !strings.Contains(in.Original, "chgrp -R") {
		return false
	}
	return strings.Contains(in.Original, dir) || slices.ContainsFunc(env, func(name string) bool { return strings.Contains(in.Original, name) })
}

// prefix is the directory that an archive was unpacked to: the one that the settings
// name, or that the program itself is started from.
func (p *Pass) prefix(c programs.Command, u *programs.Unpacked) string {
	for _, name := range u.Env {
		if dir, ok := p.End.Env.Get(name); ok && ownDirectory(dir) {
			return path.Clean(dir)
		}
	}
	if len(c.Args) == 0 || !strings.Contains(c.Args[0], "/") {
		return ""
	}
	bin := path.Dir(imagepath.Abs(p.End.Workdir, c.Args[0]))
	if dir := path.Dir(bin); path.Base(bin) == "bin" && ownDirectory(dir) {
		return dir
	}
	return ""
}

// ownDirectory reports whether a path can be the directory of one program.
func ownDirectory(dir string) bool {
	return path.IsAbs(dir) && imagepath.Safe.MatchString(dir) && !imagepath.Standard[path.Clean(dir)] && !imagepath.Below(dir, "/root")
}
