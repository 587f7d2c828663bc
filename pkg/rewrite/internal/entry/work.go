package entry

import (
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/shellcmd"
)

// Work is a command of a start script that root runs and that works on files or
// accounts. Root without capabilities is a user like any other where the files are
// not its own (capabilities(7), CAP_DAC_OVERRIDE and CAP_FOWNER).
type Work struct {
	Text   string
	Always bool     // it takes capabilities whosever the files are, or nobody knows which files
	Paths  []string // what it writes, otherwise
}

// ownersWork are commands that change owners, or that make accounts and give them
// their homes.
var ownersWork = map[string]bool{"chown": true, "chgrp": true, "useradd": true, "adduser": true, "usermod": true, "userdel": true, "deluser": true,
	"groupadd": true, "addgroup": true, "groupmod": true, "newusers": true, "mkhomedir_helper": true, "fix-attrs": true}

// ownFiles are commands that write root's own files and ask the kernel for nothing, for which
// root takes no capability.
var ownFiles = map[string]bool{"update-ca-certificates": true, "ldconfig": true, "locale-gen": true, "a2enmod": true, "a2ensite": true, "update-rc.d": true}

// inText matches owners' work in the words of a variable: args+=( -exec chown … ).
var inText = regexp.MustCompile(`-exec(dir)?\s+(\S+\s+-c\s+)?["']?(chown|chgrp|chmod)\b`)

// work notes what a command does as root with files and accounts.
func (r *Reader) work(c dockerfile.Command, name, text string, ctx reach) {
	if !ctx.root() {
		return
	}
	w := Work{Text: text, Always: ownersWork[name] || rootCommands[name] && !ownFiles[name] || fillers[name] || strings.HasPrefix(c.Path, "/etc/init.d/") || inText.MatchString(text)}
	if name == "install" {
		opts, _ := shellcmd.Split(c.Args, map[string]string{"-o": "-o", "-g": "-g", "-m": "-m", "--owner": "-o", "--group": "-g"})
		w.Always = opts.Has("-o") || opts.Has("-g")
	}
	if strings.HasPrefix(c.Path, "/etc/init.d/") {
		w.Text = c.Path + strings.TrimPrefix(text, name)
	}
	if name == "confd" {
		ws, read := r.confdWrites(c.Args)
		w.Always = !read
		for _, target := range ws {
			w.Paths = append(w.Paths, target.path)
		}
	}
	for _, target := range r.redirected(c) {
		w.Paths = append(w.Paths, target.path)
	}
	if writer, ok := shellcmd.Writers[name]; ok && !w.Always {
		if c.MoreArgs || slices.ContainsFunc(c.Args, func(a dockerfile.Word) bool { return a.Value == "{}" }) {
			w.Always = !writer.None && len(writer.Only) == 0 // find -exec, xargs
		}
		opts, _ := shellcmd.Split(c.Args, writer.Takes)
		w.Always = w.Always || slices.ContainsFunc(writer.To, func(o string) bool { v, has := opts.Values[o]; return has && v == "" })
		for _, t := range writer.Targets(r.readable(c.Args), name) {
			for _, b := range shellcmd.Braces(t) {
				if b == "{}" && c.MoreArgs {
					continue
				}
				w.Always = w.Always || b == ""
				if p := r.at(b, writer.Replaces); p != "" {
					w.Paths = append(w.Paths, p)
				}
			}
		}
	}
	for _, red := range c.Redirects {
		if _, known := r.value(red.Target); shellcmd.WritesFile(red) && !known && !w.Always {
			w.Always, w.Text = true, text+" "+red.Op+" "+red.Target.Value
		}
	}
	if w.Always || len(w.Paths) > 0 {
		r.e.Work = append(r.e.Work, w)
	}
}
