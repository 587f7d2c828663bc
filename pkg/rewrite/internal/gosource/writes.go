package gosource

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An Environment is what the image gives to the program.
type Environment struct {
	Executable string                           // where the program lies, "" where that is not known
	Getenv     func(key string) string          // "" for a variable that is not set
	Flag       func(name string) (string, bool) // what the command line says
}

// A Write is what a program writes.
type Write struct {
	Path   string // relative to where the program starts, or absolute
	Dir    bool   // it is a directory
	Beside bool   // the program makes other files beside it
	At     string // FILE:LINE
}

// maxWrites bounds how many of them are returned.
const maxWrites = 100

// Writes returns what the program whose main package lies in a directory writes, for certain,
// where it gets that far. root is the directory of its module.
func Writes(tree Tree, root, main string, env Environment) []Write {
	g := &program{tree: tree, fset: token.NewFileSet(), root: root, packages: map[string]*pkg{}, structs: map[string]int{}, fields: map[string][]def{},
		options: map[string][]def{}, calls: map[string][]site{}, methods: map[string]int{}, local: map[*ast.FuncDecl]map[string][]def{}}
	if text, ok := tree.Read(path.Join(root, "go.mod")); ok {
		g.module = Module(text)
	}
	g.load(main, path.Join(g.module, strings.TrimPrefix(main, root)))
	g.index()
	w := writer{evaluator: &evaluator{program: g, Environment: env, busy: map[ast.Expr]bool{}}}
	for _, p := range g.order {
		for _, f := range p.files {
			for _, d := range f.syntax.Decls {
				fn, _ := d.(*ast.FuncDecl)
				w.declaration(scope{file: f, fn: fn}, d)
			}
		}
	}
	if g.moves {
		w.found = slices.DeleteFunc(w.found, func(w Write) bool { return !path.IsAbs(w.Path) })
	}
	return w.found
}

// A kind is what becomes of a path.
type kind int

const (
	file_ kind = iota
	directory
	database // with files beside it
)

// A function writes the path of one of its arguments.
type function struct {
	arg int
	is  kind
}

// functions are those of the standard library and of others that write, by the path of the
// package without its version, and the name.
var functions = map[string]function{
	"os.Mkdir": {0, directory}, "os.MkdirAll": {0, directory}, "os.Create": {0, file_}, "os.WriteFile": {0, file_}, "os.OpenFile": {0, file_},
	"os.Rename": {1, file_}, "os.MkdirTemp": {0, directory}, "os.CreateTemp": {0, directory},
	"io/ioutil.WriteFile": {0, file_}, "io/ioutil.TempDir": {0, directory}, "io/ioutil.TempFile": {0, directory},
	"go.etcd.io/bbolt.Open": {0, database}, "github.com/boltdb/bolt.Open": {0, database}, "github.com/etcd-io/bbolt.Open": {0, database},
	"github.com/asdine/storm.Open": {0, database}, "github.com/tidwall/buntdb.Open": {0, database},
	"github.com/dgraph-io/badger.DefaultOptions": {0, directory}, "github.com/syndtr/goleveldb/leveldb.OpenFile": {0, directory},
	"github.com/cockroachdb/pebble.Open": {0, directory}, "github.com/blevesearch/bleve.New": {0, directory}, "github.com/akrylysov/pogreb.Open": {0, directory},
	"gorm.io/driver/sqlite.Open": {0, database}, "github.com/glebarez/sqlite.Open": {0, database}, "zombiezen.com/go/sqlite.OpenConn": {0, database},
	"zombiezen.com/go/sqlite/sqlitex.NewPool": {0, database}, "zombiezen.com/go/sqlite/sqlitex.Open": {0, database},
	"golang.org/x/crypto/acme/autocert.DirCache": {0, directory},
}

