package programs

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// A Framework is recognised in a build context by its marker files.
type Framework struct {
	Name string
	// State are the directories and files that it writes at run time, their
	// paths relative to the application's root.
	State []Path
	// Commands are programs of the table that usually serve it.
	Commands []string
	// Tools are its own commands that make State when a step of the build calls them.
	Tools []string
	// Composer: its skeleton has Composer's scripts call the tools.
	Composer bool
	// Alone: only Commands write State. What else starts uses the same files
	// for something of its own, as tests do.
	Alone bool
	// Output is the directory below the application's root into which its build puts
	// a whole application that can run elsewhere, "" for none.
	Output string
	// Note is for the reader of the report, a full sentence.
	Note    string
	Sources []string

	markers []marker
}

// A marker is a file that gives a framework away.
type marker struct {
	glob string
	// holds are strings of which the file holds at least one; none: the file
	// only has to exist.
	holds []string
}

// maxMarker is how much of a marker file is read. The manifests that say what
// an application is built on are far smaller.
const maxMarker = 256 << 10

// Detect reports whether the directory is an application of the framework.
func (f Framework) Detect(fsys fs.FS) bool {
	for _, m := range f.markers {
		if m.in(fsys) {
			return true
		}
	}
	return false
}

// Runs reports whether the text of a step calls one of the framework's own tools, or lets
// Composer call them by its scripts (getcomposer.org/doc/articles/scripts.md).
func (f Framework) Runs(text string) bool {
	for _, tool := range f.Tools {
		if strings.Contains(text, tool) {
			return true
		}
	}
	return f.Composer && composerScripts.MatchString(text) && !strings.Contains(text, "--no-scripts")
}

// composerScripts matches the commands of Composer that run the scripts of a project.
var composerScripts = regexp.MustCompile(`\bcomposer(\.phar)?\s+(-\S+\s+)*(install|update|run|run-script|dump-autoload|dumpautoload)\b`)

// FrameworksIn returns the frameworks that a build context, or the directory
// of it that an image copies, belongs to, in the order of the table. A nil fs
// belongs to none.
func FrameworksIn(fsys fs.FS) []Framework {
	if fsys == nil {
		return nil
	}
	var found []Framework
	for _, f := range frameworks {
		if f.Detect(fsys) {
			found = append(found, f)
		}
	}
	return found
}

// BuiltInto returns the framework whose build made a directory, by the directory's name;
// it reports whether there is one.
func BuiltInto(dir string) (Framework, bool) {
	for _, f := range frameworks {
		if f.Output != "" && strings.HasSuffix(path.Clean("/"+dir), "/"+f.Output) {
			return f, true
		}
	}
	return Framework{}, false
}

// Frameworks returns all frameworks that are known.
func Frameworks() []Framework { return append([]Framework(nil), frameworks...) }

func (m marker) in(fsys fs.FS) bool {
	names, err := fs.Glob(fsys, m.glob)
	if err != nil {
		return false
	}
	for _, name := range names {
		if info, err := fs.Stat(fsys, name); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if len(m.holds) == 0 || m.readIn(fsys, name) {
			return true
		}
	}
	return false
}

func (m marker) readIn(fsys fs.FS, name string) bool {
	f, err := fsys.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMarker))
	if err != nil {
		return false
	}
	for _, s := range m.holds {
		if bytes.Contains(text, []byte(s)) {
			return true
		}
	}
	return false
}
