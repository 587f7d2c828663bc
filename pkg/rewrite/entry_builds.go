package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A BuildCall is a call of a build tool when the image starts.
type BuildCall struct {
	Argv []string
	Dir  string // where it works
}

// maxBuildCalls bounds how many calls are remembered.
const maxBuildCalls = 64

// buildVerbs are the commands of tools that do more than to build, with which they do.
var buildVerbs = map[string]*regexp.Regexp{
	"dotnet": regexp.MustCompile(`^(run|watch|build|publish|test|ef|pack|msbuild)$`),
	"cargo":  regexp.MustCompile(`^(run|build|test|watch|check|bench|r|b|t|c)$`),
	"mix":    regexp.MustCompile(`^(run|compile|test|release|phx\..*|ecto\..*|do)$`),
}

// builds notes that a command of the image builds.
func (r *entryReader) builds(argv []string, ctx reach) {
	tool := path.Base(argv[0])
	if ctx.guarded || len(r.e.Builds) >= maxBuildCalls || buildDirsOf[tool] == nil && tool != "dotnet" && outputs(argv) == nil {
		return
	}
	verb := ""
	if i := slices.IndexFunc(argv[1:], func(w string) bool { return !strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "+") }); i >= 0 {
		verb = argv[1+i]
	}
	if verbs := buildVerbs[tool]; verbs != nil && !verbs.MatchString(verb) || verb == "" && len(argv) > 1 && asksVersion.MatchString(argv[1]) || slices.Contains(argv, "--no-build") {
		return
	}
	r.e.Builds = append(r.e.Builds, BuildCall{Argv: argv, Dir: r.dir})
}

var asksVersion = regexp.MustCompile(`^(-v|-V|--version|-h|--help)$`)

// dirs returns the directories that a build writes, relative to where it works.
func (b BuildCall) dirs() []string {
	tool := path.Base(b.Argv[0])
	if tool == "dotnet" {
		return dotnetDirs(b.Argv)
	}
	return buildDirsOf[tool]
}

// dotnetDirs returns what dotnet writes for a project: bin and obj beside it, and the
// directory that the command names (learn.microsoft.com/dotnet/core/tools).
func dotnetDirs(argv []string) []string {
	project, named := ".", []string(nil)
	for i, w := range argv[:len(argv)-1] {
		switch next := argv[i+1]; {
		case w == "--project" || w == "-p" && (slices.Contains(argv, "run") || slices.Contains(argv, "ef")):
			project = next
		case w == "-o" || w == "--output":
			named = append(named, next)
		case (w == "build" || w == "publish" || w == "test" || w == "pack") && i == 1 && !strings.HasPrefix(next, "-"):
			project = next
		}
	}
	if path.Ext(project) != "" && project != "." {
		project = path.Dir(project)
	}
	return append(named, path.Join(project, "bin"), path.Join(project, "obj"))
}

// builds reports whether a build tool runs when the image starts.
func (e *Entry) builds(tool string) bool {
	return slices.ContainsFunc(e.Builds, func(b BuildCall) bool { return path.Base(b.Argv[0]) == tool })
}

// sdkImages are the images with the tools of a language that needs building, by their names
// on Docker Hub and Microsoft's registry.
var sdkImages = regexp.MustCompile(`^(mcr\.microsoft\.com/dotnet/(core/|nightly/)?sdk|microsoft/(dotnet|aspnetcore-build)|golang|rust|maven|gradle|sbtscala/scala-sbt|hseeberger/scala-sbt|haskell|swift)$`)

// buildsStep matches a step that builds, or unpacks what was built elsewhere.
var buildsStep = regexp.MustCompile(`\b(build|publish|install|compile|package|assemble|stage|jar|javac|make|mvnw?|gradlew?|go|cargo|stack|cabal|curl|wget)\b`)

// buildsInSDK refuses images that hold the tools of a language and sources that no step builds,
// and start something that is not known here: it can only be a script that builds.
func buildsInSDK(p *Pass) *Refusal {
	if p.opts.User != "" || p.opts.UID != 0 || !sdkImages.MatchString(p.Repository()) || len(p.Entry.Argv) == 0 || p.Entry.By == nil {
		return nil
	}
	sources := slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool { return c.From == "" && (c.Opaque || c.Into) })
	if !sources || slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool { return c.From != "" }) || p.rootRuns(buildsStep) {
		return nil
	}
	r := &entryReader{Pass: p, dir: p.End.Workdir}
	name := p.command()
	if _, _, read := r.locate(name); read || !strings.Contains(name, "/") || r.knownProgram(name) {
		return nil
	}
	return &Refusal{Reason: UnreadEntrypoint, Line: p.at(p.Entry.By),
		Message: name + " could not be read, and the image holds sources that no step builds and the tools for it: it seems to build them when it starts, as root"}
}
