package simulate

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// setcap records the owner's wish: setcap cap_net_bind_service=+ep FILE.
func (s *simulator) setcap(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	args := slices.Clone(c.Args)
	for i, w := range args {
		if m := foundByName.FindStringSubmatch(w.Value); m != nil && !w.Static {
			// Or in another directory of PATH: the name is what counts.
			args[i] = dockerfile.Word{Value: "/usr/bin/" + m[1], Static: true}
		}
	}
	_, words := shellcmd.Split(args, nil)
	if slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return w.Value == "-r" }) {
		for _, w := range words {
			s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool { return f.Path == imagepath.Abs(dir, w) && len(f.Capabilities) > 0 })
		}
		return
	}
	for i := 0; i+1 < len(words); i += 2 {
		caps, _, _ := strings.Cut(strings.ReplaceAll(words[i], "+", "="), "=")
		f := Privileged{By: in, Owner: true, Certain: !c.Conditional}
		f.Path = imagepath.Abs(dir, words[i+1])
		f.Capabilities = strings.Split(strings.ToLower(caps), ",")
		f.Effective = true
		s.Privileged = append(s.Privileged, f)
	}
}

// foundByName is a program whose path the shell looks up: $(which ruby).
var foundByName = regexp.MustCompile("^[\"']?(?:\\$\\(|`)\\s*(?:which|command -v|type -p)\\s+([A-Za-z0-9._+-]+)\\s*(?:\\)|`)[\"']?$")

// chmod records set-id bits that the file sets or takes, and reports whether it
// leaves no privileged file that is not recorded.
func (s *simulator) chmod(in *dockerfile.Instruction, c dockerfile.Command, dir string) bool {
	if len(c.Args) == 0 {
		return true
	}
	mode, words := shellcmd.ChmodMode(c.Args)
	sets, clears := shellcmd.SetIDBits(mode)
	bringsNone := true
	if m := chmodLoop.FindStringSubmatch(strings.Join(strings.Fields(in.Original), " ")); m != nil && clears && !sets && len(words) == 0 {
		s.clear(strings.Fields(m[1]))
		return true
	}
	if slices.Contains(c.Via, "find -exec") || slices.Contains(c.Via, "xargs") {
		if clears && !sets && (!c.Conditional || strings.Contains(c.Guard, "command -v find")) {
			s.stripAll(in, c)
		}
		return !sets
	}
	shuts, closed := shellcmd.ClosedMode(mode)
	recursive := slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool { return shellcmd.RecursiveOption.MatchString(w.Value) })
	for _, w := range words {
		p := imagepath.Abs(dir, w)
		s.opens(in, c, mode, p, recursive)
		if closed && !c.Conditional && !unplaced(p) && (recursive || s.Dirs[p] == nil && !shellcmd.OctalMode.MatchString(mode)) {
			s.Modes = slices.DeleteFunc(s.Modes, func(o ModeChange) bool { return o.Path == p || recursive && imagepath.Below(o.Path, p) })
			s.Modes = append(s.Modes, ModeChange{Path: p, Mode: shuts, By: in, Tree: recursive, Added: shellcmd.AddsRights(mode)})
		} else if recursive && !c.Conditional {
			s.Modes = slices.DeleteFunc(s.Modes, func(o ModeChange) bool { return imagepath.Below(o.Path, p) })
		}
		inherits := sets && s.isDirectory(p, w)
		if inherits && recursive {
			bringsNone = false // the files below get the bits too
		}
		if d, ok := s.Dirs[p]; ok {
			d.changeMode(mode)
			d.LastBy = in
			continue
		}
		if clears && !c.Conditional {
			s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool { return f.Path == p && len(f.Capabilities) == 0 })
		}
		if shellcmd.OctalMode.MatchString(mode) && !c.Conditional && !recursive {
			m, _ := strconv.ParseInt(mode, 8, 32)
			s.Modes = slices.DeleteFunc(s.Modes, func(o ModeChange) bool { return o.Path == p })
			s.Modes = append(s.Modes, ModeChange{Path: p, Mode: int(m), By: in})
		}
		if sets && !inherits {
			s.ownSetID(in, p, !c.Conditional)
		}
	}
	return bringsNone
}

// isDirectory reports whether what a chmod names is known to be a directory: a set-id bit
// there hands the group on to what is made in it, and gives nobody rights (chmod(1)).
func (s *simulator) isDirectory(name, word string) bool {
	if imagepath.Standard[name] || name == s.Workdir || strings.HasSuffix(word, "/") || s.Dirs[name] != nil {
		return true
	}
	for dir := range s.Dirs {
		if imagepath.Below(dir, name) {
			return true
		}
	}
	return slices.ContainsFunc(s.Copies, func(c Copy) bool {
		dest := path.Clean(c.Dest)
		whole := len(c.Sources) == 1 && (path.Clean(c.Sources[0]) == "." || strings.HasSuffix(c.Sources[0], "/"))
		return !c.Opaque && imagepath.Below(dest, name) && (dest != name || c.Into || whole)
	})
}

// maxOpens bounds how many are kept: each is compared with each closed file.
const maxOpens = 1000