var (
	// savesUpload are the methods of gin and fiber that save an uploaded file.
	savesUpload = map[string]bool{"SaveUploadedFile": true, "SaveFile": true}
	// opensDatabase are the functions that take a driver and where its database is
	// (database/sql, sqlx, ent, xorm).
	opensDatabase = map[string]bool{"Open": true, "Connect": true, "MustConnect": true, "MustOpen": true, "NewEngine": true}
	fileDriver    = regexp.MustCompile(`^(sqlite3?|sqlite3_\w+|libsql|duckdb)$`)
	inVersion     = regexp.MustCompile(`/v[0-9]+(/|$)|\.v[0-9]+$`)
	forWriting    = map[string]bool{"O_CREATE": true, "O_WRONLY": true, "O_RDWR": true, "O_APPEND": true}
)

// A writer collects what is written.
type writer struct {
	*evaluator
	found []Write
}

// declaration looks for what one declaration writes.
func (w *writer) declaration(sc scope, d ast.Decl) {
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			w.writingCall(sc, n)
		case *ast.CompositeLit:
			w.logger(sc, n)
		}
		return len(w.found) < maxWrites
	})
}

// writingCall notes what a call writes.
func (w *writer) writingCall(sc scope, n *ast.CallExpr) {
	fun, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	w.from = w.steps
	imported := inVersion.ReplaceAllString(w.imported(sc, fun.X), "$1")
	f, ok := functions[imported+"."+fun.Sel.Name]
	switch {
	case ok:
	case imported == "" && savesUpload[fun.Sel.Name] && len(n.Args) == 2:
		f = function{1, file_}
	case opensDatabase[fun.Sel.Name] && len(n.Args) >= 2 && w.fileDriver(sc, n.Args[0]):
		f = function{1, database}
	default:
		return
	}
	if f.arg < len(n.Args) && (fun.Sel.Name != "OpenFile" || imported != "os" || len(n.Args) == 3 && opensForWriting(n.Args[1])) {
		w.note(w.eval(sc, n.Args[f.arg]), f.is, n)
	}
}

func (w *writer) fileDriver(sc scope, x ast.Expr) bool {
	return slices.ContainsFunc(w.eval(sc, x), func(v value) bool { return fileDriver.MatchString(v.text) })
}

// opensForWriting reports whether the flags of os.OpenFile say so.
func opensForWriting(x ast.Expr) (writes bool) {
	ast.Inspect(x, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && forWriting[sel.Sel.Name] {
			writes = true
		}
		return true
	})
	return writes
}

// logger notes the file of a log that lumberjack writes and rotates.
func (w *writer) logger(sc scope, n *ast.CompositeLit) {
	sel, ok := n.Type.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Logger" || !strings.Contains(w.imported(sc, sel.X), "lumberjack") {
		return
	}
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok && nameOf(kv.Key) == "Filename" {
			w.note(w.eval(sc, kv.Value), file_, n)
		}
	}
}

// note keeps what is written at a place.
func (w *writer) note(v values, is kind, n ast.Node) {
	at := w.fset.Position(n.Pos())
	for _, x := range v {
		if is == database {
			x = dataSource(x)
		}
		out := Write{Path: x.text, Dir: is == directory, Beside: is == database, At: at.Filename + ":" + strconv.Itoa(at.Line)}
		if x.open {
			// The directory is known, and not what is made in it.
			out.Path, out.Dir = path.Dir(x.text+"x"), true
		}
		if usable(out.Path) && !slices.ContainsFunc(w.found, func(o Write) bool { return o.Path == out.Path && o.Dir == out.Dir && o.Beside == out.Beside }) {
			w.found = append(w.found, out)
		}
	}
}

// usable reports whether a path is one that somebody meant to name.
func usable(name string) bool {
	clean := path.Clean(name)
	return name != "" && clean != "." && clean != "/" && !strings.HasPrefix(clean, "..") && !strings.HasPrefix(clean, "-") && !strings.ContainsAny(name, "\x00\n:\\~$%*?")
}

// dataSource is the file of a database that a data source name stands for
// (sqlite.org/uri.html), nothing for one in memory or that is only read.
func dataSource(v value) value {
	text, query, cut := strings.Cut(v.text, "?")
	text = strings.TrimPrefix(strings.TrimPrefix(text, "file:"), "//")
	if strings.Contains(text, ":memory:") || strings.Contains(query, "mode=memory") || strings.Contains(query, "mode=ro") || strings.Contains(query, "immutable") {
		return value{}
	}
	return value{text, v.open && !cut}
}
