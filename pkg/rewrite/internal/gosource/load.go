// Package gosource finds what a program in Go writes, by reading the sources that it is built
// from: the calls that write for certain, with paths that constants, defaults of flags and the
// environment of the image make up. It runs nothing, and what it does not know it leaves out.
package gosource

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// A Tree is the file system of the stage that builds the program, as far as the build context
// tells.
type Tree interface {
	Files(dir string) []string // the names of the files in a directory
	Read(name string) (string, bool)
	Source(name string) string // the file of the build context, for the reader
}

// Bounds for what is read of a program.
const (
	maxPackages = 60
	maxFiles    = 200
	maxFileSize = 64 << 10
	maxTotal    = 2 << 20
)

// A program is what was read of one.
type program struct {
	tree     Tree
	fset     *token.FileSet
	module   string // its path
	root     string // its directory
	packages map[string]*pkg
	order    []*pkg
	files    int
	bytes    int

	structs map[string]int   // how many struct types of the program have such a field
	fields  map[string][]def // what fields are set to
	options map[string][]def // what options of other libraries are by default
	calls   map[string][]site
	methods map[string]int // how many types have such a method
	local   map[*ast.FuncDecl]map[string][]def
	moves   bool // it changes its working directory
	steps   int
}

// A pkg is one package.
type pkg struct {
	path  string
	files []*file
	vars  map[string][]def
	funcs map[string]*ast.FuncDecl
	of    map[*ast.FuncDecl]*file
}

// A file is one source file.
type file struct {
	name    string
	pkg     *pkg
	syntax  *ast.File
	imports map[string]string // by the name that it has in the file
}

// load reads the package in a directory, and those of the same module that it imports.
func (g *program) load(dir, importPath string) {
	if g.packages[importPath] != nil || len(g.packages) >= maxPackages {
		return
	}
	p := &pkg{path: importPath, vars: map[string][]def{}, funcs: map[string]*ast.FuncDecl{}, of: map[*ast.FuncDecl]*file{}}
	g.packages[importPath] = p
	for _, name := range g.tree.Files(dir) {
		g.parse(p, path.Join(dir, name))
	}
	g.order = append(g.order, p)
	for _, f := range p.files {
		for _, imported := range f.imports {
			if rel, ok := strings.CutPrefix(imported, g.module); ok && g.module != "" && (rel == "" || rel[0] == '/') {
				g.load(path.Join(g.root, rel), imported)
			}
		}
	}
}

// parse reads one file of a package, where Linux builds it.
func (g *program) parse(p *pkg, name string) {
	if !builds(path.Base(name)) || g.files >= maxFiles {
		return
	}
	text, ok := g.tree.Read(name)
	if !ok || len(text) > maxFileSize || g.bytes+len(text) > maxTotal || ignored(text) {
		return
	}
	g.files, g.bytes = g.files+1, g.bytes+len(text)
	syntax, err := parser.ParseFile(g.fset, g.tree.Source(name), text, parser.SkipObjectResolution)
	if err != nil || syntax == nil {
		return
	}
	f := &file{name: name, pkg: p, syntax: syntax, imports: map[string]string{}}
	for _, spec := range syntax.Imports {
		if imported, err := strconv.Unquote(spec.Path.Value); err == nil {
			f.imports[importName(spec, imported)] = imported
		}
	}
	p.files = append(p.files, f)
}

// importName is the name that an import has in its file: the last part of its path that is no
// version, unless the file gives it another.
func importName(spec *ast.ImportSpec, imported string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	base := path.Base(imported)
	if version.MatchString(base) && path.Dir(imported) != "." {
		base = path.Base(path.Dir(imported))
	}
	base, _, _ = strings.Cut(base, ".")
	return strings.TrimPrefix(base, "go-")
}

var version = regexp.MustCompile(`^v[0-9]+$`)

// otherSystem matches files that only others than Linux on the usual machines build
// (go.dev/cmd/go, Build constraints).
var otherSystem = regexp.MustCompile(`_(aix|android|darwin|dragonfly|freebsd|illumos|ios|js|netbsd|openbsd|plan9|solaris|wasip1|windows)(_\w+)?\.go$|_(386|arm|mips\w*|ppc\w*|riscv\w*|s390x|wasm|loong64)\.go$`)

func builds(name string) bool {
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, ".") && !otherSystem.MatchString(name)
}

// ignored reports whether a build constraint leaves a file out on Linux.
func ignored(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "package ") {
			return false
		}
		if !constraint.IsGoBuild(line) || len(line) > 1000 {
			continue
		}
		expr, err := constraint.Parse(line)
		return err == nil && !expr.Eval(func(tag string) bool {
			return tag == "linux" || tag == "unix" || tag == "amd64" || tag == "cgo" || tag == "gc" || strings.HasPrefix(tag, "go1.")
		})
	}
	return false
}

// moduleLine matches the path of a module in its go.mod.
var moduleLine = regexp.MustCompile(`(?m)^module[ \t]+"?([^\s"]+)"?`)

// Module returns the path that a go.mod gives to its module.
func Module(text string) string {
	if m := moduleLine.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}
