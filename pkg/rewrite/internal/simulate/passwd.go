package simulate

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/imageinspect"
)

// everyone stands in a list for the accounts that the stage has in /etc/passwd.
const everyone = "*"

// passwdLines reads accounts that a command writes to a passwd or group file by
// redirection: /etc/passwd itself, or one that another stage copies there.
func (s *simulator) passwdLines(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	var body strings.Builder // cat >> /etc/passwd <<EOF: the text is that of another redirection
	for _, r := range c.Redirects {
		body.WriteString(r.Body)
	}
	for _, r := range c.Redirects {
		file := imagepath.Abs(dir, r.Target.Value)
		base := path.Base(file)
		if !r.Target.Static || !strings.Contains(base, "passwd") && !strings.Contains(base, "group") {
			continue
		}
		text := body.String()
		for _, a := range c.Args {
			if a.Static {
				text += "\n" + strings.ReplaceAll(a.Value, `\n`, "\n")
			}
		}
		if picksLines[path.Base(c.Name)] && body.Len() == 0 {
			text = ""
			s.Lists[file] = append(s.Lists[file], everyone)
		}
		for line := range strings.SplitSeq(text, "\n") {
			line = strings.TrimSpace(line)
			if file == "/etc/passwd" || file == "/etc/group" {
				s.passwdLine(in, file, line, !c.Conditional)
			} else if line != "" {
				s.Lists[file] = append(s.Lists[file], line)
			}
		}
	}
}

// picksLines are commands whose output is made of lines of a file that is there.
var picksLines = map[string]bool{"grep": true, "egrep": true, "getent": true, "awk": true, "cat": true, "head": true, "tail": true, "sed": true}

func (s *simulator) passwdLine(in *dockerfile.Instruction, file, line string, certain bool) {
	f := strings.Split(line, ":")
	if len(f) < 3 || !ValidName(f[0]) {
		return
	}
	n, err := strconv.Atoi(f[2])
	if err != nil {
		return
	}
	if file == "/etc/group" {
		g := Group{Name: f[0], GID: Num(n), By: in}
		if len(f) > 3 && f[3] != "" {
			g.Members = strings.Split(f[3], ",")
		}
		s.addGroup(g)
		return
	}
	a := Account{Name: f[0], UID: Num(n), By: in, Certain: certain}
	if len(f) > 3 {
		if g, err := strconv.Atoi(f[3]); err == nil {
			a.GID = Num(g)
		}
	}
	if len(f) > 5 {
		a.Home = f[5]
	}
	s.addAccount(a)
}

// newusers makes the accounts of the lines that it reads, with their homes (newusers(8)).
// before is the command that stands before it, which may write them to a pipe.
func (s *simulator) newusers(in *dockerfile.Instruction, c, before dockerfile.Command, script *dockerfile.Script, dir string) {
	var text strings.Builder
	for _, r := range c.Redirects {
		text.WriteString(r.Body)
	}
	if before.End > 0 && before.End <= c.Pos && c.Pos <= len(script.Text) && strings.TrimSpace(script.Text[before.End:c.Pos]) == "|" {
		for _, w := range before.Args {
			if w.Static {
				text.WriteString(strings.ReplaceAll(w.Value, `\n`, "\n") + "\n")
			}
		}
	}
	if _, words := shellcmd.Split(c.Args, nil); len(words) == 1 {
		text.WriteString(s.Texts[imagepath.Abs(dir, words[0])])
	}
	for line := range strings.Lines(text.String()) {
		s.newuser(in, strings.TrimSpace(line), !c.Conditional)
	}
}

func (s *simulator) newuser(in *dockerfile.Instruction, line string, certain bool) {
	f := strings.Split(line, ":")
	if len(f) != 7 || !ValidName(f[0]) {
		return
	}
	a := Account{Name: f[0], By: in, Certain: certain, Home: f[5], HomeMade: f[5] != ""}
	if n, err := strconv.Atoi(f[2]); err == nil {
		a.UID = Num(n)
	}
	if f[3] == "" {
		f[3] = f[0]
	}
	a.GID = s.primary(f[3])
	if _, ok := s.Group(f[3]); !ok && f[3] == f[0] {
		a.GID = a.UID
	}
	if _, ok := s.GroupByGID(a.GID); !ok {
		s.addGroup(Group{Name: f[0], GID: a.GID, By: in})
	}
	s.addAccount(a)
}

// copiedPasswd follows a copy over /etc/passwd or /etc/group: from then on the
// accounts are those of where it comes from.
func (s *simulator) copiedPasswd(in *dockerfile.Instruction, c Copy) {
	for _, h := range in.Heredocs {
		if c.Dest == "/etc/passwd" || c.Dest == "/etc/group" {
			for line := range strings.SplitSeq(h.Content, "\n") {
				s.passwdLine(in, c.Dest, strings.TrimSpace(line), true)
			}
		}
	}
	if c.From == "" {
		return
	}
	for _, src := range c.Sources {
		src = path.Clean("/" + src)
		dest := c.Target(src)
		if dest != "/etc/passwd" && dest != "/etc/group" {
			continue
		}
		if from := s.stage(in, c.From); from != nil {
			s.takeAccounts(in, from, src, dest)
		}
	}
}

// stage returns what is known of the end of an earlier stage. Its base image is
// looked up in the catalogue only: nobody expects harden to read an image that just
// builds.
func (s *simulator) stage(in *dockerfile.Instruction, name string) *State {
	st := s.doc.CopyFrom(in.Stage, name)
	if st == nil || st.Index >= in.Stage.Index {
		return nil
	}
	if from, ok := s.stages[st]; ok {
		return from
	}
	if s.followed >= maxFollowed {
		return nil
	}
	chain, base, err := s.res.Chain(st)
	if err != nil {
		return nil
	}
	s.followed += len(chain)
	facts := imageinspect.Scratch()
	if !base.Scratch {
		facts = catalogued(base.Ref)
	}
	from := s.simulate(chain, NewState(facts), nil)
	s.stages[st] = from
	return from
}

// catalogued returns what the catalogue knows of an image.
func catalogued(ref string) *imageinspect.Facts {
	f, err := imageinspect.DefaultCatalog().Inspect(context.Background(), ref, imageinspect.Platform{OS: "linux", Architecture: "amd64"})
	if err != nil {
		return imageinspect.UnknownImage(ref)
	}
	return f
}

// takeAccounts makes the accounts or groups in a file of another stage those of the
// image.
func (s *simulator) takeAccounts(in *dockerfile.Instruction, from *State, src, dest string) {
	lines := from.Lists[src]
	all := src == dest || slices.Contains(lines, everyone)
	if dest == "/etc/group" {
		s.Groups = nil
		if all {
			s.Groups = slices.Clone(from.Groups)
		}
	} else {
		s.Accounts = nil
		if all {
			for _, a := range from.Accounts {
				a.From, a.HomeMade = from, false // the file alone is copied
				s.Accounts = append(s.Accounts, a)
			}
		}
	}
	for _, line := range lines {
		s.passwdLine(in, dest, line, true)
	}
}
