package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
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
heredoc is involved or the user has no home, the image keeps its user. A start
script that lies there alone goes to /usr/local/bin where the user has no home.

A start script that names a path under /root keeps the user, too: nothing here
rewrites scripts, and what they look for may come from the base image or a mount.

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

// environments are the ways in which a step tells what makes environments for Python to put
// them elsewhere, or to do without (python-poetry.org/docs/configuration,
// pipenv.pypa.io/en/latest/virtualenv.html).
var environments = map[string]*regexp.Regexp{
	"poetry": regexp.MustCompile(`virtualenvs\.(create\s+false|in-project\s+true|path\s)|python -m venv|\bvirtualenv\s|poetry export`),
	"pipenv": regexp.MustCompile(`--system\b|--deploy --system|pipenv_venv_in_project=|workon_home=`),
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
	{"user", regexp.MustCompile(`\bGem\.user_dir\b|\bgem\s+install\b[^&|;]*\s--user-install\b`), "gem install --user-install", []string{"GEM_HOME"}},
	{"poetry", regexp.MustCompile(`(^|[\s;&|(])poetry\s+([^&|;\n]*\s)?install\b`), "the environment of poetry install", []string{"POETRY_VIRTUALENVS_CREATE", "POETRY_VIRTUALENVS_IN_PROJECT", "POETRY_VIRTUALENVS_PATH", "POETRY_CACHE_DIR", "VIRTUAL_ENV"}},
	{"pipenv", regexp.MustCompile(`\bpipenv\s+([^&|;\n]*\s)?(install|sync)\b`), "the environment of pipenv", []string{"PIPENV_VENV_IN_PROJECT", "PIPENV_SYSTEM", "WORKON_HOME", "VIRTUAL_ENV", "PIP_USER"}},
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
	{"Install-", regexp.MustCompile(`\bInstall-(Module|PSResource)\b`), "Install-Module", nil},
	{"nltk", regexp.MustCompile(`\bnltk\.download`), "NLTK's data", []string{"NLTK_DATA"}},
	{"from_pretrained", regexp.MustCompile(`\bfrom_pretrained\(`), "the cache of Hugging Face", []string{"HF_HOME", "TRANSFORMERS_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"}},
	{"huggingface-cli", regexp.MustCompile(`\bhuggingface-cli\s+download\b`), "the cache of Hugging Face", []string{"HF_HOME", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"}},
	// Data and models that libraries keep below HOME; each names its directory in its documentation.
	{"sampledata", regexp.MustCompile(`\bbokeh(\.|\s+)sampledata\b`), "Bokeh's sample data", nil},
	{"fetch_", regexp.MustCompile(`\bsklearn\b[^&|]*\bfetch_\w+\(`), "scikit-learn's data", []string{"SCIKIT_LEARN_DATA"}},
	{"torch", regexp.MustCompile(`\btorch\.hub\.load|\btorchvision\b[^&|]*\b(pretrained|weights)=`), "the cache of PyTorch", []string{"TORCH_HOME", "XDG_CACHE_HOME"}},
	{"keras", regexp.MustCompile(`\bpython[0-9.]*\s+-c\b[^&|]*\bkeras\.(applications|datasets)\b`), "the cache of Keras", []string{"KERAS_HOME"}},
	{"SentenceTransformer", regexp.MustCompile(`\bSentenceTransformer\(`), "the cache of Sentence Transformers", []string{"SENTENCE_TRANSFORMERS_HOME", "HF_HOME", "TORCH_HOME", "XDG_CACHE_HOME"}},
	{"whisper", regexp.MustCompile(`\bwhisper\.load_model\(`), "the cache of Whisper", []string{"XDG_CACHE_HOME"}},
	{"gensim", regexp.MustCompile(`\bgensim\.downloader\b`), "gensim's data", []string{"GENSIM_DATA_DIR"}},
	{"stanza", regexp.MustCompile(`\bstanza\.download\(`), "Stanza's models", []string{"STANZA_RESOURCES_DIR", "XDG_DATA_HOME"}},
	{"easyocr", regexp.MustCompile(`\beasyocr\.Reader\(`), "EasyOCR's models", []string{"EASYOCR_MODULE_PATH", "MODULE_PATH"}},
	{"ipfs", regexp.MustCompile(`\bipfs\s+init\b`), "ipfs init", []string{"IPFS_PATH"}},
	{"superset", regexp.MustCompile(`\bsuperset\s+(db|fab|init|load[-_]examples)\b`), "superset's database", []string{"SUPERSET_HOME", "SUPERSET_CONFIG_PATH"}},
	{"airflow", regexp.MustCompile(`\bairflow\s+(initdb|db\s+(init|migrate|upgrade))\b`), "airflow's database", []string{"AIRFLOW_HOME"}},
	{"puppeteer", regexp.MustCompile(`\bpuppeteer\s+browsers\s+install\b`), "puppeteer's browser", []string{"PUPPETEER_CACHE_DIR"}},
	{"cypress", regexp.MustCompile(`\bcypress\s+(install|verify)\b`), "cypress install", []string{"CYPRESS_CACHE_FOLDER"}},
	{"astral.sh", regexp.MustCompile(`astral\.sh/uv`), "uv", []string{"UV_INSTALL_DIR", "XDG_BIN_HOME"}},
}

// homeSettings are settings that programs read below $HOME when they run, as a step
// writes them. As for homeInstalls, the word is looked for first.
var homeSettings = []struct {
	word string
	re   *regexp.Regexp
	what string
}{
	{".Rprofile", intoHome(`\.Rprofile`), "~/.Rprofile, which R reads"},
	{".Renviron", intoHome(`\.Renviron`), "~/.Renviron, which R reads"},
	{".keras", intoHome(`\.keras/keras\.json`), "~/.keras/keras.json, which Keras reads"},
	{".theanorc", intoHome(`\.theanorc`), "~/.theanorc, which Theano reads"},
	{".my.cnf", intoHome(`\.my\.cnf`), "~/.my.cnf, which MySQL's clients read"},
	{".pgpass", intoHome(`\.pgpass`), "~/.pgpass, which PostgreSQL's clients read"},
	{"--generate-config", regexp.MustCompile(`\bjupyter[- ](notebook|lab|server)\s[^&|;]*--generate-config`), "~/.jupyter, which Jupyter reads"},
	{"local.hex", regexp.MustCompile(`\bmix\s+local\.hex\b`), "~/.mix, in which mix looks for Hex"},
	{"vncpasswd", regexp.MustCompile(`\|\s*vncpasswd\s*($|[&;|\n])`), "~/.vnc/passwd, which the VNC server reads"},
}

// intoHome matches a redirection into a file below $HOME, and a tee or cp.
func intoHome(file string) *regexp.Regexp {
	return regexp.MustCompile(`(>>?|\btee(\s+-a)?|\bcp\s[^&|;]*)\s*["']?(~|\$HOME|\$\{HOME\}|/root)/` + file + `\b`)
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
			if c.By == in && below(path.Clean(c.Dest), "/root") && !loginFile(c.Dest, c.Sources) && !removedLater(c) {
				return "it copies to " + path.Clean(c.Dest)
			}
		}
	case "RUN":
		if m := p.End.Before[in]; !m.User.Root() {
			return ""
		}
		for _, h := range homeInstalls {
			if strings.Contains(in.Original, h.word) && h.re.MatchString(in.Original) && !p.redirected(in, h.elsewhere) {
				if e := environments[h.word]; e != nil && e.MatchString(p.stepsText()) {
					continue
				}
				return h.what + " lands below /root"
			}
		}
		for _, h := range homeSettings {
			if h.word == "local.hex" && !p.startsMix() {
				continue // a release needs it no more
			}
			if strings.Contains(in.Original, h.word) && h.re.MatchString(in.Original) && !p.redirected(in, []string{"MIX_HOME"}) {
				return "it writes " + h.what
			}
		}
	}
	return ""
}

