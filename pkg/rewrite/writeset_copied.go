package rewrite

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// lastReset returns the last COPY or ADD into a directory above a path that may bring the
// path along, as root's: a copy keeps the owner of the directory that it copies into, but
// not that of directories below it (BuildKit's fsutil/copy; the classic builder unpacks an
// archive).
func (p *Pass) lastReset(name string) *dockerfile.Instruction {
	var last *dockerfile.Instruction
	for _, c := range p.End.Copies {
		if dest := path.Clean(c.Dest); c.By.Stage == p.Stage && !c.Opaque && dest != name && imagepath.Below(name, dest) && p.mayBring(c, name) {
			last = p.later(last, c.By)
		}
	}
	return last
}

// mayBring reports whether a copy brings a path below its destination, as far as its
// sources tell: those of the build context can be asked, others by their names.
func (p *Pass) mayBring(c simulate.Copy, name string) bool {
	if c.UID.Known && c.UID.N != 0 && p.User.UID.Known && c.UID == p.User.UID {
		return false
	}
	if len(c.By.Heredocs) > 0 {
		return false
	}
	rel := strings.TrimPrefix(strings.TrimPrefix(name, path.Clean(c.Dest)), "/")
	if c.From != "" || !p.hasContext() || c.By.Keyword == "ADD" && slices.ContainsFunc(c.Sources, content.Archive) {
		return slices.ContainsFunc(c.Sources, func(src string) bool {
			switch {
			case c.Target(src) == name, content.Archive(src) && c.By.Keyword == "ADD", strings.HasSuffix(src, "/"), strings.HasSuffix(src, "/."), src == ".":
				return true
			}
			// A name without an ending is a directory more often than not, but for the
			// programs that go to the top or to /usr/local/bin.
			return path.Ext(src) == "" && !strings.HasSuffix(src, "file") && !imagepath.Standard[path.Clean(c.Dest)]
		})
	}
	return slices.ContainsFunc(p.Sources(c), func(src string) bool {
		if c.Target(src) == name {
			return true
		}
		_, err := fs.Stat(p.Context, path.Join(src, rel))
		return err == nil && fs.ValidPath(path.Join(src, rel))
	})
}

// hasContext reports whether a build context is at hand: a directory with nothing but the
// Dockerfile is that of a file that was looked at by itself.
func (p *Pass) hasContext() bool {
	if p.Context == nil {
		return false
	}
	entries, err := fs.ReadDir(p.Context, ".")
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		name := strings.ToLower(e.Name())
		return e.IsDir() && name != ".git" || !e.IsDir() && !strings.Contains(name, "dockerfile") && !strings.HasPrefix(name, "readme") && !strings.HasPrefix(name, ".")
	})
}

// Bounds for the walk through an application.
const (
	maxAppDepth   = 4
	maxAppEntries = 2000
)

// aside are directories of an application that the running program does not write: what is
// in them is for the people who work on it, or comes from a package manager.
var aside = map[string]bool{"node_modules": true, "vendor": true, "test": true, "tests": true, "__tests__": true, "spec": true, "fixtures": true,
	"docs": true, "doc": true, "examples": true, "samples": true, "migrations": true, "site-packages": true, "target": true}

// servesFiles reports whether the image starts a server that only reads what is copied.
func (p *Pass) servesFiles() bool {
	main, ok := p.Entry.Main()
	return ok && slices.Contains([]string{"nginx", "caddy", "lighttpd", "apache2", "httpd"}, main.Program.Name) && !p.End.HasPackage("php") && !strings.Contains(p.Repository(), "php")
}

