package entry

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// ownScript reads a script that this file copies into the image. Its name may be
// that of a well-known one (docker-entrypoint.sh); what it does is in its text.
func (r *Reader) ownScript(name, where string, ctx reach, depth int) bool {
	p, text, ok := r.Locate(name)
	if at := r.Printed(name); !ok && at != "" {
		r.notRead(at)
		return true
	}
	if !ok && (depth > 0 && !r.MayBeScript(name) || r.compiled(name)) {
		return false
	}
	if !ok && r.CopiedScript(name) {
		r.notRead(name)
		return true
	}
	if !ok && LooksLikeScript(name) && (r.Copied(name) || !r.BaseCommand(name)) && !r.KnownProgram(name) {
		r.notRead(name)
		return true
	}
	if !ok || r.seen[p] || !strings.HasPrefix(text, "#!") && !strings.HasSuffix(p, ".sh") {
		return false
	}
	return r.script(name, where, ctx, depth)
}

// Printed returns the path of a file that a step writes as text, and whose text depends on
// more than the file says, "" for any other.
func (r *Reader) Printed(name string) string {
	for _, c := range r.Candidates(name) {
		if at := r.End.Resolve(c); r.End.Printed[at] != nil && r.End.Texts[at] == "" {
			return at
		}
	}
	return ""
}

// MayBeScript reports whether a word that a script calls may be a script that
// nobody here can read, rather than a program or an argument by such a name.
func (r *Reader) MayBeScript(name string) bool {
	return strings.Contains(name, "/") || strings.HasSuffix(name, ".sh") || strings.HasSuffix(name, ".bash") || r.Copied(name) || r.CopiedScript(name)
}

// KnownProgram reports whether a path is that of a known program, which no file of
// this image replaces. Names such as start.sh are everybody's.
func (r *Reader) KnownProgram(name string) bool {
	prog, known := programs.Lookup(name)
	if _, _, found := r.Locate(name); !known || found {
		return false
	}
	if prog.Wrapper != nil && !strings.Contains(name, "entrypoint") {
		return true // wait-for-it.sh
	}
	return !r.Copied(name) && !everybodys[strings.TrimSuffix(path.Base(name), path.Ext(name))]
}

// everybodys are names of scripts that say nothing of the program behind them.
var everybodys = map[string]bool{"start": true, "startup": true, "run": true, "init": true, "boot": true, "bootstrap": true, "launch": true,
	"entrypoint": true, "docker-entrypoint": true, "entry": true, "main": true, "server": true, "app": true}

// BaseCommand reports whether a command is, or may be, the base image's own: its
// entry point, or the name of a program.
func (r *Reader) BaseCommand(name string) bool {
	if slices.Contains(r.Base.Config.Entrypoint, name) || slices.ContainsFunc(r.Base.Config.Entrypoint, func(w string) bool { return path.Base(w) == path.Base(name) }) {
		return true
	}
	_, known := programs.Lookup(name)
	return known && !strings.Contains(name, "/") || slices.Contains([]string{"/init", "/sbin/init", "/sbin/my_init", "/usr/sbin/init", "/lib/systemd/systemd"}, name)
}

// Copied reports whether a COPY or ADD of the file may bring a file of that name.
func (r *Reader) Copied(name string) bool {
	return slices.ContainsFunc(r.End.Copies, func(c simulate.Copy) bool {
		if path.IsAbs(name) && path.Clean(c.Dest) == name {
			return true
		}
		return slices.ContainsFunc(c.Sources, func(src string) bool { return path.Base(src) == path.Base(name) })
	})
}

// CopiedScript reports whether a COPY or ADD gives a name to a file that its own name
// calls a script: COPY start.sh /usr/local/bin/nginx.
func (r *Reader) CopiedScript(name string) bool {
	at := []string{imagepath.Abs(r.Dir, name)}
	if !strings.Contains(name, "/") {
		at = nil
		for _, dir := range r.End.SearchPath() {
			at = append(at, path.Join(dir, name))
		}
	}
	return slices.ContainsFunc(r.End.Copies, func(c simulate.Copy) bool {
		if len(c.Sources) != 1 || !slices.Contains(at, c.Dest) {
			return false
		}
		ext := path.Ext(c.Sources[0])
		return ext == ".sh" || ext == ".bash"
	})
}

// LooksLikeScript reports whether a name is one that people give to scripts.
func LooksLikeScript(name string) bool {
	b := path.Base(name)
	if prog, known := programs.Lookup(name); known && prog.Wrapper != nil && !strings.Contains(b, ".") && !strings.Contains(b, "entrypoint") {
		return false // dumb-init
	}
	if scriptName.MatchString(b) && b != "cmd" {
		return true
	}
	return strings.HasSuffix(b, ".sh") || strings.HasSuffix(b, ".bash") || strings.Contains(b, "entrypoint") || strings.Contains(b, "docker-entry")
}

// scriptName is what people call the scripts that start their images.
var scriptName = regexp.MustCompile(`(^|[-_.])(start(up|er)?|run|init|boot(strap)?|launch(er)?|entry(point)?)([-_.].*)?$`)

// shellScript drops a first line that hands the script to a shell by way of an
// init: #!/usr/bin/dumb-init /bin/sh.
func shellScript(text string) string {
	first, rest, _ := strings.Cut(text, "\n")
	words := strings.Fields(first)
	if strings.HasPrefix(first, "#!") && len(words) > 1 && shellcmd.IsShell(words[1]) && !shellcmd.IsShell(strings.TrimPrefix(words[0], "#!")) && path.Base(words[0]) != "env" {
		return rest
	}
	return text
}

// IsOwnScript reports whether the file copies a shell script of that name, whatever
// it is called: one that is named by its path, or found on PATH.
func (r *Reader) IsOwnScript(name string) bool {
	p, text, ok := r.Locate(name)
	if !ok || !strings.HasPrefix(text, "#!") || !strings.Contains(name, "/") && r.Base.Scripts[p] == text {
		return false
	}
	if r.seen[p] {
		return false
	}
	_, err := dockerfile.ParseScript([]byte(shellScript(text)))
	return err == nil || strings.Contains(name, "/")
}

// SetupName matches the names of scripts that set up, and firstName those of scripts that do so
// where another follows.
var SetupName = regexp.MustCompile(`(?i)^([a-z0-9]+[-_.])?(setup|config|install|provision|generate[-_])|[-_.]conf(ig)?([-_.]|$)`)
