package simulate

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// certainly reports whether a command runs in every build that succeeds, or stands behind
// nothing but the question whether one of its words is there.
func (s *simulator) certainly(c dockerfile.Command, word string) bool {
	switch {
	case !c.Conditional:
		return true
	case c.Func != "":
		return false
	case c.Guard == "":
		return c.Loop != nil && len(c.Loop.Items) > 0
	}
	return s.asksFor(c.Guard, word) && !strings.Contains(c.Guard, "!")
}

// asksFor reports whether a condition is the question whether a path is there.
func (s *simulator) asksFor(guard, word string) bool {
	guard = s.guardText(guard)
	return word != "" && strings.Contains(guard, word) && (strings.Contains(guard, "-d ") || strings.Contains(guard, "-e "))
}

// guardText returns a condition with the variables that have a value replaced. All words of a
// command stand behind the same one.
func (s *simulator) guardText(guard string) string {
	if s.guard.of != guard {
		s.guard.of, s.guard.text = guard, PlainVariable.ReplaceAllStringFunc(guard, func(ref string) string {
			if v, ok := s.expandWord(ref, unknownDir); ok {
				return v
			}
			return ref
		})
	}
	return s.guard.text
}

// remove handles rm, rmdir and unlink: what they take away no later step can give to
// anybody. What they may take away is left in doubt.
func (s *simulator) remove(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	opts, _ := shellcmd.Split(c.Args, nil)
	name := path.Base(c.Name)
	tree := name == "rmdir" || opts.Has("-r") || opts.Has("-R") || opts.Has("--recursive")
	certain := name != "rmdir" || !c.FailureHandled && !opts.Has("--ignore-fail-on-non-empty")
	if c.MoreArgs && tree {
		s.removeMore(in, c, dir)
	}
	for _, w := range c.Args {
		switch {
		case strings.HasPrefix(w.Value, "-") && w.Value != "-", w.Value == "{}":
		case !w.Static:
			s.removeUnknown(in, w.Value, dir, tree)
		default:
			given, read := s.braces(w.Value, c)
			for _, word := range given {
				s.removePath(imagepath.Abs(dir, word), tree, read && certain && s.certainly(c, w.Value))
			}
			if name == "rmdir" && (opts.Has("-p") || opts.Has("--parents")) {
				s.doubt(func(p string) bool { return imagepath.Below(imagepath.Abs(dir, w.Value), p) })
			}
		}
	}
}

// maxLooked bounds how many directories are looked at for all that steps remove: a file that
// gets there was written to use up time.
const maxLooked = 1 << 26

// affords reports whether there is time to look at all directories once more. Once there is
// none, all that steps have made is in doubt.
func (s *simulator) affords() bool {
	if s.looked > maxLooked {
		return false
	}
	if s.looked += 1 + len(s.Dirs) + len(s.Touched) + len(s.Links) + len(s.Texts); s.looked > maxLooked {
		s.doubt(func(string) bool { return true })
		return false
	}
	return true
}

// removePath forgets what a path or a pattern names.
func (s *simulator) removePath(name string, tree, certain bool) {
	if !s.affords() {
		return
	}
	if unplaced(name) {
		part := partBelow(name)
		s.doubt(func(p string) bool { return part != "" && slices.Contains(strings.Split(p, "/"), part) })
		return
	}
	match := imagepath.Covers(name)
	s.missing(match)
	if !certain {
		if tree {
			s.doubt(match)
		}
		return
	}
	s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool { return imagepath.Below(f.Path, name) })
	if toolDirs[path.Dir(name)] && calledTools[path.Base(name)] {
		s.Tools[path.Base(name)] = false
	}
	if tree {
		s.gone(name)
		return
	}
	delete(s.Dirs, name)
	depth := strings.Count(name, "/")
	maps.DeleteFunc(s.Links, func(p, _ string) bool { return strings.Count(p, "/") == depth && match(p) })
}

// partBelow is the first part of a path below a directory that nobody can name.
func partBelow(p string) string {
	part, _, _ := strings.Cut(strings.Trim(strings.TrimPrefix(p, unknownDir), "/"), "/")
	return strings.Trim(part, "*")
}

