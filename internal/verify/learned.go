package verify

import (
	"slices"

	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// Learned is what containers showed and no Dockerfile says.
type Learned struct {
	Account      *rewrite.BuiltAccount
	Dirs         []string // directories it writes
	Trees        []string // directories it writes, with what is in them
	Files        []string // files it writes in directories of others
	Privileged   []imageinspect.PrivilegedFile
	Capabilities []rewrite.Capability
	// How says of each of them how it was found; the keys are paths, names
	// of capabilities, and the name of the account.
	How map[string]string
	// Withdrawn are files that were made beforehand and did harm.
	Withdrawn []string
	// Unfixable are writes that no ownership can allow safely.
	Unfixable []string
}

// Empty reports whether there is anything to feed back.
func (l *Learned) Empty() bool {
	return l.Account == nil && len(l.Dirs)+len(l.Trees)+len(l.Files)+len(l.Privileged)+len(l.Capabilities) == 0
}

// Merge adds what o knows and reports whether any of it is new.
func (l *Learned) Merge(o Learned) bool {
	news := false
	add := func(to *[]string, from []string) {
		for _, s := range from {
			if !slices.Contains(*to, s) {
				*to = append(*to, s)
				news = true
			}
		}
		slices.Sort(*to)
	}
	if o.Account != nil && (l.Account == nil || *l.Account != *o.Account) {
		l.Account, news = o.Account, true
	}
	add(&l.Trees, o.Trees)
	add(&l.Dirs, without(o.Dirs, l.Trees))
	add(&l.Withdrawn, o.Withdrawn)
	for _, f := range o.Withdrawn {
		delete(l.How, f) // why it was made says nothing any more
	}
	beyond := slices.Concat(l.Withdrawn, l.Unfixable, o.Unfixable)
	l.Files = without(l.Files, beyond)
	add(&l.Files, without(o.Files, beyond))
	// What became a tree is no longer a directory of its own.
	l.Dirs = without(l.Dirs, l.Trees)
	for _, f := range o.Privileged {
		if !slices.ContainsFunc(l.Privileged, func(have imageinspect.PrivilegedFile) bool { return have.Path == f.Path }) {
			l.Privileged, news = append(l.Privileged, f), true
		}
	}
	for _, c := range o.Capabilities {
		if !slices.ContainsFunc(l.Capabilities, func(have rewrite.Capability) bool { return have.Name == c.Name }) {
			l.Capabilities, news = append(l.Capabilities, c), true
		}
	}
	for k, v := range o.How {
		if l.How == nil {
			l.How = map[string]string{}
		}
		if l.How[k] == "" {
			l.How[k] = v
		}
	}
	unfixable := news
	add(&l.Unfixable, slices.Concat(o.Unfixable, o.Withdrawn))
	return unfixable
}

func (l *Learned) explain(key, how string) {
	if l.How == nil {
		l.How = map[string]string{}
	}
	if l.How[key] == "" {
		l.How[key] = how
	}
}

func without(list, drop []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(drop, s) })
}
