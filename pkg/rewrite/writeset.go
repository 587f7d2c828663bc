package rewrite

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A writePath is one member of the write set.
type writePath struct {
	path  string
	why   string
	file  bool   // a file that has to exist beforehand, in a directory of others
	tree  bool   // what is in it as well
	dirs  bool   // of a tree only the directories
	exist bool   // it is there already, made by a package or an instruction
	maybe bool   // it is there or not, and an empty one would do harm
	built bool   // the command makes it anew, whatever is in it
	made  bool   // a start script makes it where it is missing
	makes bool   // a directory that the program makes itself, where it may
	find  string // of what is in a directory, the expression of find(1) that picks it
	said  string // why it is certain that the program writes there, "" where it is not
	mode  uint32
	after *dockerfile.Instruction
}

// writeSet returns what the program writes and the user does not own yet.
func (p *Pass) writeSet() []writePath {
	return slices.DeleteFunc(p.writes(), p.canWrite)
}

// writes returns what the program writes, whoever owns it.
func (p *Pass) writes() []writePath {
	if who := p.User.How + " " + p.User.Owner(); p.memo.writer != who || p.memo.writes == nil {
		p.memo.writer, p.memo.writes = who, p.findWrites()
	}
	return slices.Clone(p.memo.writes)
}

func (p *Pass) findWrites() []writePath {
	var set []writePath
	p.memo.unnamed, p.memo.staticUnknown = nil, false
	add := func(w writePath) {
		w.path = path.Clean(w.path)
		if !path.IsAbs(w.path) || w.path == "/" {
			return
		}
		if !imagepath.Safe.MatchString(w.path) {
			p.unnamed(w)
			return
		}
		if real := p.End.Real(w.path); real != w.path {
			if imagepath.Below(real, "/dev") || imagepath.Below(real, "/proc") {
				return // a log that is a link to the container's output
			}
			if w.tree && !imagepath.Protected(real) {
				w.path = real // chown -R does not follow links (chown(1))
			}
		}
		w.after = p.later(w.after, p.lastMention(w.path))
		w.after = p.later(w.after, p.lastWorkIn(w.path))
		w.after = p.later(w.after, p.lastReset(w.path))
		w.after = p.later(w.after, p.madeOnTheWay(w.path))
		w.exist = w.exist && !p.mayBeRemoved(w.path)
		if d := p.End.Dirs[w.path]; d != nil {
			for _, by := range []*dockerfile.Instruction{d.MadeBy, d.LastBy} {
				if by != nil && by.Keyword == "RUN" {
					w.after = p.later(w.after, by)
				}
			}
		}
		for i := range set {
			if inRun(set[i].path) == inRun(w.path) {
				all := set[i].tree && !set[i].dirs || w.tree && !w.dirs
				set[i].tree = set[i].tree || w.tree
				set[i].dirs = set[i].tree && !all
				set[i].exist = set[i].exist || w.exist
				set[i].built = set[i].built || w.built
				set[i].makes = set[i].makes && w.makes
				set[i].made = set[i].made && w.made
				set[i].said = cmp.Or(set[i].said, w.said)
				set[i].after = p.later(set[i].after, w.after)
				return
			}
		}
		set = append(set, w)
	}
	if p.User.How != ChoiceExisting && p.User.How != ChoiceInherited {
		// An image that is non-root already works; its owner has seen to it.
		p.workdirSet(add)
		p.madeSet(add)
		p.homeSet(add)
		p.touchedSet(add)
		p.frameworkSet(add)
		p.buildToolSet(add)
		p.staticSet(add)
		p.syncSet(add)
		p.scriptSet(add)
		p.besideSet(add)
		p.volumeSet(add)
		p.serviceVolumes(add)
		p.programSet(add)
		p.templateSet(add)
		p.moduleSet(add)
		p.prismaSet(add)
		p.gitSet(add)
		p.cypressSet(add)
		p.builtServerSet(add)
		p.installedSet(add)
		p.nginxSet(add)
		p.baseSet(add)
		p.toldSet(add)
		p.prestoSet(add)
		p.sourceSet(add)
		p.placedSet(add)
		p.goSet(add)
		p.missingHomeSet(add)
		p.notebookSet(add)
		p.linkSet(add)
		p.emptySet(add)
		p.storeSet(add)
		p.temporarySet(add)
	}
	for _, w := range p.opts.Writable {
		add(writePath{path: w, why: "the configuration lists it", after: p.lastCopyOver(w)})
	}
	// These may exist already, and nobody knows which step made them.
	for _, w := range p.opts.WritableTrees {
		add(writePath{path: w, why: "the configuration lists it", tree: true, after: p.lastFiles()})
	}
	for _, w := range p.opts.WritableFiles {
		add(writePath{path: w, why: "the configuration lists it", file: true, after: p.lastFiles()})
	}
	p.givenWhole(set)
	slices.SortFunc(set, func(a, b writePath) int { return strings.Compare(a.path, b.path) })
	return append([]writePath{}, dropNested(p.dropMade(set))...)
}

