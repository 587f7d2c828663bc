package rewrite

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A serviceDir is where a supervisor or cron looks for what to run.
type serviceDir struct {
	dir, what string
	reason    Reason
}

var serviceDirs = []serviceDir{
	{"/etc/supervisor", "supervisord", InitSystem}, {"/etc/supervisord.conf", "supervisord", InitSystem}, {"/etc/supervisord.d", "supervisord", InitSystem},
	{"/etc/service", "runit", InitSystem}, {"/etc/sv", "runit", InitSystem}, {"/etc/services.d", "s6", InitSystem}, {"/etc/s6", "s6", InitSystem},
	{"/etc/s6-overlay", "s6-overlay", InitSystem}, {"/etc/cont-init.d", "s6-overlay", InitSystem}, {"/etc/my_init.d", "my_init", InitSystem},
	{"/etc/cron.d", "cron", NeedsRootDaemon}, {"/etc/crontabs", "cron", NeedsRootDaemon}, {"/var/spool/cron", "cron", NeedsRootDaemon},
}

// setsUp returns the first place of a supervisor's or cron's that the file
// copies something into, and the instruction that does.
func (p *Pass) setsUp() (serviceDir, *dockerfile.Instruction, bool) {
	for _, c := range p.End.Copies {
		for _, d := range serviceDirs {
			if imagepath.Below(path.Clean(c.Dest), d.dir) {
				return d, c.By, true
			}
		}
	}
	return serviceDir{}, nil, false
}

// serviceFiles refuses images on a base of which nothing is known, without a
// command of their own, that put services where a supervisor looks for them: the
// base starts that supervisor, or nobody would have put them there.
func serviceFiles(p *Pass) *Refusal {
	if p.Entry.Set() || p.Base.Known.Config || p.Base.Origin.Kind != "none" {
		return nil
	}
	d, by, ok := p.setsUp()
	if !ok {
		d, by, ok = p.makesService()
	}
	if !ok || d.reason != InitSystem {
		return nil
	}
	return &Refusal{Reason: InitSystem, Line: by.Line, Message: fmt.Sprintf("line %d adds a service for %s, so the base image starts %s", by.Line, d.what, d.what)}
}

// makesService returns the first directory for a service of runit or s6 that a
// RUN makes: mkdir /etc/service/web.
func (p *Pass) makesService() (found serviceDir, by *dockerfile.Instruction, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(p.End.Dirs)) {
		dir := p.End.Dirs[name]
		for _, d := range serviceDirs {
			if dir.MadeBy != nil && path.Dir(name) == d.dir && d.reason == InitSystem && (by == nil || dir.MadeBy.Index < by.Index) {
				found, by = d, dir.MadeBy
			}
		}
	}
	return found, by, by != nil
}

// ownInit refuses an init system that this file's own command names, whatever is
// known of the base's entry point: the base is then another than was thought, or
// starts it as well.
func (p *Pass) ownInit() *Refusal {
	for _, a := range []simulate.Argv{p.End.Entrypoint, p.End.Cmd} {
		if a.By == nil {
			continue
		}
		if c := programs.Unwrap(a.Words); c.Program != nil && c.Program.Reason == string(InitSystem) {
			if c.Program.Name == "supervisord" && p.Entry.Supervisor != nil {
				return p.refuseSupervisor(c) // its configuration says more
			}
			return p.refuseProgram(c)
		}
	}
	return nil
}

// unknownInit refuses /init of which nothing says that it is s6-overlay's.
func (p *Pass) unknownInit(c programs.Command) *Refusal {
	if c.Program.Name != "/init" || len(c.Args) == 0 || c.Args[0] != "/init" || p.showsS6() {
		return nil
	}
	msg := "/init could not be read"
	if d, by, ok := p.setsUp(); ok {
		msg += fmt.Sprintf(", and line %d sets up %s", by.Line, d.what)
	} else if pkg, what, ok := p.installsInit(); ok {
		msg += fmt.Sprintf(", and %s installs %s", p.lineOf(pkg.By), what)
	} else {
		msg += "; what has that name sets up a system as root before it starts services"
		if p.MayCopy("/init") {
			// A file of the image's own may be called so.
			return &Refusal{Reason: UnreadEntrypoint, Line: p.at(p.Entry.By), Message: msg}
		}
	}
	return &Refusal{Reason: InitSystem, Line: p.at(p.Entry.By), Message: msg}
}

// installsInit returns the first package with an init system or supervisor.
func (p *Pass) installsInit() (simulate.Package, string, bool) {
	for _, pkg := range p.End.Packages {
		for _, prog := range programs.ByPackage(pkg.Name) {
			if prog.Reason == string(InitSystem) && !onCall[prog.Name] {
				return pkg, pkg.Name, true
			}
		}
	}
	return simulate.Package{}, "", false
}

// s6Words are what steps that bring in s6 hold: the names of its tarballs,
// packages and directories.
var s6Words = regexp.MustCompile(`\bs6\b|s6-|/etc/(services|cont-init|cont-finish|fix-attrs)\.d|linuxserver|lsiobase`)

// showsS6 reports whether the file or what is known of its base shows
// s6-overlay, whose /init is one of many of that name.
func (p *Pass) showsS6() bool {
	if p.End.InheritsEntrypoint() || p.Base.Entrypoint != nil && p.Base.Entrypoint.Drops == "s6" || slices.Contains(p.Base.Config.Entrypoint, "/init") {
		return true
	}
	if s6Words.MatchString(p.stepsText()) {
		return true
	}
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword == "ENV" && strings.Contains(in.Original, "S6_") {
				return true
			}
		}
	}
	return false
}
