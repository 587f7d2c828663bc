package gosource

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// A memoryTree is a tree of files by their names.
type memoryTree map[string]string

func (t memoryTree) Files(dir string) (out []string) {
	for name := range t {
		if path.Dir(name) == dir {
			out = append(out, path.Base(name))
		}
	}
	slices.Sort(out)
	return out
}

func (t memoryTree) Read(name string) (string, bool) { text, ok := t[name]; return text, ok }

func (t memoryTree) Source(name string) string { return strings.TrimPrefix(name, "/src/") }

// wrote returns what a program with one function writes.
func wrote(imports, decls, body string) []string {
	text := "package main\n\nimport (\n"
	for _, of := range strings.Fields(imports) {
		text += fmt.Sprintf("\t%q\n", of)
	}
	text += ")\n" + decls + "\nfunc main() {\n" + body + "\n}\n"
	env := Environment{
		Executable: "/opt/app/app",
		Getenv:     func(key string) string { return map[string]string{"SET": "/var/lib/set"}[key] },
		Flag:       func(name string) (string, bool) { return "/told", name == "told" },
	}
	var out []string
	for _, w := range Writes(memoryTree{"/src/go.mod": "module x\n", "/src/main.go": text}, "/src", "/src", env) {
		out = append(out, w.Path)
	}
	return out
}

func TestWrites(t *testing.T) {
	for _, c := range []struct{ name, imports, decls, body, want string }{
		{"literal", "os", "", `os.MkdirAll("data", 0o755)`, "data"},
		{"constant", "os", `const dir = "/uploads"`, `os.Mkdir(dir, 0o755)`, "/uploads"},
		{"only read", "os net/http", "", `os.Open("/data/a"); os.ReadDir("/data"); http.Dir("./static"); os.OpenFile("/data/b", os.O_RDONLY, 0)`, ""},
		{"name of a request", "os path/filepath", `func save(r string) { os.Create(filepath.Join("/uploads", r)) }`, `save(os.Args[1])`, "/uploads"},
		{"environment that is set", "os", "", `d := os.Getenv("SET"); if d == "" { d = "data" }; os.MkdirAll(d, 0o755)`, "/var/lib/set"},
		{"environment that is not", "os", "", `d := os.Getenv("D"); if d == "" { d = "data" }; os.MkdirAll(d, 0o755)`, "data"},
		{"home of the user", "os path/filepath", "", `os.MkdirAll(filepath.Join(os.Getenv("HOME"), "x"), 0o755)`, ""},
		{"flag", "os flag", `var d = flag.String("d", "/data", "")`, `os.MkdirAll(*d, 0o755)`, "/data"},
		{"flag that the command gives", "os flag", "", `var d string; flag.StringVar(&d, "told", "/data", ""); os.MkdirAll(d, 0o755)`, "/told"},
		{"field with a default", "os", "type Config struct { Dir string `envDefault:\"./files\"` }", `var c Config; os.MkdirAll(c.Dir, 0o755)`, "./files"},
		{"field of a library", "os net/url", "", `u := url.URL{Path: "/api"}; os.MkdirAll(u.Path, 0o755)`, ""},
		{"beside the program", "os path/filepath", "", `exe, _ := os.Executable(); os.MkdirAll(filepath.Join(filepath.Dir(exe), "run"), 0o755)`, "/opt/app/run"},
		{"list", "os", "", `for _, d := range []string{"/a", "/b"} { os.MkdirAll(d, 0o755) }`, "/a /b"},
		{"database", "database/sql", "", `sql.Open("sqlite3", "file:/data/x.db?cache=shared"); sql.Open("sqlite3", ":memory:"); sql.Open("postgres", "/x")`, "/data/x.db"},
		{"log that rotates", "gopkg.in/natefinch/lumberjack.v2", "", `_ = &lumberjack.Logger{Filename: "/var/log/x/x.log"}`, "/var/log/x/x.log"},
		{"name in its own value", "os path/filepath", "", `d := "/run"; d = filepath.Join(d, "x"); os.MkdirAll(d, 0o755)`, "/run /run/x"},
		{"other working directory", "os", "", `os.Chdir("/x"); os.MkdirAll("data", 0o755)`, ""},
		{"function without an end", "os", `func f(s string) string { return f(s + "x") }`, `os.MkdirAll(f("/a"), 0o755)`, ""},
	} {
		if got := strings.Join(wrote(c.imports, c.decls, c.body), " "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
