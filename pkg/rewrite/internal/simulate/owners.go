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
	"github.com/dockharden/harden/pkg/imageinspect"
)

// makeDirs handles mkdir and install -d.
func (s *simulator) makeDirs(in *dockerfile.Instruction, name string, c dockerfile.Command, dir string) {
	opts, paths := shellcmd.Split(c.Args, map[string]string{"-m": "mode", "--mode": "mode", "-o": "owner", "--owner": "owner", "-g": "group", "--group": "group", "-t": "target"})
	if name == "install" && !opts.Has("-d") && !opts.Has("--directory") {
		mode := opts.Value("mode")
		if sets, _ := shellcmd.SetIDBits(mode); !sets && (opts.Value("owner") != "" || opts.Value("group") != "") {
			return // for somebody else, on purpose
		}
		s.installFiles(in, mode, opts.Value("target"), paths, c.Conditional, dir)
		return
	}
	if c.Dead {
		return
	}
	for _, w := range paths {
		made, read := s.braces(w, c)
		if len(made) == 1 && len(shellcmd.Braces(w)) > 1 && s.Braces == nil {
			s.Braces = in
		}
		for _, p := range made {
			d := s.makeDir(imagepath.Abs(dir, p), w, in, c)
			s.makesClosedDir(d, in, c)
			d.Unsure = d.Unsure || !read || s.looked > maxLooked
			d.Alone = name == "mkdir" && !opts.Has("-p") && !opts.Has("--parents")
			if m, err := strconv.ParseInt(opts.Value("mode"), 8, 32); err == nil {
				d.Mode = Num(int(m))
			}
			if o := opts.Value("owner"); o != "" {
				d.UID, d.Owner = s.userNumber(o)
			}
			if g := opts.Value("group"); g != "" {
				d.GID, _ = s.groupNumber(g)
			}
		}
	}
}

// makeDir notes a directory that a command makes, and under which condition.
func (s *simulator) makeDir(p, word string, in *dockerfile.Instruction, c dockerfile.Command) *Dir {
	before := s.Dirs[p]
	d := s.madeDir(p, in)
	switch when, always := s.condition(c, word); {
	case always || before != nil && before.When != "" && opposite(before.When, when):
		if before != nil && (d.When != "" || d.Unsure) {
			d.MadeBy = in
		}
		d.When, d.Unsure = "", false
	case before == nil:
		d.When, d.Unsure = when, true
	}
	return d
}

// condition returns the condition under which a command makes a directory, "" where it may
// fail or stands in a function, and whether it makes it always: a question whether the
// directory is missing is none.
func (s *simulator) condition(c dockerfile.Command, word string) (when string, always bool) {
	if !c.Conditional || c.Func == "" && c.Guard == "" && c.Loop != nil && len(c.Loop.Items) > 0 {
		return "", true
	}
	if c.Func == "" && s.asksFor(c.Guard, word) && strings.Contains(c.Guard, "!") {
		return "", true
	}
	return c.Guard, false
}

// opposite reports whether one of two conditions holds whatever happens.
func opposite(a, b string) bool {
	not := func(of, other string) bool { return of == "! "+other || of == "! { "+other+"; }" }
	return a != "" && b != "" && (not(a, b) || not(b, a))
}

// chownLoop is what dropCapabilities writes for files that may be missing.
var chownLoop = regexp.MustCompile(`for f in ([^;$` + "`" + `]+); do if \[ -f "\$f" \]; then chown [0-9]+ "\$f"; fi; done`)

// chown handles chown and chgrp: it changes the known owner of directories, and
// takes set-id bits and capabilities off files (chown(2)).
func (s *simulator) chown(in *dockerfile.Instruction, name string, c dockerfile.Command, dir string) {
	opts, words := shellcmd.Split(c.Args, map[string]string{"--reference": "reference", "--from": "from"})
	if len(words) == 1 {
		for _, m := range chownLoop.FindAllStringSubmatch(strings.Join(strings.Fields(in.Original), " "), -1) {
			files := strings.Fields(m[1])
			s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool { return slices.Contains(files, f.Path) })
		}
	}
	if len(words) < 2 || opts.Value("reference") != "" {
		return
	}
	var uid, gid Number
	owner := ""
	setUID, setGID := name == "chown", name == "chgrp"
	if name == "chgrp" {
		gid, _ = s.groupNumber(words[0])
	} else {
		user, group, has := shellcmd.CutOwner(words[0])
		setUID = user != ""
		uid, owner = s.userNumber(user)
		if has {
			setGID = true
			gid, _ = s.groupNumber(group)
			if group == "" {
				if a, ok := s.Account(user); ok {
					gid = a.GID
				}
			}
		}
	}
	recursive := opts.Has("-R") || opts.Has("--recursive")
	for _, w := range words[1:] {
		given, _ := s.braces(w, c)
		for _, b := range given {
			p := imagepath.Abs(dir, b)
			s.Modes = slices.DeleteFunc(s.Modes, func(m ModeChange) bool { return m.Path == p || recursive && imagepath.Below(m.Path, p) })
			s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool {
				return (!c.Conditional || strings.Contains(c.Guard, p)) && (f.Path == p || recursive && imagepath.Below(f.Path, p))
			})
			for q, d := range s.Dirs {
				if q != p && (!recursive || !imagepath.Below(q, p)) {
					continue
				}
				setOwner(d, uid, gid, setUID, setGID)
				if setUID {
					d.Owner = owner
				}
			}
			if _, ok := s.Dirs[p]; !ok {
				d := &Dir{Path: p, LastBy: in, Unsure: c.Conditional || c.FailureHandled}
				setOwner(d, uid, gid, setUID, setGID)
				if setUID {
					d.Owner = owner
				}
				s.Dirs[p] = d
			}
			s.Dirs[p].LastBy, s.Dirs[p].OwnedBy = in, in
			if recursive {
				s.Dirs[p].Tree = true
			}
		}
	}
}

