package rewrite

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// maxPackages bounds how deep the sources of Java lie below their project: a directory for
// each part of a package's name.
const maxPackages = 14

// javaProjects are the files by which a directory is one.
var javaProjects = []string{"pom.xml", "build.gradle", "build.gradle.kts", "build.sbt"}

// readArchive reads the sources of an application for Java of which another stage, or a step
// of this one, makes the archive that the image starts.
func (p *Pass) readArchive(c simulate.Copy) {
	if !p.starts("java") {
		return
	}
	st := c.By.Stage
	if c.From != "" {
		if st = p.Doc.CopyFrom(c.By.Stage, c.From); st == nil || st.Index >= c.By.Stage.Index {
			return
		}
	}
	tree := content.StageTree{Image: p.Image, Stage: st}
	for _, src := range c.Sources {
		if c.From == "" {
			src = c.Dest
		}
		if dir := javaAbove(tree, path.Clean("/"+src)); dir != "" {
			left := maxAppEntries
			p.readPackages(dir, 0, &left)
		}
	}
}

// javaAbove returns the directory of the build context with the sources of the project that
// something was built of, "" where that is not known.
func javaAbove(tree content.StageTree, built string) string {
	for dir, n := built, 0; dir != "/" && n <= maxAbove; dir, n = path.Dir(dir), n+1 {
		ofJava := slices.ContainsFunc(javaProjects, func(name string) bool { return tree.Source(path.Join(dir, name)) != "" })
		for _, below := range []string{"src/main", "src"} {
			if src := tree.Source(path.Join(dir, below)); src != "" && (ofJava || n > 0) {
				return src
			}
		}
	}
	return ""
}

// readPackages reads the sources of Java and Kotlin in a directory of the build context.
func (p *Pass) readPackages(dir string, depth int, left *int) {
	entries, err := fs.ReadDir(p.Context, dir)
	if *left -= len(entries); err != nil || *left < 0 {
		return
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch ext := path.Ext(name); {
		case e.IsDir() && depth < maxPackages && !aside[strings.ToLower(e.Name())] && !strings.HasPrefix(e.Name(), "."):
			p.readPackages(name, depth+1, left)
		case !e.IsDir() && (ext == ".java" || ext == ".kt"):
			p.readSource(source{name: name})
		}
	}
}

var (
	// springValue matches a setting that Spring injects, with the value where nobody sets it
	// (docs.spring.io/spring-framework, Using @Value), and injected the field or parameter.
	springValue = regexp.MustCompile(`@Value\(\s*"\\?\$\{([\w.-]+):([^}"]*)\}"\s*\)`)
	injected    = regexp.MustCompile(`^\s*(?:(?:private|public|protected|final|static|lateinit|va[lr])\s+)*(?:(?:String|Path|File)\s+(\w+)|(\w+)\s*:\s*String)`)
)

// injects notes the value of a field or parameter that Spring sets, where nobody sets another.
func (e *evaluator) injects(text string) {
	if v, rest := e.injecting, text; v.known {
		e.injecting = value{}
		e.inject(v, rest)
	}
	all := springValue.FindAllStringSubmatchIndex(text, -1)
	for _, m := range all {
		v := e.springDefault(text[m[2]:m[3]], text[m[4]:m[5]])
		if !e.inject(v, text[m[1]:]) && strings.TrimSpace(text[m[1]:]) == "" {
			e.injecting = v // the field is on the next line
		}
	}
}

// inject gives a value to the field or parameter that is declared next.
func (e *evaluator) inject(v value, declared string) bool {
	m := injected.FindStringSubmatch(declared)
	if m == nil {
		return false
	}
	e.vars[m[1]+m[2]] = v
	return true
}

// springDefault returns the value of a setting where neither the environment of the image nor
// the application's own properties have it.
func (e *evaluator) springDefault(key, text string) value {
	name := strings.ToUpper(strings.NewReplacer(".", "_", "-", "").Replace(key))
	if _, ok := e.pass.End.Env.Get(name); ok {
		return value{}
	}
	root, _, ok := strings.Cut(e.source.name, "/java/")
	if !ok {
		root, _, _ = strings.Cut(e.source.name, "/kotlin/")
	}
	last := key[strings.LastIndexByte(key, '.')+1:]
	for _, file := range []string{"application.properties", "application.yml", "application.yaml"} {
		if set, ok := e.pass.ContextFile(path.Join(root, "resources", file)); ok && strings.Contains(set, last) {
			return value{} // which the readers of configuration see
		}
	}
	return value{text: text, known: true}
}
