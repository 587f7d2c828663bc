package simulate

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
)

// run follows a RUN instruction. What it does below its mounts is in no layer.
func (s *simulator) run(in *dockerfile.Instruction) {
	s.local, s.reader, s.at = map[string]localValue{}, "", in
	s.guard.of, s.guard.text = "", ""
	kept := s.outside(in)
	if script, err := s.script(in); err == nil {
		s.reader = s.readerOf(in, script)
		s.runScript(in, script)
	} else {
		s.opaqueRun(in)
	}
	s.putBack(kept)
}

// runScript follows the commands of a RUN instruction.
func (s *simulator) runScript(in *dockerfile.Instruction, script *dockerfile.Script) {
	installs, group := false, groups{} // as root, be it by sudo
	cmds := script.Commands()
	s.umask, s.guards = umask{}, guards(cmds)
	dirs := StartIn(s.Workdir)
	var traps []dockerfile.Command
	var later []held
	var before dockerfile.Command
	placed := s.base.Known.Config || s.Placed
	for _, c := range cmds {
		s.assigns(c, dirs)
		if c.Func != "" && !c.Dead && removes[path.Base(c.Name)] {
			later = append(later, held{c, dirs.Of(c.Shell)})
		}
		c = s.expandArgs(s.atHome(c), dirs.Of(c.Shell))
		if c.Name == "trap" {
			traps = append(traps, c)
		}
		if dirs.cd(c) {
			placed = placed || len(c.Args) > 0 && path.IsAbs(c.Args[0].Value)
			continue
		}
		s.setUmask(c)
		if path.Base(c.Name) == "newusers" {
			s.newusers(in, c, before, script, dirs.Of(c.Shell))
		}
		before = c
		group.remove(c)
		if dir := dirs.Of(c.Shell); placed || dir != "/" {
			s.showsRoot(in, c, dir)
		} else {
			s.showsRoot(in, c, "") // the base may start elsewhere
		}
		stripped := s.strips
		switch {
		case !s.effect(in, c, dirs.Of(c.Shell)) && s.mayBeRoot(c):
			installs = !group.add(c) || installs
		case s.strips > stripped:
			installs, group = false, groups{} // what this RUN brought in is clean again
		}
	}
	installs = installs || len(group) > 0
	s.atExit(in, traps, later)
	s.forgetUnplaced()
	s.usesSudo(in, cmds)
	if installs || s.helped(in, cmds) {
		s.installs(in)
	}
	s.needsBits(in, cmds)
}

// groups are the virtual packages of apk that a step adds, with the branch that each is added
// in: what it removes again is in no layer of the image.
type groups map[string]branch

// A branch is where a chain of commands stands, and upon what it depends.
type branch struct{ at, guard string }

// branchOf returns the branch of a command: each that stands behind && has one of its own.
func branchOf(c dockerfile.Command) branch {
	return branch{path.Dir(c.Branch), c.Guard}
}

// add reports whether a command adds packages under such a name.
func (g groups) add(c dockerfile.Command) bool {
	name := path.Base(c.Name)
	if _, _, ok := Installs(name, c.Args); !ok {
		return false
	}
	group := virtual(name, c.Args)
	if group != "" {
		g[group] = branchOf(c)
	}
	return group != ""
}

// remove forgets those that a command removes, always or in the branch that added them.
func (g groups) remove(c dockerfile.Command) {
	pkgs, ok := removed(path.Base(c.Name), c.Args)
	if !ok || c.FailureHandled {
		return
	}
	for _, pkg := range pkgs {
		if !c.Conditional || c.Guard != "" && g[pkg] == branchOf(c) {
			delete(g, pkg)
		}
	}
}

// forgetUnplaced drops what a step did in directories that nobody can name.
func (s *simulator) forgetUnplaced() {
	unplacedKey := func(p string, _ *Dir) bool { return unplaced(p) }
	maps.DeleteFunc(s.Dirs, unplacedKey)
	maps.DeleteFunc(s.Links, func(p, target string) bool { return unplaced(p) || unplaced(target) })
	maps.DeleteFunc(s.Texts, func(p, _ string) bool { return unplaced(p) })
	maps.DeleteFunc(s.Printed, func(p string, _ *dockerfile.Instruction) bool { return unplaced(p) })
	s.Moves = slices.DeleteFunc(s.Moves, func(m Move) bool { return unplaced(m.From) || unplaced(m.To) })
	maps.DeleteFunc(s.Filled, func(p string, _ *dockerfile.Instruction) bool { return unplaced(p) })
	maps.DeleteFunc(s.Stores, func(p string, _ Store) bool { return unplaced(p) })
	for i, f := range s.Privileged {
		if unplaced(f.Path) {
			s.Privileged[i].Path = path.Join("/", path.Base(f.Path)) // its name is known
		}
	}
}

