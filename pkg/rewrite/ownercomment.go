package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/dockharden/harden/internal/dockerfile"
)

var (
	// wantsRoot is how owners say in a comment that root is no oversight.
	wantsRoot = regexp.MustCompile(`(?i)\b(stay|keep|run|running|start|started|leave|remain)s? [^.]{0,30}\broot\b|\b(must|has to|have to|needs?|requires?|required)\b[^.]{0,25}\broot\b|\broot\b[^.]{0,15}\b(is|are) (needed|required|necessary)\b|\bswitch(es)? back to\b|\bdrops? [^.]{0,15}(privileges|root)\b`)
	// saysOtherwise turns that around: do not run as root.
	saysOtherwise = regexp.MustCompile(`(?i)\b(not|never|avoid|instead|without|no longer|rather|prevent|don't|dont|shouldn't|todo|fixme|install(s|ing|ed|ation)?|packages?)\b|\bnon-?root|\brootless`)
)

// ownerExplains refuses where a comment next to the last USER root or the command says
// that the image is to start as root.
func ownerExplains(p *Pass) *Refusal {
	places := []*dockerfile.Instruction{p.End.User.By, p.End.Entrypoint.By, p.End.Cmd.By}
	for _, c := range p.End.Copies {
		// The copy of the script that starts, which often stands right above.
		if slices.ContainsFunc(slices.Concat(p.Entry.Unread, p.Entry.Scripts), func(s string) bool {
			return slices.ContainsFunc(c.Sources, func(src string) bool { return path.Base(src) == path.Base(s) })
		}) {
			places = append(places, c.By)
		}
	}
	for _, in := range places {
		if in == nil || in.Stage != p.Stage {
			continue
		}
		if c, ok := p.explains(in); ok {
			return &Refusal{Reason: OwnerOptedOut, Line: c.Line, Message: fmt.Sprintf("the comment above line %d says: %s", in.Line, dockerfile.Clip(c.Text, 80)),
				Hint: "Remove the comment when the reason no longer holds."}
		}
	}
	if c, ok := p.explainsAnywhere(); ok {
		return &Refusal{Reason: OwnerOptedOut, Line: c.Line, Message: fmt.Sprintf("the comment in line %d says: %s", c.Line, dockerfile.Clip(c.Text, 80)),
			Hint: "Remove the comment when the reason no longer holds."}
	}
	return nil
}

// givesReason is a sentence that says what the program needs root for.
var givesReason = regexp.MustCompile(`(?i)\b(is run|runs|run|running)\s+(as|with)\s+(the\s+)?root\b[^.]{0,30}\b(to|because|since|so that|in order)\b`)

// explainsAnywhere returns a comment above the first instruction or in the final stage
// that gives the reason for root, wherever it stands.
func (p *Pass) explainsAnywhere() (dockerfile.Comment, bool) {
	for _, c := range p.Doc.Comments {
		first := len(p.Doc.Instructions) > 0 && c.Line < p.Doc.Instructions[0].Line
		if (first || c.Line > p.Stage.From.Line) && !c.Inside && !c.Directive && givesReason.MatchString(c.Text) && !saysOtherwise.MatchString(c.Text) {
			return c, true
		}
	}
	return dockerfile.Comment{}, false
}

// explains returns the comment directly above an instruction that wants root.
func (p *Pass) explains(in *dockerfile.Instruction) (dockerfile.Comment, bool) {
	line := in.Line
	for i := len(p.Doc.Comments) - 1; i >= 0; i-- {
		c := p.Doc.Comments[i]
		if c.Line >= line {
			continue
		}
		if c.Line != line-1 || c.Directive || c.Inside {
			break
		}
		if wantsRoot.MatchString(c.Text) && !saysOtherwise.MatchString(c.Text) {
			return c, true
		}
		line = c.Line
	}
	return dockerfile.Comment{}, false
}
