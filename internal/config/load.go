package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// maxSize bounds what is read; a real configuration is a hundred lines. With
// it, a file full of aliases to one large mapping stays cheap, too.
const maxSize = 128 << 10

// A Loader finds and reads configuration files, each once. It may be used by
// several goroutines.
type Loader struct {
	Known Known
	Base  string // directory that file names in messages are relative to

	mu   sync.Mutex
	dirs map[string]*loaded
}

type loaded struct {
	once sync.Once
	cfg  *Config
	err  error
}

// For returns the configuration for Dockerfiles in a directory: the nearest
// .harden.yaml in it or above it, up to the root of the repository (the
// directory that holds .git) or of the file system. Without one it returns an
// empty Config. dir must be absolute.
func (l *Loader) For(dir string) (*Config, error) {
	l.mu.Lock()
	if l.dirs == nil {
		l.dirs = map[string]*loaded{}
	}
	entry := l.dirs[dir]
	if entry == nil {
		entry = &loaded{}
		l.dirs[dir] = entry
	}
	l.mu.Unlock()
	entry.once.Do(func() { entry.cfg, entry.err = l.load(dir) })
	return entry.cfg, entry.err
}

func (l *Loader) load(dir string) (*Config, error) {
	file := filepath.Join(dir, FileName)
	src, err := read(file)
	if err == nil {
		cfg, err := Parse(l.display(file), src, l.Known)
		if err != nil {
			return nil, err
		}
		cfg.Dir = dir
		return cfg, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{File: l.display(file), Msg: reason(err), Hint: "make it a readable file or remove it"}
	}
	parent := filepath.Dir(dir)
	if parent == dir || isRepository(dir) {
		return &Config{known: l.Known}, nil
	}
	return l.For(parent)
}

// display shortens a file name to one relative to Base where that is shorter.
func (l *Loader) display(file string) string {
	if rel, err := filepath.Rel(l.Base, file); err == nil && len(rel) < len(file) {
		return rel
	}
	return file
}

func read(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(src) > maxSize {
		err = fmt.Errorf("larger than %d bytes", maxSize)
	}
	return src, err
}

// reason strips the path from an error that the caller names itself.
func reason(err error) string {
	if pe := new(fs.PathError); errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// isRepository reports whether dir is the root of a git repository. In a
// worktree and a submodule .git is a file.
func isRepository(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, ".git"))
	return err == nil
}
