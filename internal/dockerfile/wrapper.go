package dockerfile

import (
	"slices"
	"strings"
)

// A wrapper describes a program that runs the command in its arguments.
type wrapper struct {
	short    string   // short options that take a value
	long     []string // long options that take a value
	query    string   // short options with which it runs nothing
	operands int      // words between the options and the command
	user     bool     // the first operand is the user
	userOpts []string // options whose value is the user
	assigns  bool     // NAME=value may stand before the command
	more     bool     // further arguments come at run time

	noOptions bool // with an option it runs nothing
}

// wrappers are read from the manual pages of sudo, doas, coreutils, util-linux,
// findutils, gosu, su-exec, s6, runit, daemontools, tini and dumb-init.
var wrappers = map[string]wrapper{
	"sudo": {
		short: "CDRTUghprtu", assigns: true, query: "Vl",
		long:     []string{"--chdir", "--chroot", "--close-from", "--command-timeout", "--group", "--host", "--other-user", "--prompt", "--role", "--type", "--user"},
		userOpts: []string{"-u", "--user"},
	},
	"doas":            {short: "Cau", userOpts: []string{"-u"}},
	"env":             {short: "CSu", long: []string{"--chdir", "--split-string", "--unset"}, assigns: true},
	"exec":            {short: "a"},
	"nice":            {short: "n", long: []string{"--adjustment"}},
	"ionice":          {short: "cnp", long: []string{"--class", "--classdata", "--pid"}},
	"nohup":           {},
	"time":            {short: "fo", long: []string{"--format", "--output"}},
	"command":         {query: "vV"},
	"builtin":         {},
	"timeout":         {short: "ks", long: []string{"--kill-after", "--signal"}, operands: 1},
	"stdbuf":          {short: "eio", long: []string{"--error", "--input", "--output"}},
	"setsid":          {},
	"eatmydata":       {},
	"chronic":         {},
	"fakeroot":        {short: "bils"},
	"busybox":         {noOptions: true},
	"with-contenv":    {noOptions: true},
	"xargs":           {short: "EILPadns", long: []string{"--arg-file", "--delimiter", "--max-args", "--max-chars", "--max-lines", "--max-procs", "--process-slot-var", "--replace"}, more: true},
	"gosu":            {operands: 1, user: true},
	"su-exec":         {operands: 1, user: true},
	"s6-setuidgid":    {operands: 1, user: true},
	"setuidgid":       {operands: 1, user: true},
	"chpst":           {short: "/CULbcdefilmnoprtu", userOpts: []string{"-u"}},
	"s6-applyuidgid":  {short: "Ggu", userOpts: []string{"-u"}},
	"setpriv":         {long: setprivOptions, userOpts: []string{"--reuid", "--ruid", "--euid"}},
	"chroot":          {long: []string{"--groups", "--userspec"}, operands: 1, userOpts: []string{"--userspec"}},
	"tini":            {short: "ep"},
	"tini-static":     {short: "ep"},
	"docker-init":     {short: "ep"},
	"dumb-init":       {short: "r", long: []string{"--rewrite"}},
	"catatonit":       {},
	"runuser-command": {short: "Ggu", userOpts: []string{"-u", "--user"}, long: []string{"--group", "--supp-group", "--user"}},
}

var setprivOptions = []string{
	"--ambient-caps", "--apparmor-profile", "--bounding-set", "--egid", "--euid", "--groups", "--inh-caps",
	"--landlock-access", "--landlock-rule", "--pdeathsig", "--ptracer", "--regid", "--reuid", "--rgid", "--ruid",
	"--seccomp-filter", "--securebits", "--selinux-label",
}

