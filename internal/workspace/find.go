package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// Options says which files Find takes.
type Options struct {
	// All includes vendored directories, test fixtures and what .gitignore
	// leaves out.
	All bool
	// Excluded reports whether a file is left alone by the configuration.
	// nil leaves none. It does not apply to files that are named.
	Excluded func(abs string) bool
	// Wanted says which other files are collected in Set.Others: Compose
	// files and the like, in the tree and, up to the root of the repository,
	// in the directories above it. The same files and the Dockerfiles in the
	// rest of the repository are collected in Set.Around. nil collects none.
	Wanted func(abs string) bool
	// Root is the root of the repository, where no .git shows it.
	Root string
	// MaxAround bounds Set.Around; 0 is 1,000 files.
	MaxAround int
}

// A Set is the Dockerfiles of a run, in the order of the arguments and, in
// directories, of their names.
type Set struct {
	Base   string // directory that the paths are relative to
	Files  []*File
	Others []*File
	Around []*File  // of the repository, and no part of the run
	Cut    bool     // there is more in the repository than was looked at
	Errors []*Error // of arguments and directories that cannot be read
}

// Find collects the Dockerfiles that paths name: files as they are, and those
// below directories.
func Find(paths []string, opts Options) (*Set, error) {
	cwd, err := WorkingDirectory()
	if err != nil {
		return nil, err
	}
	f := &finder{opts: opts, set: &Set{Base: cwd}, cwd: cwd, seen: map[string]bool{}, over: map[string]bool{}, walked: map[string]bool{}}
	for _, p := range paths {
		f.argument(p)
	}
	f.around()
	f.rebase()
	return f.set, nil
}

type finder struct {
	opts Options
	set  *Set
	cwd  string
	seen map[string]bool // by resolved path
	over map[string]bool // directories whose other files are collected

	starts []string        // directories that arguments are or are in
	walked map[string]bool // directories with all that is below them
}

// WorkingDirectory returns the real path of the current directory: git and
// patch compare names with that, not with the links that led here.
func WorkingDirectory() (string, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(cwd)
}

func (f *finder) fail(path string, err error) {
	e := newError(filepath.ToSlash(path), "reading", err)
	f.set.Errors = append(f.set.Errors, e)
}

func (f *finder) argument(path string) {
	info, err := os.Stat(path)
	if err != nil {
		f.fail(path, err)
		return
	}
	if info.IsDir() {
		f.directory(path)
		return
	}
	f.file(path)
}

// file takes a named file, whatever its name. A link may lead anywhere in the
// working directory, or in the file's own directory when that is elsewhere.
func (f *finder) file(path string) {
	abs, err := filepath.Abs(path)
	if err != nil {
		f.fail(path, err)
		return
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		f.fail(path, err)
		return
	}
	tree := dir
	switch {
	case f.opts.Root != "" && within(f.opts.Root, dir):
		tree = f.opts.Root
	case within(f.cwd, dir):
		tree = f.cwd
	}
	if err := f.add(tree, filepath.Join(dir, filepath.Base(abs))); err != nil {
		f.set.Errors = append(f.set.Errors, &Error{filepath.ToSlash(path), err.Msg, err.Hint})
		return
	}
	f.above(dir)
}

// above collects the other files in a directory and those above it, up to the
// root of the repository. Outside of one, as in an unpacked archive, it looks no further
// than the working directory, or than the directory itself when that is elsewhere.
func (f *finder) above(dir string) {
	if f.opts.Wanted == nil {
		return
	}
	f.starts = append(f.starts, dir)
	top := f.repository(dir)
	switch {
	case top != "":
	case within(f.cwd, dir):
		top = f.cwd
	default:
		top = dir
	}
	for ; !f.over[dir]; dir = filepath.Dir(dir) {
		f.over[dir] = true
		entries, _ := os.ReadDir(dir) // what cannot be read says nothing
		for _, e := range entries {
			if e.Type().IsRegular() && f.opts.Wanted(filepath.Join(dir, e.Name())) {
				f.other(dir, filepath.Join(dir, e.Name()))
			}
		}
		if dir == top {
			return
		}
	}
}

// repository returns the root of the repository that a directory is in, "" for none.
func (f *finder) repository(dir string) string {
	if f.opts.Root != "" && within(f.opts.Root, dir) {
		return f.opts.Root
	}
	return repositoryOf(dir)
}

func (f *finder) other(tree, abs string) {
	if !f.seen[abs] {
		f.seen[abs] = true
		f.set.Others = append(f.set.Others, f.newFile(tree, abs))
	}
}

func (f *finder) directory(path string) {
	abs, err := filepath.Abs(path)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		f.fail(path, err)
		return
	}
	before, errorsBefore := len(f.set.Files), len(f.set.Errors)
	excluded := f.walk(abs)
	f.walked[abs] = true
	f.above(abs)
	if len(f.set.Files) == before && len(f.set.Errors) == errorsBefore && !excluded && !f.seenBelow(abs) {
		f.set.Errors = append(f.set.Errors, noDockerfiles(filepath.ToSlash(path), f.opts.All))
	}
}

