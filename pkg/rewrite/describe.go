package rewrite

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// An Image is what a Dockerfile builds, as far as that is known without building
// it: what another Dockerfile of the repository, which is FROM it, starts from.
type Image struct {
	Facts *imageinspect.Facts

	end    *simulate.State
	path   string      // of the Dockerfile
	keep   *Refusal    // why its program needs root, nil when it does not
	writes []writePath // what its program writes
}

// Describe returns the image that a Dockerfile builds today. name is the reference
// under which others are FROM it. The error is as that of Run.
func Describe(ctx context.Context, name string, src []byte, opts Options) (*Image, error) {
	// That others are FROM it is no answer to what its program needs.
	opts.IncludeBases, opts.Siblings.Children, opts.Siblings.BaseBy = true, nil, ""
	p, err := plan(ctx, src, opts)
	if err != nil {
		return nil, err
	}
	img := &Image{Facts: p.imageFacts(name), end: p.End, path: opts.Path}
	switch {
	case p.Keep != nil && ofProgram[p.Keep.Reason]:
		img.keep = p.Keep
	case p.Keep == nil && p.Entry.Set():
		img.writes = p.writes()
	}
	return img, nil
}

// ofProgram are the reasons that lie in the program that an image starts, so that they
// hold for every image that starts the same.
var ofProgram = map[Reason]bool{InitSystem: true, DropsPrivilegesItself: true, NeedsRootDaemon: true, EntrypointNeedsRoot: true,
	UnreadEntrypoint: true, NeedsCapability: true, DockerSocket: true, RootHome: true, CommandLineTool: true}

// inheritsProgram reports whether the image starts just what its base does, of which the
// Dockerfile is at hand.
func (p *Pass) inheritsProgram() bool {
	return p.built != nil && p.Entry.Set() && p.Entry.By == nil
}

const startsAsBase = "it starts what its base does"

// keptByBase refuses what the Dockerfile of the base shows to need root.
func keptByBase(p *Pass) *Refusal {
	if !p.inheritsProgram() || p.built.keep == nil {
		return nil
	}
	keep := *p.built.keep
	keep.Line = p.Chain[0].From.Line
	if !strings.HasPrefix(keep.Message, startsAsBase) { // of a base further down
		keep.Message = fmt.Sprintf("%s, and in %s %s", startsAsBase, p.built.path, keep.Message)
	}
	return &keep
}

// baseSet adds what the program of the base writes, as its Dockerfile tells.
func (p *Pass) baseSet(add func(writePath)) {
	if !p.inheritsProgram() {
		return
	}
	for _, w := range p.built.writes {
		w.after, w.why = nil, "in "+p.built.path+", "+w.why
		w.exist = w.exist || p.End.Dirs[w.path] != nil
		add(w)
	}
}

// imageFacts says in the terms of an inspected image what the simulation knows at
// the end. What a step may have added without anybody knowing makes its list
// incomplete.
func (p *Pass) imageFacts(name string) *imageinspect.Facts {
	f := *p.Base
	f.Reference, f.Digest = name, ""
	if f.Origin.Kind != imageinspect.FromNowhere {
		f.Origin = imageinspect.Origin{Kind: imageinspect.FromDockerfile, Detail: p.opts.Path}
	}
	f.Warnings = nil
	runs, unpacks := p.runs(), p.End.Unseen
	f.Known.Accounts = f.Known.Accounts && !runs && !unpacks
	f.Known.People = f.Known.People && !runs && !unpacks
	f.Known.Tools = f.Known.Tools && !runs && !unpacks
	f.Known.Privileged = (f.Known.Privileged || p.End.Stripped != nil) && len(p.End.Installers) == 0 && !unpacks
	f.Known.Config = f.Known.Config && len(p.End.User.Missing) == 0
	f.Config = p.config()
	if p.End.Entrypoint.By != nil {
		f.Entrypoint = nil // of the base's own
	}
	if p.User.Name != "" && p.User.How != ChoiceNew && p.User.How != ChoiceMissing {
		f.RunsAs = p.User.Name
	}
	f.Privileged = nil
	for _, q := range p.End.Privileged {
		f.Privileged = append(f.Privileged, q.PrivilegedFile)
	}
	f.Scripts = maps.Clone(f.Scripts)
	for _, file := range p.Entry.Scripts {
		if text, ok := p.FileOf(p.End.Resolve(file)); ok {
			if f.Scripts == nil {
				f.Scripts = map[string]string{}
			}
			f.Scripts[file] = text
		}
	}
	return &f
}

// config is the configuration that the image is built with.
func (p *Pass) config() imageinspect.Config {
	s := p.End
	c := imageinspect.Config{
		User: s.User.Spec, WorkingDir: s.Workdir, Entrypoint: s.Entrypoint.Words, Cmd: s.Cmd.Words, Shell: s.Shell,
		Volumes: slices.Clone(s.Volumes), OS: p.Base.Config.OS, StopSignal: p.Base.Config.StopSignal,
	}
	c.Env = s.Env.List()
	for _, port := range s.Ports {
		c.ExposedPorts = append(c.ExposedPorts, strconv.Itoa(port)+"/tcp")
	}
	if len(s.Healthcheck.Words) > 0 {
		c.Healthcheck = append([]string{"CMD"}, s.Healthcheck.Words...)
	}
	for _, in := range p.Stage.Instructions {
		if in.Keyword == "ONBUILD" {
			c.OnBuild = append(c.OnBuild, in.Text)
		}
	}
	return c
}

// runs reports whether a step of the file runs anything.
func (p *Pass) runs() bool {
	return slices.ContainsFunc(p.Chain, func(st *dockerfile.Stage) bool {
		return slices.ContainsFunc(st.Instructions, func(in *dockerfile.Instruction) bool { return in.Keyword == "RUN" })
	})
}
