package rewrite

import (
	"path"
	"slices"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// ownVolume are directories of the distribution that hold nothing of it: a VOLUME of the
// file makes them the program's.
var ownVolume = map[string]bool{"/media": true, "/mnt": true, "/srv": true, "/var/www": true}

func (p *Pass) volumeSet(add func(writePath)) {
	for _, v := range p.End.Volumes {
		if imagepath.Standard[v] && !(ownVolume[v] && p.declared(v)) || imagepath.Below(v, "/etc") || imagepath.Below(v, "/root") {
			continue
		}
		d := p.End.Dirs[v]
		if p.givenAway(d) {
			continue
		}
		if !p.declared(v) && p.basesOwn() {
			continue // the base image's volume, with the base's owner
		}
		if p.declared(v) && p.copiesCode(v) && p.workersAlready() {
			continue // they served it as it is
		}
		w := writePath{path: v, why: "volume"}
		w.exist = d.Made()
		if by := p.fillsVolume(v); by != nil && p.declared(v) && !imagepath.Below(p.End.Workdir, v) {
			w.tree, w.after = true, by
		}
		add(w)
	}
}

// hasWorkers are the servers whose root process opens logs and sockets, and whose workers do
// the rest under an account of their own.
var hasWorkers = map[string]bool{"php-fpm": true, "apache2": true, "nginx": true}

// workersAlready reports whether the image runs as the account that did all the work before:
// only what the process of root wrote is new to it.
func (p *Pass) workersAlready() bool {
	rs := p.running()
	return len(rs) > 0 && len(p.Entry.Unread) == 0 && len(p.Entry.Beside) == 0 && len(p.Entry.Programs) == len(rs) &&
		!slices.ContainsFunc(rs, func(r running) bool { return !hasWorkers[r.Program.Name] || r.unpacked || !p.ownAccount(r) })
}

// copiesCode reports whether a COPY or ADD of this file fills a directory.
func (p *Pass) copiesCode(dir string) bool {
	return slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return p.inStage(c.By) != nil && !c.Opaque && (!c.UID.Known || c.UID.N == 0) && path.Clean(c.Dest) == dir
	})
}

// serviceVolumes adds the named volumes of the services that are built from the file: a new
// volume takes its content and its owner from the directory of the image, and belongs to
// root where there is none (Docker docs, Volumes).
func (p *Pass) serviceVolumes(add func(writePath)) {
	for _, s := range p.opts.Siblings.Services {
		for _, m := range s.Volumes {
			v := path.Clean(m.Target)
			if m.ReadOnly || m.Source == "" || !path.IsAbs(v) || imagepath.Standard[v] || imagepath.Protected(v) || p.basesOwn() && !p.declared(v) || p.givenAway(p.End.Dirs[v]) {
				continue
			}
			add(writePath{path: v, why: "volume of " + s.title(), exist: p.there(v)})
		}
	}
}

// basesOwn reports whether the image runs as the account that its base is set up
// for.
func (p *Pass) basesOwn() bool {
	return p.User.How == ChoiceBase || p.User.Name != "" && p.User.Name == p.Base.RunsAs
}

// declared reports whether a VOLUME of this file names the path.
func (p *Pass) declared(v string) bool {
	return !slices.ContainsFunc(p.Base.Config.Volumes, func(of string) bool { return imagepath.Abs("/", of) == v })
}
