package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dockharden/harden/internal/profile"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// learn finds out what the last round lacked. The first time it watches the
// original at work; later it goes by what the hardened image complains about;
// when neither says anything new it asks which capabilities are needed.
func (p *prover) learn(ctx context.Context, round int, known Learned) (Learned, error) {
	l := Learned{Privileged: safeFiles(p.report.Left)}
	for _, f := range l.Privileged {
		l.explain(f.Path, "found in the built image: "+describe(f))
	}
	res := p.report.Result
	switch {
	case p.report.Proven():
		if res.Outcome == rewrite.Refused {
			if err := p.learnRoot(ctx, res, &l); err != nil || len(l.Capabilities) > 0 {
				return l, err
			}
		}
		return l, p.learnMounts(ctx, &l)
	case res.Outcome == rewrite.Refused || p.baseline.Ended && !p.report.After.Built:
		return l, nil
	}
	if p.takeBack(known, &l); len(l.Withdrawn) > 0 {
		return l, nil
	}
	if len(known.Trees)+len(known.Dirs)+len(known.Files) == 0 && known.Account == nil {
		if err := p.watchOriginal(ctx, &l); err != nil {
			return l, err
		}
	}
	if p.report.After.Built && round > 1 {
		if err := p.readComplaints(ctx, known, &l); err != nil {
			return l, err
		}
	}
	merged := known
	if merged.Merge(l) {
		return l, nil
	}
	// Neither files nor the account: what remains is what only root may do.
	if p.report.After.Built && round == 1 {
		if err := p.readComplaints(ctx, known, &l); err != nil || merged.Merge(l) {
			return l, err
		}
	}
	caps, err := p.neededCapabilities(ctx, p.beforeTag)
	if err != nil || !slices.ContainsFunc(caps, func(c rewrite.Capability) bool { return !ownership[c.Name] }) {
		return l, err
	}
	l.Capabilities = caps
	for _, c := range caps {
		l.explain(c.Name, c.Why)
	}
	return l, nil
}

// learnRoot finds the capabilities of an image that stays root.
func (p *prover) learnRoot(ctx context.Context, res *rewrite.Result, l *Learned) error {
	r := p.report.After.Rung(CapDrop)
	if r == nil || r.OK {
		return nil
	}
	caps, err := p.neededCapabilities(ctx, p.report.After.tag)
	if err != nil {
		return err
	}
	l.Capabilities = slices.DeleteFunc(caps, func(c rewrite.Capability) bool {
		return slices.ContainsFunc(res.Profile.Capabilities, func(have rewrite.Capability) bool { return have.Name == c.Name })
	})
	for _, c := range l.Capabilities {
		l.explain(c.Name, c.Why)
	}
	return nil
}

// learnMounts finds what has to be writable under a read-only root. Ownership is
// no question there: what the user may write today is hidden from the program
// all the same.
func (p *prover) learnMounts(ctx context.Context, l *Learned) error {
	strict, readOnly := p.report.After.Rung(NoNewPrivileges), p.report.After.Rung(ReadOnly)
	if strict == nil || !strict.OK || readOnly == nil || readOnly.OK || readOnly.Skipped != "" || p.baseline.Ended {
		return nil
	}
	p.tell("watching what the hardened image writes")
	err := p.observe(ctx, p.report.After.tag, func(seen *observation) { seen.mounts = true }, l)
	uid, _ := numericUser(p.report.Result.User)
	over := mountsFor(profile.Mounts(p.report.Result, uid), p.holds, "")
	over.settled(l)
	return err
}

// ownership are the capabilities that root needs to act on what belongs to
// other users, and to become them. A program that starts as that user needs
// none of them.
var ownership = map[string]bool{"CHOWN": true, "DAC_OVERRIDE": true, "FOWNER": true, "FSETID": true, "KILL": true,
	"SETGID": true, "SETUID": true, "SETPCAP": true, "SETFCAP": true, "AUDIT_WRITE": true, "NET_BIND_SERVICE": true}

// granted are the capabilities that Docker gives a container (moby,
// daemon/pkg/oci/caps/defaults.go); Podman's are a subset.
var granted = []string{"CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
	"NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"}

