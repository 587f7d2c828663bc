package rewrite

import (
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// locate finds the text of a file of the image: what COPY took from the build
// context or holds as a heredoc, and the scripts of the base image.
func (r *entryReader) locate(name string) (p, text string, ok bool) {
	for _, c := range r.candidates(name) {
		for _, at := range []string{c, r.End.Resolve(c)} {
			if text, ok := r.fileOf(at); ok {
				return c, text, true
			}
			if text, ok := r.movedFile(at); ok {
				return c, text, true
			}
		}
	}
	return "", "", false
}

// candidates returns the paths at which a file is looked for by a name.
func (r *entryReader) candidates(name string) []string {
	switch {
	case path.IsAbs(name):
		return []string{path.Clean(name)}
	case strings.Contains(name, "/"):
		return []string{imagepath.Abs(r.dir, name)}
	}
	var out []string
	for _, dir := range r.End.SearchPath() {
		out = append(out, path.Join(dir, name))
	}
	return append(out, imagepath.Abs(r.dir, name))
}

// movedFile returns the text of a file that steps have put where it is.
func (p *Pass) movedFile(name string) (string, bool) {
	if p.memo.moved == nil {
		p.memo.moved = map[string]*string{}
	}
	found, known := p.memo.moved[name]
	if !known {
		if text, ok := p.findMoved(name); ok {
			found = &text
		}
		p.memo.moved[name] = found
	}
	if found == nil {
		return "", false
	}
	return *found, true
}

func (p *Pass) findMoved(name string) (string, bool) {
	for i := len(p.End.Moves) - 1; i >= 0; i-- {
		from := p.End.Moves[i].Origin(name)
		if from == "" || len(from) > imagepath.MaxPath {
			continue
		}
		if text, ok := p.fileOf(from); ok {
			return text, true
		}
		name = from
	}
	return "", false
}

func (p *Pass) fileOf(name string) (string, bool) {
	if text, ok := p.End.Texts[name]; ok {
		return text, true
	}
	for i := len(p.End.Copies) - 1; i >= 0; i-- {
		c := p.End.Copies[i]
		if c.Opaque {
			continue
		}
		if text, ok := p.fromCopy(c, name); ok {
			return text, true
		}
	}
	text, ok := p.Base.Scripts[name]
	return text, ok
}

func (p *Pass) fromCopy(c simulate.Copy, name string) (string, bool) {
	dest := path.Clean(c.Dest)
	for _, h := range c.By.Heredocs {
		if c.Target(h.Name) == name {
			return h.Content, true
		}
	}
	if p.opts.Context == nil {
		return "", false
	}
	if c.From != "" {
		return p.fromStage(c, name)
	}
	if c.Parents {
		return p.contextFile(c.ParentsSource(name))
	}
	for _, src := range p.sources(c) {
		if c.Target(src) == name {
			if text, ok := p.contextFile(src); ok {
				return text, true
			}
		}
		if rel, ok := strings.CutPrefix(name, strings.TrimSuffix(dest, "/")+"/"); ok {
			// The source may be a directory, whose content is copied.
			if text, ok := p.contextFile(path.Join(src, rel)); ok {
				return text, true
			}
		}
	}
	return "", false
}

// fromStage finds the text of a file that a COPY --from takes from another stage, which has
// it from the build context: what no step there names is as it was.
func (p *Pass) fromStage(c simulate.Copy, name string) (string, bool) {
	st := p.Doc.CopyFrom(c.By.Stage, c.From)
	if st == nil || st.Index >= c.By.Stage.Index || !imagepath.Below(name, path.Clean(c.Dest)) {
		return "", false
	}
	for _, src := range c.Sources {
		src = path.Clean("/" + src)
		for _, at := range []string{src, path.Join(src, strings.TrimPrefix(name, path.Clean(c.Dest)))} {
			if at == src && c.Target(src) != name {
				continue
			}
			end := p.endOf(st)
			if text, ok := end.Texts[at]; ok {
				return text, true
			}
			for _, origin := range slices.Backward(end.Copies) {
				if origin.Opaque || origin.By.Index >= c.By.Index || p.changedIn(st, at) {
					continue
				}
				if text, ok := p.fromCopy(origin, at); ok {
					return text, true
				}
			}
		}
	}
	return "", false
}

// keepsText matches the commands that leave what a script does as it is.
var keepsText = regexp.MustCompile(`(?i)^\s*(run\s+(--\S+\s+)*)?(chmod|dos2unix|chown|cat|ls|sh|bash)\s`)

// changedIn reports whether a step of a stage names a file and may change it.
func (p *Pass) changedIn(st *dockerfile.Stage, file string) bool {
	base := path.Base(file)
	return slices.ContainsFunc(st.Instructions, func(in *dockerfile.Instruction) bool {
		if in.Keyword != "RUN" || !strings.Contains(in.Original, base) {
			return false
		}
		for command := range strings.FieldsFuncSeq(in.Original, func(r rune) bool { return r == '&' || r == ';' || r == '|' || r == '\n' }) {
			if strings.Contains(command, base) && (!keepsText.MatchString(command) || strings.Contains(command, ">")) {
				return true
			}
		}
		return false
	})
}

// sources returns the sources of a COPY from the build context, with the names that
// its patterns stand for.
func (p *Pass) sources(c simulate.Copy) []string {
	if got, ok := p.memo.sources[c.By]; ok {
		return got
	}
	var out []string
	for _, src := range c.Sources {
		src = imagepath.InContext(src)
		if names, err := fs.Glob(p.opts.Context, src); err == nil && len(names) > 0 && strings.ContainsAny(src, "*?[") {
			out = append(out, names...)
		} else {
			out = append(out, src)
		}
	}
	if p.memo.sources == nil {
		p.memo.sources = map[*dockerfile.Instruction][]string{}
	}
	p.memo.sources[c.By] = out
	return out
}

// maxScript bounds how much of a script in the build context is read.
const maxScript = 256 << 10

func (p *Pass) contextFile(name string) (string, bool) {
	if name == "" || !fs.ValidPath(name) {
		return "", false
	}
	return readText(p.opts.Context, name)
}

// readText reads a regular file of the build context, up to maxScript bytes.
func readText(fsys fs.FS, name string) (string, bool) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxScript {
		return "", false
	}
	text, err := io.ReadAll(io.LimitReader(f, maxScript))
	return string(text), err == nil
}
