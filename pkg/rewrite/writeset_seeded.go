package rewrite

import (
	"path"
	"slices"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// seedRoots are those of dataRoots that hold data alone, never the code of an application.
var seedRoots = []string{"/data", "/var/lib", "/var/log", "/var/cache", "/var/run", "/run", "/var/opt", "/logs", "/storage", "/cache", "/var/spool"}

// served are last components of paths whose content a server only reads.
var served = map[string]bool{"www": true, "html": true, "htdocs": true, "public": true, "static": true, "web": true, "site": true, "dist": true}

// holdsData reports whether what lies in a directory is the program's data by its name, as
// far as the image does not work in it or starts something there.
func (p *Pass) holdsData(dir string) bool {
	if !dataNames[path.Base(dir)] && !slices.ContainsFunc(seedRoots, func(r string) bool { return imagepath.Below(dir, r) }) {
		return false
	}
	return !served[path.Base(dir)] && !imagepath.Below(p.End.Workdir, dir) && !p.onPath(dir) &&
		!slices.ContainsFunc(slices.Concat(p.startedPaths(), p.Entry.Scripts), func(name string) bool { return imagepath.Below(name, dir) })
}

// seededBy returns the last step that puts files into a directory for data that the file
// makes: they are the first state of the program, which goes on writing them.
func (p *Pass) seededBy(dir string) *dockerfile.Instruction {
	if !p.holdsData(dir) {
		return nil
	}
	var last *dockerfile.Instruction
	for of, by := range p.End.Seeded {
		if imagepath.Below(of, dir) && (last == nil || by.Index > last.Index) {
			last = by
		}
	}
	for _, c := range p.seedCopies(dir) {
		if !p.mayName(c.By) && (last == nil || c.By.Index > last.Index) {
			last = c.By
		}
	}
	return last
}

// seedCopies returns the copies of the final stage that bring root's files into a directory
// for data.
func (p *Pass) seedCopies(dir string) (out []simulate.Copy) {
	if !p.holdsData(dir) {
		return nil
	}
	for _, c := range p.End.Copies {
		_, has := c.By.Flag("chown")
		dest := path.Clean(c.Dest)
		if c.By.Stage == p.Stage && !c.Opaque && !has && imagepath.Below(dest, dir) && p.End.Before[c.By].User.Root() {
			out = append(out, c)
		}
	}
	return out
}

// chownSeeds adds --chown to the copies that fill what is written, and that get it for no
// other reason.
func (p *Pass) chownSeeds(set []writePath) (changes []Change) {
	var done []*dockerfile.Instruction
	for _, w := range set {
		if w.file || w.tree || w.why == workingDirectory {
			continue
		}
		for _, c := range p.seedCopies(w.path) {
			single := slices.ContainsFunc(set, func(o writePath) bool { return o.file && imagepath.Below(o.path, path.Clean(c.Dest)) })
			if p.mayName(c.By) && !single && !p.closedCopy(c) && !p.givenAtStart(c) && !p.opts.OwnAll && !slices.Contains(done, c.By) {
				done = append(done, c.By)
				changes = append(changes, p.addChown(c.By))
			}
		}
	}
	return changes
}
