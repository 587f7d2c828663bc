package simulate

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// systemDirs are where files with set-id bits live; a copy from another stage
// or image into one of them may bring some along.
var systemDirs = []string{"/bin", "/sbin", "/lib", "/lib64", "/usr", "/opt"}

// harmlessCopy reports whether a COPY --from brings only files that a build made
// for the program, which have no reason to carry set-id bits.
func harmlessCopy(c Copy) bool {
	system := c.Dest == "/" || slices.ContainsFunc(systemDirs, func(d string) bool { return imagepath.Below(path.Clean(c.Dest), d) })
	// A whole tree may hold anything; one file named on the line is the program.
	return !system || !slices.ContainsFunc(c.Sources, func(src string) bool {
		src = path.Clean("/" + src)
		return src == "/" || slices.Contains(systemDirs, src) || src == "/usr/local" || src == "/usr/bin" || src == "/usr/sbin" || src == "/usr/lib"
	})
}

// bringsTree reports whether a copy unpacks a file system over the root of the image:
// an archive, or the directory of another stage in which one was put together. It
// may replace /etc/passwd, and bring tools and set-id files that nobody can list.
func (c Copy) bringsTree() bool {
	if path.Clean(c.Dest) != "/" {
		return false
	}
	return slices.ContainsFunc(c.Sources, func(src string) bool {
		if c.By.Keyword == "ADD" {
			return isArchive(src)
		}
		base := path.Base(path.Clean("/" + src))
		return c.From != "" && (base == "/" || strings.HasSuffix(src, "/") || strings.HasSuffix(src, "/.") || treeNames[strings.ToLower(base)])
	})
}

// treeNames are what people call the directory in which they put a root file system
// together.
var treeNames = map[string]bool{"rootfs": true, "root": true, "install_root": true, "installroot": true, "sysroot": true, "new_root": true,
	"newroot": true, "target": true, "out": true, "dist": true, "overlay": true, "staging": true, "destdir": true, "fs": true, "image": true,
	"build": true, "output": true, "mnt": true, "chroot": true}

// isArchive reports whether ADD unpacks a file, by its name (Docker reference, ADD
// "Local tar archives").
func isArchive(name string) bool {
	if strings.Contains(name, "://") {
		return false // downloads stay as they are
	}
	for _, ext := range []string{".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst"} {
		if strings.HasSuffix(name, ext) {
			return true
		}
	}
	return false
}

// Bounds on the privileged files that are followed through copies: of one stage, and of all.
// No image has as many; a file that gets there was written to use up time.
const (
	maxCarried    = 1 << 8
	maxPrivileged = 1 << 12
)

// copiesPrivileged forgets the privileged files that a copy puts others in the place of,
// and adds those that it takes from a stage or image: modes and capabilities come along.
// BuildKit sets both behind the owner, so that --chown costs a file neither (tonistiigi/fsutil,
// copy/copy.go); --chmod gives other bits.
func (s *simulator) copiesPrivileged(in *dockerfile.Instruction, c Copy) {
	for _, src := range c.Sources {
		target := c.Target(src)
		s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool { return f.Path == target })
	}
	if c.From == "" || in == s.squash {
		return // what the whole file system holds is known already
	}
	_, chown := in.Flag("chown")
	from := s.privilegedIn(in, c.From)
	for _, f := range from[:min(len(from), maxCarried)] {
		if len(s.Privileged) > maxPrivileged {
			return
		}
		if c.Chmod != "" && len(f.Capabilities) == 0 {
			continue
		}
		to, named := c.carries(f.Path)
		if to == "" {
			continue
		}
		f.Path, f.By, f.Certain = to, in, f.Certain || named
		if chown && c.UID.Known {
			f.UID = c.UID.N
		}
		s.Privileged = slices.DeleteFunc(s.Privileged, func(o Privileged) bool { return o.Path == to })
		s.Privileged = append(s.Privileged, f)
	}
}

// privilegedIn returns the privileged files that are known of a stage of the file or of an
// image.
func (s *simulator) privilegedIn(in *dockerfile.Instruction, name string) []Privileged {
	if s.doc.CopyFrom(in.Stage, name) == nil {
		return NewState(catalogued(name)).Privileged
	}
	if from := s.stage(in, name); from != nil {
		return from.Privileged
	}
	return nil
}

// carries returns where a copy puts a file of what it copies from, "" where it leaves the
// file behind, and whether the copy names it, so that the file is there.
func (c Copy) carries(file string) (to string, named bool) {
	for _, src := range c.Sources {
		src = path.Clean("/" + src)
		if matches(src, file) || matches(src, elsewhere(file)) {
			if src != file && strings.ContainsAny(src, "*?[") {
				return path.Join(c.Dest, path.Base(file)), false
			}
			return c.Target(src), true
		}
		for _, name := range []string{file, strings.TrimPrefix(file, "/usr")} {
			if name == file || mergedDir(name) {
				if rest, ok := restBelow(src, name); ok {
					return path.Join(c.Dest, rest), false
				}
			}
		}
	}
	return "", false
}

// restBelow returns the path of a file below the directory that a source of a copy is or, with
// wildcards, may be.
func restBelow(src, file string) (string, bool) {
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		if matches(src, dir) {
			return strings.TrimPrefix(file, dir), true
		}
		if dir == "/" {
			return "", false
		}
	}
}

// matches reports whether a source of a copy names a path.
func matches(src, name string) bool {
	ok, err := path.Match(src, name)
	return src == name || ok && err == nil
}

// mergedDir reports whether a path is below a directory that is a link into /usr, where /usr
// is merged.
func mergedDir(name string) bool {
	return slices.ContainsFunc([]string{"/bin", "/sbin", "/lib", "/lib64"}, func(d string) bool { return imagepath.Below(name, d) })
}

// elsewhere returns the other path of a file of the system where /usr is merged: /bin/su of
// /usr/bin/su, and the other way round.
func elsewhere(name string) string {
	if rest := strings.TrimPrefix(name, "/usr"); rest != name && mergedDir(rest) {
		return rest
	}
	if mergedDir(name) {
		return "/usr" + name
	}
	return name
}

// xcaddy records the server that xcaddy builds, to which it gives a capability where
// XCADDY_SETCAP asks for it (github.com/caddyserver/xcaddy, Environment variables).
func (s *simulator) xcaddy(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	if v, ok := s.Env.Get("XCADDY_SETCAP"); !ok || v != "1" || len(c.Args) == 0 || c.Args[0].Value != "build" {
		return
	}
	opts, _ := shellcmd.Split(c.Args[1:], map[string]string{"--output": "--output", "--with": "--with", "--replace": "--replace", "--embed": "--embed"})
	output := opts.Value("--output")
	if output == "" {
		output = "caddy"
	}
	f := Privileged{By: in, Certain: !c.Conditional}
	f.Path, f.Capabilities, f.Effective = imagepath.Abs(dir, output), []string{"cap_net_bind_service"}, true
	s.Privileged = append(s.Privileged, f)
}
