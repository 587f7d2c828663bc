package entry

import "github.com/dockharden/harden/pkg/rewrite/internal/content"

// HealthCheck is what writes where HEALTHCHECK does, be it by a script.
const HealthCheck = "the health check"

// health adds what the health check of the file writes: it runs as the user of the image, and
// one that fails makes the container unhealthy without a word. Nothing else of it is what the
// image starts.
func (e *Entry) health(im *content.Image) {
	check := im.End.Healthcheck
	if check.By == nil || startsNothing(check.Words) {
		return
	}
	of := &Entry{Called: map[string]bool{}, Calls: map[string]bool{}, UserCalls: map[string]bool{}, RootCalls: map[string]bool{}}
	newReader(im, of).follow(check.Words, HealthCheck, reach{}, 0)
	if e.InHome == "" && of.InHome != "" {
		e.InHome = HealthCheck
	}
	e.HomeFiles = append(e.HomeFiles, of.HomeFiles...)
	for _, name := range of.Written {
		e.note([]written{{path: name, file: of.Files[name], opened: of.Opened[name], made: of.Made[name], below: of.Below[name], tree: of.Trees[name],
			removed: of.Removed[name], asked: of.Asked[name], spared: !of.Needed[name]}}, HealthCheck)
	}
}
