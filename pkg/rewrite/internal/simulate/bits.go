package simulate

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
)

// needsBits notes the files whose set-id bits a step of another user than root works by: it
// has to come before they are taken off.
func (s *simulator) needsBits(in *dockerfile.Instruction, cmds []dockerfile.Command) {
	if s.User.Root() {
		return
	}
	noted := map[string]bool{}
	for _, c := range cmds {
		for _, name := range append([]string{path.Base(c.Name)}, c.Via...) {
			if becomesRootBy[name] && !noted[name] {
				noted[name] = true
				s.BitCalls = append(s.BitCalls, BitCall{By: in, Name: name})
			}
		}
	}
}

// becomesRootBy are the programs by which another user's step does what root may.
var becomesRootBy = map[string]bool{"sudo": true, "su": true, "doas": true, "crontab": true, "whenever": true}

// helped notes a step of another user than root whose installer calls sudo by itself, and
// reports whether there is one.
func (s *simulator) helped(in *dockerfile.Instruction, cmds []dockerfile.Command) bool {
	if s.User.Root() || len(s.User.Missing) > 0 || !slices.ContainsFunc(cmds, s.installsBySudo) {
		return false
	}
	s.BitCalls = append(s.BitCalls, BitCall{By: in, Name: "sudo"})
	return true
}

// sudoHelpers are run by an ordinary account and call sudo for what they install
// (wiki.archlinux.org/title/AUR_helpers; makepkg(8), --syncdeps and --install;
// github.com/ocaml-opam/opam-depext).
var sudoHelpers = map[string]bool{"yay": true, "paru": true, "yaourt": true, "pacaur": true, "trizen": true, "pikaur": true, "aurman": true, "opam-depext": true}

// installsBySudo reports whether a command installs packages of the system for a user that
// is not root. Of a base that nobody knows, a command of its own that is named for
// installing counts, too.
func (s *simulator) installsBySudo(c dockerfile.Command) bool {
	name := path.Base(c.Name)
	switch {
	case c.Dynamic || becomesRoot([]dockerfile.Command{c}):
		return false
	case sudoHelpers[name]:
		return true
	case name == "opam":
		return len(c.Args) > 0 && c.Args[0].Value == "depext"
	case name == "makepkg":
		return slices.ContainsFunc(c.Args, func(w dockerfile.Word) bool {
			return w.Value == "--syncdeps" || w.Value == "--install" || strings.HasPrefix(w.Value, "-") && !strings.HasPrefix(w.Value, "--") && strings.ContainsAny(w.Value, "si")
		})
	}
	inPath := c.Name == name || strings.HasPrefix(c.Name, "/usr/") || strings.HasPrefix(c.Name, "/bin/")
	return s.base.Origin.Kind == imageinspect.FromNowhere && inPath && name != "install" && strings.Contains(strings.ToLower(name), "install") && !strings.Contains(name, "plugin")
}
