package simulate

import (
	"path"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// A umask is what a RUN keeps from the files that it makes from then on.
type umask struct {
	bits  int
	shell string // the one that sets it, and those that it starts
}

// setUmask follows umask(1) with a number.
func (s *simulator) setUmask(c dockerfile.Command) {
	if c.Name != "umask" || c.Conditional || len(c.Args) != 1 || !c.Args[0].Static {
		return
	}
	if bits, err := strconv.ParseInt(c.Args[0].Value, 8, 32); err == nil {
		s.umask = umask{bits: int(bits) & 0o777, shell: c.Shell}
	}
}

// masked returns the mode that a command makes files or directories with, and whether that
// shuts others out.
func (s *simulator) masked(c dockerfile.Command, mode int) (int, bool) {
	if s.umask.bits&0o005 == 0 || c.Conditional || !imagepath.Below(path.Clean("/"+c.Shell), path.Clean("/"+s.umask.shell)) {
		return 0, false
	}
	mode &^= s.umask.bits
	return mode, mode&0o005 != 0o005
}

// makesClosed notes the files that a command makes under a umask which shuts others out.
func (s *simulator) makesClosed(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	mode, closed := s.masked(c, 0o666)
	if !closed || mode&0o004 != 0 {
		return
	}
	var files []string
	for _, r := range c.Redirects {
		if shellcmd.WritesFile(r) && r.Target.Static {
			files = append(files, r.Target.Value)
		}
	}
	if name := path.Base(c.Name); name == "touch" || name == "tee" {
		_, words := shellcmd.Split(c.Args, map[string]string{"-d": "date", "-t": "time", "-r": "file"})
		files = append(files, words...)
	}
	for _, f := range files {
		if name := imagepath.Abs(dir, f); !unplaced(name) && !strings.ContainsAny(f, "*?[$") && !imagepath.Below(name, "/dev") && !imagepath.Below(name, "/proc") && !imagepath.Below(name, "/tmp") {
			s.Modes = append(s.Modes, ModeChange{Path: name, Mode: mode, By: in, Made: true})
		}
	}
}

// makesClosedDir notes a directory that mkdir makes under such a umask, with those on the
// way to it.
func (s *simulator) makesClosedDir(d *Dir, in *dockerfile.Instruction, c dockerfile.Command) {
	mode, closed := s.masked(c, 0o777)
	if !closed || d.MadeBy != in {
		return
	}
	d.Mode = Num(mode)
	for up := path.Dir(d.Path); !imagepath.Standard[up] && s.Dirs[up] == nil; up = path.Dir(up) {
		s.Modes = append(s.Modes, ModeChange{Path: up, Mode: mode, By: in})
	}
}
