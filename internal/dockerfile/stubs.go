package dockerfile

import (
	"mvdan.cc/sh/v3/syntax"
)

type Script struct {
	File *syntax.File
}
type Word struct {
	Value  string
	Static bool
}
type Redirect struct {
	Op     string
	Target Word
	Body   string
}
type Command struct {
	Name        string
	Args        []Word
	Via         []string
	Dynamic     bool
	Assigns     []string
	Redirects   []Redirect
	Conditional bool
	Guard       string
	Func        string
	Pos         int
}

func (d *Document) Script(in *Instruction) (*Script, error) { return nil, nil }
func ParseScript(src []byte) (*Script, error)               { return nil, nil }
func (s *Script) Commands() []Command                       { return nil }
func (s *Script) Offset(in *Instruction, pos int) int       { return 0 }
