package rewrite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// stripSteps returns the commands that take the bits off.
func (p *Pass) stripSteps(files []simulate.Privileged, after *dockerfile.Instruction) ([]Step, bool) {
	switch p.findTool() {
	case imageinspect.Yes:
		return []Step{{Command: p.findCommand(), Order: stepStrip, After: after}}, true
	case imageinspect.No:
		return listSteps(files, after)
	}
	cmd := fmt.Sprintf("if command -v find >/dev/null; then %s; fi", p.findCommand())
	if list := listFiles(files); len(list) > 0 {
		cmd = fmt.Sprintf("if command -v find >/dev/null; then %s;\nelse %s; fi", p.findCommand(), chmodEach(list))
	}
	return []Step{{Command: cmd, Order: stepStrip, After: after}}, true
}

// findTool says whether the image has find. Distributions whose images always
// do need no proof; those of Fedora's kin and SUSE's do or do not by release.
func (p *Pass) findTool() imageinspect.Tri {
	if t := p.tool("find"); t != imageinspect.Unknown {
		return t
	}
	switch p.family() {
	case "debian", "alpine", "arch", "wolfi":
		return imageinspect.Yes
	}
	if p.End.Called["find"] {
		return imageinspect.Yes
	}
	return imageinspect.Unknown
}

// findCommand is the strip for images that have find. -xdev keeps it off /proc
// and mounts; -perm /6000 matches either bit, where -perm 6000 would want both;
// nothing hides a failure (influxdata/sinker#143).
func (p *Pass) findCommand() string {
	var b strings.Builder
	perm, end := "-perm /6000", "+"
	if p.oldFind() {
		perm, end = `\( -perm -4000 -o -perm -2000 \)`, `\;`
	}
	b.WriteString("find / -xdev -type f " + perm)
	for _, name := range slices.Concat(p.keepNames(), p.spared()) {
		if imagepath.Safe.MatchString(name) {
			fmt.Fprintf(&b, " ! -name %s", name)
		}
	}
	for _, file := range p.keepPaths() {
		switch {
		case file == nixWrappers, ownPattern(file):
			fmt.Fprintf(&b, " ! -path '%s'", file)
		case imagepath.Safe.MatchString(file):
			fmt.Fprintf(&b, " ! -path %s", file)
		}
	}
	b.WriteString(" -exec chmod a-s {} " + end)
	return b.String()
}

// oldFind reports whether find is or may be busybox's before 1.23, which does not know
// -perm /MODE, nor every one of them -exec … +: that of Alpine 3.1 and older, of
// Buildroot 2014, and of an image that does not say what made it.
func (p *Pass) oldFind() bool {
	if p.End.Tools["find"] {
		return false // of findutils, which a step installs
	}
	d := p.Base.Distro
	switch d.ID {
	case "alpine":
		return releasedBefore(d.VersionID, 3, 2)
	case "busybox":
		return releasedBefore(d.VersionID, 1, 23)
	case "buildroot":
		return releasedBefore(d.VersionID, 2015, 2)
	case "":
		return p.Base.Flavour("find") == "busybox"
	}
	return false
}

// listSteps is the strip for images without find: the files by name.
func listSteps(files []simulate.Privileged, after *dockerfile.Instruction) ([]Step, bool) {
	var sure, maybe []string
	for _, f := range files {
		if !imagepath.Safe.MatchString(f.Path) {
			continue
		}
		if f.Certain {
			sure = append(sure, f.Path)
		} else {
			maybe = append(maybe, f.Path)
		}
	}
	var steps []Step
	if len(sure) > 0 {
		steps = append(steps, Step{Command: "chmod a-s " + strings.Join(sure, " "), Order: stepStrip, After: after})
	}
	if len(maybe) > 0 {
		steps = append(steps, Step{Command: chmodEach(maybe), Order: stepStrip, After: after})
	}
	return steps, len(steps) > 0
}

// chmodEach takes the bits off those of the files that are there.
func chmodEach(files []string) string {
	return fmt.Sprintf("for f in %s; do if [ -f \"$f\" ]; then chmod a-s \"$f\"; fi; done", strings.Join(files, " "))
}

// listFiles returns the paths that can be written into a command.
func listFiles(files []simulate.Privileged) []string {
	var out []string
	for _, f := range files {
		if imagepath.Safe.MatchString(f.Path) {
			out = append(out, f.Path)
		}
	}
	return out
}
