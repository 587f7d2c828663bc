package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// The signs below were tried on several thousand Dockerfiles. Those that were
// wrong more often than once in five are not here: gettext alone, a start script
// called init or bootstrap, a node image without npm install.

// fillsInAtStart refuses images whose start script nobody here can read and that
// bring something for it to fill in, set up or build.
func fillsInAtStart(p *Pass) *Refusal {
	unread := p.unread()
	if len(unread) == 0 || p.opts.User != "" || p.opts.UID != 0 {
		return nil
	}
	script := unread[0]
	refuse := func(reason Reason, format string, args ...any) *Refusal {
		r := &Refusal{Reason: reason, Line: p.at(p.Entry.By), Message: p.notReadable(script) + ", and " + fmt.Sprintf(format, args...)}
		if reason == UnreadEntrypoint && p.comesWithBase(script) {
			r.Message = script + ", which the base brings, could not be read, and " + fmt.Sprintf(format, args...)
			r.Hint = p.factsHint() + "; harden verify runs the image and finds out. --user NAME overrides this."
		}
		if reason == UnreadEntrypoint && r.Hint == "" && p.fromAnotherStage(script) {
			r.Hint = "No build context has it: it is copied from another stage or image. harden verify runs the image and finds out. --user NAME overrides this."
		}
		if reason == UnreadEntrypoint && r.Hint == "" && p.hasContext() {
			r.Hint = "The build context is at hand, and does not have it where this file takes it from: it may be built, generated or ignored there. --context names another one. harden verify runs the image and finds out. --user NAME overrides this."
		}
		if reason == UnreadEntrypoint && !p.mayBringScript(script) {
			r.Hint = "No build context has it: a step makes or fetches it. harden verify runs the image and finds out. --user NAME overrides this."
		}
		return r
	}
	if c, name := p.template(); c != nil {
		return refuse(UnreadEntrypoint, "line %d copies %s: such scripts usually fill templates in when they start, as root", c.By.Line, name)
	}
	if p.Entry.Called[script] {
		return nil // the script that starts was read; this is one that it calls
	}
	if name := setupScript(unread); name != "" {
		if name == script {
			return refuse(UnreadEntrypoint, "by its name it sets something up when the image starts, as root")
		}
		return refuse(UnreadEntrypoint, "so could %s not, which by its name sets something up when the image starts, as root", name)
	}
	if in, tool := p.buildsAtStart(); in != nil {
		return refuse(UnreadEntrypoint, "line %d fetches sources that no step builds although %s is installed: it seems to build them when it starts, as root", in.Line, tool)
	}
	if in, home := p.openHome(); in != nil {
		return refuse(DropsPrivilegesItself, "line %d opens %s, the home directory, to every user: such scripts usually switch to a user that they are told", in.Line, home)
	}
	if pkg, ok := p.dockerClient(); ok {
		return refuse(DockerSocket, "the image installs %s, which works through the Docker socket of root and the host's docker group", pkg.Name)
	}
	if v, user := p.toldUser(); v != "" {
		return refuse(DropsPrivilegesItself, "%s=%s seems to tell it which account to give files to or to switch to, as root", v, user)
	}
	if _, apart := p.firstAccount(); apart != "" {
		return refuse(UnreadEntrypoint, "the image installs several services for it to start: %s", apart)
	}
	if _, there := p.FileOf(p.End.Resolve(script)); there || p.harmlessInBase(script) {
		return nil
	}
	if by := p.installsSSHD(); by != nil {
		return refuse(UnreadEntrypoint, "line %d installs a server of SSH, which it may start: sshd changes to the account of who logs in", by.Line)
	}
	if !p.tellsNothing() {
		if !shellScriptName.MatchString(path.Base(script)) && !p.copiedStart(script) && p.End.Printed[script] == nil {
			return nil // ./run may be the program itself
		}
		return refuse(UnreadEntrypoint, "what it does when the image starts, and as whom, is not known")
	}
	made := ""
	if dirs := p.madeData(); len(dirs) > 0 {
		made = ", which makes " + list(dirs, 4) + ","
	}
	return refuse(UnreadEntrypoint, "nothing in this file%s says enough of what the program behind it writes", made)
}

// baseScript refuses images that start by a script of their base of which nothing is known
// but its path: an application's image with a program for root in it looks the same as one
// that only starts its program.
func baseScript(p *Pass) *Refusal {
	if p.Base.Seen() || p.Base.Entrypoint != nil || p.opts.User != "" || p.opts.UID != 0 || p.Entry.By != nil || len(p.running()) > 0 {
		return nil
	}
	r := &entry.Reader{Image: p.Image, Dir: p.End.Workdir}
	i := slices.IndexFunc(p.Entry.Argv, func(w string) bool {
		_, read := p.FileOf(w)
		return path.IsAbs(w) && (entry.LooksLikeScript(w) || wrapperName.MatchString(path.Base(w))) && !read && !r.Copied(w)
	})
	if i < 0 {
		return nil
	}
	return &Refusal{Reason: UnreadEntrypoint, Line: p.at(p.Entry.By),
		Message: fmt.Sprintf("%s, with which %s starts, could not be read: what it does when the image starts, and as whom, is not known", p.Entry.Argv[i], p.baseName()),
		Hint:    p.factsHint() + "; harden verify runs the image and finds out. --user NAME overrides this."}
}

