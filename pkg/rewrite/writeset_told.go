package rewrite

import (
	"fmt"
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A toldPath is a path that the command, the environment or a configuration tells a program
// to write.
type toldPath struct {
	path string
	by   string // what tells it, for the reader
	dir  bool   // it is a directory
	// beside says that the program makes other files beside it, or wants to make it itself:
	// pid files that are renamed into place, sockets, databases. An empty file does not help.
	beside   bool
	replaced bool // the image brings the file, and the program makes another in its place
	rotates  bool // it is a log that gets another name when it is full
	// made says that steps which run the program's code may have made the file already.
	made bool
	// imported says that steps which run the program's code read the setting, too.
	imported bool
	config   bool   // a configuration of its own tells
	name     string // of a setting: the file that the program makes in the directory which it names
}

// told returns what programs are told to write, with everything that tells them.
func (p *Pass) told() []toldPath {
	var out []toldPath
	for _, argv := range p.argvs() {
		out = append(out, p.toldByArguments(argv, "")...)
	}
	out = append(out, p.toldByConfig()...)
	out = append(out, p.toldByEnv()...)
	return append(out, p.toldByServices()...)
}

var (
	// toldVariable matches what people call a directory that a program writes, by its last
	// word that says what is in it.
	toldVariable = regexp.MustCompile(`(^|_)(?:(DATA|CACHE|UPLOADS?|LOGS?|STATE|STORAGE|MEDIA|TE?MP|OUTPUT|MODELS?|DOWNLOADS?|BACKUPS?|DB|DATABASE|SQLITE|KV|SPOOL|SESSIONS?|REPORTS?|MULTIPROC)_?(DIR|DIRECTORY|FOLDER|PATH|HOME|FILE)|(MEDIA|UPLOADS?|DATA|STORAGE)_?ROOT|PID_?FILE)$|^STORAGE$`)
	// toldModel matches those of a file that is read more often than not.
	toldModel = regexp.MustCompile(`(^|_)MODELS?_?(PATH|FILE)$`)
	// toldDatabase matches URLs of files of SQLite: four slashes for an absolute path with
	// SQLAlchemy, three for a relative one (docs.sqlalchemy.org, Engine Configuration).
	toldDatabase = regexp.MustCompile(`^(?:file:(?://)?(/[^?]+)|sqlite3?(?:\+\w+)?:///(/?[^?]+))`)
	// toldOwnFile matches variables of databases, which make other files beside theirs.
	toldOwnFile = regexp.MustCompile(`DB|SQLITE|DATABASE|KV`)
	// toldLibrary are variables of libraries that keep caches and models there.
	toldLibrary = map[string]bool{"HF_HOME": true, "TRANSFORMERS_CACHE": true, "HUGGINGFACE_HUB_CACHE": true, "TORCH_HOME": true, "XDG_CACHE_HOME": true,
		"XDG_DATA_HOME": true, "XDG_STATE_HOME": true, "MPLCONFIGDIR": true, "NUMBA_CACHE_DIR": true, "SENTENCE_TRANSFORMERS_HOME": true, "PREFECT_HOME": true}
	// toldByBuild are those of package managers, which the running program does not ask.
	toldByBuild = regexp.MustCompile(`^(PIP|UV|POETRY|NPM|YARN|PNPM|COMPOSER|GO|CARGO|CCACHE|BUNDLE|GEM|MAVEN|GRADLE|APT|CONDA)_`)
)

// toldTool are variables of package managers that name what they write at each run, which
// counts where the image starts the very tool (getcomposer.org/doc/03-cli.md,
// docs.npmjs.com/cli/using-npm/config, pip.pypa.io/en/stable/topics/caching).
var toldTool = map[string]string{"COMPOSER_HOME": "composer", "COMPOSER_CACHE_DIR": "composer", "NPM_CONFIG_CACHE": "npm", "npm_config_cache": "npm",
	"YARN_CACHE_FOLDER": "yarn", "PIP_CACHE_DIR": "pip", "UV_CACHE_DIR": "uv", "POETRY_CACHE_DIR": "poetry", "GOCACHE": "go", "GOMODCACHE": "go"}

// ofTool reports whether a variable is of a package manager that the image starts.
func (p *Pass) ofTool(key string) bool { return toldTool[key] != "" && p.starts(toldTool[key]) }

// toldByEnv returns the directories that ENV of this file names and that no step makes: root
// could make them when they are first used.
func (p *Pass) toldByEnv() []toldPath {
	var out []toldPath
	for key, v := range p.ownEnv() {
		out = append(out, p.toldByJavaOptions(key, v, "")...)
		if t, ok := p.toldByVariable(key, v); ok {
			out = append(out, t)
		}
	}
	return out
}

// toldByVariable reads one variable of the program's environment.
func (p *Pass) toldByVariable(key, v string) (toldPath, bool) {
	if full := p.fromWorkdir(key, v); full != "" {
		v = full
	}
	t := toldPath{path: v, by: key + " names it"}
	if m := toldDatabase.FindStringSubmatch(v); m != nil && (databaseFile.MatchString(m[1]+m[2]) || strings.Contains(key, "DATABASE")) {
		t.path, t.beside = imagepath.Abs(p.End.Workdir, m[1]+m[2]), true
		return t, true
	}
	if !path.IsAbs(v) || !p.ofTool(key) && (!(toldVariable.MatchString(key) || toldLibrary[key]) || toldByBuild.MatchString(key)) {
		return t, false
	}
	t.dir = !strings.HasSuffix(key, "FILE") && path.Ext(v) == ""
	t.beside = toldOwnFile.MatchString(key) && !t.dir
	return t, t.dir || !toldModel.MatchString(key)
}

// ownEnv yields the variables that ENV of this file sets, in its order, with the values that
// they end with.
func (p *Pass) ownEnv() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for _, stage := range p.Chain {
			for _, in := range stage.Instructions {
				if in.Keyword != "ENV" {
					continue
				}
				for _, kv := range in.KeyValues() {
					if v, ok := p.End.Env.Get(kv.Key); ok && !yield(kv.Key, v) {
						return
					}
				}
			}
		}
	}
}

