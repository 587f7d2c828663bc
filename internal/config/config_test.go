package config

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var known = Known{
	Rules:   []string{"nonroot", "numeric", "setid", "filecaps"},
	Reasons: []string{"base-image", "github-action", "owner-opted-out"},
}

func TestParse(t *testing.T) {
	const src = `
user: svc
uid: 2000
gid: 2001
rules: {numeric: off, setid: true}
keep_setuid: [/usr/bin/sudo]
writable: [/data]
own: all
openshift: on
include_bases: true
accept: [base-image]
target: prod
build_args: {VERSION: 1.20, DEBUG: true}
platform: linux/arm64/v8
context: ..
exclude: ["examples/", "*.gen"]
registry_mirror: https://mirror.example.com
files:
  - match: "web/**"
    uid: 3000
    rules: {setid: off}
    writable: [/data, /cache]
    openshift: off
  - match: [web/Dockerfile.dev]
    uid: 4000
`
	c, err := Parse(FileName, []byte(src), known)
	if err != nil {
		t.Fatal(err)
	}
	general := Settings{
		User: "svc", UID: 2000, GID: 2001,
		Rules:      map[string]bool{"numeric": false, "setid": true},
		KeepSetuid: []string{"/usr/bin/sudo"}, Writable: []string{"/data"},
		Own: "all", OpenShift: true, IncludeBases: true,
		Accept: []string{"base-image"},
		Target: "prod", BuildArgs: map[string]string{"VERSION": "1.20", "DEBUG": "true"},
		Platform: "linux/arm64/v8", Context: "..",
	}
	if d := cmp.Diff(general, c.For("Dockerfile")); d != "" {
		t.Errorf("For(Dockerfile) (-want +got):\n%s", d)
	}
	web := general
	web.UID = 3000
	web.OpenShift = false
	web.Rules = map[string]bool{"numeric": false, "setid": false}
	web.Writable = []string{"/data", "/cache"}
	if d := cmp.Diff(web, c.For("web/api/Dockerfile")); d != "" {
		t.Errorf("For(web/api/Dockerfile) (-want +got):\n%s", d)
	}
	web.UID = 4000
	if d := cmp.Diff(web, c.For("web/Dockerfile.dev")); d != "" {
		t.Errorf("For(web/Dockerfile.dev) (-want +got):\n%s", d)
	}
	if c.RegistryMirror != "https://mirror.example.com" {
		t.Errorf("registry mirror %q", c.RegistryMirror)
	}
	for path, want := range map[string]bool{"examples/a/Dockerfile": true, "a/Dockerfile.gen": true, "Dockerfile": false} {
		if got := c.Excluded(path); got != want {
			t.Errorf("Excluded(%q) = %v, want %v", path, got, want)
		}
	}
}

func TestParseEmpty(t *testing.T) {
	for _, src := range []string{"", "# nothing yet\n", "---\n", "~\n"} {
		c, err := Parse(FileName, []byte(src), known)
		if err != nil {
			t.Errorf("%q: %v", src, err)
			continue
		}
		if d := cmp.Diff(Settings{}, c.For("Dockerfile")); d != "" || c.Excluded("Dockerfile") {
			t.Errorf("%q says something: %s", src, d)
		}
	}
}

func TestAliases(t *testing.T) {
	src := "writable: &paths [/data]\nfiles:\n  - &web {match: web, uid: 5}\n  - *web\nkeep_setuid: *paths\n"
	c, err := Parse(FileName, []byte(src), known)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.For("web"); got.UID != 5 || !slices.Equal(got.KeepSetuid, []string{"/data"}) {
		t.Errorf("got %+v", got)
	}
}

