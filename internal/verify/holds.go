package verify

import (
	"archive/tar"
	"context"
	"io"
	"path"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// A Holding is what an image has in a directory.
type Holding int

// The kinds of holdings, of which the last that applies counts.
const (
	Nothing Holding = iota
	Data
	Code // programs, and what interpreters run
)

// maxHeld bounds how many files of a directory are looked at.
const maxHeld = 5000

// Holds implements Engine. A container is made for it and never started.
func (d *Docker) Holds(ctx context.Context, ref string, dirs []string) (map[string]Holding, error) {
	sure, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	// An image without a command could not be made a container of otherwise.
	made, err := d.api.ContainerCreate(sure, d.createOptions(Spec{Image: ref, Entrypoint: []string{"/never-started"}}))
	if err != nil {
		return nil, classify(ctx, "making a container", err)
	}
	track(d, &d.containers, made.ID)
	defer func() { _ = d.Remove(ctx, made.ID) }() // Close removes what this could not
	out := map[string]Holding{}
	for _, dir := range dirs {
		if out[dir], err = d.held(ctx, made.ID, dir); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *Docker) held(ctx context.Context, id, dir string) (Holding, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	// With the dot it is the content, wherever a link leads.
	res, err := d.api.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: dir + "/."})
	if cerrdefs.IsNotFound(err) {
		return Nothing, nil
	}
	if err != nil {
		return Nothing, classify(ctx, "looking into an image", err)
	}
	defer res.Content.Close()
	return holding(res.Content, dir), nil
}

// holding reads the tar of a directory until it knows what the directory holds,
// or has seen enough.
func holding(r io.Reader, dir string) Holding {
	found := Nothing
	tr := tar.NewReader(r)
	for range maxHeld {
		h, err := tr.Next()
		if err != nil {
			return found
		}
		name := path.Join(dir, h.Name)
		switch {
		case name == dir || ofNoUse(name, h.Size == 0):
		case h.Typeflag == tar.TypeReg && isCode(name, h.Mode):
			return Code
		default:
			found = Data
		}
	}
	return found
}

// ofNoUse reports whether nobody misses a file of an image when something is
// mounted over it: what every distribution has in its scratch directories, the
// locks and links that packages leave there, and what useradd puts into each
// home (/etc/skel).
func ofNoUse(name string, empty bool) bool {
	switch path.Base(name) {
	case ".bashrc", ".profile", ".bash_logout", ".bash_profile", ".wh..wh..opq":
		return true
	}
	if within(name, "/run/systemd") || within(name, "/run/lock") {
		return true
	}
	return empty && (within(name, "/run") || within(name, "/tmp") || within(name, "/var/tmp"))
}

// codeNames end the names of files that are run, or from which others are.
var codeNames = map[string]bool{".js": true, ".mjs": true, ".cjs": true, ".ts": true, ".jsx": true, ".tsx": true, ".py": true, ".pyc": true, ".rb": true,
	".php": true, ".pl": true, ".pm": true, ".lua": true, ".sh": true, ".so": true, ".jar": true, ".war": true, ".class": true, ".dll": true, ".exe": true,
	".ex": true, ".beam": true, ".go": true, ".c": true, ".html": true, ".css": true, ".erb": true, ".twig": true}

// isCode reports whether a file is a program or part of one. The samples that
// git and svn put among their hooks are not.
func isCode(name string, mode int64) bool {
	ext := path.Ext(name)
	if ext == ".sample" || ext == ".tmpl" {
		return false
	}
	return codeNames[ext] || mode&0o111 != 0 || path.Base(name) == "package.json"
}
