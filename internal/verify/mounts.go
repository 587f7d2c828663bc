package verify

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/profile"
	"github.com/dockharden/harden/pkg/rewrite"
)

// mounts is what is mounted over a read-only root.
type mounts struct {
	tmpfs   map[string]string // path → options
	volumes []string
	kept    map[string]bool // volumes that hold data, and need a name
	code    []string        // written, and full of the program's own files: nothing can be mounted there
	guessed []string        // the same, but nobody knows whether it is written
}

// lookAtMounts finds out what the original has in the directories that the
// rungs mount something over.
func (p *prover) lookAtMounts(ctx context.Context, res *rewrite.Result) error {
	var dirs []string
	for _, m := range profile.Mounts(res, 0) {
		if _, known := p.holds[m.Path]; !known && m.Kind != profile.Declared {
			dirs = append(dirs, m.Path)
		}
	}
	if len(dirs) == 0 {
		return nil
	}
	found, err := p.eng.Holds(ctx, p.beforeTag, dirs)
	if err != nil {
		return err
	}
	if p.holds == nil {
		p.holds = map[string]Holding{}
	}
	for _, dir := range dirs {
		p.holds[dir] = found[dir]
	}
	return nil
}

// mountsFor decides as harden runtime does, and knows more: what the image has
// in each directory. A tmpfs is for what is scratch by its place or name, and
// never hides a file of the image; scratch with something in it is a volume,
// which starts as a copy and goes with the container. What may be data is a
// volume with a name. Over the program's own files there is no right mount.
func mountsFor(set []profile.Mount, holds map[string]Holding, own string) mounts {
	out := mounts{tmpfs: map[string]string{}, kept: map[string]bool{}}
	for _, m := range set {
		held := holds[m.Path]
		switch {
		case m.Kind == profile.Declared:
		case m.Kind == profile.Tmpfs && held == Nothing:
			out.tmpfs[m.Path] = tmpfsOptions(m, own)
		case m.Kind == profile.Tmpfs && m.Why != "home":
			out.volumes = append(out.volumes, m.Path)
		case held == Code && (m.Why == "working directory" || m.Why == "home"):
			out.guessed = append(out.guessed, m.Path)
		case held == Code && !within(m.Path, "/var/lib"):
			out.code = append(out.code, m.Path)
		case profile.Scratch(m.Path), within(m.Path, "/etc"):
			// Configuration that is written at the start, from what the image has.
			out.volumes = append(out.volumes, m.Path)
		default:
			out.volumes = append(out.volumes, m.Path)
			out.kept[m.Path] = true
		}
	}
	slices.Sort(out.volumes)
	out.volumes = slices.DeleteFunc(out.volumes, out.nested)
	return out
}

// everywhere is the same with volumes over a working directory and a home with the program's
// own files, too, and in the place of
// every tmpfs on what is no scratch: the hardened image may have files there. It reports whether
// that makes a difference. Such a volume starts as a copy of the image and goes with the
// container; one that stays would go on holding the files of an old image.
func (m mounts) everywhere() (mounts, bool) {
	out := mounts{tmpfs: map[string]string{}, kept: m.kept, volumes: slices.Concat(m.volumes, m.guessed)}
	for dir, options := range m.tmpfs {
		if profile.Scratch(dir) {
			out.tmpfs[dir] = options
		} else {
			out.volumes = append(out.volumes, dir)
		}
	}
	slices.Sort(out.volumes)
	return out, len(out.volumes) > len(m.volumes)
}

// nested reports whether a volume lies in another one that is as good.
func (m *mounts) nested(dir string) bool {
	return slices.ContainsFunc(m.volumes, func(o string) bool { return o != dir && within(dir, o) && m.kept[o] == m.kept[dir] })
}

func tmpfsOptions(m profile.Mount, own string) string {
	options := own
	if m.Mode == "1777" {
		options = "mode=1777"
	}
	if m.Exec {
		options = strings.TrimPrefix(options+",exec", ",")
	}
	return options
}

// covers reports whether a path lies in what is mounted.
func (m *mounts) covers(name string) bool {
	in := func(dir string) bool { return within(name, dir) }
	return slices.ContainsFunc(sortedKeys(m.tmpfs), in) || slices.ContainsFunc(m.volumes, in)
}

// settled drops what needs no mount, and what can have none: the directory of
// the program's own files, and files that stand right among them.
func (m *mounts) settled(l *Learned) {
	done := func(dir string) bool { return m.covers(dir) || slices.Contains(m.guessed, dir) }
	l.Dirs, l.Trees = slices.DeleteFunc(l.Dirs, done), slices.DeleteFunc(l.Trees, done)
	l.Files = slices.DeleteFunc(l.Files, func(f string) bool { return done(path.Dir(f)) })
}

// flags are those of docker run. A volume for data is named after the project
// and the path, so that a new container finds it again.
func (m *mounts) flags(project string) []string {
	out := []string{"--read-only"}
	for _, dir := range sortedKeys(m.tmpfs) {
		out = append(out, "--tmpfs", strings.TrimSuffix(dir+":"+m.tmpfs[dir], ":"))
	}
	for _, dir := range m.volumes {
		if m.kept[dir] {
			dir = project + strings.Map(volumeRune, dir) + ":" + dir
		}
		out = append(out, "--volume", dir)
	}
	return out
}

// volumeRune makes a path part of a volume's name (moby,
// daemon/names: [a-zA-Z0-9][a-zA-Z0-9_.-]).
func volumeRune(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '-':
		return r
	}
	return '-'
}

// project is the name of the Dockerfile's directory, for names of volumes.
func (p *prover) project() string {
	name := strings.Trim(strings.Map(volumeRune, path.Base(path.Dir(p.job.Build.Path))), "-_.")
	if name == "" {
		return "app"
	}
	return name
}

// impossible says why the root cannot be read-only, "" when it can.
func (m *mounts) impossible() string {
	if len(m.code) == 0 {
		return ""
	}
	return fmt.Sprintf("the program writes to %s, where its own files lie: a tmpfs would hide them, and a volume would go on holding those of the old image after an update",
		strings.Join(m.code, ", "))
}

// unmounted says what a read-only root leaves as it is, "" when it is nothing.
func (m *mounts) unmounted() string {
	if len(m.guessed) == 0 {
		return ""
	}
	return fmt.Sprintf("with --read-only nothing can be written in %s, where the program's own files lie and nothing can be mounted", strings.Join(m.guessed, ", "))
}
