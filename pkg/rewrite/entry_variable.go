package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// assign remembers what a script assigns to a variable: NAME=value of a command
// without a name. All values of a variable that is set more than once count,
// because which one holds in the end is not known.
func (r *entryReader) assign(c dockerfile.Command) {
	for _, a := range c.Assigns {
		name, value, ok := strings.Cut(a, "=")
		if !ok || value == "" || strings.ContainsAny(value, "$`\"'\\(") {
			continue
		}
		if r.variables == nil {
			r.variables = map[string][]string{}
		}
		r.variables[name] = append(r.variables[name], value)
	}
}

// oneVariable is a word that is a variable and nothing else.
var oneVariable = regexp.MustCompile(`^"?\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?"?$`)

// dynamic follows a command whose name is a variable that the script itself has
// set: exec $systemd.
func (r *entryReader) dynamic(c dockerfile.Command, where string, ctx reach, depth int) {
	m := oneVariable.FindStringSubmatch(c.Name)
	if m == nil {
		return
	}
	for _, value := range r.variables[m[1]] {
		argv := strings.Fields(value)
		if len(argv) > 0 && !strings.HasPrefix(argv[0], "-") {
			name := c
			name.Name, name.Path = path.Base(argv[0]), argv[0]
			for _, w := range slices.Backward(argv[1:]) {
				name.Args = append([]dockerfile.Word{{Value: w, Static: true}}, name.Args...)
			}
			r.act(name, name.Name, where, ctx)
			r.follow(append(argv, words(c.Args)...), where, ctx, depth+1)
		}
	}
}
