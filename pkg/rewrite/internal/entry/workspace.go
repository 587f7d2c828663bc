package entry

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// workspaceFlags are the options by which package managers run a script of one package of the
// workspaces (docs.npmjs.com/cli/using-npm/workspaces, pnpm.io/filtering,
// turborepo.com/docs/reference/run).
var workspaceFlags = map[string][]string{"npm": {"-w", "--workspace"}, "pnpm": {"-F", "--filter"}, "bun": {"-F", "--filter"}, "turbo": {"-F", "--filter"}}

// takeWorkspace takes the option for a package of the workspaces out of the arguments of a
// package manager, up to what stands behind -- for the script. It is not one where several are
// named.
func takeWorkspace(tool string, args []string) (rest []string, of string, one bool) {
	if len(args) > 1 && args[0] == "workspace" && (tool == "yarn" || tool == "yarnpkg") {
		return args[2:], args[1], true
	}
	for i := 0; i < len(args); i++ {
		flag, value, assigned := strings.Cut(args[i], "=")
		switch {
		case args[i] == "--":
			return append(rest, args[i:]...), of, true
		case !slices.Contains(workspaceFlags[tool], flag):
			rest = append(rest, args[i])
			continue
		case !assigned && i+1 < len(args):
			i++
			value = args[i]
		}
		if of != "" || value == "" {
			return nil, "", false
		}
		of = value
	}
	return rest, of, true
}

// turboRun reads the arguments of turbo, as far as they start scripts of one package.
func turboRun(args []string) scriptRun {
	args, of, one := takeWorkspace("turbo", args)
	if !one || of == "" {
		return scriptRun{}
	}
	if len(args) > 0 && args[0] == "run" {
		args = args[1:]
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return scriptRun{}
	}
	return scriptRun{names: args[:1], of: of}
}

// workspaceRoots are where the packages of workspaces lie by custom.
var workspaceRoots = []string{".", "apps", "packages", "services", "libs", "modules"}

// packageDir returns the directory of a package of the workspaces, by its name or its path,
// relative to where the package manager stands; "" where it is not found. A filter may say
// "and those that it needs", which start nothing of this name or before it.
func (r *Reader) packageDir(of string) string {
	of = strings.Trim(strings.TrimSuffix(of, "..."), "{}")
	if of == "" || strings.ContainsAny(of, "*!^[$") || len(of) > imagepath.MaxPath {
		return ""
	}
	root := r.modulesOf(r.Dir)
	base := path.Base(of)
	dirs := []string{of}
	for _, above := range append(slices.Clone(workspaceRoots), r.workspacePatterns(root)...) {
		dirs = append(dirs, path.Join(above, base))
	}
	for i, dir := range dirs {
		dir = imagepath.Abs(root, dir)
		m, ok := r.ManifestIn(path.Join(dir, "package.json"))
		if ok && (m.Name == of || i == 0 && strings.Contains(of, "/") && !strings.HasPrefix(of, "@")) {
			return dir
		}
	}
	return ""
}

// maxWorkspaces bounds how many patterns of workspaces are looked at.
const maxWorkspaces = 20

// workspacePatterns returns the directories whose own ones are packages, by the package.json
// of the workspaces.
func (r *Reader) workspacePatterns(root string) (out []string) {
	m, _ := r.ManifestIn(path.Join(root, "package.json"))
	list, _ := m.Workspaces.([]any)
	if of, ok := m.Workspaces.(map[string]any); ok {
		list, _ = of["packages"].([]any)
	}
	for _, item := range list[:min(len(list), maxWorkspaces)] {
		pattern, _ := item.(string)
		switch above, all := strings.CutSuffix(pattern, "/*"); {
		case all:
			out = append(out, above)
		default:
			out = append(out, path.Dir(pattern))
		}
	}
	return out
}
