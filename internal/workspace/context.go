package workspace

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/dockharden/harden/internal/dockerfile"
)

// Stdin returns the File that stands for standard input: a Dockerfile in the
// working directory.
func Stdin() (*File, error) {
	cwd, err := WorkingDirectory()
	if err != nil {
		return nil, err
	}
	return &File{Path: "Dockerfile", Abs: filepath.Join(cwd, "Dockerfile"), tree: cwd, rel: "Dockerfile"}, nil
}

// FindContext returns the directory that most likely is the build context of a
// Dockerfile, "" when none is at hand: of the file's directory and those above
// it, up to the root of the repository or the given tree, the one with most of
// the files that COPY and ADD name, which CopySources returns. The nearest wins a tie.
func (f *File) FindContext(sources []string) string {
	if len(sources) == 0 {
		return f.Dir()
	}
	top := repositoryOf(f.Dir())
	if top == "" || within(top, f.tree) && len(f.tree) < len(top) {
		top = f.tree
	}
	best, most := "", 0
	for dir := f.Dir(); within(top, dir); dir = filepath.Dir(dir) {
		if n := present(dir, sources); n > most {
			best, most = dir, n
		}
		if most == len(sources) || dir == filepath.Dir(dir) {
			break
		}
	}
	return best
}

// CopySources returns what the file copies from its context, as far as that
// says anything about the context: not "." or "*", not what depends on variables,
// and not a pattern for the name of a directory.
func CopySources(doc *dockerfile.Document) []string {
	const enough = 50
	var sources []string
	for _, in := range doc.Instructions {
		if in.Keyword != "COPY" && in.Keyword != "ADD" || len(in.Args) < 2 || len(sources) > enough {
			continue
		}
		if _, other := in.Flag("from"); other {
			continue
		}
		for _, arg := range in.Args[:len(in.Args)-1] {
			src := strings.TrimPrefix(path.Clean("/"+strings.Trim(arg, `"'`)), "/")
			if src == "" || strings.ContainsAny(src, "$<") || strings.Contains(arg, "://") || strings.HasPrefix(arg, "git@") {
				continue
			}
			if src == "*" || isPattern(path.Dir(src)) {
				continue
			}
			sources = append(sources, src)
		}
	}
	return sources
}

// present counts the sources that exist below dir.
func present(dir string, sources []string) int {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0
	}
	defer root.Close()
	n := 0
	for _, src := range sources {
		if isPattern(src) {
			if matches(root, src) {
				n++
			}
		} else if _, err := root.Stat(filepath.FromSlash(src)); err == nil {
			n++
		}
	}
	return n
}

func isPattern(src string) bool { return strings.ContainsAny(src, "*?[") }

// matches reports whether a file below root has a name that a pattern of COPY fits.
func matches(root *os.Root, pattern string) bool {
	dir, err := root.Open(filepath.FromSlash(path.Dir(pattern)))
	if err != nil {
		return false
	}
	defer dir.Close()
	for {
		const some = 256
		names, err := dir.Readdirnames(some) // ReadDir would look at each file (os.Root)
		for _, name := range names {
			if fits, _ := path.Match(path.Base(pattern), name); fits {
				return true
			}
		}
		if err != nil {
			return false
		}
	}
}

// OpenContext returns the build context in a directory, as the builder sees
// it: without what .dockerignore leaves out, and with no link that leads out.
// dockerfile is the name of the Dockerfile: NAME.dockerignore beside it counts
// before .dockerignore (docs.docker.com, Build context).
func (f *File) OpenContext(dir string) fs.FS {
	c := &contextFS{dir: dir}
	for _, ignore := range []struct{ dir, name string }{
		{f.Dir(), filepath.Base(f.Abs) + ".dockerignore"},
		{dir, ".dockerignore"},
	} {
		patterns, err := readIgnore(ignore.dir, ignore.name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		// A file that cannot be read, or a pattern that is not one, leaves
		// nothing out: the builder would stop there, and says so itself.
		if m, err := patternmatcher.New(patterns); err == nil {
			c.ignore = m
		}
		break
	}
	return c
}

func readIgnore(dir, name string) ([]string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	src, err := readRegular(root, name)
	if err != nil {
		return nil, err
	}
	return ignorefile.ReadAll(bufio.NewReader(strings.NewReader(string(src))))
}

// A contextFS is a build context. It opens its directory for every file
// rather than holding it open: a run has thousands of contexts.
type contextFS struct {
	dir    string
	ignore *patternmatcher.PatternMatcher // nil ignores nothing
}

// Open opens a regular file or a directory. Other files it does not even
// touch: opening a named pipe would wait for a writer.
func (c *contextFS) Open(name string) (fs.File, error) {
	root, _, err := c.find("open", name)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Open(filepath.FromSlash(name))
}

// Stat implements fs.StatFS: what Open would open.
func (c *contextFS) Stat(name string) (fs.FileInfo, error) {
	root, info, err := c.find("stat", name)
	if err != nil {
		return nil, err
	}
	return info, root.Close()
}

// find returns the directory of the context, opened, and what is known of a file in it.
func (c *contextFS) find(op, name string) (*os.Root, fs.FileInfo, error) {
	if !fs.ValidPath(name) || c.ignored(name) {
		return nil, nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	root, err := os.OpenRoot(c.dir)
	if err != nil {
		return nil, nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	info, err := root.Stat(filepath.FromSlash(name))
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: op, Path: name, Err: errNotRegular}
	}
	if err != nil {
		root.Close()
		return nil, nil, err
	}
	return root, info, nil
}

// ReadDir implements fs.ReadDirFS, so that listings leave out what Open does.
func (c *contextFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := c.list(name)
	kept := entries[:0]
	for _, e := range entries {
		if !c.ignored(path.Join(name, e.Name())) {
			kept = append(kept, e)
		}
	}
	return kept, err
}

// list lists a directory. The one at the top is not opened by way of itself.
func (c *contextFS) list(name string) ([]fs.DirEntry, error) {
	if name == "." {
		return os.ReadDir(c.dir)
	}
	file, err := c.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	dir, ok := file.(fs.ReadDirFile)
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	return dir.ReadDir(-1)
}

func (c *contextFS) ignored(name string) bool {
	if c.ignore == nil || name == "." {
		return false
	}
	ignored, err := c.ignore.MatchesOrParentMatches(name)
	return err == nil && ignored
}
