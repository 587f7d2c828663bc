package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// A writer is a call of a language that writes the path which one of its arguments is.
type writer struct {
	call *regexp.Regexp // its name
	arg  int
	dir  bool           // what it makes is a directory
	mode *regexp.Regexp // what follows the path where the call writes, nil where it always does
	head *regexp.Regexp // what stands in front of the path in the parentheses, nil for anything
}

var (
	phpOpens   = regexp.MustCompile(`^\s*,\s*["'](?:[waxc]|rb?\+|r\+)`)
	rubyOpens  = regexp.MustCompile(`^\s*,\s*(?:mode:\s*)?["'](?:[wa]|rb?\+|r\+)`)
	javaOpens  = regexp.MustCompile(`^\s*,\s*"rw`)
	luaOpens   = regexp.MustCompile(`^\s*,\s*["'](?:[wa]|rb?\+|r\+)`)
	erlOpens   = regexp.MustCompile(`^\s*,\s*\[[^\]]*\b(?:write|append|exclusive)\b`)
	perlOpens  = regexp.MustCompile(`,\s*["']\s*(?:\+?>>?|\+<)[^"']*["']\s*,\s*$`)
	phpSetting = regexp.MustCompile(`^\s*["'](?:error_log|session\.save_path)["']\s*,\s*$`)
	dets       = regexp.MustCompile(`\{\s*file\s*,\s*$`)

	phpWriters = []writer{
		{call: regexp.MustCompile(`^(?:file_put_contents|touch|SQLite3|(?:Rotating|Rotating?File|Stream)Handler|RotatingFileHandler)$`)},
		{call: regexp.MustCompile(`^(?:fopen|SplFileObject)$`), mode: phpOpens},
		{call: regexp.MustCompile(`^(?:mkdir|tempnam|session_save_path)$`), dir: true},
		{call: regexp.MustCompile(`^(?:move_uploaded_file|copy|rename|image(?:png|jpeg|webp|gif))$`), arg: 1},
		{call: regexp.MustCompile(`^ini_set$`), arg: 1, head: phpSetting},
		{call: regexp.MustCompile(`^error_log$`), arg: 2},
	}
	rubyWriters = []writer{
		{call: regexp.MustCompile(`^(?:(?:File|IO)\.(?:bin)?write|FileUtils\.touch|(?:Logger|PStore|Store)\.new|Database\.(?:new|open)|Sequel\.sqlite)$`)},
		{call: regexp.MustCompile(`^(?:File\.(?:open|new)|CSV\.open)$`), mode: rubyOpens},
		{call: regexp.MustCompile(`^(?:FileUtils\.(?:mkdir(?:_p)?|makedirs|mkpath)|Dir\.mkdir)$`), dir: true},
		{call: regexp.MustCompile(`^(?:FileUtils\.(?:cp|mv|copy|move|copy_file)|File\.rename)$`), arg: 1},
	}
	perlWriters = []writer{
		{call: regexp.MustCompile(`^(?:mkdir|make_path|mkpath)$`), dir: true},
		{call: regexp.MustCompile(`^write_file$`)},
		{call: regexp.MustCompile(`^(?:copy|move|store|nstore)$`), arg: 1},
		{call: regexp.MustCompile(`^open$`), arg: 2, head: perlOpens},
	}
	javaWriters = []writer{
		{call: regexp.MustCompile(`^(?:FileWriter|FileOutputStream|PrintWriter|PrintStream|FileHandler|transferTo|Files\.(?:write|writeString|newBufferedWriter|newOutputStream|createFile)|FileUtils\.(?:write\w*|touch))$`)},
		{call: regexp.MustCompile(`^RandomAccessFile$`), mode: javaOpens},
		{call: regexp.MustCompile(`^(?:Files\.createDirector(?:y|ies)|FileUtils\.forceMkdir)$`), dir: true},
		{call: regexp.MustCompile(`^(?:Files\.(?:copy|move)|FileUtils\.(?:copy|move)File)$`), arg: 1},
	}
	luaWriters = []writer{
		{call: regexp.MustCompile(`^io\.open$`), mode: luaOpens},
		{call: regexp.MustCompile(`^io\.output$`)},
		{call: regexp.MustCompile(`^lfs\.mkdir$`), dir: true},
	}
	erlangWriters = []writer{
		{call: regexp.MustCompile(`^(?:write_file|ensure_dir|File\.(?:write|touch))!?$`)},
		{call: regexp.MustCompile(`^(?:make_dir|File\.mkdir(?:_p)?)!?$`), dir: true},
		{call: regexp.MustCompile(`^(?:open|File\.open)!?$`), mode: erlOpens},
		{call: regexp.MustCompile(`^open_file$`), arg: 1, head: dets},
		{call: regexp.MustCompile(`^File\.(?:cp|copy|rename)!?$`), arg: 1},
	}
)