// neededCapabilities finds the fewest capabilities under which the image works
// as root: those whose absence breaks it, and when these are not enough (one
// may stand in for another), others until it works. Nothing is needed when it
// does not work with all of them either.
func (p *prover) neededCapabilities(ctx context.Context, tag string) ([]rewrite.Capability, error) {
	p.tell("finding out which capabilities it needs")
	limit := p.limit()
	try := func(ctx context.Context, caps []string) (*Attempt, error) {
		s := p.spec(tag)
		s.CapDrop, s.CapAdd = []string{"ALL"}, caps
		return p.attempt(ctx, s, limit, nil)
	}
	whole, err := try(ctx, granted)
	if err != nil || !whole.OK {
		return nil, err
	}
	attempts := make([]*Attempt, len(granted))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, name := range granted {
		group.Go(func() (err error) {
			attempts[i], err = try(groupCtx, without(granted, []string{name}))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var need []rewrite.Capability
	var names []string
	for i, a := range attempts {
		if !a.OK {
			need, names = append(need, rewrite.Capability{Name: granted[i], Why: because(a)}), append(names, granted[i])
		}
	}
	a, err := try(ctx, names)
	for _, name := range granted {
		if err != nil || a.OK {
			break
		}
		if slices.Contains(names, name) {
			continue
		}
		need, names = append(need, rewrite.Capability{Name: name, Why: because(a)}), append(names, name)
		a, err = try(ctx, names)
	}
	return need, err
}

func because(a *Attempt) string {
	if a.Line != "" {
		return "without it: " + a.Line
	}
	return "without it: " + a.Why
}

// watchOriginal looks at what the original writes and as whom.
func (p *prover) watchOriginal(ctx context.Context, l *Learned) error {
	p.tell("watching what the original writes")
	return p.observe(ctx, p.beforeTag, func(seen *observation) {
		l.Account = p.worker(seen.tasks)
		if l.Account != nil {
			l.explain(l.Account.Name, fmt.Sprintf("its worker processes run as %d in the original", l.Account.UID))
			seen.user = l.Account.UID
		}
	}, l)
}

// observe runs an image once more under the probe and looks, while it runs, at
// what it did to its files. The judge may change how that is understood.
func (p *prover) observe(ctx context.Context, tag string, judge func(*observation), l *Learned) error {
	var seen observation
	_, err := p.attempt(ctx, p.spec(tag), p.opts.Start, func(id string, _ *Attempt) (err error) {
		st, err := p.eng.State(ctx, id)
		if err != nil {
			return err
		}
		if st.Running {
			// Not every engine can list them.
			seen.tasks, _ = p.eng.Processes(ctx, id)
		}
		if seen.changes, err = p.eng.Changes(ctx, id); err != nil {
			return err
		}
		if seen.entries, seen.image, err = p.eng.Layer(ctx, id); err != nil {
			return err
		}
		for _, m := range st.Mounts {
			if filled, err := p.eng.Filled(ctx, id, m); err == nil && filled {
				seen.volumes = append(seen.volumes, m)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if p.contents == nil || tag == p.beforeTag {
		p.contents = seen.image
	}
	seen.facts, seen.user, seen.owned = p.facts, numericUserOnly(p.report.Result.User), p.owned()
	judge(&seen)
	seen.into(l)
	return nil
}

// worker returns the account that the processes below root run as, nil when
// there is none or it is one of the distribution's.
func (p *prover) worker(tasks []Task) *rewrite.BuiltAccount {
	count := map[int]int{}
	best := 0
	for _, t := range tasks {
		if t.UID == 0 {
			continue
		}
		count[t.UID]++
		if best == 0 || count[t.UID] > count[best] {
			best = t.UID
		}
	}
	if best == 0 || p.facts == nil {
		return nil
	}
	a, ok := p.facts.AccountByUID(best)
	if !ok || a.Name == "nobody" || a.Name == "daemon" || a.Name == "bin" || a.UID > 65535 {
		return nil
	}
	return &rewrite.BuiltAccount{Name: a.Name, UID: a.UID, GID: a.GID, Groups: len(p.facts.Supplementary(a.Name)) > 0}
}

// owned are the directories that the hardened image gives to the user.
func (p *prover) owned() []string {
	var out []string
	for _, w := range p.report.Result.Profile.Writable {
		if !w.File {
			out = append(out, w.Path)
		}
	}
	return out
}

func numericUserOnly(user string) int {
	uid, _ := numericUser(user)
	return uid
}

func describe(f imageinspect.PrivilegedFile) string {
	if len(f.Capabilities) > 0 {
		return strings.Join(f.Capabilities, ", ")
	}
	return "mode " + f.Mode.String()
}

// safeFiles leaves out files whose names cannot be written into a shell command.
func safeFiles(files []imageinspect.PrivilegedFile) []imageinspect.PrivilegedFile {
	return slices.DeleteFunc(slices.Clone(files), func(f imageinspect.PrivilegedFile) bool { return !plainPath.MatchString(f.Path) })
}
