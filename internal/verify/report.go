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
	if !r.After.Built {
		r.Less = []string{"the hardened Dockerfile does not build: " + r.After.BuildMsg}
		return
	}
	for _, b := range r.Before.Rungs {
		a := r.After.Rung(b.Name)
		if !b.OK || a == nil || a.OK || a.Skipped != "" {
			continue
		}
		less := a.Why
		if len(a.Flags) > 0 {
			less = "under " + strings.Join(shortFlags(a.Flags), " ") + ": " + less
		}
		if a.Line != "" {
			less += "; its log says: " + a.Line
		}
		r.Less = append(r.Less, less)
	}
	if pr := r.After.Process; res.Outcome == rewrite.Hardened && pr != nil && pr.UID == 0 && !r.Same {
		r.Less = append(r.Less, "the hardened image still runs as root")
	}
	r.Left = p.left(res)
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
