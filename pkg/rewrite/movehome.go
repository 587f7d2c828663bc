package rewrite

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// cannotMove says why /root cannot be replaced by another home, "" when it can.
func (p *Pass) cannotMove() string {
	if p.canMoveTo() == "" {
		if p.loneScript() != "" {
			return ""
		}
		return "the user has no home of its own below /home"
	}
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if why := p.mustStay(in); why != "" {
				return why
			}
			for _, h := range in.Heredocs {
				if namesRoot(h.Content) {
					return fmt.Sprintf("the heredoc in line %d names /root", in.Line)
				}
			}
			if h := p.homeInstall(in); h != nil && h.fixed != "" {
				return h.fixed
			}
			if stage != p.Stage && p.rootUse(in) != "" {
				return fmt.Sprintf("line %d of an earlier stage puts it there", in.Line)
			}
			if strings.Contains(in.Original, "/root") && strings.Contains(in.Original, "$HOME") && in.Keyword == "ENV" {
				return fmt.Sprintf("line %d mixes $HOME and /root", in.Line)
			}
		}
	}
	for _, in := range p.Doc.Instructions {
		if in.Index > lastIn(p.Stage).Index && namesRoot(in.Original) && p.builtOn(in.Stage) {
			return fmt.Sprintf("line %d of a stage that is built on it names /root", in.Line)
		}
	}
	if imagepath.Below(p.End.Workdir, "/root") && p.lastOfKind("WORKDIR") == nil {
		return "the base image sets the working directory"
	}
	if why := p.cannotMakeHome(); why != "" {
		return why
	}
	if why := p.editsTree(); why != "" {
		return why
	}
	for _, c := range p.Entry.Scripts {
		if text, ok := p.FileOf(c); ok && namesRoot(text) {
			return c + " names /root"
		}
	}
	return ""
}

// mustStay says why an instruction keeps what is under /root there.
func (p *Pass) mustStay(in *dockerfile.Instruction) string {
	switch in.Keyword {
	case "VOLUME":
		if namesRoot(in.Text) {
			return fmt.Sprintf("line %d declares a volume there, which people mount", in.Line)
		}
	case "RUN":
		if text := in.Original[in.TextStart:]; sshHome.MatchString(text) && !(namesRoot(text) && onlyRemoves(text)) {
			return fmt.Sprintf("line %d sets up root's .ssh, where ssh looks whatever HOME says", in.Line)
		}
	case "COPY":
		for _, c := range p.End.Copies {
			if c.By == in && c.From != "" && imagepath.Below(path.Clean(c.Dest), "/root") && strings.Contains(strings.Join(c.Sources, " "), "/root/.") {
				// Virtual environments, pipx and uv write absolute paths.
				return fmt.Sprintf("line %d copies what was installed under /root of another stage", in.Line)
			}
		}
		return p.movesInstalled(in)
	}
	return ""
}

// sshHome matches root's settings of ssh, which takes the home directory from the
// account database (ssh(1), FILES; openssh-portable ssh.c, getpwuid).
var sshHome = regexp.MustCompile(`(/root|~|\$\{?HOME\}?)/\.ssh\b`)

// onlyRemoves reports whether all that a RUN does under /root is to clean up,
// which stays right where it is.
func onlyRemoves(text string) bool {
	for command := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '&' || r == ';' || r == '|' }) {
		if namesRoot(command) && !strings.HasPrefix(strings.TrimSpace(command), "rm ") {
			return false
		}
	}
	return true
}

// cannotMakeHome says why the home cannot be there before the first step that
// fills it, "" when it can.
func (p *Pass) cannotMakeHome() string {
	u := p.User
	if u.How == "" {
		u = p.choose()
	}
	switch u.How {
	case ChoiceNew:
		first := simulate.Moment{User: p.End.User, Shell: p.End.Shell}
		if len(p.Stage.Instructions) > 0 {
			first = p.End.Before[p.Stage.Instructions[0]]
		}
		switch {
		case p.afterTools() != nil:
			return "the tool that makes the user is installed by a later step"
		case !first.User.Root() || !shellcmd.PosixShell(first.Shell):
			return "the stage does not start as root with a shell"
		}
	case ChoiceFile, ChoiceGiven, ChoiceSwitched:
		for _, use := range p.rootUses() {
			if u.By != nil && use.in != nil && u.By.Index > use.in.Index {
				return "the file makes the account after it"
			}
		}
	}
	return ""
}

