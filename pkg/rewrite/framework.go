package rewrite

import (
	"io/fs"
	"path"
	"slices"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// frameworkSet adds the state directories of the framework that the copied
// application is built on.
func (p *Pass) frameworkSet(add func(writePath)) {
	for _, c := range p.End.Copies {
		if c.Opaque || c.UID.Known && p.User.UID.Known && c.UID == p.User.UID {
			continue
		}
		p.builtState(c, add)
		if p.Context == nil {
			continue
		}
		p.readProduct(c)
		p.readArchive(c)
		for _, app := range p.AppDirs(c) {
			p.stateOf(app, add)
			if !p.servesFiles() {
				p.copiedState(app, add)
			}
		}
	}
}

// startsOther reports whether the image starts known programs, and none of these.
func (p *Pass) startsOther(names []string) bool {
	known := false
	for _, c := range p.Entry.Programs {
		if c.Program == nil {
			continue
		}
		known = true
		if slices.Contains(names, c.Program.Name) {
			return false
		}
	}
	return known
}

// frameworksIn is programs.FrameworksIn, which is asked several times of one directory.
func (p *Pass) frameworksIn(name string, dir fs.FS) []programs.Framework {
	if found, ok := p.memo.frameworks[name]; ok {
		return found
	}
	if p.memo.frameworks == nil {
		p.memo.frameworks = map[string][]programs.Framework{}
	}
	p.memo.frameworks[name] = programs.FrameworksIn(dir)
	return p.memo.frameworks[name]
}

// stateOf adds what the frameworks of one application keep their state in.
func (p *Pass) stateOf(app content.AppDir, add func(writePath)) {
	if !fs.ValidPath(app.Context) {
		return
	}
	sub, err := fs.Sub(p.Context, app.Context)
	if err != nil {
		return
	}
	for _, f := range p.frameworksIn(app.Context, sub) {
		if f.Alone && p.startsOther(f.Commands) {
			continue
		}
		p.stateIn(app, f, sub, add)
	}
}

// builtState adds the state of an application that another stage has put together for
// this one: the name of the directory says what built it.
func (p *Pass) builtState(c simulate.Copy, add func(writePath)) {
	for _, src := range c.Sources {
		if f, ok := programs.BuiltInto(src); ok && c.From != "" {
			p.stateIn(content.AppDir{Image: p.standalone(path.Clean(c.Dest)), Copy: c, Built: true}, f, nil, add)
		}
	}
}

// standalone returns the directory of an application that another stage has put together: in
// workspaces it lies below, where the server.js is that the command starts
// (nextjs.org/docs/app/api-reference/config/next-config-js/output, outputFileTracingRoot).
func (p *Pass) standalone(dest string) string {
	for _, argv := range p.argvs() {
		for _, w := range argv[1:] {
			if dir := path.Dir(imagepath.Abs(p.End.Workdir, w)); path.Base(w) == "server.js" && imagepath.Below(dir, dest) {
				return dir
			}
		}
	}
	return dest
}

// stateIn adds what one framework keeps its state in. The directory is nil where it is not
// in the build context.
func (p *Pass) stateIn(app content.AppDir, f programs.Framework, sub fs.FS, add func(writePath)) {
	there := func(name string) bool {
		if sub == nil {
			return false
		}
		_, err := fs.Stat(sub, name)
		return err == nil
	}
	if f.Output == ".next/standalone" {
		p.nextPages(app, sub, add)
	}
	for _, s := range f.State {
		exists := there(s.Path)
		if s.Optional && !exists {
			continue // what is there already is used
		}
		w := writePath{path: path.Join(app.Image, s.Path), why: f.Name, file: s.Kind == programs.File, tree: s.Recursive && exists, exist: exists}
		switch {
		case app.Built && !w.file:
			// The other stage may have made it, with files in it.
			w.tree, w.exist = true, false
			w.after = p.lastCopyOver(w.path)
		case w.exist:
			w.after = p.inStage(app.Copy.By)
		}
		if by := p.lastRunOf(f, app.Copy); by != nil && s.Recursive {
			// As root's, with files in it: a cache that is warmed up, assets.
			w.tree, w.after = true, p.later(w.after, by)
		}
		add(w)
		if dir := path.Dir(s.Path); dir != "." && !there(dir) {
			// mkdir -p would make it root's, and the program writes there, too.
			add(writePath{path: path.Join(app.Image, dir), why: f.Name, after: w.after})
		}
	}
}

// lastRunOf returns the last step behind a copy that has root call a framework's own tools.
func (p *Pass) lastRunOf(f programs.Framework, c simulate.Copy) *dockerfile.Instruction {
	for _, stage := range slices.Backward(p.Chain) {
		for _, in := range slices.Backward(stage.Instructions) {
			if in.Keyword == "RUN" && in.Index > c.By.Index && p.End.Before[in].User.Root() && f.Runs(in.Original) {
				return in
			}
		}
	}
	return nil
}