// call emits the command that words runs in the end.
func (w *walker) call(words []Word, sc scope) {
	if len(words) == 0 {
		return
	}
	first := words[0]
	if !first.Static || len(sc.via) >= maxInherited {
		w.program(words, sc)
		return
	}
	name := baseName(first.Value)
	switch name {
	case "su":
		w.su(words, sc)
		return
	case "runuser":
		if hasOption(words, "-u", "--user") {
			name = "runuser-command"
			break
		}
		w.su(words, sc)
		return
	case "find":
		w.find(words, sc)
		return
	case "eval":
		w.nested(joined(words[1:]), words, sc.through("eval"))
		return
	}
	if posixShells[name] {
		w.shell(name, words, sc)
		return
	}
	if wr, ok := wrappers[name]; ok {
		if inner, rest := wr.open(words, sc); len(rest) > 0 {
			w.call(rest, inner.through(baseName(first.Value)))
			return
		}
	}
	w.program(words, sc)
}

// program emits a command that is not seen through.
func (w *walker) program(words []Word, sc scope) {
	first := words[0]
	c := Command{Name: first.Value, Path: first.Value, Dynamic: !first.Static, Args: words[1:], Pos: first.Pos, End: words[len(words)-1].End}
	if first.Static {
		c.Name = baseName(first.Value)
	}
	w.emit(c, sc)
}

// open returns the command in the arguments of a wrapper, none if it runs none.
func (wr wrapper) open(words []Word, sc scope) (scope, []Word) {
	opts, i := wr.options(words)
	if wr.noOptions && len(opts) > 0 {
		return sc, nil
	}
	for _, o := range opts {
		if len(o.name) == 2 && strings.Contains(wr.query, o.name[1:]) {
			return sc, nil
		}
		if slices.Contains(wr.userOpts, o.name) {
			sc.as = &o.value
		}
	}
	for n := range wr.operands {
		if i == len(words) {
			return sc, nil
		}
		if n == 0 && wr.user {
			sc.as = &words[i]
		}
		i++
	}
	for wr.assigns && i < len(words) && isAssign(words[i].Value) {
		sc.assigns = append(slices.Clip(sc.assigns), words[i].Value)
		i++
	}
	if wr.more {
		sc.more = true
	}
	return sc, words[i:]
}

// An option is a command-line option with its value.
type option struct {
	name  string
	value Word
}

// options reads the options after words[0] and returns the index of the first
// word that is none. A word that is not static ends them: it may be the
// command.
func (wr wrapper) options(words []Word) (opts []option, next int) {
	i := 1
	for i < len(words) && words[i].Static {
		v := words[i].Value
		switch {
		case v == "--":
			return opts, i + 1
		case strings.HasPrefix(v, "--"):
			name, value, ok := strings.Cut(v, "=")
			o := option{name, sub(words[i], value)}
			if !ok && slices.Contains(wr.long, name) && i+1 < len(words) {
				i++
				o.value = words[i]
			}
			opts = append(opts, o)
		case len(v) > 1 && v[0] == '-':
			for n := 1; n < len(v); n++ {
				o := option{name: "-" + v[n:n+1]}
				if strings.IndexByte(wr.short, v[n]) >= 0 {
					if n+1 < len(v) {
						o.value = sub(words[i], v[n+1:])
					} else if i+1 < len(words) {
						i++
						o.value = words[i]
					}
					n = len(v)
				}
				opts = append(opts, o)
			}
		default:
			return opts, i
		}
		i++
	}
	return opts, i
}

// sub returns a word for a part of another one.
func sub(w Word, value string) Word {
	w.Value = value
	return w
}

func hasOption(words []Word, names ...string) bool {
	for _, w := range words[1:] {
		name, _, _ := strings.Cut(w.Value, "=")
		if w.Static && slices.Contains(names, name) {
			return true
		}
		if w.Value == "--" {
			break
		}
	}
	return false
}

// isAssign reports whether a word has the form NAME=value.
func isAssign(s string) bool {
	name, _, ok := strings.Cut(s, "=")
	if !ok || name == "" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for i := range len(name) {
		if !isNameByte(name[i]) || name[i] >= 0x80 {
			return false
		}
	}
	return true
}
