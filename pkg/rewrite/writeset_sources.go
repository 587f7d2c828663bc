package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// Bounds for what is read of an application's sources.
const (
	maxSources    = 60
	maxSourceSize = 32 << 10
	maxLiterals   = 100
)

// A literal is an absolute path that the source of an application names.
type literal struct {
	toldPath
	at     string // FILE:LINE
	writes bool   // the line writes it, as far as a reader can tell
}

var (
	// sourceCode are the files that are looked at; tests and declarations are not.
	sourceCode = regexp.MustCompile(`\.([mc]?[jt]s|[jt]sx|py|php|rb|go|p[lm]|psgi|java|kt|lua|erl|exs?)$`)
	notRunning = regexp.MustCompile(`(^|[._-])(test|tests|spec|mock|d|min|bundle|stories)\.[a-z]+$|[._-]config\.[a-z]+$|^test_|^(setup|conftest|gulpfile|Gruntfile)\.`)
	// named are those of which a path is noted wherever it stands.
	named     = regexp.MustCompile(`\.([mc]?[jt]s|[jt]sx|py|php|rb|go)$`)
	component = regexp.MustCompile(`\.[jt]sx$`)
	// literalPath matches strings that are paths where programs keep what they write
	// (Filesystem Hierarchy Standard, and custom for /data).
	literalPath = regexp.MustCompile("[\"'`](/(?:var/log|var/lib|var/run|run|data|srv)/[A-Za-z0-9_][A-Za-z0-9_./-]*)[\"'`]")
	// plainWrite matches a line that writes what it names, or sets it for a library that does;
	// directoryWord those that mean a directory.
	plainWrite    = regexp.MustCompile(`(?i)writeFile|appendFile|createWriteStream|file_put_contents|\bfopen\s*\([^)]*,\s*["'][waxc]|\bopen\s*\([^)]*,\s*(?:mode\s*=\s*)?["'][wax]|FileHandler|\bfilename\s*[:=]|os\.(?:Create|OpenFile|Mkdir|WriteFile)|mkdir|makedirs|ensureDir|\bdest(?:ination)?\s*[:=]|pid_?file|(?:log|access|error)_?(?:file|log)\b|_redirect\b|MEDIA_ROOT|upload_?(?:dir|tmp_dir|folder|path)|sqlite3?\.(?:connect|Database)|new Database\b|sql\.Open\b`)
	directoryWord = regexp.MustCompile(`(?i)mkdir|makedirs|ensureDir|\bdest(?:ination)?\s*[:=]|dir\b|folder`)
	// ofMachine are paths of the system that many programs read and none makes.
	ofMachine = regexp.MustCompile(`^/(?:var/)?run/(?:secrets|docker|containerd|systemd|dbus|nscd)\b|docker\.sock$|^/var/lib/(?:dpkg|apt|docker|kubelet|dbus)\b`)
)

// readSource notes the paths that a source file of the build context names. The walk through
// the application, which meets it, comes by more than once.
func (p *Pass) readSource(s source) {
	name := s.name
	if p.memo.read[name] || len(p.memo.read) >= maxSources || !imagepath.Safe.MatchString(name) {
		return
	}
	if component.MatchString(name) { // of which there are many, and few on the server
		if p.memo.components++; p.memo.components > maxSources/2 {
			return
		}
	}
	if p.memo.read == nil {
		p.memo.read = map[string]bool{}
	}
	p.memo.read[name] = true
	text, ok := p.ContextFile(name)
	if !ok || len(text) > maxSourceSize {
		return
	}
	s.text = text
	p.readHome(s)
	if !isConfig("/"+name) && named.MatchString(name) { // its readers know better
		p.readLiterals(s)
	}
	p.readPlaces(s)
}

// readLiterals notes the absolute paths of a source file.
func (p *Pass) readLiterals(s source) {
	name, text := s.name, s.text
	number, above := 0, ""
	for line := range strings.Lines(text) {
		number++
		before := above
		above = lastSign(line)
		if len(line) > 1000 || !strings.Contains(line, "/") || len(p.memo.literals) >= maxLiterals {
			continue
		}
		if start := strings.TrimSpace(line); strings.HasPrefix(start, "//") || strings.HasPrefix(start, "#") || strings.HasPrefix(start, "*") {
			continue
		}
		for _, m := range literalPath.FindAllStringSubmatchIndex(line, -1) {
			if !continuesPath(before+line[:m[0]], s) {
				p.noteLiteral(path.Clean(line[m[2]:m[3]]), line, fmt.Sprintf("%s:%d", name, number))
			}
		}
	}
}

// noteLiteral keeps a path that a line names, unless it is one of the machine's or may as
// well be that of a URL.
func (p *Pass) noteLiteral(name, line, at string) {
	writes, file := plainWrite.MatchString(line), fileEnding.MatchString(name)
	ofURL := strings.HasPrefix(name, "/data/") || strings.HasPrefix(name, "/run/")
	if ofMachine.MatchString(name) || ofURL && !writes && !file || slices.ContainsFunc(p.memo.literals, func(l literal) bool { return l.path == name }) {
		return
	}
	dir := !file && directoryWord.MatchString(line)
	p.memo.literals = append(p.memo.literals, literal{toldPath{path: name, by: at + " names it", dir: dir}, at, writes})
}

// sourceSet adds what the application's source plainly writes.
func (p *Pass) sourceSet(add func(writePath)) {
	for _, l := range p.memo.literals {
		if l.writes {
			p.toldTo(l.toldPath, add)
		}
	}
}

// reportLiterals names the paths of the application's source that the user is not given: who
// writes there can be told by the code alone.
func (p *Pass) reportLiterals() {
	set := p.writes()
	var names []string
	for _, l := range p.memo.literals {
		given := slices.ContainsFunc(set, func(w writePath) bool { return imagepath.Below(l.path, w.path) }) || p.canWrite(writePath{path: l.path}) || p.ofBase(l.path)
		if !given && p.CopiedFile(l.path) == nil {
			names = append(names, fmt.Sprintf("%s names %s", l.at, l.path))
		}
	}
	if len(names) == 0 {
		return
	}
	p.report(Finding{Line: p.Stage.From.Line, Message: list(names, 3) + ": whether the program writes there is not known",
		Hint: "List it under writable: in .harden.yaml if the program writes it."})
}