// startsMix reports whether the command of the image is mix, or a script that calls it.
func (p *Pass) startsMix() bool {
	return p.Entry.Calls["mix"] || slices.ContainsFunc(p.Entry.Argv, func(w string) bool { return path.Base(w) == "mix" || strings.HasPrefix(w, "mix ") })
}

// removedLater reports whether a later step deletes the one file that a copy brings.
func removedLater(c Copy) bool {
	if len(c.Sources) != 1 {
		return false
	}
	file := c.target(c.Sources[0])
	removes := regexp.MustCompile(`\brm (-[a-zA-Z]+ )*([^;&|\n]* )?` + regexp.QuoteMeta(file) + `(\s|;|&|$)`)
	return c.stepAfter(file, removes)
}

// stepAfter reports whether a later RUN of the stage that copies matches; the word is in
// what the expression matches.
func (c Copy) stepAfter(word string, re *regexp.Regexp) bool {
	return slices.ContainsFunc(c.By.Stage.Instructions, func(in *dockerfile.Instruction) bool {
		if in.Index <= c.By.Index || in.Keyword != "RUN" {
			return false
		}
		text := in.Original + "\n" + heredocText(in)
		return strings.Contains(text, word) && re.MatchString(text)
	})
}

func heredocText(in *dockerfile.Instruction) string {
	var b strings.Builder
	for _, h := range in.Heredocs {
		b.WriteString(h.Content)
	}
	return b.String()
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
	if strings.Contains(in.Original, "AllUsers") {
		return true // Install-Module -Scope AllUsers
	}
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
		return scriptInRootHome(p)
	}
	why := p.cannotMove()
	if why == "" {
		return nil
	}
	return &Refusal{Reason: RootHome, Line: p.at(uses[0].in), Message: uses[0].what + ", where only root can look, and it cannot be moved: " + why}
}

