package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// buildToolSet adds what a build tool writes that the image starts. A step may have built
// before, as root, so the directories change owner with what is in them.
func (p *Pass) buildToolSet(add func(writePath)) {
	if len(p.Entry.Argv) == 0 {
		return
	}
	built := entry.BuildCall{Argv: []string{p.startedTool()}, Dir: p.End.Workdir}
	for i, b := range append(slices.Clone(p.Entry.Builds), built) {
		dirs := b.Dirs()
		if path.Base(b.Argv[0]) == "dotnet" && len(b.Argv) == 1 {
			dirs = nil // a program that is built already
		}
		if i < len(p.Entry.Builds) && (p.builds() || p.RootRuns(callOf(b.Argv[0]))) { // next alone builds, next start does not
			dirs = slices.Concat(dirs, p.outputsOf(b))
		}
		p.locked(b, add)
		for _, dir := range dirs {
			if name := imagepath.Abs(b.Dir, dir); b.Dir != "/" && !imagepath.Standard[name] && (imagepath.Below(name, p.End.Workdir) || !imagepath.Protected(name)) {
				add(writePath{path: name, why: "the command builds when it starts", tree: true, built: true, after: p.lastFiles()})
			}
		}
	}
}

// leavesOut are the options with which uv sync installs less than uv run does without them.
var leavesOut = regexp.MustCompile(`\buv\s+sync\b[^&|;]*\s(--no-dev|--no-default-groups|--no-group[ =]\S+|--no-install-project)\b`)

// syncSet adds the environment that uv run brings up to date before it starts the program:
// with the groups that the build has left out (docs.astral.sh/uv/concepts/projects/sync).
func (p *Pass) syncSet(add func(writePath)) {
	run := strings.Join(p.Entry.Argv, " ")
	if !p.starts("uv") || strings.Contains(run, "--no-sync") || p.End.Workdir == "/" {
		return
	}
	for _, name := range []string{"UV_NO_SYNC", "UV_NO_DEV", "VIRTUAL_ENV"} {
		if v, ok := p.End.Env.Get(name); ok && v != "" {
			return
		}
	}
	left := ""
	for _, in := range p.Stage.Instructions {
		if in.Keyword == "RUN" && strings.Contains(in.Original, "uv") {
			// The last sync decides.
			if m := leavesOut.FindStringSubmatch(in.Original); m != nil {
				left = m[1]
			} else if uvSync.MatchString(in.Original) {
				left = ""
			}
		}
	}
	if option, _, _ := strings.Cut(left, "="); left == "" || strings.Contains(run, option) {
		return
	}
	dir, ok := p.End.Env.Get("UV_PROJECT_ENVIRONMENT")
	if !ok || dir == "" {
		dir = ".venv"
	}
	add(writePath{path: imagepath.Abs(p.End.Workdir, dir), why: "uv run installs what " + left + " has left out", tree: true, dirs: true, after: p.lastCopyOver(p.End.Workdir)})
}

var uvSync = regexp.MustCompile(`\buv\s+sync\b`)

var (
	buildStep = regexp.MustCompile(`\b(build|generate|compile|tsc)\b`)
)

// locked adds the file that hugo opens to write it, whoever made it (hugolib/hugo_sites_build.go).
func (p *Pass) locked(b entry.BuildCall, add func(writePath)) {
	if path.Base(b.Argv[0]) == "hugo" && b.Dir != "/" && p.RootRuns(callOf("hugo")) {
		add(writePath{path: imagepath.Abs(b.Dir, ".hugo_build.lock"), why: "hugo opens it", file: true, after: p.lastFiles()})
	}
}

// ownCache reports whether a cache among the packages is none of Angular's, which has kept
// its own in .angular/cache since version 13 (angular.dev/cli/cache).
func (p *Pass) ownCache(name string, r running) bool {
	if path.Base(name) != ".cache" || len(r.Args) == 0 || path.Base(r.Args[0]) != "ng" {
		return false
	}
	dir := path.Dir(path.Dir(name))
	m, ok := (&entry.Reader{Image: p.Image}).ManifestIn(path.Join(dir, "package.json"))
	version := ""
	for _, of := range []map[string]any{m.DevDependencies, m.Dependencies} {
		for _, pack := range []string{"@angular/cli", "@angular/core"} {
			if v, is := of[pack].(string); is && version == "" {
				version = v
			}
		}
	}
	major, err := strconv.Atoi(majorVersion.FindString(version))
	return ok && err == nil && major >= 13
}

var majorVersion = regexp.MustCompile(`\d+`)

// callOf matches a step that calls a tool by itself.
func callOf(tool string) *regexp.Regexp {
	return regexp.MustCompile(`(^|[\s;&|/])` + regexp.QuoteMeta(path.Base(tool)) + `(\s|$)`)
}

// builds reports whether a step of root may have built the application.
func (p *Pass) builds() bool {
	return p.RootRuns(buildStep) || slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool { return c.From != "" })
}

// startedTool is the program that the command starts, or the first word of its text.
func (p *Pass) startedTool() string {
	if c, ok := p.Entry.Main(); ok && len(c.Args) > 0 {
		return c.Args[0]
	}
	return p.Entry.Argv[0]
}
