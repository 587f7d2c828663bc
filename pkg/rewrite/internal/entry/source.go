package entry

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/programs"
)

// maxPrograms bounds how many programs in other languages than the shell's are looked into.
const maxPrograms = 8

// A sourceSign is something in the text of a program that only root may do.
type sourceSign struct {
	call  *regexp.Regexp
	drops bool // it changes the user
}

// sourceSigns are what Python, Node, Ruby and Perl call it: os.setuid (docs.python.org, os),
// process.setuid (nodejs.org/api/process), Process::UID and Process::Sys (docs.ruby-lang.org),
// POSIX::setuid and $> (perldoc perlvar).
var sourceSigns = []sourceSign{
	{regexp.MustCompile(`\bos\.(?:setuid|setgid|setgroups|initgroups|setreuid|setresuid)\s*\(`), true},
	{regexp.MustCompile(`\bprocess\.(?:setuid|setgid|setgroups|initgroups|seteuid|setegid)\s*\(`), true},
	{regexp.MustCompile(`\bProcess::(?:UID|GID)\.change_privilege\b|\bProcess::Sys\.set[ug]id\b|\bProcess\.e?[ug]id\s*=[^=~]`), true},
	{regexp.MustCompile(`\bPOSIX::set[ug]id\s*\(|(?m)^\s*\$[<>]\s*=[^=~]|\(\s*\$<\s*,\s*\$>\s*\)\s*=[^=~]`), true},
	{regexp.MustCompile(`\bos\.chroot\s*\(`), false},
	{regexp.MustCompile(`\bos\.l?chown\s*\([^\n]*,\s*0\s*,\s*0\s*\)|\bshutil\.chown\s*\(`), false},
}

var (
	// sourceCommand matches where such a program starts another one, up to the text or the
	// list of words that it starts.
	sourceCommand = regexp.MustCompile("(?:\\bos\\.(?:system|popen|exec[lv]p?e?|spawn[lv]p?e?)|\\bsubprocess\\.\\w+|\\bPopen|\\bcheck_(?:call|output)|\\b(?:exec|spawn)(?:File)?(?:Sync)?|\\b(?:execa|system))\\s*\\(\\s*\\[?\\s*[frb]*[\"'`]([^\"'`\\n]+)[\"'`]((?:\\s*,\\s*[frb]*[\"'][^\"'\\n]*[\"'])*)" +
		"|\\b(?:qx|%x)[{(]([^})\\n]+)")
	// rootTool matches the tools in such a text that fail without root.
	rootTool = regexp.MustCompile(`(?:^|[;&|]\s*)(?:(?:sudo|exec)\s+)?(?:/(?:usr/)?(?:local/)?s?bin/)?(?:useradd|groupadd|adduser|addgroup|usermod|groupmod|chpasswd|mount|umount|iptables|ip6tables|chown|(?:apt|apt-get|yum|dnf)\s+(?:-\S+\s+)*(?:install|update)\b|apk\s+(?:-\S+\s+)*add\b|pacman\s+-S\w*)(?:\s|$)`)
	// asksWho matches where a program asks which user it is, and may leave out what only
	// root does.
	asksWho = regexp.MustCompile(`\b(?:os|process)\.gete?uid\b|\bgetpass\.getuser\b|\bProcess\.e?uid\s*(?:==|!=|>|\.zero|\.pos)|\$[<>]\s*(?:==|!=|&&|\?)|\b(?:if|unless)\s*\(?\s*!?\s*\$[<>]\s*[){]|\bwhoami\b|\bid -u\b`)
	// insists matches where it asks for root and stops when it is not.
	insists     = regexp.MustCompile(`(?:\bgete?uid(?:\(\)|\?\.\(\))\s*(?:!==?|>)\s*0|\bnot\s+os\.gete?uid\(\)|\bProcess\.e?uid\s*(?:!=|>)\s*0)[^\n]*(?:\n[^\n]*){0,2}\b(?:sys\.exit|exit|raise|die|throw|abort)\b`)
	sourceName  = regexp.MustCompile(`\.(?:py|rb|pl|js|mjs|cjs|ts)$`)
	sourceShell = regexp.MustCompile(`^#!.*\b(?:python|node|nodejs|ruby|perl|deno|bun)[0-9.]*\b`)
)

