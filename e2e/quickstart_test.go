package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestQuickstart holds the README to its word: the example there works after
// harden, with every privilege gone, and its ping works with it.
func TestQuickstart(t *testing.T) {
	needEngine(t)
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../examples/quickstart")); err != nil {
		t.Fatal(err)
	}
	up := func(container string) error {
		return eventually(t, container, 20*time.Second, func() error {
			page, err := get(t, container, 8000)
			if err == nil && !strings.Contains(page, "localhost up") {
				err = fmt.Errorf("the page is %q, want \"localhost up\" in it", page)
			}
			return err
		})
	}
	if err := up(start(t, build(t, dir))); err != nil {
		t.Fatalf("before, as root: %v", err)
	}
	harden(t, dir, "-w", "Dockerfile")
	image := build(t, dir)
	// A read-only root leaves it the volume that the Dockerfile declares.
	container := start(t, image, append([]string{"--read-only"}, strict...)...)
	if err := up(container); err != nil {
		t.Fatalf("after: %v\nDockerfile:\n%s", err, read(t, dir, "Dockerfile"))
	}
	statusOf(t, container).mustBeLocked(t)
	if tr := treeOf(t, image); len(tr.privileged) > 0 {
		t.Errorf("privileged files are left: %q", tr.privileged)
	}
}
