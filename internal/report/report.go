// Package report tells what became of each Dockerfile.
//
// A format is one file with one Format value, listed in Formats. Every format
// is handed the same File values one by one, in order, and never holds more
// than one of them, so that a run over thousands of files needs no more memory
// than a run over one.
package report

import (
	"io"

	"github.com/dockharden/harden/pkg/rewrite"
)

// A File is what became of one Dockerfile.
type File struct {
	Path string
	// Result is nil when the file could not be processed; Problem then says
	// why. Both are set when it was processed and could not be written.
	Result  *rewrite.Result
	Problem *Problem

	Diff     string // unified; "" when nothing changes
	Written  bool
	Note     string // about the writing
	Accepted bool   // a refusal that --check lets pass
}

// Failed reports whether --check fails because of the file.
func (f *File) Failed() bool {
	r := f.Result
	return r != nil && (r.Changed() || r.Outcome == rewrite.Refused && !f.Accepted)
}

// Options says where and how to report.
type Options struct {
	Out, Err           io.Writer
	OutColor, ErrColor bool
	OutTerminal        bool // Out is read by a person, not by git apply
	Quiet              bool // errors only
	Diff               bool // show the changes; off for --check and --write
	Check              bool
	Version            string
}

// A Reporter takes the files of a run in order.
type Reporter interface {
	File(*File) error
	// Close ends the report with a summary. Files that were never handed in
	// because the run was interrupted are not in it.
	Close() error
}

// A Format is a way to report.
type Format struct {
	Name string
	Doc  string // one line for --help
	New  func(Options) Reporter
}

// Formats lists the formats; the first is the default.
var Formats = []Format{text, jsonFormat}

// FormatNames returns the names of Formats.
func FormatNames() []string {
	var names []string
	for _, f := range Formats {
		names = append(names, f.Name)
	}
	return names
}

// ByName returns the format of that name.
func ByName(name string) (Format, bool) {
	for _, f := range Formats {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}
