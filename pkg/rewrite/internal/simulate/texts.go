package simulate

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// MaxText bounds how much of a file that a RUN writes is kept.
const MaxText = 64 << 10

// writesText notes what a RUN writes to a file by echo, printf, cat or tee: start scripts are
// often made that way. What depends on anything else makes the text of the file unknown.
func (s *simulator) writesText(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	for _, r := range c.Redirects {
		op := strings.TrimPrefix(r.Op, "1")
		if op != ">" && op != ">>" && op != ">|" || !r.Target.Static {
			continue
		}
		text, ok := outputOf(c)
		file := imagepath.Abs(dir, r.Target.Value)
		// The commands of { …; } > file write one after the other.
		block := textAt{in, r.Target.Pos}
		s.writeText(in, c, file, text, ok, op == ">>" || s.blocks[file] == block)
		s.blocks[file] = block
	}
	if path.Base(c.Name) == "tee" {
		s.teesText(in, c, dir)
	}
}

// A textAt is a redirection of a step.
type textAt struct {
	in  *dockerfile.Instruction
	pos int
}

// teesText notes what tee writes of what it is fed: echo … | tee file.
func (s *simulator) teesText(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	text, ok := inputOf(c)
	if !ok {
		text, ok = outputsOf(c.Input)
	}
	o, files := shellcmd.Split(c.Args, nil)
	for _, file := range files {
		s.writeText(in, c, imagepath.Abs(dir, file), text, ok, o.Has("-a") || o.Has("--append"))
	}
}

// writeText notes that a command writes or appends a text to a file, be it one that is not
// known.
func (s *simulator) writeText(in *dockerfile.Instruction, c dockerfile.Command, file, text string, ok, appends bool) {
	if appends {
		before, there := s.Texts[file]
		text, ok = before+text, ok && there
	}
	if !ok || c.Conditional || len(text) > MaxText {
		delete(s.Texts, file)
		if name := path.Base(c.Name); printers[name] && (name != "cat" || len(c.Args) == 0) {
			s.Printed[file] = in
		}
		return
	}
	s.Texts[file] = text
}

// printers are commands that write text rather than programs.
var printers = map[string]bool{"echo": true, "printf": true, "cat": true, "tee": true, "envsubst": true}

// movesText notes that files get other names: their texts, as far as a step has written them,
// and for those of the build context where they were.
func (s *simulator) movesText(c dockerfile.Command, dir string) {
	name := path.Base(c.Name)
	o, words := shellcmd.Split(c.Args, shellcmd.Writers[name].Takes)
	if name == "install" && (o.Has("-d") || o.Has("--directory")) || c.Conditional {
		return
	}
	into := o.Value("-t") + o.Value("--target-directory")
	if into == "" {
		if len(words) < 2 {
			return
		}
		into, words = words[len(words)-1], words[:len(words)-1]
		if !strings.HasSuffix(into, "/") && len(words) == 1 && !imagepath.Standard[imagepath.Abs(dir, into)] && s.Dirs[imagepath.Abs(dir, into)] == nil {
			s.moveText(name, imagepath.Abs(dir, words[0]), imagepath.Abs(dir, into), "")
			return
		}
	}
	for _, w := range words {
		from, to, pattern := imagepath.Abs(dir, w), imagepath.Abs(dir, into), ""
		switch {
		case strings.ContainsAny(path.Base(from), "*?["):
			from, pattern = path.Dir(from), path.Base(from)
		case !strings.HasSuffix(w, "/.") && w != ".":
			to = path.Join(to, path.Base(from))
		}
		s.moveText(name, from, to, pattern)
	}
}

// maxMoves bounds how many files that get another name are remembered.
const maxMoves = 1000

func (s *simulator) moveText(command, from, to, pattern string) {
	text, ok := s.Texts[from]
	delete(s.Texts, to)
	if command == "mv" {
		delete(s.Texts, from)
	}
	switch {
	case ok:
		s.Texts[to] = text
	case len(s.Moves) < maxMoves:
		s.Moves = append(s.Moves, Move{From: from, To: to, Pattern: pattern})
	}
}

// inputOf returns the heredoc that a command reads, where nothing in it is expanded.
func inputOf(c dockerfile.Command) (string, bool) {
	for _, r := range c.Redirects {
		if strings.HasPrefix(r.Op, "<<") && !strings.Contains(r.Body, "$(") && !strings.Contains(r.Body, "`") {
			return r.Body, true
		}
	}
	return "", false
}

// outputsOf returns what commands print one after the other.
func outputsOf(cmds []dockerfile.Command) (string, bool) {
	var b strings.Builder
	for _, c := range cmds {
		text, ok := outputOf(c)
		if !ok || b.Len()+len(text) > MaxText {
			return "", false
		}
		b.WriteString(text)
	}
	return b.String(), len(cmds) > 0
}