func noDockerfiles(path string, all bool) *Error {
	e := &Error{Path: path, Msg: "no Dockerfile in it or below it", Hint: "name the file itself"}
	if !all {
		e.Hint += ", or use --all to look into vendored, test and ignored directories, too"
	}
	return e
}

// seenBelow reports whether an earlier argument has taken a file below dir.
func (f *finder) seenBelow(dir string) bool {
	return slices.ContainsFunc(f.set.Files, func(file *File) bool { return within(dir, file.Abs) })
}

// walk takes the Dockerfiles below a directory. It does not follow links to
// directories: what they lead to inside the tree is found without them, and so
// there are no loops. It reports whether the configuration excluded any file.
func (f *finder) walk(tree string) (excluded bool) {
	ignore := newIgnores(tree)
	_ = filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			f.fail(f.display(path), err)
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			if path == tree {
				ignore.enter(path)
				return nil
			}
			if never[d.Name()] || !f.opts.All && (leftOut[d.Name()] || ignore.ignored(path, true)) {
				return fs.SkipDir
			}
			ignore.enter(path)
			return nil
		case !f.opts.All && ignore.ignored(path, false):
			return nil
		case f.opts.Wanted != nil && f.opts.Wanted(path) && d.Type().IsRegular():
			f.other(tree, path)
		}
		if !IsDockerfile(d.Name()) || d.Type()&^fs.ModeSymlink != 0 {
			return nil // a pipe or a device of that name is none of ours
		}
		if f.opts.Excluded != nil && f.opts.Excluded(path) {
			excluded = true
			return nil
		}
		if isAmbiguous(d.Name()) && !holdsDockerfile(f.newFile(tree, path)) {
			return nil
		}
		if err := f.add(tree, path); err != nil {
			f.set.Errors = append(f.set.Errors, &Error{filepath.ToSlash(f.display(path)), err.Msg, err.Hint})
		}
		return nil
	})
	return excluded
}

func holdsDockerfile(file *File) bool {
	src, err := file.Read()
	if err != nil {
		return false
	}
	_, err = dockerfile.Parse(src)
	return err == nil
}

// add takes one file, through its link if it is one, unless another argument
// or another name has brought it already.
func (f *finder) add(tree, abs string) *Error {
	target, info, err := throughLink(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Msg: "a symbolic link to nowhere", Hint: "remove it or repair it"}
	case err != nil:
		return newError("", "reading", err)
	case !within(tree, target):
		return &Error{Msg: "a symbolic link that leads out of " + tree, Hint: "name its target " + target + " instead"}
	}
	if info.IsDir() {
		return nil // a link to a directory that is called Dockerfile
	}
	if !info.Mode().IsRegular() {
		return newError("", "reading", errNotRegular)
	}
	if !f.seen[target] {
		f.seen[target] = true
		f.set.Files = append(f.set.Files, f.newFile(tree, target))
	}
	return nil
}

// throughLink returns the file that a name in a directory without links leads to. Few are
// links themselves, and only those are followed part by part.
func throughLink(abs string) (target string, info fs.FileInfo, err error) {
	info, err = os.Lstat(abs)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return abs, info, err
	}
	if target, err = filepath.EvalSymlinks(abs); err != nil {
		return "", nil, err
	}
	info, err = os.Lstat(target)
	return target, info, err
}

func (f *finder) newFile(tree, abs string) *File {
	rel, err := filepath.Rel(tree, abs)
	if err != nil {
		rel = abs // cannot be: abs is below tree
	}
	return &File{Abs: abs, tree: tree, rel: rel}
}

func (f *finder) display(abs string) string {
	if rel, err := filepath.Rel(f.cwd, abs); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return abs
}

// rebase names the files. One patch has one base directory: the working
// directory, or, when files lie outside of it, the deepest directory that has
// them all. git apply and patch refuse names with "..".
func (f *finder) rebase() {
	for _, file := range f.set.Files {
		for !within(f.set.Base, file.Abs) {
			f.set.Base = filepath.Dir(f.set.Base)
		}
	}
	for _, files := range [][]*File{f.set.Files, f.set.Others, f.set.Around} {
		for _, file := range files {
			rel, err := filepath.Rel(f.set.Base, file.Abs)
			if err != nil {
				rel = file.Abs
			}
			file.Path = filepath.ToSlash(rel)
		}
	}
}

// within reports whether path is dir or below it; both are clean and absolute.
func within(dir, path string) bool {
	if dir == path {
		return true
	}
	if !strings.HasSuffix(dir, string(filepath.Separator)) {
		dir += string(filepath.Separator)
	}
	return strings.HasPrefix(path, dir)
}
