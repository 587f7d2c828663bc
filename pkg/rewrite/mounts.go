package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
)

// outputOption matches the options that tell a program where to leave what it makes.
var outputOption = regexp.MustCompile(` is told --?(?:o|out|(?:[a-z0-9]+-)*outputs?|(?:[a-z0-9]+-)*(?:out|outputs?|reports?)[-_.]?(?:dir|directory|path|folder))$`)

// hintOutput says of a program that runs once, and leaves what it makes in a directory which
// the file does not declare, that it is the host's where people mount one of theirs to get at it.
func (p *Pass) hintOutput() {
	if svc, _ := p.hostMount(); svc != nil || len(p.End.Ports) > 0 || len(p.opts.Siblings.Services) > 0 {
		return
	}
	for _, t := range p.told() {
		dir := path.Clean(t.path)
		if !t.dir || !outputOption.MatchString(t.by) || imagepath.Standard[dir] || imagepath.Below(dir, "/tmp") || p.End.Workdir != "/" && imagepath.Below(dir, p.End.Workdir) || slices.Contains(p.End.Volumes, dir) {
			continue
		}
		p.report(Finding{Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("%s, which leaves its output at %s: in a directory of the host that is mounted there, %s can write only what the host lets it", t.by, dir, p.User.Label()),
			Hint:    fmt.Sprintf("chown %s on the host, or docker run --user set to the owner of the directory.", p.User.Owner())})
		return
	}
}

// hintGiven says what the start script gave to the user at each start, as root, and leaves
// alone when it starts as that user: data that is root's, in a directory of the host or from
// elsewhere, stays root's.
func (p *Pass) hintGiven() {
	paths := slices.DeleteFunc(p.chownedAtStart(), func(name string) bool {
		return !path.IsAbs(name) || imagepath.Standard[name] || slices.ContainsFunc([]string{"/run", "/var/run", "/dev", "/proc", "/tmp", "/etc"}, func(dir string) bool { return imagepath.Below(name, dir) })
	})
	if len(paths) == 0 {
		return
	}
	p.report(Finding{Line: p.at(p.Entry.By),
		Message: fmt.Sprintf("the start script gave %s to %s when it started as root, and does not as another user", list(paths, 4), p.User.Label()),
		Hint:    fmt.Sprintf("Where a directory of the host or another volume of root's is mounted there, give it to %s once, with chown -R.", p.User.Label())})
}

// chownedAtStart returns what the part of the start script for root, which no longer runs, gave
// to the very user that is chosen.
func (p *Pass) chownedAtStart() []string {
	if e := p.baseDrops(); e != nil && e.Guarded && e.Account == p.User.Name {
		return slices.Clone(e.Chowns)
	}
	if p.droppedToUser() {
		return slices.Clone(p.Entry.Owned)
	}
	return nil
}

// movedPath is what a literal under /root names.
var movedPath = regexp.MustCompile(`/root(?:/[\w.@%+-]+)*`)

// hintMoved says what else has to follow what was moved out of /root: nothing here sees how
// the image is run. A comment that still names the old path is its owner's.
func (p *Pass) hintMoved(home string) string {
	old := p.movedFrom()
	at := "at"
	if old == "/root" {
		at = "below"
	}
	hint := fmt.Sprintf("What is mounted %s %s has to be mounted %s %s, and paths there that docker exec names move, too.", at, old, at, home+strings.TrimPrefix(old, "/root"))
	for _, c := range p.Doc.Comments {
		if !c.Directive && c.Line > p.Stage.From.Line && c.Line < lastIn(p.Stage).EndLine && namesRoot(c.Text) {
			return hint + fmt.Sprintf(" The comment in line %d still names the old path.", c.Line)
		}
	}
	return hint
}

// movedFrom returns the directory under /root that matters most to who runs the image: the
// working directory, or what its command names, or else the home itself.
func (p *Pass) movedFrom() string {
	if imagepath.Below(p.End.Workdir, "/root") {
		return p.End.Workdir
	}
	words := slices.Clone(p.End.Volumes)
	if len(p.Entry.Argv) > 0 {
		words = append(words, p.Entry.Argv[1:]...) // nobody mounts the program itself
	}
	for _, w := range words {
		if _, text := shellcmd.ShellText(p.Entry.Argv); !text && namesRoot(w) {
			return movedPath.FindString(w[rootPath.FindStringSubmatchIndex(w)[3]:])
		}
	}
	return "/root"
}

// ownCaches are directories of the home that nobody mounts.
var ownCaches = regexp.MustCompile(`^\{home\}/\.(npm|cache|yarn|config/configstore)(/|$)`)

// hintHome says of a program that keeps its files in the home of whoever runs it that the home
// is another one now.
func (p *Pass) hintHome() {
	if p.moves() || p.User.How != ChoiceNew && p.User.How != ChoiceBase || p.User.Home == "" || p.User.Home == "/root" || p.User.Home == "/" {
		return
	}
	if home, set := p.End.Env.Get("HOME"); set && home != "/root" {
		return
	}
	keeps := func(r running) bool {
		return slices.ContainsFunc(r.variant.Writes, func(w programs.Path) bool {
			return !w.Optional && strings.HasPrefix(w.Path, "{home}/") && !ownCaches.MatchString(w.Path)
		})
	}
	if len(p.Entry.HomeFiles) == 0 && !slices.ContainsFunc(p.running(), keeps) {
		return
	}
	p.report(Finding{Line: p.at(p.Entry.By), Message: fmt.Sprintf("the program keeps files in its home, which is %s and no longer /root", p.User.Home),
		Hint: fmt.Sprintf("What is mounted below /root has to be mounted below %s, and paths there that docker exec names move, too.", p.User.Home)})
}
