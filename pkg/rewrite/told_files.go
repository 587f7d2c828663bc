package rewrite

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A configFile is a file that may tell a program what it writes.
type configFile struct {
	name string // its path in the image, or in the stage that builds something of it
	from string // its path in the build context, "" where the text is at hand
	text string
	// built says that the image has what a build made of it, and not the file itself.
	built bool
}

// maxConfigs bounds how many of them are looked at, and maxStages through how many stages a
// copy is followed.
const (
	maxConfigs = 200
	maxStages  = 3
)

// configFiles returns the files that copies, steps and heredocs bring and that any of the
// readers looks for, in the order of the file.
func (p *Pass) configFiles() []configFile {
	w := configWalk{Pass: p, left: maxAppEntries, seen: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(p.End.Texts)) {
		w.note(configFile{name: name, text: p.End.Texts[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(p.Entry.Texts)) {
		w.note(configFile{name: name, text: p.Entry.Texts[name]})
	}
	for _, c := range p.End.Copies {
		w.copy(c, false, 0)
	}
	return w.found
}

// A configWalk collects the files.
type configWalk struct {
	*Pass
	left  int // how many entries of directories may still be looked at
	seen  map[string]bool
	found []configFile
}

// configEnding are the endings of all files that the readers look for, which is asked before
// they are: expressions cost more.
var configEnding = map[string]bool{".py": true, ".ini": true, ".conf": true, ".cfg": true, ".json": true, ".yml": true, ".yaml": true, ".rb": true,
	".xml": true, ".properties": true, ".js": true, ".cjs": true, ".caddy": true, ".config": true, ".toml": true, ".local": true, ".options": true}

func (w *configWalk) note(f configFile) {
	if w.seen[f.name] || len(w.found) >= maxConfigs || !configEnding[strings.ToLower(path.Ext(f.name))] && !strings.Contains(f.name, "Caddyfile") || !slices.ContainsFunc(configReaders, func(r configReader) bool { return r.files.MatchString(f.name) }) {
		return
	}
	w.seen[f.name] = true
	w.found = append(w.found, f)
}

// copy looks through what one copy brings, of the build context or of another stage.
func (w *configWalk) copy(c simulate.Copy, built bool, depth int) {
	if c.Opaque {
		return
	}
	for _, h := range c.By.Heredocs {
		w.note(configFile{name: c.Target(h.Name), text: h.Content, built: built})
	}
	switch {
	case c.From != "":
		st := w.Doc.CopyFrom(c.By.Stage, c.From)
		if st == nil || st.Index >= c.By.Stage.Index || depth >= maxStages {
			return
		}
		for _, origin := range w.EndOf(st).Copies {
			w.copy(w.throughStage(c, origin), !keepsPlace(c, origin), depth+1)
		}
	case w.Context != nil:
		for _, src := range w.Sources(c) {
			w.source(c, src, built)
			if root, ok := projectOf(src); ok && depth == 0 {
				w.tree(root, path.Join("/", root), true, 0)
			}
		}
	}
}

// keepsPlace reports whether a copy of another stage takes along what an earlier one brought
// there, as it was.
func keepsPlace(c, origin simulate.Copy) bool {
	return slices.ContainsFunc(c.Sources, func(src string) bool { return imagepath.Below(path.Clean(origin.Dest), path.Clean("/"+src)) })
}

// throughStage is a copy into another stage with the place that its files get here.
func (w *configWalk) throughStage(c, origin simulate.Copy) simulate.Copy {
	for _, src := range c.Sources {
		src = path.Clean("/" + src)
		if rel, ok := strings.CutPrefix(path.Clean(origin.Dest), src); ok && (rel == "" || rel[0] == '/' || src == "/") {
			slash := ""
			if strings.HasSuffix(origin.Dest, "/") {
				slash = "/"
			}
			origin.Dest = path.Join(c.Dest, rel) + slash
			break
		}
	}
	return origin
}

// source looks at one source of a copy: a file, or what is in a directory.
func (w *configWalk) source(c simulate.Copy, src string, built bool) {
	if !fs.ValidPath(src) {
		return
	}
	info, err := fs.Stat(w.Context, src)
	switch {
	case err != nil:
	case info.IsDir():
		w.tree(src, path.Clean(c.Dest), built, 0)
	default:
		w.note(configFile{name: c.Target(src), from: src, built: built})
	}
}

// tree looks through a directory of the build context.
func (w *configWalk) tree(dir, image string, built bool, depth int) {
	if !fs.ValidPath(dir) || w.left <= 0 {
		return
	}
	entries, err := fs.ReadDir(w.Context, dir)
	if w.left -= len(entries); err != nil || w.left < 0 {
		return
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case !e.IsDir():
			w.note(configFile{name: path.Join(image, e.Name()), from: name, built: built})
		case depth < maxAppDepth && !aside[strings.ToLower(e.Name())] && !strings.HasPrefix(e.Name(), "."):
			w.tree(name, path.Join(image, e.Name()), built, depth+1)
		}
	}
}

// archiveOf matches where the build tools of Java put what they build.
var archiveOf = regexp.MustCompile(`^(.*?)/?(?:target|build/libs|build/install)(?:/|$)`)

// projectOf returns the directory of the sources of what a build outside of the image has
// made: target/app.jar is that of the project that it lies in.
func projectOf(src string) (string, bool) {
	m := archiveOf.FindStringSubmatch(src)
	if m == nil {
		return "", false
	}
	return path.Join(m[1], "src/main/resources"), true
}

// startsProject reports whether the assembly that the image starts is built of the project
// that a file lies in.
func (p *Pass) startsProject(f configFile) bool {
	if p.Context == nil || f.from == "" {
		return false
	}
	entries, err := fs.ReadDir(p.Context, path.Dir(f.from))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		name, ok := strings.CutSuffix(e.Name(), "proj")
		project := strings.TrimSuffix(name, path.Ext(name))
		return ok && slices.ContainsFunc(slices.Concat(p.argvs()...), func(w string) bool {
			return strings.TrimSuffix(path.Base(w), ".dll") == project
		})
	})
}
