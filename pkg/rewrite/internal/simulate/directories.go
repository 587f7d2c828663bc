package simulate

import (
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
)

// unknownDir stands for a directory of which nobody can say where it is: cd "$BUILD". No
// path of an image holds a NUL byte, and a few .. do not lead out of it.
const unknownDir = "/\x00/\x00/\x00/\x00"

// unplaced reports whether a path is below a directory that nobody can name.
func unplaced(p string) bool { return strings.HasPrefix(p, "/\x00") }

// Directories are where the shells of a script stand: what one in parentheses, or in a
// substitution, does with cd ends with it.
type Directories map[string]string

// StartIn is a script that starts in a directory.
func StartIn(dir string) Directories { return Directories{"": dir} }

// Of returns where a shell stands, which starts where the one around it does.
func (d Directories) Of(shell string) string {
	if dir, ok := d[shell]; ok {
		return dir
	}
	d[shell] = d.Of(shell[:strings.LastIndexByte(shell, '/')])
	return d[shell]
}

// cd follows a cd, pushd or popd, and reports whether the command is one.
func (d Directories) cd(c dockerfile.Command) bool {
	switch {
	case c.Name == "popd" || c.Name == "pushd":
		d[c.Shell] = unknownDir
	case c.Name != "cd":
		return false
	case c.Func != "":
		// It counts where the function is called.
	case len(c.Args) == 1 && c.Args[0].Static && c.Args[0].Value != "-" && !strings.HasPrefix(c.Args[0].Value, "~") && !c.Conditional:
		d[c.Shell] = imagepath.Abs(d.Of(c.Shell), c.Args[0].Value)
	default:
		d[c.Shell] = unknownDir
	}
	return true
}
