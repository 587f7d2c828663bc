package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

var roothome = &Rule{
	Name: "roothome",
	Doc: `The program needs nothing under /root

/root belongs to root and has mode 0700: another user cannot look inside, and a
container whose working directory lies there does not even start. Programs and
data get there by WORKDIR /root, COPY, pip install --user, rustup, nvm, uv,
pipx, playwright and others that install below $HOME.

The rule moves them: HOME is set to the user's home before the first step, and the
literal /root in WORKDIR, COPY, ENV, CMD and the other instructions of the stage
becomes that home. Where that cannot be done safely, because an earlier stage or a
heredoc is involved or the user has no home, the image keeps its user.

The rule is silent when nothing that runs is under /root; what a build step leaves
there for itself stays.`,
	run: runRootHome,
}

// rootPath matches /root as a whole path component in a line of a Dockerfile.
var rootPath = regexp.MustCompile(`(^|[^A-Za-z0-9_./~-])/root(/|[^A-Za-z0-9_.-]|$)`)

// namesRoot reports whether a text names /root or something in it.
func namesRoot(text string) bool {
	return strings.Contains(text, "/root") && rootPath.MatchString(text)
}

// homeInstalls are commands that install below $HOME, with the variable that
// sends them elsewhere. The word is looked for first: expressions cost more.
var homeInstalls = []struct {
	word      string
	re        *regexp.Regexp
	what      string
	elsewhere []string
}{
	{"pip", regexp.MustCompile(`\bpip[0-9.]*\s+install\b[^&|;]*\s--user\b`), "pip install --user", []string{"PYTHONUSERBASE"}},
	{"pipx", regexp.MustCompile(`\bpipx\s+install\b`), "pipx install", []string{"PIPX_HOME"}},
	{"uv ", regexp.MustCompile(`\buv\s+(tool|python)\s+install\b`), "uv install", []string{"UV_TOOL_DIR", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"}},
	{"rustup", regexp.MustCompile(`sh\.rustup\.rs|\brustup-init\b`), "rustup", []string{"CARGO_HOME", "RUSTUP_HOME"}},
	{"nvm", regexp.MustCompile(`nvm-sh/nvm|creationix/nvm`), "nvm", []string{"NVM_DIR"}},
	{"playwright", regexp.MustCompile(`\bplaywright\s+install\b`), "playwright install", []string{"PLAYWRIGHT_BROWSERS_PATH"}},
	{"sdkman", regexp.MustCompile(`get\.sdkman\.io`), "sdkman", []string{"SDKMAN_DIR"}},
	{"pyenv", regexp.MustCompile(`pyenv\.run|pyenv-installer`), "pyenv", []string{"PYENV_ROOT"}},
	{"dotnet", regexp.MustCompile(`\bdotnet\s+tool\s+install\s+(-g|--global)`), "dotnet tool install", nil},
	{"composer", regexp.MustCompile(`\bcomposer\s+global\s+require\b`), "composer global require", []string{"COMPOSER_HOME"}},
	{"bun.sh", regexp.MustCompile(`bun\.sh/install`), "bun", []string{"BUN_INSTALL"}},
	{"deno.land", regexp.MustCompile(`deno\.land/(x/)?install`), "deno", []string{"DENO_INSTALL"}},
	{"install.python-poetry.org", regexp.MustCompile(`install\.python-poetry\.org`), "poetry", []string{"POETRY_HOME"}},
	{"astral.sh", regexp.MustCompile(`astral\.sh/uv`), "uv", []string{"UV_INSTALL_DIR", "XDG_BIN_HOME"}},
}

// rootUse is one thing under /root that the running program may need.
type rootUse struct {
	in   *dockerfile.Instruction
	what string
}

// rootUses returns what the image has under /root that matters when it runs.
func (p *Pass) rootUses() []rootUse {
	if !p.memo.rooted {
		p.memo.roots, p.memo.rooted = p.findRootUses(), true
	}
	return p.memo.roots
}

func (p *Pass) findRootUses() []rootUse {
	var out []rootUse
	if below(p.End.Workdir, "/root") {
		out = append(out, rootUse{p.lastOfKind("WORKDIR"), "the working directory is " + p.End.Workdir})
	}
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if what := p.rootUse(in); what != "" {
				out = append(out, rootUse{in, what})
			}
		}
	}
	return out
}

