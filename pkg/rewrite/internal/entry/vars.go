package entry

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// variables are those that a start script sets, as far as its text tells.
type variables struct {
	set     map[string]string
	unknown map[string]bool     // set to something that only running it would tell
	may     map[string][]string // every value that the text gives them, under whatever condition
	local   map[string]local    // those that a branch sets: known as long as the script stands in it
}

// A local is the value that a branch of a script gives to a variable.
type local struct{ branch, value string }

func newVariables() variables {
	return variables{map[string]string{}, map[string]bool{}, map[string][]string{}, map[string]local{}}
}

func (v variables) clone() variables {
	return variables{maps.Clone(v.set), maps.Clone(v.unknown), maps.Clone(v.may), maps.Clone(v.local)}
}

func (v variables) put(name, value string) {
	v.set[name] = value
	delete(v.unknown, name)
	delete(v.local, name)
}

func (v variables) forget(name string) {
	delete(v.set, name)
	delete(v.local, name)
	v.unknown[name] = true
}

// enter makes known what the branch sets, or one around it, and unknown again what
// other branches set.
func (v variables) enter(branch string) {
	for name, l := range v.local {
		if imagepath.Below(branch, l.branch) {
			v.set[name] = l.value
			delete(v.unknown, name)
		} else {
			delete(v.set, name)
			v.unknown[name] = true
		}
	}
}

