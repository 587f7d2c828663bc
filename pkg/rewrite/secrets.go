package rewrite

import "fmt"

// A HostFile is a file of the host that a service gets with the owner and the mode that it has
// there: a secret or a config of Compose, or a mount of one file.
type HostFile struct {
	Secret         string // its name, "" for another file
	Source, Target string
	Absent         bool // it is not in the repository, so that its mode is not known
}

// Title is what the reports call the file.
func (f HostFile) Title() string {
	if f.Secret != "" {
		return "the secret " + f.Secret + " (" + f.Source + ")"
	}
	return f.Source
}

// hintSecrets says which files of the host the user may not be able to read: root reads them,
// whoever they belong to.
func (p *Pass) hintSecrets() {
	for _, svc := range p.opts.Siblings.Services {
		if svc.runsAsAnother() || len(svc.HostFiles) == 0 {
			continue
		}
		f := svc.HostFiles[0]
		for _, o := range svc.HostFiles {
			if f.Absent && !o.Absent {
				f = o // which is known for certain
			}
		}
		more := ""
		if n := len(svc.HostFiles) - 1; n > 0 {
			more = fmt.Sprintf("; %d more may be closed, too", n)
		}
		says := fmt.Sprintf("which only its owner and group may read there, so that %s cannot", p.User.Label())
		if f.Absent {
			says = fmt.Sprintf("with the owner and the mode that the file has there: where it is closed to others, %s cannot read it", p.User.Label())
		}
		p.report(Finding{Line: p.Stage.From.Line,
			Message: fmt.Sprintf("%s:%d gives %s %s of the host at %s, %s%s", svc.File, svc.Line, svc.title(), f.Title(), f.Target, says, more),
			Hint:    fmt.Sprintf("chown %s the file on the host, or open it with chmod o+r: uid, gid and mode in the Compose file do not count for files.", p.User.Owner())})
		return
	}
}
