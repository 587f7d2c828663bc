package rewrite

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

var filecaps = &Rule{
	Name: "filecaps",
	Doc: `No file capabilities

A file capability gives the process that starts the file one of root's powers.
chmod a-s leaves it in place, and under --cap-drop ALL a file with an effective
capability cannot even be started: exec fails with "operation not permitted". The
rule removes it with a chown to the owner the file already has, which makes the
kernel drop setuid, setgid and capabilities at once, with no further tool.

Known are the capabilities in the layers of the base image and those that known
packages set when they are installed (iputils-ping, mtr, fping, dumpcap …), also by
the base image: shadow-utils of Enterprise Linux since 7.7, which packages that make an
account bring along. A file that is copied from a stage or image brings its own along.
ping keeps working: Docker
lets every user open ICMP sockets (net.ipv4.ping_group_range).

The rule is silent when none is known, and where the Dockerfile itself calls
setcap: that is its owner's wish, and the container has to be given that
capability.`,
	run: runFilecaps,
}

func runFilecaps(p *Pass) {
	if p.leaveFiles() {
		return
	}
	var files []simulate.Privileged
	for _, f := range p.End.Privileged {
		switch {
		case len(f.Capabilities) == 0 || p.keeps(f.Path):
		case f.Owner:
			asks := "the file asks for it"
			if f.For != "" {
				asks = f.For + " works with it"
			}
			p.report(Finding{Line: f.By.Line,
				Message: fmt.Sprintf("%s has %s because %s; it stays", f.Path, strings.Join(f.Capabilities, ", "), asks),
				Hint:    fmt.Sprintf("Run it with --cap-drop ALL --cap-add %s; without that capability it does not start.", capAdd(f.Capabilities))})
		case nameable(f):
			files = append(files, f)
		default:
			// A name that a shell would take for something else.
			p.report(Finding{Line: p.Stage.From.Line, Reason: UnsafeName,
				Message: fmt.Sprintf("%q has %s, and its name is not safe to write into a command", f.Path, strings.Join(f.Capabilities, ", ")),
				Hint:    "Remove the capability by hand, or rely on --cap-drop ALL."})
		}
	}
	files = p.worthRoot(files)
	if len(files) == 0 {
		return
	}
	line := p.Stage.From.Line
	for _, f := range files {
		if f.By != nil {
			line = f.By.Line
		}
	}
	msg := holds(files)
	if !p.canRun() {
		p.report(Finding{Line: line, Message: msg, Reason: NoShell, Hint: "Take them off in the stage that the files come from."})
		return
	}
	steps := p.dropCapabilities(files)
	if p.cannotRestore(lastStep(steps)) {
		p.report(Finding{Line: line, Message: msg + "; whether a RUN that removes them would be root's is not known", Hint: p.unknownHint()})
		return
	}
	p.report(Finding{Line: line, Message: msg,
		Fix: &Fix{Message: "removes them with a chown to the owner the file has; what needs them fails under --cap-drop ALL anyway", Steps: steps}})
}

// lastStep returns the instruction that the last of the steps depends on.
func lastStep(steps []Step) *dockerfile.Instruction {
	var last *dockerfile.Instruction
	for _, s := range steps {
		if s.After != nil && (last == nil || s.After.Index > last.Index) {
			last = s.After
		}
	}
	return last
}

// holds says which files have capabilities, and which of the base image, or of what the
// file installs, may.
func holds(files []simulate.Privileged) string {
	var sure, brought, perhaps []string
	for _, f := range files {
		what := strings.Join(f.Capabilities, ", ")
		if f.When != "" {
			what += "; " + f.When
		}
		name := fmt.Sprintf("%s (%s)", f.Path, what)
		switch {
		case f.Certain:
			sure = append(sure, name)
		case f.By != nil:
			brought = append(brought, name)
		default:
			perhaps = append(perhaps, name)
		}
	}
	var parts []string
	if len(sure) > 0 {
		parts = append(parts, fmt.Sprintf("the image holds %s: %s", count(len(sure), "file")+" with capabilities", strings.Join(sure, ", ")))
	}
	if len(brought) > 0 {
		parts = append(parts, fmt.Sprintf("the image may hold %s: %s", withCapabilities(brought), strings.Join(brought, ", ")))
	}
	if len(perhaps) > 0 {
		parts = append(parts, "the base image may hold files with capabilities: "+strings.Join(perhaps, ", "))
	}
	return strings.Join(parts, "; ")
}

