package dockerfile

import (
	"github.com/dockharden/harden/internal/diff"
	"mvdan.cc/sh/v3/syntax"
)

type piece struct{ at, src int }

func Parse(src []byte) (*Document, error)               { return nil, &Error{Msg: "not yet"} }
func (in *Instruction) Flag(name string) (string, bool) { return "", false }
func (in *Instruction) KeyValues() []KeyValue           { return nil }
func (in *Instruction) Offset(i int) int                { return 0 }
func (d *Document) Stage(target string) (*Stage, error) { return nil, nil }

type Resolver struct{}

func (d *Document) Resolver(buildArgs map[string]string, platform string) *Resolver { return nil }

type Base struct {
	Ref      string
	Stage    *Stage
	Scratch  bool
	Platform string
	Missing  []string
}

func (r *Resolver) Base(st *Stage) (Base, error)            { return Base{}, nil }
func (r *Resolver) Chain(st *Stage) ([]*Stage, Base, error) { return nil, Base{}, nil }
func (r *Resolver) Env(base []string) *Env                  { return nil }

type Env struct{}

func (e *Env) Apply(in *Instruction) {}
func (e *Env) Expand(word string) (value string, missing []string, err error) {
	return "", nil, nil
}
func (e *Env) Get(key string) (string, bool) { return "", false }
func (e *Env) List() []string                { return nil }
func (e *Env) Clone() *Env                   { return nil }

// Child returns the environment in which a stage FROM this one starts.
func (e *Env) Child() *Env { return nil }

func (d *Document) InsertAfter(in *Instruction, lines ...string) diff.Edit  { return diff.Edit{} }
func (d *Document) InsertBefore(in *Instruction, lines ...string) diff.Edit { return diff.Edit{} }
func (d *Document) Replace(in *Instruction, from, to int, text string) diff.Edit {
	return diff.Edit{}
}
func (d *Document) Dangling(in *Instruction) bool { return false }
func (d *Document) KeywordCase(kw string) string  { return kw }
func (d *Document) Continuation() string          { return " \\" }

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
