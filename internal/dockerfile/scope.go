package dockerfile

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// A Resolver answers what FROM lines and stages refer to, for one set of build
// arguments and one platform. It is not safe for concurrent use.
type Resolver struct {
	doc       *Document
	buildArgs map[string]string
	globals   *Env // what FROM sees
	platform  string
	err       error // of the global ARGs
}

// A Base is what a stage is FROM. Exactly one of Ref, Stage, Scratch and
// Missing is set.
type Base struct {
	Ref      string
	Stage    *Stage
	Scratch  bool
	Platform string   // of --platform, expanded; "" if there is none
	Missing  []string // ARGs without a value, where the reference is empty or invalid without one
}

// Resolver returns a resolver for the given --build-arg values and target
// platform, such as "linux/amd64", which is also the build platform. As with
// BuildKit, a build argument named like a predefined one (TARGETSTAGE,
// BUILDPLATFORM …) replaces its value.
func (d *Document) Resolver(buildArgs map[string]string, platform string) *Resolver {
	r := &Resolver{doc: d, buildArgs: maps.Clone(buildArgs), platform: platform}
	r.globals = r.newEnv()
	target := "default"
	if n := len(d.Stages); n > 0 && d.Stages[n-1].Name != "" {
		target = d.Stages[n-1].Name
	}
	for k, v := range platformArgs(platform, target) {
		if given, ok := buildArgs[k]; ok {
			v = given
		}
		r.globals.vars[k] = v
	}
	for _, in := range d.GlobalArgs {
		if err := r.globalArg(in); err != nil && r.err == nil {
			r.err = err
		}
	}
	return r
}

// globalArg follows buildMetaArgs of BuildKit: a value given with --build-arg
// wins, an ARG without a default leaves what was there before.
func (r *Resolver) globalArg(in *Instruction) error {
	for _, kv := range in.KeyValues() {
		value, ok := r.buildArgs[kv.Key]
		if !ok {
			if !kv.HasValue {
				continue
			}
			var err error
			if value, _, err = r.globals.Expand(kv.Value); err != nil {
				return &Error{Line: in.Line, Msg: err.Error()}
			}
		}
		r.globals.vars[kv.Key] = value
	}
	return nil
}

// platformArgs returns the predefined ARGs of the global scope, see
// https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope
func platformArgs(platform, target string) map[string]string {
	os, arch, variant := splitPlatform(platform)
	name := os + "/" + arch
	if variant != "" {
		name += "/" + variant
	}
	return map[string]string{
		"BUILDPLATFORM": name, "BUILDOS": os, "BUILDOSVERSION": "", "BUILDARCH": arch, "BUILDVARIANT": variant,
		"TARGETPLATFORM": name, "TARGETOS": os, "TARGETOSVERSION": "", "TARGETARCH": arch, "TARGETVARIANT": variant,
		"TARGETSTAGE": target,
	}
}

// splitPlatform splits os/arch/variant and normalises the names, as
// github.com/containerd/platforms does.
func splitPlatform(platform string) (os, arch, variant string) {
	if platform == "" {
		platform = "linux/amd64"
	}
	parts := strings.SplitN(strings.ToLower(platform), "/", 3)
	os = parts[0]
	if len(parts) > 1 {
		arch = parts[1]
	}
	if len(parts) > 2 {
		variant = parts[2]
	}
	switch arch {
	case "x86_64", "x86-64":
		arch = "amd64"
	case "i386":
		arch, variant = "386", ""
	case "aarch64":
		arch = "arm64"
	case "armhf":
		arch, variant = "arm", "v7"
	case "armel":
		arch, variant = "arm", "v6"
	}
	if variant != "" && variant[0] >= '0' && variant[0] <= '9' {
		variant = "v" + variant
	}
	switch {
	case arch == "arm64" && variant == "v8", arch == "amd64" && variant == "v1":
		variant = ""
	case arch == "arm" && variant == "":
		variant = "v7"
	}
	return os, arch, variant
}

