package rewrite

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
)

// toldByConfig returns what the configuration of the file's programs names.
func (p *Pass) toldByConfig() []toldPath {
	if !p.memo.configured {
		p.memo.config, p.memo.configured = p.readConfigs(), true
	}
	return p.memo.config
}

func (p *Pass) readConfigs() []toldPath {
	var out []toldPath
	brought := p.configFiles()
	starts := p.programNames()
	for i := range configReaders {
		r := &configReaders[i]
		if r.by != nil && !slices.ContainsFunc(r.by, func(name string) bool { return starts[name] }) {
			continue
		}
		files := p.namedConfigs(r)
		for _, f := range brought {
			if r.files.MatchString(f.name) && (r.source || !f.built) && !slices.ContainsFunc(files, func(o configFile) bool { return o.name == f.name }) {
				files = append(files, f)
			}
		}
		for _, f := range files {
			for _, t := range p.readConfig(r, f) {
				if !slices.ContainsFunc(out, t.names) && len(out) < maxTold {
					out = append(out, t)
				}
			}
		}
	}
	return out
}

// names reports whether both name the same, for the same purpose.
func (t toldPath) names(o toldPath) bool {
	return t.path == o.path && t.dir == o.dir && t.beside == o.beside
}

// maxTold bounds how many paths are taken from all configuration together.
const maxTold = 300

// programNames returns the names of what the image starts: of the commands, and those that
// the table of programs has for them.
func (p *Pass) programNames() map[string]bool {
	names := maps.Clone(p.Entry.Calls)
	for _, argv := range p.argvs() {
		names[path.Base(argv[0])] = true
	}
	if cmd := p.End.Cmd; cmd.Set() && cmd.Text == "" {
		names[path.Base(cmd.Words[0])] = true // which entry points that nobody read start
	}
	for _, c := range p.Entry.Programs {
		if c.Program != nil {
			names[c.Program.Name] = true
		}
	}
	for _, r := range p.running() {
		names[r.Program.Name] = true
	}
	return names
}

// namedConfigs returns the files that the commands which read them name: -C puma.rb,
// --ini=/srv/app.ini:section.
func (p *Pass) namedConfigs(r *configReader) []configFile {
	if r.words == nil {
		return nil
	}
	var out []configFile
	for _, argv := range p.argvs() {
		if !slices.Contains(r.by, path.Base(argv[0])) {
			continue
		}
		for _, w := range argv[1:] {
			if option, value, ok := strings.Cut(w, "="); ok && strings.HasPrefix(option, "-") {
				w = value
			}
			w = strings.TrimPrefix(w, "file:")
			if i := strings.LastIndexByte(w, ':'); i > 0 {
				w = w[:i]
			}
			if !r.words.MatchString(w) {
				continue
			}
			name := imagepath.Abs(p.End.Workdir, w)
			if slices.ContainsFunc(out, func(f configFile) bool { return f.name == name }) {
				continue
			}
			if text, ok := p.FileOf(name); ok {
				out = append(out, configFile{name: name, text: text})
			}
		}
	}
	return out
}

// readConfig reads one file.
func (p *Pass) readConfig(r *configReader, f configFile) []toldPath {
	if f.text == "" {
		f.text, _ = p.ContextFile(f.from)
	}
	if f.text == "" || r.holds != nil && !r.holds.MatchString(f.text) || r.used != nil && !r.used(p, f) || !f.built && p.edited(f.name) {
		return nil
	}
	text := content.LineComments.ReplaceAllString(f.text, "")
	if r.flat != nil && path.Ext(f.name) != ".properties" {
		text = r.flat(text)
	}
	if r.fills != nil {
		text = r.fills(p, f, text)
	}
	rotates := r.rotates != nil && r.rotates.MatchString(f.text)
	var out []toldPath
	for _, s := range r.settings {
		if s.used != nil && !s.used(p, f) {
			continue
		}
		for _, m := range s.re.FindAllStringSubmatch(text, content.MaxSettings) {
			value := m[2]
			if s.from {
				value = imagepath.Abs(p.End.Workdir, value)
			}
			t, ok := p.named(s.as, value, r.expands)
			if !ok {
				continue
			}
			t.config, t.by = true, m[1]+" in "+path.Base(f.name)
			t.rotates = rotates && !t.dir && !t.beside
			t.imported, t.made = r.imported, r.imported && !t.dir
			out = append(out, t)
		}
	}
	return out
}