// usesSudo notes a step with sudo on a base of which nothing is known, before the file
// sets a user or installs it: root would need none.
func (s *simulator) usesSudo(in *dockerfile.Instruction, cmds []dockerfile.Command) {
	if s.Sudoer != nil || s.User.By != nil || s.base.Known.Config || s.base.Config.User != "" || s.HasPackage("sudo") || s.HasPackage("?") {
		return
	}
	for _, c := range cmds {
		if pkgs, _, ok := Installs(path.Base(c.Name), c.Args); ok && (slices.Contains(pkgs, "sudo") || slices.Contains(pkgs, "?")) {
			return // be it for this step alone
		}
	}
	if slices.ContainsFunc(cmds, func(c dockerfile.Command) bool { return slices.Contains(c.Via, "sudo") }) {
		s.Sudoer = in
	}
}

// installs notes an instruction that may bring in anything.
func (s *simulator) installs(in *dockerfile.Instruction) {
	s.Installers = append(s.Installers, in)
	s.Unseen = true
}

// script parses the text of a RUN. The exec form is read when it calls a shell,
// and a file that uses the backtick as its escape may still be for Linux.
func (s *simulator) script(in *dockerfile.Instruction) (*dockerfile.Script, error) {
	script, err := s.doc.Script(in)
	if err == nil {
		return script, nil
	}
	if in.JSON && len(in.Args) > 0 {
		if text, ok := shellcmd.ShellText(in.Args); ok {
			return dockerfile.ParseScript([]byte(text))
		}
		return nil, err
	}
	if s.doc.Escape == '`' && shellcmd.PosixShell(s.Shell) && len(in.Heredocs) == 0 {
		return dockerfile.ParseScript([]byte(in.Text))
	}
	return nil, err
}

// opaqueRun handles a RUN whose text nobody here can read: exec form, another
// language, a syntax error. Exec form is one command with its arguments.
func (s *simulator) opaqueRun(in *dockerfile.Instruction) {
	if in.JSON && len(in.Args) > 0 {
		c := dockerfile.Command{Name: path.Base(in.Args[0])}
		for _, a := range in.Args[1:] {
			c.Args = append(c.Args, dockerfile.Word{Value: a, Static: true})
		}
		s.showsRoot(in, c, "")
		if s.effect(in, c, s.Workdir) && !becomesRoot([]dockerfile.Command{c}) {
			return
		}
		if becomesRoot([]dockerfile.Command{c}) {
			s.installs(in)
			s.needsBits(in, []dockerfile.Command{c})
			return
		}
	}
	if s.User.Root() {
		s.installs(in)
	}
}

// mayBeRoot reports whether a command may run as root: the stage's user is, or a wrapper
// such as sudo makes it so.
func (s *simulator) mayBeRoot(c dockerfile.Command) bool {
	return s.User.Root() || len(s.User.Missing) > 0 || becomesRoot([]dockerfile.Command{c})
}

// contradicts notes that the catalogue, or the Dockerfile of the base, speaks of another
// version of the base image than this tag is: a package manager works for root alone, so
// that the tag starts as root, or the file would not build.
func (s *simulator) contradicts() bool {
	return !s.User.Root() && s.User.By == nil && !s.base.Seen()
}

// otherFamily reports whether a package manager is that of another distribution than
// the catalogue says the base image has.
func (s *simulator) otherFamily(manager string) bool {
	of := s.base.Distro.Family()
	return !s.base.Seen() && slices.Contains([]string{"debian", "alpine", "rhel"}, of) &&
		slices.Contains([]string{"debian", "alpine", "rhel"}, manager) && of != manager
}

func becomesRoot(cmds []dockerfile.Command) bool {
	return slices.ContainsFunc(cmds, func(c dockerfile.Command) bool {
		if name := path.Base(c.Name); name == "crontab" || name == "whenever" || name == "sudo" || name == "su" {
			return true // crontab is setuid or setgid everywhere
		}
		return slices.ContainsFunc(c.Via, func(v string) bool { return v == "sudo" || v == "su" || v == "doas" })
	})
}

