package verify

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// writeContext writes the build context as a tar, without what the ignore file
// leaves out, and with the Dockerfile under a name of its own.
func writeContext(w io.Writer, b Build, name string) error {
	ignore, err := readIgnore(b)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(w)
	err = tw.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(b.Dockerfile)), ModTime: time.Unix(0, 0)})
	if err == nil {
		_, err = tw.Write(b.Dockerfile)
	}
	if err != nil {
		return err
	}
	err = filepath.WalkDir(b.Context, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(b.Context, file)
		if err != nil || rel == "." {
			return err
		}
		ignored, err := ignore.MatchesOrParentMatches(filepath.ToSlash(rel))
		switch {
		case err != nil:
			return err
		case ignored && e.IsDir() && !ignore.Exclusions():
			return fs.SkipDir
		case ignored:
			return nil
		}
		return writeEntry(tw, file, filepath.ToSlash(rel), e)
	})
	if err != nil {
		return err
	}
	return tw.Close()
}

func readIgnore(b Build) (*patternmatcher.PatternMatcher, error) {
	for _, file := range []string{b.Path + ".dockerignore", filepath.Join(b.Context, ".dockerignore")} {
		f, err := os.Open(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		patterns, err := ignorefile.ReadAll(f)
		f.Close()
		if err != nil {
			return nil, err
		}
		return patternmatcher.New(patterns)
	}
	return patternmatcher.New(nil)
}

func writeEntry(tw *tar.Writer, file, rel string, e fs.DirEntry) error {
	info, err := e.Info()
	if err != nil {
		return err
	}
	if t := info.Mode().Type(); t != 0 && t != fs.ModeDir && t != fs.ModeSymlink {
		return nil // sockets, pipes and devices are not sent
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(file); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	h.Name = rel
	if info.IsDir() {
		h.Name = strings.TrimSuffix(rel, "/") + "/"
	}
	h.Uid, h.Gid, h.Uname, h.Gname = 0, 0, "", ""
	if err := tw.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(tw, f)
	return err
}
