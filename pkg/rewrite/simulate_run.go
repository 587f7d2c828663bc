package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// run follows the commands of a RUN instruction.
func (s *simulator) run(in *dockerfile.Instruction) {
	for _, tool := range []string{"gosu", "su-exec"} {
		if strings.Contains(in.Original, tool) {
			s.Fetches[tool] = true
		}
	}
	script, err := s.script(in)
	if err != nil {
		s.opaqueRun(in)
		return
	}
	installs := false
	dir := s.Workdir
	cmds := script.Commands()
	for _, c := range cmds {
		c = s.expandArgs(c)
		if c.Name == "cd" && len(c.Args) == 1 && c.Args[0].Static && !c.Conditional {
			dir = abs(dir, c.Args[0].Value)
			continue
		}
		stripped := s.strips
		switch {
		case !s.effect(in, c, dir):
			installs = true
		case s.strips > stripped:
			installs = false // what this RUN brought in is clean again
		}
	}
	if installs && s.mayBeRoot(cmds) || !s.User.Root() && becomesRoot(cmds) {
		// A step that calls sudo has to come before the strip, too.
		s.Installers = append(s.Installers, in)
	}
}

// script parses the text of a RUN. The exec form is read when it calls a shell,
// and a file that uses the backtick as its escape may still be for Linux.
func (s *simulator) script(in *dockerfile.Instruction) (*dockerfile.Script, error) {
	script, err := s.doc.Script(in)
	if err == nil {
		return script, nil
	}
	if in.JSON && len(in.Args) > 0 {
		if text, ok := shellText(in.Args); ok {
			return dockerfile.ParseScript([]byte(text))
		}
		return nil, err
	}
	if s.doc.Escape == '`' && posixShell(s.Shell) && len(in.Heredocs) == 0 {
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
		if s.effect(in, c, s.Workdir) {
			return
		}
	}
	if s.User.Root() {
		s.Installers = append(s.Installers, in)
	}
}

// mayBeRoot reports whether one of the commands may run as root: the stage's
// user is, or a wrapper such as sudo makes it so.
func (s *simulator) mayBeRoot(cmds []dockerfile.Command) bool {
	return s.User.Root() || len(s.User.Missing) > 0 || becomesRoot(cmds)
}

func becomesRoot(cmds []dockerfile.Command) bool {
	return slices.ContainsFunc(cmds, func(c dockerfile.Command) bool {
		return slices.ContainsFunc(c.Via, func(v string) bool { return v == "sudo" || v == "su" || v == "doas" })
	})
}

var simpleVariables = regexp.MustCompile("^[^`(\\\\]*$")

// expandArgs replaces variables that the build environment gives a value. Only
// plain references are touched; everything else stays unknown.
func (s *simulator) expandArgs(c dockerfile.Command) dockerfile.Command {
	c.Args = slices.Clone(c.Args)
	for i, w := range c.Args {
		if w.Static || !simpleVariables.MatchString(w.Value) {
			continue
		}
		if v, ok := s.expand(w.Value); ok {
			c.Args[i] = dockerfile.Word{Value: v, Static: true}
		}
	}
	return c
}

// effect applies one command to the state and reports whether it is known to
// bring no privileged file into the image.
func (s *simulator) effect(in *dockerfile.Instruction, c dockerfile.Command, dir string) bool {
	if c.Dynamic {
		return false
	}
	name := path.Base(c.Name)
	s.passwdLines(in, c)
	switch name {
	case "useradd", "adduser", "usermod", "groupadd", "addgroup", "groupmod", "gpasswd", "userdel", "deluser", "groupdel", "delgroup":
		s.accountCommand(in, name, c)
		return true
	case "mkdir", "install":
		s.makeDirs(in, name, c, dir)
		return true
	case "chown", "chgrp":
		s.chown(in, name, c, dir)
		return true
	case "chmod":
		return s.chmod(in, c, dir)
	case "setcap":
		s.setcap(in, c, dir)
		return true
	case "rm":
		s.remove(c, dir)
		return true
	}
	if pkgs, ok := removed(name, c.Args); ok {
		s.uninstall(pkgs)
		return true
	}
	if pkgs, manager, ok := installed(name, c.Args); ok {
		for _, p := range pkgs {
			s.Packages = append(s.Packages, Package{Name: p, Manager: manager, By: in})
			s.toolsOf(p)
			s.packageFiles(in, p, manager)
		}
		return len(pkgs) == 0 && !c.Conditional
	}
	return harmless[name]
}

