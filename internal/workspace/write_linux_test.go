package workspace

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWriteFullDisk fills a small file system and then writes on it.
func TestWriteFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("a tmpfs cannot be mounted here (%v); TestWriteFailingDisk stands in", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	name := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(name, []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := one(t, name).Write([]byte(before), bytes.Repeat([]byte("USER 10001\n"), 10_000))
	if err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("error %v", err)
	}
	expect(t, name, before)
}

// TestPipe holds that a named pipe is refused rather than waited for.
func TestPipe(t *testing.T) {
	dir := tree(t, "-- Dockerfile --\n"+before)
	if err := syscall.Mkfifo(filepath.Join(dir, "Dockerfile.pipe"), 0o644); err != nil {
		t.Skip(err)
	}
	if paths, errs := find(t, Options{}, "."); len(paths) != 1 || errs != nil {
		t.Errorf("found %v, %v", paths, errs)
	}
	if _, errs := find(t, Options{}, "Dockerfile.pipe"); len(errs) != 1 || !strings.Contains(errs[0], "not a regular file; to read from a pipe, use -") {
		t.Errorf("errors %v", errs)
	}
}
