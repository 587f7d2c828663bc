package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// schemaVersion changes when a field changes its meaning or goes away, not
// when one is added.
const schemaVersion = 1

var jsonFormat = Format{
	Name: "json",
	Doc:  "one JSON document on stdout, see docs/json.md",
	New:  func(o Options) Reporter { return &jsonReporter{opts: o} },
}

// A jsonReporter writes one document, file by file.
type jsonReporter struct {
	opts   Options
	opened bool
	tally  tally
}

// The types below are the document; docs/json.md describes it.
type (
	jsonFile struct {
		Path       string          `json:"path"`
		Outcome    rewrite.Outcome `json:"outcome"` // or "error"
		Reason     rewrite.Reason  `json:"reason,omitempty"`
		Why        string          `json:"why,omitempty"`
		Accepted   bool            `json:"accepted,omitempty"`
		User       string          `json:"user,omitempty"`
		Stage      string          `json:"stage,omitempty"`
		Base       string          `json:"base,omitempty"`
		Facts      *jsonFacts      `json:"facts,omitempty"`
		Findings   []jsonFinding   `json:"findings"`
		Runtime    *jsonRuntime    `json:"runtime,omitempty"`
		Warnings   []string        `json:"warnings,omitempty"`
		Changed    bool            `json:"changed"`
		Written    bool            `json:"written"`
		Note       string          `json:"note,omitempty"`
		Diff       string          `json:"diff,omitempty"`
		DiffBase64 string          `json:"diff_base64,omitempty"`
		Error      *jsonError      `json:"error,omitempty"`
	}
	jsonFacts struct {
		Origin   imageinspect.OriginKind `json:"origin"`
		Detail   string                  `json:"detail,omitempty"`
		Sources  []string                `json:"sources,omitempty"`
		Digest   string                  `json:"digest,omitempty"`
		Platform string                  `json:"platform,omitempty"`
		Known    imageinspect.Known      `json:"known"`
	}
	jsonFinding struct {
		Rule    string         `json:"rule"`
		Line    int            `json:"line"`
		Message string         `json:"message"`
		Fix     string         `json:"fix,omitempty"`
		Reason  rewrite.Reason `json:"reason,omitempty"`
		Hint    string         `json:"hint,omitempty"`
	}
	jsonError struct {
		Kind    string `json:"kind"`
		File    string `json:"file"`
		Line    int    `json:"line,omitempty"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
	}
	jsonSummary struct {
		Files    int                    `json:"files"`
		Hardened int                    `json:"hardened"`
		Clean    int                    `json:"clean"`
		Refused  int                    `json:"refused"`
		Errors   int                    `json:"errors"`
		Reasons  map[rewrite.Reason]int `json:"reasons,omitempty"`
	}
)

func (r *jsonReporter) File(f *File) error {
	out := jsonFile{Path: f.Path, Written: f.Written, Note: f.Note, Accepted: f.Accepted, Findings: []jsonFinding{}}
	if f.Result != nil {
		out.fill(f.Result)
	}
	if utf8.ValidString(f.Diff) {
		out.Diff = f.Diff
	} else {
		out.DiffBase64 = base64.StdEncoding.EncodeToString([]byte(f.Diff))
	}
	if p := f.Problem; p != nil {
		out.Outcome = "error"
		out.Error = &jsonError{Kind: p.Kind, File: p.File, Line: p.Line, Message: p.Msg, Hint: p.Hint}
	}
	if err := r.open(); err != nil {
		return err
	}
	if r.tally.files > 0 {
		if _, err := io.WriteString(r.opts.Out, ","); err != nil {
			return err
		}
	}
	r.tally.add(f)
	return r.write("\n    ", out, "    ")
}

func (out *jsonFile) fill(res *rewrite.Result) {
	out.Outcome, out.Reason, out.Why = res.Outcome, res.Reason, res.Why
	out.User, out.Stage, out.Base = res.User, res.Stage, res.Base
	out.Warnings, out.Changed = res.Warnings, res.Changed()
	out.Runtime = newJSONRuntime(res)
	if f := res.Facts; f != nil {
		out.Facts = &jsonFacts{Origin: f.Origin.Kind, Detail: f.Origin.Detail, Sources: f.Origin.Sources, Digest: f.Digest, Platform: f.Platform, Known: f.Known}
	}
	for _, f := range res.Findings {
		j := jsonFinding{Rule: f.Rule, Line: f.Line, Message: f.Message, Reason: f.Reason, Hint: f.Hint}
		if f.Fix != nil {
			j.Fix = f.Fix.Message
		}
		out.Findings = append(out.Findings, j)
	}
}

func (r *jsonReporter) Close() error {
	if err := r.open(); err != nil {
		return err
	}
	end := "\n  ],\n  \"summary\": "
	if r.tally.files == 0 {
		end = "],\n  \"summary\": "
	}
	t := r.tally
	if err := r.write(end, jsonSummary{t.files, t.hardened, t.clean, t.refused, t.errors, t.reasons}, "  "); err != nil {
		return err
	}
	_, err := io.WriteString(r.opts.Out, "\n}\n")
	return err
}

// open writes the beginning of the document, once.
func (r *jsonReporter) open() error {
	if r.opened {
		return nil
	}
	r.opened = true
	_, err := fmt.Fprintf(r.opts.Out, "{\n  \"schema_version\": %d,\n  \"harden\": %s,\n  \"files\": [", schemaVersion, strconv.Quote(r.opts.Version))
	return err
}

func (r *jsonReporter) write(before string, v any, indent string) error {
	var b bytes.Buffer
	b.WriteString(before)
	if err := EncodeJSON(&b, v, indent); err != nil {
		return err
	}
	_, err := r.opts.Out.Write(bytes.TrimRight(b.Bytes(), "\n"))
	return err
}

// EncodeJSON writes a value as indented JSON. Characters that a terminal would
// interpret are written as escapes, also those that JSON leaves alone.
func EncodeJSON(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent(indent, "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escapeJSON(b.Bytes()))
	return err
}

// escapeJSON escapes characters above ASCII that are not printable. In JSON
// they can only stand inside of strings.
func escapeJSON(doc []byte) []byte {
	out := make([]byte, 0, len(doc))
	for len(doc) > 0 {
		r, size := utf8.DecodeRune(doc)
		if r >= 0x7f && !strconv.IsPrint(r) {
			if r > 0xffff {
				r1, r2 := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
				out = fmt.Appendf(out, `\u%04x\u%04x`, r1, r2)
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}
		} else {
			out = append(out, doc[:size]...)
		}
		doc = doc[size:]
	}
	return out
}