// harmless are commands that do not put privileged files into an image. A
// command that is not listed may: its RUN counts as an installer, and the
// inserted RUN goes below it.
var harmless = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(`
		[ [[ : . alias awk base64 basename bundle bundler cargo cat cd chgrp chsh cmp command composer corepack
		curl cut date df diff dirname dotnet du echo egrep env exit export expr false fc-cache fgrep file find
		gem getent go gradle gradlew ./gradlew gpg grep groups gunzip gzip hash head help history hostname id java javac
		jq kill ldconfig ln local locale-gen localedef ls md5sum mktemp mix mvn mvnw ./mvnw node npm nproc openssl
		perl php pip pip2 pip3 pipenv pnpm poetry popd printenv printf pushd pwd python python2 python3 read
		readlink realpath return rev rustup sed seq set sha1sum sha256sum sha512sum shift sleep sort source stat
		strip sync tail tee test touch tr true trap type tzselect ulimit umask uname uniq unset unzip update-ca-certificates
		update-rc.d uv wait wc wget which whoami xargs xz yarn yes zip
		a2enmod a2dismod a2ensite a2dissite a2enconf a2disconf phpenmod phpdismod docker-php-ext-enable dpkg-reconfigure
		apt-mark debconf-set-selections update-alternatives chpasswd passwd`) {
		m[n] = true
	}
	return m
}()

// passwdLines reads accounts that a command writes to /etc/passwd or /etc/group
// by redirection.
func (s *simulator) passwdLines(in *dockerfile.Instruction, c dockerfile.Command) {
	for _, r := range c.Redirects {
		if !r.Target.Static || r.Target.Value != "/etc/passwd" && r.Target.Value != "/etc/group" {
			continue
		}
		text := r.Body
		for _, a := range c.Args {
			if a.Static {
				text += "\n" + strings.ReplaceAll(a.Value, `\n`, "\n")
			}
		}
		for line := range strings.SplitSeq(text, "\n") {
			s.passwdLine(in, r.Target.Value, strings.TrimSpace(line), !c.Conditional)
		}
	}
}

func (s *simulator) passwdLine(in *dockerfile.Instruction, file, line string, certain bool) {
	f := strings.Split(line, ":")
	if len(f) < 3 || !validName(f[0]) {
		return
	}
	n, err := strconv.Atoi(f[2])
	if err != nil {
		return
	}
	if file == "/etc/group" {
		g := Group{Name: f[0], GID: Num(n), By: in}
		if len(f) > 3 && f[3] != "" {
			g.Members = strings.Split(f[3], ",")
		}
		s.addGroup(g)
		return
	}
	a := Account{Name: f[0], UID: Num(n), By: in, Certain: certain}
	if len(f) > 3 {
		if g, err := strconv.Atoi(f[3]); err == nil {
			a.GID = Num(g)
		}
	}
	if len(f) > 5 {
		a.Home = f[5]
	}
	s.addAccount(a)
}

// copiedPasswd notes that /etc/passwd comes from elsewhere: what the base said
// about accounts no longer holds for the names, so they become uncertain.
func (s *simulator) copiedPasswd(in *dockerfile.Instruction, c Copy) {
	hit := c.Dest == "/etc/passwd" || (c.Dest == "/etc/" || c.Dest == "/etc") && slices.ContainsFunc(c.Sources, func(p string) bool {
		b := path.Base(p)
		return b == "passwd" || b == "group"
	})
	if !hit {
		return
	}
	for _, h := range in.Heredocs {
		for line := range strings.SplitSeq(h.Content, "\n") {
			s.passwdLine(in, "/etc/passwd", strings.TrimSpace(line), true)
		}
	}
	if len(in.Heredocs) == 0 {
		s.PasswdFrom = &s.Copies[len(s.Copies)-1]
	}
}

// makeDirs handles mkdir and install -d.
func (s *simulator) makeDirs(in *dockerfile.Instruction, name string, c dockerfile.Command, dir string) {
	opts, paths := splitOptions(c.Args, map[string]string{"-m": "mode", "--mode": "mode", "-o": "owner", "--owner": "owner", "-g": "group", "--group": "group", "-t": "target"})
	if name == "install" && !opts.has("-d") && !opts.has("--directory") {
		return
	}
	for _, w := range paths {
		for _, p := range braces(w) {
			d := s.madeDir(abs(dir, p), in)
			if m, err := strconv.ParseInt(opts.value("mode"), 8, 32); err == nil {
				d.Mode = Num(int(m))
			}
			if o := opts.value("owner"); o != "" {
				d.UID, _ = s.userNumber(o)
			}
			if g := opts.value("group"); g != "" {
				d.GID, _ = s.groupNumber(g)
			}
		}
	}
}

