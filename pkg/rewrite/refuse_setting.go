package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
)

// configuredAccount refuses programs whose configuration names an account to change to,
// and that stop where they cannot: stunnel's setgid, haproxy's user.
func (p *Pass) configuredAccount() *Refusal {
	for _, c := range append(slices.Clone(p.Entry.Programs), p.likely()...) {
		if c.Program == nil {
			continue
		}
		for _, v := range c.Program.Variants {
			for _, n := range v.Needs {
				if !n.Changes {
					continue
				}
				if r := p.changesAccount(c, n); r != nil {
					return r
				}
			}
		}
	}
	return nil
}

func (p *Pass) changesAccount(c programs.Command, n programs.Need) *Refusal {
	for _, t := range p.configTexts(p.configFile(n, c.Args, "")) {
		for _, s := range settingsIn(t.text, n.Setting) {
			if s.value == "" || s.value == "root" || s.value == "0" || strings.HasPrefix(s.value, "$") || n.Own && p.namesOwn(s.value) {
				continue
			}
			return &Refusal{Reason: DropsPrivilegesItself, Line: p.at(p.Entry.By),
				Message: fmt.Sprintf("%s changes to %s itself, as %s in %s tells it, and stops where it cannot", c.Program.Name, dockerfile.Clip(s.value, 40), s.name, t.where),
				Hint:    sentence(n.Fix)}
		}
	}
	return nil
}

// namesOwn reports whether a name or number is that of the account, or of its group, that
// the image comes to run as.
func (p *Pass) namesOwn(value string) bool {
	c := p.choose()
	if value == c.Name {
		return true
	}
	if n, err := strconv.Atoi(value); err == nil {
		return c.UID.Known && c.UID.N == n || c.GID.Known && c.GID.N == n
	}
	return p.toldGroup(c, value)
}

// configFile returns the configuration file that a setting stands in: the one that the
// arguments name, else the program's usual one.
func (p *Pass) configFile(n programs.Need, argv []string, version string) string {
	if n.File == "" {
		return ""
	}
	for _, a := range argv[min(1, len(argv)):] {
		if option, value, ok := strings.Cut(a, "="); ok && strings.HasPrefix(option, "-") {
			a = value
		}
		a, _, _ = strings.Cut(a, ":") // the section of the file, for uwsgi
		if path.Ext(a) != "" && path.Ext(a) == path.Ext(n.File) {
			return imagepath.Abs(p.End.Workdir, a)
		}
	}
	return strings.ReplaceAll(n.File, "{version}", version)
}

// A configText is what is known of a configuration file, or what writes it.
type configText struct{ where, text string }

// configTexts returns the text of a configuration file, where a COPY or a step brings it
// whole, and the steps and start scripts that write some of it.
func (p *Pass) configTexts(file string) []configText {
	var out []configText
	if text, ok := p.FileOf(file); ok {
		out = append(out, configText{file, text})
	} else {
		for _, stage := range p.Chain {
			for _, in := range stage.Instructions {
				if in.Keyword == "RUN" && strings.Contains(in.Original, path.Base(file)) {
					out = append(out, configText{fmt.Sprintf("line %d", in.Line), stepText(in)})
				}
			}
		}
	}
	for _, name := range p.Entry.Scripts {
		if text, ok := p.FileOf(p.End.Resolve(name)); ok && strings.Contains(text, path.Base(file)) {
			out = append(out, configText{name, text})
		}
	}
	return out
}

// stepText is a step with the heredocs that belong to it.
func stepText(in *dockerfile.Instruction) string {
	text := in.Original
	for _, h := range in.Heredocs {
		text += "\n" + h.Content
	}
	return text
}

// A configSetting is a line of a configuration.
type configSetting struct{ name, value string }

// printed is how a step or a script writes a line of a file.
var printed = regexp.MustCompile(`^(?:RUN\s+|[{(]\s*)*(?:echo|printf)\s+(?:-[en]+\s+)?["']?`)

// inScript ends lines where a step or a script ends them for the file it writes.
var inScript = strings.NewReplacer(`\n`, "\n", "&&", "\n")

// settingsIn returns the lines of a configuration that give one of the settings a value:
// "setuid = nobody", "user haproxy", "username: unbound". The configuration may stand in a
// script that prints it.
func settingsIn(text, settings string) []configSetting {
	names := strings.Split(strings.ReplaceAll(settings, " ", ""), ",")
	var out []configSetting
	logins := false
	for line := range strings.SplitSeq(inScript.Replace(text), "\n") {
		line = strings.TrimSpace(printed.ReplaceAllString(strings.TrimSpace(line), ""))
		name, value := line, ""
		if i := strings.IndexAny(line, " \t=:"); i >= 0 {
			name, value = line[:i], strings.TrimLeft(line[i:], " \t=:")
		}
		switch {
		case name == "userlist": // of haproxy, whose users are logins
			logins = true
		case slices.Contains(haproxySections, name):
			logins = false
		case slices.Contains(names, name) && !logins:
			if value, ok := oneWord(value); ok {
				out = append(out, configSetting{name, value})
			}
		}
	}
	return out
}

// oneWord returns the value of a setting without quotes, a comment and what follows it in
// a script.
func oneWord(value string) (string, bool) {
	if i := strings.IndexAny(value, "#>"); i >= 0 {
		value = value[:i]
	}
	words := strings.Fields(strings.Trim(strings.TrimSpace(value), `"'\`))
	if len(words) > 1 {
		return "", false
	}
	return strings.Trim(strings.Join(words, ""), `"'`), true
}

// haproxySections begin the sections of haproxy's configuration.
var haproxySections = []string{"global", "defaults", "frontend", "backend", "listen", "peers", "resolvers", "mailers", "cache", "program"}

// hasSetting reports whether a configuration gives one of the settings a value.
func hasSetting(text, settings string) bool {
	return slices.ContainsFunc(settingsIn(text, settings), func(s configSetting) bool { return s.value != "" })
}