func TestMistakes(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{"# c\nuuid: 5\n", `.harden.yaml:2: unknown key "uuid"; did you mean uid?`},
		{"keep-setuid: []\n", `.harden.yaml:1: unknown key "keep-setuid"; did you mean keep_setuid?`},
		{"files:\n  - match: a\n    exclude: b\n", `.harden.yaml:3: unknown key "exclude"; there are `},
		{"files:\n  - uid: 1\n", ".harden.yaml:2: an entry of files: has no match:"},
		{"user: root\n", ".harden.yaml:1: the user cannot be root"},
		{"user: '$(id)'\n", `.harden.yaml:1: "$(id)" cannot be the name of a user`},
		{"user: [a]\n", ".harden.yaml:1: expected a word, found a list"},
		{"user:\n", ".harden.yaml:1: expected a word, found nothing"},
		{"uid: 0\n", ".harden.yaml:1: 0 is not between 1 and 65535"},
		{"uid: 65536\n", ".harden.yaml:1: 65536 is not between 1 and 65535"},
		{"uid: many\n", `.harden.yaml:1: expected a number, found "many"`},
		{"gid: '7'\n", `.harden.yaml:1: expected a number, found "7"`},
		{"rules:\n  nonrot: on\n", `.harden.yaml:2: no rule is called "nonrot"; did you mean nonroot?`},
		{"rules:\n  setid: maybe\n", `.harden.yaml:2: expected on or off, found "maybe"`},
		{"rules: [setid]\n", ".harden.yaml:1: expected keys and values, found a list"},
		{"accept: [base]\n", `.harden.yaml:1: no reason is called "base"; there are base-image, github-action and owner-opted-out`},
		{"accept: [base-imgae]\n", `did you mean base-image?`},
		{"writable: data\n", `.harden.yaml:1: expected a list, found "data"; begin every entry with a dash`},
		{"writable:\n- data\n", `.harden.yaml:2: "data" is not a path that begins with /`},
		{"writable: [/]\n", ".harden.yaml:1: / is the whole image"},
		{"writable: [\"/a\\nb\"]\n", "holds a control character"},
		{"own: everything\n", ".harden.yaml:1: own cannot be \"everything\"; use needed or all"},
		{"platform: arm64\n", `.harden.yaml:1: "arm64" is not a platform`},
		{"registry_mirror: https://me:secret@mirror\n", ".harden.yaml:1: the registry mirror's URL holds credentials"},
		{"registry_mirror: https://mirror/hub\n", `"https://mirror/hub" is not the URL of a registry mirror; write it as in https://mirror.example.com`},
		{"registry_mirror: mirror\n", `"mirror" is not the URL of a registry mirror`},
		{"build_args: {A B: c}\n", `"A B" cannot be the name of a build argument`},
		{"build_args: {A: }\n", "build argument A needs a value"},
		{"uid: 5\nuid: 6\n", `.harden.yaml:2: key "uid" stands here a second time; the first is in line 1`},
		{"- a\n", ".harden.yaml:1: expected keys and values, found a list"},
		{"uid: 5\n---\nuid: 6\n", "more than one YAML document"},
		{"uid: [\n", ".harden.yaml:"},
		{"{[a]: b}\n", "a key must be a plain word, found a list"},
	} {
		_, err := Parse(FileName, []byte(tt.src), known)
		if e := new(Error); !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error %v, want %q", tt.src, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error repeats a password: %v", tt.src, err)
		}
	}
}

// TestSchema holds that the schema and the parser know the same keys.
func TestSchema(t *testing.T) {
	type object struct{ Properties map[string]json.RawMessage }
	var schema struct {
		object
		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(Schema, &schema); err != nil {
		t.Fatal(err)
	}
	var files struct{ Items object }
	if err := json.Unmarshal(schema.Properties["files"], &files); err != nil {
		t.Fatal(err)
	}
	var common []string
	for _, f := range fields {
		common = append(common, f.name)
	}
	for where, tt := range map[string]struct {
		got  map[string]json.RawMessage
		want []string
	}{
		"the top":     {schema.Properties, append(slices.Clone(common), topKeys...)},
		"an entry":    {files.Items.Properties, append(slices.Clone(common), entryKeys...)},
		"the details": {schema.Defs["settings"].Properties, common},
	} {
		slices.Sort(tt.want)
		if d := cmp.Diff(tt.want, slices.Sorted(maps.Keys(tt.got))); d != "" {
			t.Errorf("keys at %s (-parser +schema):\n%s", where, d)
		}
	}
}

// TestDocumentation holds that the example in the documentation is valid and
// has every key.
func TestDocumentation(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(doc), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	if _, err := Parse(FileName, []byte(example), known); err != nil {
		t.Error(err)
	}
	for _, key := range slices.Concat(topKeys, entryKeys) {
		if !strings.Contains(example, key+":") {
			t.Errorf("the example lacks %s", key)
		}
	}
	for _, f := range fields {
		if !strings.Contains(example, "\n"+f.name+":") {
			t.Errorf("the example lacks %s", f.name)
		}
	}
}

func TestLoader(t *testing.T) {
	root := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(".harden.yaml", "uid: 1\n")
	write("a/b/.harden.yaml", "uid: 2\n")
	write("repo/.git", "gitdir: elsewhere\n")
	write("repo/sub/Dockerfile", "")
	write("broken/.harden.yaml", "uid: x\n")
	write("odd/.harden.yaml/file", "")

	l := &Loader{Known: known, Base: root}
	for dir, want := range map[string]int{"": 1, "a": 1, "a/b": 2, "a/b/c/d": 2, "repo": 0, "repo/sub": 0} {
		c, err := l.For(filepath.Join(root, dir))
		if err != nil || c.UID != want {
			t.Errorf("%s: uid %+v (%v), want %d", dir, c, err, want)
		}
	}
	for dir, want := range map[string]string{
		"broken/sub": "broken/.harden.yaml:1: expected a number",
		"odd":        "odd/.harden.yaml: not a regular file",
	} {
		if _, err := l.For(filepath.Join(root, dir)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", dir, err, want)
		}
	}

	var wg sync.WaitGroup
	same, _ := l.For(root)
	for range 8 {
		wg.Go(func() {
			if c, err := l.For(filepath.Join(root, "x", "y")); err != nil || c != same {
				t.Errorf("got %p, %v; want the configuration that was read first", c, err)
			}
		})
	}
	wg.Wait()
}

func FuzzParse(f *testing.F) {
	f.Add("uid: 5\nfiles:\n- match: a\n  rules: {setid: off}\n")
	f.Add("a: &a [*a]\n")
	f.Add("<<: {uid: 5}\n")
	f.Fuzz(func(t *testing.T, src string) {
		c, err := Parse(FileName, []byte(src), known)
		if err != nil {
			return
		}
		for _, id := range []int{c.For("a").UID, c.GID} {
			if id < 0 || id > 65535 {
				t.Errorf("id %d", id)
			}
		}
	})
}
