package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A placedPath is a path that the source of an application names relative to itself, or to
// where it starts, and plainly writes.
type placedPath struct {
	toldPath
	copied bool // the file is in the image already
	built  bool // it is among what a build makes of the sources, as root's
}

// A source is a file of an application's code that is read for what it writes.
type source struct {
	name  string // in the build context
	image string // in the image, "" where that is not known
	text  string

	started  bool   // the image starts it
	compiled string // the directory that its compiled form lies in
}

var (
	// evaluated are the languages whose paths are followed.
	evaluated = regexp.MustCompile(`\.([mc]?[jt]s|[jt]sx|py|php|rb|p[lm]|psgi|java|kt|lua|erl|exs?)$`)
	// placedWrite matches statements that write a path or set it for a library that does,
	// beside those of plainWrite.
	placedWrite = regexp.MustCompile(`sqlite(?:\+\w+)?:///|DATABASE_URI|["']NAME["']\s*:|["']filename["']\s*:|\bopen\s*\(.*,\s*(?:mode\s*=\s*)?["'][wax]|\.open\s*\(\s*["'][wax]|\.write_(?:text|bytes)\b|\.touch\(`)
	// placedRead matches the call around a path that only reads it.
	placedRead = regexp.MustCompile(`(?i)(?:read\w*|load\w*|static|require|import|send_?file|render\w*|exists\w*|is_?file|is_?dir|stat\w*|listdir|readdir\w*|unlink\w*)\s*\(\s*$`)
	// placedDir matches statements that mean directories where a name has no ending, and
	// placedFile what opens a file all the same: a directory in its place would stop it.
	placedDir  = regexp.MustCompile(directoryWord.String() + `|(?i)upload_?path|MEDIA_ROOT|\bLOCATION\b|FILE_PATH`)
	placedFile = regexp.MustCompile(`(?i)(?:writeFile\w*|appendFile\w*|WriteStream|open|Database|connect|Handler|\.File)\W*$|filename["']?\s*[:=]\s*$`)
	// beforeURL matches what URLs of SQLite have before the path.
	beforeURL = regexp.MustCompile(`^(?:sqlite3?(?:\+\w+)?:///|file:(?://)?)`)
)

// maxTries bounds in how many places of a statement an expression is looked for.
const maxTries = 40

// readPlaces notes the paths that a source file writes and that it finds by its own place.
func (p *Pass) readPlaces(s source) {
	if !evaluated.MatchString(s.name) || isConfig("/"+s.name) && forOthers.MatchString(s.name) {
		return
	}
	s = p.compiledTo(s)
	e := evaluator{pass: p, source: s, vars: map[string]value{}, flask: strings.Contains(s.text, "Flask(__name__")}
	for _, stmt := range statements(s.text) {
		if l := s.language(); l != nil {
			if l.comment != "" && strings.HasPrefix(strings.TrimSpace(stmt.text), l.comment) {
				continue
			}
			stmt.text = l.prepared(stmt.text)
			e.defines(stmt.text)
			e.injects(stmt.text)
		}
		p.readStatement(&e, stmt)
	}
	if e.flask {
		p.noteInstance(s)
	}
}

// A statement is one of a program, with the line where it starts.
type statement struct {
	text string
	line int
}

// opensCall matches a line that leaves the parts of a path to the next ones.
var opensCall = regexp.MustCompile(`(?:join|resolve|Path|(?:write|append)File(?:Sync)?|createWriteStream|mkdirSync|Database|connect|open)\($`)

// statements splits a text, as far as its lines and semicolons tell.
func statements(text string) (out []statement) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line, at := strings.TrimSpace(lines[i]), i+1
		if line == "" || len(line) > 1000 || strings.HasPrefix(line, "//") || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "*") {
			continue
		}
		if opensCall.MatchString(line) {
			for more := 0; more < 6 && i+1 < len(lines) && strings.Count(line, "(") > strings.Count(line, ")") && len(line) < 1000; more++ {
				i++
				line += " " + strings.TrimSpace(lines[i])
			}
		}
		for _, s := range atSemicolons(line) {
			out = append(out, statement{s, at})
		}
	}
	return out
}

// atSemicolons splits a line at those that stand in no text.
func atSemicolons(line string) (out []string) {
	start, quote := 0, byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == ';':
			out, start = append(out, line[start:i]), i+1
		}
	}
	if quote != 0 { // the apostrophe of a comment, or a text of many lines
		return strings.Split(line, ";")
	}
	return append(out, line[start:])
}

