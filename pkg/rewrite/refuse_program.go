package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// needsRoot refuses programs that need root. What stays speaks for the image
// before what a start script calls on the way.
func needsRoot(p *Pass) *Refusal {
	all := p.Entry.Programs
	if c, ok := p.Entry.Main(); ok {
		all = append([]programs.Command{c}, all...)
	}
	for _, c := range all {
		if c.NeedsRoot() && c.Program.Name != "supervisord" {
			if r := p.toldAccount(c); r != nil {
				return r
			}
			return p.refuseProgram(c)
		}
	}
	for _, c := range all {
		for _, via := range c.Via {
			if via.Root == programs.NeedsRoot {
				return p.refuseProgram(programs.Command{Program: via, Args: []string{via.Name}})
			}
		}
	}
	for _, c := range all {
		if c.Program != nil && c.Program.Name == "supervisord" {
			return p.refuseSupervisor(c)
		}
	}
	if prog := p.baseProgram(); prog != nil {
		r := p.refuseProgram(programs.Command{Program: prog, Args: []string{prog.Name}})
		r.Message = "the entry point of " + p.baseName() + " starts " + r.Message
		return r
	}
	return nil
}

// baseProgram returns the program that needs root and that the base image is there for,
// where the image starts with its entry point; nil when the table has none.
func (p *Pass) baseProgram() *programs.Program {
	if _, known := p.Entry.Main(); known || !p.End.InheritsEntrypoint() {
		return nil
	}
	for _, prog := range programs.All() {
		if prog.Root == programs.NeedsRoot && slices.ContainsFunc(prog.Variants, func(v programs.Variant) bool { return slices.Contains(v.Images, p.Repository()) }) {
			return prog
		}
	}
	return nil
}

// refuseProgram says why a program of the table needs root.
func (p *Pass) refuseProgram(c programs.Command) *Refusal {
	if r := p.unknownInit(c); r != nil {
		return r
	}
	why, instead, _ := c.Reasons()
	return &Refusal{Reason: Reason(c.Program.Reason), Line: p.at(p.Entry.By), Message: called(c) + ": " + lowerFirst(strings.TrimSuffix(why, ".")), Hint: instead}
}

// privilegedService refuses images that Compose gives what only root gets to use.
func privilegedService(p *Pass) *Refusal {
	for _, svc := range p.opts.Siblings.Services {
		if svc.Name == "" {
			continue // a command in a README, which says less of why
		}
		if r := p.privileged(svc); r != nil {
			// What is known of the program says more of why.
			if own := needsRoot(p); own != nil && !own.guess {
				return own
			}
			return r
		}
		if user, _, _ := strings.Cut(svc.User, ":"); user == "root" || user == "0" {
			return &Refusal{Reason: OwnerOptedOut, Line: p.Stage.From.Line,
				Message: fmt.Sprintf("%s:%d runs %s as user %s", svc.File, svc.Line, svc.title(), svc.User),
				Hint:    "Remove user: from the Compose file when the image no longer needs it."}
		}
	}
	return nil
}

// documentedPrivileges refuses images that their README runs with what only root gets to use.
func documentedPrivileges(p *Pass) *Refusal {
	for _, svc := range p.opts.Siblings.Services {
		if r := p.privileged(svc); r != nil && svc.Name == "" && p.opts.User == "" && p.opts.UID == 0 {
			return r
		}
	}
	return nil
}

func (p *Pass) privileged(svc Service) *Refusal {
	switch {
	case svc.Privileged:
		return &Refusal{Reason: NeedsRootDaemon, Line: p.Stage.From.Line,
			Message: fmt.Sprintf("%s:%d runs %s privileged", svc.File, svc.Line, svc.title())}
	case needsCaps(svc.CapAdd) == "CAP_SYS_ADMIN" && p.sandboxes():
		return nil // its setuid helper gets to use it, too
	case needsCaps(svc.CapAdd) != "":
		return &Refusal{Reason: NeedsCapability, Line: p.Stage.From.Line,
			Message: fmt.Sprintf("%s:%d gives %s %s, which only root gets to use", svc.File, svc.Line, svc.title(), needsCaps(svc.CapAdd))}
	}
	return nil
}

