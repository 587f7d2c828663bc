package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// systemDirs are where files with set-id bits live; a copy from another stage
// or image into one of them may bring some along.
var systemDirs = []string{"/bin", "/sbin", "/lib", "/lib64", "/usr", "/opt"}

// harmlessCopy reports whether a COPY --from brings only files that a build made
// for the program, which have no reason to carry set-id bits.
func harmlessCopy(c Copy) bool {
	system := c.Dest == "/" || slices.ContainsFunc(systemDirs, func(d string) bool { return below(path.Clean(c.Dest), d) })
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

// givesPrivileges matches what a stage does to give a file capabilities or set-id bits.
var givesPrivileges = regexp.MustCompile(`\bsetcap\b|\bxcaddy\b|\bchmod\s[^&|;]*(\+[rwx]*s|\b[2467][0-7]{3}\b)`)

// copiesPrivileged forgets the privileged files that a copy puts others in the place of,
// and adds those that it takes from a stage: modes and capabilities come along.
func (s *simulator) copiesPrivileged(in *dockerfile.Instruction, c Copy) {
	for _, src := range c.Sources {
		target := c.target(src)
		s.Privileged = slices.DeleteFunc(s.Privileged, func(f Privileged) bool { return f.Path == target })
	}
	st := s.doc.CopyFrom(in.Stage, c.From)
	if st == nil || !slices.ContainsFunc(s.doc.Instructions, func(o *dockerfile.Instruction) bool {
		return o.Keyword == "RUN" && o.Index < in.Index && givesPrivileges.MatchString(o.Original)
	}) {
		return
	}
	from := s.stage(in, c.From)
	if from == nil {
		return
	}
	for _, src := range c.Sources {
		for _, f := range from.Privileged {
			if f.By == nil || f.Path != path.Clean("/"+src) {
				continue
			}
			if _, chown := in.Flag("chown"); chown || c.Chmod != "" && len(f.Capabilities) == 0 {
				continue // which drops them (chown(2)), or gives other bits
			}
			f.Path, f.By = c.target(src), in
			s.Privileged = append(s.Privileged, f)
		}
	}
}

// xcaddy records the server that xcaddy builds, to which it gives a capability where
// XCADDY_SETCAP asks for it (github.com/caddyserver/xcaddy, Environment variables).
func (s *simulator) xcaddy(in *dockerfile.Instruction, c dockerfile.Command, dir string) {
	if v, ok := s.Env.Get("XCADDY_SETCAP"); !ok || v != "1" || len(c.Args) == 0 || c.Args[0].Value != "build" {
		return
	}
	opts, _ := splitOptions(c.Args[1:], map[string]string{"--output": "--output", "--with": "--with", "--replace": "--replace", "--embed": "--embed"})
	output := opts.value("--output")
	if output == "" {
		output = "caddy"
	}
	f := Privileged{By: in, Certain: !c.Conditional}
	f.Path, f.Capabilities, f.Effective = abs(dir, output), []string{"cap_net_bind_service"}, true
	s.Privileged = append(s.Privileged, f)
}
