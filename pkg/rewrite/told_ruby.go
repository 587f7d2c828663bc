package rewrite

import (
	"path"
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
)

// A rubyConfig is a configuration in Ruby, as far as its text alone gives its paths: those of
// Puma and Unicorn are most often put together of __dir__ or Dir.pwd.
type rubyConfig struct {
	p    *Pass
	file string            // its path in the image
	vars map[string]string // what it assigns at the top
}

const (
	maxRubyVariables = 100
	maxRubyNesting   = 4
)

var (
	rubyAssign   = regexp.MustCompile(`(?m)^([a-zA-Z_]\w*)[ \t]*(?:\|\|)?=[ \t]*([^=\n][^\n]*?)[ \t]*$`)
	rubyInsert   = regexp.MustCompile(`#\{([^{}\n]*)\}`)
	rubyString   = regexp.MustCompile(`^(?:"([^"\n]*)"|'([^'\n]*)')$`)
	rubyCall     = regexp.MustCompile(`^(?:File|Pathname)\.(expand_path|join|dirname|new|absolute_path)[ (]\s*(.*?)\)?$`)
	rubyEnv      = regexp.MustCompile(`^ENV(?:\.fetch)?[\[(]\s*["'](\w+)["']\s*(?:,\s*(.+?))?[\])](?:\s*\{\s*(.+?)\s*\}|\s*\|\|\s*(.+))?$`)
	rubyValue    = regexp.MustCompile(`(?m)^([ \t]*(?:directory|working_directory|pidfile|pid|state_path|stdout_redirect|stderr_path|stdout_path|listen|bind|activate_control_app)[ \t(]+)((?:File|ENV|Pathname)[^\n]*?|[a-zA-Z_]\w*)([ \t)]*)$`)
	rubyBase     = regexp.MustCompile(`(?m)^[ \t]*(?:directory|working_directory)[ \t(]+["'](/[^"'\n]+)["']`)
	rubyRelative = regexp.MustCompile(`(?m)^([ \t]*(?:pidfile|pid|state_path|stdout_redirect|stderr_path|stdout_path|listen)[ \t(]+["'])(\w[\w.-]*/[^"'\s:]*["'])`)
	rubySecond   = regexp.MustCompile(`(?m)^([ \t]*stdout_redirect[ \t(]+[^,\n]+,[ \t]*["'])(\w[\w.-]*/)`)
	rubySocket   = regexp.MustCompile(`(?m)^([ \t]*(?:bind|activate_control_app)[ \t(]+["']unix://)(\w)`)
)

// spelledRuby writes the paths of a configuration in Ruby as absolute ones where they can be
// known: variables, "#{__dir__}/x", File.expand_path, and what is relative to the directory
// that it names or, without one, to where the program starts.
func spelledRuby(p *Pass, f configFile, text string) string {
	c := rubyConfig{p: p, file: f.name, vars: map[string]string{}}
	for _, m := range rubyAssign.FindAllStringSubmatch(text, maxRubyVariables) {
		if v, ok := c.value(m[2], 0); ok {
			c.vars[m[1]] = v
		}
	}
	added := 0
	text = rubyInsert.ReplaceAllStringFunc(text, func(use string) string {
		v, ok := c.value(strings.TrimSpace(use[2:len(use)-1]), 0)
		if added += len(v); !ok || added > content.MaxText {
			return use
		}
		return v
	})
	text = replaceGroups(rubyValue, text, func(m []string) string {
		if v, ok := c.value(strings.TrimSpace(m[2]), 0); ok {
			return m[1] + `"` + v + `"` + m[3]
		}
		return m[0]
	})
	base := p.End.Workdir
	if m := rubyBase.FindStringSubmatch(text); m != nil {
		base = path.Clean(m[1])
	}
	base = strings.TrimSuffix(base, "/") + "/"
	text = replaceGroups(rubyRelative, text, func(m []string) string { return m[1] + base + m[2] })
	text = replaceGroups(rubySecond, text, func(m []string) string { return m[1] + base + m[2] })
	return replaceGroups(rubySocket, text, func(m []string) string { return m[1] + base + m[2] })
}

// replaceGroups is ReplaceAllStringFunc with the groups of each match.
func replaceGroups(re *regexp.Regexp, text string, with func(groups []string) string) string {
	return re.ReplaceAllStringFunc(text, func(match string) string {
		if m := re.FindStringSubmatch(match); m != nil {
			return with(m)
		}
		return match
	})
}

// value returns what an expression gives, as far as that can be known.
func (c rubyConfig) value(expr string, depth int) (string, bool) {
	if depth > maxRubyNesting {
		return "", false
	}
	expr = strings.TrimSuffix(strings.TrimSuffix(expr, ".to_s"), ".freeze")
	switch expr {
	case "__dir__":
		return path.Dir(c.file), true
	case "__FILE__":
		return c.file, true
	case "Dir.pwd", "Dir.getwd", "Rails.root":
		return c.p.End.Workdir, true
	}
	if v, ok := c.vars[expr]; ok {
		return v, true
	}
	if m := rubyString.FindStringSubmatch(expr); m != nil {
		return c.inserted(m[1]+m[2], depth)
	}
	if m := rubyEnv.FindStringSubmatch(expr); m != nil {
		if v, ok := c.p.End.Env.Get(m[1]); ok && v != "" {
			return v, true
		}
		return c.value(m[2]+m[3]+m[4], depth+1)
	}
	if m := rubyCall.FindStringSubmatch(expr); m != nil {
		return c.call(m[1], m[2], depth)
	}
	return "", false
}

// inserted is a string with what #{…} stands for.
func (c rubyConfig) inserted(text string, depth int) (string, bool) {
	known := true
	text = rubyInsert.ReplaceAllStringFunc(text, func(use string) string {
		v, ok := c.value(strings.TrimSpace(use[2:len(use)-1]), depth+1)
		known = known && ok
		return v
	})
	return text, known && len(text) <= imagepath.MaxPath
}

// call is what a function of File makes of its arguments.
func (c rubyConfig) call(name, list string, depth int) (string, bool) {
	var args []string
	for _, a := range rubyArguments(list) {
		v, ok := c.value(strings.TrimSpace(a), depth+1)
		if !ok {
			return "", false
		}
		args = append(args, v)
	}
	switch {
	case len(args) == 0:
		return "", false
	case name == "dirname":
		return path.Dir(args[0]), true
	case name == "join" || name == "new":
		return path.Join(args...), true
	case len(args) == 1:
		return imagepath.Abs(c.p.End.Workdir, args[0]), true
	}
	return imagepath.Abs(imagepath.Abs(c.p.End.Workdir, args[1]), args[0]), true
}

// rubyArguments splits a list at the commas outside of parentheses and strings.
func rubyArguments(list string) []string {
	var out []string
	depth, quote, from := 0, rune(0), 0
	for i, r := range list {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			out, from = append(out, list[from:i]), i+1
		}
	}
	return append(out, list[from:])
}
