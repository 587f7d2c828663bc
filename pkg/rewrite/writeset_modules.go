package rewrite

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
)

// moduleState are directories that packages of Node write beside their own code, and not where
// the application tells them, by the source of each: lib/index.coffee of cyrilis/epub-gen
// (tempDir), src/env.js of huggingface/transformers.js (DEFAULT_CACHE_DIR).
var moduleState = map[string]string{
	"epub-gen":                  "tempDir",
	"@huggingface/transformers": ".cache",
	"@xenova/transformers":      ".cache",
}

// moduleSet adds what such packages write, where a step installs one by its name or the
// application depends on one and the image comes with its packages.
func (p *Pass) moduleSet(add func(writePath)) {
	for _, dir := range p.moduleDirs() {
		for _, name := range p.modulesIn(dir) {
			add(writePath{path: path.Join(dir, "node_modules", name, moduleState[name]), why: name + " writes beside its own code", after: p.lastFiles()})
		}
	}
}

// moduleDirs returns the directories that may have packages below them: those of steps, of the
// command, and of copies.
func (p *Pass) moduleDirs() (out []string) {
	if !p.BringsModules(p.End.Workdir) {
		return nil
	}
	dirs := []string{p.End.Workdir}
	for _, in := range p.Stage.Instructions {
		if in.Keyword == "RUN" {
			dirs = append(dirs, p.End.Before[in].Workdir)
		}
	}
	for _, dir := range dirs {
		if !imagepath.Standard[dir] && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

// modulesIn returns the packages of the table that a directory gets.
func (p *Pass) modulesIn(dir string) []string {
	r := &entry.Reader{Image: p.Image, Dir: dir}
	m, _ := r.ManifestIn(path.Join(dir, "package.json"))
	return slices.DeleteFunc(slices.Sorted(maps.Keys(moduleState)), func(name string) bool {
		_, needs := m.Dependencies[name]
		return !needs && !p.installsModule(dir, name)
	})
}

// moduleInstall matches the command that installs packages by their names.
var moduleInstall = regexp.MustCompile(`^(i|install|add)$`)

// installsModule reports whether a step of root that works in a directory installs a package
// by its name, by its version, or from a repository that is called so.
func (p *Pass) installsModule(dir, name string) bool {
	return slices.ContainsFunc(p.Stage.Instructions, func(in *dockerfile.Instruction) bool {
		if in.Keyword != "RUN" || p.End.Before[in].Workdir != dir || !strings.Contains(in.Original, name) {
			return false
		}
		script, err := p.Doc.Script(in)
		if err != nil {
			return false
		}
		return slices.ContainsFunc(script.Commands(), func(c dockerfile.Command) bool { return installs(c, name) })
	})
}

// installs reports whether a command installs a package of Node into the directory where it
// stands.
func installs(c dockerfile.Command, name string) bool {
	if !slices.Contains([]string{"npm", "yarn", "pnpm", "bun"}, c.Name) || len(c.Args) < 2 || !moduleInstall.MatchString(c.Args[0].Value) {
		return false
	}
	global := slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return w.Value == "-g" || w.Value == "--global" })
	return !global && slices.ContainsFunc(c.Args[1:], func(w dockerfile.Word) bool {
		pkg, _, _ := strings.Cut(w.Value, "#")
		return pkg == name || strings.HasPrefix(pkg, name+"@") || strings.Contains(pkg, "/") && strings.TrimSuffix(path.Base(pkg), ".git") == name
	})
}

// prismaSet adds what prisma writes among the packages of pnpm when the image starts. Of the
// engines only the directories: it fetches them where they are missing.
func (p *Pass) prismaSet(add func(writePath)) {
	store := p.Entry.PrismaStore
	if store == "" || !p.BringsModules(store) {
		return
	}
	w := writePath{path: store, why: "prisma keeps its engines in a package there", find: "-path '*/@prisma+engines*' -type d", exist: true, after: p.lastFiles()}
	if p.Entry.PrismaClient {
		w.why = "prisma keeps its engines and puts its client in packages there"
		w.find = "\\( -path '*/@prisma+client*' ! -type l -o " + w.find + " \\)"
	}
	add(w)
}
