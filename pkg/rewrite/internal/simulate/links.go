package simulate

import (
	"path"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// link notes the symbolic link that ln -s makes: start scripts are often reached by
// way of one.
func (s *simulator) link(c dockerfile.Command, dir string) {
	o, words := shellcmd.Split(c.Args, map[string]string{"-t": "into", "--target-directory": "into"})
	if !o.Has("-s") && !o.Has("--symbolic") || len(words) == 0 {
		return
	}
	name, into := words[len(words)-1], o.Value("into")
	switch {
	case into != "":
		name = path.Join(into, path.Base(words[0]))
	case len(words) == 1:
		name = path.Base(words[0])
	case len(words) > 2:
		return
	case strings.HasSuffix(name, "/") || s.Dirs[imagepath.Abs(dir, name)] != nil && !o.Has("-n") && !o.Has("-T"), imagepath.Standard[imagepath.Abs(dir, name)]:
		name = path.Join(name, path.Base(words[0]))
	}
	name = imagepath.Abs(dir, name)
	// A relative target is relative to the link.
	s.Links[name] = imagepath.Abs(path.Dir(name), words[0])
}

// maxLinks bounds how many links are followed from one to the next (Linux allows
// 40, path_resolution(7)).
const maxLinks = 40

// Resolve follows the links that the file makes.
func (s *State) Resolve(name string) string {
	for range maxLinks {
		target, ok := s.Links[name]
		if !ok {
			break
		}
		name = target
	}
	return name
}

// Real follows the links that the file makes in every part of a path.
func (s *State) Real(name string) string {
	for range maxLinks {
		next := s.through(name)
		if next == name || len(next) > imagepath.MaxPath {
			break
		}
		name = next
	}
	return name
}

// through follows the first link on the way.
func (s *State) through(name string) string {
	for i := 1; i <= len(name) && len(s.Links) > 0; i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		if target, ok := s.Links[name[:i]]; ok {
			return path.Join(target, name[i:])
		}
	}
	return name
}