// called is the name a program is started by: service rather than openrc, but
// dockerd for docker daemon.
func called(c programs.Command) string {
	if len(c.Args) == 0 || slices.ContainsFunc(c.Program.Invocations, func(i programs.Invocation) bool { return i.Name == path.Base(c.Args[0]) }) {
		return c.Program.Name
	}
	return path.Base(c.Args[0])
}

// needsCaps returns the first capability of a service that a program without root
// could not use: added capabilities reach root only (capabilities(7)). A low
// port needs none under Docker.
func needsCaps(caps []string) string {
	for _, c := range caps {
		name := strings.TrimPrefix(strings.ToUpper(c), "CAP_")
		if name != "NET_BIND_SERVICE" {
			return "CAP_" + name
		}
	}
	return ""
}

func dropsPrivileges(p *Pass) *Refusal {
	unguarded := func(d entry.Drop) *Refusal {
		msg := fmt.Sprintf("%s uses %s to change the user", d.Where, d.Tool)
		switch {
		case d.ToRoot():
			msg = fmt.Sprintf("%s uses %s to run commands as root", d.Where, d.Tool)
		case d.User != "":
			msg += " to " + d.User
		}
		return &Refusal{Reason: DropsPrivilegesItself, Line: p.at(p.Entry.By), Message: msg}
	}
	if d, ok := p.unguardedDrop(); ok {
		return unguarded(d)
	}
	if r := p.guardedWork(); r != nil {
		return r
	}
	if r := p.ownInit(); r != nil && p.baseDrops() != nil {
		return r
	}
	if e := p.Base.Entrypoint; e != nil && initSystems[e.Drops] != "" && (p.StartsAsBase() || p.Entry.By == nil) {
		return &Refusal{Reason: InitSystem, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("the entry point of %s is made for %s, %s", p.baseName(), e.Drops, initSystems[e.Drops])}
	}
	if e := p.baseDrops(); e != nil && !e.Guarded {
		return unguarded(entry.Drop{Tool: e.Drops, User: e.Account, Where: "the entry point of " + p.baseName()})
	}
	if r := p.suspectScript(); r != nil {
		return r
	}
	// A script that cannot be read in an image that installs the tool for it.
	if len(p.Entry.Unread) > 0 {
		for _, tool := range []string{"gosu", "su-exec"} {
			if p.scriptsName(tool) {
				continue // it was seen what they do with it
			}
			// In whichever stage: it may come along with a whole tree.
			if p.End.Tools[tool] || p.names(tool) || p.replacesDrop(tool) {
				return &Refusal{Reason: DropsPrivilegesItself, Line: p.at(p.Entry.By), guess: true,
					Message: fmt.Sprintf("%s, and the image brings %s, with which start scripts change the user", p.notReadable(p.Entry.Unread[0]), tool)}
			}
		}
	}
	return nil
}

// names reports whether an instruction has a word in its text, comments left out.
func (p *Pass) names(word string) bool {
	return slices.ContainsFunc(p.Doc.Instructions, func(in *dockerfile.Instruction) bool {
		for line := range strings.Lines(in.Original) {
			if strings.Contains(line, word) && !strings.HasPrefix(strings.TrimSpace(line), "#") {
				return true
			}
		}
		return false
	})
}

// guardedWork refuses a script that changes the user only as root, for what it does
// before that. Whoever names a user has seen to that.
func (p *Pass) guardedWork() *Refusal {
	if len(p.Entry.Drops) == 0 || p.opts.User != "" || p.Entry.OwnedBy == "" && p.Entry.RootOnly == "" {
		return nil
	}
	work, why := p.Entry.OwnedBy, "and which paths that means cannot be known"
	name, _, _ := shellcmd.CutOwner(p.Entry.Drops[0].User)
	if !simulate.ValidName(name) {
		name = "NAME"
	}
	hint := fmt.Sprintf("As another user than root the script leaves that out: try docker run --user %s, and harden --user %s writes it into the file", name, name)
	if work == "" {
		work, why = p.Entry.RootOnly, "which nobody else may"
		hint += ", if the program can do without."
	} else {
		hint += ", with those paths under writable:."
	}
	return &Refusal{Reason: DropsPrivilegesItself, Line: p.at(p.Entry.By), Hint: hint,
		Message: fmt.Sprintf("%s changes the user only as root, but first runs %q, %s", p.Entry.Drops[0].Where, dockerfile.Clip(work, 60), why)}
}

