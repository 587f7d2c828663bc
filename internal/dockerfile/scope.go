package dockerfile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/distribution/reference"
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
		e.Msg = fmt.Sprintf("FROM %s: %s", printable(withoutLogin(ref)), printable(err.Error()))
	}
	return e
}

// withoutLogin leaves out what may be a password: a reference has no place for one, and a
// build argument may bring it all the same.
func withoutLogin(ref string) string {
	host, _, _ := strings.Cut(ref, "/")
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		return "…" + ref[i:]
	}
	return ref
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
