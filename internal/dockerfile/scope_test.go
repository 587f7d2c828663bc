package dockerfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestBase(t *testing.T) {
	tests := []struct {
		name  string
		src   string
		args  map[string]string
		plat  string
		stage int
		want  string // "ref x", "stage 0", "scratch", "missing A B", or the error
	}{
		{name: "literal", src: "FROM debian:12\n", want: "ref debian:12"},
		{name: "default of a global ARG", src: "ARG V=12\nFROM debian:$V\n", want: "ref debian:12"},
		{name: "build argument wins", src: "ARG V=12\nFROM debian:$V\n", args: map[string]string{"V": "13"}, want: "ref debian:13"},
		{name: "build argument without ARG is not seen", src: "FROM debian:$V\n", args: map[string]string{"V": "13"}, want: "missing V"},
		{name: "ARG without default", src: "ARG V\nFROM golang:${V}\n", want: "missing V"},
		{name: "ARG without default, given", src: "ARG V\nFROM golang:${V}\n", args: map[string]string{"V": "1"}, want: "ref golang:1"},
		{name: "empty but valid without", src: "ARG REGISTRY\nFROM ${REGISTRY}debian\n", want: "ref debian"},
		{name: "inline default", src: "FROM ${B:-debian}:${V-12}\n", want: "ref debian:12"},
		{name: "default and none", src: "FROM ${B:-debian}:$V\n", want: "missing V"},
		{name: "ARG from ARG", src: "ARG A=1\nARG B=v$A\nFROM x:$B\n", want: "ref x:v1"},
		{name: "ARG from an ARG without value", src: "ARG A\nARG B=$A\nFROM $B\n", want: "FROM $B: empty after expansion"},
		{name: "ARG of a stage is invisible", src: "FROM a\nARG LOCAL=x\nFROM ${LOCAL:-scratch}\n", stage: 1, want: "scratch"},
		{name: "suffix removed", src: "ARG V=1.26.8\nFROM golang:${V%.*}\n", want: "ref golang:1.26"},
		{name: "replaced", src: "ARG V=1.2\nFROM a:${V/./-}\n", want: "ref a:1-2"},
		{name: "required", src: "FROM a:${V:?say-which}\n", want: "V: say-which"},
		{name: "unknown modifier", src: "FROM a:${V^^}\n", want: "unsupported modifier"},
		{name: "stage", src: "FROM a AS b\nFROM b\n", stage: 1, want: "stage 0"},
		{name: "stage name is lowered, lookup is not", src: "FROM a AS Build\nFROM Build\n", stage: 1, want: "write FROM build"},
		{name: "stage after expansion", src: "ARG S=b\nFROM a AS b\nFROM $S\n", stage: 1, want: "stage 0"},
		{name: "last declaration wins", src: "FROM a AS b\nFROM c AS b\nFROM b\n", stage: 2, want: "stage 1"},
		{name: "a stage named like its base", src: "FROM composer AS composer\n", want: "ref composer"},
		{name: "later stages do not count", src: "FROM b\nFROM a AS b\n", want: "ref b"},
		{name: "a number is an image", src: "FROM a\nFROM 0\n", stage: 1, want: "ref 0"},
		{name: "stage hides scratch", src: "FROM a AS scratch\nFROM scratch\n", stage: 1, want: "stage 0"},
		{name: "scratch by variable", src: "ARG B=scratch\nFROM $B\n", want: "scratch"},
		{name: "Scratch is an image", src: "FROM Scratch\n", want: "must be lowercase"},
		{name: "not a reference", src: "FROM a:b:c\n", want: "invalid reference format"},
		{name: "platform variables", src: "FROM a:$TARGETOS-$TARGETARCH$TARGETVARIANT-$BUILDARCH\n", plat: "linux/arm/v6", want: "ref a:linux-armv6-arm"},
		{name: "platform by default", src: "FROM --platform=$BUILDPLATFORM a\n", want: "ref a on linux/amd64"},
		{name: "platform normalised", src: "FROM --platform=$TARGETPLATFORM a\n", plat: "linux/arm64/v8", want: "ref a on linux/arm64"},
		{name: "platform missing", src: "FROM --platform=$P a\n", want: "missing P"},
		{name: "predefined argument given", src: "FROM a:$TARGETARCH\n", args: map[string]string{"TARGETARCH": "riscv64"}, want: "ref a:riscv64"},
		{name: "target stage", src: "FROM a-$TARGETSTAGE AS Last\n", want: "ref a-last"},
		{name: "quotes", src: "FROM \"debian:12\"\n", want: "ref debian:12"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, tt.src)
			base, err := d.Resolver(tt.args, tt.plat).Base(d.Stages[tt.stage])
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %s", err, tt.want)
				}
				if e, ok := err.(*Error); !ok || e.Line == 0 {
					t.Errorf("error %#v without a line", err)
				}
				return
			}
			if got := describe(base); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func describe(b Base) string {
	s := "ref " + b.Ref
	switch {
	case b.Stage != nil:
		s = fmt.Sprint("stage ", b.Stage.Index)
	case b.Scratch:
		s = "scratch"
	case b.Missing != nil:
		s = "missing " + strings.Join(b.Missing, " ")
	}
	if b.Platform != "" {
		s += " on " + b.Platform
	}
	return s
}

