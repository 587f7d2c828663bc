package entry

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
)

// rendersFor are programs that fill in templates which options or files of settings name, and
// start a program then (github.com/jwilder/dockerize, hashicorp/consul-template,
// docs/configuration.md, developer.hashicorp.com/vault/docs/agent-and-proxy/agent,
// kelseyhightower/confd, docs/template-resources.md).
var rendersFor = map[string]bool{"dockerize": true, "consul-template": true, "vault": true, "bao": true, "confd": true}

// renders notes what a command in exec form fills in, be it behind others: tini -- dockerize.
func (r *Reader) renders(argv []string, where string, ctx reach, depth int) {
	for range maxFollow {
		if len(argv) == 0 {
			return
		}
		if name := path.Base(argv[0]); rendersFor[name] {
			c := dockerfile.Command{Name: name, Path: argv[0]}
			for _, w := range argv[1:] {
				c.Args = append(c.Args, dockerfile.Word{Value: w, Static: true})
			}
			r.act(c, name, where, ctx)
			r.rendered(argv, where, ctx, depth)
			return
		}
		_, inner, _, ok := programs.Inner(argv)
		if !ok {
			return
		}
		argv = inner
	}
}

// rendered notes what the settings of a program that fills in templates say it writes, and
// follows the program that it starts then.
func (r *Reader) rendered(argv []string, where string, ctx reach, depth int) {
	name := path.Base(argv[0])
	if name != "consul-template" && (name != "vault" && name != "bao" || len(argv) < 2 || argv[1] != "agent" && argv[1] != "proxy") {
		return
	}
	for _, file := range shellcmd.GoValues(argv, "config") {
		for _, f := range r.settingsFiles(file) {
			r.renderedBySettings(f, name, where, ctx, depth)
		}
	}
	for _, text := range shellcmd.GoValues(argv, "exec") {
		r.text(text, where, ctx, depth+1)
	}
}

// settingsFiles returns the files that -config names: one, or those of a directory.
func (r *Reader) settingsFiles(name string) []string {
	name = imagepath.Abs(r.Dir, name)
	if _, ok := r.FileOf(name); ok || path.Ext(name) != "" {
		return []string{name}
	}
	files, _ := r.CopiedFiles(path.Join(name, "*.hcl"))
	return files
}

var (
	// renamedSetting matches what Consul Template and Vault Agent put other files in the place
	// of (renderer/renderer.go, AtomicWrite; agentproxyshared/sink/file), and openedSetting what
	// they open.
	renamedSetting = regexp.MustCompile(`\bdestination\s*=\s*"(/[^"\s]+)"|\bsink\b[^{}]*\{[^{}]*\bconfig\s*=?\s*\{[^{}]*?\bpath\s*=\s*"(/[^"\s]+)"`)
	openedSetting  = regexp.MustCompile(`(?m)^[ \t]*pid_file\s*=\s*"(/[^"\s]+)"`)
	execSetting    = regexp.MustCompile(`\bexec\s*\{[^{}]*?\bcommand\s*=\s*(\[[^\]]*\]|"(?:\\.|[^"\\])*")`)
)

// toldBy names a program by the file that tells it what to write.
func toldBy(program, file string) string {
	return program + ", as " + path.Base(file) + " tells it,"
}

// renderedBySettings reads one file of settings in HCL.
func (r *Reader) renderedBySettings(name, program, where string, ctx reach, depth int) {
	text, ok := r.FileOf(name)
	if !ok || len(text) > content.MaxText {
		return
	}
	text = content.LineComments.ReplaceAllString(text, "")
	if by := toldBy(program, name); !ctx.guarded {
		for _, m := range renamedSetting.FindAllStringSubmatch(text, content.MaxSettings) {
			r.e.note([]written{{path: r.at(m[1]+m[2], true), file: true}}, by)
		}
		for _, m := range openedSetting.FindAllStringSubmatch(text, content.MaxSettings) {
			r.e.note([]written{{path: r.at(m[1], false), file: true, opened: true}}, by)
		}
	}
	for _, m := range execSetting.FindAllStringSubmatchIndex(text, content.MaxSettings) {
		if strings.Count(text[:m[0]], "{") != strings.Count(text[:m[0]], "}") {
			continue // a command for one template, which tells the program of the change
		}
		r.startedBySettings(text[m[2]:m[3]], where, ctx, depth)
	}
}

// startedBySettings follows the value of command: a list of words, or a text for a shell.
func (r *Reader) startedBySettings(value, where string, ctx reach, depth int) {
	var argv []string
	var text string
	switch {
	case json.Unmarshal([]byte(value), &argv) == nil && len(argv) > 1:
		r.follow(argv, where, ctx, depth+1)
	case len(argv) == 1:
		r.text(argv[0], where, ctx, depth+1)
	case json.Unmarshal([]byte(value), &text) == nil:
		r.text(text, where, ctx, depth+1)
	}
}

var (
	confdDest  = regexp.MustCompile(`(?m)^[ \t]*dest[ \t]*=[ \t]*["'](/[^"'\s]+)["']`)
	confdOwner = regexp.MustCompile(`(?m)^[ \t]*(uid|gid|owner|group)[ \t]*=`)
)

// confdWrites returns what confd puts other files in the place of. ok is false where not all
// its settings could be read, or where they have it change owners.
func (r *Reader) confdWrites(args []dockerfile.Word) (ws []written, ok bool) {
	dir := "/etc/confd"
	for _, v := range shellcmd.GoValues(shellcmd.Words(r.readable(args)), "confdir") {
		dir = v
	}
	files, ok := r.CopiedFiles(path.Join(dir, "conf.d/*.toml"))
	if !ok || len(files) == 0 || !path.IsAbs(dir) || r.Base.Origin.Kind == "none" {
		return nil, false
	}
	for _, f := range files {
		text, read := r.FileOf(f)
		text = content.LineComments.ReplaceAllString(text, "")
		m := confdDest.FindStringSubmatch(text)
		if !read || m == nil || confdOwner.MatchString(text) {
			return nil, false
		}
		ws = append(ws, written{path: r.at(m[1], true), file: true})
	}
	return slices.DeleteFunc(ws, func(w written) bool { return w.path == "" }), true
}

// fillsIn notes what confd writes, and reports whether its settings tell.
func (r *Reader) fillsIn(c dockerfile.Command, where string) bool {
	ws, ok := r.confdWrites(c.Args)
	if ok && !c.FailureHandled {
		r.e.note(ws, where)
	}
	return ok
}