// effect applies one command to the state and reports whether it is known to
// bring no privileged file into the image.
func (s *simulator) effect(in *dockerfile.Instruction, c dockerfile.Command, dir string) bool {
	if c.Dynamic {
		return leavesRoot(c)
	}
	name := path.Base(c.Name)
	s.passwdLines(in, c, dir)
	s.writesText(in, c, dir)
	s.makesClosed(in, c, dir)
	s.seeds(in, c, dir)
	if name == "mv" || name == "cp" || name == "install" {
		s.movesText(c, dir)
	}
	s.fills(in, name, c, dir)
	switch name {
	case "openssl":
		s.Called[name] = s.Called[name] || !c.Conditional && !c.FailureHandled
		s.makesKeys(in, c, dir)
	case "xcaddy":
		s.xcaddy(in, c, dir)
	}
	switch name {
	case "useradd", "adduser", "usermod", "groupadd", "addgroup", "groupmod", "gpasswd", "userdel", "deluser", "groupdel", "delgroup":
		s.impliedPackage(in, name)
		s.accountCommand(in, name, c)
		return true
	case "mkdir", "install":
		for _, one := range shellcmd.Spread(c) {
			if !one.Below {
				s.makeDirs(in, name, one.Command, dir)
			}
		}
		return true
	case "chown", "chgrp":
		if !c.MoreArgs {
			s.chown(in, name, c, dir)
		}
		return true
	case "find":
		if !c.Conditional && !c.FailureHandled {
			s.Called[name] = true
		}
		s.findChown(in, c, dir)
		s.findChmod(in, c, dir)
		s.effectOfRemoval(in, name, c, dir)
		return true
	case "chmod":
		return s.chmod(in, c, dir)
	case "setcap":
		s.setcap(in, c, dir)
		return true
	case "rm", "rmdir", "unlink":
		s.effectOfRemoval(in, name, c, dir)
		return true
	case "ln":
		s.link(c, dir)
		return true
	}
	if family := managers[name]; family != "" && s.Manager == "" && !c.Conditional {
		s.Manager = family
		s.staticAccounts()
	}
	if pkgs, ok := removed(name, c.Args); ok {
		s.uninstall(pkgs)
		return true
	}
	if upgrades(name, c.Args) && s.intact() {
		s.Upgraded = in
		return true
	}
	if pkgs, manager, ok := Installs(name, c.Args); ok {
		if strings.Contains(in.Original, "scanelf") && strings.Contains(in.Original, "so:") {
			// Names in a variable are the libraries that the program is linked with.
			pkgs = slices.DeleteFunc(slices.Clone(pkgs), func(pkg string) bool { return pkg == "?" })
		}
		if len(pkgs) > 0 && !c.Conditional && (!becomesRoot([]dockerfile.Command{c}) && s.contradicts() || s.otherFamily(manager)) {
			s.Contradicted = true
			s.OtherFamily = s.OtherFamily || s.otherFamily(manager)
		}
		for _, p := range pkgs {
			p = WithoutVersion(p)
			s.Packages = append(s.Packages, Package{Name: p, Manager: manager, Virtual: virtual(name, c.Args), By: in})
			s.toolsOf(p)
			s.packageFiles(in, p, manager)
			s.accountPackage(in, p)
			if !c.Conditional && name != "tdnf" { // Photon and Azure Linux number their own
				s.numberedAccount(in, p)
			}
		}
		if manager == "alpine" && !slices.ContainsFunc(pkgs, func(p string) bool { return !programs.BringsNoSetID(p) }) {
			return true
		}
		return len(pkgs) == 0 && !c.Conditional
	}
	if name == "cp" || name == "mv" {
		s.effectOfRemoval(in, name, c, dir)
		_, mounted := in.Flag("mount")
		return !mounted // what is in the image was brought by a step before
	}
	if pkgs, ok := foreignPackages(name, c.Args); ok {
		for _, p := range pkgs {
			s.Packages = append(s.Packages, Package{Name: p, Foreign: name, By: in})
		}
		return false
	}
	if name == "tar" || name == "unzip" || name == "bsdtar" {
		return s.unpacksSources(in)
	}
	return harmless[name] && !runsScript(name, c.Args)
}