// inRun names what is below /var/run as it is below /run, which that is a link to (FHS 3.0, 5.13).
func inRun(name string) string {
	if imagepath.Below(name, "/var/run") {
		return strings.TrimPrefix(name, "/var")
	}
	return name
}

// unnamed notes a path that cannot be written into a command, for the report. A variable or a
// pattern in it says that it is not known.
func (p *Pass) unnamed(w writePath) {
	if !strings.ContainsAny(w.path, "$`*?[]{}") && !p.canWrite(w) && len(w.path) <= imagepath.MaxPath && len(p.memo.unnamed) < 100 && !slices.Contains(p.memo.unnamed, w.path) {
		p.memo.unnamed = append(p.memo.unnamed, w.path)
	}
}

// dropNested removes paths inside a tree that is given away whole, but for those that
// the user could not make there because the program expects them.
func dropNested(set []writePath) []writePath {
	all := slices.Clone(set) // DeleteFunc moves what is still looked at
	return slices.DeleteFunc(set, func(w writePath) bool {
		return slices.ContainsFunc(all, func(o writePath) bool {
			return o.tree && (!o.dirs || !w.file && !w.tree) && o.path != w.path && imagepath.Below(w.path, o.path) && (w.exist || o.built || w.makes && !o.dirs)
		})
	})
}

// dropMade removes the directories that are not there yet and lie in one that is given
// away: who made them as root so far can make them there.
func (p *Pass) dropMade(set []writePath) []writePath {
	all := slices.Clone(set)
	said := map[string]string{}
	set = slices.DeleteFunc(set, func(w writePath) bool {
		in := p.madeIn(w, all)
		if in != "" {
			said[in] = cmp.Or(said[in], w.said)
		}
		return in != ""
	})
	for i, w := range set {
		set[i].said = cmp.Or(w.said, said[w.path])
	}
	return set
}

// madeIn returns the directory of the set in which the program makes one itself, "" for none.
func (p *Pass) madeIn(w writePath, set []writePath) string {
	if !w.makes {
		return ""
	}
	for dir := w.path; p.unmade(dir); {
		dir = path.Dir(dir)
		if slices.ContainsFunc(set, func(o writePath) bool { return o.path == dir && !o.file && !o.makes }) {
			return dir
		}
	}
	return ""
}

// unmade reports whether nothing in the file makes or brings a directory.
func (p *Pass) unmade(dir string) bool {
	return dir != "/" && p.End.Dirs[dir] == nil && p.lastReset(dir) == nil && p.lastMention(dir) == nil &&
		!slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool { return !c.Opaque && path.Clean(c.Dest) == dir })
}

// canWrite reports whether the user is known to own the path already, or the
// path is open to all.
func (p *Pass) canWrite(w writePath) bool {
	if p.openToAll(w.path) {
		return true
	}
	if p.User.How == ChoiceNew && w.path == p.User.Home {
		return true
	}
	if w.made && p.unmade(w.path) && p.makesIn(path.Dir(w.path)) {
		return true
	}
	if d, ok := p.End.Dirs[w.path]; ok {
		return p.ownsDir(d) && (!w.tree || d.Tree || !w.exist || d.MadeBy == nil)
	}
	for dir := path.Dir(w.path); dir != "/"; dir = path.Dir(dir) {
		if d, ok := p.End.Dirs[dir]; ok && d.Tree && p.ownsDir(d) {
			return true
		}
	}
	return false
}

// makesIn reports whether the user can make directories below one: WORKDIR makes the user's
// where it stands behind its USER (BuildKit, dispatchWorkdir).
func (p *Pass) makesIn(dir string) bool {
	for p.unmade(dir) {
		dir = path.Dir(dir)
	}
	d := p.End.Dirs[dir]
	return d != nil && d.MadeBy != nil && d.MadeBy.Keyword == "WORKDIR" && !d.Unsure && p.ownsDir(d)
}

func (p *Pass) ownsDir(d *simulate.Dir) bool {
	if d.UID.Known && p.User.UID.Known && d.UID.N == p.User.UID.N {
		return true
	}
	if d.Owner != "" && d.Owner == p.User.Name {
		return true
	}
	if d.Mode.Known && d.Mode.N&0o002 != 0 {
		return true
	}
	return d.GID.Known && p.User.GID.Known && d.GID == p.User.GID && d.Mode.Known && d.Mode.N&0o020 != 0
}

// lastMention returns the last RUN run as root whose text holds the path: it
// may make it, fill it, or change its owner.
func (p *Pass) lastMention(name string) *dockerfile.Instruction {
	var last *dockerfile.Instruction
	for _, in := range p.Stage.Instructions {
		if in.Keyword == "RUN" && strings.Contains(in.Original, name) {
			last = in
		}
	}
	return last
}

// lastWorkIn returns the last RUN that works in the directory. Before it the
// directory must stay root's: git refuses one of another owner, and with it go
// build ("dubious ownership", CVE-2022-24765), and npm 7 and 8 run scripts as the
// owner of the directory.
func (p *Pass) lastWorkIn(dir string) *dockerfile.Instruction {
	var last *dockerfile.Instruction
	for _, in := range p.Stage.Instructions {
		if in.Keyword == "RUN" && imagepath.Below(p.End.Before[in].Workdir, dir) {
			last = in
		}
	}
	return last
}