func (p *Pass) rootUse(in *dockerfile.Instruction) string {
	switch in.Keyword {
	case "ENV", "CMD", "ENTRYPOINT", "HEALTHCHECK", "VOLUME":
		if namesRoot(in.Text) && p.effective(in) {
			return in.Keyword + " names a path under /root"
		}
	case "COPY", "ADD":
		for _, c := range p.End.Copies {
			if c.By == in && below(path.Clean(c.Dest), "/root") && !loginFile(c.Dest, c.Sources) {
				return "it copies to " + path.Clean(c.Dest)
			}
		}
	case "RUN":
		if m := p.End.Before[in]; !m.User.Root() {
			return ""
		}
		for _, h := range homeInstalls {
			if strings.Contains(in.Original, h.word) && h.re.MatchString(in.Original) && !p.redirected(in, h.elsewhere) {
				return h.what + " installs below /root"
			}
		}
	}
	return ""
}

// loginFile reports whether a copy brings settings of interactive shells and
// editors, which no service reads.
func loginFile(dest string, sources []string) bool {
	names := map[string]bool{".bashrc": true, ".bash_profile": true, ".bash_aliases": true, ".profile": true, ".zshrc": true, ".vimrc": true, ".inputrc": true, ".tmux.conf": true, ".screenrc": true}
	for _, src := range sources {
		if !names[path.Base(src)] && !names[path.Base(dest)] {
			return false
		}
	}
	return true
}

// effective reports whether an instruction still counts at the end: of several
// CMD or ENTRYPOINT only the last does.
func (p *Pass) effective(in *dockerfile.Instruction) bool {
	switch in.Keyword {
	case "CMD":
		return p.End.Cmd.By == in
	case "ENTRYPOINT":
		return p.End.Entrypoint.By == in
	case "HEALTHCHECK":
		return p.End.Healthcheck.By == in
	}
	return true
}

// redirected reports whether a variable sends an installer elsewhere than $HOME,
// in the environment or on the command line.
func (p *Pass) redirected(in *dockerfile.Instruction, names []string) bool {
	env := p.End.Before[in].Env
	for _, n := range append(names, "HOME") {
		if v, ok := env.Get(n); ok && v != "" && !below(path.Clean(v), "/root") {
			return true
		}
		if strings.Contains(in.Original, n+"=/") && !strings.Contains(in.Original, n+"=/root") {
			return true
		}
	}
	return false
}

func (p *Pass) lastOfKind(keyword string) *dockerfile.Instruction {
	for i := len(p.Stage.Instructions) - 1; i >= 0; i-- {
		if p.Stage.Instructions[i].Keyword == keyword {
			return p.Stage.Instructions[i]
		}
	}
	return nil
}

// rootHome refuses images whose program needs /root and that cannot be moved.
func rootHome(p *Pass) *Refusal {
	uses := p.rootUses()
	if len(uses) == 0 {
		return nil
	}
	why := p.cannotMove()
	if why == "" {
		return nil
	}
	return &Refusal{Reason: RootHome, Line: p.at(uses[0].in), Message: uses[0].what + ", where only root can look, and it cannot be moved: " + why}
}