// earlyAccount makes the account in a RUN of its own at the start of the stage,
// where its home takes the place of /root.
func (p *Pass) earlyAccount() (Change, bool) {
	if p.User.How != ChoiceNew || !p.moves() {
		return Change{}, false
	}
	var commands []string
	for _, s := range p.User.Make {
		commands = append(commands, s.Command)
	}
	m := simulate.Moment{Shell: p.End.Shell}
	if len(p.Stage.Instructions) > 0 {
		m = p.End.Before[p.Stage.Instructions[0]]
	}
	return Change{kind: insertAfter, at: p.Stage.From, comment: "# " + p.User.Name + ", whose home takes the place of /root.",
		lines: p.runLines(commands, m.Shell), early: true}, true
}

// moves reports whether the rule roothome moves something in this file.
func (p *Pass) moves() bool {
	if on, set := p.opts.Rules["roothome"]; set && !on || p.ignored("roothome") != nil {
		return false
	}
	return len(p.rootUses()) > 0 && (p.canMoveTo() != "" || p.loneScript() != "")
}

// canMoveTo is the home that takes the place of /root.
func (p *Pass) canMoveTo() string {
	u := p.User
	if u.How == "" {
		u = p.choose()
	}
	switch u.How {
	case ChoiceNew:
		return u.Home
	case ChoiceFile, ChoiceGiven, ChoiceBase, ChoiceSwitched:
		if imagepath.Below(u.Home, "/home") && u.Home != "/home" && imagepath.Safe.MatchString(u.Home) {
			return u.Home
		}
	}
	return ""
}

// ownMoved gives the user the moved working directory, and the home where the
// account is not made with one.
func (p *Pass) ownMoved(home string) []Step {
	var dirs []string
	if p.User.How != ChoiceNew && !p.owned(p.End.Dirs[home]) {
		dirs = append(dirs, home)
	}
	if w := p.End.Workdir; imagepath.Below(w, "/root") && w != "/root" {
		dirs = append(dirs, home+strings.TrimPrefix(w, "/root"))
	}
	var seeded []string
	var after *dockerfile.Instruction
	for _, name := range slices.Sorted(maps.Keys(p.End.Dirs)) {
		d := p.End.Dirs[name]
		moved := home + strings.TrimPrefix(name, "/root")
		if name != "/root" && imagepath.Below(name, "/root") && d.Made() && d.MadeBy.Stage == p.Stage && imagepath.Safe.MatchString(name) && !slices.Contains(dirs, moved) && !p.buildsIn(name) {
			dirs, after = append(dirs, moved), p.later(after, d.LastBy)
			if by := p.seedsSettings(name); by != nil {
				seeded, after = append(seeded, moved), p.later(after, by)
			}
		}
	}
	if !p.User.numbered() {
		after = p.later(after, p.User.By)
	}
	var steps []Step
	trees, by := p.writtenTrees(home)
	after = p.later(after, by)
	if len(dirs) > 0 {
		steps = append(steps, makeDirs(dirs, after))
	}
	trees = append(trees, slices.DeleteFunc(seeded, func(dir string) bool { return slices.Contains(trees, dir) })...)
	plain := slices.DeleteFunc(slices.Clone(dirs), func(dir string) bool { return slices.Contains(trees, dir) })
	if len(plain) > 0 {
		steps = append(steps, Step{Command: "chown " + p.User.Owner() + " " + strings.Join(plain, " "), Order: stepOwner, After: after})
	}
	if len(trees) > 0 {
		steps = append(steps, Step{Command: "chown -R " + p.User.Owner() + " " + strings.Join(trees, " "), Order: stepOwner, After: after})
	}
	if filled, by := p.filledHome(home); len(filled) > 0 && p.usesHome() && p.findTool() == imageinspect.Yes {
		// Directories alone: what is in them may be large, and is seldom rewritten in place.
		all, after := strings.Join(filled, " "), p.later(after, by)
		steps = append(steps, makeDirs(filled, after),
			Step{Command: "find " + all + " -xdev -type d -exec chown " + p.User.Owner() + " {} +", Order: stepOwner, After: after})
	}
	return steps
}

// makeDirs is the step that makes directories where they are not there yet.
func makeDirs(dirs []string, after *dockerfile.Instruction) Step {
	s := Step{Order: stepOwner, After: after, makes: make([]madeDir, len(dirs))}
	for i, dir := range dirs {
		s.makes[i] = madeDir{dir, dir}
	}
	s.Command = s.mkdir()
	return s
}