// unguardedDrop returns the change of user that is made whoever the script runs as:
// one to another user than root rather than one that changes nothing.
func (p *Pass) unguardedDrop() (entry.Drop, bool) {
	var found []entry.Drop
	for _, d := range p.Entry.Drops {
		if !d.Guarded {
			found = append(found, d)
		}
	}
	if i := slices.IndexFunc(found, func(d entry.Drop) bool { return !d.ToRoot() }); i >= 0 {
		return found[i], true
	}
	if len(found) > 0 {
		return found[0], true
	}
	return entry.Drop{}, false
}

// droppedToUser reports whether a start script that was root changed to the very user
// that is chosen, so that what the program wrote so far belongs to that user.
func (p *Pass) droppedToUser() bool {
	return slices.ContainsFunc(p.Entry.Drops, func(d entry.Drop) bool {
		user, _, _ := shellcmd.CutOwner(d.User)
		return d.Guarded && user != "" && isOwner(user, p.User.Name, p.User.UID)
	})
}

// scriptsName reports whether a start script that was read names a command.
func (p *Pass) scriptsName(tool string) bool {
	return slices.ContainsFunc(p.Entry.Scripts, func(name string) bool {
		text, ok := p.FileOf(p.End.Resolve(name))
		return ok && strings.Contains(text, tool)
	})
}

// onCall are programs that need root and that packages bring along without
// anybody starting them as a service.
var onCall = map[string]bool{"sshd": true, "mount": true, "sudo": true, "su": true, "init": true, "systemd": true,
	"modprobe": true, "sysctl": true, "ip": true, "openrc": true, "service": true, "dbus-daemon": true, "certbot": true, "ddrescue": true, "nvme": true}

// initSystems are what the entry points of well-known images start instead of
// changing the user themselves, and why these are root.
var initSystems = map[string]string{
	"supervisord": "which stays root: its configuration and that of its programs say who they run as",
	"s6":          "which sets the system up as root and then gives its programs their accounts",
	"runit":       "which sets the system up as root and then gives its programs their accounts",
}

// baseDrops returns what is known of the base image's entry point when the image
// starts with it and it changes the user, nil otherwise.
func (p *Pass) baseDrops() *imageinspect.EntrypointFacts {
	e := p.Base.Entrypoint
	if e == nil || e.Drops == "" || e.Drops == "none" || !p.StartsAsBase() {
		return nil
	}
	return e
}

// replacesDrop reports whether the image starts something else than its base's
// entry point, which would have changed the user with a tool.
func (p *Pass) replacesDrop(tool string) bool {
	e := p.Base.Entrypoint
	return e != nil && e.Drops == tool && !e.Guarded && !p.StartsAsBase()
}

// mountedHome refuses images into whose /root something is mounted: that is where its
// program looks, and it would look into another home, and not find the volumes that
// are there.
func mountedHome(p *Pass) *Refusal {
	if p.opts.User != "" || p.opts.UID != 0 {
		return nil
	}
	refuse := func(file string, line int, target string) *Refusal {
		return &Refusal{Reason: RootHome, Line: p.Stage.From.Line,
			Message: fmt.Sprintf("%s:%d mounts something at %s: another user cannot look into /root, and its program would look in another home", file, line, target),
			Hint:    "Have the program look elsewhere (its option, or ENV HOME), mount it there, and give what existing volumes hold to the user. --user NAME overrides this."}
	}
	for _, svc := range p.opts.Siblings.Services {
		if svc.User != "" {
			continue
		}
		for _, m := range slices.Concat(svc.BindMounts, svc.Volumes) {
			if imagepath.Below(path.Clean(m.Target), "/root") {
				return refuse(svc.File, svc.Line, m.Target)
			}
		}
	}
	for _, e := range p.opts.Siblings.Homes {
		return refuse(e.File, e.Line, e.Target)
	}
	return nil
}

