package main

import (
	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/workspace"
	"github.com/dockharden/harden/pkg/rewrite"
)

// surroundings is what lies around the Dockerfiles of a run.
type surroundings struct{}

func wanted(name string) bool { return false }

func look(set *workspace.Set) *surroundings { return &surroundings{} }

// describe fills in what the surroundings say about one file.
func (s *surroundings) describe(opts *rewrite.Options, f *workspace.File, src []byte, contextDir string) {
	if contextDir == "" {
		doc, err := dockerfile.Parse(src)
		if err != nil {
			return // rewrite.Run reports it
		}
		contextDir = f.FindContext(doc)
	}
	if contextDir != "" {
		opts.Context = f.OpenContext(contextDir)
	}
}
