package rewrite

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

var setid = &Rule{
	Name: "setid",
	Doc: `No setuid or setgid files

A setuid file gives the process that starts it the file owner's power, mostly
root's: su, mount, newgrp, passwd and a dozen more are in every general base
image, and no service needs them. The rule takes the bits off all files, in the
same RUN that makes the account, behind the last step that can install any.

Kept are files that the image's own commands call as another user than root and
that cannot work without the bit (sudo, su, mount, fixuid), helpers of what the file
installs (chrome-sandbox, unless every start of the browser that can be read is without
it, s6-overlay-suexec, fusermount3 and fusermount, starter-suid of Singularity, bwrap in
releases that have it setuid, unix_chkpwd for a desktop whose screen locks; where the image
starts as root or sudo, doas or su stays, so that their daemons can run,
dbus-daemon-launch-helper and polkit's pkexec and polkit-agent-helper-1), gosu and its
like where a base whose entry point changes the user has it setuid, what the Dockerfile
itself makes setuid, which the report names (the bit on a directory is none: what is made
in it inherits the group), and keep_setuid of the configuration.

Of a base image that nobody knows, the bits come off in a RUN that is inserted anyway, beside
the steps for which the file itself turns to root, or behind a step that can install such
files where a step shows that the base starts as root; otherwise the report says that nothing
is known. Where the user stays because of that, the files that packages are known to bring
are only named.

The rule is silent when the base image has no such file and no step can have
installed one, when a later step already removes the bits, for images that others
are built on, and where an init system, a daemon that works for others or the
Docker socket keeps root. --security-opt no-new-privileges does the same at run time
without changing the image.`,
	run: runSetid,
}

func runSetid(p *Pass) {
	p.reportOwn()
	if p.leaveFiles() {
		p.reportLeft()
		return
	}
	files := p.setidFiles()
	installers := p.End.Installers
	if p.User.How == ChoiceExisting || p.User.How == ChoiceInherited {
		// Going back to root for a RUN is worth it only for files that are
		// known to be there. Where the stage has root's steps, it costs nothing.
		place := p.placeRun(p.lastInstall())
		inParent := p.inParent([]Step{{Order: stepStrip, After: p.lastInstall()}}, place) != nil
		alone := !inParent && !p.takesCapabilities() // nothing else goes back to root
		if len(files) == 0 && alone && (!p.rootAtEndOf(installers) && !p.rootSteps() || place.asRoot) {
			p.reportUnknown()
			p.reportWanted()
			return
		}
	}
	unknown := !p.Base.Known.Privileged && p.End.Stripped == nil && p.Base.Origin.Kind != imageinspect.FromScratch
	if len(files) == 0 && len(installers) == 0 && !unknown {
		return
	}
	if unknown && len(files) == 0 && len(installers) == 0 && !p.canRun() {
		return
	}
	if p.guessesBase() && len(files) == 0 && len(installers) == 0 && !p.insertsAnyway() && !p.rootInBetween() {
		p.reportUnknown() // a layer of its own would answer a guess
		return
	}
	line := p.Stage.From.Line
	msg := setidMessage(files, p.bringers(installers), p.Base.Known.Privileged && len(installers) == 0)
	if len(files) == 0 && p.guessesBase() {
		msg = guessMessage(p.bringing(installers))
	}
	if !p.canRun() {
		p.report(Finding{Line: line, Message: msg, Reason: NoShell, Hint: "Run it with --security-opt no-new-privileges, or take the bits off in the stage that the files come from."})
		return
	}
	after := p.lastInstall()
	for _, f := range files {
		after = p.later(after, f.By)
	}
	if p.cannotRestore(after) {
		p.report(Finding{Line: line, Message: msg + "; whether a RUN that takes the bits off would be root's is not known", Hint: p.unknownHint()})
		return
	}
	steps, ok := p.stripSteps(files, after)
	if !ok {
		p.report(Finding{Line: line, Message: msg, Reason: NoFind, Hint: "Run it with --security-opt no-new-privileges."})
		return
	}
	p.report(Finding{Line: line, Message: msg, Hint: p.strippedHint(files), Fix: &Fix{Message: p.stripMessage(files), Steps: steps}})
}

