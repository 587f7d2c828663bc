package entry

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

var (
	// compilerOutput matches where compilers leave programs: Cargo's target/PROFILE, below
	// the name of a platform or not (doc.rust-lang.org/cargo, Build cache), Swift's .build,
	// and the directory of go install.
	compilerOutput = regexp.MustCompile(`/target/([\w.-]+/)?(release|debug)[\w-]*/[^/]+$|/\.build/([\w.-]+/)?(release|debug)/[^/]+$|^/go/bin/[^/]+$`)
	// compilesTo matches a compiler that is told where its program goes.
	compilesTo = regexp.MustCompile(`\b(?:go\s+build|gcc|g\+\+|cc|clang(?:\+\+)?|rustc|ghc|crystal\s+build|dart\s+compile\s+exe|gnatmake|zig\s+cc)\b[^;&|\n]*?\s-o[ =]?\s*["']?([^\s"';&|]+)`)
	// installsBuilt matches what installs all programs of a build.
	installsBuilt = regexp.MustCompile(`\bcmake\s+--install\b|\bninja\s[^;&|]*\binstall\b|\bmeson\s+install\b`)
)

// compiled reports whether a program comes out of a compiler in another stage: it is no
// script, whatever it is called. An entry point is one that starts something else, in any
// language, and stays in question.
func (r *Reader) compiled(name string) bool {
	if strings.HasSuffix(name, ".sh") || strings.HasSuffix(name, ".bash") || strings.Contains(path.Base(name), "entry") {
		return false
	}
	for _, at := range r.Candidates(name) {
		for _, c := range slices.Backward(r.End.Copies) {
			if c.From == "" || c.Opaque || !imagepath.Below(at, path.Clean(c.Dest)) {
				continue
			}
			st := r.Doc.CopyFrom(c.By.Stage, c.From)
			if st != nil && st.Index < c.By.Stage.Index && r.compiledIn(st, c, at) {
				return true
			}
		}
	}
	return false
}

// compiledIn reports whether a copy brings a program that a compiler in its stage made.
func (r *Reader) compiledIn(st *dockerfile.Stage, c simulate.Copy, at string) bool {
	workdir := r.EndOf(st).Workdir
	for _, src := range c.Sources {
		src = path.Clean("/" + src)
		origin := path.Join(src, strings.TrimPrefix(at, path.Clean(c.Dest)))
		if c.Target(src) == at {
			origin = src
		}
		if compilerOutput.MatchString(origin) || compiledTo(st, workdir, origin) {
			return true
		}
	}
	return false
}

// compiledTo reports whether a step of a stage has a compiler write a file, by its path, or
// installs what it has built into the directory of one.
func compiledTo(st *dockerfile.Stage, workdir, file string) bool {
	return slices.ContainsFunc(st.Instructions, func(in *dockerfile.Instruction) bool {
		if in.Keyword != "RUN" {
			return false
		}
		if dir := path.Base(path.Dir(file)); (dir == "bin" || dir == "sbin") && installsBuilt.MatchString(in.Original) {
			return true
		}
		for _, m := range compilesTo.FindAllStringSubmatch(in.Original, maxFollow) {
			to := imagepath.Abs(workdir, m[1])
			if to == file || path.Base(to) == path.Base(file) && !path.IsAbs(m[1]) || strings.HasSuffix(m[1], "/") && path.Dir(file) == to {
				return true
			}
		}
		return false
	})
}
