package dockerfile

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"mvdan.cc/sh/v3/syntax"
)

// MaxScript is the size of the largest shell text that is parsed. It bounds the
// depth to which a hostile text can nest, and with it the stack.
const MaxScript = 128 << 10

// A Script is shell text: that of an instruction, or a file.
type Script struct {
	File *syntax.File
	Text string // what was parsed; positions in File are offsets in it

	pieces []piece // from offsets in Text to offsets in Document.Src; none for a file
}

// Script parses the shell form of RUN, CMD, ENTRYPOINT and HEALTHCHECK CMD, or
// the heredoc of a RUN, as BuildKit hands it to the shell. For ONBUILD it is
// the script of the deferred instruction. The error says why the text is
// opaque: exec form, another language, or something the parser cannot read. It
// is no fault of the Dockerfile's author.
func (d *Document) Script(in *Instruction) (*Script, error) {
	if in.OnBuild != nil {
		in = in.OnBuild
	}
	return d.scripts.of(in, d.parseScript)
}

// scripts are those that were parsed: a dozen questions go through the same ones.
type scripts struct {
	mu   sync.Mutex
	byIn map[*Instruction]parsed
	size int // bytes of the texts that are remembered
}

type parsed struct {
	script *Script
	err    error
}

// maxRemembered bounds the texts whose scripts are remembered, in bytes: what is parsed of
// them takes many times as much.
const maxRemembered = 256 << 10

func (s *scripts) of(in *Instruction, parse func(*Instruction) (*Script, error)) (*Script, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.byIn[in]; ok {
		return p.script, p.err
	}
	script, err := parse(in)
	if s.size += len(in.Original); s.size < maxRemembered {
		if s.byIn == nil {
			s.byIn = map[*Instruction]parsed{}
		}
		s.byIn[in] = parsed{script, err}
	}
	return script, err
}

func (d *Document) parseScript(in *Instruction) (*Script, error) {
	start, err := scriptStart(in)
	if err != nil {
		return nil, err
	}
	if err := d.posixShell(in); err != nil {
		return nil, err
	}
	text := strings.TrimSpace(in.Original[start:])
	if in.Keyword != "RUN" || len(in.Heredocs) == 0 {
		return parseShell(in, text, in.slice(start, len(text), 0))
	}
	if parser.MustParseHeredoc(text) != nil {
		return bodyScript(in, in.Heredocs[0])
	}
	// The heredocs are input of a command: the shell gets the text with all
	// of them below it, without a line ending at the end.
	pieces := in.slice(start, len(text), 0)
	var b strings.Builder
	b.WriteString(text)
	for _, h := range in.Heredocs {
		b.WriteByte('\n')
		pieces = append(pieces, piece{at: b.Len(), src: h.Body.Start, len: len(h.Content)})
		b.WriteString(h.Content)
		b.WriteString(h.Name)
	}
	return parseShell(in, b.String(), pieces)
}

// scriptStart returns where in Original the shell text begins.
func scriptStart(in *Instruction) (int, error) {
	start := in.TextStart
	switch in.Keyword {
	case "RUN", "CMD", "ENTRYPOINT":
	case "HEALTHCHECK":
		if len(in.Args) == 0 || !strings.EqualFold(in.Args[0], "CMD") {
			return 0, opaque(in, "no command")
		}
		rest := in.Text[len(in.Args[0]):]
		start += len(in.Args[0]) + len(rest) - len(strings.TrimLeft(rest, " \t\v\f\r\n"))
	default:
		return 0, opaque(in, "no command")
	}
	if in.JSON {
		return 0, opaque(in, "exec form")
	}
	return start, nil
}

func opaque(in *Instruction, why string) *Error {
	return &Error{Line: in.Line, Msg: fmt.Sprintf("%s: %s", in.Keyword, why)}
}

// bodyScript parses a heredoc that is a script of its own: RUN <<EOF.
func bodyScript(in *Instruction, h Heredoc) (*Script, error) {
	text, pieces := h.Content, []piece{{src: h.Body.Start, len: len(h.Content)}}
	if h.Chomp {
		text, pieces = chomp(h)
	}
	if lang := otherLanguage(text); lang != "" {
		return nil, opaque(in, "the heredoc is a script for "+lang)
	}
	return parseShell(in, text, pieces)
}

// chomp removes the tabs at the start of each line, as <<- asks for.
func chomp(h Heredoc) (string, []piece) {
	var b strings.Builder
	var pieces []piece
	src := h.Body.Start
	for line := range strings.Lines(h.Content) {
		text := strings.TrimLeft(line, "\t")
		pieces = append(pieces, piece{at: b.Len(), src: src + len(line) - len(text), len: len(text)})
		b.WriteString(text)
		src += len(line)
	}
	return b.String(), pieces
}

