package report

import (
	"io"

	"github.com/dockharden/harden/internal/verify"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// The types below are the document of verify --format json; docs/verify.md
// describes it.
type (
	verifyDocument struct {
		SchemaVersion int          `json:"schema_version"`
		Harden        string       `json:"harden"`
		Files         []verifyFile `json:"files"`
	}
	verifyFile struct {
		Path     string                        `json:"path"`
		Verdict  string                        `json:"verdict"` // proven, less, error
		Outcome  rewrite.Outcome               `json:"outcome,omitempty"`
		Reason   rewrite.Reason                `json:"reason,omitempty"`
		Why      string                        `json:"why,omitempty"`
		Engine   string                        `json:"engine,omitempty"`
		Probe    string                        `json:"probe,omitempty"`
		Does     string                        `json:"does,omitempty"`
		Changed  bool                          `json:"changed"`
		Before   *verifySide                   `json:"before,omitempty"`
		After    *verifySide                   `json:"after,omitempty"`
		Less     []string                      `json:"less,omitempty"`
		Left     []imageinspect.PrivilegedFile `json:"left,omitempty"`
		Learned  *verifyLearned                `json:"learned,omitempty"`
		Rounds   int                           `json:"rounds,omitempty"`
		Warnings []string                      `json:"warnings,omitempty"`
		Seconds  float64                       `json:"seconds"`
		Written  bool                          `json:"written"`
		Error    *verifyError                  `json:"error,omitempty"`
	}
	verifySide struct {
		Built        bool                          `json:"built"`
		BuildError   string                        `json:"build_error,omitempty"`
		BuildSeconds float64                       `json:"build_seconds"`
		Size         int64                         `json:"size"`
		Layers       int                           `json:"layers"`
		User         string                        `json:"user,omitempty"`
		Process      *verify.Process               `json:"process,omitempty"`
		SetID        []imageinspect.PrivilegedFile `json:"setid"`
		FileCaps     []imageinspect.PrivilegedFile `json:"file_capabilities"`
		Runs         []verifyRun                   `json:"runs"`
	}
	verifyRun struct {
		Name    string          `json:"name"`
		Flags   []string        `json:"flags,omitempty"`
		OK      bool            `json:"ok"`
		Why     string          `json:"why,omitempty"`
		Log     string          `json:"log,omitempty"`
		Skipped string          `json:"skipped,omitempty"`
		Note    string          `json:"note,omitempty"`
		Seconds float64         `json:"seconds,omitempty"`
		Process *verify.Process `json:"process,omitempty"`
	}
	verifyLearned struct {
		Account      *verifyAccount                `json:"account,omitempty"`
		Dirs         []string                      `json:"writable,omitempty"`
		Trees        []string                      `json:"writable_trees,omitempty"`
		Files        []string                      `json:"writable_files,omitempty"`
		Privileged   []imageinspect.PrivilegedFile `json:"privileged,omitempty"`
		Capabilities []string                      `json:"capabilities,omitempty"`
		How          map[string]string             `json:"how,omitempty"`
		Unfixable    []string                      `json:"unfixable,omitempty"`
	}
	verifyAccount struct {
		Name   string `json:"name"`
		UID    int    `json:"uid"`
		GID    int    `json:"gid"`
		Groups bool   `json:"groups,omitempty"`
	}
	verifyError struct {
		Kind    string `json:"kind"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
		Log     string `json:"log,omitempty"`
	}
)

// A Verified is the outcome of one proof: a report, or why there is none.
type Verified struct {
	Report  *verify.Report
	Err     *verify.Error // nil when there is a proof, for or against
	Written bool
	// NotWritten is why what is proven could not be written.
	NotWritten *verify.Error
}

// VerifyJSON writes the proofs as one JSON document.
func VerifyJSON(w io.Writer, all []Verified, version string) error {
	doc := verifyDocument{SchemaVersion: schemaVersion, Harden: version, Files: []verifyFile{}}
	for _, v := range all {
		doc.Files = append(doc.Files, verifiedFile(v))
	}
	return EncodeJSON(w, doc, "")
}

func verifiedFile(v Verified) verifyFile {
	r := v.Report
	f := verifyFile{Path: r.Path, Verdict: "proven", Engine: r.Engine, Probe: r.Probe, Does: r.Does, Less: r.Less, Left: r.Left, Rounds: r.Rounds,
		Warnings: r.Warnings, Seconds: r.Took.Seconds(), Written: v.Written}
	if res := r.Result; res != nil {
		f.Outcome, f.Reason, f.Why, f.Changed = res.Outcome, res.Reason, res.Why, res.Changed()
	}
	switch {
	case v.Err != nil:
		f.Verdict = "error"
		f.Error = &verifyError{Kind: string(v.Err.Kind), Message: v.Err.Msg, Hint: v.Err.Hint, Log: v.Err.Log}
		return f
	case !r.Proven():
		f.Verdict = "less"
	}
	if w := v.NotWritten; w != nil {
		f.Error = &verifyError{Kind: string(w.Kind), Message: w.Msg}
	}
	f.Before, f.After = sideJSON(&r.Before), sideJSON(&r.After)
	if l := r.Learned; l != nil {
		f.Learned = &verifyLearned{Dirs: l.Dirs, Trees: l.Trees, Files: l.Files, Privileged: l.Privileged, How: l.How, Unfixable: l.Unfixable}
		if a := l.Account; a != nil {
			f.Learned.Account = &verifyAccount{a.Name, a.UID, a.GID, a.Groups}
		}
		for _, c := range l.Capabilities {
			f.Learned.Capabilities = append(f.Learned.Capabilities, c.Name)
		}
	}
	return f
}

func sideJSON(s *verify.Side) *verifySide {
	out := &verifySide{Built: s.Built, BuildError: s.BuildMsg, BuildSeconds: s.BuildTook.Seconds(), Size: s.Size, Layers: s.Layers, User: s.User,
		Process: s.Process, SetID: s.SetID, FileCaps: s.FileCaps, Runs: []verifyRun{}}
	for _, r := range s.Rungs {
		out.Runs = append(out.Runs, verifyRun{Name: r.Name, Flags: r.Flags, OK: r.OK, Why: r.Why, Log: r.Line, Skipped: r.Skipped, Note: r.Note,
			Seconds: r.Took.Seconds(), Process: r.Process})
	}
	return out
}