// toldSet adds what programs are told to write.
func (p *Pass) toldSet(add func(writePath)) {
	for _, t := range p.told() {
		p.toldTo(t, add)
	}
}

// toldTo adds one path that a program is told to write.
func (p *Pass) toldTo(t toldPath, add func(writePath)) {
	name := path.Clean(t.path)
	if name == "/" || p.End.Real(name) != name && !t.dir || p.ofBase(name) && !(t.replaced && p.copiesInto(path.Dir(name))) {
		return
	}
	dir := name
	if !t.dir {
		dir = path.Dir(name)
	}
	switch {
	case !imagepath.Standard[dir] && imagepath.ProtectedDir(path.Join(dir, "file")) == "" && (t.replaced || !p.copiesInto(dir)):
		add(writePath{path: dir, why: t.by, exist: p.there(dir), makes: t.config && p.madeByStep(t) == nil && !p.copied(dir)})
		if by := p.madeByStep(t); by != nil {
			add(writePath{path: name, why: t.by, file: true, after: by})
		}
	case !t.dir && !t.beside && (dir == "/run" || dir == "/var/run" || dir == "/var/log"):
		add(writePath{path: name, why: t.by, file: true, after: p.madeByStep(t)})
	}
}

// ofBase reports whether the base image or a package has given a path to the user already.
func (p *Pass) ofBase(name string) bool {
	if p.basesOwn() && (slices.ContainsFunc(p.Base.Config.Volumes, func(v string) bool { return imagepath.Below(name, imagepath.Abs("/", v)) }) ||
		p.Base.Entrypoint != nil && slices.ContainsFunc(p.Base.Entrypoint.Writes, func(w string) bool { return imagepath.Below(name, w) })) {
		return true
	}
	for _, r := range p.running() {
		if !p.ownAccount(r) {
			continue
		}
		for _, w := range r.variant.Writes {
			if of := p.fill(w.Path, r); w.Owned && of != "" && imagepath.Below(name, of) {
				return true
			}
		}
	}
	return false
}

// copiesInto reports whether the file copies something right to a directory that is not its
// working directory: what the program reads, more often than not.
func (p *Pass) copiesInto(dir string) bool {
	return dir != p.End.Workdir && !namesData(dir) && slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return path.Clean(c.Dest) == dir
	})
}

// namesData reports whether a directory is called like one for data: app-data, web_logs.
func namesData(dir string) bool {
	base := strings.ToLower(path.Base(dir))
	return dataNames[base] || dataNames[base[strings.LastIndexAny(base, "-_.")+1:]]
}

// toldBesideRoot refuses a program that is told to make a file in a directory of the system,
// which no other user can.
func toldBesideRoot(p *Pass) *Refusal {
	for _, t := range append(p.told(), p.goBeside()...) {
		dir := path.Dir(path.Clean(t.path))
		if !t.beside || t.dir || !imagepath.Standard[dir] && !(t.replaced && imagepath.Below(dir, "/etc")) || dir == "/tmp" || dir == "/var/tmp" || dir == "/dev" || p.ofBase(path.Clean(t.path)) {
			continue
		}
		if slices.ContainsFunc(p.running(), func(r running) bool { return r.variant.Pid == t.path }) {
			continue
		}
		return &Refusal{Reason: EntrypointNeedsRoot, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("the program makes %s (%s), and only root can make files in %s", t.path, t.by, dir),
			Hint:    fmt.Sprintf("Name a file in a directory of its own, %s/app/%s, which the user can be given.", strings.TrimSuffix(dir, "/"), path.Base(t.path))}
	}
	return nil
}