// gone forgets what steps have made at a path, or what a pattern names, and all below it.
func (s *simulator) gone(pattern string) {
	match := imagepath.Covers(pattern)
	maps.DeleteFunc(s.Dirs, func(p string, _ *Dir) bool { return match(p) })
	maps.DeleteFunc(s.Links, func(p, _ string) bool { return match(p) })
	maps.DeleteFunc(s.Texts, func(p, _ string) bool { return match(p) })
	maps.DeleteFunc(s.Filled, func(p string, _ *dockerfile.Instruction) bool { return match(p) })
	maps.DeleteFunc(s.Stores, func(p string, _ Store) bool { return match(p) })
	if len(s.Removed) < maxRemoved {
		s.Removed = append(s.Removed, Removal{pattern, s.at})
	}
}

// A Removal is what a RUN has removed, with all that was there.
type Removal struct {
	Pattern string
	By      *dockerfile.Instruction
}

// Bounds for what is remembered of the paths that steps remove and move.
const (
	maxRemoved = 1000
	maxMoved   = 100
)

// doubt notes that directories which steps have made may be gone.
func (s *simulator) doubt(match func(string) bool) {
	for p, d := range s.Dirs {
		if d.MadeBy != nil && d.MadeBy.Keyword == "RUN" && match(p) {
			d.Unsure = true
		}
	}
	s.missing(match)
}

// missing forgets the files that steps have made or closed, because they may be gone: a
// chown of what is not there would stop the build.
func (s *simulator) missing(match func(string) bool) {
	s.Modes = slices.DeleteFunc(s.Modes, func(m ModeChange) bool { return match(m.Path) })
	for _, files := range []map[string]*dockerfile.Instruction{s.Touched, s.Written, s.Seeded} {
		maps.DeleteFunc(files, func(of string, _ *dockerfile.Instruction) bool { return match(of) })
	}
}

// toolDirs are where a distribution has its tools, and calledTools those that an inserted RUN
// may call, and does without where they are gone.
var (
	toolDirs    = map[string]bool{"/bin": true, "/sbin": true, "/usr/bin": true, "/usr/sbin": true}
	calledTools = map[string]bool{"find": true, "useradd": true, "groupadd": true, "adduser": true, "addgroup": true}
)

// removeUnknown leaves in doubt what a word that nobody can read may stand for: what starts
// as it does, or what the same step has made. A directory of mktemp is none of these.
func (s *simulator) removeUnknown(in *dockerfile.Instruction, word, dir string, tree bool) {
	if !tree || ofMktemp(word, s.local) || !s.affords() {
		return
	}
	word = strings.TrimLeft(word, `"'`)
	start := word[:strings.IndexAny(word+"$", "$`(")]
	if start == "" {
		s.doubtOf(in)
		return
	}
	if start = imagepath.Abs(dir, start); !unplaced(start) {
		s.doubt(func(p string) bool { return strings.HasPrefix(p, start) })
	}
}

// doubtOf notes that the directories which one step has made may be gone.
func (s *simulator) doubtOf(in *dockerfile.Instruction) {
	for _, d := range s.Dirs {
		if d.MadeBy == in && in.Keyword == "RUN" {
			d.Unsure = true
		}
	}
}

// removeMore handles the operands that xargs hands to rm. Those of find are found there.
func (s *simulator) removeMore(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	if !slices.Contains(c.Via, "xargs") {
		return
	}
	found := c.Found
	if found == nil { // what another command prints: names in the directory, more often than not
		s.doubtOf(in)
		if dir != "/" {
			found = []dockerfile.Word{{Value: ".", Static: true}}
		}
	}
	for _, w := range found {
		if !w.Static {
			s.doubtOf(in)
			continue
		}
		start := imagepath.Abs(dir, w.Value)
		s.doubt(func(p string) bool { return p != start && imagepath.Below(p, start) })
	}
}