// madeOnTheWay returns the last step that makes a directory above a path and would stop, or
// find it to be root's, if it were there already.
func (p *Pass) madeOnTheWay(name string) *dockerfile.Instruction {
	var last *dockerfile.Instruction
	for dir := path.Dir(name); dir != "/" && len(name) <= imagepath.MaxPath; dir = path.Dir(dir) {
		if in := p.End.Filled[dir]; in != nil && strings.Contains(in.Original, "clone") {
			last = p.later(last, in)
		}
		d := p.End.Dirs[dir]
		if d == nil || p.inStage(d.MadeBy) == nil {
			continue
		}
		if d.Alone || !p.End.Before[d.MadeBy].User.Root() {
			last = p.later(last, d.MadeBy)
		}
	}
	return last
}

// mayBeRemoved reports whether a step removes a path, after whatever has brought it.
func (p *Pass) mayBeRemoved(name string) bool {
	if d := p.End.Dirs[name]; d != nil {
		return d.Unsure
	}
	return slices.ContainsFunc(p.End.Removed, func(r simulate.Removal) bool { return imagepath.Covers(r.Pattern)(name) })
}

// workingDirectory is why a program may write a directory of which nothing more is
// known than that it starts there.
const workingDirectory = "working directory"

// madeByFile is why a program may write a directory for data that a step makes.
const madeByFile = "made by the file"

func (p *Pass) workdirSet(add func(writePath)) {
	w := p.End.Workdir
	d, ok := p.End.Dirs[w]
	if !ok || d.MadeBy == nil || imagepath.Standard[w] || imagepath.Protected(w) {
		return
	}
	if p.givenAway(d) || p.crossBuilt() || p.programsHome(w) || p.onlyServed(w) {
		return
	}
	add(writePath{path: w, why: workingDirectory, exist: d.Made()})
}

// programsHome reports whether a directory is where a known program is installed, which
// writes to directories in it that are known: Tomcat's CATALINA_HOME. What applications write
// below their working directory says nothing of that itself.
func (p *Pass) programsHome(dir string) bool {
	return slices.ContainsFunc(p.running(), func(r running) bool {
		return slices.ContainsFunc(r.variant.Writes, func(w programs.Path) bool {
			return path.IsAbs(w.Path) && w.Path != dir && imagepath.Below(w.Path, dir)
		})
	})
}

// givenAway reports whether the file gives the directory to somebody else than
// root and the user, on purpose.
func (p *Pass) givenAway(d *simulate.Dir) bool {
	if d == nil {
		return false
	}
	return d.UID.Known && d.UID.N != 0 || !d.UID.Known && d.Owner != "" && d.Owner != p.User.Name
}

func (p *Pass) programSet(add func(writePath)) {
	for _, r := range p.running() {
		if s := p.Entry.Supervisor; r.Program.Name == "supervisord" && s != nil && s.Config != "" && s.Against == "" {
			continue // its configuration says what it writes
		}
		for _, w := range r.variant.Writes {
			if w.Optional || w.Owned && p.ownAccount(r) {
				continue
			}
			name := p.fill(w.Path, r)
			if name == "" || strings.Contains(name, "/node_modules/") && (!p.BringsModules(path.Dir(name)) || p.ownCache(name, r)) {
				continue
			}
			// A chown -R of what is not there would stop the build. Of packages that were
			// installed to look, it is known to be.
			after, unmade := p.inStage(r.by), r.unpacked || r.variant.VerifiedLab == "" && !r.variant.Official()
			if r.by == nil && !r.variant.Official() {
				after, unmade = p.lastCopyOver(name), true // of the application, which may not have it
			}
			if strings.HasPrefix(w.Path, "{workdir}") {
				after = p.later(after, p.lastWorkIn(p.End.Workdir)) // a step there may fill it
			}
			add(writePath{path: name, why: p.nameOf(r.Program), file: w.Kind == programs.File, tree: w.Recursive,
				exist: w.Recursive && !unmade, mode: w.Mode, after: after})
		}
	}
}

// ownAccount reports whether the image runs as the account that the program's
// package sets up.
func (p *Pass) ownAccount(r running) bool { return p.User.Name == r.variant.Account.Name }

// fill puts the image's own values for the placeholders of a table's path.
func (p *Pass) fill(name string, r running) string {
	if strings.Contains(name, "{version}") && r.version == "" || strings.Contains(name, "{home}") && (p.User.Home == "" || p.User.How == ChoiceNew) {
		return ""
	}
	name = strings.NewReplacer("{version}", r.version, "{home}", p.User.Home, "{workdir}", strings.TrimSuffix(cmp.Or(r.Dir, p.End.Workdir), "/")).Replace(name)
	if strings.ContainsAny(name, "{}") {
		return ""
	}
	return name
}
