package content

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

// MovedFile returns the text of a file that steps have put where it is.
func (im *Image) MovedFile(name string) (string, bool) {
	if im.moved == nil {
		im.moved = map[string]*string{}
	}
	found, known := im.moved[name]
	if !known {
		if text, ok := im.findMoved(name); ok {
			found = &text
		}
		im.moved[name] = found
	}
	if found == nil {
		return "", false
	}
	return *found, true
}

func (im *Image) findMoved(name string) (string, bool) {
	for i := len(im.End.Moves) - 1; i >= 0; i-- {
		from := im.End.Moves[i].Origin(name)
		if from == "" || len(from) > imagepath.MaxPath {
			continue
		}
		if text, ok := im.FileOf(from); ok {
			return text, true
		}
		name = from
	}
	return "", false
}

// FileOf returns the text of the file at an absolute path of the image, as far as anybody can
// know it without building.
func (im *Image) FileOf(name string) (string, bool) {
	if text, ok := im.End.Texts[name]; ok {
		return text, true
	}
	for i := len(im.End.Copies) - 1; i >= 0; i-- {
		c := im.End.Copies[i]
		if c.Opaque {
			continue
		}
		if text, ok := im.fromCopy(c, name); ok {
			return text, true
		}
	}
	text, ok := im.Base.Scripts[name]
	if ok && im.replaced(name) {
		return "", false
	}
	return text, ok
}

// BaseScript reports whether a file is a script of the base, and the one that it brought.
func (im *Image) BaseScript(name string) bool {
	_, ok := im.Base.Scripts[name]
	return ok && !im.replaced(name)
}

// replaced reports whether the file puts another in the place of one of the base, by its name:
// what is known of that says nothing of this one.
func (im *Image) replaced(name string) bool {
	if _, ok := im.End.Texts[name]; ok {
		return true
	}
	return slices.ContainsFunc(im.End.Copies, func(c simulate.Copy) bool {
		return !c.Opaque && slices.ContainsFunc(c.Sources, func(src string) bool { return c.Target(src) == name })
	})
}

// StartsAsBase reports whether the image starts by the entry point of its base, as the base
// brought it: its ENTRYPOINT may have got another script.
func (im *Image) StartsAsBase() bool {
	return im.End.InheritsEntrypoint() && !slices.ContainsFunc(im.End.Entrypoint.Words, func(w string) bool {
		if path.IsAbs(w) {
			return im.replaced(path.Clean(w))
		}
		return !strings.Contains(w, "/") && slices.ContainsFunc(im.End.SearchPath(), func(dir string) bool { return im.replaced(path.Join(dir, w)) })
	})
}

func (im *Image) fromCopy(c simulate.Copy, name string) (string, bool) {
	dest := path.Clean(c.Dest)
	for _, h := range c.By.Heredocs {
		if c.Target(h.Name) == name {
			return h.Content, true
		}
	}
	if im.Context == nil {
		return "", false
	}
	if c.From != "" {
		return im.fromStage(c, name)
	}
	if c.Parents {
		return im.ContextFile(c.ParentsSource(name))
	}
	for _, src := range im.Sources(c) {
		if c.Target(src) == name {
			if text, ok := im.ContextFile(src); ok {
				return text, true
			}
		}
		if rel, ok := strings.CutPrefix(name, strings.TrimSuffix(dest, "/")+"/"); ok {
			// The source may be a directory, whose content is copied.
			if text, ok := im.ContextFile(path.Join(src, rel)); ok {
				return text, true
			}
		}
	}
	return "", false
}

// fromStage finds the text of a file that a COPY --from takes from another stage, which has
// it from the build context: what no step there names is as it was.
func (im *Image) fromStage(c simulate.Copy, name string) (string, bool) {
	st := im.Doc.CopyFrom(c.By.Stage, c.From)
	if st == nil || st.Index >= c.By.Stage.Index || !imagepath.Below(name, path.Clean(c.Dest)) {
		return "", false
	}
	for _, src := range c.Sources {
		src = path.Clean("/" + src)
		for _, at := range []string{src, path.Join(src, strings.TrimPrefix(name, path.Clean(c.Dest)))} {
			if at == src && c.Target(src) != name {
				continue
			}
			end := im.EndOf(st)
			if text, ok := end.Texts[at]; ok {
				return text, true
			}
			for _, origin := range slices.Backward(end.Copies) {
				if origin.Opaque || origin.By.Index >= c.By.Index || im.changedIn(st, at) {
					continue
				}
				if text, ok := im.fromCopy(origin, at); ok {
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
func (im *Image) changedIn(st *dockerfile.Stage, file string) bool {
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

// Sources returns the sources of a COPY from the build context, with the names that
// its patterns stand for.
func (im *Image) Sources(c simulate.Copy) []string {
	if got, ok := im.globs[c.By]; ok {
		return got
	}
	var out []string
	for _, src := range c.Sources {
		src = imagepath.InContext(src)
		if names, err := fs.Glob(im.Context, src); err == nil && len(names) > 0 && strings.ContainsAny(src, "*?[") {
			out = append(out, names...)
		} else {
			out = append(out, src)
		}
	}
	if im.globs == nil {
		im.globs = map[*dockerfile.Instruction][]string{}
	}
	im.globs[c.By] = out
	return out
}

// maxScript bounds how much of a script in the build context is read.
const maxScript = 256 << 10

// ContextFile returns the text of a regular file of the build context, up to maxScript bytes.
func (im *Image) ContextFile(name string) (string, bool) {
	if name == "" || !fs.ValidPath(name) {
		return "", false
	}
	return ReadText(im.Context, name)
}

// ReadText reads a regular file of the build context, up to maxScript bytes.
func ReadText(fsys fs.FS, name string) (string, bool) {
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

// OfApplication returns the text of a file of the build context that another stage has
// copied, and this one from there.
func (im *Image) OfApplication(name string) (string, bool) {
	if im.Context == nil {
		return "", false
	}
	for _, c := range slices.Backward(im.End.Copies) {
		if c.Opaque {
			continue
		}
		for _, app := range im.AppDirs(c) {
			rel, ok := strings.CutPrefix(name, app.Image+"/")
			if file := path.Join(app.Context, rel); ok && fs.ValidPath(file) {
				if text, ok := im.ContextFile(file); ok {
					return text, true
				}
			}
		}
	}
	return "", false
}

// CopiedFile returns the instruction that copies a file known to be in the image:
// a script that opens it for writing needs the file itself, not only its directory.
func (im *Image) CopiedFile(name string) *dockerfile.Instruction {
	for _, c := range slices.Backward(im.End.Copies) {
		if c.Opaque || c.UID.Known && c.UID.N != 0 {
			continue
		}
		if _, ok := im.fromCopy(c, name); ok {
			return c.By
		}
	}
	return nil
}
