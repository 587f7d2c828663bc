package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Update changes the configuration file of a directory, or makes it. What comes
// out has to be a valid configuration; it replaces the file whole.
func Update(dir string, known Known, change func(src []byte) ([]byte, error)) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("writing %s: %w", FileName, err)
	}
	defer root.Close()
	mode := fs.FileMode(0o644)
	var src []byte
	switch info, err := root.Lstat(FileName); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("writing %s: %w", FileName, err)
	case !info.Mode().IsRegular():
		return &Error{File: FileName, Msg: "not a regular file", Hint: "make it one or remove it"}
	default:
		mode = info.Mode().Perm()
		if src, err = root.ReadFile(FileName); err != nil {
			return fmt.Errorf("reading %s: %w", FileName, err)
		}
	}
	out, err := change(src)
	if err != nil {
		return err
	}
	if _, err := Parse(FileName, out, known); err != nil {
		return fmt.Errorf("internal error: the changed %s is not valid: %w", FileName, err)
	}
	temp := FileName + ".harden-" + rand.Text()[:10]
	defer func() {
		if err != nil {
			_ = root.Remove(temp) // the error that led here matters more
		}
	}()
	if err := root.WriteFile(temp, out, mode); err != nil {
		return fmt.Errorf("writing %s: %w", FileName, err)
	}
	if err := root.Rename(temp, FileName); err != nil {
		return fmt.Errorf("writing %s: %w", FileName, err)
	}
	return nil
}
