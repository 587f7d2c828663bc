package main

import (
	"maps"
	"slices"

	"github.com/dockharden/harden/internal/config"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// addLearned takes over what the configuration knows from containers.
func addLearned(opts *rewrite.Options, s *config.Settings) {
	opts.WritableTrees, opts.WritableFiles = s.WritableTrees, s.WritableFiles
	if r := s.RunAs; r != nil {
		opts.RunAs = &rewrite.BuiltAccount{Name: r.Name, UID: r.UID, GID: r.GID, Groups: r.Groups}
	}
	for _, file := range slices.Sorted(maps.Keys(s.Privileged)) {
		o := s.Privileged[file]
		// Which privilege it was does not matter: a chown takes all of them.
		opts.Privileged = append(opts.Privileged, imageinspect.PrivilegedFile{Path: file, UID: o.UID, GID: o.GID, Capabilities: []string{"found in the built image"}})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Capabilities)) {
		opts.Capabilities = append(opts.Capabilities, rewrite.Capability{Name: name, Why: s.Capabilities[name]})
	}
}
