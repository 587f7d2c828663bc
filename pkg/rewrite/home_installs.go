package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A homeInstall is what a step puts below $HOME, which is root's, for the running program.
type homeInstall struct {
	word      string // is looked for first: expressions cost more
	re        *regexp.Regexp
	what      string             // what happens, as the report says it
	elsewhere []string           // the variables that send it elsewhere
	when      func(p *Pass) bool // the condition under which the program needs it; nil is always
	soft      bool               // the program does without, but fetches it at each start
	fixed     string             // why no other HOME moves it
	instead   string             // what the owner can do then
	dirs      []string           // directories below $HOME that it leaves and the program writes new files to
	by        string             // the program that does, where only one does
	trees     []string           // those in which the program writes the very files
}

// homeInstalls are the commands that do so, with the variables of their documentation.
var homeInstalls = slices.Concat(homeCommands, homeDownloads)

var homeCommands = []homeInstall{
	{word: "pip", re: regexp.MustCompile(`\bpip[0-9.]*\s+install\b[^&|;]*\s--user\b`), what: "pip install --user lands below /root", elsewhere: []string{"PYTHONUSERBASE"}},
	{word: "user", re: regexp.MustCompile(`\bGem\.user_dir\b|\bgem\s+install\b[^&|;]*\s--user-install\b`), what: "gem install --user-install lands below /root", elsewhere: []string{"GEM_HOME"}},
	{word: "poetry", re: regexp.MustCompile(`(^|[\s;&|(])poetry\s+([^&|;\n]*\s)?install\b`), what: "the environment of poetry install lands below /root", elsewhere: []string{"POETRY_VIRTUALENVS_CREATE", "POETRY_VIRTUALENVS_IN_PROJECT", "POETRY_VIRTUALENVS_PATH", "POETRY_CACHE_DIR", "VIRTUAL_ENV"}, when: unlessSettled(`virtualenvs\.(create\s+false|in-project\s+true|path\s)|python -m venv|\bvirtualenv\s|poetry export`)},
	{word: "pipenv", re: regexp.MustCompile(`\bpipenv\s+([^&|;\n]*\s)?(install|sync)\b`), what: "the environment of pipenv lands below /root", elsewhere: []string{"PIPENV_VENV_IN_PROJECT", "PIPENV_SYSTEM", "WORKON_HOME", "VIRTUAL_ENV", "PIP_USER"}, when: unlessSettled(`--system\b|--deploy --system|pipenv_venv_in_project=|workon_home=`)},
	{word: "pipx", re: regexp.MustCompile(`\bpipx\s+install\b`), what: "pipx install lands below /root", elsewhere: []string{"PIPX_HOME"}},
	{word: "uv ", re: regexp.MustCompile(`\buv\s+(tool|python)\s+install\b`), what: "uv install lands below /root", elsewhere: []string{"UV_TOOL_DIR", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"}},
	{word: "rustup", re: regexp.MustCompile(`sh\.rustup\.rs|\brustup-init\b`), what: "rustup lands below /root", elsewhere: []string{"CARGO_HOME", "RUSTUP_HOME"}},
	{word: "nvm", re: regexp.MustCompile(`nvm-sh/nvm|creationix/nvm`), what: "nvm lands below /root", elsewhere: []string{"NVM_DIR"}},
	{word: "wright", re: regexp.MustCompile(`\b(play|patch)wright\s+install([^\w-]|$)`), what: "playwright install lands below /root", elsewhere: []string{"PLAYWRIGHT_BROWSERS_PATH"}},
	{word: "camoufox", re: regexp.MustCompile(`\bcamoufox\s+fetch\b`), what: "the browser that camoufox fetches lands below /root", elsewhere: []string{"XDG_CACHE_HOME"}, dirs: []string{".cache"}},
	{word: "sdkman", re: regexp.MustCompile(`get\.sdkman\.io`), what: "sdkman lands below /root", elsewhere: []string{"SDKMAN_DIR"}},
	{word: "pyenv", re: regexp.MustCompile(`pyenv\.run|pyenv-installer`), what: "pyenv lands below /root", elsewhere: []string{"PYENV_ROOT"}},
	{word: "dotnet", re: regexp.MustCompile(`\bdotnet\s+tool\s+install\s+(-g|--global)`), what: "dotnet tool install lands below /root"},
	{word: "composer", re: regexp.MustCompile(`\bcomposer\s+global\s+require\b`), what: "composer global require lands below /root", elsewhere: []string{"COMPOSER_HOME"}},
	{word: "bun.sh", re: regexp.MustCompile(`bun\.sh/install`), what: "bun lands below /root", elsewhere: []string{"BUN_INSTALL"}},
	{word: "deno.land", re: regexp.MustCompile(`deno\.land/(x/)?install`), what: "deno lands below /root", elsewhere: []string{"DENO_INSTALL"}},
	{word: "install.python-poetry.org", re: regexp.MustCompile(`install\.python-poetry\.org`), what: "poetry lands below /root", elsewhere: []string{"POETRY_HOME"}},
	{word: "Install-", re: regexp.MustCompile(`\bInstall-(Module|PSResource)\b`), what: "Install-Module lands below /root"},
	{word: "from_pretrained", re: regexp.MustCompile(`\bfrom_pretrained\(`), what: "the cache of Hugging Face lands below /root", elsewhere: []string{"HF_HOME", "TRANSFORMERS_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"}, dirs: []string{".cache"}},
	{word: "download", re: regexp.MustCompile(`\b(huggingface-cli|hf)\s+download\b|\b(snapshot|hf_hub)_download\(`), what: "the cache of Hugging Face lands below /root", elsewhere: []string{"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"}, when: unlessSettled(`local[-_]dir|cache[-_]dir`), dirs: []string{".cache"}},
	{word: "WhisperModel", re: regexp.MustCompile(`\bWhisperModel\(`), what: "the cache of Hugging Face lands below /root", elsewhere: []string{"HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME"}, when: unlessSettled(`download_root`), dirs: []string{".cache"}},
	{word: "pipeline", re: regexp.MustCompile(`\btransformers\b[^&|]*\bpipeline\(`), what: "the cache of Hugging Face lands below /root", elsewhere: []string{"HF_HOME", "TRANSFORMERS_CACHE", "HF_HUB_CACHE", "XDG_CACHE_HOME"}, dirs: []string{".cache"}},
	{word: "rembg", re: regexp.MustCompile(`\brembg\s+d\b`), what: "rembg's models land below /root", elsewhere: []string{"U2NET_HOME", "XDG_DATA_HOME"}, dirs: []string{".cache", ".u2net"}},
	{word: "ollama", re: regexp.MustCompile(`\bollama\s+(pull|create)\b`), what: "ollama's models land below /root", elsewhere: []string{"OLLAMA_MODELS"}, dirs: []string{".ollama"}},
	// Data and models that libraries keep below HOME; each names its directory in its documentation.
	{word: "sampledata", re: regexp.MustCompile(`\bbokeh(\.|\s+)sampledata\b`), what: "Bokeh's sample data lands below /root"},
	{word: "fetch_", re: regexp.MustCompile(`\bsklearn\b[^&|]*\bfetch_\w+\(`), what: "scikit-learn's data lands below /root", elsewhere: []string{"SCIKIT_LEARN_DATA"}},
	{word: "torch", re: regexp.MustCompile(`\btorch\.hub\.load|\btorchvision\b[^&|]*\b(pretrained|weights)=`), what: "the cache of PyTorch lands below /root", elsewhere: []string{"TORCH_HOME", "XDG_CACHE_HOME"}, dirs: []string{".cache"}},
	{word: "keras", re: regexp.MustCompile(`\bpython[0-9.]*\s+-c\b[^&|]*\bkeras\.(applications|datasets)\b`), what: "the cache of Keras lands below /root", elsewhere: []string{"KERAS_HOME"}},
	{word: "SentenceTransformer", re: regexp.MustCompile(`\bSentenceTransformer\(`), what: "the cache of Sentence Transformers lands below /root", elsewhere: []string{"SENTENCE_TRANSFORMERS_HOME", "HF_HOME", "TORCH_HOME", "XDG_CACHE_HOME"}, dirs: []string{".cache"}},
	{word: "whisper", re: regexp.MustCompile(`\bwhisper\.load_model\(`), what: "the cache of Whisper lands below /root", elsewhere: []string{"XDG_CACHE_HOME"}, dirs: []string{".cache"}},
	{word: "gensim", re: regexp.MustCompile(`\bgensim\.downloader\b`), what: "gensim's data lands below /root", elsewhere: []string{"GENSIM_DATA_DIR"}},
	{word: "stanza", re: regexp.MustCompile(`\bstanza\.download\(`), what: "Stanza's models land below /root", elsewhere: []string{"STANZA_RESOURCES_DIR", "XDG_DATA_HOME"}},
	{word: "easyocr", re: regexp.MustCompile(`\beasyocr\.Reader\(`), what: "EasyOCR's models land below /root", elsewhere: []string{"EASYOCR_MODULE_PATH", "MODULE_PATH"}},
	{word: "ipfs", re: regexp.MustCompile(`\bipfs\s+init\b`), what: "ipfs init lands below /root", elsewhere: []string{"IPFS_PATH"}, trees: []string{".ipfs"}},
	{word: "superset", re: regexp.MustCompile(`\bsuperset\s+(db|fab|init|load[-_]examples)\b`), what: "superset's database lands below /root", elsewhere: []string{"SUPERSET_HOME", "SUPERSET_CONFIG_PATH"}, trees: []string{".superset"}},
	{word: "airflow", re: regexp.MustCompile(`\bairflow\s+(initdb|db\s+(init|migrate|upgrade))\b`), what: "airflow's database lands below /root", elsewhere: []string{"AIRFLOW_HOME"}, trees: []string{"airflow"}},
	// Languages whose packages stay where the build put them.
	{word: "Pkg.", re: regexp.MustCompile(`\bPkg\.(add|develop|instantiate|resolve|update)\(`), what: "what Julia's Pkg installs lands below /root", elsewhere: []string{"JULIA_DEPOT_PATH"}, when: func(p *Pass) bool { return p.starts("julia") }, dirs: []string{".julia"}},
	{word: "renv", re: regexp.MustCompile(`\brenv::restore\(`), what: "renv's cache, to which the library links, lands below /root", elsewhere: []string{"RENV_PATHS_CACHE", "RENV_PATHS_ROOT", "RENV_CONFIG_CACHE_ENABLED", "R_USER_CACHE_DIR", "XDG_CACHE_HOME"}, dirs: []string{".cache"}},
	{word: "pub ", re: regexp.MustCompile(`\b(dart|flutter)\s+pub\s+get\b`), what: "the packages of Dart land below /root", elsewhere: []string{"PUB_CACHE"}, when: func(p *Pass) bool { return p.starts("dart") }, dirs: []string{".pub-cache"}},
	{word: "yarn", re: regexp.MustCompile(`\byarn\b`), what: "yarn's cache, from which Plug'n'Play loads, lands below /root", elsewhere: []string{"YARN_GLOBAL_FOLDER", "YARN_ENABLE_GLOBAL_CACHE", "YARN_CACHE_FOLDER"}, when: usesPlugAndPlay},
	{word: "ansible-galaxy", re: regexp.MustCompile(`\bansible-galaxy\b[^&|;]*\sinstall\b`), what: "what ansible-galaxy installs lands below /root", elsewhere: []string{"ANSIBLE_HOME", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_COLLECTIONS_PATHS", "ANSIBLE_ROLES_PATH"}, when: unlessSettled(`ansible-galaxy[^&|;\n]*\s(-p|--collections-path|--roles-path)\b`)},
	{word: "puppeteer", re: regexp.MustCompile(`\bpuppeteer\s+browsers\s+install\b`), what: "puppeteer's browser lands below /root", elsewhere: []string{"PUPPETEER_CACHE_DIR"}, dirs: []string{".cache"}},
	{word: "cypress", re: regexp.MustCompile(`\bcypress\s+(install|verify)\b`), what: "cypress install lands below /root", elsewhere: []string{"CYPRESS_CACHE_FOLDER"}, when: func(p *Pass) bool { return !p.cypressImage() }},
	{word: "astral.sh", re: regexp.MustCompile(`astral\.sh/uv`), what: "uv lands below /root", elsewhere: []string{"UV_INSTALL_DIR", "XDG_BIN_HOME"}},
	{word: "uv ", re: regexp.MustCompile(`\buv\s+(sync|venv|run|pip\s+install)\b`), what: "the Python that uv fetches lands below /root",
		elsewhere: []string{"UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME", "UV_PYTHON_DOWNLOADS", "UV_NO_MANAGED_PYTHON", "UV_PYTHON_PREFERENCE"}, when: (*Pass).lacksPython, dirs: []string{".cache", ".local"}, by: "uv"},
	{word: "corepack", re: regexp.MustCompile(`\bcorepack\s+(prepare|install|use|up)\b`), what: "the package manager that corepack fetches lands below /root",
		elsewhere: []string{"COREPACK_HOME", "XDG_CACHE_HOME"}, when: (*Pass).startsCorepack, soft: true},
	{word: "pnpm", re: regexp.MustCompile(`\bpnpm\s+(i|install|add|run|build)\b`), what: "the pnpm that corepack fetches lands below /root",
		elsewhere: []string{"COREPACK_HOME", "XDG_CACHE_HOME"}, when: (*Pass).startsCorepack, soft: true},
	{word: "yarn", re: regexp.MustCompile(`\byarn\b`), what: "the yarn that corepack fetches lands below /root",
		elsewhere: []string{"COREPACK_HOME", "XDG_CACHE_HOME"}, when: (*Pass).startsCorepack, soft: true},
	{word: "puppeteer", re: regexp.MustCompile(`\b(npm|pnpm|yarn|bun)\s+(\S+\s+)*?(i|install|add)\b[^&|;]*\bpuppeteer\b`), what: "the browser that puppeteer fetches lands below /root", elsewhere: puppeteerElsewhere, dirs: []string{".cache"}},
	{word: "np", re: regexp.MustCompile(`\bp?npm\s+(-\S+\s+)*(ci|i|install)\b`), what: "the browser that puppeteer fetches lands below /root", elsewhere: puppeteerElsewhere, when: needsPuppeteer, dirs: []string{".cache"}},
	{word: "yarn", re: regexp.MustCompile(`\byarn(\s+install|\s+-\S+)*\s*($|[&|;])`), what: "the browser that puppeteer fetches lands below /root", elsewhere: puppeteerElsewhere, when: needsPuppeteer, dirs: []string{".cache"}},
	{word: "dotnet", re: regexp.MustCompile(`\bdotnet\s+(restore|build|publish|tool\s+restore)\b`), what: "what NuGet restores lands below /root", elsewhere: []string{"NUGET_PACKAGES"}, when: startsDotnet, dirs: []string{".nuget", ".local"}},
	// Java takes the home from the account database, whatever HOME says (OpenJDK, java_props_md.c).
	{word: "mvn", re: regexp.MustCompile(`\bmvnw?\b`), what: "Maven's repository lands below /root", when: (*Pass).startsMavenOffline, fixed: javaHome,
		instead: "Pass -Dmaven.repo.local=DIR to the build step and to the command."},
	{word: "mvn", re: regexp.MustCompile(`\bmvnw?\b`), what: "Maven's repository lands below /root",
		when: func(p *Pass) bool { return p.starts("mvn") || p.starts("mvnw") }, fixed: javaHome, soft: true},
	{word: "gradle", re: regexp.MustCompile(`\bgradlew?\b`), what: "what Gradle fetches lands below /root", elsewhere: []string{"GRADLE_USER_HOME"},
		when: func(p *Pass) bool { return p.starts("gradle") || p.starts("gradlew") }, fixed: javaHome, soft: true},

	{word: "lein", re: regexp.MustCompile(`\blein\s+(with-profile\s+\S+\s+)?(deps|compile|uberjar)\b`), what: "Maven's repository, which Leiningen fills, lands below /root",
		when: func(p *Pass) bool { return p.starts("lein") }, fixed: javaHome, soft: true},
	{word: "-P", re: regexp.MustCompile(`\b(clojure|clj)\s+(\S+\s+)*-P\b`), what: "Maven's repository, which the Clojure CLI fills, lands below /root",
		when: func(p *Pass) bool { return p.starts("clojure") || p.starts("clj") }, fixed: javaHome, soft: true},
	{word: "sbt", re: regexp.MustCompile(`\bsbt\s`), what: "what sbt fetches lands below /root", elsewhere: []string{"COURSIER_CACHE"},
		when: func(p *Pass) bool { return p.starts("sbt") }, fixed: javaHome, soft: true},

	// Settings that programs read when they run.
	{word: ".streamlit", re: intoHome(`\.streamlit`), what: "it writes ~/.streamlit, which Streamlit reads"},
	{word: ".jupyter", re: intoHome(`\.jupyter`), what: "it writes ~/.jupyter, which Jupyter reads"},
	{word: ".ipython", re: intoHome(`\.ipython`), what: "it writes ~/.ipython, which IPython reads"},
	{word: ".aws", re: intoHome(`\.aws`), what: "it writes ~/.aws, which the AWS libraries read"},
	{word: ".ssh", re: intoHome(`\.ssh/(id_|config)`), what: "it writes into ~/.ssh, which ssh reads", when: unlessSettled(`\brm\s[^&|;\n]*\.ssh`)},
	{word: ".kaggle", re: intoHome(`\.kaggle`), what: "it writes ~/.kaggle, which Kaggle's client reads"},
	{word: ".dbt", re: intoHome(`\.dbt`), what: "it writes ~/.dbt, which dbt reads"},
	{word: ".Rprofile", re: intoHome(`\.Rprofile`), what: "it writes ~/.Rprofile, which R reads"},
	{word: ".Renviron", re: intoHome(`\.Renviron`), what: "it writes ~/.Renviron, which R reads"},
	{word: ".keras", re: intoHome(`\.keras/keras\.json`), what: "it writes ~/.keras/keras.json, which Keras reads"},
	{word: ".theanorc", re: intoHome(`\.theanorc`), what: "it writes ~/.theanorc, which Theano reads"},
	{word: ".my.cnf", re: intoHome(`\.my\.cnf`), what: "it writes ~/.my.cnf, which MySQL's clients read"},
	{word: ".pgpass", re: intoHome(`\.pgpass`), what: "it writes ~/.pgpass, which PostgreSQL's clients read"},
	{word: "--generate-config", re: regexp.MustCompile(`\bjupyter[- ](notebook|lab|server)\s[^&|;]*--generate-config`), what: "it writes ~/.jupyter, which Jupyter reads"},
	{word: "local.hex", re: regexp.MustCompile(`\bmix\s+local\.hex\b`), what: "it writes ~/.mix, in which mix looks for Hex", elsewhere: []string{"MIX_HOME"}, when: func(p *Pass) bool { return p.starts("mix") }},
	{word: "vncpasswd", re: regexp.MustCompile(`\|\s*vncpasswd\s*($|[&;|\n])`), what: "it writes ~/.vnc/passwd, which the VNC server reads"},
}

// intoHome matches a redirection into a file below $HOME, and a tee or cp.
func intoHome(file string) *regexp.Regexp {
	return regexp.MustCompile(`(>>?|\btee(\s+-a)?|\bcp\s[^&|;]*)\s*["']?(~|\$HOME|\$\{HOME\}|/root)/` + file + `\b`)
}

// unlessSettled is the condition that no step tells what makes environments for Python to
// put them elsewhere, or to do without (python-poetry.org/docs/configuration,
// pipenv.pypa.io/en/latest/virtualenv.html).
func unlessSettled(text string) func(*Pass) bool {
	re := regexp.MustCompile(text)
	return func(p *Pass) bool { return !re.MatchString(p.stepsText()) }
}

// starts reports whether the command of the image is a program, or a script that calls it.
func (p *Pass) starts(name string) bool {
	return p.Entry.Calls[name] || slices.ContainsFunc(p.Entry.Argv, func(w string) bool { return path.Base(w) == name || strings.HasPrefix(w, name+" ") })
}

// javaHome is why a new HOME moves nothing of a program in Java.
const javaHome = "Java takes the home directory from the account, not from HOME"

// corepackSteps turn on what puts itself in place of pnpm and yarn, and fetches them when
// they are first called: into $COREPACK_HOME, which is below the caller's home
// (github.com/nodejs/corepack, README).
var corepackSteps = regexp.MustCompile(`\bcorepack\s+(enable|prepare|install|use)\b`)

// startsCorepack reports whether the program starts by a package manager that corepack
// fetches. Without what the build has fetched the start needs the network.
func (p *Pass) startsCorepack() bool {
	return (p.starts("pnpm") || p.starts("yarn")) && corepackSteps.MatchString(p.stepsText())
}

// usesPlugAndPlay reports whether the program loads its packages by way of yarn's
// .pnp.cjs, which names them in the global cache (yarnpkg.com/configuration/yarnrc,
// enableGlobalCache: on since 4.0).
func usesPlugAndPlay(p *Pass) bool {
	options, _ := p.End.Env.Get("NODE_OPTIONS")
	return strings.Contains(strings.Join(p.Entry.Argv, " ")+options, ".pnp.")
}

// startsMavenOffline reports whether the program starts by a Maven that may not fetch
// anything, and so needs the repository that the build has filled.
func (p *Pass) startsMavenOffline() bool {
	return (p.starts("mvn") || p.starts("mvnw")) && slices.ContainsFunc(p.Entry.Argv, func(w string) bool {
		return mavenOffline.MatchString(w) && !strings.Contains(w, "maven.repo.local")
	}) && !strings.Contains(p.stepsText(), "maven.repo.local")
}

var mavenOffline = regexp.MustCompile(`(^|\s)(-o|--offline)(\s|$)`)

// pythonless are images of distributions without Python. Where uv finds none it fetches
// one to ~/.local/share/uv/python (docs.astral.sh/uv/concepts/python-versions).
var pythonless = regexp.MustCompile(`^(debian|ubuntu|alpine|nvidia/cuda)$|^ghcr\.io/astral-sh/uv$`)

// lacksPython reports whether the base image and the packages have no Python.
func (p *Pass) lacksPython() bool {
	return pythonless.MatchString(p.Repository()) && !p.End.HasPackage("python") &&
		!strings.Contains(p.Base.Reference, "uv:python") &&
		!settlesPython.MatchString(p.stepsText())
}

// settlesPython matches steps that bring a Python of their own, or tell uv where it is. The
// text is in lower case.
var settlesPython = regexp.MustCompile(`uv_(python_install_dir|python_downloads|no_managed_python|python_preference)|--no-managed-python|--no-python-downloads|deadsnakes|python[0-9.]*\.(tgz|tar)|conda`)

// puppeteerElsewhere are what sends puppeteer's browser elsewhere, or does without
// (pptr.dev/guides/configuration).
var puppeteerElsewhere = []string{"PUPPETEER_CACHE_DIR", "PUPPETEER_SKIP_DOWNLOAD", "PUPPETEER_SKIP_CHROMIUM_DOWNLOAD", "PUPPETEER_EXECUTABLE_PATH"}

// needsPuppeteer reports whether the application depends on puppeteer, whose install script
// fetches a browser; puppeteer-core has none.
func needsPuppeteer(p *Pass) bool {
	r := &entry.Reader{Image: p.Image, Dir: p.End.Workdir}
	m, ok := r.ManifestIn(path.Join(p.End.Workdir, "package.json"))
	if !ok {
		return false
	}
	_, has := m.Dependencies["puppeteer"]
	_, dev := m.DevDependencies["puppeteer"]
	return has || dev && p.starts("npm")
}

// startsDotnet reports whether the program starts from its sources: obj/project.assets.json
// names the packages by their absolute paths (learn.microsoft.com/nuget, dotnet run).
func startsDotnet(p *Pass) bool {
	return p.Entry.BuildsWith("dotnet")
}

// homeInstall returns what a step of root puts below $HOME for the running program, nil
// for nothing.
func (p *Pass) homeInstall(in *dockerfile.Instruction) *homeInstall {
	if in.Keyword != "RUN" || !p.End.Before[in].User.Root() {
		return nil
	}
	text := in.Original + p.stepScripts(in)
	for i, h := range homeInstalls {
		if strings.Contains(text, h.word) && h.re.MatchString(text) && !p.redirected(in, h.elsewhere) && (h.when == nil || h.when(p)) {
			return &homeInstalls[i]
		}
	}
	return nil
}

// pythonScript matches a step that runs a script in Python, which may fetch models.
var pythonScript = regexp.MustCompile(`\bpython[0-9.]*\s+(?:-u\s+)?((?:\./)?[A-Za-z0-9_./-]+\.py)\b`)

// stepScripts returns the text of the scripts in Python that a step runs and that the build
// context has, on lines of their own; those of frameworks fetch nothing.
func (p *Pass) stepScripts(in *dockerfile.Instruction) string {
	if p.Context == nil || !strings.Contains(in.Original, ".py") {
		return ""
	}
	var b strings.Builder
	for _, m := range pythonScript.FindAllStringSubmatch(in.Original, 4) {
		if simulate.FrameworkCommands[path.Base(m[1])] || path.Base(m[1]) == "setup.py" {
			continue
		}
		if text, ok := p.FileOf(imagepath.Abs(p.End.Before[in].Workdir, m[1])); ok {
			b.WriteString("\n" + text)
		}
	}
	return b.String()
}
