package simulate

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// seeds notes the files that a RUN makes by name, and the directories that it puts its own
// small files into: what it prints or copies, not what it downloads, builds or unpacks.
func (s *simulator) seeds(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	if c.Conditional || !s.User.Root() {
		return
	}
	name := path.Base(c.Name)
	for _, r := range c.Redirects {
		if shellcmd.WritesFile(r) && r.Target.Static {
			s.seedFile(in, imagepath.Abs(dir, r.Target.Value), prints[name])
		}
	}
	if targets := copyTargets(name, c.Args); len(targets) > 0 {
		_, mounted := in.Flag("mount")
		for _, t := range targets {
			s.seed(in, imagepath.Abs(dir, t.dest), t, !mounted || name != "mv")
		}
	}
}

// prints are commands whose output is what the file says, or a file of it.
var prints = map[string]bool{"echo": true, "printf": true, "cat": true, "sed": true, "envsubst": true, "date": true, ":": true, "true": true, "": true}

// seedFile notes a file that is there from now on.
func (s *simulator) seedFile(in *dockerfile.Instruction, name string, small bool) {
	if unplaced(name) || imagepath.Below(name, "/dev") || imagepath.Below(name, "/proc") || strings.ContainsAny(name, "*?[$") {
		return
	}
	s.Written[name] = in
	if small {
		s.Seeded[path.Dir(name)] = in
	}
}

// A copyTarget is what cp and its like put something at.
type copyTarget struct {
	src, dest string
	into      bool // dest is a directory for certain
	tree      bool // src may be a directory
}

// copyOptions are the options with an argument of the commands that copyTargets knows.
var copyOptions = map[string]map[string]string{
	"cp": {"-t": "dir", "--target-directory": "dir", "-S": "suffix"}, "mv": {"-t": "dir", "--target-directory": "dir", "-S": "suffix"},
	"install": {"-t": "dir", "--target-directory": "dir", "-m": "mode", "--mode": "mode", "-o": "owner", "--owner": "owner", "-g": "group", "--group": "group"},
	"rsync":   {"-e": "shell", "--exclude": "name", "--include": "name", "--chown": "owner", "--chmod": "mode"},
}

// copyTargets returns what a command copies, and where to (cp(1), mv(1), install(1), rsync(1)).
func copyTargets(name string, args []dockerfile.Word) (out []copyTarget) {
	takes := copyOptions[name]
	if takes == nil {
		return nil
	}
	o, words := shellcmd.Split(args, takes)
	if name == "install" && (o.Has("-d") || o.Has("--directory") || o.Value("owner") != "") {
		return nil
	}
	dest := o.Value("dir")
	into := dest != "" || len(words) > 2
	if dest == "" && len(words) > 1 {
		dest, words = words[len(words)-1], words[:len(words)-1]
	}
	if dest == "" || strings.ContainsAny(dest, "*?[$") {
		return nil
	}
	tree := name == "mv" || name == "rsync" || slices.ContainsFunc([]string{"-r", "-R", "-a", "--recursive", "--archive"}, o.Has)
	for _, w := range words {
		out = append(out, copyTarget{src: w, dest: dest, into: into || strings.HasSuffix(dest, "/") || strings.HasSuffix(w, "/.") || name == "rsync" && strings.HasSuffix(w, "/"), tree: tree})
	}
	return out
}

// seed notes what one of a command's sources brings.
func (s *simulator) seed(in *dockerfile.Instruction, dest string, t copyTarget, small bool) {
	if unplaced(dest) {
		return
	}
	name := path.Join(dest, path.Base(t.src))
	switch d := s.Dirs[dest]; {
	case strings.ContainsAny(t.src, "*?[$") || strings.HasSuffix(t.src, "/."):
	case t.into && !t.tree || d != nil && d.MadeBy != nil && !t.tree || imagepath.Standard[dest]:
		s.seedFile(in, name, false)
	case !t.into && !t.tree:
		s.seedFile(in, dest, small)
		return
	}
	if small {
		s.Seeded[dest] = in
	}
}
