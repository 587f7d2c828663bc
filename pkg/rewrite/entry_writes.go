package rewrite

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
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
func (r *entryReader) redirected(c dockerfile.Command) []written {
	var out []written
	for _, red := range c.Redirects {
		if !writesFile(red) {
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
		}
	}
	return slices.DeleteFunc(out, func(w written) bool { return w.path == "" })
}

// name is expand for words that name one file each, from the root or not.
func (r *entryReader) name(w dockerfile.Word) (string, bool) {
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

// writesFile reports whether a redirection writes a file, and not another file
// descriptor.
func writesFile(red dockerfile.Redirect) bool {
	return strings.HasPrefix(strings.TrimLeft(red.Op, "0123456789&"), ">") && red.Target.Value != "" && red.Target.Value[0] != '&' && !isNumber(red.Target.Value)
}

// at returns the absolute path of a file that a script names, "" for those that
// are no files of the image. What replaces a link does not follow it.
func (r *entryReader) at(name string, replaces bool) string {
	if i := strings.IndexAny(name, "*?["); i >= 0 {
		name = name[:strings.LastIndexByte(name[:i], '/')+1] // what is in it
	}
	p := imagepath.Abs(r.dir, name)
	if replaces {
		p = path.Join(r.End.real(path.Dir(p)), path.Base(p))
	} else {
		p = r.End.real(p)
	}
	if name == "" || imagepath.Below(p, "/dev") || imagepath.Below(p, "/proc") || strings.Contains(name, "://") {
		return ""
	}
	return p
}

// A writer says which of its arguments a command writes.
type writer struct {
	takes  map[string]string // options with a value
	to     []string          // options whose value is what it writes
	only   []string          // it writes its operands only with one of these options
	skip   int               // operands before those that it writes
	last   bool              // it writes the last operand alone
	two    bool              // it writes nothing with fewer than two operands
	none   bool              // it writes no operand
	file   bool              // what it writes are files
	opened bool              // which it opens, rather than puts others in their place

	replaces bool // a link in that place is what it removes or replaces
	entry    bool // with one source it puts that in the place that it names, unless a directory is there
}

func takes(options ...string) map[string]string {
	m := map[string]string{}
	for _, o := range options {
		m[o] = o
	}
	return m
}

// writers are read from the manual pages of the commands.
var writers = map[string]writer{
	"mkfifo":     {takes: takes("-m", "--mode"), file: true, replaces: true},
	"spawn-fcgi": {takes: takes("-s", "-P", "-u", "-g", "-U", "-G", "-M", "-a", "-p", "-C", "-F", "-b", "-c", "-d", "-f"), to: []string{"-s", "-P"}, none: true, file: true},
	"mkdir":      {takes: takes("-m", "--mode")},
	"touch":      {takes: takes("-d", "-r", "-t"), file: true, opened: true},
	"truncate":   {takes: takes("-s", "--size", "-r"), file: true, opened: true},
	"tee":        {file: true, opened: true},
	"chmod":      {skip: 1},
	"rm":         {replaces: true},
	"rmdir":      {},
	"cp":         {takes: takes("-t", "--target-directory", "-S"), to: []string{"-t", "--target-directory"}, last: true, two: true, entry: true},
	"mv":         {takes: takes("-t", "--target-directory", "-S"), to: []string{"-t", "--target-directory"}, last: true, two: true, replaces: true, entry: true},
	"ln":         {takes: takes("-t", "--target-directory", "-S"), to: []string{"-t", "--target-directory"}, last: true, two: true, replaces: true, entry: true},
	"install":    {takes: takes("-m", "--mode", "-o", "-g", "-t", "--owner", "--group", "--target-directory"), to: []string{"-t", "--target-directory"}, last: true, two: true, entry: true},
	"rsync":      {takes: takes("-e", "--exclude", "--include"), last: true, two: true},
	"sed":        {only: []string{"-i", "--in-place"}, takes: takes("-e", "-f", "--expression", "--file"), skip: 1, file: true},
	"perl":       {only: []string{"-i"}, takes: takes("-e", "-E", "-M", "-I"), file: true},
	"yq":         {only: []string{"-i", "--inplace"}, last: true, two: true, file: true},
	"xmlstarlet": {only: []string{"-L", "--inplace"}, takes: takes("-u", "-v", "-d", "-s", "-t", "-n", "-N"), last: true, two: true, file: true},
	"crudini":    {only: []string{"--set", "--del", "--merge"}, file: true},
	"gomplate":   {takes: takes("-f", "--file", "-o", "--out", "-d", "-c", "--datasource", "--context", "--input-dir", "--output-dir"), to: []string{"-o", "--out", "--output-dir"}, none: true, file: true, opened: true},
	"htpasswd":   {takes: takes("-C"), file: true, opened: true},
	"openssl":    {file: true, opened: true},
	"curl":       {takes: takes("-o", "--output"), to: []string{"-o", "--output"}, none: true, file: true, opened: true},
	"wget":       {takes: takes("-O", "--output-document", "-P"), to: []string{"-O", "--output-document", "-P"}, none: true, file: true, opened: true},
	"sponge":     {file: true, opened: true},
	"ssh-keygen": {takes: takes("-f", "-t", "-N", "-b", "-C"), to: []string{"-f"}, none: true, file: true},
	"dos2unix":   {file: true},
	"dockerize":  {file: true, opened: true},
	// It renames another file into its place.
	"consul-template": {file: true, replaces: true},
	"tar":             {takes: takes("-C", "--directory", "-f", "--file", "--exclude", "--strip-components"), to: []string{"-C", "--directory"}, none: true},
	"unzip":           {takes: takes("-d", "-x"), to: []string{"-d"}, none: true},
	"git":             {takes: takes("-b", "--branch", "--depth", "-o", "--origin", "-C", "-c"), last: true},
}

// writes returns the paths that a command creates or writes.
func (r *entryReader) writes(c dockerfile.Command, name string) []written {
	var out []written
	for _, one := range spread(c) {
		for _, w := range r.redirected(one.Command) {
			if one.below {
				w.file, w.opened, w.below = false, false, true
			}
			out = append(out, w)
		}
		out = append(out, r.operands(one, name)...)
	}
	if w, ok := writers[name]; ok && !w.none && w.writesWith(c.Args) {
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
func (r *entryReader) operands(c spreadCommand, name string) (out []written) {
	w, ok := writers[name]
	if !ok {
		return nil
	}
	for _, target := range w.targets(r.readable(c.Args), name) {
		if target == "{}" && c.MoreArgs {
			continue // what find has found
		}
		pattern := strings.ContainsAny(target, "*?[")
		for _, b := range braces(target) {
			p := r.at(b, w.replaces)
			if p == "" {
				continue
			}
			one := written{path: p, file: w.file && !c.below && !pattern, opened: w.opened && !c.below && !pattern, made: name == "mkdir", below: c.below}
			if entry, opened := r.putsEntry(c, name, b, p); entry {
				one.file, one.opened = true, opened
			}
			one.removed = name == "rm" && !pattern && !c.below && !strings.HasSuffix(b, "/.")
			// What fills a directory at the top does not make it.
			one.made = one.made || path.Dir(p) == "/" && !one.file && !w.replaces && !pattern && r.isDirectory(p)
			if one.made {
				r.makes(p)
			}
			out = append(out, one)
		}
	}
	return out
}

// writesWith reports whether the command writes its operands with these arguments.
func (w writer) writesWith(args []dockerfile.Word) bool {
	return len(w.only) == 0 || slices.ContainsFunc(w.only, func(f string) bool {
		return slices.ContainsFunc(args, func(a dockerfile.Word) bool { return inPlace(a.Value, f) })
	})
}

// readable returns the words of a command, with empty ones for those that cannot
// be known: they count, but name nothing.
func (r *entryReader) readable(args []dockerfile.Word) []dockerfile.Word {
	out := make([]dockerfile.Word, len(args))
	for i, a := range args {
		out[i].Static = true
		if v, ok := r.name(a); ok {
			out[i].Value = v
		}
	}
	return out
}

// targets returns the words that a command writes to.
func (w writer) targets(args []dockerfile.Word, name string) []string {
	switch name {
	case "dockerize", "consul-template":
		return templateTargets(args)
	case "openssl":
		return keyTargets(args)
	}
	o, operands := splitOptions(args, w.takes)
	if !w.writesWith(args) {
		return nil
	}
	var out []string
	for _, option := range slices.Sorted(maps.Keys(o.values)) {
		if v := o.values[option]; v != "" && slices.Contains(w.to, option) {
			out = append(out, v)
		}
	}
	switch {
	case name == "htpasswd" && o.has("-n"):
		return nil // it prints
	case name == "git":
		return cloned(operands)
	}
	skip := w.skip
	if name == "sed" && (o.has("-e") || o.has("-f") || o.has("--expression") || o.has("--file")) {
		skip = 0
	}
	switch {
	case w.none || w.two && len(operands) < 2 || len(out) > 0:
	case w.last && !(name == "install" && (o.has("-d") || o.has("--directory"))):
		out = append(out, operands[len(operands)-1])
	case name == "crudini" || name == "htpasswd":
		out = append(out, operands[:min(1, len(operands))]...)
	default:
		out = append(out, operands[min(skip, len(operands)):]...)
	}
	return out
}

// cloned returns the directory that git clone makes, of its operands (git-clone(1)).
func cloned(operands []string) []string {
	if len(operands) < 2 || operands[0] != "clone" {
		return nil
	}
	if len(operands) > 2 {
		return operands[2:3]
	}
	name := strings.TrimSuffix(path.Base(strings.TrimSuffix(operands[1], "/")), ".git")
	if !imagepath.Safe.MatchString(name) {
		return nil
	}
	return []string{name}
}

// inPlace reports whether a word is the option, or holds it among other short ones.
func inPlace(word, option string) bool {
	if strings.HasPrefix(option, "--") {
		return word == option || strings.HasPrefix(word, option+"=")
	}
	return strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "--") && strings.Contains(word, option[1:])
}

// keyTargets returns the files that openssl writes: its long options have one dash.
func keyTargets(args []dockerfile.Word) []string {
	var out []string
	for i := 1; i < len(args); i++ {
		if option := args[i-1].Value; option == "-out" || option == "-keyout" {
			out = append(out, args[i].Value)
		}
	}
	return out
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789") == "" }
