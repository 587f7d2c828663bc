package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"
)

// release is the part of goreleaser's configuration (version 2 of its format,
// https://goreleaser.com/customization/) that .goreleaser.yaml uses. What is
// not here is a key that nobody has run "goreleaser check" on.
type release struct {
	Version     int
	ProjectName string `yaml:"project_name"`
	Before      struct{ Hooks []string }
	Builds      []struct {
		Main, Binary string
		Env, Flags   []string
		Ldflags      []string
		ModTimestamp string `yaml:"mod_timestamp"`
		Goos, Goarch []string
	}
	Archives []struct {
		Formats         []string
		NameTemplate    string `yaml:"name_template"`
		FormatOverrides []struct {
			Goos    string
			Formats []string
		} `yaml:"format_overrides"`
		Files []string
	}
	Checksum struct {
		NameTemplate string `yaml:"name_template"`
	}
	Changelog struct{ Disable bool }
	Release   struct {
		GitHub struct{ Owner, Name string } `yaml:"github"`
		Draft  bool
		Header string
	}
}

func TestReleaseConfiguration(t *testing.T) {
	const root = ".."
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(read(t, root, ".goreleaser.yaml"))))
	decoder.KnownFields(true)
	var r release
	if err := decoder.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if r.Version != 2 || len(r.Builds) == 0 || len(r.Archives) == 0 {
		t.Fatalf("version %d, %d builds, %d archives", r.Version, len(r.Builds), len(r.Archives))
	}
	for _, b := range r.Builds {
		source := sources(t, filepath.Join(root, b.Main))
		for _, flags := range b.Ldflags {
			for _, m := range regexp.MustCompile(`-X main\.(\w+)=`).FindAllStringSubmatch(flags, -1) {
				if !regexp.MustCompile(`(?m)^(var\s+|\t)` + m[1] + `\b`).Match(source) {
					t.Errorf("ldflags set main.%s, which %s does not declare", m[1], b.Main)
				}
			}
		}
	}
	for _, a := range r.Archives {
		for _, file := range a.Files {
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("an archive wants %v", err)
			}
		}
	}
	if bin, err := exec.LookPath("goreleaser"); err == nil {
		cmd := exec.Command(bin, "check")
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("goreleaser check: %v\n%s", err, out)
		}
	}
}

// sources is the Go source of a main package, all files of it.
func sources(t *testing.T, dir string) []byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no Go files in %s (%v)", dir, err)
	}
	var all []byte
	for _, file := range files {
		all = append(all, read(t, file)...)
	}
	return all
}