// findRemoves handles find DIR … -delete and find DIR … -exec rm -r.
func (s *simulator) findRemoves(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	args := shellcmd.Words(c.Args)
	if !slices.Contains(args, "-delete") && !(slices.Contains(args, "rm") && slices.ContainsFunc(args, func(a string) bool {
		return len(a) > 1 && a[0] == '-' && (a == "--recursive" || !strings.HasPrefix(a, "--") && len(a) <= 4 && strings.ContainsAny(a, "rR") && a != "-or")
	})) && !slices.Contains(args, "rmdir") {
		return
	}
	if finds := typesOf(args); len(finds) > 0 && !slices.Contains(finds, "d") && !slices.Contains(args, "-o") && !slices.Contains(args, "-or") {
		return // files alone
	}
	names := namesOf(args)
	tests := slices.ContainsFunc(args, func(a string) bool { return findTest[a] })
	for _, start := range dockerfile.FindPaths(c.Args) {
		if !s.affords() {
			return
		}
		if !start.Static {
			s.doubtOf(in)
			continue
		}
		top := imagepath.Abs(dir, start.Value)
		self := !slices.Contains(args, "-mindepth")
		switch {
		case len(names) == 0 && !tests && s.certainly(c, start.Value) && !self:
			s.removePath(path.Join(top, "*"), true, true)
			s.removePath(path.Join(top, ".*"), true, true)
		case len(names) == 0 && !tests && s.certainly(c, start.Value):
			s.removePath(top, true, true)
		default:
			s.doubt(func(p string) bool {
				return imagepath.Below(p, top) && (self || p != top) && (len(names) == 0 || namedSo(strings.TrimPrefix(p, path.Dir(top)), names))
			})
		}
	}
}

// findTest are the tests of find(1) that leave out something other than by name or type.
var findTest = map[string]bool{"-path": true, "-ipath": true, "-wholename": true, "-regex": true, "-iregex": true, "-empty": true, "-newer": true, "-mtime": true,
	"-mmin": true, "-atime": true, "-ctime": true, "-size": true, "-user": true, "-group": true, "-perm": true, "-maxdepth": true, "-not": true, "!": true, "-prune": true,
	"-o": true, "-or": true, "-uid": true, "-gid": true, "-nouser": true, "-nogroup": true, "-links": true}

// typesOf returns the kinds of files that a find asks for.
func typesOf(args []string) []string {
	var out []string
	for i, a := range args[:max(0, len(args)-1)] {
		if a == "-type" {
			out = append(out, strings.Split(args[i+1], ",")...)
		}
	}
	return out
}

// namesOf returns the patterns of names that a find asks for, none where it asks for
// anything that no name tells.
func namesOf(args []string) []string {
	var out []string
	for i, a := range args[:max(0, len(args)-1)] {
		switch a {
		case "-name", "-iname":
			out = append(out, args[i+1])
		case "-path", "-ipath", "-wholename", "-regex", "-iregex", "!", "-not":
			return nil
		}
	}
	return out
}

// namedSo reports whether a part of a path matches one of the patterns.
func namedSo(p string, patterns []string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if slices.ContainsFunc(patterns, func(pattern string) bool {
			match, err := path.Match(pattern, part)
			return match || err != nil
		}) {
			return true
		}
	}
	return false
}

// A Relocation is a mv, or a copy within the image.
type Relocation struct {
	From, To string // from may be a pattern
	Into     bool   // to is a directory
	Certain  bool   // it is done in every build
	By       *dockerfile.Instruction
}

// Target returns what a path below from is called behind the move, "" for other paths.
func (m Relocation) Target(name string) string {
	if !imagepath.Covers(m.From)(name) {
		return ""
	}
	head, _ := imagepath.FirstParts(name, strings.Count(m.From, "/"))
	to := m.To
	if m.Into {
		to = path.Join(to, path.Base(head))
	}
	return path.Join(to, name[len(head):])
}

