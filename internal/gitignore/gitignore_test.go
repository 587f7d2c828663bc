package gitignore

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		patterns string
		path     string
		dir      bool
		want     bool
	}{
		{"build", "build", true, true},
		{"build", "a/b/build", false, true},
		{"build/", "build", false, false},
		{"build/", "a/build", true, true},
		{"/build", "a/build", true, false},
		{"a/build", "a/build", true, true},
		{"a/build", "b/a/build", true, false},
		{"*.tmp", "x/y.tmp", false, true},
		{"docs/*.txt", "docs/a/b.txt", false, false},
		{"**/logs", "a/b/logs", true, true},
		{"**/logs", "logs", true, true},
		{"a/**", "a", true, false},
		{"a/**", "a/b/c", false, true},
		{"a/**/c", "a/c", false, true},
		{"a/**/c", "a/x/y/c", false, true},
		{"*\n!keep", "keep", false, false},
		{"!keep\n*", "keep", false, true},
		{"#no", "#no", false, false},
		{`\#yes`, "#yes", false, true},
		{`\!yes`, "!yes", false, true},
		{"trail   ", "trail", false, true},
		{`trail\ `, "trail ", false, true},
		{"crlf\r\n", "crlf", false, true},
		{"\ufeffbom", "bom", false, true},
		{"Dockerfile.[0-9]", "Dockerfile.7", false, true},
		{"Dockerfile.[!0-9]", "Dockerfile.7", false, false},
		{"[[:upper:]]x", "Ax", false, true},
		{"[]]", "]", false, true},
		{"[a", "[a", false, false},
		{`end\`, `end\`, false, false},
		{"/", "a", true, false},
	} {
		got, _ := Parse([]byte(tt.patterns)).Match(tt.path, tt.dir)
		if got != tt.want {
			t.Errorf("patterns %q: Match(%q, dir=%v) = %v, want %v", tt.patterns, tt.path, tt.dir, got, tt.want)
		}
	}
}

func TestExcludesByParent(t *testing.T) {
	l := Parse([]byte("build/\n!build/Dockerfile\n"))
	if !l.Excludes("build/Dockerfile") {
		t.Error("a file in an excluded directory came back")
	}
	if l.Excludes("src/Dockerfile") {
		t.Error("src/Dockerfile is excluded by build/")
	}
}

// TestAgainstGit compares thousands of random patterns with git check-ignore.
func TestAgainstGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	runGit(t, dir, "", "init", "-q")
	// Only file names: git looks at the disk to tell directories from files,
	// and for a path that does not exist it takes a file.
	pieces := []string{"a", "b", "ab", "*", "?", "**", "[ab]", "[!a]", "a*b", `\a`, "[[:alpha:]]", ".", "*.b", "[a-]", "[]a]", `[\]]`, "x ", `b\ `}
	rng := rand.New(rand.NewPCG(1, 2))
	var paths []string
	for range 60 {
		names := []string{"a", "b", "ab", "aab", "a.b", "]", "-", "x", "b ", "."}
		var p []string
		for range 1 + rng.IntN(3) {
			p = append(p, names[rng.IntN(len(names)-1)])
		}
		paths = append(paths, strings.Join(p, "/"))
	}
	hits := 0
	for range 60 {
		var file strings.Builder
		for range 1 + rng.IntN(4) {
			if rng.IntN(4) == 0 {
				file.WriteByte('!')
			}
			if rng.IntN(4) == 0 {
				file.WriteByte('/')
			}
			for i := range 1 + rng.IntN(3) {
				if i > 0 {
					file.WriteByte('/')
				}
				for range 1 + rng.IntN(2) {
					file.WriteString(pieces[rng.IntN(len(pieces))])
				}
			}
			if rng.IntN(4) == 0 {
				file.WriteByte('/')
			}
			file.WriteByte('\n')
		}
		if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte(file.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		ignored := map[string]bool{}
		for line := range strings.SplitSeq(runGit(t, dir, strings.Join(paths, "\x00")+"\x00", "check-ignore", "-z", "--no-index", "--stdin"), "\x00") {
			ignored[line] = true
		}
		l := Parse([]byte(file.String()))
		for _, p := range paths {
			if got := l.Excludes(p); got != ignored[p] {
				t.Errorf(".gitignore %q: %q ignored = %v, git says %v", file.String(), p, got, ignored[p])
			} else if got {
				hits++
			}
		}
	}
	if hits < 300 {
		t.Errorf("git ignored only %d of the paths; the comparison proves little", hits)
	}
}

func runGit(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.Output()
	if exit := new(exec.ExitError); err != nil && !(asExit(err, &exit) && exit.ExitCode() == 1) {
		t.Fatalf("git %v: %v", args, err)
	}
	return string(out)
}

func asExit(err error, target **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*target = e
	return ok
}

// TestHostilePattern holds that a pattern cannot take exponential time.
func TestHostilePattern(t *testing.T) {
	l := Parse([]byte(strings.Repeat("a*", 2000) + "b\n" + strings.Repeat("**/a/", 300) + "b\n"))
	if l.Excludes(strings.Repeat("a", 4000)) || l.Excludes(strings.Repeat("a/", 300)+"c") {
		t.Error("matched")
	}
}

func ExampleList_Excludes() {
	l := Parse([]byte("examples/\n!examples/Dockerfile\n*.generated\n"))
	fmt.Println(l.Excludes("examples/Dockerfile"), l.Excludes("app/Dockerfile.generated"), l.Excludes("app/Dockerfile"))
	// Output: true true false
}
