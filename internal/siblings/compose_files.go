package siblings

import (
	"os"
	"path"
	"path/filepath"
)

// A HostFile is a file of the host that Compose mounts into a container, with the owner and
// the mode that it has on the host (compose-spec, 05-services.md, secrets: uid, gid and mode
// are not implemented where the source is a file).
type HostFile struct {
	Secret         string // its name, "" for a config or a mount
	Source, Target string
	Absent         bool // it is not in the repository, so that its mode is not known
}

// filesOf returns the files that secrets or configs on the top level of a Compose file name.
func filesOf(n node) map[string]string {
	files := map[string]string{}
	for _, e := range n.entries() {
		if file, known := interpolate(e.value.get("file").text()); known && file != "" {
			files[e.key] = file
		}
	}
	return files
}

// addFiles notes the files of the host that a service gets and that others than their owner
// may not read, as far as they are there. A secret that is not is most likely closed as well.
func (s *Service) addFiles(c *composeFile, n node) {
	dir := filepath.Dir(c.file.Abs)
	s.addGranted(dir, n.get("secrets"), c.secrets, "/run/secrets")
	s.addGranted(dir, n.get("configs"), c.configs, "/")
	for _, m := range s.Binds {
		if source, known := interpolate(m.Source); known && isClosed(resolve(dir, source)) {
			s.HostFiles = append(s.HostFiles, HostFile{Source: m.Source, Target: m.Target})
		}
	}
}

// addGranted notes those that a list of a service names, in its short or its long form.
func (s *Service) addGranted(dir string, list node, files map[string]string, below string) {
	for _, n := range list.list() {
		name, target := n.text(), n.get("target").text()
		if name == "" {
			name = n.get("source").text()
		}
		file, ok := files[name]
		if !ok {
			continue
		}
		if target == "" {
			target = name
		}
		if !path.IsAbs(target) {
			target = path.Join(below, target)
		}
		f := HostFile{Source: file, Target: path.Clean(target)}
		if below != "/" {
			f.Secret = name
		}
		_, err := os.Stat(resolve(dir, file))
		f.Absent = err != nil
		if isClosed(resolve(dir, file)) || f.Absent && f.Secret != "" {
			s.HostFiles = append(s.HostFiles, f)
		}
	}
}

// isClosed reports whether a file is there that others than its owner and group may not read.
func isClosed(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o004 == 0
}
