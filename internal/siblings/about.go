package siblings

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// An About is what the repository says about one Dockerfile, brought down to
// one build of it: the image that is hardened.
type About struct {
	Context  string // directory; "" when nobody says
	Target   string // stage; "" is the last
	Args     map[string]string
	Platform string // "" when nobody says, or several are built
	Action   string // the action.yml that runs it, "" when none
	Services []*Build
	Syncs    []Sync
	Examples []Example
	// Homes are the commands that mount something into root's home, in READMEs as well.
	Homes []Example
	// Base is where a README shows how to build on the image; Official is the script that
	// publishes it as an official image. Either is empty where nothing does.
	Base     Shown
	Official string
	// Template is what Generator, a script, makes the Dockerfile from, "" when none does.
	Template, Generator string
	Differ              []*Build // all builds, where they do not agree on an argument
	Notes               []string // what the reader of the report should know
}

// A Stage is a stage of the Dockerfile.
type Stage struct {
	Name   string
	Parent bool // another stage is FROM it
}

// About returns what the repository says about the Dockerfile at an absolute
// path, which has these stages. A target that the caller has chosen narrows it
// to the builds of that; otherwise the target is the one that all builds for
// production agree on.
func (r *Repository) About(dockerfile, target string, of []Stage) *About {
	var stages []string
	var parents []string
	for _, s := range of {
		stages = append(stages, s.Name)
		if s.Parent {
			parents = append(parents, s.Name)
		}
	}
	a := &About{Target: canonical(target, stages)}
	var builds []*Build
	for _, b := range r.builds[dockerfile] {
		c := *b
		c.Target = canonical(b.Target, stages)
		if c.Target == "" || slices.Contains(stages, c.Target) {
			builds = append(builds, &c)
		}
	}
	for _, b := range builds {
		if b.Action {
			a.Action = b.File
		}
		if a.Context == "" && isDir(b.Context) {
			a.Context = b.Context
		}
	}
	// A name such as builder says that no image is made of the stage, unless
	// the file ends in a stage that is even more for development.
	development := func(stage string) bool { return stage != "" && developmentStage(stage) }
	if n := len(stages); n > 0 && developmentStage(stages[n-1]) {
		development = func(stage string) bool { return stage == "" }
		parents = nil // it keeps its own user
	}
	builds = production(builds, dockerfile, development)
	if target == "" {
		a.chooseTarget(builds, parents, development)
	}
	builds = slices.DeleteFunc(builds, func(b *Build) bool { return b.Target != a.Target })
	differ := false
	a.Args, differ = agreed(builds)
	a.Platform = onePlatform(builds)
	if differ {
		a.Differ = builds
	}
	a.Template, a.Generator = r.generatedFrom(dockerfile)
	a.Base, _ = r.shownAsBase(dockerfile)
	a.Official = r.official(dockerfile)
	a.Syncs = r.syncs[dockerfile]
	a.Examples, a.Homes = r.examplesOf(dockerfile), r.homesOf(dockerfile)
	// An image that services name without building it is the one that ships.
	builds = production(slices.Concat(builds, r.running(dockerfile)), dockerfile, development)
	for _, b := range builds {
		if b.Service != nil {
			a.Services = append(a.Services, b)
		}
	}
	a.Services = append(a.Services, r.documentedRuns(dockerfile)...)
	return a
}

// running returns the services that name the image of a Dockerfile without building
// it. An image that it is itself FROM is not its own.
func (r *Repository) running(dockerfile string) []*Build {
	return slices.DeleteFunc(slices.Clone(r.runs[dockerfile]), func(b *Build) bool { return r.isFrom(dockerfile, repository(b.Named)) })
}

// canonical returns the name of a stage as stages has it, "" for the last.
func canonical(target string, stages []string) string {
	if i, err := strconv.Atoi(target); err == nil && i >= 0 && i < len(stages) && stages[i] != "" {
		target = stages[i]
	}
	target = strings.ToLower(target)
	if len(stages) > 0 && (target == stages[len(stages)-1] || target == strconv.Itoa(len(stages)-1)) {
		return ""
	}
	return target
}

// production returns the builds that are for more than development, or all
// when there are no others. What a development container asks for is about
// that container alone, and a Dockerfile below .devcontainer is one.
func production(builds []*Build, dockerfile string, development func(stage string) bool) []*Build {
	var out, rest []*Build
	for _, b := range builds {
		switch {
		case b.Action:
		case !b.development && !development(b.Target):
			out = append(out, b)
		case !isBelowDevContainer(b.File) || isBelowDevContainer(filepath.ToSlash(dockerfile)):
			rest = append(rest, b)
		}
	}
	if len(out) > 0 {
		return out
	}
	return rest
}

func isBelowDevContainer(file string) bool {
	return slices.Contains(splitPath(file), ".devcontainer")
}

// developmentStage reports whether a stage is named as one that no production
// image is made of.
func developmentStage(name string) bool {
	return slices.ContainsFunc(words(name), func(w string) bool { return developmentWords[w] || w == "builder" || w == "build" })
}

// chooseTarget takes the stage that every build names. Where they name several,
// or one that is for development, the last stage stays the image, as in
// "docker build .", and the report says so. So it does where one of the parents is
// named: what ships is more likely the stage that is FROM it.
func (a *About) chooseTarget(builds []*Build, parents []string, development func(stage string) bool) {
	var named []*Build
	for _, b := range builds {
		if b.Target != "" && !slices.ContainsFunc(named, func(n *Build) bool { return n.Target == b.Target }) {
			named = append(named, b)
		}
	}
	if len(named) == 1 && !development(named[0].Target) && !slices.Contains(parents, named[0].Target) && !slices.ContainsFunc(builds, func(b *Build) bool { return b.Target == "" }) {
		a.Target = named[0].Target
		a.Notes = append(a.Notes, fmt.Sprintf("the image is stage %s, because %s:%d builds that", a.Target, named[0].File, named[0].Line))
		return
	}
	for _, b := range named {
		a.Notes = append(a.Notes, fmt.Sprintf("%s:%d builds stage %s; this is about the last stage, --target %s is about that one", b.File, b.Line, b.Target, b.Target))
	}
}

// agreed returns the build arguments that no two builds give different values, and
// whether there are others.
func agreed(builds []*Build) (args map[string]string, others bool) {
	args = map[string]string{}
	differ := map[string]bool{}
	for _, b := range builds {
		for name, value := range b.Args {
			if old, ok := args[name]; ok && old != value {
				differ[name] = true
			}
			args[name] = value
		}
	}
	for name := range differ {
		delete(args, name)
	}
	return args, len(differ) > 0
}

func onePlatform(builds []*Build) string {
	platform := ""
	for _, b := range builds {
		for _, p := range b.Platforms {
			if platform != "" && p != platform {
				return ""
			}
			platform = p
		}
	}
	return platform
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