// Base returns what the stage is FROM: only ARGs before the first FROM are
// visible there, a name of an earlier stage is looked up after expansion and
// as written, the last declaration wins, and a stage hides an image of the
// same name. A number is an image name, not a stage.
func (r *Resolver) Base(st *Stage) (Base, error) {
	line := st.From.Line
	if r.err != nil {
		return Base{}, r.err
	}
	ref, missing, err := r.globals.Expand(st.BaseWord)
	if err != nil {
		return Base{}, &Error{Line: line, Msg: err.Error()}
	}
	platform, noPlatform, err := r.globals.Expand(st.PlatformWord)
	if err != nil {
		return Base{}, &Error{Line: line, Msg: err.Error()}
	}
	base := Base{Platform: platform}
	if platform == "" && st.PlatformWord != "" {
		if len(noPlatform) > 0 {
			return Base{Missing: noPlatform}, nil
		}
		return Base{}, &Error{Line: line, Msg: fmt.Sprintf("--platform=%s: empty after expansion", printable(st.PlatformWord))}
	}
	if base.Stage = r.doc.stageBefore(st, ref); base.Stage != nil {
		return base, nil
	}
	if ref == "scratch" {
		base.Scratch = true
		return base, nil
	}
	if err := checkReference(ref); err != nil {
		if len(missing) > 0 {
			base.Missing = missing
			return base, nil
		}
		return Base{}, r.baseError(st, ref, err)
	}
	base.Ref = ref
	return base, nil
}

func checkReference(ref string) error {
	_, err := reference.ParseNormalizedNamed(ref)
	return err
}

// baseError explains why a base name is no image reference.
func (r *Resolver) baseError(st *Stage, ref string, err error) *Error {
	e := &Error{Line: st.From.Line}
	switch lower := r.doc.stageBefore(st, strings.ToLower(ref)); {
	case ref == "":
		e.Msg = fmt.Sprintf("FROM %s: empty after expansion", printable(st.BaseWord))
		e.Hint = "give the ARG a value"
	case lower != nil:
		e.Msg = fmt.Sprintf("FROM %s: stage names are looked up in lower case", printable(ref))
		e.Hint = "write FROM " + lower.Name
	default:
		e.Msg = fmt.Sprintf("FROM %s: %s", printable(ref), printable(err.Error()))
	}
	return e
}

// stageBefore returns the last stage before st with this name, or nil.
func (d *Document) stageBefore(st *Stage, name string) *Stage {
	if name == "" {
		return nil
	}
	for i := st.Index - 1; i >= 0; i-- {
		if d.Stages[i].Name == name {
			return d.Stages[i]
		}
	}
	return nil
}

// CopyFrom returns the stage that --from of a COPY, or from= of a mount, in
// stage st refers to, or nil if it is an image or another context. A name is
// looked up in any case; a number counts stages from 0.
func (d *Document) CopyFrom(st *Stage, from string) *Stage {
	if n, err := strconv.Atoi(from); err == nil {
		if n >= 0 && n < len(d.Stages) {
			return d.Stages[n]
		}
		return nil
	}
	// BuildKit collects the names of all stages first, so that the last
	// declaration of the whole file is meant.
	name := strings.ToLower(from)
	for i := len(d.Stages) - 1; i >= 0 && name != ""; i-- {
		if d.Stages[i].Name == name {
			return d.Stages[i]
		}
	}
	return nil
}

// Chain returns the stages that st is made of, parents first and st last, and
// what the first one is FROM.
func (r *Resolver) Chain(st *Stage) ([]*Stage, Base, error) {
	var chain []*Stage
	for {
		chain = append(chain, st)
		base, err := r.Base(st)
		if err != nil {
			return nil, Base{}, err
		}
		if base.Stage == nil {
			slices.Reverse(chain)
			return chain, base, nil
		}
		st = base.Stage // always an earlier one, so this ends
	}
}

// Stage returns the stage that --target names: by name in any case, or, as
// the classic builder has it, by number. "" is the last stage.
func (d *Document) Stage(target string) (*Stage, error) {
	if target == "" {
		return d.Stages[len(d.Stages)-1], nil
	}
	name := strings.ToLower(target)
	for i := len(d.Stages) - 1; i >= 0; i-- {
		if d.Stages[i].Name == name {
			return d.Stages[i], nil
		}
	}
	if n, err := strconv.Atoi(target); err == nil && n >= 0 && n < len(d.Stages) {
		return d.Stages[n], nil
	}
	return nil, d.unknownStage(target)
}

func (d *Document) unknownStage(target string) *Error {
	var names []string
	nearest, distance := "", 1+len(target)/2
	for _, st := range d.Stages {
		name := st.Name
		if name == "" {
			name = strconv.Itoa(st.Index)
		} else if n := levenshtein.Distance(strings.ToLower(target), name, nil); n < distance {
			nearest, distance = name, n
		}
		names = append(names, printable(name))
	}
	const shown = 20
	if len(names) > shown {
		names = append(names[:shown], "…")
	}
	e := &Error{
		Line: d.Stages[0].From.Line,
		Msg:  fmt.Sprintf("no stage %q", printable(target)),
		Hint: "stages here: " + strings.Join(names, ", "),
	}
	if nearest != "" {
		e.Hint = fmt.Sprintf("did you mean %q? %s", printable(nearest), e.Hint)
	}
	return e
}

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