// lastInstall returns the last instruction of the stage that may bring privileged files,
// bring their bits back, or works by those that are taken off.
func (p *Pass) lastInstall() *dockerfile.Instruction {
	last := lastOf(p.Stage, p.End.Installers)
	if up := p.End.Upgraded; up != nil && up.Stage == p.Stage {
		last = p.later(last, up)
	}
	for _, call := range p.End.BitCalls {
		if !slices.Contains(p.keepNames(), call.Name) {
			last = p.later(last, call.By) // which does not build without the bit
		}
	}
	return last
}

func (p *Pass) stripMessage(files []simulate.Privileged) string {
	msg := "takes the bits off with chmod a-s"
	if p.findTool() == imageinspect.Unknown && len(listFiles(files)) == 0 {
		msg += ", if the image has find"
	}
	if len(p.keptInImage()) == 0 {
		msg += "; at run time --security-opt no-new-privileges does the same"
	}
	return msg
}

// leaveFiles reports whether privileged files have to stay: the owner wants
// them, others build on the image, or the program works for other users.
func (p *Pass) leaveFiles() bool {
	if p.Keep == nil {
		return !p.End.User.Root() && p.forOthers() != nil
	}
	base := baseImage(p)
	return p.Keep.Whole || p.Keep.Reason == NeedsRootDaemon || p.Keep.Reason == InitSystem || p.Keep.Reason == DockerSocket || base != nil && base.Whole
}

// reportUnknown says that nobody knows whether the base image of an image that is
// non-root already holds such files: no patch is no proof that there are none.
func (p *Pass) reportUnknown() {
	if p.Keep != nil && p.Keep.Whole || p.Base.Known.Privileged || p.End.Stripped != nil || p.Base.Origin.Kind == imageinspect.FromScratch || !p.canRun() {
		return
	}
	msg, hint := "whether the image holds setuid or setgid files is not known", p.unknownHint()
	if kept := p.knownKept(); len(kept) > 0 {
		msg = "keeps " + strings.Join(kept, "; ") + "; whether the image holds more setuid or setgid files is not known"
		hint = strings.Join(append(nonEmpty(p.sudoHint()), hint), ". ")
	}
	p.report(Finding{Line: p.Stage.From.Line, Message: msg, Hint: hint})
}

func (p *Pass) unknownHint() string {
	if p.Base.Reference != "" {
		return p.factsHint()
	}
	return "Run it with --security-opt no-new-privileges, which makes them harmless."
}

// guessesBase reports whether nothing at all is known of the base.
func (p *Pass) guessesBase() bool {
	return p.Base.Origin.Kind == imageinspect.FromNowhere && p.Chain[0].BaseWord != "scratch" && p.End.Stripped == nil
}

// insertsAnyway reports whether other rules put a RUN of root into the file, which the
// strip can join.
func (p *Pass) insertsAnyway() bool {
	return p.takesCapabilities() || p.Keep == nil && (p.applies(nonroot) && len(p.User.Make) > 0 || p.applies(writable) && len(p.writeSet()) > 0)
}

// rootInBetween reports whether the file itself turns to root for a step of an image that
// is another user's in the end: a RUN beside that step needs nothing of the base but a shell.
func (p *Pass) rootInBetween() bool {
	return p.Keep == nil && p.rootSteps() && !p.placeRun(p.lastInstall()).asRoot
}

// cannotRestore reports whether a RUN behind an instruction would need a USER 0:0, and the
// user to return to is that of a base which nobody knows.
func (p *Pass) cannotRestore(after *dockerfile.Instruction) bool {
	return p.Keep != nil && p.End.User.By == nil && p.End.User.Spec == "" && p.placeRun(after).asRoot
}

// reportWanted names the set-id files that a package brings which the file installs for
// their sake, where there are no others: no patch tells of them.
func (p *Pass) reportWanted() {
	for _, f := range p.End.Privileged {
		if f.Owner && f.By != nil && path.Base(f.Path) == "bbsuid" {
			p.report(Finding{Line: f.By.Line, Message: "busybox-suid is installed by name, so bbsuid stays setuid", Hint: p.keptHint()})
		}
	}
}

