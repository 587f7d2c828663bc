// Package content finds the text of files of an image, without building it: what COPY takes from
// the build context and from other stages, what steps write, and scripts of the base image.
package content

import (
	"io/fs"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// An Image is an image with what a Dockerfile brings into it: the files of the build context, texts
// that steps write, and scripts of the base.
type Image struct {
	Doc      *dockerfile.Document
	Chain    []*dockerfile.Stage // the stages it is built on, first to last; ends with its own
	Base     *imageinspect.Facts // what the chain starts from; never nil
	End      *simulate.State     // what the image is where the last stage ends
	Context  fs.FS               // the build context, nil where it is not at hand
	Resolver *dockerfile.Resolver

	stages map[int]*simulate.State
	moved  map[string]*string // texts of files that steps have moved, nil for those that are none
	globs  map[*dockerfile.Instruction][]string
}

// EndOf returns the state of another stage of the file where it ends. What its base image
// is does not matter for what the file puts into it.
func (im *Image) EndOf(st *dockerfile.Stage) *simulate.State {
	if s, ok := im.stages[st.Index]; ok {
		return s
	}
	s := simulate.NewState(imageinspect.UnknownImage(""))
	if chain, _, err := im.Resolver.Chain(st); err == nil {
		s = simulate.Alone(im.Doc, im.Resolver, chain, s)
	}
	if im.stages == nil {
		im.stages = map[int]*simulate.State{}
	}
	im.stages[st.Index] = s
	return s
}

// Repository is the name of the base image without tag and digest.
func (im *Image) Repository() string {
	ref, _, _ := strings.Cut(im.Base.Reference, "@")
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		ref = ref[:i]
	}
	for _, mirror := range []string{"public.ecr.aws/docker/library/", "mirror.gcr.io/library/"} {
		ref = strings.TrimPrefix(ref, mirror)
	}
	return ref
}

// NginxImage reports whether the image starts by the entry point of nginx's own image.
func (im *Image) NginxImage() bool {
	return im.Repository() == "nginx" && im.StartsAsBase()
}