// sources looks into what the image starts that is a program in another language whose text
// is at hand. Only what it starts itself: what the rest of an application does, and when, its
// text does not tell.
func (r *Reader) sources() {
	var seen []string
	look := func(word string) bool {
		if len(seen) == maxPrograms {
			return false
		}
		at, text, ok := r.Locate(word)
		if !ok || slices.Contains(seen, at) || !isSource(at, text) {
			return false
		}
		seen = append(seen, at)
		r.source(path.Base(at), text)
		return true
	}
	for _, c := range r.e.Programs {
		for i, word := range c.Args[:min(len(c.Args), maxFollow)] {
			if c.Program != nil && !programs.Runtimes[c.Program.Name] || i > 0 && c.Program == nil {
				break
			}
			if look(word) {
				break
			}
		}
	}
	for _, name := range r.e.Unread {
		look(name)
	}
}

// isSource reports whether a file is a program in a language that is looked into.
func isSource(name, text string) bool {
	first, _, _ := strings.Cut(text, "\n")
	return sourceShell.MatchString(first) || sourceName.MatchString(name) && !strings.HasPrefix(first, "#!")
}

// source notes what a program does that only root may do, unless it asks who it is.
func (r *Reader) source(name, text string) {
	text = withoutComments(text)
	if at := insists.FindStringIndex(text); at != nil {
		r.e.RootActs = append(r.e.RootActs, RootAct{Where: lineIn(name, text, at[0]), Stops: true})
		return
	}
	if asksWho.MatchString(text) {
		return
	}
	for _, sign := range sourceSigns {
		at := sign.call.FindStringIndex(text)
		if at == nil {
			continue
		}
		what := strings.TrimSpace(strings.TrimRight(text[at[0]:at[1]], "(= "))
		what, _, _ = strings.Cut(what, "(")
		where := lineIn(name, text, at[0]+blanks(text[at[0]:at[1]]))
		if sign.drops {
			r.e.Drops = append(r.e.Drops, Drop{Tool: what, Unknown: true, Where: where})
		} else {
			r.e.RootActs = append(r.e.RootActs, RootAct{Text: what, Where: where})
		}
	}
	r.sourceCommands(name, text)
}

// sourceCommands notes the first command that such a program starts and that fails without
// root.
func (r *Reader) sourceCommands(name, text string) {
	for _, m := range sourceCommand.FindAllStringSubmatchIndex(text, -1) {
		var command string
		switch {
		case m[6] >= 0:
			command = text[m[6]:m[7]]
		default:
			command = text[m[2]:m[3]]
			if rest := text[m[4]:m[5]]; rest != "" {
				command += " " + strings.Join(strings.FieldsFunc(rest, func(c rune) bool { return strings.ContainsRune(" \t\r\n,\"'", c) }), " ")
			}
		}
		if rootTool.MatchString(command) {
			r.e.RootActs = append(r.e.RootActs, RootAct{Text: command, Where: lineIn(name, text, m[0])})
			return
		}
	}
}

// lineIn names the line of a file at an offset.
func lineIn(name, text string, offset int) string {
	return fmt.Sprintf("%s:%d", name, 1+strings.Count(text[:offset], "\n"))
}

// blanks counts the white space that a text begins with.
func blanks(s string) int { return len(s) - len(strings.TrimLeft(s, " \t\r\n")) }

// withoutComments empties the lines that are comments, and keeps the numbers of the others.
func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if t := strings.TrimSpace(line); strings.HasPrefix(t, "#") || strings.HasPrefix(t, "//") {
			line = "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
