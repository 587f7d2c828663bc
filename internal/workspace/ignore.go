package workspace

import (
	"os"
	"path/filepath"

	"github.com/dockharden/harden/internal/gitignore"
)

// ignores holds the .gitignore files that bear on a walk. Of git's other
// sources it reads .git/info/exclude but not the user's own excludes file, so
// that a run on a laptop finds what a run in CI finds. Files that are ignored
// and yet committed are not told apart; who has such a Dockerfile names it.
type ignores struct {
	repository string
	lists      map[string]*gitignore.List // by directory; absent when there is none
}

// newIgnores starts with the files above the tree, up to the root of the
// repository. Where those ignore the tree itself they do not count: who names
// an ignored directory wants what is in it.
func newIgnores(tree string) *ignores {
	ig := &ignores{repository: tree, lists: map[string]*gitignore.List{}}
	root := repositoryOf(tree)
	if root == "" {
		return ig
	}
	ig.repository = root
	ig.read(root, filepath.Join(".git", "info", "exclude"))
	for dir := tree; dir != root; {
		dir = filepath.Dir(dir)
		ig.enter(dir)
	}
	for dir := tree; dir != root; dir = filepath.Dir(dir) {
		if ig.ignored(dir, true) {
			return &ignores{repository: tree, lists: map[string]*gitignore.List{}}
		}
	}
	return ig
}

// repositoryOf returns the root of the repository that a directory is in, "" for none. In
// an archive of a repository, which has no .git, the nearest .github shows it: GitHub reads it
// at the root alone.
func repositoryOf(dir string) string {
	archive := ""
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if info, err := os.Lstat(filepath.Join(dir, ".github")); archive == "" && err == nil && info.IsDir() && mayBeProject(dir) {
			archive = dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return archive
		}
		dir = parent
	}
}

// enter reads the .gitignore of a directory.
func (ig *ignores) enter(dir string) { ig.read(dir, ".gitignore") }

// read adds the patterns of a file below dir to those of dir. What cannot be
// read ignores nothing: the walk itself reports directories it cannot read.
func (ig *ignores) read(dir, name string) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return
	}
	defer root.Close()
	src, err := readRegular(root, name)
	if err != nil || len(src) == 0 {
		return
	}
	if l := ig.lists[dir]; l != nil {
		l.Add(src)
		return
	}
	ig.lists[dir] = gitignore.Parse(src)
}

// ignored reports whether a path is ignored. The nearest .gitignore that has
// something to say decides.
func (ig *ignores) ignored(path string, isDir bool) bool {
	for dir := path; dir != ig.repository; {
		dir = filepath.Dir(dir)
		l := ig.lists[dir]
		if l == nil {
			continue
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return false
		}
		if ignored, matched := l.Match(filepath.ToSlash(rel), isDir); matched {
			return ignored
		}
	}
	return false
}