func TestChain(t *testing.T) {
	d := parse(t, "FROM debian AS a\nFROM a AS b\nFROM x\nFROM b\n")
	chain, base, err := d.Resolver(nil, "").Chain(d.Stages[3])
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, st := range chain {
		got = append(got, st.Index)
	}
	if want := []int{0, 1, 3}; !slices.Equal(got, want) || base.Ref != "debian" {
		t.Errorf("got %v FROM %+v, want %v FROM debian", got, base, want)
	}
}

func TestStage(t *testing.T) {
	d := parse(t, "FROM a AS Build\nFROM b\nFROM c AS build\nFROM d AS release\n")
	for target, want := range map[string]int{"": 3, "release": 3, "RELEASE": 3, "build": 2, "0": 0, "1": 1} {
		st, err := d.Stage(target)
		if err != nil || st.Index != want {
			t.Errorf("%q: stage %v, %v, want %d", target, st, err, want)
		}
	}
	for target, want := range map[string]string{
		"relese": `no stage "relese"; did you mean "release"? stages here: build, 1, build, release`,
		"9":      `no stage "9"; stages here: build, 1, build, release`,
		"-1":     `no stage "-1"; stages here: build, 1, build, release`,
	} {
		if _, err := d.Stage(target); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", target, err, want)
		}
	}
}

func TestCopyFrom(t *testing.T) {
	d := parse(t, "FROM a AS Build\nFROM b\nFROM c AS build\nFROM d\n")
	for from, want := range map[string]int{"0": 0, "1": 1, "BUILD": 2, "build": 2, "9": -1, "-1": -1, "nginx": -1, "": -1} {
		got := -1
		if st := d.CopyFrom(d.Stages[3], from); st != nil {
			got = st.Index
		}
		if got != want {
			t.Errorf("%q: stage %d, want %d", from, got, want)
		}
	}
}

func TestEnv(t *testing.T) {
	tests := []struct {
		name    string
		src     string
		args    map[string]string
		base    []string
		word    string
		want    string
		missing string
	}{
		{name: "plain", word: "app", want: "app"},
		{name: "quotes are removed", word: `"a b"'c'`, want: "a bc"},
		{name: "quotes on both sides", src: "ENV U=x\n", word: `"$U":"$U"`, want: "x:x"},
		{name: "base image", base: []string{"APP_UID=1654"}, word: "$APP_UID", want: "1654"},
		{name: "unset", word: "a$NOPE", want: "a", missing: "NOPE"},
		{name: "default", word: "${NOPE:-9}", want: "9"},
		{name: "default that is unset", word: "${A:-$B}", want: "", missing: "B"},
		{name: "default that is not needed", src: "ENV A=1\n", word: "${A:-$B}", want: "1"},
		{name: "alternative", word: "x${NOPE:+y}", want: "x"},
		{name: "longer name", src: "ENV AB=1\n", word: "${A:-2}$AB", want: "21"},
		{name: "escaped", word: `\$A`, want: "$A"},
		{name: "single quotes", word: `'$A'`, want: "$A"},
		{name: "global ARG is not inherited", src: "", word: "$GLOBAL", missing: "GLOBAL"},
		{name: "global ARG repeated", src: "ARG GLOBAL\n", word: "$GLOBAL", want: "g"},
		{name: "global ARG repeated with its own default", src: "ARG GLOBAL=h\n", word: "$GLOBAL", want: "h"},
		{name: "ARG default", src: "ARG A=1\n", word: "$A", want: "1"},
		{name: "ARG given", src: "ARG A=1\n", args: map[string]string{"A": "2"}, word: "$A", want: "2"},
		{name: "ARG given but not declared", args: map[string]string{"A": "2"}, word: "$A", missing: "A"},
		{name: "ARG without value", src: "ARG A\n", word: "$A", missing: "A"},
		{name: "several on one line", src: "ARG A=1 B=$A\n", word: "$A$B", want: "11"},
		{name: "ENV sees what was before it", src: "ENV A=1\nENV A=2 B=$A\n", word: "$A$B", want: "21"},
		{name: "ENV after ARG", src: "ARG A=1\nENV A=2\n", word: "$A", want: "2"},
		{name: "ARG after ENV", src: "ENV A=2\nARG A=1\n", word: "$A", want: "1"},
		{name: "old form", src: "ENV A b c\n", word: "$A", want: "b c"},
		{name: "platform variables need ARG", src: "ARG TARGETARCH\n", word: "$TARGETARCH$TARGETOS", want: "amd64", missing: "TARGETOS"},
		{name: "PATH is always set", word: "${PATH}", want: defaultPath},
		{name: "other instructions change nothing", src: "LABEL A=1\nRUN A=1\n", word: "$A", missing: "A"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, "ARG GLOBAL=g\nFROM a\n"+tt.src)
			env := d.Resolver(tt.args, "linux/amd64").Env(tt.base)
			for _, in := range d.Stages[0].Instructions {
				env.Apply(in)
			}
			got, missing, err := env.Expand(tt.word)
			if err != nil {
				t.Fatal(err)
			}
			if m := strings.Join(missing, " "); got != tt.want || m != tt.missing {
				t.Errorf("got %q, missing %q; want %q, missing %q", got, m, tt.want, tt.missing)
			}
		})
	}
}

