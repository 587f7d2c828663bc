package verify

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// A Report is what was found out about one Dockerfile.
type Report struct {
	Path   string
	Engine string
	Probe  string          // what has to work, for people
	Does   string          // what both images do then, as in "the image DOES"
	Given  bool            // by the user: what the probe is
	Ends   bool            // the command does, by itself
	Idle   []string        // capabilities that an image which stays root was not seen to need
	Result *rewrite.Result // of the last round
	Same   bool            // harden changes nothing, so before and after are one image

	Before, After Side
	Less          []string // what the hardened image no longer does; empty is proof
	Left          []imageinspect.PrivilegedFile
	Learned       *Learned // nil when nothing was
	Rounds        int
	Warnings      []string
	Took          time.Duration
}

// A Side is one of the two images.
type Side struct {
	Built     bool
	BuildMsg  string // why not
	BuildLog  string
	BuildTook time.Duration

	Size      int64
	Layers    int
	User      string // of the image's configuration
	Inspected bool   // SetID and FileCaps are known
	SetID     []imageinspect.PrivilegedFile
	FileCaps  []imageinspect.PrivilegedFile
	Process   *Process // nil when it could not be read
	Rungs     []Rung

	tag string
}

// A Rung is one way to run an image.
type Rung struct {
	Name    string
	Title   string
	Flags   []string // of docker run
	OK      bool
	Skipped string // why it was not tried
	Why     string // it is not OK
	Line    string // of the log that shows why
	Note    string
	Took    time.Duration
	Process *Process
	Hung    bool

	attempt *Attempt
}

// Rung returns the rung of that name, nil when there is none.
func (s *Side) Rung(name string) *Rung {
	for i := range s.Rungs {
		if s.Rungs[i].Name == name {
			return &s.Rungs[i]
		}
	}
	return nil
}

// Proven reports whether the hardened image does everything that the original
// does.
func (r *Report) Proven() bool { return len(r.Less) == 0 }

// StaysRoot reports whether the image starts as root although it was hardened,
// for a reason that Result names.
func (r *Report) StaysRoot() bool { return r.Result != nil && r.Result.Outcome == rewrite.Refused }

// Titles returns the rungs in order, for a table.
func Titles() []struct{ Name, Title string } {
	var out []struct{ Name, Title string }
	for _, s := range ladder {
		out = append(out, struct{ Name, Title string }{s.name, s.title})
	}
	return out
}

func (p *prover) warn(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, w := p.report, fmt.Sprintf(format, args...)
	if !slices.Contains(r.Warnings, w) {
		r.Warnings = append(r.Warnings, w)
	}
}

// judge compares the two sides.
func (p *prover) judge(res *rewrite.Result) {
	r := p.report
	r.Less, r.Left = nil, nil
	r.Does, r.Given, r.Ends, r.Idle = p.does(), p.given(), p.baseline.Ended, p.idle
	if !r.After.Built {
		r.Less = []string{"the hardened Dockerfile does not build: " + r.After.BuildMsg}
		return
	}
	r.Less = p.losses()
	if pr := r.After.Process; res.Outcome == rewrite.Hardened && pr != nil && pr.UID == 0 && !r.Same {
		less := "the hardened image still runs as root"
		if p.job.Run.User != "" {
			less += ": the Compose file says user: " + p.job.Run.User + ", which counts for more than the image's USER"
		}
		r.Less = append(r.Less, less)
	}
	r.Left = p.left(res)
}

// losses says which runs the original passes and the hardened image does not.
// Those that fail in the same way are one sentence.
func (p *prover) losses() []string {
	type loss struct {
		text, key string
		also      []string
	}
	var all []loss
	for _, b := range p.report.Before.Rungs {
		a := p.report.After.Rung(b.Name)
		if !b.OK || a == nil || a.OK || a.Skipped != "" {
			continue
		}
		key := withoutDigits(a.Why + "\n" + a.Line)
		if i := slices.IndexFunc(all, func(l loss) bool { return l.key == key }); i >= 0 {
			all[i].also = append(all[i].also, a.Name)
			continue
		}
		text := a.Why
		if len(a.Flags) > 0 {
			text = "under " + strings.Join(shortFlags(a.Flags), " ") + ": " + text
		}
		if a.Line != "" {
			text += "; its log says: " + a.Line
		}
		all = append(all, loss{text: text, key: key})
	}
	var out []string
	for _, l := range all {
		if len(l.also) > 0 {
			l.text += " (also under " + strings.Join(l.also, ", ") + ")"
		}
		out = append(out, l.text)
	}
	return out
}

// does says what was compared, for the headline: a proof is worth what its probe
// is.
func (p *prover) does() string {
	b := p.baseline
	switch {
	case b.Ended && p.varies:
		return fmt.Sprintf("ends with exit status %d and no new permission errors", b.Status)
	case b.Ended:
		return fmt.Sprintf("ends with exit status %d and the same output", b.Status)
	case p.given():
		return "passes the probe"
	}
	parts := []string{"starts"}
	if len(p.probe) > 0 {
		parts = append(parts, "passes its HEALTHCHECK")
	} else if len(b.Web) == 0 && len(p.ports) > 0 {
		parts = append(parts, "listens on "+numbers(p.ports))
	}
	if len(p.udp) > 0 {
		parts = append(parts, "has bound UDP "+numbers(p.udp))
	}
	for _, w := range b.Web {
		parts = append(parts, fmt.Sprintf("answers GET / on port %d with %d", w.port, w.status))
	}
	if !p.report.Same {
		parts = append(parts, fmt.Sprintf("stays up for %v", p.long().Round(time.Second)))
	} else {
		parts = append(parts, "stays up")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

// left returns the privileged files that the hardened image still holds, other
// than those that are kept on purpose.
func (p *prover) left(res *rewrite.Result) []imageinspect.PrivilegedFile {
	if res.Outcome == rewrite.Refused {
		return nil // a rule that refuses has said why
	}
	var out []imageinspect.PrivilegedFile
	for _, f := range append(slices.Clone(p.report.After.SetID), p.report.After.FileCaps...) {
		if slices.Contains(res.Kept, f.Path) || slices.Contains(res.Kept, path.Base(f.Path)) ||
			slices.ContainsFunc(out, func(o imageinspect.PrivilegedFile) bool { return o.Path == f.Path }) {
			continue
		}
		out = append(out, f)
	}
	return out
}

// shortFlags leaves the mounts out, which are long and in the report elsewhere.
func shortFlags(flags []string) []string {
	var out []string
	for i := 0; i < len(flags); i++ {
		if flags[i] == "--tmpfs" || flags[i] == "--volume" {
			i++
			continue
		}
		out = append(out, flags[i])
	}
	return out
}

func join(checks []check) string {
	var out []string
	for _, c := range checks {
		out = append(out, c.what)
	}
	return strings.Join(out, ", ")
}

func numbers(list []int) string {
	var out []string
	for _, n := range list {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, ", ")
}

// numericUser reads "uid:gid" or "uid"; anything else is root.
func numericUser(user string) (uid, gid int) {
	u, g, ok := strings.Cut(user, ":")
	uid, _ = strconv.Atoi(u)
	gid = uid
	if ok {
		gid, _ = strconv.Atoi(g)
	}
	return uid, gid
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