// reportOwn names what the file itself makes setuid or setgid, which stays. Nothing else in the
// report would say why no-new-privileges is missing from what to run the image with.
func (p *Pass) reportOwn() {
	var steps []*dockerfile.Instruction
	files := map[*dockerfile.Instruction][]string{}
	for _, f := range p.End.Privileged {
		if !f.Owner || !f.SetID() || f.By == nil || f.For != "" || path.Base(f.Path) == "bbsuid" || p.strippedAfter(f) {
			continue
		}
		if files[f.By] == nil {
			steps = append(steps, f.By)
		}
		files[f.By] = append(files[f.By], f.Path)
	}
	for _, in := range steps {
		p.report(Finding{Line: in.Line,
			Message: fmt.Sprintf("line %d sets a setuid or setgid bit on %s itself; kept", in.Line, someOf(files[in])),
			Hint:    "Under --security-opt no-new-privileges it does nothing, so that is left out of what to run the image with."})
	}
}

// someOf lists a few paths and says how many more there are.
func someOf(files []string) string {
	slices.Sort(files)
	files = slices.Compact(files)
	shown := make([]string, 0, 3)
	for _, f := range files[:min(len(files), 3)] {
		shown = append(shown, dockerfile.Clip(f, 80))
	}
	if more := len(files) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("%d more", more))
	}
	return strings.Join(shown, ", ")
}

// reportLeft says why the files of an image that is not root stay: nothing else in
// the report would.
func (p *Pass) reportLeft() {
	files := p.setidFiles()
	if p.Keep != nil && p.Keep.Reason == NoBaseFacts && len(files) > 0 {
		for i := range files {
			files[i].Size = 0 // no layer changes them
		}
		p.report(Finding{Line: p.Stage.From.Line, Message: setidMessage(files, "", false),
			Hint: "They stay as long as the user of the image is not known; --security-opt no-new-privileges makes them harmless."})
	}
	if p.Keep != nil || len(files) == 0 {
		return
	}
	p.report(Finding{Line: p.Stage.From.Line, Message: setidMessage(files, "", p.Base.Known.Privileged), Reason: BaseImage,
		Hint: "They stay for the images that are built on this one; --include-bases takes the bits off."})
}

// setidFiles returns the files with mode bits that are known to be in the image
// and that nothing speaks for.
func (p *Pass) setidFiles() []simulate.Privileged {
	var out []simulate.Privileged
	for _, f := range p.End.Privileged {
		if !f.SetID() || f.Owner || p.keeps(f.Path) || p.strippedAfter(f) {
			continue
		}
		out = append(out, f)
	}
	return out
}

// strippedAfter reports whether a step takes the bits off the file again.
func (p *Pass) strippedAfter(f simulate.Privileged) bool {
	return p.End.Stripped != nil && (f.By == nil || f.By.Index < p.End.Stripped.Index) && !slices.ContainsFunc(p.End.Kept, func(k string) bool { return k == f.Path || k == path.Base(f.Path) })
}

// stepsText is the name of the base image and the steps and settings, in lower
// case.
func (p *Pass) stepsText() string {
	if p.memo.steps != "" {
		return p.memo.steps
	}
	var b strings.Builder
	b.WriteString(p.Base.Reference)
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword == "RUN" || in.Keyword == "COPY" || in.Keyword == "ADD" || in.Keyword == "ENV" {
				b.WriteByte('\n')
				b.WriteString(in.Original)
			}
		}
	}
	p.memo.steps = strings.ToLower(b.String())
	return p.memo.steps
}

// healthCalls returns the base names of the commands of HEALTHCHECK.
func (p *Pass) healthCalls() []string {
	argv := p.End.Healthcheck.Words
	if len(argv) == 0 {
		return nil
	}
	text, ok := shellcmd.ShellText(argv)
	if !ok {
		return []string{path.Base(argv[0])}
	}
	sc, err := dockerfile.ParseScript([]byte(text))
	if err != nil {
		return nil
	}
	var out []string
	for _, c := range sc.Commands() {
		out = append(out, path.Base(c.Name))
		out = append(out, c.Via...)
	}
	return out
}