// named returns what a value names. Of a file whose name something fills in,
// /srv/logs/$pool.log, the directory counts. ok is false where that is not constant either.
func (p *Pass) named(as toldPath, value string, expands bool) (t toldPath, ok bool) {
	if expands && strings.Contains(value, "$") {
		full, missing, err := p.End.Env.Running(nil).Expand(value)
		if err != nil || len(missing) > 0 {
			return t, false
		}
		value = full
	}
	if socket, unix := strings.CutPrefix(value, "unix:"); unix {
		value = "/" + strings.TrimLeft(socket, "/")
	}
	value = strings.TrimPrefix(value, "file:")
	if i := strings.IndexAny(value, "$%#@{"); i >= 0 {
		if as != asFile {
			return t, false
		}
		as, value = asDir, value[:strings.LastIndexByte(value[:i], '/')+1]
	}
	t = as
	t.path = path.Join(value, as.name)
	return t, path.IsAbs(value) && imagepath.Safe.MatchString(value)
}

// editors are commands that change a file in place, or take it away.
var (
	editors = map[string]bool{"sed": true, "perl": true, "awk": true, "crudini": true, "yq": true, "patch": true, "augtool": true, "rm": true, "tee": true}
	edits   = regexp.MustCompile(`\b(sed|perl|awk|crudini|yq|patch|augtool|rm|tee)\b`)
)

// edited reports whether a step changes what stands in a file, so that its settings may be
// others than in the build context.
func (p *Pass) edited(file string) bool {
	if p.memo.edited == nil {
		p.memo.edited = p.editedWords()
	}
	return slices.ContainsFunc(p.memo.edited, func(word string) bool { return content.NamesFile(word, file) })
}

// editedWords returns what the steps give to commands that change files in place.
func (p *Pass) editedWords() []string {
	out := []string{}
	for _, st := range p.Chain {
		for _, in := range st.Instructions {
			if in.Keyword != "RUN" || !edits.MatchString(in.Original) {
				continue
			}
			sc, err := p.Doc.Script(in)
			if err != nil {
				out = append(out, in.Original) // of which nobody knows what it changes
				continue
			}
			for _, c := range sc.Commands() {
				if editors[c.Name] {
					out = append(out, shellcmd.Words(c.Args)...)
				}
			}
		}
	}
	return out
}

// codeStep matches steps that run the code of an application of Django, which opens its
// logs when it starts.
var codeStep = regexp.MustCompile(`\bmanage\.py\b|\bdjango-admin\b`)

// madeByStep returns the step after which a file that a setting names may be there, as
// root's; nil where none makes it.
func (p *Pass) madeByStep(t toldPath) *dockerfile.Instruction {
	if !t.made {
		return nil
	}
	for _, in := range slices.Backward(p.Stage.Instructions) {
		if in.Keyword == "RUN" && p.End.Before[in].User.Root() && (databaseStep.MatchString(in.Original) || !t.beside && codeStep.MatchString(in.Original)) {
			return in
		}
	}
	return nil
}

// reportRotated names the logs that the user may write but that stay in a directory of
// root's, where nobody else can give them another name.
func (p *Pass) reportRotated(set []writePath) {
	for _, t := range p.told() {
		if t.rotates && slices.ContainsFunc(set, func(w writePath) bool { return w.file && w.path == t.path && imagepath.Standard[path.Dir(w.path)] }) {
			p.report(Finding{Line: p.Stage.From.Line, Message: t.path + " (" + t.by + ") is written, but cannot be rotated: " + path.Dir(t.path) + " belongs to root",
				Hint: "Name a file in a directory of its own, which the user can be given."})
		}
	}
}
