package dockerfile

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// MaxSize is the size of the largest Dockerfile that Parse reads. The largest
// ones people write by hand have some 100 KiB.
const MaxSize = 1 << 20

// Parse reads a Dockerfile. It accepts what BuildKit accepts and explains what
// it does not accept; the error is always an *Error. It never panics, and
// keeps no reference to src.
//
// For every instruction Parse joins the physical lines itself and compares the
// result with what the parser got. A difference is an "internal error": it
// would mean that edits go to the wrong bytes.
func Parse(src []byte) (doc *Document, err error) {
	defer func() {
		if r := recover(); r != nil {
			doc, err = nil, &Error{Line: 1, Msg: fmt.Sprintf("internal error: parsing the Dockerfile: %s", printable(fmt.Sprint(r)))}
		}
	}()
	if err := checkText(src); err != nil {
		return nil, err
	}
	src = bytes.Clone(src)
	ast, perr := parser.Parse(bytes.NewReader(src))
	if perr != nil {
		return nil, explain(src, syntaxError(src, perr))
	}
	d := &Document{Src: src, Escape: byte(ast.EscapeToken), starts: lineStarts(src)}
	if err := d.build(ast.AST); err != nil {
		return nil, explain(src, err)
	}
	if err := checkTemplate(d); err != nil {
		return nil, err
	}
	return d, nil
}

// A builder turns the nodes of the parser into instructions, front to back.
type builder struct {
	*Document
	line   int // next physical line, 0-based
	pieces []piece
	lint   *linter.Linter
	nodes  []*parser.Node
}

func (d *Document) build(root *parser.Node) *Error {
	d.Syntax = detectSyntax(d.Src)
	b := &builder{
		Document: d,
		pieces:   make([]piece, 0, d.lineCount()),
		nodes:    root.Children,
		// instructions.ParseInstruction with a nil linter panics on a
		// "# check=" comment.
		lint: linter.New(&linter.Config{}),
	}
	d.Instructions = make([]*Instruction, 0, len(b.nodes))
	all := make([]Instruction, len(b.nodes))
	for i, n := range b.nodes {
		in := &all[i]
		in.Index = i
		if err := b.instruction(in, n); err != nil {
			return err
		}
		d.Instructions = append(d.Instructions, in)
		if err := b.stage(in); err != nil {
			return err
		}
		if err := b.check(in, n); err != nil {
			return err
		}
	}
	b.commentsUpTo(d.lineCount())
	d.markDirectives()
	if len(d.Stages) == 0 {
		return &Error{Line: 1, Msg: noFrom, Hint: leaveOut + ", or add a FROM line"}
	}
	return nil
}

// instruction fills in from the node n and the lines it stands in.
func (b *builder) instruction(in *Instruction, n *parser.Node) *Error {
	b.commentsUpTo(n.StartLine - 1)
	first := b.line
	var l logicalLine
	l, b.pieces = b.logical(first, b.pieces)
	b.line = l.next
	for _, i := range l.comments {
		b.comment(i, true)
	}
	in.Line, in.Original, in.pieces, in.dangling = n.StartLine, n.Original, l.pieces, l.open
	if first != n.StartLine-1 || !join(b.Src, l.pieces, n.Original) {
		return internalError(n, "its lines do not add up to what the parser read")
	}
	if err := b.heredocs(in, n); err != nil {
		return err
	}
	if b.line != n.EndLine {
		return internalError(n, fmt.Sprintf("it ends in line %d, for the parser in line %d", b.line, n.EndLine))
	}
	in.EndLine = b.line
	in.Span.Start, _ = b.Document.line(first)
	_, in.Span.End = b.Document.line(b.line - 1)
	in.words(n, b.Escape)
	return b.onBuild(in, n)
}

// words fills in what does not depend on the place in the file.
func (in *Instruction) words(n *parser.Node, escape byte) {
	in.Keyword = strings.ToUpper(n.Value)
	in.Flags = flags(n.Flags)
	in.JSON = n.Attributes["json"]
	in.TextStart = textStart(n.Original, escape)
	in.Text = n.Original[in.TextStart:]
	if in.Keyword != "ONBUILD" {
		in.Args = args(n)
	}
}

