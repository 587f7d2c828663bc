package simulate

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// A localValue is what a RUN gives a variable for its own later commands.
type localValue struct {
	text  string
	known bool
	temp  bool // a directory of mktemp
	// packages are its words without the versions behind them, where those alone are not
	// known: nginx=${VERSION}.
	packages []string
}

// SimpleVariables matches words in which nothing but variables is to be expanded.
var SimpleVariables = regexp.MustCompile("^[^`(\\\\]*$")

// wholeVariable is a word that is one variable and nothing else, unquoted, so
// that the shell splits its value.
var wholeVariable = regexp.MustCompile(`^\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?$`)

// PlainVariable is a variable within a word.
var PlainVariable = regexp.MustCompile(`\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})`)

// assigns notes the variables that a command sets: PKGS="a b" && apt-get install $PKGS.
func (s *simulator) assigns(c dockerfile.Command, dirs Directories) {
	if c.Conditional {
		return
	}
	switch c.Name {
	case "":
		for _, a := range c.Assigns {
			s.assign(a, dirs.Of(c.Shell))
		}
	case "export", "local", "readonly", "declare", "typeset":
		for _, w := range c.Args {
			if strings.Contains(w.Value, "=") && !strings.HasPrefix(w.Value, "-") {
				s.assign(w.Value, dirs.Of(c.Shell))
			}
		}
	}
}

func (s *simulator) assign(assignment, dir string) {
	name, value, _ := strings.Cut(assignment, "=")
	v := localValue{text: strings.Trim(value, `"'`), known: true}
	switch {
	case strings.ContainsAny(value, "`\\(") || strings.HasSuffix(name, "+"):
		v = localValue{temp: strings.Contains(value, "mktemp")}
	case strings.Contains(value, "$"):
		list := v.text
		if v.text, v.known = s.expandWord(list, dir); !v.known || strings.Contains(v.text, "$") {
			v.packages = packageNames(list)
		}
	}
	s.local[strings.TrimSuffix(name, "+")] = v
}

// packageNames returns the words of a list of packages without their versions, nothing where a
// variable gives more than a version.
func packageNames(list string) []string {
	var out []string
	for word := range strings.FieldsSeq(list) {
		name := WithoutVersion(word)
		if strings.ContainsAny(name, "$\"'*?[") {
			return nil
		}
		out = append(out, name)
	}
	return out
}

// expandWord returns a word with the variables of the step and of the build replaced, and
// whether all of them have a value.
func (s *simulator) expandWord(word, dir string) (string, bool) {
	known := true
	word = PlainVariable.ReplaceAllStringFunc(word, func(ref string) string {
		name := strings.Trim(ref, "${}")
		v, set := s.local[name]
		switch {
		case set && (!v.known || strings.ContainsAny(v.text, " \t\n*?[$\"'\\")):
			known = false
		case set:
			return v.text
		case name == "PWD" && !unplaced(dir):
			return dir
		case name == "HOME" && s.stepHome() != "":
			return s.stepHome()
		}
		return ref
	})
	if !known {
		return "", false
	}
	return s.expand(word)
}

// ofMktemp reports whether a word starts with a variable that holds a directory of mktemp.
func ofMktemp(word string, local map[string]localValue) bool {
	m := PlainVariable.FindStringIndex(word)
	return m != nil && strings.Trim(word[:m[0]], `"'`) == "" && local[strings.Trim(word[m[0]:m[1]], "${}")].temp
}

// expandArgs replaces variables that the step or the build environment gives a value. Only
// plain references are touched; everything else stays unknown.
func (s *simulator) expandArgs(c dockerfile.Command, dir string) dockerfile.Command {
	var args []dockerfile.Word
	for _, w := range c.Args {
		words, ok := s.splitWord(w, managers[path.Base(c.Name)] != "")
		if !ok {
			args = append(args, w)
			continue
		}
		for _, word := range words {
			args = append(args, dockerfile.Word{Value: word, Static: true})
		}
	}
	c.Args = args
	for i, w := range c.Args {
		if w.Static || !SimpleVariables.MatchString(w.Value) {
			continue
		}
		if v, ok := s.expandWord(w.Value, dir); ok {
			c.Args[i] = dockerfile.Word{Value: v, Static: true}
		}
	}
	return c
}

