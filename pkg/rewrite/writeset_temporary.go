package rewrite

import (
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// temporary are the directories in which everybody may make files, and that are not emptied
// when a container starts.
var temporary = []string{"/tmp", "/var/tmp"}

// openToAll reports whether everybody can make a path: below the directories for temporary
// files, as far as nothing of the image is there already. What a step makes in them is as
// closed to others as anywhere else (sticky(7)).
func (p *Pass) openToAll(name string) bool {
	for _, root := range temporary {
		if !imagepath.Below(name, root) {
			continue
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(name, root+"/"), "/")
		return name == root || !p.madeInTemporary(root+"/"+first)
	}
	return imagepath.Below(name, "/dev") || imagepath.Below(name, "/proc")
}

// madeInTemporary reports whether an instruction of the file leaves a directory there.
func (p *Pass) madeInTemporary(dir string) bool {
	d := p.End.Dirs[dir]
	return d != nil && (d.MadeBy != nil || d.Volume)
}

// temporarySet adds the directories that the file makes among temporary files and leaves
// empty: those of a build have something in them, or are gone.
func (p *Pass) temporarySet(add func(writePath)) {
	looked := 0
	for _, name := range p.madeDirs() {
		if !slices.ContainsFunc(temporary, func(root string) bool { return imagepath.Below(name, root) }) || isData(name) {
			continue
		}
		if looked++; looked > maxEmptyDirs {
			return
		}
		if imagepath.Safe.MatchString(name) && p.staysEmpty(name) {
			add(writePath{path: name, why: "made by the file among temporary files", exist: p.End.Dirs[name].Made(), after: p.inStage(p.End.Dirs[name].MadeBy)})
		}
	}
}
