package entry

import (
	"path"
	"regexp"
	"slices"
	"strings"
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
func (r *Reader) builds(argv []string, ctx reach) {
	tool := path.Base(argv[0])
	if ctx.guarded || len(r.e.Builds) >= maxBuildCalls || buildDirsOf[tool] == nil && tool != "dotnet" && Outputs(argv) == nil {
		return
	}
	verb := ""
	if i := slices.IndexFunc(argv[1:], func(w string) bool { return !strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "+") }); i >= 0 {
		verb = argv[1+i]
	}
	if verbs := buildVerbs[tool]; verbs != nil && !verbs.MatchString(verb) || verb == "" && len(argv) > 1 && asksVersion.MatchString(argv[1]) || slices.Contains(argv, "--no-build") {
		return
	}
	r.e.Builds = append(r.e.Builds, BuildCall{Argv: argv, Dir: r.Dir})
}

var asksVersion = regexp.MustCompile(`^(-v|-V|--version|-h|--help)$`)

// Dirs returns the directories that a build writes, relative to where it works.
func (b BuildCall) Dirs() []string {
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

// BuildsWith reports whether a build tool runs when the image starts.
func (e *Entry) BuildsWith(tool string) bool {
	return slices.ContainsFunc(e.Builds, func(b BuildCall) bool { return path.Base(b.Argv[0]) == tool })
}

// SDKImages are the images with the tools of a language that needs building, by their names
// on Docker Hub and Microsoft's registry.
var SDKImages = regexp.MustCompile(`^(mcr\.microsoft\.com/dotnet/(core/|nightly/)?sdk|microsoft/(dotnet|aspnetcore-build)|golang|rust|maven|gradle|sbtscala/scala-sbt|hseeberger/scala-sbt|haskell|swift)$`)

// BuildsStep matches a step that builds, or unpacks what was built elsewhere.
var BuildsStep = regexp.MustCompile(`\b(build|publish|install|compile|package|assemble|stage|jar|javac|make|mvnw?|gradlew?|go|cargo|stack|cabal|curl|wget)\b`)

// buildDirsOf is what build tools write below the working directory each time they
// run: an image that starts with one builds before it serves.
var buildDirsOf = map[string][]string{
	"mvn": {"target"}, "mvnw": {"target"}, "gradle": {"build", ".gradle"}, "gradlew": {"build", ".gradle"}, "sbt": {"target", "project/target", "project/project"},
	"cargo": {"target"}, "lein": {"target"}, "stack": {".stack-work"}, "mix": {"_build"},
	"clojure": {".cpcache"}, "clj": {".cpcache"}, "dart": {".dart_tool"},
}

// buildsInto is what bundlers and compilers for JavaScript leave below the working directory,
// by their command line. Where no step has run one, the user makes it in a directory of its own.
var buildsInto = map[string][]string{
	"next": {".next"}, "next build": {".next"}, "next dev": {".next"}, "nuxt build": {".nuxt", ".output"}, "nuxt dev": {".nuxt"}, "nuxt generate": {".nuxt", ".output", "dist"},
	"vite build": {"dist"}, "astro build": {"dist"}, "vue-cli-service build": {"dist"}, "webpack": {"dist"}, "react-scripts build": {"build"}, "ng build": {"dist"}, "ng serve": {".angular"},
	"nx serve": {".nx", "dist"}, "nx run": {".nx", "dist"}, "nx start": {".nx", "dist"}, "nx dev": {".nx", "dist"}, "nx build": {".nx", "dist"},
	"jekyll serve": {"_site", ".jekyll-cache"}, "jekyll s": {"_site", ".jekyll-cache"}, "jekyll build": {"_site", ".jekyll-cache"},
	"hugo": {"public", "resources"}, "hugo server": {"public", "resources"}, "hugo serve": {"public", "resources"}, "mkdocs build": {"site"}, "eleventy": {"_site"},
	"gatsby build": {".cache", "public"}, "gatsby develop": {".cache", "public"}, "docusaurus build": {".docusaurus", "build"}, "docusaurus start": {".docusaurus"},
	"nest build": {"dist"}, "nest start": {"dist"}, "tsc": {"dist"}, "strapi build": {"dist", "build"}, "strapi develop": {"dist"},
}

// Outputs returns what a command line of buildsInto leaves.
func Outputs(argv []string) []string {
	if len(argv) == 0 {
		return nil
	}
	tool := path.Base(argv[0])
	if dir := siteDir(argv); dir != "" {
		return []string{dir}
	}
	if len(argv) > 1 {
		if dirs, ok := buildsInto[tool+" "+argv[1]]; ok {
			return dirs
		}
		if !strings.HasPrefix(argv[1], "-") && tool != "webpack" {
			return nil
		}
	}
	return buildsInto[tool]
}

// siteDir returns the directory that mkdocs is told to build into (www.mkdocs.org/user-guide/cli).
func siteDir(argv []string) string {
	if path.Base(argv[0]) != "mkdocs" || !slices.Contains(argv, "build") {
		return ""
	}
	for i, w := range argv[1:] {
		option, value, assigned := strings.Cut(w, "=")
		if option != "-d" && option != "--site-dir" {
			continue
		}
		if !assigned && i+2 < len(argv) {
			value = argv[i+2]
		}
		return value
	}
	return ""
}