var (
	// itselfWrites matches what a path does to itself that it writes.
	itselfWrites = regexp.MustCompile(`^\s*\)*\s*\.(?:(mkdirs?|createDirectories)|createNewFile|writeText|appendText|writeBytes|outputStream|bufferedWriter|printWriter)\s*\(`)
	// databaseURL matches URLs of databases that are one file.
	databaseURL = regexp.MustCompile(`^(?:jdbc:(?:sqlite|h2:file|hsqldb:file):|sqlite:|dbi:SQLite:(?:dbname=|database=)?)(?://)?(\.{0,2}/?[\w.-][^:;?]*)|^jdbc:h2:(\.{0,2}/[\w.-][^:;?]*)`)
	// subscripted matches what stands in front of the key of a value.
	subscripted = regexp.MustCompile(`[\w\])][\[{]\s*$`)
	// perlRedirects matches the second argument of Perl's open in its older form.
	perlRedirects = regexp.MustCompile(`^\s*\+?>>?\s*(.+)$`)
	// notOwn are paths that are not the program's own: of people's machines, and of what
	// every user may write or none.
	notOwn = regexp.MustCompile(`^/(?:tmp|var/tmp|dev|proc|sys|etc|root|boot|bin|sbin|lib\w*|usr|home|Users|[A-Za-z]:)(?:/|$)`)
)

// written returns the path that stands at a position and is written, "" for none, and
// whether it is a directory.
func (l *language) written(v value, at position, rest string) (name string, dir bool) {
	name = v.text
	if !v.known {
		name, dir = v.below, true
	}
	if m := databaseURL.FindStringSubmatch(name); m != nil && v.known {
		return m[1] + m[2], false
	}
	if m := itselfWrites.FindStringSubmatch(rest); m != nil && l == ofJava {
		return name, dir || m[1] != ""
	}
	if m := perlRedirects.FindStringSubmatch(name); m != nil && l == ofPerl && at.call == "open" && at.index == 1 {
		return m[1], dir
	}
	last := at.call[strings.LastIndexByte(at.call, '.')+1:]
	i := slices.IndexFunc(l.writers, func(w writer) bool {
		return (w.call.MatchString(at.call) || w.call.MatchString(last)) && w.arg == at.index && (w.mode == nil || w.mode.MatchString(rest)) && (w.head == nil || w.head.MatchString(at.inside))
	})
	if i < 0 {
		return "", false
	}
	return name, dir || l.writers[i].dir
}

// noteCall keeps a path that stands in the very place of a call which writes.
func (p *Pass) noteCall(e *evaluator, v value, stmt statement, from int) {
	if subscripted.MatchString(stmt.text[:from]) {
		return
	}
	name, dir := e.source.language().written(v, positionOf(stmt.text[:from]), stmt.text[min(e.pos, len(stmt.text)):])
	if name == "" || strings.Contains(name, ":") || len(p.memo.placed) >= maxLiterals {
		return
	}
	t := placedPath{toldPath: toldPath{path: path.Clean(name), dir: dir, by: fmt.Sprintf("%s:%d names it", e.source.name, stmt.line)}}
	if path.IsAbs(name) && !v.placed {
		ofApp := p.End.Workdir != "/" && imagepath.Below(t.path, p.End.Workdir)
		if (ofApp || !notOwn.MatchString(t.path)) && !ofMachine.MatchString(t.path) {
			p.writesLiteral(t.toldPath, true)
		}
		return
	}
	relative := !path.IsAbs(name)
	if relative {
		base := p.startOf(e.source)
		if base == "" || base == "/" || !e.source.started && forBuilds.MatchString(e.source.name) {
			return
		}
		t.path = imagepath.Abs(base, name)
	}
	p.notePlaced(e, t, relative)
}

// notePlaced keeps a path that lies with the application. One that is relative counts where
// what is above it comes with a copy: in its working directory a program may make anything.
func (p *Pass) notePlaced(e *evaluator, t placedPath, relative bool) {
	of := t.path
	if !t.dir {
		of = path.Dir(of)
	}
	t.copied = !t.dir && p.CopiedFile(t.path) != nil
	switch {
	case relative && !p.broughtAbove(of), t.dir && e.source.image != "" && imagepath.Below(e.source.image, t.path), t.copied && !dataFile.MatchString(t.path):
	case slices.ContainsFunc(p.memo.placed, func(o placedPath) bool { return o.path == t.path && o.dir == t.dir }):
	default:
		p.memo.placed = append(p.memo.placed, t)
	}
}

// startOf returns the directory that relative paths of a source start at. What PHP serves
// stands in the script's own directory, which of the others is known by the server alone.
func (p *Pass) startOf(s source) string {
	switch {
	case s.language() != ofPHP || s.started || p.phpOfCommand():
	case s.image == "":
		return ""
	default:
		return path.Dir(s.image)
	}
	return p.End.Workdir
}

// phpOfCommand reports whether the image starts a script of PHP by its name.
func (p *Pass) phpOfCommand() bool {
	return slices.ContainsFunc(p.argvs(), func(argv []string) bool {
		return slices.ContainsFunc(argv, func(w string) bool {
			return strings.HasSuffix(w, ".php") && !slices.Contains(argv, "-S") || path.Base(w) == "artisan" || w == "bin/console"
		})
	})
}
