package simulate

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// atHome puts the home of the step's user in the place of a ~ that nothing quotes, in the
// words of a command and in the targets of its redirections. The shell does so before the
// command sees it (POSIX, 2.6.1 Tilde Expansion).
func (s *simulator) atHome(c dockerfile.Command) dockerfile.Command {
	home := s.stepHome()
	if home == "" {
		return c
	}
	c.Args = slices.Clone(c.Args)
	for i, w := range c.Args {
		c.Args[i] = tilde(w, home)
	}
	c.Redirects = slices.Clone(c.Redirects)
	for i, r := range c.Redirects {
		c.Redirects[i].Target = tilde(r.Target, home)
	}
	return c
}

// stepHome returns what HOME is in a step: what ENV says, else the home of its user, which
// BuildKit takes from /etc/passwd. "" where that is not known.
func (s *simulator) stepHome() string {
	home, set := s.Env.Get("HOME")
	if local, changed := s.local["HOME"]; changed {
		home, set = local.text, local.known
		if !set {
			return ""
		}
	}
	switch a, ok := s.Account(s.User.Name); {
	case set:
	case s.User.By == nil && !s.base.Known.Config:
		return "" // the base may have a user of its own
	case s.User.Root() && len(s.User.Missing) == 0:
		home = "/root"
	case ok:
		home = a.Home
	}
	if !path.IsAbs(home) || path.Clean(home) == "/" {
		return ""
	}
	return path.Clean(home)
}

// tilde expands the ~ at the start of a word. One that is quoted, and is none, takes more
// room in the text than its value has letters.
func tilde(w dockerfile.Word, home string) dockerfile.Word {
	if w.Static && (w.Value == "~" || strings.HasPrefix(w.Value, "~/")) && w.End-w.Pos == len(w.Value) {
		w.Value = home + w.Value[1:]
	}
	return w
}