// copiedState adds what an application brings along to be written: directories that are
// kept in the repository although nothing is in them, and databases of SQLite. These need
// their directory as well, for the journal (sqlite.org/tempfiles.html).
func (p *Pass) copiedState(app content.AppDir, add func(writePath)) {
	left := maxAppEntries
	after := p.inStage(app.Copy.By)
	var walk func(dir string, depth int)
	walk = func(dir string, depth int) {
		entries, err := fs.ReadDir(p.Context, dir)
		if left -= len(entries); err != nil || left < 0 {
			return
		}
		image := path.Join(app.Image, strings.TrimPrefix(dir, app.Context))
		if app.Context == "." {
			image = path.Join(app.Image, dir)
		}
		if depth > 0 && p.keptEmpty(dir, entries) {
			add(writePath{path: image, why: "empty in the build context", exist: !app.Built, after: after})
		}
		if depth == 1 && keptData(dir, entries) {
			add(writePath{path: image, why: "data files in the build context", tree: true, exist: !app.Built, after: after})
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			switch {
			case e.IsDir() && depth < maxAppDepth && !aside[strings.ToLower(e.Name())] && !strings.HasPrefix(e.Name(), "."):
				walk(name, depth+1)
			case databaseFile.MatchString(e.Name()) && p.isDatabase(name):
				const why = "a database of SQLite"
				add(writePath{path: path.Join(image, e.Name()), why: why, file: true, exist: !app.Built, after: after})
				if !imagepath.Standard[image] {
					add(writePath{path: image, why: why, exist: !app.Built, after: after})
				}
			case e.Name() == "schema.prisma":
				p.prismaState(name, image, after, add)
			case sourceCode.MatchString(e.Name()) && !notRunning.MatchString(e.Name()):
				s := source{name: name, image: path.Join(image, e.Name())}
				if app.Beside {
					s.image = ""
				}
				p.readSource(s)
			}
		}
	}
	p.readStarted(app)
	walk(app.Context, 0)
}

// readStarted reads the source that the image starts before others of its application: of a
// large one not all are read.
func (p *Pass) readStarted(app content.AppDir) {
	for _, w := range p.Entry.Argv {
		image := imagepath.Abs(p.End.Workdir, w)
		if !app.Beside && sourceCode.MatchString(w) && image != app.Image && imagepath.Below(image, app.Image) {
			p.readSource(source{name: path.Join(app.Context, strings.TrimPrefix(image, app.Image)), image: image, started: true})
		}
	}
}

// keptEmpty reports whether a directory of the build context has nothing in it but what
// keeps it in a repository, and is named like one for data or keeps itself out.
func (p *Pass) keptEmpty(dir string, entries []fs.DirEntry) bool {
	self := false
	for _, e := range entries {
		switch e.Name() {
		case ".gitkeep", ".keep", ".empty", ".placeholder", "README.md":
		case ".gitignore":
			text, ok := p.ContextFile(path.Join(dir, ".gitignore"))
			self = ok && ignoresAll.MatchString(text)
		default:
			return false
		}
	}
	return self || len(entries) > 0 && dataNames[strings.ToLower(path.Base(dir))]
}

// Bounds for data that changes owner with its directory: what is larger is there to be read.
const (
	maxDataFiles = 20
	maxDataSize  = 1 << 20
)

// keptData reports whether a directory of the build context is called like one in which an
// application keeps what it writes, and holds a few files of data and nothing else.
func keptData(dir string, entries []fs.DirEntry) bool {
	if !stateNames[strings.ToLower(path.Base(dir))] || len(entries) > maxDataFiles {
		return false
	}
	data, size := false, int64(0)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".git") || e.Name() == ".keep" || e.Name() == "README.md" {
			continue
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !dataFile.MatchString(e.Name()) {
			return false
		}
		data, size = data || !databaseFile.MatchString(e.Name()), size+info.Size() // databases are found by themselves
	}
	return data && size <= maxDataSize
}

// stateNames are what people call the directory that their application writes, at its top.
var stateNames = map[string]bool{"data": true, "db": true, "database": true, "storage": true, "sessions": true}

