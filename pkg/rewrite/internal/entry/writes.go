package entry

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// A written is a path that a script creates or writes.
type written struct {
	path   string
	file   bool // not a directory
	opened bool // written in place, rather than replaced by another file
	made   bool // by mkdir: a directory
	below  bool // what is written is any file below the directory
	tree   bool // in place, so that the files have to be the user's

	removed bool // taken out of its directory, which has to be the user's
	asked   bool // only where it is not there yet
	spared  bool // the script goes on without it
}

// wrote adds a path with what writes it; the first one that does is named.
func (e *Entry) wrote(name, by string) {
	if e.WrittenBy == nil {
		e.WrittenBy = map[string]string{}
	}
	if _, ok := e.WrittenBy[name]; !ok {
		e.WrittenBy[name] = by
	}
	e.Written = append(e.Written, name)
}

// note adds what a command of the script by that name writes.
func (e *Entry) note(ws []written, by string) {
	if e.Files == nil {
		e.Replaced, e.Removed, e.Asked, e.Needed = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
		e.Files, e.Opened, e.Made, e.Below, e.Trees = map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
	for _, w := range ws {
		e.wrote(w.path, by)
		if w.file {
			e.Files[w.path] = true
		}
		if w.opened {
			e.Opened[w.path] = true
		} else if w.file {
			e.Replaced[w.path] = true
		}
		if w.made {
			e.Made[w.path] = true
		}
		if w.below {
			e.Below[w.path] = true
		}
		if w.tree {
			e.Trees[w.path] = true
		}
		if w.removed {
			e.Removed[w.path] = true
		}
		if w.asked {
			e.Asked[w.path] = true
		}
		if !w.spared {
			e.Needed[w.path] = true
		}
	}
}

// redirected returns the files that the redirections of a command write.
func (r *Reader) redirected(c dockerfile.Command) []written {
	var out []written
	for _, red := range c.Redirects {
		if !shellcmd.WritesFile(red) {
			continue
		}
		if target, ok := r.name(red.Target); ok {
			w := written{path: r.at(target, false), file: true, opened: true}
			if strings.ContainsAny(target, "*?[") {
				w.file, w.opened, w.tree = false, false, opensMatches(c, red.Target, target)
			}
			out = append(out, w)
		} else if rel, ok := inHome(red.Target.Value); ok {
			r.e.HomeFiles = append(r.e.HomeFiles, rel)
		} else if w, ok := r.completed(red.Target); ok {
			out = append(out, w)
		}
	}
	return slices.DeleteFunc(out, func(w written) bool { return w.path == "" })
}

// name is expand for words that name one file each, from the root or not.
func (r *Reader) name(w dockerfile.Word) (string, bool) {
	v, ok := r.expand(w)
	return v, ok && v != "" && (w.Static || !strings.ContainsAny(v, " \t\n"))
}

// opensMatches reports whether a redirection to a pattern opens the very files that the
// pattern matches, rather than others beside them: > $f, but not > $f.new.
func opensMatches(c dockerfile.Command, word dockerfile.Word, target string) bool {
	if !word.Static {
		return oneVariable.MatchString(word.Value)
	}
	for l := c.Loop; l != nil; l = l.Outer {
		if slices.ContainsFunc(l.Items, func(w dockerfile.Word) bool { return w.Value == target }) {
			return true
		}
	}
	return c.Loop == nil
}

// at returns the absolute path of a file that a script names, "" for those that
// are no files of the image. What replaces a link does not follow it.
func (r *Reader) at(name string, replaces bool) string {
	if i := strings.IndexAny(name, "*?["); i >= 0 {
		name = name[:strings.LastIndexByte(name[:i], '/')+1] // what is in it
	}
	p := imagepath.Abs(r.Dir, name)
	if replaces {
		p = path.Join(r.End.Real(path.Dir(p)), path.Base(p))
	} else {
		p = r.End.Real(p)
	}
	if name == "" || imagepath.Below(p, "/dev") || imagepath.Below(p, "/proc") || strings.Contains(name, "://") {
		return ""
	}
	return p
}

// writes returns the paths that a command creates or writes.
func (r *Reader) writes(c dockerfile.Command, name string) []written {
	var out []written
	for _, one := range shellcmd.Spread(c) {
		for _, w := range r.redirected(one.Command) {
			if one.Below {
				w.file, w.opened, w.below = false, false, true
			}
			out = append(out, w)
		}
		out = append(out, r.operands(one, name)...)
	}
	if w, ok := shellcmd.Writers[name]; ok && !w.None && w.WritesWith(c.Args) {
		for _, dir := range c.Found {
			if v, known := r.value(dir); known {
				if p := r.at(v, false); p != "" {
					out = append(out, written{path: p, below: true})
				}
			}
		}
	}
	for i := range out {
		out[i].asked, out[i].spared = asksFor(c.Guard, out[i].path), c.FailureHandled
	}
	return out
}

// operands returns the paths that the words of a command say it writes.
func (r *Reader) operands(c shellcmd.Bound, name string) (out []written) {
	w, ok := shellcmd.Writers[name]
	if !ok {
		return nil
	}
	for _, target := range w.Targets(r.readable(c.Args), name) {
		if target == "{}" && c.MoreArgs {
			continue // what find has found
		}
		pattern := strings.ContainsAny(target, "*?[")
		for _, b := range shellcmd.Braces(target) {
			p := r.at(b, w.Replaces)
			if p == "" {
				continue
			}
			one := written{path: p, file: w.File && !c.Below && !pattern, opened: w.Opened && !c.Below && !pattern, made: name == "mkdir", below: c.Below}
			if entry, opened := r.putsEntry(c, name, b, p); entry {
				one.file, one.opened = true, opened
			}
			one.removed = name == "rm" && !pattern && !c.Below && !strings.HasSuffix(b, "/.")
			// What fills a directory at the top does not make it.
			one.made = one.made || path.Dir(p) == "/" && !one.file && !w.Replaces && !pattern && r.isDirectory(p)
			if one.made {
				r.makes(p)
			}
			out = append(out, one)
		}
	}
	return out
}

// readable returns the words of a command, with empty ones for those that cannot
// be known: they count, but name nothing.
func (r *Reader) readable(args []dockerfile.Word) []dockerfile.Word {
	out := make([]dockerfile.Word, len(args))
	for i, a := range args {
		out[i].Static = true
		if v, ok := r.name(a); ok {
			out[i].Value = v
		}
	}
	return out
}

// inHome returns what a word of a script names below the home of whoever runs it.
func inHome(word string) (rel string, ok bool) {
	word = strings.Trim(word, `"`)
	for _, home := range []string{"~/", "$HOME/", "${HOME}/"} {
		if rel, ok = strings.CutPrefix(word, home); ok && imagepath.Safe.MatchString(rel) {
			return rel, true
		}
	}
	return "", false
}
