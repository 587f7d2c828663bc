package verify

import (
	"context"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// readComplaints runs the hardened image again and takes the paths out of what
// its log says about permissions. The container is looked into to tell a file
// from a directory.
func (p *prover) readComplaints(ctx context.Context, known Learned, l *Learned) error {
	p.tell("reading what the hardened image complains about")
	s := p.spec(p.report.After.tag)
	s.Publish = nil
	id, err := p.eng.Start(ctx, s)
	if id == "" {
		return err
	}
	defer func() { _ = p.eng.Remove(ctx, id) }() // Close removes what this could not
	sockets := slices.Concat(known.Unfixable, l.Unfixable)
	for _, line := range p.complaints() {
		for _, name := range pathsIn(line) {
			c := complaint{line: line, path: p.settledPath(name)}
			c.socket = slices.Contains(sockets, c.path) || path.Ext(c.path) == ".sock" || socketLine.MatchString(line)
			if c.kind, c.mode, err = p.eng.Stat(ctx, id, c.path); err != nil {
				return err
			}
			p.place(c, l)
		}
	}
	return nil
}

// settledPath undoes the links that every distribution has, as engines do when
// they list what changed.
func (p *prover) settledPath(name string) string {
	if p.facts == nil || p.facts.Distro.ID == "" {
		return name
	}
	return withoutVar(name)
}

// socketLine recognises lines about sockets of the file system.
var socketLine = regexp.MustCompile(`(?i)\bsocket\b|\bbind`)

// failure recognises lines that may be about a permission though they do not
// name one.
var failure = regexp.MustCompile(`(?i)denied|cannot|can.t\b|could ?n.t|could not|unable|fail|not writ|error`)

// complaints returns the lines about permissions of the rungs that fail.
func (p *prover) complaints() []string {
	var lines []string
	for _, r := range p.report.After.Rungs {
		b := p.report.Before.Rung(r.Name)
		if r.OK || r.attempt == nil || r.Name == ReadOnly || b == nil || !b.OK {
			continue
		}
		candidates := r.attempt.Denied
		if len(candidates) == 0 {
			candidates = []string{p.withoutProbe(r.Why), r.Line}
		}
		for _, line := range candidates {
			if failure.MatchString(line) && !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// withoutProbe takes the command of the probe out of what it said: its paths
// are not the program's.
func (p *prover) withoutProbe(why string) string {
	for _, c := range p.probe {
		why = strings.ReplaceAll(why, c.what, "the probe")
	}
	return why
}

// A complaint is a path on a line about permissions, and what stands there in a
// container that is made for looking; it may have ended already.
type complaint struct {
	line, path string
	kind       FileKind
	mode       fs.FileMode
	socket     bool
}

// place learns from a complaint.
func (p *prover) place(c complaint, l *Learned) {
	if c.idle() {
		return
	}
	seen := observation{facts: p.facts, image: p.contents, owned: p.owned(), user: numericUserOnly(p.report.Result.User),
		how: "the hardened image said: " + c.line, ignoreOwner: true, socket: c.socket}
	switch c.kind {
	case Regular:
		seen.entries = []Entry{{Path: c.path, Kind: Regular}}
	case Directory:
		seen.denied(c.path, l)
		return
	case Missing:
		seen.changes = []Change{{Path: c.path, Added: true}}
	case OtherKind:
		if c.socket {
			seen.changes = []Change{{Path: c.path, Added: true}}
		}
	}
	seen.into(l)
}

// reading recognises lines that say that something could not be read.
var reading = regexp.MustCompile(`(?i)\bread(ing)?\b|not readable`)

// idle reports whether a path merely stands on the line. Configuration and
// programs are read, and never given away for being named; those that not
// everybody may read are, since there it was the reading that was denied.
func (c *complaint) idle() bool {
	open := fs.FileMode(0o004)
	if c.kind == Directory {
		open = 0o005
	}
	private := (c.kind == Regular || c.kind == Directory) && c.mode&open != open
	switch {
	case private:
		return false
	case c.kind == Regular && (c.mode&0o111 != 0 || configuration(c.path) || reading.MatchString(c.line)):
		return true
	}
	return within(c.path, "/etc") || within(c.path, "/usr/local/etc")
}

// configuration reports whether a file is one by its name.
func configuration(name string) bool {
	switch path.Ext(name) {
	case ".conf", ".cfg", ".cnf", ".ini", ".yml", ".yaml", ".toml", ".xml", ".properties":
		return true
	}
	return false
}

// pathInLog finds absolute paths in a line, quoted or not.
var pathInLog = regexp.MustCompile(`(?:^|[\s"'=(\[` + "`" + `:])(/[A-Za-z0-9_.@+,=/-]+)`)

// sourceLine follows the name of a file in which something was said: a script
// or a configuration, with the line.
var sourceLine = regexp.MustCompile(`^["']?(:[0-9]|: [0-9]+: |[:,]? (on )?line [0-9])`)

// pathsIn returns the paths that a line about permissions names.
func pathsIn(line string) []string {
	var out []string
	for _, m := range pathInLog.FindAllStringSubmatchIndex(line, 10) {
		found := line[m[2]:m[3]]
		if strings.HasPrefix(found, "//") || sourceLine.MatchString(line[m[3]:]) {
			continue // of a URL, or where it was said
		}
		name := path.Clean(strings.TrimRight(found, ".,:"))
		if name != "/" && !slices.Contains(out, name) && plainPath.MatchString(name) {
			out = append(out, name)
		}
	}
	return out
}