var (
	// usedVariable matches a variable in a word, and the start of what follows.
	UsedVariable = regexp.MustCompile(`\$(\{?)([A-Za-z_][A-Za-z0-9_]*)(:-)?`)
	// positional parameters and the like depend on how the script is called.
	positional   = regexp.MustCompile(`\$\{?[0-9@*#?$!-]`)
	givesDefault = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*):?=`)
)

// assign follows the assignments of a command: NAME=value, export NAME=value,
// : ${NAME:=value} and read NAME.
func (r *Reader) assign(c dockerfile.Command, ctx reach) {
	switch c.Name {
	case "":
		for _, a := range c.Assigns {
			r.assignOne(a, c, ctx)
		}
	case "export", "declare", "typeset", "readonly", "local":
		for _, w := range c.Args {
			r.assignOne(w.Value, c, ctx)
		}
	case ":", "true":
		for _, w := range c.Args {
			if m := givesDefault.FindStringSubmatch(w.Value); m != nil && !w.Static {
				r.assignOne(m[1]+"="+w.Value, c, ctx)
			}
		}
	case "read", "unset", "getopts", "mapfile":
		for _, w := range c.Args {
			if shellcmd.VariableName.MatchString(w.Value) {
				r.vars.forget(w.Value)
			}
		}
	}
}

func (r *Reader) assignOne(text string, c dockerfile.Command, ctx reach) {
	name, value, ok := strings.Cut(text, "=")
	if !ok || !shellcmd.VariableName.MatchString(name) {
		return
	}
	r.temporary[name] = makesTemporary.MatchString(value)
	value, known := r.expand(dockerfile.Word{Value: listed(value)})
	if words := strings.Fields(value); known && len(words) > 1 && DropTools[path.Base(words[0])] {
		// RUN_AS="gosu app", for a later exec $RUN_AS program.
		r.e.Drops = append(r.e.Drops, Drop{Tool: path.Base(words[0]), User: dropUser(words), Guarded: ctx.guarded, Where: r.where()})
	}
	if known && value != "" {
		r.vars.may[name] = append(r.vars.may[name], value)
	}
	if !c.Conditional {
		if known {
			r.vars.put(name, value)
		} else {
			r.vars.forget(name)
		}
		return
	}
	// [ -z "$NAME" ] && NAME=default
	isDefault := strings.Contains(c.Guard, "-z") && strings.Contains(c.Guard, name)
	have, set := r.env().Get(name)
	switch {
	case isDefault && set && have != "" && !r.vars.unknown[name]:
	case isDefault && known && !r.vars.unknown[name]:
		r.vars.put(name, value)
	case set && have == value && known:
	default:
		r.vars.forget(name)
		if known {
			r.vars.local[name] = local{r.branch, value}
			r.vars.enter(r.branch)
		}
	}
}

// listedPattern is a pattern that a script has spelled out: $(ls static/js/app.*.js).
var listedPattern = regexp.MustCompile("^\"?(?:\\$\\(|`)\\s*(?:ls|echo)\\s+(?:-1\\s+)?([^\\s\"'`|;&<>()]*[*?][^\\s\"'`|;&<>()/]*)\\s*(?:2>\\s*/dev/null\\s*)?(?:\\|\\s*(?:head|tail)\\s+-n?\\s*1\\s*)?(?:\\)|`)\"?$")

// makesTemporary matches a value that mktemp gives.
var makesTemporary = regexp.MustCompile("^\"?(?:\\$\\(|`)\\s*mktemp\\b")

// listed returns the pattern that a value lists, for what matters here the same as its files,
// and any other value as it is.
func listed(value string) string {
	if m := listedPattern.FindStringSubmatch(value); m != nil {
		return m[1]
	}
	return value
}

// where names what is read at the moment.
func (r *Reader) where() string {
	if r.self == "" {
		return "the command"
	}
	return r.self
}

func (r *Reader) env() *dockerfile.Env { return r.End.Env.Running(r.vars.set) }

// expand returns a word of a script with the variables that the image's
// environment or the script itself sets. HOME is another one for another user.
func (r *Reader) expand(w dockerfile.Word) (string, bool) {
	if w.Static || !strings.ContainsAny(w.Value, "$`\"'") {
		return w.Value, !strings.HasPrefix(w.Value, "~")
	}
	word := givesDefault.ReplaceAllString(r.withOwnDir(w.Value), "$${$1:-")
	if !simulate.SimpleVariables.MatchString(word) || positional.MatchString(word) {
		return "", false
	}
	env := r.env()
	for _, m := range UsedVariable.FindAllStringSubmatch(word, -1) {
		value, set := env.Get(m[2])
		// Without ENV, HOME is that of whoever the image runs as.
		if m[2] == "HOME" && !set || r.vars.unknown[m[2]] || set && value == "" && m[3] == "" {
			return "", false
		}
	}
	v, missing, err := env.Expand(word)
	return v, err == nil && len(missing) == 0 && !strings.HasPrefix(v, "~")
}

// value is expand for words that are paths: a variable has to hold an absolute one.
func (r *Reader) value(w dockerfile.Word) (string, bool) {
	v, ok := r.expand(w)
	return v, ok && (w.Static || path.IsAbs(v))
}

var (
	ownName = regexp.MustCompile(`\$\{(?:0|BASH_SOURCE(?:\[0\])?)\}|\$BASH_SOURCE\b`)
	ownPath = regexp.MustCompile(`\$\(\s*(?:readlink\s+-f|realpath)\s+(?:--\s+)?"?\$0"?\s*\)`)
	ownDir  = regexp.MustCompile("\\$\\(\\s*dirname\\s+(?:--\\s+)?\"?\\$0\"?\\s*\\)|`\\s*dirname\\s+(?:--\\s+)?\"?\\$0\"?\\s*`|\\$\\{0%/\\*\\}")
	cdPwd   = regexp.MustCompile(`\$\(\s*cd\s+(?:-P\s+|--\s+)*"?(/[A-Za-z0-9_./-]*)"?\s*(?:>\s*/dev/null(?:\s+2>&1)?\s*)?(?:&&|;)\s*pwd(?:\s+-P)?\s*\)`)
	// whichName is a program that a script looks up before it starts it.
	whichName = regexp.MustCompile("(?:\\$\\(|`)\\s*(?:which|command\\s+-v|type\\s+-p)\\s+\"?([A-Za-z0-9_./+-]+)\"?\\s*(?:2>\\s*/dev/null\\s*)?(?:\\|\\|\\s*(?:true|:|echo\\s+[\"'A-Za-z0-9_./+-]+)\\s*)?(?:\\)|`)")
	workDir   = regexp.MustCompile("\\$\\(\\s*pwd\\s*\\)|`pwd`|\\$\\{PWD\\}|\\$PWD\\b")
)

// withOwnDir replaces the usual ways in which a script asks for the directory that
// it lies in, or works in, and for where a program is.
func (r *Reader) withOwnDir(word string) string {
	if !strings.ContainsAny(word, "`(0") && !strings.Contains(word, "PWD") && !strings.Contains(word, "BASH_SOURCE") {
		return word
	}
	if r.self != "" && imagepath.Safe.MatchString(r.self) {
		// $ would be special in a replacement; safePath has none.
		word = ownName.ReplaceAllLiteralString(word, "$0")
		word = ownPath.ReplaceAllLiteralString(word, "$0")
		word = strings.ReplaceAll(word, "${0%/*}", path.Dir(r.self))
		word = ownDir.ReplaceAllLiteralString(word, path.Dir(r.self))
	}
	word = whichName.ReplaceAllString(word, "$1")
	if imagepath.Safe.MatchString(r.Dir) {
		word = workDir.ReplaceAllLiteralString(word, r.Dir)
	}
	return cdPwd.ReplaceAllStringFunc(word, func(m string) string { return path.Clean(cdPwd.FindStringSubmatch(m)[1]) })
}

// spelledOut returns a command with its variables replaced where that can be done,
// and for a name that is a variable the commands that its value stands for.
func (r *Reader) spelledOut(c dockerfile.Command) []dockerfile.Command {
	args, open := make([]dockerfile.Word, len(c.Args)), map[string]bool{}
	for i, w := range c.Args {
		if v, ok := r.expand(w); ok && !w.Static && v != "" {
			w.Value, w.Static = v, true
		}
		open[w.Value] = open[w.Value] || !w.Static
		args[i] = w
	}
	c.Args = args
	if !c.Dynamic {
		return []dockerfile.Command{c}
	}
	var out []dockerfile.Command
	for _, name := range r.mayCall(c.Path) {
		argv := []string{name}
		if !strings.ContainsAny(c.Path, `"'`) {
			argv = strings.Fields(name) // the shell splits what is not quoted
		}
		for _, k := range dockerfile.ExecCommands(append(argv, shellcmd.Words(args)...)) {
			for i := range k.Args {
				k.Args[i].Static = !open[k.Args[i].Value]
			}
			one := c
			one.Name, one.Path, one.Args, one.Dynamic = k.Name, k.Path, k.Args, k.Dynamic
			one.Via = slices.Concat(c.Via, k.Via)
			if k.As != nil {
				one.As = k.As
			}
			out = append(out, one)
		}
	}
	if out == nil {
		return []dockerfile.Command{c}
	}
	return out
}

// mayCall returns what the name of a command stands for: its value, or where that
// depends on a condition each that the script gives to the variable.
func (r *Reader) mayCall(name string) []string {
	if v, ok := r.expand(dockerfile.Word{Value: name}); ok {
		if strings.TrimSpace(v) == "" || strings.ContainsAny(v, "*?[") {
			return nil
		}
		return []string{v}
	}
	if m := oneVariable.FindStringSubmatch(name); m != nil {
		return r.vars.may[m[1]]
	}
	return nil
}

// oneVariable is a word that is a variable and nothing else.
var oneVariable = regexp.MustCompile(`^"?\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?"?$`)
