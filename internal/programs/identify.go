package programs

import (
	"slices"
	"strings"
)

// A Wrapper says how a program finds the command that it starts in its own
// arguments.
type Wrapper struct {
	// Values are the flags whose value is the next argument: "-u", "--init-file".
	Values []string
	// Words is the number of arguments before the command: 1 for gosu's
	// account, 1 for timeout's duration.
	Words int
	// Verbs are words of which one comes before the command: "exec" of
	// bundle, "run" of poetry. Without one of them it is not a wrapper.
	Verbs []string
	// Assigns: NAME=value arguments come before the command, as for env.
	Assigns bool
	// AfterDashes: the command comes after "--" only, as for wait-for-it.
	AfterDashes bool
	// Script: the first argument is a script or module that may itself be a
	// program of the table: python -m gunicorn, php artisan.
	Script bool
	// Modules are the flags whose value is such a program: -m, -jar.
	Modules []string
	// Drops: it changes to another account, and for that it has to start as
	// root. The account is the argument before the command.
	Drops bool
}

// A Command is an argument vector as Unwrap understands it.
type Command struct {
	// Via are the wrappers seen through, outermost first.
	Via []*Program
	// Program is the program that runs in the end; nil when it is unknown.
	Program *Program
	// Args is its argument vector, its name included. For a module or script
	// that an interpreter runs, it begins at the module or script.
	Args []string
	// Dir is where it starts, as far as scripts tell; "" for the working directory of the image.
	Dir string
	// User is the account that a wrapper such as gosu changes to, as
	// written; "" when none does.
	User string
	// Drops reports whether a wrapper changes the account.
	Drops bool
}

// Identify returns the program that an argument vector runs in the end, and
// its own arguments: tini, dumb-init, env, exec, gosu and their like are seen
// through, and so are interpreters whose script is a program of the table
// (python -m gunicorn, bundle exec puma, php artisan). prog is nil when the
// program is unknown. "sh -c" is left to the caller, who has a shell parser.
func Identify(argv []string) (prog *Program, inner []string) {
	c := Unwrap(argv)
	return c.Program, c.Args
}

// Inner returns the command that the first word of an argument vector starts, and the
// account it changes to on the way; ok is false when that word is no wrapper.
func Inner(argv []string) (wrapper *Program, inner []string, user string, ok bool) {
	if len(argv) == 0 {
		return nil, nil, "", false
	}
	p, known := Lookup(argv[0])
	if !known || p.Wrapper == nil {
		return nil, nil, "", false
	}
	inner, user = p.Wrapper.inner(argv[1:])
	return p, inner, user, len(inner) > 0
}

// Unwrap is Identify that also says what it saw through.
func Unwrap(argv []string) Command {
	c := Command{Args: argv}
	for len(c.Args) > 0 {
		if p, ok := invoked(c.Args); ok {
			c.Program = p
			return c
		}
		p, ok := Lookup(c.Args[0])
		if !ok {
			c.Program = nil
			return c
		}
		c.Program = p
		if p.Wrapper == nil {
			return c
		}
		rest, user := p.Wrapper.inner(c.Args[1:])
		if len(rest) == 0 {
			return c
		}
		if p.Wrapper.Script {
			if _, ok := Lookup(rest[0]); !ok {
				return c
			}
		}
		if p.Wrapper.Drops {
			c.Drops = true
			c.User = user
		}
		c.Via = append(c.Via, p)
		c.Args = rest
	}
	c.Program = nil
	return c
}

// inner returns the command in a wrapper's arguments, nil when there is none,
// and the last word before it.
func (w *Wrapper) inner(args []string) (command []string, word string) {
	if w.AfterDashes {
		if i := slices.Index(args, "--"); i >= 0 {
			return args[i+1:], ""
		}
		return nil, ""
	}
	words, verbs := w.Words, w.Verbs
	for len(args) > 0 {
		arg := args[0]
		switch {
		case arg == "--":
			args = args[1:]
			if words == 0 && len(verbs) == 0 {
				return args, word
			}
			continue
		case slices.Contains(w.Modules, arg):
			return args[1:], word
		case slices.Contains(w.Values, arg):
			if len(args) > 1 && w.Drops && isUserFlag(arg) {
				word = args[1]
			}
			args = args[min(2, len(args)):]
			continue
		case len(arg) > 1 && arg[0] == '-':
			args = args[1:]
			continue
		case w.Assigns && strings.Contains(arg, "="):
			args = args[1:]
			continue
		case len(verbs) > 0:
			if !slices.Contains(verbs, arg) {
				return nil, ""
			}
			verbs = nil
			args = args[1:]
			continue
		case words > 0:
			words--
			word = arg
			args = args[1:]
			continue
		}
		return args, word
	}
	return nil, ""
}

func isUserFlag(flag string) bool {
	switch flag {
	case "-u", "--user", "--reuid", "--chuid", "-c":
		return true
	}
	return false
}
