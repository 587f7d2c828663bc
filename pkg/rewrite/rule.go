package rewrite

import (
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/gosource"
)

// A Rule looks at one image's Dockerfile and reports what keeps the image from
// being hardened. A rule is a value and one function; it reads the Pass and
// nothing else, and never sees what another rule proposes.
type Rule struct {
	// Name identifies the rule in output, in the configuration file and in
	// the fixtures folder.
	Name string
	// Doc is a title, a blank line, and an explanation that also says when
	// the rule stays silent.
	Doc string

	run func(*Pass)
}

// Title returns the first line of the rule's documentation.
func (r *Rule) Title() string {
	title, _, _ := strings.Cut(r.Doc, "\n")
	return title
}

// A Finding is one thing a rule has to say about a Dockerfile.
type Finding struct {
	Rule    string
	Line    int    // 1-based line of the Dockerfile the finding is about
	Message string // one sentence
	Fix     *Fix   // nil when there is none; Reason then says why
	Reason  Reason // why there is no fix, "" when there is one or none is needed
	Hint    string // what the reader can do, one sentence
	Why     string // why it matters, where that is not what the rule is about
}

// A Fix changes the Dockerfile. It is applied whole or not at all.
type Fix struct {
	Message string   // what the fix does, one clause
	Changes []Change // independent changes of instructions
	Steps   []Step   // commands for the one RUN that apply assembles

	own []writePath // what Steps give to the user, where they do nothing else
}

// A Step is a shell command that has to run as root while the image is built.
// Rules hand in steps, and apply puts the steps of all rules in one RUN
// instruction, so that the image gains one layer.
type Step struct {
	Command string
	Order   int // stepAccount, stepOwner, stepStrip, …
	// After is the instruction the command depends on, nil when it can run
	// right after FROM.
	After *dockerfile.Instruction
	// makes are the directories that the command makes where a step of the file has not
	// done so by then: each one's path, and how it is written.
	makes []madeDir
}

type madeDir struct{ path, word string }

// The order of steps within the inserted RUN.
const (
	stepAccount = iota
	stepMove
	stepOwner
	stepRead
	stepStrip
	stepCaps
)

// A Pass is everything a rule may look at.
type Pass struct {
	*content.Image
	Stage *dockerfile.Stage // the stage that becomes the image
	Entry *entry.Entry      // the process the image starts
	User  Choice            // whose user the image is to run as
	Keep  *Refusal          // why the image keeps its user; nil when it does not

	opts  *Options
	built *Image // what another Dockerfile of the run makes the base of, nil when none does
	// insertsRun says that apply has put a RUN into the file.
	insertsRun bool

	squash   *dockerfile.Instruction // the COPY that brings the whole file system of another stage
	memo     memo
	rule     *Rule
	findings []Finding
}

// A memo holds what several rules ask for and none changes.
type memo struct {
	keep       []string
	kept       bool
	running    []running
	ran        bool
	opts       []optOut
	opted      bool
	frameworks map[string][]programs.Framework
	roots      []rootUse
	left       []rootUse // those that cannot be moved, and that the program does without
	rooted     bool
	spellings  []spelling
	spelled    bool
	steps      string
	writer     string      // who the memory of writes is of
	writes     []writePath // not nil once they are known
	named      map[string]bool
	read       map[string]bool // source files of the build context
	components int             // how many of them are of JSX
	literals   []literal       // the paths that they name
	placed     []placedPath    // what they write beside themselves
	asksHome   string          // the first of them that asks where the home is
	goStages   map[int]bool    // stages whose builds of Go are known
	goWrites   []gosource.Write
	goRead     bool

	told       *toldAccount
	config     []toldPath // what the configuration of programs names
	configured bool
	// temporary are the directories among temporary files that steps which run the code may leave.
	temporary     []writePath
	temporaryRead bool
	edited        []string // not nil once it is known
	staticUnknown bool     // what fills STATIC_ROOT again was not read
	unnamed       []string // what is written, and has a name that no command should hold

	scripts  string
	scripted bool
}

// report records a finding of the rule that is running.
func (p *Pass) report(f Finding) {
	f.Rule = p.rule.Name
	p.findings = append(p.findings, f)
}
