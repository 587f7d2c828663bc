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
			return &Refusal{Reason: OwnerOptedOut, Line: c.Line, Message: fmt.Sprintf("the comment above line %d says: %s", in.Line, clip(c.Text, 80)),
				Hint: "Remove the comment when the reason no longer holds."}
		}
	}
	return nil
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
