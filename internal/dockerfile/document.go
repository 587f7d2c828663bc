// Package dockerfile is a lossless model of a Dockerfile on top of BuildKit's
// own parser: every instruction knows the bytes it stands in, so that a change
// is a byte edit and everything else stays as it was.
//
// It is the only package that imports BuildKit.
package dockerfile

// A Span is a half-open byte range of Document.Src.
type Span struct{ Start, End int }

// A Document is a parsed Dockerfile. It is immutable and safe for concurrent
// use.
type Document struct {
	Src          []byte
	Escape       byte           // '\\' or '`'
	Syntax       string         // value of "# syntax=", "" when absent
	Instructions []*Instruction // all, in file order
	GlobalArgs   []*Instruction // ARG before the first FROM
	Stages       []*Stage
	Comments     []Comment // every comment line outside of heredocs, in file order

	starts []int // offset of each physical line, plus len(Src)

	scripts scripts
}

// An Instruction is one logical line with its heredocs.
type Instruction struct {
	Index         int    // in Document.Instructions
	Keyword       string // upper case
	Span          Span   // from the first byte of its first line (after a BOM, with indentation) to the end of its last one, heredocs included, final EOL excluded
	Line, EndLine int    // 1-based
	Original      string // the logical line, equal to the parser's Node.Original
	Flags         []Flag
	JSON          bool         // exec form
	Args          []string     // exec form: the elements; otherwise the words as BuildKit splits them
	Text          string       // Original after keyword and flags
	TextStart     int          // Original[TextStart:] == Text
	Heredocs      []Heredoc    // in the order of their bodies
	OnBuild       *Instruction // the instruction that ONBUILD defers; Span and lines are those of ONBUILD
	Stage         *Stage       // nil for a global ARG

	pieces   []piece
	shift    int  // offset of Original in the logical line that pieces describe
	dangling bool // the file ends in the middle of its continuation
}

// A Flag is a builder flag: --from=build is {"from", "build"}, a bare --link
// is {"link", ""}.
type Flag struct{ Name, Value string }

// A KeyValue is one assignment of ENV, ARG or LABEL, as written.
type KeyValue struct {
	Key, Value string
	HasValue   bool
}

// A Heredoc is an inline file of RUN, COPY or ADD.
type Heredoc struct {
	Name    string
	Expand  bool // variables in it are expanded: its name is not quoted
	Chomp   bool // <<-: leading tabs do not count
	Content string
	Body    Span // Src[Body.Start:Body.End] == Content
}

// A Comment is a whole-line comment.
type Comment struct {
	Line      int
	Text      string // after '#', trimmed
	Span      Span   // of the line without its EOL
	Directive bool   // a parser directive such as "# syntax="
	Inside    bool   // between the lines of a continued instruction
}

// A Stage is a FROM and what follows up to the next one.
type Stage struct {
	Index        int
	Name         string // lower case, "" if it has none
	From         *Instruction
	BaseWord     string         // as written
	PlatformWord string         // as written
	Instructions []*Instruction // after FROM
}
