package dockerfile

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// An Env holds the variables that are visible at some point of a stage. It is
// not safe for concurrent use.
type Env struct {
	resolver *Resolver
	vars     map[string]string // ENV and ARG: the later one wins
	env      map[string]string // ENV alone: what the image gets
	windows  bool
}

func (r *Resolver) newEnv() *Env {
	os, _, _ := splitPlatform(r.platform)
	return &Env{resolver: r, vars: map[string]string{}, env: map[string]string{}, windows: os == "windows"}
}

// defaultPath is what BuildKit sets where the base image has no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Env returns the variables at the start of a stage, given the environment of
// its base image as K=V.
func (r *Resolver) Env(base []string) *Env {
	e := r.newEnv()
	for _, kv := range base {
		k, v, _ := strings.Cut(kv, "=")
		e.vars[k], e.env[k] = v, v
	}
	if _, ok := e.env["PATH"]; !ok && !e.windows {
		e.vars["PATH"], e.env["PATH"] = defaultPath, defaultPath
	}
	return e
}

// Child returns the variables at the start of a stage that is FROM the stage
// which ended with e: BuildKit hands on its ARGs too, and ENV wins over them
// again.
func (e *Env) Child() *Env {
	c := e.Clone()
	maps.Copy(c.vars, c.env)
	return c
}

// Clone returns a copy that shares nothing with e.
func (e *Env) Clone() *Env {
	c := *e
	c.vars, c.env = maps.Clone(e.vars), maps.Clone(e.env)
	return &c
}

// Running returns the variables that a process of the image sees, with those that
// a script of it has set. ARGs are gone by then.
func (e *Env) Running(set map[string]string) *Env {
	c := *e
	c.env = maps.Clone(e.env)
	maps.Copy(c.env, set)
	c.vars = c.env
	return &c
}

// Apply makes the changes of an ENV or ARG instruction; others change nothing.
// A value that cannot be expanded is taken as it is written: Base and Expand
// report such words, and a build stops at them anyway.
func (e *Env) Apply(in *Instruction) {
	switch in.Keyword {
	case "ENV":
		// All words of one instruction see the variables before it.
		type pair struct{ k, v string }
		var set []pair
		for _, kv := range in.KeyValues() {
			set = append(set, pair{e.expandOr(kv.Key), e.expandOr(kv.Value)})
		}
		for _, p := range set {
			e.vars[p.k], e.env[p.k] = p.v, p.v
		}
	case "ARG":
		for _, kv := range in.KeyValues() {
			if v, ok := e.argValue(kv); ok {
				e.vars[kv.Key] = v
			}
		}
	}
}

// argValue follows dispatchArg of BuildKit.
func (e *Env) argValue(kv KeyValue) (string, bool) {
	if v, ok := e.resolver.buildArgs[kv.Key]; ok {
		return v, true
	}
	if kv.HasValue {
		return e.expandOr(kv.Value), true
	}
	return e.resolver.globals.Get(kv.Key)
}

func (e *Env) expandOr(word string) string {
	v, _, err := e.Expand(word)
	if err != nil {
		return word
	}
	return v
}

// Get returns the value of a variable.
func (e *Env) Get(key string) (string, bool) {
	v, ok := e.vars[key]
	return v, ok
}

// Len is how many variables there are.
func (e *Env) Len() int { return len(e.vars) + len(e.env) }

// Keys returns the names of all variables; BuildKit's lexer asks for it.
func (e *Env) Keys() []string { return slices.Sorted(maps.Keys(e.vars)) }

// List returns the environment of the image as sorted K=V: ENV without ARG.
func (e *Env) List() []string {
	out := make([]string, 0, len(e.env))
	for k, v := range e.env {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

// Expand returns a word with its variables replaced and its quotes removed, as
// BuildKit does for USER, WORKDIR, COPY and the like. missing names the
// variables that are used without a default, are not set, and make a
// difference.
func (e *Env) Expand(word string) (value string, missing []string, err error) {
	if !strings.ContainsAny(word, "$\"'<") && strings.IndexByte(word, e.resolver.doc.Escape) < 0 {
		return word, nil, nil
	}
	if e.cost(word) > maxExpansion {
		return "", nil, fmt.Errorf("expanding %q: the result may be larger than %d bytes", printable(word), maxExpansion)
	}
	res, err := e.lex().ProcessWordWithMatches(word, e)
	if err != nil {
		return "", nil, fmt.Errorf("expanding %q: %s", printable(word), printable(cause(err, word)))
	}
	for name := range res.Unmatched {
		if usedBare(word, name) && e.matters(word, name, res.Result) {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return res.Result, missing, nil
}

// maxExpansion bounds what a word may expand to. Without it a few lines of
// ENV a=$a$a… fill the memory. The kernel takes 128 KiB per variable.
const maxExpansion = 8 << 20

// cost returns a bound for the size that the word expands to.
func (e *Env) cost(word string) int {
	longest := 1
	for _, v := range e.vars {
		longest = max(longest, len(v))
	}
	n := longest * strings.Count(word, "$")
	if strings.Contains(word, "${") && strings.Contains(word, "//") {
		n *= longest // ${a//?/$b} puts b in the place of each character of a
	}
	return n + len(word)
}

// lex returns a new lexer: one must not be used twice at a time.
func (e *Env) lex() *shell.Lex { return shell.NewLex(rune(e.resolver.doc.Escape)) }

// cause shortens the lexer's message, which repeats the word.
func cause(err error, word string) string {
	return strings.TrimPrefix(err.Error(), fmt.Sprintf("failed to process %q: ", word))
}

// usedBare reports whether word uses the variable other than as ${name:-…}
// or ${name:+…}, which say what to do when it is not set.
func usedBare(word, name string) bool {
	for use := range uses(word, name) {
		if use.braces && (strings.HasPrefix(use.rest, "-") || strings.HasPrefix(use.rest, "+") ||
			strings.HasPrefix(use.rest, ":-") || strings.HasPrefix(use.rest, ":+")) {
			continue
		}
		return true
	}
	return false
}

// usesVariable reports whether word uses the variable in any form.
func usesVariable(word, name string) bool {
	for range uses(word, name) {
		return true
	}
	return false
}

// A use is one place where a word names a variable.
type use struct {
	braces bool
	rest   string // of the word, after the name
}

func uses(word, name string) iter.Seq[use] {
	return func(yield func(use) bool) {
		for {
			_, rest, ok := strings.Cut(word, "$")
			if !ok {
				return
			}
			word = rest
			inner, braces := strings.CutPrefix(rest, "{")
			after, ok := strings.CutPrefix(inner, name)
			if !ok || after != "" && isNameByte(after[0]) {
				continue
			}
			if !yield(use{braces, after}) {
				return
			}
		}
	}
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// matters reports whether another value of the variable would change the
// result: in ${A:-$B} the value of B does not matter while A is set.
func (e *Env) matters(word, name, result string) bool {
	res, _, err := e.lex().ProcessWord(word, overlay{e, name, "\x01"})
	return err != nil || res != result
}

// An overlay is an environment with one variable more.
type overlay struct {
	*Env
	key, value string
}

// Get implements shell.EnvGetter.
func (o overlay) Get(key string) (string, bool) {
	if key == o.key {
		return o.value, true
	}
	return o.Env.Get(key)
}
