// Package workspace finds the Dockerfiles that a command line means, reads
// them and puts changed ones back.
//
// Everything goes through os.Root: no symbolic link leads out of the tree that
// the user gave.
package workspace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxSize bounds what is read of one file. The parser has a limit of its own,
// below this one, and a better message.
const maxSize = 16 << 20

// A File is one Dockerfile of a run.
type File struct {
	// Path is the name for people and patches: slash-separated and relative
	// to the base of the Set.
	Path string
	// Abs is the absolute path with all symbolic links resolved.
	Abs string

	tree string // the directory that no link may lead out of, absolute
	rel  string // Abs relative to tree
}

// Dir returns the absolute directory of the file.
func (f *File) Dir() string { return filepath.Dir(f.Abs) }

// Tree returns the directory that the user gave, or the one that the file was
// found to belong to.
func (f *File) Tree() string { return f.tree }

// An Error is a failure about one path.
type Error struct {
	Path string
	Msg  string
	Hint string
}

func (e *Error) Error() string {
	s := e.Msg
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Read returns the content.
func (f *File) Read() ([]byte, error) {
	root, err := os.OpenRoot(f.tree)
	if err != nil {
		return nil, f.failed("reading", err)
	}
	defer root.Close()
	src, err := readRegular(root, f.rel)
	if err != nil {
		return nil, f.failed("reading", err)
	}
	return src, nil
}

// readRegular reads a regular file. It looks before it opens, since opening a
// named pipe would wait for a writer.
func readRegular(root *os.Root, name string) ([]byte, error) {
	if dir := filepath.Dir(name); dir != "." { // once, not for each of the two
		sub, err := root.OpenRoot(dir)
		if err != nil {
			return nil, err
		}
		defer sub.Close()
		root, name = sub, filepath.Base(name)
	}
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	src, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err == nil && len(src) > maxSize {
		err = fmt.Errorf("the file is larger than %d MiB", maxSize>>20)
	}
	return src, err
}

var errNotRegular = errors.New("not a regular file")

// failed turns an error of the operating system into one that says what to do.
func (f *File) failed(doing string, err error) error {
	if e := new(Error); errors.As(err, &e) {
		return e
	}
	return newError(f.Path, doing, err)
}

func newError(path, doing string, err error) *Error {
	e := &Error{Path: path, Msg: doing + " it: " + cause(err)}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Msg, e.Hint = "no such file or directory", "check the path"
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "check the permissions"
	case errors.Is(err, errNotRegular):
		e.Msg, e.Hint = errNotRegular.Error(), "to read from a pipe, use - as the path"
	}
	return e
}

// cause strips paths from an error that is reported with the path already.
func cause(err error) string {
	if pe := new(fs.PathError); errors.As(err, &pe) {
		return pe.Err.Error()
	}
	if le := new(os.LinkError); errors.As(err, &le) {
		return le.Err.Error()
	}
	return err.Error()
}
