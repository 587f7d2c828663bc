package entry

import (
	"path"
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// putsEntry reports whether cp, mv, ln or install put a file, a tree or a link in the place
// that a path names, and whether they would open a file that is there already. A directory
// of that name, made beforehand, would get it inside instead: cp -r theme /data/theme would
// make /data/theme/theme.
func (r *Reader) putsEntry(c shellcmd.Bound, name, target, p string) (entry, opened bool) {
	if !shellcmd.Writers[name].Entry || strings.HasSuffix(target, "/") || c.Below {
		return false, false
	}
	o, operands := shellcmd.Split(r.readable(c.Args), shellcmd.Writers[name].Takes)
	recursive := o.Has("-r") || o.Has("-R") || o.Has("-a") || o.Has("--recursive") || o.Has("--archive")
	switch {
	case name == "install" && (o.Has("-d") || o.Has("--directory")), o.Has("-t"), o.Has("--target-directory"):
		return false, false
	case len(operands) != 2, strings.ContainsAny(operands[0], "*?["), recursive && strings.HasSuffix(operands[0], "/."):
		return false, false // what is copied goes into the directory, whether it is there or not
	case r.isDirectory(p):
		return false, false
	}
	// Whoever asks first whether the file is there, or copies only then, must not find one.
	asks := asksFor(c.Guard, p) || o.Has("-n") || o.Has("--no-clobber") || o.Has("-u") || o.Has("--update")
	return true, name == "cp" && !recursive && !asks && !o.Has("-s") && !o.Has("-l") && !o.Has("-f") && !o.Has("--remove-destination")
}

// asksForFile matches the tests of whether something is there, be it empty.
var asksForFile = regexp.MustCompile(`(^|\s)-[aefrdhL]\s`)

// asksFor reports whether a condition may ask whether something is at a path.
func asksFor(guard, name string) bool {
	return asksForFile.MatchString(guard) && (strings.Contains(guard, path.Base(name)) || strings.Contains(guard, "$"))
}

// isDirectory reports whether a path is known to be a directory when the script gets there.
func (r *Reader) isDirectory(name string) bool {
	if r.dirs == nil {
		r.dirs = r.knownDirs()
	}
	return r.dirs[name] || imagepath.Standard[name]
}

// makes notes that a script makes a directory.
func (r *Reader) makes(name string) {
	if r.dirs == nil {
		r.dirs = r.knownDirs()
	}
	r.dirs.add(name)
}

// knownPaths are paths of directories, with those that they lie in.
type knownPaths map[string]bool

func (k knownPaths) add(dir string) {
	for ; dir != "/" && dir != "." && !k[dir]; dir = path.Dir(dir) {
		k[dir] = true
	}
}

// knownDirs returns the directories of the image that the file tells of.
func (r *Reader) knownDirs() knownPaths {
	known := knownPaths{}
	for name, d := range r.End.Dirs {
		if d.MadeBy != nil || d.Volume || d.OwnedBy == nil {
			known.add(name)
		}
	}
	for _, c := range r.End.Copies {
		switch dest := path.Clean(c.Dest); {
		case c.Opaque:
		case c.Into || r.BringsDirectory(c):
			known.add(dest)
		default:
			known.add(path.Dir(dest))
		}
	}
	return known
}
