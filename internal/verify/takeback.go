package verify

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/pkg/rewrite"
)

// inTheWay is what programs say of a file that was there before them, or that
// they cannot remove again.
var inTheWay = regexp.MustCompile(`(?i)\bexists?\b|\balready\b|delete|unlink|remove`)

// removing is the second half of it.
var removing = regexp.MustCompile(`(?i)delete|unlink|remove`)

// madeBeforehand returns the files of a write set that the patch makes in
// directories for what runs (FHS 3.0, 3.15), where the program itself could not:
// pid files.
func madeBeforehand(set []rewrite.Writable) []string {
	var out []string
	for _, w := range set {
		if dir := withoutVar(path.Dir(w.Path)); w.File && (dir == "/run" || dir == "/run/lock") {
			out = append(out, w.Path)
		}
	}
	return out
}

// takeBack withdraws files that were learned, so that they are made beforehand,
// and that are what the hardened image fails by now: a program that makes its
// pid file with O_EXCL wants none to be there.
func (p *prover) takeBack(known Learned, l *Learned) {
	for _, f := range madeBeforehand(p.report.Result.Profile.Writable) {
		why := ""
		if slices.Contains(known.Files, f) && !slices.Contains(p.ruled, f) {
			why = p.obstructs(f)
		}
		if why != "" {
			l.Withdrawn = append(l.Withdrawn, f)
			l.explain(f, "made beforehand, it is in the way: "+why+"; let the program use a directory of its own, such as "+ownDir(f))
		}
	}
}

func ownDir(f string) string {
	dir, base := path.Split(f)
	name := strings.TrimSuffix(base, path.Ext(base))
	return dir + name + "/" + base
}

// obstructs says what shows that a file is in the way, "" when nothing does.
func (p *prover) obstructs(f string) string {
	for _, r := range p.report.After.Rungs {
		b := p.report.Before.Rung(r.Name)
		if r.OK || r.attempt == nil || b == nil || !b.OK {
			continue
		}
		for line := range strings.Lines(r.attempt.Output.Text()) {
			if speaksOf(line, f) && inTheWay.MatchString(line) {
				return "the hardened image said: " + oneLine(line)
			}
		}
	}
	plain, own := p.report.After.Rung(Plain), p.report.After.Rung(ReadOnly)
	if plain == nil || plain.attempt == nil || !plain.attempt.Ended || own == nil || !own.OK {
		return ""
	}
	if slices.ContainsFunc(own.Flags, func(flag string) bool { return strings.HasPrefix(flag, path.Dir(f)+":") }) {
		return fmt.Sprintf("%s, and works with an empty %s", plain.Why, path.Dir(f))
	}
	return ""
}

// speaksOf reports whether a line names a file, by whichever of its names.
func speaksOf(line, f string) bool {
	return slices.ContainsFunc(pathsIn(line), func(name string) bool { return withoutVar(name) == withoutVar(f) })
}

// withoutVar undoes the links that distributions have (FHS 3.0, 5.13).
func withoutVar(name string) string {
	for _, link := range [][2]string{{"/var/run", "/run"}, {"/var/lock", "/run/lock"}} {
		if within(name, link[0]) {
			return link[1] + strings.TrimPrefix(name, link[0])
		}
	}
	return name
}

// leavesBehind reports whether all that a line complains about is that a file
// which was made beforehand cannot be removed: the program works, and the file
// stays.
func (p *prover) leavesBehind(line string) bool {
	if p.report.Result == nil || !removing.MatchString(line) {
		return false
	}
	files := madeBeforehand(p.report.Result.Profile.Writable)
	i := slices.IndexFunc(files, func(f string) bool { return speaksOf(line, f) })
	if i >= 0 {
		p.warn("%s is made beforehand, and the program cannot remove it: it stays when the program ends", files[i])
	}
	return i >= 0
}