// readStatement follows the paths of one statement: it keeps what it gives to a variable, and
// notes what it writes.
func (p *Pass) readStatement(e *evaluator, stmt statement) {
	writes := plainWrite.MatchString(stmt.text) || placedWrite.MatchString(stmt.text)
	e.text = stmt.text
	for i, tries := 0, 0; i < len(stmt.text) && tries < maxTries; {
		word := e.startAt(i)
		if word == 0 {
			i++
			continue
		}
		tries++
		if e.pos, e.depth = i, 0; e.tail(i) {
			i = e.behindTail(word)
			continue
		}
		name := e.target(i)
		if name != "" {
			i = e.pos
		}
		v, ok := e.either()
		if name != "" {
			e.vars[name] = v // one that is not known is known no longer
		}
		if e.source.language() != nil {
			if ok {
				p.noteCall(e, v, stmt, i)
			}
		} else if ok && (!v.known || !writes || !path.IsAbs(beforeURL.ReplaceAllString(v.text, ""))) {
			p.noteRelative(e, v, stmt, i)
		}
		if !ok || !v.known {
			switch {
			case name != "":
			case v.below != "":
				i = max(e.pos, i+1) // its parts are no paths of their own
			default:
				i += word
			}
			continue
		}
		if writes && e.source.language() == nil {
			p.notePlace(e, v, stmt, stmt.text[:i])
		}
		i = max(e.pos, i+1)
	}
}

// notePlace keeps a path that a statement writes. What is above the source itself is its
// code, and a file that is copied counts where it is one of data.
func (p *Pass) notePlace(e *evaluator, v value, stmt statement, before string) {
	name := path.Clean(beforeURL.ReplaceAllString(v.text, ""))
	if !path.IsAbs(name) || placedRead.MatchString(before) || len(p.memo.placed) >= maxLiterals {
		return
	}
	t := placedPath{toldPath: toldPath{path: name, by: fmt.Sprintf("%s:%d names it", e.source.name, stmt.line)}}
	t.dir = !fileEnding.MatchString(name) && placedDir.MatchString(stmt.text) && !placedFile.MatchString(before)
	if !v.placed {
		_, exactly := positionOf(before).writes(v, e.source, stmt.text[e.pos:])
		p.writesLiteral(t.toldPath, exactly)
		return
	}
	t.built = e.source.compiled != "" && imagepath.Below(name, e.source.compiled)
	if t.dir && e.source.image != "" && imagepath.Below(e.source.image, name) {
		return
	}
	if t.copied = !t.dir && p.CopiedFile(name) != nil; t.copied && !dataFile.MatchString(name) {
		return
	}
	p.memo.placed = append(p.memo.placed, t)
}

// writesLiteral notes that a path which a source names is written by way of a variable. One
// that no line names as such, since it may as well be of a URL, or that stands at the top,
// counts where it is in the very place of what is written.
func (p *Pass) writesLiteral(t toldPath, exactly bool) {
	for i := range p.memo.literals {
		if l := &p.memo.literals[i]; l.path == t.path {
			l.writes, l.dir = true, l.dir || t.dir
			return
		}
	}
	if exactly && len(p.memo.literals) < maxLiterals {
		p.memo.literals = append(p.memo.literals, literal{t, strings.TrimSuffix(t.by, " names it"), true})
	}
}

// placedSet adds what the application's source writes beside itself: the directory, which
// came with a copy and so is root's, or is made in such a one.
func (p *Pass) placedSet(add func(writePath)) {
	for _, t := range p.memo.placed {
		dir := t.path
		if !t.dir {
			dir = path.Dir(dir)
		}
		if imagepath.Standard[dir] || imagepath.Protected(dir) || imagepath.ProtectedDir(path.Join(dir, "file")) != "" || p.ofBase(dir) || !p.belowCopy(dir) {
			continue
		}
		if t.copied {
			add(writePath{path: t.path, why: t.by, file: true, exist: true, after: p.inStage(p.CopiedFile(t.path))})
		}
		if !t.copied || databaseFile.MatchString(t.path) {
			w := p.placedDirectory(dir, t.by)
			if t.built { // a directory of the build's is above it, and root's
				w.makes, w.after = false, p.later(w.after, p.lastWorkIn(p.End.Workdir))
			}
			add(w)
		}
	}
}

// placedDirectory is a directory that the source writes to. What is there by then is
// given away behind what brings it; the working directory is made where it has to be.
func (p *Pass) placedDirectory(dir, why string) writePath {
	w := writePath{path: dir, why: why, makes: true}
	if dir == p.End.Workdir || !p.there(dir) && !p.copied(dir) {
		return w
	}
	w.exist, w.after = true, p.lastCopyOver(dir)
	if d := p.End.Dirs[dir]; d.Made() {
		w.after = p.later(w.after, p.inStage(d.MadeBy))
	}
	return w
}

// belowCopy reports whether a directory is that of a copy, or lies in one.
func (p *Pass) belowCopy(dir string) bool {
	return slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		dest := path.Clean(c.Dest)
		return !c.Opaque && dest != "/" && imagepath.Below(dir, dest)
	})
}

// copied reports whether a copy of the build context brings a path for certain.
func (p *Pass) copied(name string) bool {
	return slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return c.By.Keyword == "COPY" && c.From == "" && !c.Opaque && imagepath.Below(name, path.Clean(c.Dest)) && p.hasContext() && p.mayBring(c, name)
	})
}
