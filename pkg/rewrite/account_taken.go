package rewrite

import (
	"fmt"
)

// reportCollisions says which steps fail on the base that the tag names today.
func (p *Pass) reportCollisions() {
	for _, c := range p.End.Collisions {
		what := "account"
		if c.Group {
			what = "group"
		}
		p.report(Finding{Line: p.at(c.By), Message: fmt.Sprintf("making %s %d fails on what %s names today: the %s %s has that number", c.Name, c.Number, p.baseName(), what, c.Holder),
			Hint: fmt.Sprintf("Give %s another number, or remove the %s %s before it.", c.Name, what, c.Holder)})
	}
}
