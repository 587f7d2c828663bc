package rewrite

import (
	"path"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// maxText bounds how much of a file that a RUN writes is kept.
const maxText = 64 << 10

// writesText notes what a RUN writes to a file by echo, printf or cat with a heredoc:
// start scripts are often made that way. What depends on anything else makes the text
// of the file unknown.
func (s *simulator) writesText(c dockerfile.Command, dir string) {
	for _, r := range c.Redirects {
		op := strings.TrimPrefix(r.Op, "1")
		if op != ">" && op != ">>" && op != ">|" || !r.Target.Static {
			continue
		}
		file := abs(dir, r.Target.Value)
		text, ok := outputOf(c)
		if op == ">>" {
			before, there := s.Texts[file]
			text, ok = before+text, ok && there
		}
		if !ok || c.Conditional || len(text) > maxText {
			delete(s.Texts, file)
			continue
		}
		s.Texts[file] = text
	}
}

// movesText notes that a file whose text is known gets another name.
func (s *simulator) movesText(c dockerfile.Command, dir string) {
	_, words := splitOptions(c.Args, nil)
	if len(words) != 2 || len(s.Texts) == 0 {
		return
	}
	from, to := abs(dir, words[0]), abs(dir, words[1])
	text, ok := s.Texts[from]
	if _, into := s.Dirs[to]; into || strings.HasSuffix(words[1], "/") || standardDir[to] {
		to = path.Join(to, path.Base(from))
	}
	delete(s.Texts, to)
	if path.Base(c.Name) == "mv" {
		delete(s.Texts, from)
	}
	if ok && !c.Conditional {
		s.Texts[to] = text
	}
}

// outputOf returns what a command prints, where its words say it.
func outputOf(c dockerfile.Command) (string, bool) {
	switch path.Base(c.Name) {
	case "cat":
		if len(c.Args) > 0 {
			return "", false
		}
		for _, r := range c.Redirects {
			if strings.HasPrefix(r.Op, "<<") && !strings.Contains(r.Body, "$(") && !strings.Contains(r.Body, "`") {
				return r.Body, true
			}
		}
	case "echo", "printf":
		var words []string
		for _, w := range c.Args {
			if !w.Static {
				return "", false
			}
			if len(words) > 0 || w.Value != "-e" && w.Value != "-n" && w.Value != "-ne" && w.Value != "-en" {
				words = append(words, w.Value)
			}
		}
		text := strings.Join(words, " ")
		if path.Base(c.Name) == "printf" && (len(words) != 1 || strings.Contains(text, "%")) {
			return "", false
		}
		// dash's echo and printf write a line end for it; bash's echo does so
		// with -e.
		return strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(text) + "\n", true
	}
	return "", false
}

// fills notes the directory that an archive is unpacked or a repository cloned into.
func (s *simulator) fills(in *dockerfile.Instruction, name string, c dockerfile.Command, dir string) {
	switch name {
	case "tar":
		o, words := splitOptions(c.Args, map[string]string{"-C": "dir", "--directory": "dir", "-f": "file", "--file": "file"})
		extracts := o.has("-x") || o.has("--extract") || len(words) > 0 && !strings.Contains(words[0], "/") && strings.Contains(words[0], "x")
		if extracts && len(words) < 3 {
			s.Filled[abs(dir, o.value("dir"))] = in
		}
	case "unzip":
		o, _ := splitOptions(c.Args, map[string]string{"-d": "dir", "-x": "exclude"})
		s.Filled[abs(dir, o.value("dir"))] = in
	case "touch":
		_, words := splitOptions(c.Args, map[string]string{"-d": "date", "-t": "time", "-r": "file"})
		for _, w := range words {
			for _, b := range braces(w) {
				if !c.Conditional && !strings.ContainsAny(b, "*?[$") {
					s.Touched[abs(dir, b)] = in
				}
			}
		}
	case "git":
		if _, words := splitOptions(c.Args, map[string]string{"-b": "branch", "--branch": "branch", "--depth": "depth"}); len(words) == 3 && words[0] == "clone" {
			s.Filled[abs(dir, words[2])] = in
		}
	}
}
