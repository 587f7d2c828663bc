package workspace

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Bounds on the search around a run: one file is to be hardened at once, in however
// large a repository. What is nearest is found first.
const (
	maxLooked = 20_000 // files and directories that are looked at
	maxAround = 1_000  // files that are collected, unless the options say otherwise
)

// around collects what says something about the files of the run and lies elsewhere
// in their repositories: below the directories of the arguments, then below those
// above, up to the root. Outside of a repository, as in an unpacked archive, that is the
// working directory, so that a file which is named sees what "harden ." would.
func (f *finder) around() {
	if f.opts.Wanted == nil {
		return
	}
	left := maxLooked
	if f.opts.MaxAround == 0 {
		f.opts.MaxAround = maxAround
	}
	for _, dir := range f.starts {
		top := f.repository(dir)
		if top == "" && within(f.cwd, dir) && mayBeProject(f.cwd) {
			top = f.cwd
		}
		if top == "" {
			continue
		}
		for ; !f.set.Cut; dir = filepath.Dir(dir) {
			f.below(top, dir, &left)
			if dir == top {
				break
			}
		}
	}
}

// mayBeProject reports whether a directory may be that of one project: not the root of the
// machine, nor the home of who calls.
func mayBeProject(dir string) bool {
	home, _ := os.UserHomeDir() // "" is none
	return dir != filepath.Dir(dir) && dir != filepath.Clean(home)
}

// below collects what is below one directory, and was not yet found.
func (f *finder) below(tree, dir string, left *int) {
	if f.walked[dir] {
		return
	}
	f.walked[dir] = true
	ignore := newIgnores(dir)
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if *left--; *left < 0 || len(f.set.Around) >= f.opts.MaxAround {
			f.set.Cut = true
			return fs.SkipAll
		}
		switch {
		case err != nil:
			return nil // what cannot be read says nothing
		case path == dir:
			ignore.enter(path)
		case d.IsDir():
			if f.walked[path] || never[d.Name()] || !f.opts.All && (leftOut[d.Name()] || ignore.ignored(path, true)) {
				return fs.SkipDir
			}
			ignore.enter(path)
		case d.Type().IsRegular() && !f.seen[path] && f.says(path) && (f.opts.All || !ignore.ignored(path, false)):
			f.seen[path] = true
			f.set.Around = append(f.set.Around, f.newFile(tree, path))
		}
		return nil
	})
}

// says reports whether a file may say something about the Dockerfiles of the run.
func (f *finder) says(abs string) bool {
	if f.opts.Wanted(abs) {
		return true
	}
	return IsDockerfile(filepath.Base(abs)) && (f.opts.Excluded == nil || !f.opts.Excluded(abs))
}