// leavesRoot reports whether a command runs by su as an account that is named and not root's:
// what such an account makes is its own.
func leavesRoot(c dockerfile.Command) bool {
	if c.As == nil || !c.As.Static || !ValidName(c.As.Value) || c.As.Value == "root" || strings.Contains(c.Name, "sudo") || strings.Contains(c.Name, "doas") {
		return false
	}
	return !slices.ContainsFunc(c.Via, func(v string) bool { return v != "su" && v != "sh" && v != "bash" })
}

var (
	anyURL = regexp.MustCompile(`\b(?:https?|ftp)://[^\s"'|;&)]+`)
	// gitArchive are what forges make of a commit: git keeps no more of a mode than whether a
	// file may be run (git-archive(1)). What is attached to a release is another matter.
	gitArchive = regexp.MustCompile(`^https?://(?:(?:www\.)?github\.com/[^/]+/[^/]+/(?:archive|tarball|zipball)/|codeload\.github\.com/|api\.github\.com/repos/[^/]+/[^/]+/(?:tarball|zipball)|gitlab\.[^/]+/.+/-/archive/|bitbucket\.org/[^/]+/[^/]+/get/)`)
)

// unpacksSources reports whether all that a step fetches are archives of a commit, which
// bring no setuid files.
func (s *simulator) unpacksSources(in *dockerfile.Instruction) bool {
	urls := anyURL.FindAllString(in.Original, -1)
	return len(urls) > 0 && !slices.ContainsFunc(urls, func(u string) bool { return !gitArchive.MatchString(u) })
}

// intact reports whether nothing was taken off the base's privileged files so far, which
// newer versions of them would bring back.
func (s *simulator) intact() bool {
	if s.Stripped != nil {
		return false
	}
	for _, f := range s.base.Privileged {
		if !slices.ContainsFunc(s.Privileged, func(p Privileged) bool { return p.Path == f.Path }) {
			return false
		}
	}
	return true
}

// runsScript reports whether an interpreter runs a script of its own, which may
// install anything, rather than a module (-m pip) or a line (-c).
func runsScript(name string, args []dockerfile.Word) bool {
	switch strings.TrimRight(name, "0123456789.") {
	case "python", "perl", "ruby", "php":
		return len(args) > 0 && !strings.HasPrefix(args[0].Value, "-") && !FrameworkCommands[path.Base(args[0].Value)]
	case ".", "source", "make":
		return true
	}
	return false
}

// FrameworkCommands are the scripts of frameworks, which work on the application alone.
var FrameworkCommands = map[string]bool{"manage.py": true, "artisan": true, "console": true}

// harmless are commands that do not put privileged files into an image. A
// command that is not listed may: its RUN counts as an installer, and the
// inserted RUN goes below it.
var harmless = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(`
		[ [[ : . alias awk base64 basename bundle bundler cargo cat cd chgrp chsh cmp command composer corepack
		curl cut date df diff dirname dotnet du echo egrep env exit export expr false fc-cache fgrep file find
		gem getent git go gradle gradlew ./gradlew gpg grep groups gunzip gzip hash head help history hostname id java javac
		jq kill ldconfig ln local locale-gen localedef ls md5sum mktemp mix mvn mvnw ./mvnw node npm nproc openssl
		perl php pip pip2 pip3 pipenv pnpm poetry popd printenv printf pushd pwd python python2 python3 read
		readlink realpath return rev rustup scanelf sed seq set sha1sum sha256sum sha512sum shift sleep sort source stat
		strip sync tail tee test touch tr true trap type tzselect ulimit umask uname uniq unset unzip update-ca-certificates
		rmdir update-rc.d uv wait wc wget which whoami xargs xz yarn yes zip
		a2enmod a2dismod a2ensite a2dissite a2enconf a2disconf phpenmod phpdismod php5enmod php5dismod docker-php-ext-enable dpkg-reconfigure
		ant ansible-galaxy ng npx nuget opam cabal stack sbt lein rake rails hugo jekyll tsc vite webpack conda mamba micromamba cpanm luarocks
		Rscript R julia rebar3 mix swift zig nimble sphinx-build mkdocs
		cross-build-start cross-build-end apt-mark debconf-set-selections update-alternatives chpasswd passwd
		docker-php-ext-configure docker-php-ext-install pecl svn`) {
		m[n] = true
	}
	return m
}()