func TestEnvChild(t *testing.T) {
	d := parse(t, "FROM a AS x\nENV E=1\nARG A=2\nARG E=3\nFROM x\n")
	env := d.Resolver(nil, "windows/amd64").Env([]string{"B=0"})
	for _, in := range d.Stages[0].Instructions {
		env.Apply(in)
	}
	if got, want := env.List(), []string{"B=0", "E=1"}; !slices.Equal(got, want) {
		t.Errorf("list %q, want %q", got, want)
	}
	child := env.Child()
	for word, want := range map[string]string{"$E": "1", "$A": "2", "$B": "0"} {
		if got, _, err := child.Expand(word); err != nil || got != want {
			t.Errorf("%s in the child: %q, %v, want %q", word, got, err, want)
		}
	}
	if v, ok := env.Get("E"); v != "3" || !ok {
		t.Errorf("E in the parent: %q", v)
	}
	clone := env.Clone()
	clone.Apply(parse(t, "FROM a\nENV NEW=1\n").Instructions[1])
	if _, ok := env.Get("NEW"); ok {
		t.Error("a change of the clone reached the original")
	}
}

// TestExpandBound checks that nested doubling does not fill the memory.
func TestExpandBound(t *testing.T) {
	src := "FROM a\nENV X=0123456789\n" + strings.Repeat("ENV X=$X$X$X$X\n", 40)
	d := parse(t, src)
	env := d.Resolver(nil, "").Env(nil)
	for _, in := range d.Instructions {
		env.Apply(in)
	}
	v, _ := env.Get("X")
	if len(v) > maxExpansion {
		t.Errorf("%d bytes", len(v))
	}
	if _, _, err := env.Expand("${X//?/$X}" + strings.Repeat("$X", 1<<22)); err == nil {
		t.Error("no error for a huge expansion")
	}
}

// TestExpandErrors checks that messages do not repeat values.
func TestExpandErrors(t *testing.T) {
	d := parse(t, "FROM a\n")
	env := d.Resolver(map[string]string{"TOKEN": "hunter2"}, "").Env([]string{"SECRET=hunter2"})
	for _, word := range []string{"${SECRET^^}", "${SECRET", "'$SECRET", "${SECRET:#x}", "${}"} {
		_, _, err := env.Expand(word)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", word, err)
		}
	}
}

// TestNoPasswordInErrors: a build argument may bring one where only a name belongs.
func TestNoPasswordInErrors(t *testing.T) {
	d := parse(t, "ARG REG\nFROM ${REG}/team/app:1\n")
	_, err := d.Resolver(map[string]string{"REG": "user:hunter2@reg.example.com"}, "linux/amd64").Base(d.Stages[0])
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "reg.example.com/team/app:1") {
		t.Errorf("error %v", err)
	}
}
