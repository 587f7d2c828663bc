package imageinspect

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Open decides what an argument such as that of "harden inspect" means, and
// returns the Source to ask and the reference to ask it for:
//
//	debian:12, ghcr.io/o/app@sha256:…   a registry; also with docker:// before it
//	engine:NAME, docker-daemon:NAME     the local container engine
//	oci:DIR[:TAG]                       an OCI image layout; also oci-layout:
//	tarball:FILE[#NAME]                 a saved image; also docker-archive:
//	scratch                             the empty image
//
// Without a prefix, what exists as an OCI layout directory or ends in .tar,
// .tar.gz, .tgz or .tar.zst, or is written as a path (./x, /x), is taken for a
// file, everything else for a reference.
func Open(arg string, o Options) (Source, string, error) {
	if arg == "scratch" {
		return Static{"scratch": Scratch()}, arg, nil
	}
	if scheme, rest, ok := strings.Cut(arg, ":"); ok {
		switch scheme {
		case "engine", "docker-daemon":
			return NewEngine(o), rest, nil
		case "oci", "oci-layout":
			return openLayout(arg, rest, o)
		case "tarball", "docker-archive", "oci-archive":
			file, name, _ := strings.Cut(rest, "#")
			return NewTarball(file, o), name, nil
		}
	}
	arg = strings.TrimPrefix(arg, "docker://")
	if src, ref, err := openPath(arg, o); src != nil || err != nil {
		return src, ref, err
	}
	r, err := NewRegistry(o)
	return r, arg, err
}

func openLayout(arg, rest string, o Options) (Source, string, error) {
	dir, tag, err := splitLayout(rest)
	if err != nil {
		return nil, "", withRef(err, arg)
	}
	return NewLayout(dir, o), tag, nil
}

// openPath returns the Source of an argument that is a path, nil if it is not.
func openPath(arg string, o Options) (Source, string, error) {
	st, err := os.Stat(arg)
	switch {
	case err == nil && st.IsDir() && isLayout(arg):
		return NewLayout(arg, o), "", nil
	case err == nil && !st.IsDir() && (isTarballName(arg) || isWrittenAsPath(arg)):
		return NewTarball(arg, o), "", nil
	case !isWrittenAsPath(arg) && !isTarballName(arg):
		return nil, "", nil
	case err == nil:
		return nil, "", &Error{Kind: Unsupported, Ref: arg, Hint: "an OCI image layout holds a file oci-layout", err: errors.New("it is a directory without an image")}
	}
	if dir, tag, splitErr := splitLayout(arg); splitErr == nil {
		return NewLayout(dir, o), tag, nil
	}
	if isWrittenAsPath(arg) {
		return nil, "", withRef(fileError(err), arg)
	}
	return nil, "", nil
}

func isWrittenAsPath(arg string) bool {
	return filepath.IsAbs(arg) || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "../") || strings.HasPrefix(arg, "~")
}

// Inspect reads what an argument means, as Open does.
func Inspect(ctx context.Context, arg string, p Platform, o Options) (*Facts, error) {
	src, ref, err := Open(arg, o)
	if err != nil {
		return nil, err
	}
	return src.Inspect(ctx, ref, p)
}