// chown handles chown and chgrp: it changes the known owner of directories, and
// takes set-id bits and capabilities off files (chown(2)).
func (s *simulator) chown(in *dockerfile.Instruction, name string, c dockerfile.Command, dir string) {
	opts, words := splitOptions(c.Args, map[string]string{"--reference": "reference", "--from": "from"})
	if len(words) < 2 || opts.value("reference") != "" {
		return
	}
	var uid, gid Number
	owner := ""
	setUID, setGID := name == "chown", name == "chgrp"
	if name == "chgrp" {
		gid, _ = s.groupNumber(words[0])
	} else {
		user, group, has := cutOwner(words[0])
		setUID = user != ""
		uid, owner = s.userNumber(user)
		if has {
			setGID = true
			gid, _ = s.groupNumber(group)
			if group == "" {
				if a, ok := s.Account(user); ok {
					gid = a.GID
				}
			}
		}
	}
	recursive := opts.has("-R") || opts.has("--recursive")
	for _, w := range words[1:] {
		for _, b := range braces(w) {
			p := abs(dir, b)
			s.Modes = slices.DeleteFunc(s.Modes, func(m modeChange) bool { return m.path == p || recursive && below(m.path, p) })
			s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool {
				return (!c.Conditional || strings.Contains(c.Guard, p)) && (f.Path == p || recursive && below(f.Path, p))
			})
			for q, d := range s.Dirs {
				if q != p && (!recursive || !below(q, p)) {
					continue
				}
				setOwner(d, uid, gid, setUID, setGID)
				d.Owner = owner
			}
			if _, ok := s.Dirs[p]; !ok {
				d := &Dir{Path: p, LastBy: in}
				setOwner(d, uid, gid, setUID, setGID)
				d.Owner = owner
				s.Dirs[p] = d
			}
			s.Dirs[p].LastBy = in
			if recursive {
				s.Dirs[p].Tree = true
			}
		}
	}
}

func setOwner(d *Dir, uid, gid Number, setUID, setGID bool) {
	if setUID {
		d.UID = uid
	}
	if setGID {
		d.GID = gid
	}
}

func cutOwner(w string) (user, group string, hasGroup bool) {
	if i := strings.IndexAny(w, ":."); i >= 0 {
		return w[:i], w[i+1:], true
	}
	return w, "", false
}

// below reports whether p is dir or lies in it.
func below(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}

// remove forgets privileged files that rm deletes.
func (s *simulator) remove(c dockerfile.Command, dir string) {
	if c.Conditional {
		return
	}
	_, words := splitOptions(c.Args, nil)
	for _, w := range words {
		p := abs(dir, w)
		s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool { return below(f.Path, p) })
		delete(s.Dirs, p)
	}
}

// setcap records the owner's wish: setcap cap_net_bind_service=+ep FILE.
func (s *simulator) setcap(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	_, words := splitOptions(c.Args, nil)
	if slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return w.Value == "-r" }) {
		for _, w := range words {
			s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool { return f.Path == abs(dir, w) && len(f.Capabilities) > 0 })
		}
		return
	}
	for i := 0; i+1 < len(words); i += 2 {
		caps, _, _ := strings.Cut(strings.ReplaceAll(words[i], "+", "="), "=")
		f := Privileged{By: in, Owner: true, Certain: !c.Conditional}
		f.Path = abs(dir, words[i+1])
		f.Capabilities = strings.Split(strings.ToLower(caps), ",")
		f.Effective = true
		s.Privileged = append(s.Privileged, f)
	}
}

var octalMode = regexp.MustCompile(`^[0-7]{3,5}$`)