// opaqueProgram refuses images whose start script was read and starts something that only
// running it would tell.
func opaqueProgram(p *Pass) *Refusal {
	if p.Entry.Opaque == "" || p.opts.User != "" || p.opts.UID != 0 {
		return nil
	}
	return &Refusal{Reason: UnreadEntrypoint, Line: p.at(p.Entry.By),
		Message: p.Entry.Opaque + ", and nothing here says what that is",
		Hint:    "harden verify runs the image and finds out. --user NAME overrides this."}
}

// madeData returns the directories for data that steps of the file make.
func (p *Pass) madeData() []string {
	var out []string
	for name, d := range p.End.Dirs {
		if d.MadeBy == nil || d.MadeBy.Keyword != "RUN" || imagepath.Standard[name] || slices.ContainsFunc(buildDirs, func(b string) bool { return imagepath.Below(name, b) }) {
			continue
		}
		if dataNames[path.Base(name)] || imagepath.Below(name, "/root") || slices.ContainsFunc(dataRoots, func(r string) bool { return imagepath.Below(name, r) }) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// shellScriptName is a name that programs do not have.
var shellScriptName = regexp.MustCompile(`\.(sh|bash)$|entry-?point$`)

// startName is what people call a start script without an ending, wrapperName one around
// the program of a base image.
var (
	startName   = regexp.MustCompile(`^(start|start[-_]?up|run|launch|boot|bootstrap|init)$`)
	wrapperName = regexp.MustCompile(`^(start|start[-_]?up|run|launch|boot|bootstrap|init|wrapper)$|entry-?point`)
)

// copiedStart reports whether a COPY or ADD brings a start script by such a name from the
// build context: what another stage has built is more often the program itself.
func (p *Pass) copiedStart(script string) bool {
	return startName.MatchString(path.Base(script)) && slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		// Or among the files of a directory that goes to the top.
		return c.From == "" && (slices.ContainsFunc(c.Sources, func(src string) bool { return path.Base(src) == path.Base(script) }) ||
			path.Clean(c.Dest) == "/" && path.Dir(script) == "/" && slices.ContainsFunc(c.Sources, func(src string) bool { return path.Ext(src) == "" }))
	})
}

// notReadable says that a start script was not read, and of one that is at hand why.
func (p *Pass) notReadable(script string) string {
	r := &entry.Reader{Image: p.Image, Dir: p.End.Workdir}
	if _, text, ok := r.Locate(script); ok {
		first, _, _ := strings.Cut(text, "\n")
		interpreter, named := strings.CutPrefix(first, "#!")
		if named && !slices.ContainsFunc(strings.Fields(interpreter), shellcmd.IsShell) {
			return script + " is no shell script and was not read"
		}
	}
	if in := p.End.Printed[script]; in != nil {
		return fmt.Sprintf("%s, which line %d writes, could not be read", script, in.Line)
	}
	return script + " could not be read"
}

// harmlessInBase reports whether a start script is one of the base's that is known to
// change no user and to write nothing.
func (p *Pass) harmlessInBase(script string) bool {
	e := p.Base.Entrypoint
	return e != nil && e.Drops == "none" && len(e.Writes) == 0 && len(e.Chowns) == 0 &&
		slices.Contains(slices.Concat(p.Base.Config.Entrypoint, p.Base.Config.Cmd), script) && p.comesWithBase(script)
}

// mayBringScript reports whether a COPY or ADD of the file, or the base, may have brought
// a start script, by its path or its name.
func (p *Pass) mayBringScript(script string) bool {
	r := &entry.Reader{Image: p.Image, Dir: p.End.Workdir}
	return len(p.End.Copies) > 0 && (r.Copied(script) || !path.IsAbs(script) || p.MayCopy(script)) || p.comesWithBase(script)
}

// fromAnotherStage reports whether a COPY brings a script, by its path, and takes it from another stage or image.
func (p *Pass) fromAnotherStage(script string) bool {
	r := &entry.Reader{Image: p.Image, Dir: p.End.Workdir}
	for _, at := range r.Candidates(script) {
		for _, c := range slices.Backward(p.End.Copies) {
			if !c.Opaque && slices.ContainsFunc(c.Sources, func(src string) bool { return c.Target(src) == at }) {
				return c.From != ""
			}
		}
	}
	return false
}