var (
	dataFile     = regexp.MustCompile(`(?i)\.(json|jsonl|ndjson|csv|tsv|db3?|sqlite3?|dat|txt|log)$`)
	ignoresAll   = regexp.MustCompile(`(?m)^/?\*\s*$`)
	databaseFile = regexp.MustCompile(`\.(db3?|sqlite3?|s3db)$`)
	// prismaSQLite and prismaURL read a schema (prisma.io/docs/orm/overview/databases/sqlite).
	prismaSQLite = regexp.MustCompile(`(?m)^\s*provider\s*=\s*"sqlite"`)
	prismaURL    = regexp.MustCompile(`(?m)^\s*url\s*=\s*(?:"file:([^"?]+)|env\("([A-Za-z0-9_]+)"\))`)
)

// isDatabase reports whether a file of the build context is a database of SQLite by its
// name or its first bytes, or an empty file, which SQLite takes for one.
func (p *Pass) isDatabase(name string) bool {
	if strings.Contains(path.Ext(name), "sqlite") {
		return true
	}
	f, err := p.Context.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 16)
	n, err := io.ReadFull(f, head)
	return n == 0 && err == io.EOF || bytes.Equal(head[:n], []byte("SQLite format 3\x00"))
}

// prismaState adds the directory of the SQLite file that a schema of Prisma names: a path
// relative to the schema.
func (p *Pass) prismaState(schema, dir string, after *dockerfile.Instruction, add func(writePath)) {
	text, ok := p.ContextFile(schema)
	if !ok || !prismaSQLite.MatchString(text) {
		return
	}
	m := prismaURL.FindStringSubmatch(text)
	if m == nil {
		return
	}
	file := m[1]
	if m[2] != "" {
		url, _ := p.End.Env.Get(m[2])
		file, _, _ = strings.Cut(strings.TrimPrefix(url, "file:"), "?")
		if !strings.HasPrefix(url, "file:") {
			return
		}
	}
	if of := path.Dir(imagepath.Abs(dir, file)); !imagepath.Standard[of] && !imagepath.Protected(of) {
		add(writePath{path: of, why: "Prisma's database of SQLite", after: after})
	}
}

// fillsVolume returns the last COPY or ADD that brings files to a VOLUME of the file, or the
// step that moves them there: they are its first content, and the program's as the rest will
// be.
func (p *Pass) fillsVolume(v string) *dockerfile.Instruction {
	var last *dockerfile.Instruction
	v = p.End.Real(v)
	for _, c := range p.End.Copies {
		if c.By.Stage != p.Stage || c.Opaque || c.UID.Known && c.UID.N != 0 {
			continue
		}
		dest := path.Clean(c.Dest)
		if imagepath.Below(dest, v) || dest != "/" && imagepath.Below(v, dest) && p.hasContext() && p.mayBring(c, v) {
			last = p.later(last, c.By)
		}
		for _, m := range p.End.Moved {
			if m.By.Stage == p.Stage && m.By.Index > c.By.Index && p.movesInto(v, m, c) {
				last = p.later(last, m.By)
			}
		}
	}
	return last
}

// movesInto reports whether a step moves what a copy brings to a directory.
func (p *Pass) movesInto(dir string, m simulate.Relocation, c simulate.Copy) bool {
	if !imagepath.Below(dir, m.To) && !imagepath.Below(m.To, dir) {
		return false
	}
	names := []string{path.Clean(c.Dest)}
	for _, src := range c.Sources {
		names = append(names, c.Target(src))
	}
	if dest := names[0]; dest != "/" && imagepath.Below(m.From, dest) && !strings.ContainsAny(m.From, "*?[") && p.hasContext() && p.mayBring(c, m.From) {
		names = append(names, m.From)
	}
	return slices.ContainsFunc(names, func(name string) bool {
		to := m.Target(name)
		return to != "" && imagepath.Below(to, dir)
	})
}

// entriesOf returns the names in a directory of the build context.
func (p *Pass) entriesOf(dir string) (names []string) {
	if p.Context == nil || !fs.ValidPath(dir) {
		return nil
	}
	entries, _ := fs.ReadDir(p.Context, dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