// opens notes a chmod that lets everybody read what nobody but root could.
func (s *simulator) opens(in *dockerfile.Instruction, c dockerfile.Command, mode, name string, tree bool) {
	if m, ok := shellcmd.ChangeMode(mode, 0o600, false); ok && m&0o004 != 0 && !c.Conditional && len(s.Opens) < maxOpens {
		s.Opens = append(s.Opens, ModeChange{Path: name, Mode: m, By: in, Tree: tree})
	}
}

// changeMode follows a chmod of the directory: mkdir made it with 0755.
func (d *Dir) changeMode(mode string) {
	if shellcmd.OctalMode.MatchString(mode) {
		m, _ := strconv.ParseInt(mode, 8, 32)
		d.Mode = Num(int(m))
		return
	}
	before := 0o755
	if d.Mode.Known {
		before = d.Mode.N
	}
	if m, ok := shellcmd.ChangeMode(mode, before, true); ok && (d.Mode.Known || d.MadeBy != nil) {
		d.Mode = Num(m)
	}
}

// chmodLoop is the strip of chmodEach, for files that may be missing.
var chmodLoop = regexp.MustCompile(`for f in ([^;$` + "`" + `]+); do if \[ -f "\$f" \]; then chmod a-s "\$f"; fi; done`)

// clear forgets files whose set-id bits are taken off.
func (s *simulator) clear(files []string) {
	s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool { return slices.Contains(files, f.Path) && len(f.Capabilities) == 0 })
}

// installFiles records the files that install -m makes setuid or setgid, which are a
// wrapper of the file's own, and those that it shuts others out of.
func (s *simulator) installFiles(in *dockerfile.Instruction, mode, target string, paths []string, conditional bool, dir string) {
	sets, _ := shellcmd.SetIDBits(mode)
	shuts, closed := shellcmd.ClosedMode(mode)
	if !sets && !closed || len(paths) == 0 {
		return
	}
	var files []string
	last := paths[len(paths)-1]
	switch {
	case target != "":
		for _, p := range paths {
			files = append(files, path.Join(target, path.Base(p)))
		}
	case strings.HasSuffix(last, "/") || len(paths) > 2:
		for _, p := range paths[:len(paths)-1] {
			files = append(files, path.Join(last, path.Base(p)))
		}
	default:
		files = append(files, last)
	}
	for _, f := range files {
		switch name := imagepath.Abs(dir, f); {
		case sets:
			s.ownSetID(in, name, !conditional)
		case !conditional && !unplaced(name):
			s.Modes = append(s.Modes, ModeChange{Path: name, Mode: shuts, By: in})
		}
	}
}

// ownSetID records a file that this file itself makes setuid or setgid.
func (s *simulator) ownSetID(in *dockerfile.Instruction, file string, certain bool) {
	f := Privileged{By: in, Owner: true, Certain: certain}
	f.Path, f.Mode = file, 0o4755
	s.Privileged = append(s.Privileged, f)
}

var fullStrip = regexp.MustCompile(`-perm\s+[/+]0?6000|-perm\s+-0?4000\s+(-o|-or)\s+-perm\s+-0?2000|-perm\s+[/+]u[=+]s,g[=+]s|-perm\s+[/+]ug?=s`)

// stripAll notes an instruction that takes the set-id bits off every file of
// the image: find / -perm /6000 … chmod a-s. A find that looks for other bits
// (-perm 6000 matches only files with both) or in one folder does not count.
func (s *simulator) stripAll(in *dockerfile.Instruction, c dockerfile.Command) {
	text := strings.Join(strings.Fields(in.Original), " ")
	if !fullStrip.MatchString(text) || !regexp.MustCompile(`find\s+/\s`).MatchString(text) {
		return
	}
	s.Stripped = in
	s.strips++
	s.Installers = nil
	s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool { return len(f.Capabilities) == 0 && !keptBy(text, f.Path) })
	s.Kept = keptPaths(text)
}

func keptBy(text, p string) bool { return slices.Contains(keptPaths(text), p) }

var notPath = regexp.MustCompile(`(?:!|-not) -path '?([^\s']+)'?`)

// keptPaths returns the files that a find leaves out by name.
func keptPaths(text string) []string {
	var out []string
	for _, m := range notPath.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// keyCommands are those of openssl whose -out is a private key (openssl-genpkey(1) …).
var keyCommands = map[string]bool{"genrsa": true, "genpkey": true, "gendsa": true, "ecparam": true, "rsa": true, "ec": true, "pkey": true, "pkcs12": true, "pkcs8": true}

// makesKeys records the private keys that openssl makes: it opens them with mode 0600.
func (s *simulator) makesKeys(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	for i := 1; i+1 < len(c.Args); i++ {
		option, file := c.Args[i].Value, c.Args[i+1]
		if !file.Static || option != "-keyout" && !(option == "-out" && keyCommands[c.Args[0].Value]) {
			continue
		}
		name := imagepath.Abs(dir, file.Value)
		s.Modes = slices.DeleteFunc(s.Modes, func(o ModeChange) bool { return o.Path == name })
		s.Modes = append(s.Modes, ModeChange{Path: name, Mode: 0o600, By: in, Made: true})
	}
}
