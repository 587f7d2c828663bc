package profile

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dockharden/harden/pkg/rewrite"
)

var update = flag.Bool("update", false, "write what the tests get into testdata")

// golden compares with a file, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// run hardens a Dockerfile by what the catalogue knows.
func run(t *testing.T, src []byte) *rewrite.Result {
	t.Helper()
	res, err := rewrite.Run(t.Context(), src, rewrite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestFormats writes each Dockerfile of testdata/format in each format. Other
// tests look whether those who read the formats take what it wrote: a shell
// here, Compose and Kubernetes in conformance.
func TestFormats(t *testing.T) {
	dirs, err := filepath.Glob("testdata/format/*/Dockerfile")
	if err != nil || len(dirs) == 0 {
		t.Fatal(err, dirs)
	}
	for _, name := range dirs {
		dir := filepath.Dir(name)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			p, err := New(run(t, src), Options{Path: "Dockerfile", Name: filepath.Base(dir), Image: "registry.example.com/" + filepath.Base(dir) + ":1"})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range Formats {
				var b bytes.Buffer
				if err := f.Write(&b, []*Profile{p}); err != nil {
					t.Fatal(err)
				}
				golden(t, filepath.Join(dir, "want."+f.Name), b.Bytes())
			}
			golden(t, filepath.Join(dir, "want.migration"), []byte(MigrationText(p.Migrations)+MigrationMarkdown(p.Migrations)))
		})
	}
}

// TestCommandsAreShell asks a shell for the words of the commands.
func TestCommandsAreShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	files, _ := filepath.Glob("testdata/format/*/want.docker")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(sh, "-c", "docker() { printf '%s\\n' \"$#\" \"$@\"; }\n"+string(text)).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
			continue
		}
		_, words, _ := strings.Cut(string(out), "\n")
		if !strings.HasPrefix(words, "run\n--rm\n") || !strings.HasSuffix(words, "registry.example.com/"+filepath.Base(filepath.Dir(name))+":1\n") {
			t.Errorf("%s: the words are\n%s", name, words)
		}
	}
}

func TestWindows(t *testing.T) {
	res := run(t, []byte("# escape=`\nFROM mcr.microsoft.com/windows/servercore:ltsc2022\nCMD [\"cmd\"]\n"))
	if _, err := New(res, Options{}); err != ErrWindows {
		t.Errorf("New = %v, want ErrWindows", err)
	}
}

func TestForcedReadOnly(t *testing.T) {
	src, err := os.ReadFile("testdata/format/app/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(run(t, src), Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Formats {
		var b bytes.Buffer
		if err := f.Write(&b, []*Profile{p}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.NewReplacer("-", "", "_", "", "\"", "").Replace(strings.ToLower(b.String())), "readonly") {
			t.Errorf("%s: no read-only root:\n%s", f.Name, b.String())
		}
	}
}
