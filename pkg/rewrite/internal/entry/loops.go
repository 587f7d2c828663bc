package entry

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/shellcmd"
)

// runsDirectory follows the scripts of a directory that a script starts one after the other:
// run-parts DIR, and for f in DIR/*.sh; do . "$f"; done.
func (r *Reader) runsDirectory(c dockerfile.Command, name, where string, ctx reach, depth int) {
	pattern := ""
	switch {
	case name == "run-parts":
		if _, operands := shellcmd.Split(r.readable(c.Args), map[string]string{"-a": "arg", "--arg": "arg", "--regex": "regex"}); len(operands) > 0 {
			pattern = path.Join(operands[len(operands)-1], "*")
		}
	case c.Loop == nil:
	case c.Dynamic:
		pattern = loopPattern(c.Loop, c.Path)
	case (name == "." || name == "source" || shellcmd.IsShell(name) || name == "exec") && len(c.Args) > 0:
		pattern = loopPattern(c.Loop, c.Args[0].Value)
	}
	if !path.IsAbs(pattern) || depth > maxFollow {
		return
	}
	for _, file := range r.filesLike(pattern) {
		r.called([]string{file}, where, ctx, depth+1)
	}
}

// loopPattern returns the pattern of the files that a variable of a loop stands for, "" where
// the word is another one.
func loopPattern(l *dockerfile.Loop, word string) string {
	m := oneVariable.FindStringSubmatch(word)
	if m == nil || m[1] != l.Var || len(l.Items) != 1 {
		return ""
	}
	return strings.NewReplacer(`"`, "", `'`, "").Replace(l.Items[0].Value)
}

// filesLike returns the files that the image gets by COPY right in the directory of a pattern
// and that match it.
func (r *Reader) filesLike(pattern string) []string {
	var out []string
	dir := path.Dir(pattern)
	for _, c := range r.End.Copies {
		names, _ := r.CopiedInto(c, dir)
		for _, name := range names {
			if ok, err := path.Match(pattern, name); ok && err == nil && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}