func withCapabilities(files []string) string {
	if len(files) == 1 {
		return "a file with capabilities"
	}
	return "files with capabilities"
}

// worthRoot leaves out the files that the base image may hold where the image is
// non-root and nothing else needs a RUN as root: going back to root is worth it only for
// files that are known to be there.
func (p *Pass) worthRoot(files []simulate.Privileged) []simulate.Privileged {
	if p.User.How != ChoiceExisting && p.User.How != ChoiceInherited || len(p.setidFiles()) > 0 || !p.placeRun(nil).asRoot {
		return files
	}
	return slices.DeleteFunc(files, func(f simulate.Privileged) bool { return f.By == nil && !f.Certain })
}

// takesCapabilities reports whether there is a file that certainly loses its capabilities,
// for which the image goes back to root.
func (p *Pass) takesCapabilities() bool {
	return slices.ContainsFunc(p.End.Privileged, func(f simulate.Privileged) bool {
		return len(f.Capabilities) > 0 && !f.Owner && !p.keeps(f.Path) && nameable(f) && (f.By != nil || f.Certain)
	})
}

// nameable reports whether the path of a file can be written into a command.
func nameable(f simulate.Privileged) bool {
	return imagepath.Safe.MatchString(f.Path) || f.By != nil && packagePath.MatchString(f.Path)
}

// packagePath is what a path from the table of packages may look like: it may
// hold a * for the directory of the architecture, which the shell expands.
var packagePath = regexp.MustCompile(`^[A-Za-z0-9_./@+:,=*-]+$`)

// dropCapabilities are the commands that take the capabilities off files: a chown to the
// owner that each has, upon which the kernel drops them (chown(2)). The group is left out:
// packages give some of these files to one that has no fixed number. Files that may be
// missing share a loop.
func (p *Pass) dropCapabilities(files []simulate.Privileged) []Step {
	var steps []Step
	for len(files) > 0 {
		first, rest := files[0], []simulate.Privileged(nil)
		var paths []string
		var after *dockerfile.Instruction
		for _, f := range files {
			if f.UID != first.UID || f.Certain != first.Certain {
				rest = append(rest, f)
				continue
			}
			paths = append(paths, f.Path)
			after = p.later(after, p.inStage(f.By))
			if f.By == nil && p.End.Upgraded != nil {
				after = p.later(after, p.inStage(p.End.Upgraded))
			}
		}
		steps = append(steps, Step{Command: dropCapability(first, paths), Order: stepCaps, After: after})
		files = rest
	}
	return steps
}

// dropCapability is the command for files that are like one.
func dropCapability(like simulate.Privileged, paths []string) string {
	switch {
	case like.Certain:
		return fmt.Sprintf("chown %d %s", like.UID, strings.Join(paths, " "))
	case len(paths) == 1:
		return fmt.Sprintf("if [ -f %s ]; then chown %d %[1]s; fi", paths[0], like.UID)
	}
	return fmt.Sprintf(`for f in %s; do if [ -f "$f" ]; then chown %d "$f"; fi; done`, strings.Join(paths, " "), like.UID)
}

func capAdd(caps []string) string {
	out := make([]string, len(caps))
	for i, c := range caps {
		out[i] = strings.ToUpper(strings.TrimPrefix(c, "cap_"))
	}
	return strings.Join(out, " --cap-add ")
}

// inStage returns in when it belongs to the stage that becomes the image, and
// nil when it happened before that.
func (p *Pass) inStage(in *dockerfile.Instruction) *dockerfile.Instruction {
	if in == nil || in.Stage != p.Stage {
		return nil
	}
	return in
}