// comesWithBase reports whether no step of the file can have brought a script, so that
// no build context helps to read it.
func (p *Pass) comesWithBase(script string) bool {
	if p.Base.Seen() || !path.IsAbs(script) {
		return false
	}
	if p.MayCopy(script) {
		return false
	}
	return !slices.ContainsFunc(p.Doc.Instructions, func(in *dockerfile.Instruction) bool {
		return in.Keyword == "RUN" && (strings.Contains(in.Original, path.Base(script)) || fetchesSources.MatchString(in.Original))
	})
}

// accountVariable is what people call a setting that names the account of a program,
// as opposed to a login of its own.
var accountVariable = regexp.MustCompile(`^([A-Z0-9]+_)*(USER|USERNAME|RUN_AS|RUNAS)$`)

// toldUser returns a variable that gives a start script the name of an account of the
// image.
func (p *Pass) toldUser() (name, user string) {
	for key, v := range p.ownEnv() {
		if !accountVariable.MatchString(key) || p.isLogin(key) || v == "root" || key == "USER" || key == "APACHE_RUN_USER" || key == "NB_USER" {
			continue
		}
		if _, account := p.End.Account(v); account || p.programAccountNamed(v) {
			return key, v
		}
	}
	return "", ""
}

// isLogin reports whether a variable names the user of a service rather than an account of
// the system: it has a password beside it.
func (p *Pass) isLogin(name string) bool {
	stem := strings.TrimSuffix(strings.TrimSuffix(name, "NAME"), "USER")
	return slices.ContainsFunc([]string{"PASS", "PASSWORD", "PASSWD", "PWD"}, func(word string) bool {
		_, set := p.End.Env.Get(stem + word)
		return set && stem != ""
	})
}

// programAccountNamed reports whether a known program of the image has an account of
// that name.
func (p *Pass) programAccountNamed(name string) bool {
	return slices.ContainsFunc(p.running(), func(r running) bool { return r.variant.Account.Name == name })
}

// tellsNothing reports whether a file with a start script that nobody here can read
// shows nothing of the program behind it: no directory to work in, no volume, no
// account, nothing that the table of programs knows.
func (p *Pass) tellsNothing() bool {
	if d := p.End.Dirs[p.End.Workdir]; !imagepath.Standard[p.End.Workdir] && d != nil && d.MadeBy != nil && !imagepath.Below(p.End.Workdir, "/root") {
		return false
	}
	if len(p.End.Volumes) > 0 || len(p.running()) > 0 {
		return false
	}
	if _, ok := p.made(); ok {
		return false
	}
	if _, ok := p.owner(); ok {
		return false
	}
	_, ok := p.switched()
	return !ok && (p.Base.RunsAs == "" || systemAccount[p.Base.RunsAs])
}

var (
	templateName = regexp.MustCompile(`(?i)\.(template|tmpl|tpl|j2|ctmpl|mustache|in|xslt?)$`)
	templateDir  = regexp.MustCompile(`(?i)(^|[-_.a-z])templates?$`)
	renderer     = regexp.MustCompile(`\b(dockerize|gomplate|envsubst|confd|j2cli|envtpl|xsltproc)\b`)
)

// template returns the copy of a template that no step fills in: one for the
// system's configuration, or any where a tool for templates is installed.
func (p *Pass) template() (*simulate.Copy, string) {
	for i, c := range p.End.Copies {
		dest := path.Clean(c.Dest)
		system := imagepath.Below(dest, "/etc")
		if imagepath.Below(dest, "/etc/confd") {
			return &p.End.Copies[i], "the settings of confd to " + dest
		}
		if system && (templateDir.MatchString(path.Base(dest))) && !p.laterNames(c.By, path.Base(dest)) {
			return &p.End.Copies[i], "templates to " + dest
		}
		for _, src := range append(slices.Clone(c.Sources), dest) {
			name := path.Base(src)
			if !templateName.MatchString(name) || strings.HasPrefix(name, "passwd.") || strings.HasPrefix(name, "group.") || p.laterNames(c.By, name) {
				continue // nss_wrapper's files are made for any user
			}
			if system || p.renders() {
				return &p.End.Copies[i], fmt.Sprintf("the template %s to %s", name, dest)
			}
		}
	}
	return nil, ""
}

// laterNames reports whether a RUN behind an instruction names a file.
func (p *Pass) laterNames(by *dockerfile.Instruction, name string) bool {
	return slices.ContainsFunc(p.Stage.Instructions, func(in *dockerfile.Instruction) bool {
		return in.Keyword == "RUN" && in.Index > by.Index && strings.Contains(in.Original, name)
	})
}

// renders reports whether a step installs a tool that fills in templates.
func (p *Pass) renders() bool {
	return slices.ContainsFunc(p.Stage.Instructions, func(in *dockerfile.Instruction) bool {
		return (in.Keyword == "RUN" || in.Keyword == "COPY" || in.Keyword == "ADD") && renderer.MatchString(in.Original)
	})
}

