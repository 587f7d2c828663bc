package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A language is what sets one apart from JavaScript and Python in how a path is put together
// and written. What is written in it counts only in the very place of a call that writes.
type language struct {
	glue    *regexp.Regexp // what puts two texts together
	fills   *regexp.Regexp // what is filled into a text with double quotes, with the name or expression
	word    *regexp.Regexp // the name of a variable, where it is not nameHere
	access  *regexp.Regexp // what stands between a value and its property
	comment string         // what starts one, beside // and #
	joins   []string       // functions that put parts of a path together
	bare    *regexp.Regexp // calls that do without parentheses
	writers []writer
}

var (
	glueDot  = regexp.MustCompile(`^\s*(\.)\s*`)
	gluePlus = regexp.MustCompile(`^\s*(\+)\s*`)
	glueLua  = regexp.MustCompile(`^\s*(\.\.)\s*`)
	glueErl  = regexp.MustCompile(`^\s*(\+\+|<>)\s*`)

	ofPHP = &language{glue: glueDot, access: regexp.MustCompile(`^(?:\??->|::)\$?([A-Za-z_]\w*)`),
		fills: regexp.MustCompile(`^\{?(\$\{?[A-Za-z_]\w*(?:->\w+)?)\}?`), writers: phpWriters}
	ofRuby = &language{glue: gluePlus, access: regexp.MustCompile(`^(?:&?\.|::)([A-Za-z_]\w*[!?]?)`),
		fills: regexp.MustCompile(`^#\{([\w.]+)\}`), joins: []string{"File.join"}, writers: rubyWriters,
		bare: regexp.MustCompile(`\b((?:File|IO|FileUtils|Dir)\.\w+)\s+(["'A-Z_a-z])`)}
	ofPerl = &language{glue: glueDot, access: regexp.MustCompile(`^->([A-Za-z_]\w*)`), word: regexp.MustCompile(`^[$]?[A-Za-z_]\w*(?:::\w+)*`),
		fills: regexp.MustCompile(`^(\$\{?[A-Za-z_]\w*(?:::\w+)*\}?)`), joins: []string{"catfile", "catdir"}, writers: perlWriters,
		bare: regexp.MustCompile(`\b(open|mkdir|make_path|mkpath|copy|move|store|nstore)\s+(["'$A-Za-z])`)}
	ofJava = &language{glue: gluePlus, access: regexp.MustCompile(`^\??\.([A-Za-z_]\w*)`), fills: regexp.MustCompile(`^(\$\{?[A-Za-z_]\w*\}?)`),
		joins: []string{"Paths.get", "Path.of", "File", "Path"}, writers: javaWriters}
	ofLua = &language{glue: glueLua, comment: "--", access: regexp.MustCompile(`^[.:]([A-Za-z_]\w*)`),
		writers: luaWriters}
	ofErlang = &language{glue: glueErl, comment: "%", access: regexp.MustCompile(`^[.:]([A-Za-z_]\w*!?)`), fills: regexp.MustCompile(`^#\{([\w.]+)\}`),
		joins: []string{"filename.join", "Path.join"}, writers: erlangWriters, bare: regexp.MustCompile(`\b(File\.\w+!?)\s+(")`)}

	languages = map[string]*language{".php": ofPHP, ".rb": ofRuby, ".pl": ofPerl, ".pm": ofPerl, ".psgi": ofPerl, ".java": ofJava, ".kt": ofJava,
		".lua": ofLua, ".erl": ofErlang, ".ex": ofErlang, ".exs": ofErlang}
)

// language returns that of a source, nil for JavaScript and Python.
func (s source) language() *language { return languages[path.Ext(s.name)] }

// prepared is a statement with parentheses and without signs that stand for nothing here.
func (l *language) prepared(text string) string {
	if l == ofErlang {
		text = strings.ReplaceAll(text, "!(", "(")
	}
	if l.bare != nil {
		text = l.bare.ReplaceAllString(text, "$1($2")
	}
	if l == ofPHP {
		text = withoutLevels(text)
	}
	return text
}

// name goes behind the name of a variable, a constant or a function.
func (e *evaluator) name() string {
	re := nameHere
	if l := e.source.language(); l != nil && l.word != nil {
		re = l.word
	}
	name := re.FindString(e.text[e.pos:])
	e.pos += len(name)
	if name == "new" && e.source.language() != nil {
		e.space()
		return e.name()
	}
	return name
}

