//go:build unix

package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const before, after = "FROM a\n", "FROM a\nUSER 10001:10001\n"

func one(t *testing.T, arg string) *File {
	t.Helper()
	set, err := Find([]string{arg}, Options{})
	if err != nil || len(set.Files) != 1 {
		t.Fatalf("Find(%q) = %+v, %v", arg, set, err)
	}
	return set.Files[0]
}

// expect checks a file and that nothing else was left in its directory.
func expect(t *testing.T, name, content string) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil || string(got) != content {
		t.Errorf("%s holds %q (%v), want %q", name, got, err, content)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), ".*.harden-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func owner(info fs.FileInfo) [2]uint32 {
	st := info.Sys().(*syscall.Stat_t)
	return [2]uint32{st.Uid, st.Gid}
}

func TestWrite(t *testing.T) {
	tree(t, "-- Dockerfile --\n"+before)
	if err := os.Chmod("Dockerfile", 0o640); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown("Dockerfile", 4321, 1234); err != nil {
			t.Fatal(err)
		}
	}
	want, _ := os.Stat("Dockerfile")
	note, err := one(t, "Dockerfile").Write([]byte(before), []byte(after))
	if err != nil || note != "" {
		t.Fatalf("note %q, error %v", note, err)
	}
	expect(t, "Dockerfile", after)
	got, _ := os.Stat("Dockerfile")
	if got.Mode() != want.Mode() || owner(got) != owner(want) {
		t.Errorf("mode %v owner %v, want %v %v", got.Mode(), owner(got), want.Mode(), owner(want))
	}
}

func TestWriteThroughLink(t *testing.T) {
	tree(t, "-- docker/prod --\n"+before+"-- Dockerfile --\nlink:docker/prod\n")
	if _, err := one(t, "Dockerfile").Write([]byte(before), []byte(after)); err != nil {
		t.Fatal(err)
	}
	expect(t, "docker/prod", after)
	if info, _ := os.Lstat("Dockerfile"); info.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
}

func TestWriteHardLink(t *testing.T) {
	tree(t, "-- Dockerfile --\n"+before)
	if err := os.Link("Dockerfile", "other"); err != nil {
		t.Skip(err)
	}
	note, err := one(t, "Dockerfile").Write([]byte(before), []byte(after))
	if err != nil || !strings.Contains(note, "2 hard links") {
		t.Errorf("note %q, error %v", note, err)
	}
	expect(t, "other", before)
}

func TestWriteRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func() error
		want      string
		content   string
	}{
		"read-only": {func() error { return os.Chmod("Dockerfile", 0o444) }, "the file is read-only; chmod u+w it", before},
		"changed":   {func() error { return os.WriteFile("Dockerfile", []byte("FROM b\n"), 0o644) }, "changed while it was processed", "FROM b\n"},
		"truncated": {func() error { return os.Truncate("Dockerfile", 0) }, "changed while it was processed", ""},
		"a link now": {func() error {
			return errors.Join(os.Rename("Dockerfile", "real"), os.Symlink("../outside", "Dockerfile"))
		}, "not a regular file", "outside"},
		"a link inside the tree now": {func() error {
			return errors.Join(os.Rename("Dockerfile", "real"), os.Symlink("real", "Dockerfile"))
		}, "not a regular file", before},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, "-- Dockerfile --\n"+before)
			if err := os.WriteFile(filepath.Join(dir, "..", "outside"), []byte("outside"), 0o644); err != nil {
				t.Fatal(err)
			}
			f := one(t, "Dockerfile")
			if err := tt.meanwhile(); err != nil {
				t.Fatal(err)
			}
			_, err := f.Write([]byte(before), []byte(after))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			expect(t, "Dockerfile", tt.content)
		})
	}
}

func TestWriteGone(t *testing.T) {
	tree(t, "-- Dockerfile --\n"+before)
	f := one(t, "Dockerfile")
	if err := os.Remove("Dockerfile"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(before), []byte(after)); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v", err)
	}
	if left, _ := os.ReadDir("."); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A failing stands for a disk that fails at one step.
type failing struct {
	*os.File
	step string
}

var errDisk = errors.New("no space left on device")

func (f failing) Write(p []byte) (int, error) {
	if f.step == "write" {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, errDisk
	}
	return f.File.Write(p)
}

func (f failing) Sync() error {
	if f.step == "sync" {
		return errDisk
	}
	return f.File.Sync()
}

func (f failing) Close() error {
	_ = f.File.Close()
	if f.step == "close" {
		return errDisk
	}
	return nil
}

func TestWriteFailingDisk(t *testing.T) {
	for _, step := range []string{"create", "write", "sync", "close"} {
		t.Run(step, func(t *testing.T) {
			dir := tree(t, "-- Dockerfile --\n"+before)
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			w := writer{root: root, name: "Dockerfile", create: func(root *os.Root, name string) (file, error) {
				if step == "create" {
					return nil, errDisk
				}
				f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
				return failing{f, step}, err
			}}
			if err := w.replace([]byte(before), []byte(after)); err == nil || !strings.Contains(err.Error(), errDisk.Error()) {
				t.Errorf("error %v", err)
			}
			expect(t, "Dockerfile", before)
		})
	}
}
