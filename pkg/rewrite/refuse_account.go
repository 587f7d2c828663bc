package rewrite

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// accountFlag refuses programs that are told by a flag to change to an account,
// and that stop where they cannot: gunicorn --user www-data, snmpd -u.
func accountFlag(p *Pass) *Refusal {
	for _, c := range p.Entry.Programs {
		if r := p.toldAccount(c); r != nil {
			return r
		}
	}
	return p.configuredAccount()
}

func (p *Pass) toldAccount(c programs.Command) *Refusal {
	if len(c.Args) == 0 {
		return nil
	}
	if c.Program == nil {
		return p.switchingDaemon(c.Args)
	}
	for _, v := range c.Program.Variants {
		for _, n := range v.Needs {
			flag, account, ok := flagIn(c.Args[1:], n.Accounts)
			if !ok || !n.Fatal || n.Own && p.namesOwn(account) {
				continue
			}
			return &Refusal{Reason: DropsPrivilegesItself, Line: p.at(p.Entry.By),
				Message: fmt.Sprintf("%s is started with %s %s: %s", path.Base(c.Args[0]), flag, dockerfile.Clip(account, 40), n.Effect),
				Hint:    sentence(n.Fix)}
		}
	}
	return nil
}

// switchingDaemon refuses a daemon that nobody knows and that is told which account of the
// image to change to: asterisk -U asterisk. One that finds itself to be another account
// already mostly stops. Elsewhere than in sbin -u may be any login, unless its name is the
// program's.
func (p *Pass) switchingDaemon(argv []string) *Refusal {
	name := path.Base(argv[0])
	flag, account, ok := flagIn(argv[1:], []string{"-u", "-U", "--user"})
	if !ok || path.Base(path.Dir(argv[0])) != "sbin" && !strings.HasPrefix(name, account) || !simulate.ValidName(account) || account == "root" || !p.makesAccount(account) {
		return nil
	}
	return &Refusal{Reason: DropsPrivilegesItself, Line: p.at(p.Entry.By),
		Message: fmt.Sprintf("%s is started with %s %s, so it changes to that account itself, which only root can", name, flag, account)}
}

// makesAccount reports whether the image has an account of that name, or a package that it
// installs seems to make it.
func (p *Pass) makesAccount(name string) bool {
	if _, ok := p.End.Account(name); ok {
		return true
	}
	return slices.ContainsFunc(p.End.Packages, func(pkg simulate.Package) bool {
		return pkg.Name == name || strings.HasPrefix(pkg.Name, name+"-") || slices.ContainsFunc(programs.ByPackage(pkg.Name), func(prog *programs.Program) bool {
			return slices.ContainsFunc(prog.Variants, func(v programs.Variant) bool { return v.Account.Name == name })
		})
	})
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
