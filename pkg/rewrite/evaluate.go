package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// An evaluator works out paths that a program puts together from constants, its own place, the working directory and the environment of the image. What it does not know
// has no value: it guesses nothing.
type evaluator struct {
	pass   *Pass
	source source
	flask  bool // app.root_path is that of the file's directory
	vars   map[string]value
	text   string
	pos    int
	depth  int

	injecting value // what Spring sets the next field to
}

// A value is what an expression comes to.
type value struct {
	text   string
	known  bool
	placed bool   // it is relative to the source, or to where it starts
	below  string // the directory that a path lies in of which no more is known
}

// maxDepth bounds how deep expressions are nested.
const maxDepth = 8

var (
	nameHere    = regexp.MustCompile(`^[A-Za-z_$][\w$]*`)
	targetHere  = regexp.MustCompile(`^[A-Za-z_$][\w$.]*(?:\[["']\w+["']\])?`)
	subscript   = regexp.MustCompile(`^\[\s*["']?([\w.-]+)["']?\s*\]`)
	keyword     = regexp.MustCompile(`^\s*([a-z_]+)\s*=\s*[^=]`)
	stringStart = regexp.MustCompile("^[rRuUbBfF]{0,2}[\"'`]")
	orHere      = regexp.MustCompile(`^\s*(?:\|\||\?\?|or\b)\s*`)
	plusHere    = regexp.MustCompile(`^\s*([+/])\s*`)
)

