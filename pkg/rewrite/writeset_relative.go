package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// Relative paths are the most usual form of all: they start at the working directory of the
// image. As many a text has a slash in it, and much is only read, such a path counts where it
// stands in the very place of a call or a setting that writes.

// A position is where an expression stands in a statement.
type position struct {
	key    string // of the property, the keyword or the variable that it is the value of
	call   string // the function of which it is an argument, or in an object that is one
	index  int    // which argument it is
	inside string // what is in front of it in the parentheses
}

var (
	keyBefore  = regexp.MustCompile(`([A-Za-z_$][\w$]*)["'\]]*\s*(?::\s*[A-Za-z.]+\s*=|[:=])\s*$`)
	callBefore = regexp.MustCompile(`([A-Za-z_$][\w$.]*)\s*$`)
)

// positionOf reads the text in front of an expression.
func positionOf(before string) (at position) {
	if m := keyBefore.FindStringSubmatch(before); m != nil {
		at.key = m[1]
	}
	depth := 0
	for i := len(before) - 1; i >= 0; i-- {
		switch c := before[i]; c {
		case '"', '\'', '`':
			if i = strings.LastIndexByte(before[:i], c); i < 0 {
				return at
			}
		case ')', ']', '}':
			depth++
		case '(', '[', '{':
			switch {
			case depth > 0:
				depth--
			case c == '(':
				if m := callBefore.FindStringSubmatch(before[:i]); m != nil {
					at.call = m[1]
				}
				at.inside = before[i+1:]
				return at
			default:
				at.index = 0 // of what the object or the list is
			}
		case ',':
			if depth == 0 {
				at.index++
			}
		}
	}
	return at
}

var (
	// makesDirectory, writesFirst and writesSecond are functions by the last word of their
	// names: those that make their first argument, a directory or a file, and those that make
	// the second one of the first.
	makesDirectory = regexp.MustCompile(`^(?:mkdirp?(?:Sync|pSync)?|ensureDir(?:Sync)?|makedirs|LocalStorage)$`)
	writesFirst    = regexp.MustCompile(`^(?:(?:write|append)File(?:Sync)?|createWriteStream|(?:output|write)(?:File|Json|JSON)(?:Sync|File)?|ensureFile(?:Sync)?|Database(?:Sync)?|FileSync|FileAsync|JSONFile(?:Sync|Preset)?|JsonDB|TinyDB|(?:Rotating|TimedRotating|WatchedRotating|Watched)?FileHandler|toFile|mv|savefig|imwrite)$`)
	writesSecond   = regexp.MustCompile(`^(?:copyFile(?:Sync)?|copy(?:Sync|2|file)?|cp(?:Sync)?|move(?:Sync)?|renames?(?:Sync)?|urlretrieve)$`)
	opensFor       = regexp.MustCompile(`^\s*,\s*(?:mode\s*=\s*)?["'][a-z]*[wax+]`)
	itselfOpensFor = regexp.MustCompile(`^\s*\.(?:(mkdir)|write_text|write_bytes|touch|open\s*\(\s*(?:mode\s*=\s*)?["'][a-z]*[wax+])`)
	// directoryKey are settings of a directory for what users send, and logKey those of
	// libraries that write logs and databases.
	directoryKey = regexp.MustCompile(`(?i)^(?:dest|destination|tempFileDir|uploads?_?(?:dir|directory|tmp_dir|folder|path|dest)|MEDIA_ROOT)$`)
	fileKey      = regexp.MustCompile(`(?i)^(?:filename|storage|database|NAME|pid_?file|log_?file)$`)
	writesNamed  = regexp.MustCompile(`(?:File|Datastore|Handler|basicConfig|DailyRotate\w*)$`)
	// ofStream are streams that take the directory as a setting of its own.
	ofStream = regexp.MustCompile(`^(?:createStream|screenshot|pdf)$`)
	// forBuilds are sources that people run, or a build does, and not the program.
	forBuilds = regexp.MustCompile(`(?i)(^|/)(?:scripts?|tools?|bench\w*|hack|ci|build|seed(?:s|ers)?|notebooks?|e2e|cypress|webpack)/|(^|/)(?:webpack|rollup|build|train|seed|generate|deploy|release|benchmark)[\w.-]*$`)
)

// writes reports whether what stands at the position is written, and whether as a directory.
func (at position) writes(v value, s source, rest string) (dir, ok bool) {
	call := at.call[strings.LastIndexByte(at.call, '.')+1:]
	if m := itselfOpensFor.FindStringSubmatch(rest); m != nil {
		return m[1] != "", true
	}
	switch {
	case strings.HasPrefix(v.text, "sqlite") && beforeURL.MatchString(v.text):
		return false, true
	case at.key != "":
		return at.sets(v, call)
	case at.index == 0 && makesDirectory.MatchString(call):
		return true, true
	case at.index == 0 && (call == "open" || call == "openSync"):
		return false, opensFor.MatchString(rest)
	case at.index == 0 && call == "connect":
		return false, strings.Contains(at.call, "sqlite") || databaseFile.MatchString(v.text)
	case at.index == 0 && call == "save":
		return false, !v.known // of a file that somebody sends
	case at.index == 1 && strings.HasPrefix(strings.TrimSpace(at.inside), "null"):
		return true, strings.Contains(s.text, "multer") // cb(null, DIRECTORY)
	}
	return false, at.index == 0 && writesFirst.MatchString(call) || at.index == 1 && writesSecond.MatchString(call)
}