// seedsSettings returns the step that puts files of its own into a hidden directory of root's
// home: settings, which programs rewrite. nil where none does, and for what is kept below
// ~/.local and ~/.cache, programs and what is large.
func (p *Pass) seedsSettings(dir string) *dockerfile.Instruction {
	rel := strings.TrimPrefix(dir, "/root/")
	if !strings.HasPrefix(rel, ".") || imagepath.Below(rel, ".local") || imagepath.Below(rel, ".cache") {
		return nil
	}
	return p.inStage(p.End.Seeded[dir])
}

// buildsIn reports whether a directory below /root is for sources and what is built of them,
// which the running program reads: there is a command of PATH below it, or a step clones there.
func (p *Pass) buildsIn(dir string) bool {
	if strings.HasSuffix(dir, "/src") || strings.Contains(dir, "/src/") || slices.ContainsFunc(p.End.SearchPath(), func(bin string) bool { return imagepath.Below(bin, dir) }) {
		return true
	}
	for filled := range p.End.Filled {
		if imagepath.Below(filled, dir) {
			return true
		}
	}
	return false
}

// treeEditors are interactive programs that save what they open.
var treeEditors = []string{"Unity", "unity-editor", "code-server", "openvscode-server", "theia", "eclipse", "idea.sh", "pycharm.sh", "studio.sh", "webstorm.sh", "rider.sh",
	"emacs", "vim", "nvim", "nano", "jupyter", "jupyter-lab", "jupyter-notebook", "godot", "blender"}

const staysRoots = "and that would stay root's"

// editsTree says why a working directory below /root stays there: an editor works on the
// sources that a step of root clones there, and its files would stay root's while the
// directory moves. To give them away would hold all of them in the image a second time.
func (p *Pass) editsTree() string {
	i := slices.IndexFunc(treeEditors, p.starts)
	if i < 0 {
		return ""
	}
	for dir := p.End.Workdir; dir != "/root" && imagepath.Below(dir, "/root"); dir = path.Dir(dir) {
		if in := p.End.Filled[dir]; in != nil && in.Keyword == "RUN" {
			return fmt.Sprintf("%s works on the files that line %d brings there, "+staysRoots, treeEditors[i], in.Line)
		}
	}
	return ""
}

// homeWriters keep caches and settings below $HOME, which they make as whoever calls
// them and expect to write to later. Where programs themselves are installed there is
// none of them.
var homeWriters = map[string][]string{
	"npm": {".npm"}, "npx": {".npm"}, "yarn": {".cache", ".yarn"}, "pnpm": {".cache"},
	"ipython": {".ipython"}, "ipython3": {".ipython"}, "jupyter": {".ipython", ".jupyter"},
}

// writtenTrees returns the directories of which the program writes the very files that a
// step leaves there, and the last such step.
func (p *Pass) writtenTrees(home string) (trees []string, by *dockerfile.Instruction) {
	for _, in := range p.Stage.Instructions {
		if h := p.homeInstall(in); h != nil {
			for _, tree := range h.trees {
				if tree, by = path.Join(home, tree), in; !slices.Contains(trees, tree) {
					trees = append(trees, tree)
				}
			}
		}
	}
	return trees, by
}

// filledHome returns the directories that such programs make in steps that root runs,
// and the last of these.
func (p *Pass) filledHome(home string) (dirs []string, by *dockerfile.Instruction) {
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "RUN" || !p.End.Before[in].User.Root() {
			continue
		}
		if h := p.homeInstall(in); h != nil && (h.by == "" || p.starts(h.by)) {
			for _, dir := range h.dirs {
				if dir, by = path.Join(home, dir), in; !slices.Contains(dirs, dir) {
					dirs = append(dirs, dir)
				}
			}
		}
		script, err := p.Doc.Script(in)
		if err != nil {
			continue
		}
		for _, c := range script.Commands() {
			for _, dir := range homeWriters[path.Base(c.Name)] {
				if dir, by = path.Join(home, dir), in; !slices.Contains(dirs, dir) {
					dirs = append(dirs, dir)
				}
			}
		}
	}
	slices.Sort(dirs)
	return dirs, by
}

func (p *Pass) owned(d *simulate.Dir) bool { return d != nil && p.ownsDir(d) }

