package report

import (
	"errors"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/config"
	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/workspace"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// A Problem is why a file could not be processed: where, what is wrong and
// what to do.
type Problem struct {
	File string // the file to look at; a configuration file may be to blame
	Line int    // 0 when no line is to blame
	Kind string // "dockerfile", "image", "config", "file" or "internal"
	Msg  string
	Hint string
}

// The kinds of problems.
const (
	kindDockerfile = "dockerfile"
	kindImage      = "image"
	kindConfig     = "config"
	kindFile       = "file"
	kindInternal   = "internal"
)

// NewProblem describes an error that came up with the Dockerfile at path.
func NewProblem(path string, err error) *Problem {
	p := &Problem{File: path, Kind: kindFile, Msg: err.Error()}
	if e, ok := errors.AsType[*rewrite.Error](err); ok {
		p.Kind, p.Line, p.Msg = kindDockerfile, e.Line, e.Err.Error()
	}
	switch e := cause(err).(type) {
	case *dockerfile.Error:
		p.Kind, p.Line, p.Msg, p.Hint = kindDockerfile, e.Line, e.Msg, e.Hint
	case *imageinspect.Error:
		p.Kind, p.Hint = kindImage, e.Hint
		p.Msg = strings.TrimSuffix(e.Error(), "; "+e.Hint)
	case *config.Error:
		p.Kind, p.File, p.Line, p.Msg, p.Hint = kindConfig, e.File, e.Line, e.Msg, e.Hint
	case *workspace.Error:
		p.Msg, p.Hint = e.Msg, e.Hint
	}
	if strings.HasPrefix(p.Msg, "internal error") {
		p.Kind = kindInternal
	}
	return p
}

// cause returns the first error in the chain that knows what to do.
func cause(err error) error {
	for ; err != nil; err = errors.Unwrap(err) {
		switch err.(type) {
		case *dockerfile.Error, *imageinspect.Error, *config.Error, *workspace.Error:
			return err
		}
	}
	return nil
}

// String returns "file:line: what is wrong; what to do", on one line and
// without anything that a terminal would interpret.
func (p *Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
	}
	s += ": " + p.Msg
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return Printable(s)
}