// moves handles mv and cp -r: mv takes the records of directories along, and both bring
// what was copied to another place.
func (s *simulator) moves(in *dockerfile.Instruction, name string, c dockerfile.Command, dir string) {
	opts, words := shellcmd.Split(c.Args, map[string]string{"-t": "into", "--target-directory": "into", "-S": "suffix", "--suffix": "suffix"})
	to := opts.Value("into")
	into := to != ""
	if !into {
		if len(words) < 2 {
			s.movesUnknown(in, name, c, dir)
			return
		}
		to, words = words[len(words)-1], words[:len(words)-1]
	}
	dest := imagepath.Abs(dir, to)
	into = into || !opts.Has("-T") && (len(words) > 1 || strings.HasSuffix(to, "/") || to == "." || imagepath.Standard[dest] || s.Dirs[dest] != nil)
	for _, w := range words {
		m := Relocation{From: imagepath.Abs(dir, w), To: dest, Into: into, By: in, Certain: s.certainly(c, w) && !c.FailureHandled}
		if strings.HasSuffix(w, "/.") {
			m.From, m.Into = path.Join(m.From, "*"), true
		}
		if unplaced(m.From) || unplaced(m.To) || m.From == "/" || !s.affords() {
			continue
		}
		if name == "cp" {
			if opts.Has("-r") || opts.Has("-R") || opts.Has("-a") || opts.Has("--recursive") || opts.Has("--archive") {
				s.follow(m)
			}
			continue
		}
		s.follow(m)
		s.rename(m)
	}
}

// follow remembers where steps put what is in the image.
func (s *simulator) follow(m Relocation) {
	if len(s.Moved) < maxMoved {
		s.Moved = append(s.Moved, m)
	}
}

// movesUnknown leaves in doubt what a mv takes away to nobody knows where, or of which
// nobody knows the name.
func (s *simulator) movesUnknown(in *dockerfile.Instruction, name string, c dockerfile.Command, dir string) {
	if name != "mv" {
		return
	}
	for _, w := range c.Args[:max(0, len(c.Args)-1)] {
		switch {
		case strings.HasPrefix(w.Value, "-"):
		case w.Static:
			s.removePath(imagepath.Abs(dir, w.Value), true, false)
		default:
			s.removeUnknown(in, w.Value, dir, true)
		}
	}
}

// rename gives what is known of directories and files their new names.
func (s *simulator) rename(m Relocation) {
	moved := map[string]*Dir{}
	for p, d := range s.Dirs {
		if to := m.Target(p); to != "" && len(to) <= imagepath.MaxPath {
			of := *d
			of.Path, of.LastBy, of.Unsure = to, m.By, d.Unsure || !m.Certain
			moved[to] = &of
		}
	}
	touched := map[string]*dockerfile.Instruction{}
	for p := range s.Touched {
		if to := m.Target(p); to != "" && m.Certain {
			touched[to] = m.By
		}
	}
	s.missing(imagepath.Covers(m.From))
	if m.Certain {
		s.gone(m.From)
	} else {
		s.doubt(imagepath.Covers(m.From))
	}
	maps.Copy(s.Dirs, moved)
	maps.Copy(s.Touched, touched)
}

// atExit handles what a trap does when the shell of a step ends.
func (s *simulator) atExit(in *dockerfile.Instruction, traps []dockerfile.Command, later []held) {
	called := map[string]bool{}
	for _, t := range traps {
		if len(t.Args) < 2 || !t.Args[0].Static || !slices.ContainsFunc(t.Args[1:], func(w dockerfile.Word) bool { return w.Value == "EXIT" || w.Value == "0" }) {
			continue
		}
		script, err := dockerfile.ParseScript([]byte(t.Args[0].Value))
		if err != nil {
			continue
		}
		for _, c := range script.Commands() {
			called[c.Name] = true
			if removes[path.Base(c.Name)] {
				later = append(later, held{c, s.Workdir})
			}
		}
	}
	for _, h := range later {
		if h.Func != "" && called[h.Func] && h.Guard == "" {
			h.Func, h.Conditional = "", false
		}
		c := s.expandArgs(h.Command, h.dir)
		s.takesAway(in, path.Base(c.Name), c, h.dir)
	}
}

// A held command is looked at when all others of its step are: it stands in a function, or
// in a trap.
type held struct {
	dockerfile.Command
	dir string
}

// removes are the commands that take away what is there.
var removes = map[string]bool{"rm": true, "rmdir": true, "unlink": true, "find": true, "mv": true}

// takesAway handles the commands that remove or move something.
func (s *simulator) takesAway(in *dockerfile.Instruction, name string, c dockerfile.Command, dir string) {
	switch name {
	case "rm", "rmdir", "unlink":
		s.remove(in, c, dir)
	case "find":
		s.findRemoves(in, c, dir)
	case "mv", "cp":
		s.moves(in, name, c, dir)
	}
}