var firstName = regexp.MustCompile(`(?i)^([a-z0-9]+[-_.])?(init|bootstrap)`)

// setupScript returns the unread script whose name says that it sets up, "" for
// none. Many a main script is called init or bootstrap.
func setupScript(unread []string) string {
	for i, name := range unread {
		base := path.Base(name)
		if entry.SetupName.MatchString(base) || i+1 < len(unread) && firstName.MatchString(base) {
			return name
		}
	}
	return ""
}

// buildTools are the packages that build sources, and what a step calls then.
var buildTools = map[string]*regexp.Regexp{
	"maven": regexp.MustCompile(`\bmvnw?\b`), "gradle": regexp.MustCompile(`\bgradlew?\s`), "sbt": regexp.MustCompile(`\bsbt\s`),
	"ant": regexp.MustCompile(`\bant\b`), "leiningen": regexp.MustCompile(`\blein\b`), "cargo": regexp.MustCompile(`\bcargo\s+(build|install)`),
	"composer": regexp.MustCompile(`\bcomposer\s+(install|update|create|require|global)`), "cmake": regexp.MustCompile(`\b(cmake|make)\s`),
}

var fetchesSources = regexp.MustCompile(`\bgit\s+(-\S+\s+)*clone\b`)

// buildsAtStart returns the step that fetches sources which none builds, and the
// tool that is there for it.
func (p *Pass) buildsAtStart() (*dockerfile.Instruction, string) {
	var fetch *dockerfile.Instruction
	for _, in := range p.Stage.Instructions {
		if in.Keyword == "RUN" && fetchesSources.MatchString(in.Original) {
			fetch = in
		}
	}
	if fetch == nil {
		return nil, ""
	}
	for _, pkg := range p.End.Packages {
		built := buildTools[pkg.Name]
		if built != nil && !slices.ContainsFunc(p.Stage.Instructions, func(in *dockerfile.Instruction) bool {
			return in.Keyword == "RUN" && built.MatchString(strings.ReplaceAll(in.Original, "install "+pkg.Name, ""))
		}) {
			return fetch, pkg.Name
		}
	}
	return nil, ""
}

var opens = regexp.MustCompile(`\bchmod\s+(?:-\w+\s+)*(?:0?777|(?:a|ugo)?\+[rwxX]*w[rwxX]*)\s+([^&|;\n]+)`)

// openHome returns the step that lets every user write to the home directory that
// ENV HOME names.
func (p *Pass) openHome() (*dockerfile.Instruction, string) {
	home, ok := p.End.Env.Get("HOME")
	if !ok || !path.IsAbs(home) || imagepath.Standard[home] {
		return nil, ""
	}
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "RUN" {
			continue
		}
		for _, m := range opens.FindAllStringSubmatch(in.Original, -1) {
			if slices.Contains(strings.Fields(m[1]), home) {
				return in, home
			}
		}
	}
	return nil, ""
}

// unread returns the start scripts of this image that nobody here can read: not
// the base's own entry point, nor programs that are called like scripts.
func (p *Pass) unread() []string {
	r := &entry.Reader{Image: p.Image, Dir: p.End.Workdir}
	var out []string
	for _, name := range p.Entry.Unread {
		if r.MayBeScript(name) && (r.Copied(name) || r.CopiedScript(name) || !r.BaseCommand(name)) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// unreadFinding says that a start script was not read, and why.
func (p *Pass) unreadFinding() {
	unread := p.unread()
	if len(unread) == 0 {
		return
	}
	r := &entry.Reader{Image: p.Image, Dir: p.End.Workdir}
	why := "it is not in the build context"
	switch _, _, found := r.Locate(unread[0]); {
	case p.End.Printed[unread[0]] != nil:
		why = fmt.Sprintf("what line %d writes depends on more than this file says", p.End.Printed[unread[0]].Line)
	case found:
		why = "it is not a shell script that can be parsed"
	case p.downloaded(unread[0]):
		why = "it comes from a download"
	case p.Context == nil:
		why = "there is no build context here"
	}
	p.report(Finding{Line: p.at(p.Entry.By), Message: fmt.Sprintf("%s was not read, because %s: what it does when the image starts is not known", unread[0], why),
		Hint: "Try the image with harden verify, which runs it before and after the change."})
}

// downloaded reports whether a step unpacks or clones something into a directory above a
// script, and no COPY brings it.
func (p *Pass) downloaded(script string) bool {
	file := imagepath.Abs(p.End.Workdir, script)
	if p.MayCopy(file) {
		return false
	}
	for dir := range p.End.Filled {
		if dir != "/" && imagepath.Below(file, dir) {
			return true
		}
	}
	return false
}
