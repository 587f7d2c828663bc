package rewrite

import (
	"path"
	"regexp"

	"github.com/dockharden/harden/internal/dockerfile"
)

// cypressCache is where Cypress's own images keep it, in a home of root's that they open for
// everybody (cypress-io/cypress-docker-images, factory/factory.Dockerfile).
const cypressCache = "/root/.cache/Cypress"

// cypressImage reports whether the base is one of them, and the cache is where it puts it. Old
// ones have neither the variable nor the mode.
func (p *Pass) cypressImage() bool {
	if !rootImages.MatchString(p.Base.Reference) {
		return false
	}
	folder, set := p.End.Env.Get("CYPRESS_CACHE_FOLDER")
	return set && path.Clean(folder) == cypressCache
}

var (
	cypressInstall = regexp.MustCompile(`\bcypress\s+install\b`)
	cypressVerify  = regexp.MustCompile(`\bcypress\s+verify\b`)
	nodeInstall    = regexp.MustCompile(`\b(p?npm|bun)\s+(-\S+\s+)*(ci|i|install|add)\b|\byarn(\s+install|\s+add\b[^&|;]*|\s+-\S+)*\s*($|[&|;\n])`)
)

// cypressSet adds the directories of the cache in such an image where a step has put a Cypress
// into it and none has asked it to verify itself: it does so at the first start, and keeps what
// came of it beside what it has installed (cypress-io/cypress, cli/lib/tasks/state.ts).
func (p *Pass) cypressSet(add func(writePath)) {
	if !p.cypressImage() || !p.starts("cypress") {
		return
	}
	var by *dockerfile.Instruction
	for _, in := range p.Stage.Instructions {
		switch {
		case in.Keyword != "RUN" || !p.End.Before[in].User.Root():
		case cypressVerify.MatchString(in.Original):
			by = nil
		case cypressInstall.MatchString(in.Original) || nodeInstall.MatchString(in.Original):
			by = in
		}
	}
	if by != nil {
		add(writePath{path: cypressCache, why: "cypress notes there that it is in order", tree: true, dirs: true, exist: cypressInstall.MatchString(by.Original), after: by})
	}
}
