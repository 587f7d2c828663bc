package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
)

// needsHome are programs that write below $HOME at their start, or stop without one, with what
// their command line has to hold for that; nil for any.
var needsHome = map[string]*regexp.Regexp{
	// A distributed node keeps its cookie in ~/.erlang.cookie (erlang.org, erl and Distributed Erlang).
	"erl": namesNode, "elixir": namesNode, "iex": namesNode,
	// docs.jupyter.org/en/latest/use/jupyter-directories.html, docs.streamlit.io (config.toml)
	"jupyter": nil, "jupyter-lab": nil, "jupyter-notebook": nil, "jupyterhub": nil, "ipython": nil, "ipython3": nil, "streamlit": nil,
	// airflow.apache.org (AIRFLOW_HOME), docs.prefect.io (PREFECT_HOME)
	"airflow": nil, "prefect": nil,
	// docs.n8n.io (N8N_USER_FOLDER), nodered.org/docs/user-guide/runtime, pm2.keymetrics.io (PM2_HOME)
	"n8n": nil, "node-red": nil, "pm2": nil, "pm2-runtime": nil, "code-server": nil, "npx": nil,
	// GOCACHE, DOTNET_CLI_HOME, ~/.m2, ~/.gradle and ~/.cargo of the tools that build what they start
	"go": regexp.MustCompile(`^go (run|test|build)`), "dotnet": regexp.MustCompile(`^dotnet (run|watch|test)`), "mvn": nil, "gradle": nil, "cargo": nil, "sbt": nil, "lein": nil,
	// Profiles of programs for a desktop, without which they do not start.
	"soffice": nil, "libreoffice": nil, "firefox": nil, "chromium": nil, "chromium-browser": nil, "google-chrome": nil, "wine": nil, "vncserver": nil, "tigervncserver": nil,
	"gpg": nil, "ansible": nil, "ansible-playbook": nil, "bitcoind": nil, "geth": nil, "ipfs": nil, "syncthing": nil,
}

var (
	namesNode   = regexp.MustCompile(` --?s?name `)
	givesCookie = regexp.MustCompile(` --?(set)?cookie `)
)

// needingHome returns what of the image writes, or may write, below the home of whoever runs it, "" for
// nothing that is known.
func (p *Pass) needingHome() string {
	if by := p.Entry.InHome; by != "" {
		if by == "the command" || by == entry.HealthCheck {
			return by
		}
		return path.Base(by)
	}
	for _, argv := range p.argvs() {
		re, known := needsHome[path.Base(argv[0])]
		line := commandLine(argv)
		if known && (re == nil || re.MatchString(line)) && !(re == namesNode && givesCookie.MatchString(line)) {
			return path.Base(argv[0])
		}
	}
	return p.memo.asksHome
}

// asksForHome matches how the languages ask where the home is.
var asksForHome = regexp.MustCompile(`\bexpanduser\(|\bPath\.home\(|\bhomedir\(\)|\bDir\.home\b|\bUserHomeDir\(`)

// readHome notes a source that asks for the home: as root the program had one.
func (p *Pass) readHome(s source) {
	if p.memo.asksHome == "" && asksForHome.MatchString(s.text) {
		p.memo.asksHome = s.name
	}
}

// commandLine is a command with its program by its base name, for expressions to look at.
func commandLine(argv []string) string {
	line := path.Base(argv[0])
	for _, w := range argv[1:] {
		line += " " + w
	}
	return line + " "
}

// A missingHome is a home that the chosen account has and the image has not.
type missingHome struct {
	dir, by string
	env     bool // the account's own is no directory for that: HOME has to name another one
}

// missingHome returns the home that has to be made for what writes there: root's was always
// there. Where no command makes it, useradd and its like only note its name.
func (p *Pass) missingHome() (missingHome, bool) {
	switch p.User.How {
	case ChoiceExisting, ChoiceInherited, ChoiceNew, ChoiceNumber, ChoiceBase, ChoiceBuilt:
		return missingHome{}, false
	}
	if home, set := p.End.Env.Get("HOME"); set && home != "" || p.moves() || !p.canRun() {
		return missingHome{}, false
	}
	a, ok := p.End.Account(p.User.Name)
	if !ok || a.By == nil || a.HomeMade || a.Program != "" {
		return missingHome{}, false
	}
	m := missingHome{dir: path.Clean(a.Home), by: p.needingHome()}
	if m.by == "" {
		return m, false
	}
	if !path.IsAbs(m.dir) || imagepath.Standard[m.dir] || imagepath.Protected(m.dir) || !imagepath.Safe.MatchString(m.dir) || imagepath.Below(m.dir, "/nonexistent") {
		m.dir, m.env = "/home/"+a.Name, true
	}
	return m, true
}

// missingHomeSet adds the home that nothing makes.
func (p *Pass) missingHomeSet(add func(writePath)) {
	if m, ok := p.missingHome(); ok {
		add(writePath{path: m.dir, why: fmt.Sprintf("home, which no step makes and %s uses", m.by), exist: p.End.Dirs[m.dir].Made()})
	}
}

// setHome states the home in the place of one that the account has and that is no directory.
func (p *Pass) setHome(set []writePath) []Change {
	m, ok := p.missingHome()
	if !ok || !m.env || !slices.ContainsFunc(set, func(w writePath) bool { return w.path == m.dir }) {
		return nil
	}
	return []Change{p.atEnd("", p.Doc.KeywordCase("ENV")+" HOME="+m.dir)}
}
