package rewrite

import (
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/programs"
)

// globalInstall matches how package managers of languages install programs for everybody,
// up to the names of the packages.
var globalInstall = regexp.MustCompile(`\b(?:p?npm\s(?:[^&|;\n]*\s)?(?:install|i|add)|yarn\s+global\s+add|(?:pip|pipx|gem|cargo)[0-9.]*\s+(?:-\S+\s+)*install|uv\s+tool\s+install|composer\s+global\s+require)\s([^&|;\n]*)`)

// toolWords are what programs are called that do one thing with files and end. Many a
// program of these package managers is a service, which nothing but its name shows.
var toolWords = wordSet(`cli check checker lint linter fmt format formatter convert converter generate generator gen compile compiler
	validate validator diff docs docgen audit scan scanner analyze analyzer minify minifier uglify optimize optimizer render bundler transpiler
	downloader dl spellcheck spell verify verifier`)

// asksForHelp are default arguments of what does nothing without others.
var asksForHelp = map[string]bool{"--help": true, "-h": true, "help": true, "--version": true, "-v": true, "version": true}

// installedTool reports whether a command is a tool that a step of the file installs by a
// package manager of a language, in an image with no sign of a service.
func (p *Pass) installedTool(name string) bool {
	if _, known := programs.Lookup(name); known || p.servesByItself() {
		return false
	}
	pkg := p.installedPackage(name)
	if pkg == "" {
		return false
	}
	words := p.End.Cmd.Words
	return len(words) == 1 && asksForHelp[words[0]] ||
		slices.ContainsFunc(strings.FieldsFunc(name+" "+pkg, func(r rune) bool { return strings.ContainsRune("-_./@ ", r) }), func(w string) bool { return toolWords[w] })
}

// servesByItself reports whether something of the file is for a service: files of its own, a
// place to work or to keep data in, a health check, Compose.
func (p *Pass) servesByItself() bool {
	if len(p.End.Volumes) > 0 || p.End.Healthcheck.Set() || len(p.opts.Siblings.Services) > 0 || p.End.Placed && !filesOfCaller[p.End.Workdir] {
		return true
	}
	return slices.ContainsFunc(p.Stage.Instructions, func(in *dockerfile.Instruction) bool {
		_, from := in.Flag("from")
		return (in.Keyword == "COPY" || in.Keyword == "ADD") && !from
	})
}

// installedPackage returns the package by which a step of the final stage installs a command
// for everybody, by its name, "" when none does.
func (p *Pass) installedPackage(name string) string {
	for _, in := range p.Stage.Instructions {
		if in.Keyword != "RUN" {
			continue
		}
		for _, m := range globalInstall.FindAllStringSubmatch(in.Original, -1) {
			if strings.Contains(m[0], "npm") && !strings.Contains(m[0]+" ", " -g ") && !strings.Contains(m[0], "--global") {
				continue
			}
			for pkg := range strings.FieldsSeq(m[1]) {
				if bringsCommand(pkg, name) {
					return pkg
				}
			}
		}
	}
	return ""
}

// bringsCommand reports whether a package is named after a command: NAME, NAME-cli,
// @NAME/cli, @scope/NAME, whatever its version.
func bringsCommand(pkg, name string) bool {
	plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }
	pkg, name = plain(strings.Trim(pkg, `"'`)), plain(name)
	scope, rest, scoped := strings.Cut(pkg, "/")
	if !scoped {
		scope, rest = "", pkg
	}
	if i := strings.IndexAny(rest, "@=<>~![:"); i >= 0 {
		rest = rest[:i]
	}
	return rest == name || rest == name+"-cli" || rest == "cli" && scope == "@"+name
}