// findChown handles find DIR ! ( -user U -group G ) -exec chown U:G {} +, which leaves
// the same as chown -R DIR and writes only what is another's.
func (s *simulator) findChown(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	args := shellcmd.Words(c.Args)
	exec := slices.Index(args, "-exec")
	if exec < 0 || exec+1 >= len(args) || path.Base(args[exec+1]) != "chown" {
		return
	}
	_, operands := shellcmd.Split(c.Args[exec+2:], nil)
	if len(operands) < 2 || operands[1] != "{}" {
		return
	}
	user, group, _ := shellcmd.CutOwner(operands[0])
	tests := slices.IndexFunc(args, func(w string) bool { return strings.HasPrefix(w, "-") || strings.ContainsAny(w, "!(") })
	switch strings.NewReplacer("\\", "", "-not", "!", "-or", "-o").Replace(strings.Join(args[tests:exec], " ")) {
	case "", "! -user " + user, "! ( -user " + user + " -group " + group + " )", "( ! -user " + user + " -o ! -group " + group + " )":
	default:
		return // it looks for some of the files only
	}
	c.Args = append([]dockerfile.Word{{Value: "-R", Static: true}, {Value: operands[0], Static: true}}, c.Args[:tests]...)
	s.chown(in, "chown", c, dir)
}

// findChmod handles find DIR … -exec chmod MODE {} +, as far as it opens or closes what is
// below a directory. Of what some tests leave out nothing is known.
func (s *simulator) findChmod(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	args := shellcmd.Words(c.Args)
	exec := slices.Index(args, "-exec")
	if exec < 0 || exec+2 >= len(args) || path.Base(args[exec+1]) != "chmod" || c.Conditional {
		return
	}
	mode, _ := shellcmd.ChmodMode(c.Args[exec+2:])
	shuts, closes := shellcmd.ClosedMode(mode)
	kind, all := foundKind(args[:exec])
	for _, w := range c.Args[:exec] {
		if strings.HasPrefix(w.Value, "-") || strings.ContainsAny(w.Value, "!(\\") {
			break
		}
		name := imagepath.Abs(dir, w.Value)
		if !w.Static || unplaced(name) {
			continue
		}
		if all {
			s.Modes = slices.DeleteFunc(s.Modes, func(m ModeChange) bool { return imagepath.Below(m.Path, name) && (kind == "" || m.kind == kind) })
		}
		switch {
		case closes && shellcmd.KeepsOut(shuts):
			s.Modes = append(s.Modes, ModeChange{Path: name, Mode: shuts, By: in, Tree: true, Added: shellcmd.AddsRights(mode), kind: kind})
		case all && kind != "d":
			s.opens(in, c, mode, name, true)
		}
	}
}

// foundKind returns what find looks for by -type, "" for everything, and whether that is its
// only test.
func foundKind(args []string) (kind string, all bool) {
	i := slices.IndexFunc(args, func(w string) bool { return strings.HasPrefix(w, "-") || strings.ContainsAny(w, "!(") })
	if i < 0 {
		return "", true
	}
	tests := slices.DeleteFunc(slices.Clone(args[i:]), func(w string) bool { return w == "-xdev" || w == "-mount" })
	if at := slices.Index(tests, "-type"); at >= 0 && at+1 < len(tests) {
		return tests[at+1], len(tests) == 2
	}
	return "", len(tests) == 0
}

func setOwner(d *Dir, uid, gid Number, setUID, setGID bool) {
	if setUID {
		d.UID = uid
	}
	if setGID {
		d.GID = gid
	}
}

// braces returns the words that one with braces stands for in the shell that reads it, and
// whether that shell is known: dash and busybox know no {a,b}, and mkdir gets it as it is.
func (s *simulator) braces(w string, c dockerfile.Command) (out []string, known bool) {
	if !strings.ContainsRune(w, '{') {
		return []string{w}, true
	}
	switch s.hasBraces(c) {
	case imageinspect.Yes:
		return shellcmd.Braces(w), true
	case imageinspect.No:
		return []string{w}, true
	}
	return shellcmd.Braces(w), false
}

// hasBraces says whether the shell that reads a command expands braces: the innermost one
// that the step calls, or the one that SHELL names.
func (s *simulator) hasBraces(c dockerfile.Command) imageinspect.Tri {
	shell := s.reader
	for _, via := range c.Via {
		if name, _, _ := strings.Cut(via, " "); shellcmd.IsShell(name) {
			shell = name
		}
	}
	switch path.Base(shell) {
	case "bash", "zsh", "ksh":
		return imageinspect.Yes
	case "sh":
		return s.shIsBash()
	}
	return imageinspect.No
}

// shIsBash says whether /bin/sh is bash, as the distribution has it or as a step links it.
func (s *simulator) shIsBash() imageinspect.Tri {
	for _, link := range []string{"/bin/sh", "/usr/bin/sh"} {
		if target, ok := s.Links[link]; ok && path.Base(target) == "bash" {
			return imageinspect.Yes
		}
	}
	switch s.Family() {
	case "rhel", "suse", "arch", "azurelinux", "photon", "gentoo":
		return imageinspect.Yes
	case "debian", "alpine", "wolfi", "busybox":
		return imageinspect.No
	}
	return imageinspect.Unknown
}
