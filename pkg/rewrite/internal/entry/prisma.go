package entry

import (
	"path"
	"slices"

	"github.com/dockharden/harden/internal/imagepath"
)

// generates notes what prisma generate writes: it puts the client for the schema among the
// packages, in place (prisma.io/docs/orm/prisma-client, Generating Prisma Client). pnpm keeps
// these in directories with their versions (pnpm.io/symlinked-node-modules-structure), and lets
// no package fetch its engines when it is installed unless it is told to: the first command does.
func (r *Reader) generates(argv []string, where string) {
	i := slices.IndexFunc(argv, func(w string) bool { return path.Base(w) == "prisma" })
	if i < 0 || i > 3 {
		return
	}
	dir, generate := r.modulesOf(r.Dir), slices.Contains(argv[i:], "generate")
	if path.Base(argv[0]) == "pnpm" || r.has(path.Join(dir, "pnpm-lock.yaml")) {
		r.e.PrismaStore, r.e.PrismaClient = path.Join(dir, "node_modules/.pnpm"), r.e.PrismaClient || generate
		return
	}
	if !generate {
		return
	}
	client := path.Join(dir, "node_modules/@prisma/client")
	r.e.note([]written{{path: path.Join(dir, "node_modules/.prisma"), tree: true}, {path: client, tree: true}}, where)
	if r.e.Packages == nil {
		r.e.Packages = map[string]bool{}
	}
	// In workspaces it may also lie below the one that needs another version of it.
	r.e.Packages[client] = dir == r.Dir && r.dependsOn(dir, "@prisma/client") && r.BringsModules(client)
}

// modulesOf returns the directory among whose packages those of an application are: the root
// of its workspaces where it is one of them, as package managers hoist them there
// (docs.npmjs.com/cli/using-npm/workspaces, lerna.js.org/docs/concepts/hoisting).
func (r *Reader) modulesOf(dir string) string {
	for at := dir; at != "/" && len(at) <= imagepath.MaxPath; at = path.Dir(at) {
		if r.workspaces(at) {
			return at
		}
	}
	return dir
}

// workspaces reports whether a directory is the root of workspaces.
func (r *Reader) workspaces(dir string) bool {
	if m, ok := r.ManifestIn(path.Join(dir, "package.json")); ok && m.Workspaces != nil {
		return true
	}
	for _, name := range []string{"lerna.json", "pnpm-workspace.yaml"} {
		if r.has(path.Join(dir, name)) {
			return true
		}
	}
	return false
}

// has reports whether the image has a file, as far as the build context tells.
func (r *Reader) has(file string) bool {
	if _, ok := r.FileOf(file); ok {
		return true
	}
	_, ok := r.OfApplication(file)
	return ok
}

// dependsOn reports whether the application of a directory needs a package.
func (r *Reader) dependsOn(dir, name string) bool {
	m, ok := r.ManifestIn(path.Join(dir, "package.json"))
	_, needs := m.Dependencies[name]
	return ok && needs
}