// sets reports the same for the value of a setting.
func (at position) sets(v value, call string) (dir, ok bool) {
	switch {
	case directoryKey.MatchString(at.key):
		return !fileEnding.MatchString(v.text), true
	case at.key == "dirname":
		return true, writesNamed.MatchString(call)
	case at.key == "path":
		return call == "createStream", ofStream.MatchString(call)
	case fileKey.MatchString(at.key):
		return false, databaseFile.MatchString(v.text) || strings.HasSuffix(v.text, ".log") || at.key == "filename" && writesNamed.MatchString(call)
	}
	return false, false
}

// noteRelative keeps a path that is relative, or of which only the directory is known, or
// that a function writes which has two paths, where it stands in the place of what is written.
func (p *Pass) noteRelative(e *evaluator, v value, stmt statement, from int) {
	name := v.text
	if !v.known {
		name = v.below
	}
	relative := !path.IsAbs(beforeURL.ReplaceAllString(name, ""))
	if name == "" || !relative && !v.placed || len(p.memo.placed) >= maxLiterals || relative && (p.End.Workdir == "/" || !e.source.started && forBuilds.MatchString(e.source.name)) {
		return
	}
	dir, ok := positionOf(stmt.text[:from]).writes(v, e.source, stmt.text[min(e.pos, len(stmt.text)):])
	if !ok {
		return
	}
	dir = dir || !v.known
	name = imagepath.Abs(p.End.Workdir, beforeURL.ReplaceAllString(name, ""))
	t := placedPath{toldPath: toldPath{path: name, dir: dir, by: fmt.Sprintf("%s:%d names it", e.source.name, stmt.line)}, built: e.source.compiled != "" && imagepath.Below(name, e.source.compiled)}
	of := name
	if !dir {
		of = path.Dir(name)
	}
	switch t.copied = !dir && p.CopiedFile(name) != nil; {
	case relative && !p.broughtAbove(of), dir && e.source.image != "" && imagepath.Below(e.source.image, name), t.copied && !dataFile.MatchString(name):
	case slices.ContainsFunc(p.memo.placed, func(o placedPath) bool { return o.path == name && o.dir == dir }):
	default:
		p.memo.placed = append(p.memo.placed, t)
	}
}

// maxParts bounds how deep a path may lie that somebody has written down.
const maxParts = 24

// broughtAbove reports whether a directory, or the nearest one above it that is there, comes
// with a copy. Where none is there, the program makes it in its working directory.
func (p *Pass) broughtAbove(dir string) bool {
	if strings.Count(dir, "/") > maxParts {
		return false
	}
	for dir != p.End.Workdir && imagepath.Below(dir, p.End.Workdir) {
		if p.copied(dir) || p.lastReset(dir) != nil {
			return true
		}
		dir = path.Dir(dir)
	}
	return false
}

// relativeVariable matches those of toldVariable that name what is written, also where the
// directory comes with the application: one for data or models may as well be read.
var (
	relativeVariable = regexp.MustCompile(`(^|_)(UPLOADS?|LOGS?|STATE|STORAGE|MEDIA|TE?MP|OUTPUT|DOWNLOADS?|BACKUPS?|DB|DATABASE|SQLITE|SESSIONS?|CACHE)_?(DIR|DIRECTORY|FOLDER|PATH|ROOT|FILE)$`)
	relativeValue    = regexp.MustCompile(`^(?:\./)?[\w.-]+(?:/[\w.-]+)*/?$`)
	relativeFile     = regexp.MustCompile(`^file:(\.{0,2}[\w.-][^?:]*)`)
)

// fromWorkdir returns the value of a variable with the working directory in front, where it
// is a relative path below a directory that comes with the application.
func (p *Pass) fromWorkdir(key, v string) string {
	dir := ""
	switch m := relativeFile.FindStringSubmatch(v); {
	case m != nil && databaseFile.MatchString(m[1]):
		v, dir = "file:"+imagepath.Abs(p.End.Workdir, m[1]), path.Dir(imagepath.Abs(p.End.Workdir, m[1]))
	case relativeVariable.MatchString(key) && relativeValue.MatchString(v) && !toldByBuild.MatchString(key):
		full := imagepath.Abs(p.End.Workdir, v)
		if dir = full; path.Ext(full) != "" {
			dir = path.Dir(full)
		}
		v = full
	}
	if dir == "" || p.End.Workdir == "/" || !p.broughtAbove(dir) {
		return ""
	}
	return v
}
