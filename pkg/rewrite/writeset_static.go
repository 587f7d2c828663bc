package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
)

// staticCommands fill Django's STATIC_ROOT (docs.djangoproject.com/en/5.1/ref/contrib/staticfiles),
// compress a directory in it (django-compressor.readthedocs.io, COMPRESS_ROOT).
var staticCommands = []string{"collectstatic", "compress"}

var (
	staticStep = regexp.MustCompile(`\b(manage\.py|django-admin)\b[^&|;]*\s(collectstatic|compress)\b`)
	// staticRoot reads the setting; staticBase is the directory of manage.py, by the names
	// that the templates of Django and of others give it.
	staticRoot = regexp.MustCompile(`(?m)^[ \t]*STATIC_ROOT[ \t]*=[ \t]*(.+)$`)
	staticBase = regexp.MustCompile(`^(?:str\(|Path\(|os\.path\.abspath\()*(?:os\.path\.join\([ \t]*)?(?:BASE_DIR|ROOT_DIR|PROJECT_ROOT|BASE_PATH)\b[^"']*["']`)
	staticWord = regexp.MustCompile(`["']([^"']*)["']`)
	// staticPath is a path alone: relative to where manage.py runs.
	staticPath = regexp.MustCompile(`^r?["']([^"']+)["'][ \t]*(#.*)?$`)
)

// collectsAtStart reports whether a command that the image starts fills Django's STATIC_ROOT.
func (p *Pass) collectsAtStart() bool {
	return slices.ContainsFunc(p.argvs(), func(argv []string) bool {
		return slices.ContainsFunc(staticCommands, func(c string) bool { return slices.Contains(argv, c) }) && slices.ContainsFunc(argv, isManage)
	})
}

// isManage reports whether a word is the name of Django's own command.
func isManage(word string) bool {
	base := path.Base(word)
	return base == "manage.py" || base == "django-admin"
}

// staticSet adds Django's STATIC_ROOT with all that a step of root has put there, where the
// image fills it again when it starts: collectstatic writes each file anew.
func (p *Pass) staticSet(add func(writePath)) {
	if !p.collectsAtStart() || !p.fillsStatic() {
		return
	}
	dirs := p.staticRoots()
	for _, dir := range dirs {
		if !imagepath.Standard[dir] && !imagepath.Protected(dir) && dir != p.End.Workdir {
			add(writePath{path: dir, why: "the command fills Django's STATIC_ROOT, as a step does", tree: true, after: p.lastFiles()})
		}
	}
	p.memo.staticUnknown = len(dirs) == 0
}

// fillsStatic reports whether a step of root, or another stage, may have filled it.
func (p *Pass) fillsStatic() bool {
	return p.RootRuns(staticStep) || p.stagesRun(staticStep)
}

// stagesRun reports whether a step of another stage, from which files are copied, has such
// a text.
func (p *Pass) stagesRun(text *regexp.Regexp) bool {
	for _, c := range p.End.Copies {
		if c.From == "" {
			continue
		}
		st := p.Doc.CopyFrom(c.By.Stage, c.From)
		if st == nil {
			continue
		}
		for _, in := range st.Instructions {
			if in.Keyword == "RUN" && text.MatchString(in.Original) {
				return true
			}
		}
	}
	return false
}

// staticRoots returns the directories that the settings of the image name.
func (p *Pass) staticRoots() []string {
	var out []string
	for _, f := range p.configFiles() {
		if !djangoSettings.MatchString(f.name) || !djangoUses(p, f) {
			continue
		}
		if f.text == "" {
			f.text, _ = p.ContextFile(f.from)
		}
		for _, m := range staticRoot.FindAllStringSubmatch(f.text, content.MaxSettings) {
			if dir := p.staticDir(path.Dir(f.name), strings.TrimSpace(m[1])); dir != "" && !slices.Contains(out, dir) {
				out = append(out, dir)
			}
		}
	}
	return out
}

var djangoSettings = regexp.MustCompile(`(^|/)settings(/\w+)?\.py$`)

// staticDir reads the value of the setting in a file of a directory; "" where it is not
// constant.
func (p *Pass) staticDir(dir, value string) string {
	if m := staticPath.FindStringSubmatch(value); m != nil && path.IsAbs(m[1]) {
		return path.Clean(m[1])
	}
	base := p.managedBy(dir)
	if base == "" {
		return ""
	}
	if m := staticPath.FindStringSubmatch(value); m != nil {
		return path.Join(base, m[1])
	}
	if !staticBase.MatchString(value) {
		return ""
	}
	for _, m := range staticWord.FindAllStringSubmatch(value, 8) {
		base = path.Join(base, m[1])
	}
	return base
}

// managedBy returns the nearest directory above with manage.py, "" for none.
func (p *Pass) managedBy(dir string) string {
	for range maxAppDepth {
		file := path.Join(dir, "manage.py")
		if _, ok := p.FileOf(file); ok {
			return dir
		}
		if _, ok := p.OfApplication(file); ok {
			return dir
		}
		if dir = path.Dir(dir); dir == "/" {
			break
		}
	}
	return ""
}

// reportStatic says where the directory that is filled twice cannot be known.
func (p *Pass) reportStatic() {
	if p.memo.staticUnknown {
		p.report(Finding{Line: p.at(p.Entry.By), Message: "the command fills Django's STATIC_ROOT, which a step has filled as root, and the settings that name it were not read",
			Hint: "List the directory under writable_trees: in .harden.yaml, or leave collectstatic to the build alone."})
	}
}