// splitWord returns the words that the shell makes of a word which is one variable and nothing
// else, unquoted. Of packages it is enough to know the names.
func (s *simulator) splitWord(w dockerfile.Word, ofPackages bool) (words []string, ok bool) {
	m := wholeVariable.FindStringSubmatch(w.Value)
	if w.Static || m == nil {
		return nil, false
	}
	list, local := s.local[m[1]]
	switch {
	case ofPackages && list.packages != nil:
		return list.packages, true
	case local:
		return strings.Fields(list.text), list.known
	}
	text, ok := s.expand(w.Value)
	return strings.Fields(text), ok && !strings.ContainsAny(text, "$`\"'\\*?[{") && strings.ContainsAny(text, " \t\n")
}

// readerOf returns the shell that reads a step: the one of SHELL, or the one that a heredoc
// names in its first line.
func (s *simulator) readerOf(in *dockerfile.Instruction, script *dockerfile.Script) string {
	shell := s.Shell
	if in.JSON {
		shell = in.Args
	}
	if line, _, _ := strings.Cut(script.Text, "\n"); len(in.Heredocs) > 0 && strings.HasPrefix(line, "#!") {
		shell = strings.Fields(strings.TrimPrefix(line, "#!"))
		if len(shell) > 1 && path.Base(shell[0]) == "env" {
			shell = shell[1:]
		}
	}
	if len(shell) == 0 {
		return "/bin/sh"
	}
	return shell[0]
}

// effectOfRemoval handles a command that takes something away, once for every value of the
// loop that it stands in. In a function it is looked at later.
func (s *simulator) effectOfRemoval(in *dockerfile.Instruction, name string, c dockerfile.Command, dir string) {
	if c.Func != "" || c.Dead {
		return
	}
	for _, one := range shellcmd.Spread(c) {
		s.takesAway(in, name, one.Command, dir)
	}
}

// A mounted is what is known of the paths below a mount of a step, as it was before.
type mounted struct {
	target  string
	dirs    map[string]Dir
	touched map[string]*dockerfile.Instruction
	filled  map[string]*dockerfile.Instruction
	stores  map[string]Store
	links   map[string]string
	texts   map[string]string
}

// outside keeps what is known of the paths below the mounts of a step: what the step does
// there is in no layer of the image (Docker reference, RUN --mount).
func (s *simulator) outside(in *dockerfile.Instruction) []mounted {
	var out []mounted
	for _, target := range s.mounts(in) {
		m := mounted{target: target, dirs: map[string]Dir{}, touched: within(s.Touched, target), filled: within(s.Filled, target), stores: within(s.Stores, target),
			links: within(s.Links, target), texts: within(s.Texts, target)}
		for p, d := range s.Dirs {
			if imagepath.Below(p, target) {
				m.dirs[p] = *d
			}
		}
		out = append(out, m)
	}
	return out
}

// maxMounts bounds the mounts of one step that are looked at.
const maxMounts = 16

// mounts returns where a step mounts something.
func (s *simulator) mounts(in *dockerfile.Instruction) []string {
	var out []string
	for _, f := range in.Flags {
		if f.Name != "mount" || len(out) == maxMounts {
			continue
		}
		for field := range strings.SplitSeq(f.Value, ",") {
			key, value, _ := strings.Cut(field, "=")
			if !slices.Contains([]string{"target", "dst", "destination"}, strings.TrimSpace(key)) {
				continue
			}
			if target, ok := s.expand(strings.Trim(value, `"'`)); ok && target != "" && !slices.Contains(out, imagepath.Abs(s.Workdir, target)) {
				out = append(out, imagepath.Abs(s.Workdir, target))
			}
		}
	}
	return out
}

// within returns the entries at a path and below it.
func within[V any](m map[string]V, dir string) map[string]V {
	out := map[string]V{}
	for p, v := range m {
		if imagepath.Below(p, dir) {
			out[p] = v
		}
	}
	return out
}

// restore puts the entries at a path and below it back as they were.
func restore[V any](m, before map[string]V, dir string) {
	for p := range m {
		if imagepath.Below(p, dir) {
			delete(m, p)
		}
	}
	for p, v := range before {
		m[p] = v
	}
}

// putBack forgets what a step has done below its mounts.
func (s *simulator) putBack(kept []mounted) {
	for _, m := range kept {
		dirs := map[string]*Dir{}
		for p, d := range m.dirs {
			dirs[p] = &d
		}
		restore(s.Dirs, dirs, m.target)
		restore(s.Touched, m.touched, m.target)
		restore(s.Filled, m.filled, m.target)
		restore(s.Stores, m.stores, m.target)
		restore(s.Links, m.links, m.target)
		restore(s.Texts, m.texts, m.target)
	}
}
