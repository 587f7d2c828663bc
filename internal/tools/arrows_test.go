// Package tools holds programs for the developers of harden, and the test of
// how its packages depend on each other.
package tools

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dockharden/harden/"

// TestArrows keeps the way of the data one-way: who may import whom, and which
// package alone may use a library that talks to the outside.
func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	// What is above may import what is below; these alone look up to pkg/.
	above := []string{"internal/report", "internal/verify", "internal/profile", "internal/surroundings", "internal/tools/corpus"}
	only := map[string][]string{
		"github.com/spf13/cobra":                 {"cmd/harden"},
		"github.com/moby/buildkit":               {"internal/dockerfile", "internal/tools/corpus"},
		"github.com/google/go-containerregistry": {"pkg/imageinspect"},
		"github.com/sergi/go-diff":               {"internal/diff"},
		"github.com/moby/moby/client":            {"pkg/imageinspect", "internal/verify"},
		"github.com/hashicorp/hcl/v2":            {"internal/siblings"},
		"github.com/compose-spec/compose-go/v2":  {},
		"k8s.io/pod-security-admission":          {},
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		from := strings.TrimPrefix(words[0], module)
		seen++
		for _, imported := range words[1:] {
			to, ours := strings.CutPrefix(imported, module)
			switch {
			case ours && strings.HasPrefix(from, "internal/") && strings.HasPrefix(to, "pkg/") && !slices.Contains(above, from):
				t.Errorf("%s imports %s, which stands above it", from, to)
			case ours && strings.HasPrefix(to, "cmd/"):
				t.Errorf("%s imports %s", from, to)
			case ours && strings.HasPrefix(from, "pkg/imageinspect") && to != from:
				t.Errorf("%s imports %s; it stands alone", from, to)
			}
			for lib, allowed := range only {
				if (imported == lib || strings.HasPrefix(imported, lib+"/")) && !slices.Contains(allowed, from) {
					t.Errorf("%s imports %s, which only %v may", from, imported, allowed)
				}
			}
		}
	}
	if seen < 10 {
		t.Fatalf("go list named %d packages", seen)
	}
}