// outputOf returns what a command prints, where its words say it.
func outputOf(c dockerfile.Command) (string, bool) {
	switch path.Base(c.Name) {
	case "cat":
		if len(c.Args) == 0 {
			return inputOf(c)
		}
	case "echo":
		words, ok := staticWords(c.Args)
		for ok && len(words) > 0 && (words[0] == "-e" || words[0] == "-n" || words[0] == "-ne" || words[0] == "-en") {
			words = words[1:]
		}
		// dash's echo writes a line end for \n; bash's does so with -e.
		return strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(strings.Join(words, " ")) + "\n", ok
	case "printf":
		words, ok := staticWords(c.Args)
		if !ok || len(words) == 0 {
			return "", false
		}
		return printfText(words[0], words[1:])
	}
	return "", false
}

func staticWords(args []dockerfile.Word) ([]string, bool) {
	return shellcmd.Words(args), !slices.ContainsFunc(args, func(w dockerfile.Word) bool { return !w.Static })
}

// printfText returns what printf prints: its format, again for as long as there are arguments
// (POSIX, printf).
func printfText(format string, args []string) (string, bool) {
	var b strings.Builder
	for {
		text, used, err := expand.Format(nil, format, args)
		if err != nil || b.Len()+len(text) > MaxText {
			return "", false
		}
		b.WriteString(text)
		args = args[min(used, len(args)):]
		if used == 0 || len(args) == 0 {
			return b.String(), true
		}
	}
}

// fills notes the directory that an archive is unpacked or a repository cloned into.
func (s *simulator) fills(in *dockerfile.Instruction, name string, c dockerfile.Command, dir string) {
	switch name {
	case "tar":
		o, words := shellcmd.Split(c.Args, map[string]string{"-C": "dir", "--directory": "dir", "-f": "file", "--file": "file"})
		extracts := o.Has("-x") || o.Has("--extract") || len(words) > 0 && !strings.Contains(words[0], "/") && strings.Contains(words[0], "x")
		if extracts && len(words) < 3 {
			s.Filled[imagepath.Abs(dir, o.Value("dir"))] = in
		}
	case "unzip":
		o, _ := shellcmd.Split(c.Args, map[string]string{"-d": "dir", "-x": "exclude"})
		s.Filled[imagepath.Abs(dir, o.Value("dir"))] = in
	case "erlc", "javac":
		// What a compiler is told to put its output into holds the program.
		o, _ := shellcmd.Split(c.Args, map[string]string{"-o": "dir", "-d": "dir", "-I": "include", "-pa": "path", "-pz": "path", "-cp": "path", "-classpath": "path", "-sourcepath": "path", "--release": "release", "-source": "release", "-target": "release"})
		if out := o.Value("dir"); out != "" {
			s.Filled[imagepath.Abs(dir, out)] = in
		}
	case "touch":
		_, words := shellcmd.Split(c.Args, map[string]string{"-d": "date", "-t": "time", "-r": "file"})
		for _, w := range words {
			given, _ := s.braces(w, c)
			for _, b := range given {
				if !c.Conditional && !strings.ContainsAny(b, "*?[$") {
					s.Touched[imagepath.Abs(dir, b)] = in
				}
			}
		}
	case "svnadmin", "hg", "fossil", "sqlite3":
		s.stores(in, name, c, dir)
	case "git":
		s.stores(in, name, c, dir)
		if dest, ok := cloned(c); ok {
			dest = imagepath.Abs(dir, dest)
			s.Filled[dest] = in
			if !c.Conditional && !c.FailureHandled {
				s.Cloned[dest] = in
			}
		}
	}
}

// cloned returns the directory that git clone makes: the one it is given, or one that is
// called like the repository (git-clone(1)).
func cloned(c dockerfile.Command) (string, bool) {
	_, words := shellcmd.Split(c.Args, map[string]string{"-b": "branch", "--branch": "branch", "--depth": "depth", "-c": "config", "--config": "config",
		"-o": "origin", "--origin": "origin", "--reference": "repo", "--shallow-since": "date", "--filter": "filter", "-j": "jobs", "--jobs": "jobs"})
	switch {
	case len(words) == 3 && words[0] == "clone":
		return words[2], true
	case len(words) != 2 || words[0] != "clone":
		return "", false
	}
	name := path.Base(strings.TrimSuffix(strings.TrimRight(words[1], "/"), ".git"))
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[i+1:] // host:name
	}
	return name, repositoryName.MatchString(name)
}

// repositoryName is the last part of an address that a directory is called by.
var repositoryName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)

// HeredocText returns the texts of the here-documents of an instruction.
func HeredocText(in *dockerfile.Instruction) string {
	var b strings.Builder
	for _, h := range in.Heredocs {
		b.WriteString(h.Content)
	}
	return b.String()
}