// chmod records set-id bits that the file sets or takes, and reports whether it
// leaves no privileged file that is not recorded.
func (s *simulator) chmod(in *dockerfile.Instruction, c dockerfile.Command, dir string) bool {
	if len(c.Args) == 0 {
		return true
	}
	mode, words := chmodMode(c.Args)
	sets, clears := setIDBits(mode)
	if slices.Contains(c.Via, "find -exec") || slices.Contains(c.Via, "xargs") {
		if clears && !sets && (!c.Conditional || strings.Contains(c.Guard, "command -v find")) {
			s.stripAll(in, c)
		}
		return !sets
	}
	for _, w := range words {
		p := abs(dir, w)
		if d, ok := s.Dirs[p]; ok {
			if octalMode.MatchString(mode) {
				m, _ := strconv.ParseInt(mode, 8, 32)
				d.Mode = Num(int(m))
			}
			d.LastBy = in
			continue
		}
		if clears && !c.Conditional {
			s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool { return f.Path == p && len(f.Capabilities) == 0 })
		}
		if octalMode.MatchString(mode) && !c.Conditional {
			m, _ := strconv.ParseInt(mode, 8, 32)
			s.Modes = slices.DeleteFunc(s.Modes, func(o modeChange) bool { return o.path == p })
			s.Modes = append(s.Modes, modeChange{path: p, mode: int(m), by: in})
		}
		if sets {
			f := Privileged{By: in, Owner: true, Certain: !c.Conditional}
			f.Path, f.Mode = p, 0o4755
			s.Privileged = append(s.Privileged, f)
		}
	}
	return true
}

// chmodMode separates the mode from the options and the files. A mode may look
// like an option: chmod -s FILE.
func chmodMode(args []dockerfile.Word) (mode string, files []string) {
	for _, w := range args {
		switch {
		case mode == "" && strings.HasPrefix(w.Value, "-") && !strings.ContainsAny(strings.TrimLeft(w.Value, "-"), "rwxXst"):
		case mode == "" && (strings.HasPrefix(w.Value, "--") || w.Value == "-R" || w.Value == "-v" || w.Value == "-f"):
		case mode == "":
			mode = w.Value
		case strings.HasPrefix(w.Value, "-"):
		case w.Static:
			files = append(files, w.Value)
		}
	}
	return mode, files
}

// setIDBits says what a mode does to the set-id bits.
func setIDBits(mode string) (sets, clears bool) {
	if octalMode.MatchString(mode) {
		n, _ := strconv.ParseInt(mode, 8, 32)
		return n&0o6000 != 0, n&0o6000 == 0
	}
	for part := range strings.SplitSeq(mode, ",") {
		i := strings.IndexAny(part, "+-=")
		if i < 0 {
			continue
		}
		has := strings.Contains(part[i:], "s")
		switch part[i] {
		case '+':
			sets = sets || has
		case '-':
			clears = clears || has
		case '=':
			sets = sets || has
			clears = clears || !has
		}
	}
	return sets, clears
}

var fullStrip = regexp.MustCompile(`-perm\s+[/+]0?6000|-perm\s+-0?4000\s+(-o|-or)\s+-perm\s+-0?2000|-perm\s+[/+]u[=+]s,g[=+]s|-perm\s+[/+]ug?=s`)

// stripAll notes an instruction that takes the set-id bits off every file of
// the image: find / -perm /6000 … chmod a-s. A find that looks for other bits
// (-perm 6000 matches only files with both) or in one folder does not count.
func (s *simulator) stripAll(in *dockerfile.Instruction, c dockerfile.Command) {
	text := strings.Join(strings.Fields(in.Original), " ")
	if !fullStrip.MatchString(text) || !regexp.MustCompile(`find\s+/\s`).MatchString(text) {
		return
	}
	s.Stripped = in
	s.strips++
	s.Installers = nil
	s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool { return len(f.Capabilities) == 0 && !keptBy(text, f.Path) })
	s.Kept = keptPaths(text)
}

func keptBy(text, p string) bool { return slices.Contains(keptPaths(text), p) }

var notPath = regexp.MustCompile(`(?:!|-not) -path '?([^\s']+)'?`)

// keptPaths returns the files that a find leaves out by name.
func keptPaths(text string) []string {
	var out []string
	for _, m := range notPath.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// braces expands one level of {a,b} as bash does; other words stay as they are.
func braces(w string) []string {
	i := strings.IndexByte(w, '{')
	j := strings.IndexByte(w, '}')
	if i < 0 || j < i || !strings.Contains(w[i:j], ",") {
		return []string{w}
	}
	var out []string
	for part := range strings.SplitSeq(w[i+1:j], ",") {
		out = append(out, braces(w[:i]+part+w[j+1:])...)
	}
	return out
}