// startAt returns the length of the word or the quote that an expression may start with.
func (e *evaluator) startAt(i int) int {
	if i > 0 && (isWord(e.text[i-1]) || e.text[i-1] == '.') {
		return 0
	}
	rest := e.text[i:]
	if m := stringStart.FindString(rest); m != "" {
		return len(m)
	}
	return len(nameHere.FindString(rest))
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// target returns the variable that is given a value at a place, and goes behind the sign; ""
// where none is.
func (e *evaluator) target(i int) string {
	name := targetHere.FindString(e.text[i:])
	sign := assignHere.FindString(e.text[i+len(name):])
	if name == "" || sign == "" {
		return ""
	}
	e.pos = i + len(name) + len(sign) - 1
	return plainName(name)
}

// assignHere matches what stands between a variable and its value, and the value's first
// character.
var assignHere = regexp.MustCompile(`^\s*(?::\s*[A-Za-z.]+\s*)?=\s*[^=>~\s]`)

// plainName is a name with one kind of quotes.
func plainName(name string) string { return strings.ReplaceAll(name, "'", `"`) }

func (e *evaluator) space() {
	for e.pos < len(e.text) && (e.text[e.pos] == ' ' || e.text[e.pos] == '\t') {
		e.pos++
	}
}

// next goes behind a character where it is the next one.
func (e *evaluator) next(c byte) bool {
	e.space()
	if e.pos < len(e.text) && e.text[e.pos] == c {
		e.pos++
		return true
	}
	return false
}

// matches goes behind what an expression matches here.
func (e *evaluator) matches(re *regexp.Regexp) []string {
	m := re.FindStringSubmatch(e.text[e.pos:])
	if m != nil {
		e.pos += len(m[0])
	}
	return m
}

// either reads alternatives: the first one that has a value counts. ok is false where the
// text is none of the expressions that are understood.
func (e *evaluator) either() (v value, ok bool) {
	if e.depth++; e.depth > maxDepth {
		return v, false
	}
	defer func() { e.depth-- }()
	if v, ok = e.sum(); !ok {
		return v, false
	}
	for e.otherwise() {
		other, ok := e.sum()
		if !ok {
			return value{}, false
		}
		if !v.known {
			v = other
		}
	}
	return v, true
}

// sum reads parts that are put together by + or, in Python, by /.
func (e *evaluator) sum() (v value, ok bool) {
	if v, ok = e.term(); !ok {
		return v, false
	}
	for {
		sign := e.plus()
		if sign == "" {
			return v, true
		}
		other, ok := e.term()
		switch {
		case !ok:
			return value{}, false
		case sign == "/":
			v = joined([]value{v, other}, true)
		default:
			v = appended(v, other)
		}
	}
}

// term reads one part.
func (e *evaluator) term() (value, bool) {
	e.space()
	rest := e.text[e.pos:]
	switch {
	case rest == "":
		return value{}, false
	case stringStart.MatchString(rest):
		return e.quoted()
	case rest[0] == '(':
		e.pos++
		v, ok := e.either()
		if !ok || !e.next(')') {
			return value{}, false
		}
		return e.behind("", v)
	case rest[0] >= '0' && rest[0] <= '9':
		for e.pos < len(e.text) && isWord(e.text[e.pos]) {
			e.pos++
		}
		return value{}, true
	}
	name := e.name()
	if name == "" {
		return value{}, false
	}
	return e.behind(name, e.named(name))
}

// quoted reads a string, and what is filled into it.
func (e *evaluator) quoted() (value, bool) {
	start := stringStart.FindString(e.text[e.pos:])
	quote := start[len(start)-1]
	fills := e.source.language() == nil && (quote == '`' || strings.ContainsAny(start, "fF"))
	e.pos += len(start)
	v := value{known: true}
	var text strings.Builder
	for e.pos < len(e.text) {
		if part, ok := e.filled(quote); ok {
			v.text = text.String()
			v = appended(v, part)
			text.WriteString(part.text)
			continue
		}
		c := e.text[e.pos]
		e.pos++
		switch {
		case c == quote:
			v.text = text.String()
			return v, true
		case c == '\\':
			v.known = false
			e.pos++
		case fills && quote == '`' && c == '$' && e.pos < len(e.text) && e.text[e.pos] == '{', fills && quote != '`' && c == '{':
			if c == '$' {
				e.pos++
			}
			part, ok := e.either()
			if !ok || !e.next('}') {
				return value{}, false
			}
			v.text = text.String()
			v = appended(v, part)
			text.WriteString(part.text)
		default:
			text.WriteByte(c)
		}
	}
	return value{}, false
}

// writesItself matches the methods of a path that write it.
var writesItself = regexp.MustCompile(`^\s*\.(?:mkdir|write_text|write_bytes|open|touch)\s*\(`)

// behind reads what follows a name or a value: properties, calls and subscripts.
func (e *evaluator) behind(name string, v value) (value, bool) {
	for {
		rest := e.text[e.pos:]
		if rest == "" || v.known && e.stopsBefore(rest) {
			return v, true
		}
		word := e.dotted()
		switch {
		case word != "":
			if v.known {
				v = e.property(v, word)
				name = ""
				continue
			}
			if name != "" {
				name += "." + word
				v = e.named(name)
			}
		case rest[0] == '[':
			m := e.matches(subscript)
			if m == nil {
				return value{}, false
			}
			if name != "" {
				name += `["` + m[1] + `"]`
			}
			v = e.named(name)
		case rest[0] == '(':
			e.pos++
			args, ok := e.arguments()
			if !ok {
				return value{}, false
			}
			v, name = e.call(name, args), ""
		default:
			return v, true
		}
	}
}

// property reads what a path has: its parent, and what makes it absolute or a string.
func (e *evaluator) property(v value, word string) value {
	switch word {
	case "parent":
		v.text = path.Dir(v.text)
		return v
	case "parents":
		m := e.matches(subscript)
		if m == nil {
			return value{}
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n < 0 || n > maxDepth {
			return value{}
		}
		for range n + 1 {
			v.text = path.Dir(v.text)
		}
		return v
	}
	if !e.next('(') {
		return value{}
	}
	args, ok := e.arguments()
	switch {
	case !ok:
		return value{}
	case word == "joinpath" || word == "resolve" && e.source.language() == ofJava:
		return joined(append([]value{v}, args.words...), true)
	case word == "resolve" || word == "absolute" || word == "as_posix" || word == "toString":
		return v
	case word == "toFile" || word == "toPath" || word == "getAbsolutePath" || word == "toAbsolutePath":
		return v
	}
	return value{}
}

// named returns the value of a name.
func (e *evaluator) named(name string) value {
	if v, ok := e.vars[plainName(name)]; ok {
		return v
	}
	if v, ok := e.inLanguage(name); ok {
		return v
	}
	// Of a source that only a build's product comes from, the place is not known.
	placed := e.source.image != ""
	dir := value{text: path.Dir(e.source.image), known: placed, placed: placed}
	switch name {
	case "__dirname", "import.meta.dirname":
		return dir
	case "__file__", "__filename", "import.meta.url", "import.meta.filename":
		return value{text: e.source.image, known: placed, placed: placed}
	case "app.root_path":
		if e.flask {
			return dir
		}
	}
	for _, of := range []string{"process.env.", `process.env["`, `os.environ["`, `environ["`} {
		if key, ok := strings.CutPrefix(name, of); ok {
			return e.variable(strings.TrimSuffix(key, `"]`))
		}
	}
	return value{}
}

// variable returns the value of a variable of the environment, where the image sets it.
func (e *evaluator) variable(key string) value {
	v, ok := e.pass.End.Env.Get(key)
	return value{text: v, known: ok && v != ""}
}

// arguments are those of a call.
type arguments struct {
	words    []value
	fallback value // default= of Python
}

// arguments reads them up to the closing parenthesis.
func (e *evaluator) arguments() (args arguments, ok bool) {
	for !e.next(')') {
		m := keyword.FindStringSubmatch(e.text[e.pos:])
		if m != nil {
			e.pos += len(m[0]) - 1
		}
		v, ok := e.either()
		switch {
		case !ok || len(args.words) > 20:
			return args, false
		case m == nil:
			args.words = append(args.words, v)
		case m[1] == "default":
			args.fallback = v
		}
		if e.next(',') {
			continue
		}
		return args, e.next(')')
	}
	return args, true
}

// The functions that are known, by the last words of their names.
var (
	joins      = []string{"path.join", "join", "path.posix.join", "os.path.join"}
	makesPaths = []string{"Path", "pathlib.Path", "PurePath", "str", "String", "os.fspath", "os.path.normpath", "path.normalize", "normalize", "fileURLToPath", "url.fileURLToPath"}
	resolves   = []string{"path.resolve", "resolve", "os.path.abspath", "os.path.realpath", "abspath", "realpath"}
	dirnames   = []string{"path.dirname", "dirname", "os.path.dirname"}
	asksEnv    = []string{"os.environ.get", "environ.get", "os.getenv", "getenv", "config", "env", "env.str", "env.path"}
	workdirs   = []string{"process.cwd", "os.getcwd", "Path.cwd", "pathlib.Path.cwd"}
)

// call returns what a function returns.
func (e *evaluator) call(name string, args arguments) value {
	workdir := value{text: e.pass.End.Workdir, known: true, placed: true}
	python := path.Ext(e.source.name) == ".py"
	if v, ok := e.callInLanguage(name, args); ok {
		return v
	}
	switch {
	case slices.Contains(workdirs, name):
		return workdir
	case len(args.words) == 0:
		return value{}
	case slices.Contains(joins, name):
		return joined(args.words, python)
	case slices.Contains(makesPaths, name):
		return joined(args.words, true)
	case slices.Contains(resolves, name):
		return joined(append([]value{workdir}, args.words...), true)
	case slices.Contains(dirnames, name):
		v := args.words[0]
		v.text = path.Dir(v.text)
		return v
	case slices.Contains(asksEnv, name):
		v := args.words[0]
		if v.known {
			v = e.variable(v.text)
		}
		if !v.known && len(args.words) == 2 {
			return args.words[1]
		} else if !v.known {
			return args.fallback
		}
		return v
	}
	return value{}
}

// joined puts parts of a path together. Where one that is absolute starts anew, what is
// before it does not count.
func joined(parts []value, anew bool) value {
	if len(parts) == 1 {
		return parts[0]
	}
	out := value{known: true}
	for i, part := range parts {
		if !part.known && i > 0 && i == len(parts)-1 {
			return value{below: out.text, placed: out.placed}
		}
		if !part.known || len(out.text) > imagepath.MaxPath {
			return value{}
		}
		if anew && path.IsAbs(part.text) {
			out.text, out.placed = "", false
		}
		if i == 0 || out.text == "" {
			out.text = part.text
		} else {
			out.text = path.Join(out.text, part.text)
		}
		out.placed = out.placed || part.placed
	}
	return out
}

// appended is a text with another one behind it: where that is not known, the directory is.
func appended(v, other value) value {
	out := value{text: v.text + other.text, known: v.known && other.known, placed: v.placed || other.placed, below: v.below}
	if i := strings.LastIndexByte(v.text, '/'); v.known && !other.known && i > 0 {
		out.below = v.text[:i]
	}
	return out
}
