// Package shellcmd reads the command lines of build steps and start scripts: options and operands,
// loops and braces, modes, and which of its words a command writes to. It knows the commands and
// nothing of images.
package shellcmd

import (
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// Options are the options of a command line, split from its operands.
type Options struct {
	Flags  []string
	Values map[string]string
}

// Has reports whether a flag is among the options, with or without an argument.
func (o Options) Has(flag string) bool { return slices.Contains(o.Flags, flag) }

// Value returns the argument given for the key under which Split was
// told to file an option, "" when there is none or it is unknown.
func (o Options) Value(key string) string { return o.Values[key] }

// cluster reads short options, -rm -u1000 -u 1000, and returns the index of the
// last word it used.
func (o *Options) cluster(args []dockerfile.Word, i int, takes map[string]string) int {
	word := args[i].Value
	for j := 1; j < len(word); j++ {
		flag := "-" + word[j:j+1]
		o.Flags = append(o.Flags, flag)
		key, wants := takes[flag]
		if !wants {
			continue
		}
		value, static := word[j+1:], args[i].Static
		if value == "" && i+1 < len(args) {
			i++
			value, static = args[i].Value, args[i].Static
		}
		o.Values[key] = ""
		if static {
			o.Values[key] = value
		}
		return i
	}
	return i
}

// Split separates options from operands as getopt does, options and
// operands in any order. takes maps options that have an argument to a key.
// Words that cannot be known are left out of both.
func Split(args []dockerfile.Word, takes map[string]string) (Options, []string) {
	o := Options{Values: map[string]string{}}
	var operands []string
	for i := 0; i < len(args); i++ {
		w := args[i]
		switch {
		case w.Value == "--":
			for _, rest := range args[i+1:] {
				if rest.Static {
					operands = append(operands, rest.Value)
				}
			}
			return o, operands
		case strings.HasPrefix(w.Value, "--"):
			name, value, has := strings.Cut(w.Value, "=")
			key, wants := takes[name]
			o.Flags = append(o.Flags, name)
			if !wants {
				continue
			}
			static := w.Static
			if !has && i+1 < len(args) {
				i++
				value, static = args[i].Value, args[i].Static
			}
			if static {
				o.Values[key] = value
			} else {
				o.Values[key] = ""
			}
		case len(w.Value) > 1 && w.Value[0] == '-':
			i = o.cluster(args, i, takes)
		case w.Static:
			operands = append(operands, w.Value)
		}
	}
	return o, operands
}

// CutOwner splits the OWNER[:GROUP] of chown and --chown; the old form with a dot is read too.
func CutOwner(w string) (user, group string, hasGroup bool) {
	if i := strings.IndexAny(w, ":."); i >= 0 {
		return w[:i], w[i+1:], true
	}
	return w, "", false
}

// GoValues returns the values that a program in Go is given for a flag: -name value,
// --name=value (pkg.go.dev/flag).
func GoValues(argv []string, name string) []string {
	var out []string
	for i, w := range argv {
		flag, value, assigned := strings.Cut(w, "=")
		if flag != "-"+name && flag != "--"+name {
			continue
		}
		if !assigned {
			if i+1 >= len(argv) {
				continue
			}
			value = argv[i+1]
		}
		out = append(out, value)
	}
	return out
}