// moveHome sets HOME at the start of the stage and replaces the literal /root in
// its instructions.
func (p *Pass) moveHome(home string) []Change {
	var out []Change
	moved := p.usesHome()
	for _, in := range p.Stage.Instructions {
		switch in.Keyword {
		case "RUN":
			// What a step cleans up is where HOME was when it was made.
			if !moved && onlyRemoves(in.Original[in.TextStart:]) {
				continue
			}
			fallthrough
		case "WORKDIR", "ENV", "CMD", "ENTRYPOINT", "HEALTHCHECK":
			for _, m := range rootPath.FindAllStringSubmatchIndex(in.Original, -1) {
				out = append(out, replaceRoot(in, m, home))
			}
		case "COPY", "ADD":
			// Only the destination: a source is in another image or below
			// the build context.
			if destinationInRoot(in) {
				all := rootPath.FindAllStringSubmatchIndex(in.Original, -1)
				out = append(out, replaceRoot(in, all[len(all)-1], home))
			}
			if p.bringsHome(in) {
				out = append(out, p.addChown(in))
			}
		}
	}
	if moved {
		out = append(out, Change{kind: insertAfter, at: p.Stage.From, comment: "", lines: []string{p.Doc.KeywordCase("ENV") + " HOME=" + home}})
	}
	return out
}

// bringsHome reports whether a COPY brings what moves into the home: it belongs to the
// user, as the home does and as it belonged to root before, who wrote there. The one file
// that the image starts is code, which nobody has to rewrite, and so are the files of a line
// that stays as it is: in the working directory itself the user can make others.
func (p *Pass) bringsHome(in *dockerfile.Instruction) bool {
	if _, has := in.Flag("chown"); has {
		return false
	}
	literal := destinationInRoot(in)
	settings := literal && strings.Contains(in.Original, "/root/.") && p.mayName(in) // which programs rewrite
	return slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return c.By == in && imagepath.Below(path.Clean(c.Dest), "/root") &&
			(settings || p.User.numbered() && !p.isStarted(c) && (literal || p.bringsTree(c)))
	})
}

// bringsTree reports whether a copy may bring a directory: of what does not come from the
// build context a name without an ending is one more often than not.
func (p *Pass) bringsTree(c simulate.Copy) bool {
	if c.From == "" && p.hasContext() {
		return p.BringsDirectory(c)
	}
	return slices.ContainsFunc(c.Sources, func(src string) bool { return path.Ext(src) == "" || src == "." })
}

// destinationInRoot reports whether a COPY is written with a destination under /root.
func destinationInRoot(in *dockerfile.Instruction) bool {
	all := rootPath.FindAllStringSubmatchIndex(in.Original, -1)
	return len(all) > 0 && destination(in, all[len(all)-1][3])
}

// isStarted reports whether a copy brings nothing but the file that the image starts.
func (p *Pass) isStarted(c simulate.Copy) bool {
	return len(c.Sources) == 1 && slices.ContainsFunc(p.Entry.Argv, func(word string) bool {
		return imagepath.Abs(p.End.Workdir, word) == c.Target(c.Sources[0])
	})
}

// replaceRoot replaces the /root of a match of rootPath.
func replaceRoot(in *dockerfile.Instruction, m []int, home string) Change {
	from := m[3] // behind what stands before the slash
	return Change{kind: replaceText, at: in, from: from, to: from + len("/root"), text: home}
}

// destination reports whether the position lies in the last word of a COPY.
func destination(in *dockerfile.Instruction, at int) bool {
	last := in.Args[len(in.Args)-1]
	return at >= strings.LastIndex(in.Original, last)
}

// usesHome reports whether something in the stage depends on $HOME rather than
// on the literal path: a step that installs there, or a PATH that names what
// some step has put there.
func (p *Pass) usesHome() bool {
	for _, in := range p.Stage.Instructions {
		switch in.Keyword {
		case "RUN":
			text := strings.TrimPrefix(in.Original, in.Original[:in.TextStart])
			if strings.Contains(text, "~") || strings.Contains(text, "HOME") || namesRoot(text) && !onlyRemoves(text) || p.rootUse(in) != "" {
				return true
			}
		case "ENV":
			if p.rootUse(in) != "" {
				return true
			}
		case "COPY", "ADD":
			if strings.Contains(in.Original, "/root/.") {
				return true
			}
		}
	}
	return false
}