// cannotMove says why /root cannot be replaced by another home, "" when it can.
func (p *Pass) cannotMove() string {
	if p.canMoveTo() == "" {
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
			if stage != p.Stage && p.rootUse(in) != "" {
				return fmt.Sprintf("line %d of an earlier stage puts it there", in.Line)
			}
			if strings.Contains(in.Original, "/root") && strings.Contains(in.Original, "$HOME") && in.Keyword == "ENV" {
				return fmt.Sprintf("line %d mixes $HOME and /root", in.Line)
			}
		}
	}
	if below(p.End.Workdir, "/root") && p.lastOfKind("WORKDIR") == nil {
		return "the base image sets the working directory"
	}
	if why := p.cannotMakeHome(); why != "" {
		return why
	}
	for _, c := range p.Entry.Scripts {
		if text, ok := p.fileOf(c); ok && namesRoot(text) {
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
	case "COPY":
		for _, c := range p.End.Copies {
			if c.By == in && c.From != "" && below(path.Clean(c.Dest), "/root") && strings.Contains(strings.Join(c.Sources, " "), "/root/.") {
				// Virtual environments, pipx and uv write absolute paths.
				return fmt.Sprintf("line %d copies what was installed under /root of another stage", in.Line)
			}
		}
	}
	return ""
}

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
		first := Moment{User: p.End.User, Shell: p.End.Shell}
		if len(p.Stage.Instructions) > 0 {
			first = p.End.Before[p.Stage.Instructions[0]]
		}
		switch {
		case p.afterTools() != nil:
			return "the tool that makes the user is installed by a later step"
		case !first.User.Root() || !posixShell(first.Shell):
			return "the stage does not start as root with a shell"
		}
	case ChoiceFile, ChoiceSwitched:
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
	m := Moment{Shell: p.End.Shell}
	if len(p.Stage.Instructions) > 0 {
		m = p.End.Before[p.Stage.Instructions[0]]
	}
	return Change{kind: insertAfter, at: p.Stage.From, comment: "# " + p.User.Name + ", whose home takes the place of /root.",
		lines: p.runLines(commands, m.Shell)}, true
}

// moves reports whether the rule roothome moves something in this file.
func (p *Pass) moves() bool {
	if on, set := p.opts.Rules["roothome"]; set && !on || p.ignored("roothome") != nil {
		return false
	}
	return len(p.rootUses()) > 0 && p.canMoveTo() != ""
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
	case ChoiceFile, ChoiceBase, ChoiceSwitched:
		if below(u.Home, "/home") && u.Home != "/home" && safePath.MatchString(u.Home) {
			return u.Home
		}
	}
	return ""
}

func runRootHome(p *Pass) {
	if p.Keep != nil || p.User.How == ChoiceExisting || p.User.How == ChoiceInherited {
		return
	}
	if !p.moves() {
		return
	}
	uses, home := p.rootUses(), p.canMoveTo()
	changes := p.moveHome(home)
	p.report(Finding{Line: p.at(uses[0].in), Message: uses[0].what + ", where only root can look",
		Fix: &Fix{Message: "moves it to " + home, Changes: changes, Steps: p.ownMoved(home)}})
}

// ownMoved gives the user the moved working directory, and the home where the
// account is not made with one.
func (p *Pass) ownMoved(home string) []Step {
	var dirs []string
	if p.User.How != ChoiceNew && !p.End.Dirs[home].owned(p) {
		dirs = append(dirs, home)
	}
	if w := p.End.Workdir; below(w, "/root") && w != "/root" {
		dirs = append(dirs, home+strings.TrimPrefix(w, "/root"))
	}
	if len(dirs) == 0 {
		return nil
	}
	all := strings.Join(dirs, " ")
	var after *dockerfile.Instruction
	if !p.User.numbered() {
		after = p.inStage(p.User.By)
	}
	return []Step{{Command: "mkdir -p " + all, Order: stepOwner, After: after}, {Command: "chown " + p.User.Owner() + " " + all, Order: stepOwner, After: after}}
}

func (d *Dir) owned(p *Pass) bool { return d != nil && p.ownsDir(d) }

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
			all := rootPath.FindAllStringSubmatchIndex(in.Original, -1)
			if n := len(all); n > 0 && destination(in, all[n-1][3]) {
				out = append(out, replaceRoot(in, all[n-1], home))
				if _, has := in.Flag("chown"); !has && strings.Contains(in.Original, "/root/.") {
					out = append(out, p.addChown(in)) // settings, which programs rewrite
				}
			}
		}
	}
	if moved {
		out = append(out, Change{kind: insertAfter, at: p.Stage.From, comment: "", lines: []string{p.Doc.KeywordCase("ENV") + " HOME=" + home}})
	}
	return out
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
