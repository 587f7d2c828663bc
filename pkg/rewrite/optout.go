package rewrite

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
)

// An optOut is a comment of the owner that asks to leave something alone.
type optOut struct {
	tool  string
	line  int
	rules []string // of harden; empty: all
	text  string
}

// foreign are the comments with which people tell other tools the same thing:
// this image runs as root on purpose.
//
//   - hadolint: "hadolint ignore=DL3002" above an instruction, "hadolint global ignore=…"
//   - Trivy: "trivy:ignore:DS-0002", formerly DS002 and AVD-DS-0002
//   - Checkov: "checkov:skip=CKV_DOCKER_3" or _8
//   - Semgrep: "nosemgrep", alone or with the rule's name
//   - KICS: "kics-scan ignore-line", "kics-scan disable=ID"
//   - tally: "tally ignore=…" with a rule about users
var foreign = []struct {
	tool string
	re   *regexp.Regexp
}{
	{"hadolint", regexp.MustCompile(`(?i)^hadolint\s+(global\s+)?ignore=[^#]*\bDL3002\b`)},
	{"Trivy", regexp.MustCompile(`(?i)\b(trivy|tfsec):ignore:(AVD-)?DS-?0*2\b`)},
	{"Checkov", regexp.MustCompile(`(?i)\bcheckov:skip=\s*CKV_DOCKER_[38]\b`)},
	{"Semgrep", regexp.MustCompile(`(?i)^nosem(grep)?(:?\s*$|:\s*\S*(missing-user|last-user-is-root))`)},
	{"KICS", regexp.MustCompile(`(?i)^kics-scan\s+(ignore-line|ignore-block|ignore|disable=\S*(fd54f200-402c-4333-a5a4-36ef6709af2f|67fd0c4a-68cf-46d7-8c41-bc9fba7e40ae))`)},
	{"tally", regexp.MustCompile(`(?i)^tally\s+(global\s+)?ignore=[^;]*(user|root|DL3002|privilege)`)},
}

var own = regexp.MustCompile(`^harden:\s*ignore(?:=([a-z,-]+))?(?:\s+(.*))?$`)

// optOuts reads the comments of the file. A comment of another tool counts when
// it stands in the stages that lead to the image, or above the first stage.
func (p *Pass) optOuts() []optOut {
	if !p.memo.opted {
		p.memo.opts, p.memo.opted = p.findOptOuts(), true
	}
	return p.memo.opts
}

func (p *Pass) findOptOuts() []optOut {
	var out []optOut
	for _, c := range p.Doc.Comments {
		if m := own.FindStringSubmatch(c.Text); m != nil {
			o := optOut{tool: "harden", line: c.Line, text: m[2]}
			if m[1] != "" {
				o.rules = strings.Split(m[1], ",")
			}
			out = append(out, o)
			continue
		}
		if !p.inChain(c.Line) {
			continue
		}
		for _, f := range foreign {
			if f.re.MatchString(c.Text) {
				out = append(out, optOut{tool: f.tool, line: c.Line, rules: []string{"nonroot"}, text: c.Text})
			}
		}
	}
	return out
}

func (p *Pass) inChain(line int) bool {
	if line < p.Doc.Stages[0].From.Line {
		return true
	}
	for _, stage := range p.Chain {
		first, last := commentStart(p.Doc, stage), lastLine(stage)
		if line >= first && line <= last+1 {
			return true
		}
	}
	return false
}

// commentStart returns the line after the previous stage, from where comments
// belong to this stage.
func commentStart(doc *dockerfile.Document, stage *dockerfile.Stage) int {
	if stage.Index == 0 {
		return 1
	}
	return lastLine(doc.Stages[stage.Index-1]) + 1
}

func lastLine(stage *dockerfile.Stage) int {
	if n := len(stage.Instructions); n > 0 {
		return stage.Instructions[n-1].EndLine
	}
	return stage.From.EndLine
}

// ignored returns the owner's comment against a rule, nil when there is none.
func (p *Pass) ignored(rule string) *optOut {
	for _, o := range p.optOuts() {
		if len(o.rules) == 0 {
			return &o
		}
		for _, r := range o.rules {
			if r == rule {
				return &o
			}
		}
	}
	return nil
}

func ownerOptedOut(p *Pass) *Refusal {
	o := p.ignored("nonroot")
	if o == nil || !p.End.User.Root() && o.tool != "harden" {
		return nil
	}
	msg := fmt.Sprintf("a comment for %s asks to leave the user alone", o.tool)
	if o.tool == "harden" && o.text != "" {
		msg = fmt.Sprintf("a comment says: %s", dockerfile.Clip(o.text, 80))
	}
	return &Refusal{Reason: OwnerOptedOut, Line: o.line, Message: msg, Whole: len(o.rules) == 0}
}
