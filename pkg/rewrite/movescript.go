package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// commandsDir is where a start script goes that the user could not read under /root.
const commandsDir = "/usr/local/bin"

// asksForItself is what makes a script depend on where it lies, or on the home of root.
var asksForItself = regexp.MustCompile(`\$\{?0|BASH_SOURCE|\bHOME\b|~|/root\b`)

// forEveryone is a mode that lets every user start a script.
var forEveryone = regexp.MustCompile(`^(a?\+r?x|0?[0-7][0-7][57])$`)

// loneScript returns the start script that is all that the image has under /root, where
// it can lie anywhere else as well; "" when there is more, or it may not.
func (p *Pass) loneScript() string {
	i := slices.IndexFunc(p.End.Copies, func(c simulate.Copy) bool {
		return c.By.Stage == p.Stage && imagepath.Below(path.Clean(c.Dest), "/root")
	})
	if i < 0 {
		return ""
	}
	c := p.End.Copies[i]
	name := path.Clean(c.Dest)
	if len(c.Sources) != 1 || c.From != "" || strings.HasSuffix(c.Dest, "/") || name == "/root" || path.Dir(name) != "/root" || !strings.Contains(path.Base(name), ".") {
		return ""
	}
	text, ok := p.FileOf(name)
	if !ok || !slices.Contains(p.Entry.Scripts, name) || asksForItself.MatchString(text) || imagepath.Below(p.End.Workdir, "/root") {
		return ""
	}
	if chmod, has := c.By.Flag("chmod"); has && !forEveryone.MatchString(chmod) {
		return ""
	}
	for _, in := range p.Doc.Instructions {
		if in.Index > lastIn(p.Stage).Index && namesRoot(in.Original) && p.builtOn(in.Stage) {
			return ""
		}
	}
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if !p.namesOnly(in, name) {
				return ""
			}
		}
	}
	return name
}

// namesOnly reports whether an instruction names nothing under /root but the script, and
// a RUN no more than to change its mode.
func (p *Pass) namesOnly(in *dockerfile.Instruction, name string) bool {
	for _, h := range in.Heredocs {
		if namesRoot(h.Content) && in.Keyword != "COPY" {
			return false
		}
	}
	if !namesRoot(in.Original) {
		return p.rootUse(in) == ""
	}
	all := len(rootPath.FindAllString(in.Original, -1))
	if in.Stage != p.Stage || all != len(scriptPath(name).FindAllString(in.Original, -1)) {
		return false
	}
	switch in.Keyword {
	case "CMD", "ENTRYPOINT", "COPY", "ADD":
		return true
	case "RUN":
		script, err := p.Doc.Script(in)
		return err == nil && !slices.ContainsFunc(script.Commands(), func(c dockerfile.Command) bool {
			named := slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return strings.Contains(w.Value, "/root") })
			return named && (c.Name != "chmod" || !forEveryone.MatchString(c.Args[0].Value))
		})
	}
	return false
}

// scriptPath matches the path of the script as a whole word.
func scriptPath(name string) *regexp.Regexp {
	return regexp.MustCompile(`(^|[^A-Za-z0-9_./~-])(` + regexp.QuoteMeta(name) + `)([^A-Za-z0-9_./-]|$)`)
}

// moveScript replaces /root before the name of the script.
func (p *Pass) moveScript() []Change {
	var out []Change
	script := scriptPath(p.loneScript())
	for _, in := range p.Stage.Instructions {
		for _, m := range script.FindAllStringSubmatchIndex(in.Original, -1) {
			out = append(out, Change{kind: replaceText, at: in, from: m[4], to: m[4] + len("/root"), text: commandsDir})
		}
	}
	return out
}
