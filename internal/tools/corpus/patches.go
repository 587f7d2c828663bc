package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// chunk is how many patches one process of git and of patch gets at once.
const chunk = 500

// tryPatches gives every patch to git apply and to patch -p1, over a copy of
// the originals, and notes what does not apply. What git makes of a file has to
// be what the tool made of it.
func tryPatches(records []*record) error {
	var changed []*record
	for _, r := range records {
		if r.changed() {
			changed = append(changed, r)
		}
	}
	dir, err := os.MkdirTemp("", "corpus-patches")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, r := range changed {
		name := filepath.Join(dir, filepath.FromSlash(r.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, r.source, 0o644); err != nil {
			return err
		}
	}
	for len(changed) > 0 {
		n := min(chunk, len(changed))
		try(dir, changed[:n], "patch", "-p1", "--dry-run", "--batch", "--force")
		try(dir, changed[:n], "git", "apply", "--check", "--whitespace=nowarn")
		if err := compare(dir, changed[:n]); err != nil {
			return err
		}
		changed = changed[n:]
	}
	return nil
}

// try hands the patches to one process, and halves the list until the culprits
// are alone when that fails.
func try(dir string, records []*record, argv ...string) {
	msg, err := run(dir, records, argv...)
	if err == nil {
		return
	}
	if len(records) == 1 {
		records[0].Rejected += fmt.Sprintf("%s: %s\n", argv[0], msg)
		return
	}
	half := len(records) / 2
	try(dir, records[:half], argv...)
	try(dir, records[half:], argv...)
}

func run(dir string, records []*record, argv ...string) (string, error) {
	var input bytes.Buffer
	for _, r := range records {
		input.WriteString(r.Diff)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Stdin = &input
	// Outside of a repository, and with nobody's settings.
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// compare applies those patches that git takes, and looks at the result.
func compare(dir string, records []*record) error {
	var good []*record
	for _, r := range records {
		if r.Rejected == "" {
			good = append(good, r)
		}
	}
	if len(good) == 0 {
		return nil
	}
	if msg, err := run(dir, good, "git", "apply", "--whitespace=nowarn"); err != nil {
		return fmt.Errorf("applying patches that passed the check: %s: %w", msg, err)
	}
	for _, r := range good {
		got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(r.Path)))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, r.output) {
			r.Rejected = "git: applies, with another result than the tool's"
		}
	}
	return nil
}