// slice returns the pieces of Original[start:start+n] with offsets from at on.
func (in *Instruction) slice(start, n, at int) []piece {
	var out []piece
	from, to := start+in.shift, start+in.shift+n
	for _, p := range in.pieces {
		lo, hi := max(p.at, from), min(p.at+p.len, to)
		if lo < hi {
			out = append(out, piece{at: at + lo - from, src: p.src + lo - p.at, len: hi - lo})
		}
	}
	return out
}

// posixShell reports an error if SHELL, or the escape character of Windows
// files, says that RUN texts are for another shell.
func (d *Document) posixShell(in *Instruction) error {
	shell := d.shellBefore(in.Stage, in.Index)
	switch {
	case shell != nil:
		if name := interpreter(shell); !posixShells[name] {
			return opaque(in, fmt.Sprintf("SHELL is %s", printable(name)))
		}
	case d.Escape == '`':
		return opaque(in, "the escape character is that of Windows files")
	}
	return nil
}

// shellBefore returns the last SHELL before the instruction with this index,
// in its stage or the stages that one is FROM.
func (d *Document) shellBefore(st *Stage, index int) []string {
	for st != nil {
		for i := len(st.Instructions) - 1; i >= 0; i-- {
			if in := st.Instructions[i]; in.Keyword == "SHELL" && in.Index < index {
				return in.Args
			}
		}
		st = d.stageBefore(st, st.BaseWord)
	}
	return nil
}

// posixShells are the interpreters whose language the parser reads.
var posixShells = map[string]bool{
	"sh": true, "bash": true, "dash": true, "ash": true, "ksh": true, "mksh": true, "zsh": true,
}

// interpreter returns the name of the program that a command line with a
// shell starts, seen through env, busybox and s6's with-contenv.
func interpreter(words []string) string {
	name := ""
	for _, w := range words {
		name = strings.TrimSuffix(strings.ToLower(path.Base(strings.ReplaceAll(w, `\`, "/"))), ".exe")
		switch {
		case name == "env", name == "busybox", name == "with-contenv", strings.HasPrefix(w, "-"):
		default:
			return name
		}
	}
	return name
}

// otherLanguage returns the interpreter that a #! line names if it is not a
// shell, and otherwise "".
func otherLanguage(text string) string {
	if !strings.HasPrefix(text, "#!") {
		return ""
	}
	first, _, _ := strings.Cut(text[2:], "\n")
	name := interpreter(strings.Fields(first))
	if posixShells[name] {
		return ""
	}
	return printable(name)
}

// parseShell parses the text of an instruction.
func parseShell(in *Instruction, text string, pieces []piece) (*Script, error) {
	f, err := parseBash(text)
	if err != nil {
		return nil, opaque(in, err.Error())
	}
	return &Script{File: f, Text: text, pieces: pieces}, nil
}

// ParseScript parses a script file. It refuses files for interpreters other
// than a shell.
func ParseScript(src []byte) (*Script, error) {
	if bytes.IndexByte(src, 0) >= 0 {
		return nil, &Error{Line: 1, Msg: "not a shell script: binary data"}
	}
	text := string(src)
	if lang := otherLanguage(text); lang != "" {
		return nil, &Error{Line: 1, Msg: "not a shell script: its interpreter is " + lang}
	}
	f, err := parseBash(text)
	if err != nil {
		return nil, &Error{Line: 1, Msg: err.Error()}
	}
	return &Script{File: f, Text: text}, nil
}

// parsers are used again: each has buffers that are larger than most of what it reads.
var parsers = sync.Pool{New: func() any { return syntax.NewParser(syntax.Variant(syntax.LangBash)) }}

// parseBash parses shell text as bash, which reads what real RUN lines have;
// the POSIX variant stumbles over [[ and <( ).
func parseBash(text string) (f *syntax.File, err error) {
	if len(text) > MaxScript {
		return nil, fmt.Errorf("shell text of %d bytes, more than the %d that are read", len(text), MaxScript)
	}
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("parsing shell text: %s", printable(fmt.Sprint(r)))
		}
	}()
	parser := parsers.Get().(*syntax.Parser)
	f, err = parser.Parse(strings.NewReader(text), "")
	parsers.Put(parser) // not one that panicked
	if err != nil {
		return nil, fmt.Errorf("parsing shell text: %s", printable(err.Error()))
	}
	return f, nil
}

// Offset returns the offset in Document.Src of an offset in Text; for a script
// file it is the same offset. The instruction is the one the script is of.
func (s *Script) Offset(in *Instruction, pos int) int {
	if in == nil || len(s.pieces) == 0 {
		return pos
	}
	for _, p := range s.pieces {
		if pos < p.at+p.len {
			return p.src + max(pos-p.at, 0)
		}
	}
	last := s.pieces[len(s.pieces)-1]
	return last.src + last.len
}
