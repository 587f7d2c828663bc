package workspace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// tree unpacks an archive in a new directory and makes it the current one.
// A file that begins with "link:" becomes a symbolic link.
func tree(t *testing.T, archive string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(string(f.Data), "link:"); ok {
			err = os.Symlink(strings.TrimSpace(target), name)
		} else {
			err = os.WriteFile(name, f.Data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func find(t *testing.T, opts Options, args ...string) (paths, errs []string) {
	t.Helper()
	set, err := Find(args, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range set.Files {
		paths = append(paths, f.Path)
	}
	for _, e := range set.Errors {
		errs = append(errs, e.Path+": "+e.Error())
	}
	return paths, errs
}

func TestIsDockerfile(t *testing.T) {
	for name, want := range map[string]bool{
		"Dockerfile": true, "dockerfile": true, "DOCKERFILE": true, "Dockerfile.prod": true, "Dockerfile.ubuntu-22.04": true,
		"web.Dockerfile": true, "web.dockerfile": true, "Containerfile": true, "Containerfile.dev": true, "x.containerfile": true,
		"Dockerfile.dockerignore": false, "web.Dockerfile.dockerignore": false, "Dockerfile.md": false, "Dockerfile.swp": false,
		".Dockerfile.swp": false, "Dockerfile~": false, "._Dockerfile": false, "Dockerfile.j2": false, "Dockerfile.tmpl": false,
		"Dockerfile.orig": false, "Makefile": false, "MyDockerfile": false, "Dockerfile-": false, "Dockerfile.": false, "": false,
		"Dockerfile-py3.gpu": true, "dockerfile_test": true, "Containerfile-dev": true, "Dockerfiles": false, "Dockerfile-x.md": false,
	} {
		if got := IsDockerfile(name); got != want {
			t.Errorf("IsDockerfile(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	tree(t, `
-- Dockerfile --
FROM a
-- .git/info/exclude --
/local/
-- .git/Dockerfile --
FROM a
-- .gitignore --
build/
*.gen
!keep.gen
-- Dockerfile.gen --
FROM a
-- sub/.gitignore --
!Dockerfile.gen
private
-- sub/Dockerfile.gen --
FROM a
-- sub/private/Dockerfile --
FROM a
-- build/Dockerfile --
FROM a
-- local/Dockerfile --
FROM a
-- vendor/x/Dockerfile --
FROM a
-- web/node_modules/x/Dockerfile --
FROM a
-- pkg/testdata/Dockerfile --
FROM a
-- tests/Dockerfile --
FROM a
-- gen/Dockerfile.go --
package gen
-- images/Dockerfile.go --
FROM golang
-- docs/Dockerfile.md --
FROM a
-- skip/Dockerfile --
FROM a
`)
	excluded := func(abs string) bool { return filepath.Base(filepath.Dir(abs)) == "skip" }

	paths, errs := find(t, Options{Excluded: excluded}, ".")
	want := []string{"Dockerfile", "images/Dockerfile.go", "sub/Dockerfile.gen", "tests/Dockerfile"}
	if d := cmp.Diff(want, paths); d != "" || errs != nil {
		t.Errorf("find . (-want +got):\n%s%v", d, errs)
	}

	paths, _ = find(t, Options{Excluded: excluded, All: true}, ".")
	want = []string{
		"Dockerfile", "Dockerfile.gen", "build/Dockerfile", "images/Dockerfile.go", "local/Dockerfile",
		"pkg/testdata/Dockerfile", "sub/Dockerfile.gen", "sub/private/Dockerfile", "tests/Dockerfile",
		"vendor/x/Dockerfile", "web/node_modules/x/Dockerfile",
	}
	if d := cmp.Diff(want, paths); d != "" {
		t.Errorf("find --all . (-want +got):\n%s", d)
	}

	// What is named is wanted.
	paths, errs = find(t, Options{Excluded: excluded}, "build", "vendor/x", "skip/Dockerfile", "docs/Dockerfile.md", "build/Dockerfile")
	want = []string{"build/Dockerfile", "vendor/x/Dockerfile", "skip/Dockerfile", "docs/Dockerfile.md"}
	if d := cmp.Diff(want, paths); d != "" || errs != nil {
		t.Errorf("named (-want +got):\n%s%v", d, errs)
	}

	if _, errs = find(t, Options{Excluded: excluded}, "skip"); errs != nil {
		t.Errorf("a directory with nothing but excluded files: %v", errs)
	}
}

func TestFindInSubdirectory(t *testing.T) {
	dir := tree(t, `
-- .git/HEAD --
-- .gitignore --
/a/b/ignored
-- a/b/ignored/Dockerfile --
FROM a
-- a/b/Dockerfile --
FROM a
-- other/Dockerfile --
FROM a
`)
	t.Chdir(filepath.Join(dir, "a"))
	if paths, _ := find(t, Options{}, "."); !cmp.Equal(paths, []string{"b/Dockerfile"}) {
		t.Errorf("got %v", paths)
	}
	// A file outside of the working directory moves the base of the patch.
	set, err := Find([]string{".", "../other"}, Options{})
	if err != nil || set.Base != dir || set.Files[0].Path != "a/b/Dockerfile" || set.Files[1].Path != "other/Dockerfile" {
		t.Errorf("base %s, files %+v, %v", set.Base, set.Files, err)
	}
}

func TestFindErrors(t *testing.T) {
	dir := tree(t, `
-- empty/readme --
-- good/Dockerfile --
FROM a
-- dangling/Dockerfile --
link:nowhere
-- out/Dockerfile --
link:../good/Dockerfile
`)
	paths, errs := find(t, Options{}, "missing", "empty", "dangling", "out", "good")
	want := []string{
		"missing: no such file or directory; check the path",
		"empty: no Dockerfile in it or below it; name the file itself, or use --all to look into vendored, test and ignored directories, too",
		"dangling/Dockerfile: a symbolic link to nowhere; remove it or repair it",
		"out/Dockerfile: a symbolic link that leads out of " + dir + "/out; name its target " + dir + "/good/Dockerfile instead",
	}
	if d := cmp.Diff(want, errs); d != "" {
		t.Errorf("errors (-want +got):\n%s", d)
	}
	if !cmp.Equal(paths, []string{"good/Dockerfile"}) {
		t.Errorf("files %v", paths)
	}
	// Named by a path below the working directory, the same link stays inside.
	if paths, errs = find(t, Options{}, "out/Dockerfile"); errs != nil || !cmp.Equal(paths, []string{"good/Dockerfile"}) {
		t.Errorf("got %v, %v", paths, errs)
	}
}

func TestFindLinks(t *testing.T) {
	tree(t, `
-- docker/prod --
FROM a
-- Dockerfile --
link:docker/prod
-- Dockerfile.same --
link:docker/prod
-- loop/again --
link:..
-- linked/Dockerfile/file --
link:..
`)
	if paths, errs := find(t, Options{}, "."); errs != nil || !cmp.Equal(paths, []string{"docker/prod"}) {
		t.Errorf("got %v, %v; want the target of the links, once", paths, errs)
	}
}

func TestFindOthers(t *testing.T) {
	tree(t, `
-- Dockerfile --
FROM a
-- compose.yaml --
-- vendor/compose.yaml --
-- sub/compose.yaml --
`)
	set, err := Find([]string{"."}, Options{Wanted: isComposeYAML})
	if err != nil || len(set.Others) != 2 || set.Others[1].Path != "sub/compose.yaml" {
		t.Errorf("got %+v, %v", set.Others, err)
	}
}

func isComposeYAML(abs string) bool { return filepath.Base(abs) == "compose.yaml" }

func TestFindAround(t *testing.T) {
	dir := tree(t, `
-- Dockerfile --
FROM outside
-- repo/.git/HEAD --
-- repo/.gitignore --
/ignored
-- repo/Dockerfile --
FROM a
-- repo/a/Dockerfile --
FROM a
-- repo/a/deep/app.Dockerfile --
FROM a
-- repo/b/Dockerfile --
FROM a
-- repo/b/compose.yaml --
-- repo/vendor/x/Dockerfile --
FROM a
-- repo/ignored/Dockerfile --
FROM a
`)
	t.Chdir(filepath.Join(dir, "repo"))
	for _, test := range []struct {
		args, want string
		max        int
	}{
		{"a/Dockerfile", "a/deep/app.Dockerfile Dockerfile b/Dockerfile b/compose.yaml", 0},
		{"a", "Dockerfile b/Dockerfile b/compose.yaml", 0},
		{"a/Dockerfile b/Dockerfile", "a/deep/app.Dockerfile Dockerfile", 0},
		{"b a", "Dockerfile", 0},
		{".", "", 0},
		{"a/Dockerfile", "a/deep/app.Dockerfile Dockerfile", 2}, // what is nearest
		{"../Dockerfile", "", 0},
	} {
		set, err := Find(strings.Fields(test.args), Options{Wanted: isComposeYAML, MaxAround: test.max})
		var got []string
		for _, f := range set.Around {
			got = append(got, f.Path)
		}
		if err != nil || strings.Join(got, " ") != test.want || set.Cut != (test.max != 0) {
			t.Errorf("%s: %v, cut %v, %v; want %s", test.args, got, set.Cut, err, test.want)
		}
	}
}

func TestFindAroundWithoutGit(t *testing.T) {
	dir := tree(t, `
-- Dockerfile --
FROM outside
-- archive/.github/workflows/ci.yml --
-- archive/base/Dockerfile --
FROM a
-- archive/app/Dockerfile --
FROM a
-- plain/base/Dockerfile --
FROM a
-- plain/app/Dockerfile --
FROM a
`)
	for _, test := range []struct{ cwd, arg, want string }{
		{"archive", "app/Dockerfile", "base/Dockerfile"},
		{"archive/app", "Dockerfile", "../base/Dockerfile"},
		{"archive/app", ".", "../base/Dockerfile"},
		{"plain", "app/Dockerfile", "base/Dockerfile"},
		{"plain/app", "Dockerfile", ""}, // nothing says how far it is one project
	} {
		t.Chdir(filepath.Join(dir, test.cwd))
		set, err := Find([]string{test.arg}, Options{Wanted: isComposeYAML})
		var got []string
		for _, f := range set.Around {
			got = append(got, f.Path)
		}
		if err != nil || strings.Join(got, " ") != test.want {
			t.Errorf("%s in %s: %v, %v; want %s", test.arg, test.cwd, got, err, test.want)
		}
	}
}

func TestFindOthersOutsideOfARepository(t *testing.T) {
	dir := tree(t, `
-- compose.yaml --
-- app/compose.yaml --
-- app/web/Dockerfile --
FROM a
-- app/db/compose.yaml --
-- other/compose.yaml --
-- other/Dockerfile --
FROM a
`)
	t.Chdir(filepath.Join(dir, "app"))
	for arg, want := range map[string]string{
		"web/Dockerfile":      "compose.yaml", // not db's, which may be of something else
		"../other/Dockerfile": "other/compose.yaml",
	} {
		set, err := Find([]string{arg}, Options{Wanted: isComposeYAML})
		var got []string
		for _, f := range set.Others {
			got = append(got, f.Path)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v; want %s", arg, got, err, want)
		}
	}
}

func TestFindOthersAbove(t *testing.T) {
	dir := tree(t, `
-- compose.yaml --
-- repo/.git/HEAD --
-- repo/compose.yaml --
-- repo/a/compose.yaml --
-- repo/a/b/Dockerfile --
FROM a
-- repo/c/compose.yaml --
`)
	t.Chdir(filepath.Join(dir, "repo", "a"))
	for _, arg := range []string{".", "b", "b/Dockerfile"} {
		set, err := Find([]string{arg}, Options{Wanted: isComposeYAML})
		var got []string
		for _, f := range set.Others {
			got = append(got, f.Path)
		}
		if d := cmp.Diff([]string{"compose.yaml", "../compose.yaml"}, got); d != "" || err != nil {
			t.Errorf("%s (-want +got):\n%s%v", arg, d, err)
		}
	}
}
