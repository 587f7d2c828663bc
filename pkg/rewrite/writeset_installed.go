package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
)

// What make install leaves: a program that is built with a prefix of its own keeps its state
// below it, in /usr/local/var where nothing else is said (GNU Coding Standards, Directory Variables).

// makefiles are the files that say what make install makes, and where; of those that configure
// fills in, what it does with them.
var makefiles = []string{"GNUmakefile", "makefile", "Makefile", "Makefile.am", "Makefile.in"}

var (
	installTarget = regexp.MustCompile(`^install(-[\w-]+)?$`)
	makeAssigned  = regexp.MustCompile(`^([A-Za-z_]\w*)=(.*)$`)
	stateOption   = regexp.MustCompile(`--(prefix|localstatedir|runstatedir|sharedstatedir)[= ]["']?([^\s"']+)`)
	// stateVariable matches what makefiles call the directories of a program's state.
	stateVariable = regexp.MustCompile(`(?i)\b(local|shared|run)?state_?dir\b`)
)

// An installation is one step that installs what it has built from the build context.
type installation struct {
	by   *dockerfile.Instruction // what brings it into the image: the step, or a copy
	text string                  // the makefile
	dirs []string                // of the program's state, where they are in the image
	away bool                    // they are below a DESTDIR, from which something else takes them
}

// installedSet adds the directories of state that make install makes for the program.
func (p *Pass) installedSet(add func(writePath)) {
	for _, i := range p.installations() {
		if !p.installsProgram(i) {
			continue
		}
		for _, dir := range i.dirs {
			protected := imagepath.ProtectedDir(path.Join(dir, "file")) != "" && !imagepath.Below(dir, "/usr/local/var")
			if !imagepath.Standard[dir] && !protected && !p.givenWithAll(dir) {
				add(writePath{path: dir, why: "make install makes it for the program", tree: true, after: p.inStage(i.by)})
			}
		}
	}
}

// installations returns what steps of the image install, and those of stages from which
// copies have it.
func (p *Pass) installations() []installation {
	var out []installation
	for _, in := range p.Stage.Instructions {
		if in.Keyword == "RUN" && p.End.Before[in].User.Root() {
			if i, ok := p.installation(in); ok && !i.away {
				i.by = in
				out = append(out, i)
			}
		}
	}
	for _, c := range p.End.Copies {
		from := p.Doc.CopyFrom(c.By.Stage, c.From)
		if c.From == "" || from == nil || from.Index >= c.By.Stage.Index || c.UID.Known && c.UID.N != 0 {
			continue
		}
		for _, in := range from.Instructions {
			if in.Keyword != "RUN" {
				continue
			}
			if i, ok := p.installation(in); ok {
				i.by, i.dirs = c.By, copiedDirs(i.dirs, c.Sources, c.Dest)
				out = append(out, i)
			}
		}
	}
	return out
}

// copiedDirs returns where directories of a stage are that a copy brings along.
func copiedDirs(dirs, sources []string, dest string) (out []string) {
	for _, dir := range dirs {
		for _, src := range sources {
			if src = path.Clean("/" + src); imagepath.Below(dir, src) {
				out = append(out, path.Join(dest, strings.TrimPrefix(dir, src)))
				break
			}
		}
	}
	return out
}

// installation reads a step with make install.
func (p *Pass) installation(in *dockerfile.Instruction) (installation, bool) {
	if p.Context == nil || !makeInstall.MatchString(in.Original) {
		return installation{}, false
	}
	sc, err := p.Doc.Script(in)
	if err != nil {
		return installation{}, false
	}
	dir := p.EndOf(in.Stage).Before[in].Workdir
	for _, c := range sc.Commands() {
		words := shellcmd.Words(c.Args)
		switch {
		case c.Name == "cd" && len(words) == 1 && c.Shell == "":
			dir = imagepath.Abs(dir, words[0])
		case c.Name == "make" && slices.ContainsFunc(words, installTarget.MatchString):
			return p.readInstallation(in, dir, append(c.Assigns, words...))
		}
	}
	return installation{}, false
}

// readInstallation reads the makefile that lies in a directory of the step's stage.
func (p *Pass) readInstallation(in *dockerfile.Instruction, dir string, words []string) (installation, bool) {
	set := p.configuredDirs(in.Stage)
	set["DESTDIR"] = ""
	for i, w := range words {
		if m := makeAssigned.FindStringSubmatch(w); m != nil {
			set[m[1]] = m[2]
		}
		if w == "-C" && i+1 < len(words) {
			dir = imagepath.Abs(dir, words[i+1])
		}
	}
	tree := content.StageTree{Image: p.Image, Stage: in.Stage}
	for _, name := range makefiles {
		text, ok := tree.Read(path.Join(dir, name))
		if !ok {
			continue
		}
		i := installation{text: text, away: set["DESTDIR"] != ""}
		m := readMakefile(text, set)
		roots := m.stateRoots(set["DESTDIR"])
		for _, made := range m.madeDirs() {
			state := isState(made) || slices.ContainsFunc(roots, func(root string) bool { return imagepath.Below(made, root) })
			if state && !slices.Contains(i.dirs, made) {
				i.dirs = append(i.dirs, made)
			}
		}
		return i, true
	}
	return installation{}, false
}

// configuredDirs returns the directories that configure is told in a stage, and its defaults.
func (p *Pass) configuredDirs(st *dockerfile.Stage) map[string]string {
	set := map[string]string{}
	for _, in := range st.Instructions {
		if in.Keyword != "RUN" || !configures.MatchString(in.Original) {
			continue
		}
		set["prefix"], set["exec_prefix"], set["localstatedir"], set["runstatedir"] = "/usr/local", "$(prefix)", "$(prefix)/var", "$(localstatedir)/run"
		for _, m := range stateOption.FindAllStringSubmatch(in.Original, content.MaxSettings) {
			set[m[1]] = m[2]
		}
	}
	return set
}

// isState reports whether a directory is one for state, by where it is.
func isState(dir string) bool {
	if slices.ContainsFunc(buildDirs, func(b string) bool { return imagepath.Below(dir, b) }) || imagepath.Below(dir, "/var/www") {
		return false
	}
	return strings.Contains(dir+"/", "/var/") || dataNames[path.Base(dir)]
}

// installsProgram reports whether the makefile names the program that the image starts.
func (p *Pass) installsProgram(i installation) bool {
	return slices.ContainsFunc(p.argvs(), func(argv []string) bool {
		return len(argv[0]) <= imagepath.MaxPath && holdsWord(i.text, path.Base(argv[0]))
	})
}

// reportInstalled says where the sources of the program speak of a directory for its state and
// nobody here can tell where it is.
func (p *Pass) reportInstalled() {
	for _, i := range p.installations() {
		if len(i.dirs) == 0 && i.by.Keyword == "RUN" && stateVariable.MatchString(i.text) && p.installsProgram(i) {
			p.report(Finding{Line: i.by.Line, Message: "this step installs the program, whose makefile names a directory for its state, which stays root's",
				Hint: "It is below the prefix, in /usr/local/var without one: list it under writable: in .harden.yaml."})
			return
		}
	}
}