// heredocs finds the bodies that follow the logical line.
func (b *builder) heredocs(in *Instruction, n *parser.Node) *Error {
	for _, h := range n.Heredocs {
		start := b.starts[b.line]
		end := start + len(h.Content)
		if end > len(b.Src) || string(b.Src[start:end]) != h.Content {
			return internalError(n, "a heredoc is not where it was expected")
		}
		for b.line < b.lineCount() && b.starts[b.line] < end {
			b.line++
		}
		b.line++ // the terminator
		if b.line > b.lineCount() {
			return internalError(n, "a heredoc has no end")
		}
		in.Heredocs = append(in.Heredocs, Heredoc{
			Name: h.Name, Expand: h.Expand, Chomp: h.Chomp, Content: h.Content, Body: Span{start, end},
		})
	}
	return nil
}

// onBuild adds the instruction that ONBUILD defers.
func (b *builder) onBuild(in *Instruction, n *parser.Node) *Error {
	if in.Keyword != "ONBUILD" || n.Next == nil || len(n.Next.Children) == 0 {
		return nil
	}
	inner := n.Next.Children[0]
	if !strings.HasPrefix(in.Text, inner.Original) {
		return internalError(n, "the text of ONBUILD is not where it was expected")
	}
	trigger := *in
	trigger.Original, trigger.shift = inner.Original, in.TextStart
	trigger.words(inner, b.Escape)
	in.OnBuild = &trigger
	return nil
}

// stage puts in into its stage, or starts one.
func (b *builder) stage(in *Instruction) *Error {
	d := b.Document
	switch {
	case in.Keyword == "FROM":
		st := &Stage{Index: len(d.Stages), From: in}
		st.PlatformWord, _ = in.Flag("platform")
		if len(in.Args) > 0 {
			st.BaseWord = in.Args[0]
		}
		if len(in.Args) == 3 {
			st.Name = strings.ToLower(in.Args[2])
		}
		in.Stage = st
		d.Stages = append(d.Stages, st)
	case len(d.Stages) > 0:
		st := d.Stages[len(d.Stages)-1]
		in.Stage = st
		st.Instructions = append(st.Instructions, in)
	case in.Keyword == "ARG":
		d.GlobalArgs = append(d.GlobalArgs, in)
	}
	if in.OnBuild != nil {
		in.OnBuild.Stage = in.Stage
	}
	return nil
}

// check asks BuildKit whether the instruction is well-formed.
func (b *builder) check(in *Instruction, n *parser.Node) *Error {
	_, err := instructions.ParseInstructionWithLinter(n, b.lint)
	switch {
	case err == nil && (in.Stage != nil || in.Keyword == "ARG"):
		return nil
	case !hasFrom(b.nodes):
		return &Error{Line: in.Line, Msg: noFrom, Hint: leaveOut + ", or add a FROM line"}
	case err != nil:
		return buildKitError(in, err)
	}
	return &Error{Line: in.Line, Msg: in.Keyword + " before the first FROM", Hint: "only ARG may stand there: move it below a FROM line"}
}

func hasFrom(nodes []*parser.Node) bool {
	for _, n := range nodes {
		if strings.EqualFold(n.Value, "FROM") {
			return true
		}
	}
	return false
}

// commentsUpTo records the comments between two instructions, up to but not
// including line end.
func (b *builder) commentsUpTo(end int) {
	for ; b.line < end && b.line < b.lineCount(); b.line++ {
		b.comment(b.line, false)
	}
}

// comment records line i if it is a comment.
func (b *builder) comment(i int, inside bool) {
	start, end := b.Document.line(i)
	text := b.Src[start:end]
	text = text[skipSpace(text):]
	if len(text) == 0 || text[0] != '#' {
		return
	}
	b.Comments = append(b.Comments, Comment{
		Line: i + 1, Text: string(bytes.TrimSpace(text[1:])), Span: Span{start, end}, Inside: inside,
	})
}
