package rewrite

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// accountFlag refuses programs that are told by a flag to change to an account,
// and that stop where they cannot: gunicorn --user www-data, snmpd -u.
func accountFlag(p *Pass) *Refusal {
	for _, c := range p.Entry.Programs {
		if c.Program == nil || len(c.Args) == 0 {
			continue
		}
		for _, v := range c.Program.Variants {
			for _, n := range v.Needs {
				flag, account, ok := flagIn(c.Args[1:], n.Accounts)
				if !ok || !n.Fatal || n.Own && p.willRunAs(account) {
					continue
				}
				return &Refusal{Reason: DropsPrivilegesItself, Line: p.at(p.Entry.By),
					Message: fmt.Sprintf("%s is started with %s %s: %s", path.Base(c.Args[0]), flag, clip(account, 40), n.Effect),
					Hint:    sentence(n.Fix)}
			}
		}
	}
	return nil
}

// flagIn returns the first of the flags in an argument vector, and its value:
// -u NAME, --user=NAME, -uNAME.
func flagIn(args, flags []string) (flag, value string, ok bool) {
	for i, a := range args {
		name, value, has := strings.Cut(a, "=")
		if slices.Contains(flags, name) && (has || i+1 < len(args)) {
			if !has {
				value = args[i+1]
			}
			return name, value, true
		}
		for _, f := range flags {
			if v, ok := strings.CutPrefix(a, f); ok && len(f) == 2 && v != "" && v[0] != '=' {
				return f, v, true
			}
		}
	}
	return "", "", false
}

// willRunAs reports whether the account is the one that the image comes to run
// as.
func (p *Pass) willRunAs(account string) bool { return p.choose().Name == account }