// plus goes behind what puts two parts together, and returns it; "" where there is nothing.
func (e *evaluator) plus() string {
	from, re := e.pos, plusHere
	l := e.source.language()
	if l != nil {
		re = l.glue
	}
	m := e.matches(re)
	if m == nil || l == nil && m[1] == "/" && path.Ext(e.source.name) != ".py" || strings.HasPrefix(e.text[e.pos:], "=") {
		e.pos = from
		return ""
	}
	return m[1]
}

// dotted goes behind the name of a property, and returns it; "" where none follows.
func (e *evaluator) dotted() string {
	rest := e.text[e.pos:]
	if l := e.source.language(); l != nil {
		if m := e.matches(l.access); m != nil {
			return m[1]
		}
		return ""
	}
	if rest[0] != '.' {
		return ""
	}
	word := nameHere.FindString(rest[1:])
	if word != "" {
		e.pos += 1 + len(word)
	}
	return word
}

// filled reads what is filled into a text of such a language; ok is false where nothing is.
func (e *evaluator) filled(quote byte) (v value, ok bool) {
	l := e.source.language()
	if l == nil || l.fills == nil || quote != '"' || path.Ext(e.source.name) == ".java" {
		return v, false
	}
	from := e.pos
	m := e.matches(l.fills)
	if m == nil {
		return v, false
	}
	name := strings.Replace(m[1], "${", "$", 1)
	if strings.HasPrefix(e.text[from:], "${") || l == ofPerl {
		name = strings.TrimSuffix(name, "}")
	}
	if l == ofJava {
		name = strings.TrimPrefix(name, "$")
	}
	if rest := e.text[e.pos:]; rest != "" && (rest[0] == '[' || strings.HasPrefix(rest, "->")) {
		return value{}, true
	}
	return e.named(strings.Replace(name, "->", ".", 1)), true
}

// inLanguage returns the value that a name has in such a language alone.
func (e *evaluator) inLanguage(name string) (value, bool) {
	placed := e.source.image != ""
	dir := value{text: path.Dir(e.source.image), known: placed, placed: placed}
	switch e.source.language() {
	case nil:
		return value{}, false
	case ofPHP:
		switch name {
		case "__DIR__":
			return dir, true
		case "__FILE__":
			return value{text: e.source.image, known: placed, placed: placed}, true
		case "DIRECTORY_SEPARATOR":
			return value{text: "/", known: true}, true
		}
		for _, of := range []string{`$_ENV["`, `$_SERVER["`} {
			if key, ok := strings.CutPrefix(name, of); ok {
				return e.variable(strings.TrimSuffix(key, `"]`)), true
			}
		}
	case ofRuby:
		switch name {
		case "__dir__":
			return dir, true
		case "__FILE__":
			return value{text: e.source.image, known: placed, placed: placed}, true
		case "Dir.pwd":
			return value{text: e.pass.End.Workdir, known: true, placed: true}, true
		}
		if key, ok := strings.CutPrefix(name, `ENV["`); ok {
			return e.variable(strings.TrimSuffix(key, `"]`)), true
		}
	case ofPerl:
		if (name == "$FindBin::Bin" || name == "$FindBin::RealBin") && !strings.HasSuffix(e.source.name, ".pm") {
			return dir, true
		}
	}
	// A property of the object itself, or of the class, is set by its name.
	for _, of := range []string{"$this.", "self.", "static.", "this."} {
		if key, ok := strings.CutPrefix(name, of); ok {
			v, known := e.vars[key]
			if !known {
				v, known = e.vars["$"+key]
			}
			return v, known
		}
	}
	return value{}, false
}