// rootAtEndOf reports whether one of the installers ran as root in this stage
// with root still in force, so that a RUN can follow it.
func (p *Pass) rootAtEndOf(installers []*dockerfile.Instruction) bool {
	for _, in := range installers {
		if m, ok := p.End.Before[in]; ok && m.User.Root() {
			return true
		}
	}
	return false
}

// rootSteps reports whether the stage runs steps as root, on a base of which nobody
// knows what setuid files it has.
func (p *Pass) rootSteps() bool {
	return !p.Base.Known.Privileged && p.End.Stripped == nil && slices.ContainsFunc(p.Stage.Instructions, func(in *dockerfile.Instruction) bool {
		m := p.End.Before[in].User
		return in.Keyword == "RUN" && m.By != nil && m.Root() && len(m.Missing) == 0
	})
}

// bringing names what may bring files that nobody can list: packages, or a step that
// copies or runs something.
func (p *Pass) bringing(installers []*dockerfile.Instruction) string {
	for _, pkg := range p.End.Packages {
		if slices.Contains(installers, pkg.By) {
			return "installed packages"
		}
	}
	if in, more := firstOf(p.Stage, installers); in != nil && more {
		return fmt.Sprintf("what line %d and later ones bring", in.Line)
	} else if in != nil {
		return fmt.Sprintf("what line %d brings", in.Line)
	}
	if len(installers) > 0 {
		return "an earlier stage"
	}
	return ""
}

// bringers is bringing, and the base image where nobody knows its files either.
func (p *Pass) bringers(installers []*dockerfile.Instruction) string {
	what := p.bringing(installers)
	if what != "" && !p.Base.Known.Privileged && p.End.Stripped == nil && p.Chain[0].BaseWord != "scratch" {
		return "the base image and " + what
	}
	return what
}

// firstOf returns the first of the instructions that belong to the stage, and whether there
// are more.
func firstOf(stage *dockerfile.Stage, ins []*dockerfile.Instruction) (first *dockerfile.Instruction, more bool) {
	for _, in := range ins {
		if in.Stage == stage {
			first, more = cmp.Or(first, in), more || first != nil && first != in
		}
	}
	return first, more
}

func setidMessage(files []simulate.Privileged, bringing string, complete bool) string {
	if len(files) == 0 {
		if bringing != "" {
			return bringing + " may hold setuid or setgid files"
		}
		return "the base image may hold setuid or setgid files"
	}
	var size int64
	names, sized := make([]string, 0, len(files)), true
	for _, f := range files {
		size, sized = size+f.Size, sized && f.Size > 0
		names = append(names, path.Base(f.Path))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if i := slices.Index(names, "sudo"); i > 0 {
		// People call it at run time, so that it must not be among those left out.
		names = slices.Insert(slices.Delete(names, i, i+1), 0, "sudo")
	}
	shown := strings.Join(names[:min(len(names), 5)], ", ")
	if len(names) > 5 {
		shown += " …"
	}
	holds := "the image holds"
	if !complete {
		holds = "the image holds at least"
	}
	msg := fmt.Sprintf("%s %s (%s)", holds, count(len(files), "setuid or setgid file"), shown)
	if size > 0 && sized {
		msg += fmt.Sprintf("; the layer that changes them has %s", bytesText(size))
	}
	return msg
}

// guessMessage is that of a base which nobody knows, whatever the file brings besides.
func guessMessage(bringing string) string {
	if bringing != "" {
		bringing = "; it and " + bringing
	} else {
		bringing = " and"
	}
	return "the base image is not known" + bringing + " may hold setuid or setgid files"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%d kB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// releasedBefore reports whether a version is or may be lower than major.minor: one
// that is not known at all is taken for a recent one, "3" for any of its minors.
func releasedBefore(version string, major, minor int) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	x, err := strconv.Atoi(first)
	if err != nil || x != major {
		return err == nil && x < major
	}
	y, err := strconv.Atoi(second)
	return err != nil || y < minor
}
