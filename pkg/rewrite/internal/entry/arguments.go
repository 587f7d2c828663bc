package entry

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// A reader is the text of a script that reads another one.
type reader struct {
	text  string
	words map[string]bool // that stand in it, nil until somebody asks
}

var shellWord = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_:-]*`)

func (t *reader) has(word string) bool {
	if t.words == nil {
		t.words = map[string]bool{}
		for _, w := range shellWord.FindAllString(t.text, -1) {
			t.words[w] = true
		}
	}
	return t.words[word]
}

// readerCalls reports whether a function that its own file does not call is one for a script
// that reads the file: a library.
func (r *Reader) readerCalls(function string) bool {
	return function != "" && slices.ContainsFunc(r.readers, func(t *reader) bool { return t.has(function) })
}

// maxCalls bounds how many calls of a function are followed.
const maxCalls = 16

// noteCalls remembers with which arguments a script calls its functions, and those of the
// files that it reads.
func (r *Reader) noteCalls(cmds []dockerfile.Command) {
	for _, c := range cmds {
		switch {
		case c.Name == "shift" || c.Name == "getopts" || c.Name == "set" && len(c.Args) > 0 && c.Args[0].Value == "--":
			r.shifts[r.functionKey(c.Func)] = true
		case c.Dynamic || c.Dead || len(c.Args) == 0 || len(r.calls[c.Path]) >= maxCalls:
		default:
			r.calls[c.Path] = append(r.calls[c.Path], c.Args)
		}
	}
}

// functionKey names a function, or for "" the script that is read.
func (r *Reader) functionKey(function string) string {
	if function == "" {
		return "/" + strconv.Itoa(r.texts)
	}
	return function
}

// sameFunction returns how many of the first commands stand in the same function, or in none.
func sameFunction(cmds []dockerfile.Command) int {
	n := slices.IndexFunc(cmds, func(c dockerfile.Command) bool { return c.Func != cmds[0].Func })
	if n < 0 {
		return len(cmds)
	}
	return n
}

// argumentsOf returns with which arguments commands run that stand in one function: those of
// each of its calls, or of the script where they stand in none. There is always one answer,
// nil where nothing is known.
func (r *Reader) argumentsOf(cmds []dockerfile.Command) [][]dockerfile.Word {
	function := cmds[0].Func
	if r.shifts[r.functionKey(function)] || !slices.ContainsFunc(cmds, usesArguments) {
		return [][]dockerfile.Word{nil}
	}
	if calls := r.calls[function]; function != "" && len(calls) > 0 {
		return calls
	}
	if function != "" {
		return [][]dockerfile.Word{nil}
	}
	var args []dockerfile.Word
	for _, a := range r.args {
		args = append(args, dockerfile.Word{Value: a, Static: true})
	}
	return [][]dockerfile.Word{args}
}

// argument matches the use of one argument, with what stands for it where it is not given.
var argument = regexp.MustCompile(`\$([1-9])|\$\{([1-9])(?::?-[^{}$]*)?\}`)

func usesArguments(c dockerfile.Command) bool {
	return slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return !w.Static && argument.MatchString(w.Value) }) ||
		slices.ContainsFunc(c.Redirects, func(red dockerfile.Redirect) bool {
			return !red.Target.Static && argument.MatchString(red.Target.Value)
		}) ||
		slices.ContainsFunc(c.Assigns, argument.MatchString)
}

// withArguments puts arguments that are known into the words of a command. What depends on
// them stays as it is: with others it may be another branch that runs.
func (r *Reader) withArguments(c dockerfile.Command, args []dockerfile.Word) dockerfile.Command {
	if len(args) == 0 || positional.MatchString(c.Guard) || !usesArguments(c) {
		return c
	}
	fill := func(text string) string {
		return argument.ReplaceAllStringFunc(text, func(use string) string {
			m := argument.FindStringSubmatch(use)
			n, _ := strconv.Atoi(m[1] + m[2])
			if n > len(args) || !args[n-1].Static || !safeArgument.MatchString(args[n-1].Value) {
				return use
			}
			return args[n-1].Value
		})
	}
	word := func(w dockerfile.Word) dockerfile.Word {
		if !w.Static {
			w.Value = fill(w.Value)
		}
		return w
	}
	c.Args, c.Redirects, c.Assigns = slices.Clone(c.Args), slices.Clone(c.Redirects), slices.Clone(c.Assigns)
	for i, w := range c.Args {
		c.Args[i] = word(w)
	}
	for i := range c.Redirects {
		c.Redirects[i].Target = word(c.Redirects[i].Target)
	}
	for i, a := range c.Assigns {
		c.Assigns[i] = fill(a)
	}
	return c
}

// safeArgument is an argument that means the same with quotes and without.
var safeArgument = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+,-]+$`)

// given notes what the script is called with that is read next.
func (r *Reader) given(args []string) { r.next = args }

// splitString opens env -S "command and arguments" (env(1)).
func splitString(argv []string) []string {
	if len(argv) < 2 || !strings.HasSuffix("/"+argv[0], "/env") {
		return argv
	}
	for _, option := range []string{"--split-string=", "-S", "-vS"} {
		text, ok := strings.CutPrefix(argv[1], option)
		switch {
		case ok && text != "":
			return slices.Concat(argv[:1], strings.Fields(text), argv[2:])
		case ok && len(argv) > 2, argv[1] == "--split-string" && len(argv) > 2:
			return slices.Concat(argv[:1], strings.Fields(argv[2]), argv[3:])
		}
	}
	return argv
}

// shellArguments returns what sh -c TEXT is given behind the text that the text starts:
// exec "$@" or "$0" "$@".
func shellArguments(argv []string, text string) []string {
	i := slices.Index(argv, text)
	rest := argv[i+1:]
	if i < 0 || len(rest) == 0 || !allArguments.MatchString(text) {
		return nil
	}
	if !zeroArgument.MatchString(text) {
		rest = rest[1:]
	}
	return rest
}

var (
	allArguments = regexp.MustCompile(`\$[@*]|\$\{[@*]`)
	zeroArgument = regexp.MustCompile(`\$0|\$\{0\}`)
)