// callInLanguage returns what a function returns that only such a language has.
func (e *evaluator) callInLanguage(name string, args arguments) (value, bool) {
	l := e.source.language()
	if l == nil || len(args.words) == 0 {
		return value{}, false
	}
	first := args.words[0]
	switch {
	case slices.Contains(l.joins, name):
		return joined(args.words, false), true
	case name == "File.expand_path": // below its second argument, which may be a file's name
		if len(args.words) == 1 {
			args.words = append(args.words, value{text: e.pass.End.Workdir, known: true, placed: true})
		}
		return joined([]value{args.words[1], first}, true), true
	case l == ofPHP && name == "dirname" && len(args.words) == 2:
		return value{}, true // of a number of levels that withoutLevels has not counted
	case l == ofPHP && name == "realpath", name == "File.realpath", name == "File.dirname" && l == ofRuby, name == "System.getenv", name == "ENV.fetch":
	default:
		return value{}, false
	}
	switch name {
	case "File.dirname":
		first.text = path.Dir(first.text)
	case "System.getenv", "ENV.fetch":
		v := value{}
		if first.known {
			v = e.variable(first.text)
		}
		if !v.known && len(args.words) == 2 {
			v = args.words[1]
		}
		return v, true
	}
	return first, true
}

// levelsUp matches PHP's dirname with the number of levels, of the file or its directory.
var levelsUp = regexp.MustCompile(`\bdirname\(\s*(__DIR__|__FILE__)\s*,\s*([1-6])\s*\)`)

// withoutLevels writes such calls one into another.
func withoutLevels(text string) string {
	return levelsUp.ReplaceAllStringFunc(text, func(call string) string {
		m := levelsUp.FindStringSubmatch(call)
		n := int(m[2][0] - '0')
		return strings.Repeat("dirname(", n) + m[1] + strings.Repeat(")", n)
	})
}

// otherwise goes behind what stands in front of an alternative.
func (e *evaluator) otherwise() bool {
	switch e.source.language() {
	case nil:
		return e.matches(orHere) != nil
	case ofPerl:
		return e.matches(orOfPerl) != nil
	}
	return e.matches(orOfOthers) != nil
}

var (
	orOfPerl   = regexp.MustCompile(`^\s*(?:\|\||//|or\b)\s*`)
	orOfOthers = regexp.MustCompile(`^\s*(?:\|\||\?\?|\?:|or\b)\s*`)
)

// stopsBefore reports whether a value writes itself next.
func (e *evaluator) stopsBefore(rest string) bool {
	if e.source.language() == nil {
		return writesItself.MatchString(rest)
	}
	return e.source.language() == ofJava && itselfWrites.MatchString(rest)
}

// definesHere matches how PHP gives a constant its value.
var definesHere = regexp.MustCompile(`\bdefine\(\s*["'](\w+)["']\s*,`)

// defines notes a constant that a statement of PHP defines.
func (e *evaluator) defines(text string) {
	m := definesHere.FindStringSubmatchIndex(text)
	if m == nil || e.source.language() != ofPHP {
		return
	}
	e.text, e.pos, e.depth = text, m[1], 0
	v, _ := e.either()
	e.vars[text[m[2]:m[3]]] = v
}

// lastSign returns the sign at the end of a line by which the next one is a tail.
func lastSign(line string) string {
	line = strings.TrimSpace(line)
	if strings.HasSuffix(line, "+") || strings.HasSuffix(line, ".") {
		return line[len(line)-1:]
	}
	return ""
}

// behindTail returns where what is put behind something ends: a text as a whole, of anything
// else the first word, since its arguments may be paths of their own.
func (e *evaluator) behindTail(word int) int {
	i := e.pos
	if stringStart.MatchString(e.text[i:]) {
		e.quoted()
		return max(e.pos, i+word)
	}
	return i + word
}

// tail reports whether what starts at a place is put behind something: what is a path only
// with that in front is none of its own.
func (e *evaluator) tail(i int) bool { return continuesPath(e.text[:i], e.source) }

// continuesPath reports the same of what follows a text.
func continuesPath(before string, s source) bool {
	before = strings.TrimRight(before, " \t")
	if before == "" {
		return false
	}
	switch c, ext := before[len(before)-1], path.Ext(s.name); {
	case ext == ".php" || ext == ".lua" || s.language() == ofPerl:
		return c == '.'
	case s.language() == ofErlang:
		return strings.HasSuffix(before, "++") || strings.HasSuffix(before, "<>")
	case c == '+':
		return true
	case ext == ".py" || c != ',':
		return false
	}
	at := positionOf(before)
	call := at.call[strings.LastIndexByte(at.call, '.')+1:]
	return at.index > 0 && (strings.EqualFold(call, "join") || call == "concat")
}
