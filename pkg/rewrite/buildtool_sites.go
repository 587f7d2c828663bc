package rewrite

import (
	"path"
	"regexp"
	"slices"

	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
)

// siteSetting matches the directory that mkdocs builds into where no option names one
// (www.mkdocs.org/user-guide/configuration, site_dir).
var siteSetting = regexp.MustCompile(`(?m)^site_dir:[ \t]*["']?([\w./-]+)`)

// outputsOf returns what a build leaves, by its command and its configuration.
func (p *Pass) outputsOf(b entry.BuildCall) []string {
	dirs := entry.Outputs(b.Argv)
	if path.Base(b.Argv[0]) != "mkdocs" || !slices.Equal(dirs, []string{"site"}) {
		return dirs
	}
	text, _ := p.FileOf(path.Join(b.Dir, "mkdocs.yml"))
	if m := siteSetting.FindStringSubmatch(text); m != nil {
		return []string{m[1]}
	}
	return dirs
}
