package workspace

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the content of the file, which was old when it was read. The
// new content is written beside it and renamed over it, so that a full disk or
// a power cut leaves the one or the other, never a half. Mode and owner stay;
// it refuses where they cannot. The note, if any, says what else the user
// should know.
func (f *File) Write(old, new []byte) (note string, err error) {
	root, err := os.OpenRoot(f.tree)
	if err != nil {
		return "", f.failed("writing", err)
	}
	defer root.Close()
	w := writer{root: root, name: f.rel, create: createFile}
	if err := w.replace(old, new); err != nil {
		return "", f.failed("writing", err)
	}
	if w.links > 1 {
		note = fmt.Sprintf("the file had %d hard links; the other names keep the old content", w.links)
	}
	return note, nil
}

// A writer replaces one file.
type writer struct {
	root   *os.Root
	name   string
	links  uint64
	create func(root *os.Root, name string) (file, error) // replaced by tests of a full disk
}

type file interface {
	io.Writer
	Chmod(fs.FileMode) error
	Sync() error
	Close() error
}

func createFile(root *os.Root, name string) (file, error) {
	return root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (w *writer) replace(old, new []byte) (err error) {
	info, err := w.root.Lstat(w.name)
	if err != nil {
		return err
	}
	if err := w.checkWritable(info); err != nil {
		return err
	}
	w.links = linkCount(info)

	temp := filepath.Join(filepath.Dir(w.name), "."+filepath.Base(w.name)+".harden-"+rand.Text()[:10])
	out, err := w.create(w.root, temp)
	if err != nil {
		return fmt.Errorf("making a new file beside it: %s", cause(err))
	}
	defer func() {
		if err != nil {
			_ = w.root.Remove(temp) // the error that led here matters more
		}
	}()
	if err := fill(out, new, info.Mode()); err != nil {
		return err
	}
	if err := keepOwner(w.root, temp, info); err != nil {
		return err
	}
	if err := w.unchanged(old); err != nil {
		return err
	}
	if err := w.root.Rename(temp, w.name); err != nil {
		return err
	}
	syncDirectory(w.root, filepath.Dir(w.name))
	return nil
}

// checkWritable looks at what rename would not: it replaces a read-only file
// without asking when the directory is writable.
func (w *writer) checkWritable(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errNotRegular
	}
	readOnly := &Error{Msg: "the file is read-only", Hint: "chmod u+w it, or leave out -w"}
	if info.Mode().Perm()&0o222 == 0 {
		return readOnly // root may write it all the same, but its owner said no
	}
	file, err := w.root.OpenFile(w.name, os.O_WRONLY, 0)
	if err != nil {
		return readOnly
	}
	return file.Close()
}

// fill writes, sets the mode, and makes sure that the bytes are on the disk
// before anything is renamed.
func fill(out file, content []byte, mode fs.FileMode) error {
	_, err := out.Write(content)
	if err == nil {
		err = out.Chmod(mode.Perm() | mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
	}
	if err == nil {
		err = out.Sync()
	}
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (w *writer) unchanged(old []byte) error {
	now, err := readRegular(w.root, w.name)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, old) {
		return &Error{Msg: "the file changed while it was processed and was left alone", Hint: "run harden again"}
	}
	return nil
}

// syncDirectory puts the rename itself on the disk. Not every file system can
// do that, and the file is whole either way.
func syncDirectory(root *os.Root, dir string) {
	if d, err := root.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
