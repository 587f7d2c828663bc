package content

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A seenContext is a build context that remembers what a run has looked at there: a dozen
// questions go through the same directories, and each opens them anew.
type seenContext struct {
	fs.FS
	dirs  map[string]listing
	infos map[string]fileInfo
	left  int // how many more entries and files it may remember
}

type listing struct {
	entries []fs.DirEntry
	err     error
}

type fileInfo struct {
	info fs.FileInfo
	err  error
}

// maxSeen bounds what is remembered of one context.
const maxSeen = 1 << 16

// Seen wraps a build context, nil where there is none.
func Seen(fsys fs.FS) fs.FS {
	if _, ok := fsys.(*seenContext); fsys == nil || ok {
		return fsys
	}
	return &seenContext{FS: fsys, dirs: map[string]listing{}, infos: map[string]fileInfo{}, left: maxSeen}
}

// ReadDir implements fs.ReadDirFS.
func (c *seenContext) ReadDir(name string) ([]fs.DirEntry, error) {
	if l, ok := c.dirs[name]; ok {
		return slices.Clone(l.entries), l.err
	}
	entries, err := fs.ReadDir(c.FS, name)
	slices.SortFunc(entries, byName)
	if c.left -= 1 + len(entries); c.left >= 0 {
		c.dirs[name] = listing{entries, err}
	}
	return slices.Clone(entries), err
}

func byName(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) }

// Stat implements fs.StatFS. What a directory that was listed does not have is not asked for.
func (c *seenContext) Stat(name string) (fs.FileInfo, error) {
	if i, ok := c.infos[name]; ok {
		return i.info, i.err
	}
	if l, ok := c.dirs[path.Dir(name)]; ok && l.err == nil && name != "." && fs.ValidPath(name) {
		_, there := slices.BinarySearchFunc(l.entries, path.Base(name), func(e fs.DirEntry, base string) int { return strings.Compare(e.Name(), base) })
		if !there {
			return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
		}
	}
	info, err := fs.Stat(c.FS, name)
	if c.left--; c.left >= 0 {
		c.infos[name] = fileInfo{info, err}
	}
	return info, err
}
