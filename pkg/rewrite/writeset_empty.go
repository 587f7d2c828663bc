package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
)

// Bounds for a file that was written to use up time.
const (
	maxEmptyDirs = 200
	maxNamed     = 256 // bytes of a path that a text names
)

// readNames are last components of paths of which the program reads what is mounted there,
// or that hold code.
var readNames = map[string]bool{"conf": true, "config": true, "configs": true, "configuration": true, "etc": true, "bin": true, "sbin": true, "lib": true, "lib64": true,
	"libs": true, "include": true, "src": true, "source": true, "certs": true, "cert": true, "ssl": true, "tls": true, "secrets": true, "keys": true, "plugins": true,
	"modules": true, "extensions": true, "addons": true, "templates": true, "static": true, "public": true, "html": true, "www": true, "scripts": true, "build": true, "app": true}

// leftEmptyWhy says of a directory that no step fills it.
const leftEmptyWhy = ", and left empty"

// emptySet adds the directories that a step makes and nothing fills, wherever they are, where
// the image works in them or names them.
func (p *Pass) emptySet(add func(writePath)) {
	looked := 0
	for _, name := range p.madeDirs() {
		if isData(name) {
			continue
		}
		if looked++; looked > maxEmptyDirs {
			return
		}
		if p.leftEmpty(name) {
			add(writePath{path: name, why: madeByFile + leftEmptyWhy, exist: p.End.Dirs[name].Made(), after: p.inStage(p.End.Dirs[name].MadeBy)})
		}
	}
}

// leftEmpty reports whether a directory that a step makes has nothing in it where the build
// ends, and the image works there or names it: it is there to be written.
func (p *Pass) leftEmpty(name string) bool {
	if readNames[strings.ToLower(path.Base(name))] || !imagepath.Safe.MatchString(name) {
		return false
	}
	inWorkdir := name != p.End.Workdir && imagepath.Below(name, p.End.Workdir) && !imagepath.Standard[p.End.Workdir]
	return (inWorkdir || p.namedAtStart()[name]) && p.staysEmpty(name)
}

// staysEmpty reports whether nothing that the file does can bring anything into a directory
// that a step makes.
func (p *Pass) staysEmpty(name string) bool {
	if p.End.Filled[name] != nil || p.lastWorkIn(name) != nil {
		return false
	}
	for _, c := range p.End.Copies {
		dest := path.Clean(c.Dest)
		if imagepath.Below(dest, name) || imagepath.Below(name, dest) && (c.Opaque || dest != "/" && p.mayBring(c, name)) {
			return false
		}
	}
	for _, stage := range p.Chain {
		if slices.ContainsFunc(stage.Instructions, func(in *dockerfile.Instruction) bool { return in.Keyword == "RUN" && p.worksWith(in, name) }) {
			return false
		}
	}
	return true
}

// makesDirs matches the commands that put nothing into the directories that they name.
var makesDirs = regexp.MustCompile(`(?i)^\s*(run\s+(--\S+\s+)*)?(sudo\s+)?(mkdir|chmod|chown|chgrp|ls|test|\[|install\s+-d)\s`)

// worksWith reports whether a step names a directory in another command than those that make
// it, by its path, by one from the working directory, or by a variable.
func (p *Pass) worksWith(in *dockerfile.Instruction, name string) bool {
	moment := p.End.Before[in]
	text := in.Original
	for _, h := range in.Heredocs {
		text += "\n" + h.Content
	}
	rel := ""
	if moment.Workdir != "/" && imagepath.Below(name, moment.Workdir) {
		rel = strings.TrimPrefix(strings.TrimPrefix(name, moment.Workdir), "/")
	}
	for command := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '&' || r == ';' || r == '|' || r == '\n' }) {
		if makesDirs.MatchString(command) && !strings.Contains(command, ">") {
			continue
		}
		if holdsWord(command, name) || rel != "" && holdsWord(command, rel) || strings.Contains(command, "$_") {
			return true
		}
		for _, m := range entry.UsedVariable.FindAllStringSubmatch(command, -1) {
			if v, ok := moment.Env.Get(m[2]); ok && path.IsAbs(v) && (imagepath.Below(path.Clean(v), name) || imagepath.Below(name, path.Clean(v))) {
				return true
			}
		}
	}
	return false
}

// holdsWord reports whether a text names a path, or one below it.
func holdsWord(text, name string) bool {
	part := func(b byte) bool {
		return b == '_' || b == '-' || b == '.' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
	}
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(name)
		before := start > 0 && part(text[start-1]) && !strings.HasSuffix(text[:start], "-C")
		if !before && (end == len(text) || !part(text[end])) {
			return true
		}
		from = end
	}
}

// somePath matches absolute paths in texts.
var somePath = regexp.MustCompile(`/[A-Za-z0-9_.+-][A-Za-z0-9_./+-]*`)

// namedAtStart are the paths, and the directories above them, that the command of the image,
// its start scripts, its environment and its services name.
func (p *Pass) namedAtStart() map[string]bool {
	if p.memo.named != nil {
		return p.memo.named
	}
	named := map[string]bool{}
	note := func(text string) {
		for _, name := range somePath.FindAllString(text, -1) {
			if len(name) > maxNamed {
				continue
			}
			for dir := path.Clean(name); dir != "/" && !named[dir]; dir = path.Dir(dir) {
				named[dir] = true
			}
		}
	}
	for _, w := range slices.Concat(p.Entry.Argv, slices.Concat(p.argvs()...)) {
		note(w)
	}
	for _, script := range p.Entry.Scripts {
		text, _ := p.FileOf(p.End.Resolve(script))
		note(text)
	}
	for key, v := range p.ownEnv() {
		if !strings.HasSuffix(key, "PATH") || toldVariable.MatchString(key) {
			note(v)
		}
	}
	for _, svc := range p.opts.Siblings.Services {
		for _, w := range slices.Concat(svc.Entrypoint, svc.Command) {
			note(w)
		}
	}
	p.memo.named = named
	return named
}
