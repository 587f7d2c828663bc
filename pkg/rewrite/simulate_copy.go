package rewrite

import (
	"path"
	"slices"
	"strings"
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