// scriptInRootHome refuses images whose start script names what is under /root,
// whoever put it there: the base image, or a mount.
func scriptInRootHome(p *Pass) *Refusal {
	for _, u := range p.Entry.InRoot {
		return &Refusal{Reason: RootHome, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("%s has %q, and only root can look into /root", u.Where, clip(u.Text, 60))}
	}
	for _, c := range p.End.Copies {
		if src := p.configInRoot(c); src != "" {
			return &Refusal{Reason: RootHome, Line: p.at(c.By),
				Message: fmt.Sprintf("%s, which line %d copies to %s, names a path under /root, where only root can look", src, c.By.Line, c.Dest)}
		}
	}
	return nil
}

var (
	// configName is what configuration files are called.
	configName = regexp.MustCompile(`(?i)(\.(conf|cfg|cnf|ini|toml|properties)|[-_.]config\.(py|js|json|ya?ml|rb))$`)
	// valueInRoot is a value under /root, or /root itself.
	valueInRoot = regexp.MustCompile(`(?m)^[^#;/\n]*[\s"'=:(,]/root(/[^\s"']*)?["'\s,;)]*$`)
)

// configInRoot returns the configuration file of a copy from the build context that
// names a path under /root, "" when none does.
func (p *Pass) configInRoot(c Copy) string {
	if c.From != "" || c.Opaque || p.opts.Context == nil || below(path.Clean(c.Dest), "/root") {
		return ""
	}
	for _, src := range c.Sources {
		if !configName.MatchString(src) {
			continue
		}
		if text, ok := p.contextFile(strings.TrimPrefix(path.Clean("/"+src), "/")); ok && valueInRoot.MatchString(text) {
			return src
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
	if home == "" {
		p.report(Finding{Line: p.at(uses[0].in), Message: uses[0].what + ", where only root can look",
			Fix: &Fix{Message: "moves it to " + commandsDir, Changes: p.moveScript()}})
		return
	}
	changes := p.moveHome(home)
	p.report(Finding{Line: p.at(uses[0].in), Message: uses[0].what + ", where only root can look",
		Fix: &Fix{Message: "moves it to " + home, Changes: changes, Steps: p.ownMoved(home)}})
}