// startsAsRoot names what is under /root before what a script does: a line of a
// script is easier to change.
func startsAsRoot(p *Pass) *Refusal {
	home, script := rootHome(p), rootScript(p)
	if home == nil {
		return script
	}
	if script != nil {
		home.Message += "; besides, " + script.Message
	}
	return home
}

// worksAtTheTop refuses a notebook server that keeps its notebooks in the working
// directory where that is /.
func worksAtTheTop(p *Pass) *Refusal {
	if p.End.Workdir != "/" || namesDirectory.MatchString(strings.Join(p.Entry.Argv, " ")) {
		return nil
	}
	configured := slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return strings.Contains(c.Dest, "jupyter") || slices.ContainsFunc(c.Sources, func(src string) bool { return strings.Contains(src, "jupyter") })
	})
	cmd, ok := p.Entry.Main()
	if !ok || cmd.Program.Name != "jupyter" || len(p.Entry.Scripts) > 0 || configured {
		return nil
	}
	return &Refusal{Reason: EntrypointNeedsRoot, Line: p.at(p.Entry.By),
		Message: "jupyter keeps its notebooks in the working directory, which is / here and belongs to root",
		Hint:    "Set WORKDIR to a directory for the notebooks."}
}

// namesDirectory is how a notebook server is told where its notebooks are.
var namesDirectory = regexp.MustCompile(`notebook[-_]dir|root_dir|preferred_dir|--config|\bcd\s`)

// initScript is a command that calls one.
var initScript = regexp.MustCompile(`^(/etc/init\.d/|service |rc-service |invoke-rc\.d )`)

func rootScript(p *Pass) *Refusal {
	for _, a := range p.Entry.RootActs {
		if p.changesNothing(a.Own, p.choose()) {
			continue
		}
		if initScript.MatchString(a.Text) {
			return &Refusal{Reason: EntrypointNeedsRoot, Line: p.at(p.Entry.By),
				Message: fmt.Sprintf("%s runs %q, and init scripts are written for root: they write pid files to /run and start their programs as root", a.Where, dockerfile.Clip(a.Text, 60)),
				Hint:    "Start the program itself instead: it may well need no root."}
		}
		if a.Stops {
			return &Refusal{Reason: EntrypointNeedsRoot, Line: p.at(p.Entry.By), Message: a.Where + " stops the program where it is not root"}
		}
		return &Refusal{Reason: EntrypointNeedsRoot, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("%s runs %q, which only root may do", a.Where, dockerfile.Clip(a.Text, 60))}
	}
	for _, w := range p.Entry.Written {
		if dir := imagepath.ProtectedDir(w); dir != "" && !p.Entry.MakesTop(w) && !p.ownConfiguration(w) && !p.programConfiguration(w) && !(dir == "/root" && p.moves()) && !p.mayWrite(w, p.choose()) {
			why := dir + " belongs to root"
			if by := p.CopiedFile(w); by != nil && p.ownsPlace(w, p.choose()) {
				why = fmt.Sprintf("line %d copies it as root's", by.Line)
			}
			hint := ""
			if p.whoWrites(w) != "the start script" {
				hint = "Have it written to a directory of its own, which the user can be given."
			}
			return &Refusal{Reason: EntrypointNeedsRoot, Line: p.at(p.Entry.By), Hint: hint,
				Message: fmt.Sprintf("%s writes %s when it starts, and %s", p.Entry.WrittenBy[w], w, why)}
		}
	}
	if name, dir := p.entryOfRoot(); name != "" {
		return &Refusal{Reason: EntrypointNeedsRoot, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("%s makes %s when it starts, and only root can make files in %s", p.Entry.WrittenBy[name], name, dir),
			Hint:    fmt.Sprintf("Do it in the Dockerfile instead, or in a directory of its own, %s/app, which the user can be given.", dir)}
	}
	return nil
}
