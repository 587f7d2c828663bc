package entry

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/programs"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// A Supervisor is what is known of the supervisord that an image starts.
type Supervisor struct {
	Config string   // its configuration, "" when it could not be read
	Files  []string // the configuration and what it includes
	Writes []string // its sockets' directories, its pid file and its logs
	// Against says why it cannot run without root, "" when nothing speaks
	// against it: then it runs as the account of its programs, and they as it.
	Against string
}

// supervisor follows the programs that supervisord starts, each as an entry of
// its own, and notes what in the configuration stands against another user.
// Under one, supervisord starts its programs as itself; with a user= that names
// another account it stops: "Can't drop privilege as nonroot user"
// (supervisor/options.py, drop_privileges).
func (r *Reader) supervisor(cmd programs.Command, ctx reach, depth int) {
	if r.e.Supervisor != nil {
		r.e.Supervisor.Against = "more than one supervisord is started"
		return
	}
	s := &Supervisor{}
	r.e.Supervisor = s
	lines, against := r.supervisorLines(cmd.Args, s)
	if against != "" {
		s.Against = against
		return
	}
	for _, check := range []func([]supervisorLine) string{supervisorUsers, r.supervisorSockets, r.supervisorFiles} {
		if s.Against = check(lines); s.Against != "" {
			return
		}
	}
	s.Against = r.supervisorPrograms(lines, ctx, depth)
}

// supervisorLines reads the configuration and the files that it includes.
func (r *Reader) supervisorLines(argv []string, s *Supervisor) (lines []supervisorLine, against string) {
	file, text, against := r.supervisorConfig(argv)
	if against != "" {
		return nil, against
	}
	s.Config = file
	lines = parseSupervisor(file, text)
	read := []string{file}
	if inc, ok := setting(lines, "include", "files"); ok {
		patterns, ok := r.expandSupervisor(inc, inc.value)
		if !ok {
			return nil, fmt.Sprintf("%s includes files whose names are not known here", inc)
		}
		for _, pattern := range strings.Fields(patterns) {
			pattern = imagepath.Abs(path.Dir(file), pattern)
			files, ok := r.ImageFiles(pattern)
			if !ok {
				return nil, fmt.Sprintf("%s includes %s, and what is there is not known", inc, pattern)
			}
			for _, f := range files {
				text, ok := r.FileOf(f)
				if !ok {
					return nil, f + " could not be read"
				}
				lines = append(lines, parseSupervisor(f, text)...)
				read = append(read, f)
			}
		}
	}
	s.Files = read
	if line := r.ChangedLater(read); line > 0 {
		return nil, fmt.Sprintf("line %d changes its configuration", line)
	}
	return lines, ""
}

// supervisorConfig finds the configuration: that of -c, or the first of the
// places where supervisord looks (supervisor/options.py, default_configfile).
func (r *Reader) supervisorConfig(argv []string) (file, text, against string) {
	names := []string{imagepath.Abs(r.End.Workdir, "supervisord.conf"), imagepath.Abs(r.End.Workdir, "etc/supervisord.conf"), "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf"}
	for i, a := range argv {
		switch {
		case (a == "-c" || a == "-nc" || a == "--configuration") && i+1 < len(argv):
			names = []string{imagepath.Abs(r.End.Workdir, argv[i+1])}
		case strings.HasPrefix(a, "--configuration="):
			names = []string{imagepath.Abs(r.End.Workdir, strings.TrimPrefix(a, "--configuration="))}
		case a == "-u" || strings.HasPrefix(a, "--user"):
			return "", "", "its option --user makes it change the account"
		case !slices.Contains(supervisorFlags, a) && i > 0 && argv[i-1] != "-c" && argv[i-1] != "-nc" && argv[i-1] != "--configuration":
			return "", "", fmt.Sprintf("what its option %s changes is not known here", a)
		}
	}
	for _, name := range names {
		if text, ok := r.FileOf(name); ok {
			return name, text, ""
		}
		if r.mayBeCopied(name) {
			return "", "", fmt.Sprintf("its configuration, %s, could not be read", name)
		}
	}
	if line := r.ChangedLater(names); line > 0 {
		return "", "", fmt.Sprintf("line %d may make or change its configuration", line)
	}
	name := names[len(names)-1]
	programs := r.supervisorParts(names)
	if r.End.HasPackage("supervisor") && name == "/etc/supervisor/supervisord.conf" && r.End.Family() == "debian" {
		against := "the package's own " + name + " puts its socket into /run, which belongs to root"
		if programs != "" {
			against += ", and " + programs
		}
		return "", "", against
	}
	if programs != "" {
		return "", "", programs
	}
	return "", "", fmt.Sprintf("its configuration, %s, could not be read", name)
}

// supervisorParts says which COPY or ADD brings settings of programs that could not be
// read, to a directory that configurations include; "" when none does.
func (r *Reader) supervisorParts(names []string) string {
	for _, c := range slices.Backward(r.End.Copies) {
		dest := path.Clean(c.Dest)
		parts := slices.ContainsFunc([]string{"/etc/supervisor", "/etc/supervisor.d", "/etc/supervisord.d"}, func(dir string) bool { return imagepath.Below(dest, dir) })
		if parts && !slices.Contains(names, dest) {
			if files, ok := r.CopiedInto(c, dest); !ok || len(files) == 0 {
				return fmt.Sprintf("what line %d copies to %s could not be read", c.By.Line, dest)
			}
		}
	}
	return ""
}

// mayBeCopied reports whether a COPY or ADD whose files cannot be read here may
// bring the file.
func (r *Reader) mayBeCopied(name string) bool {
	return slices.ContainsFunc(r.End.Copies, func(c simulate.Copy) bool {
		unread := c.Opaque || c.From != "" || len(c.By.Heredocs) == 0 && (r.Context == nil || c.By.Keyword == "ADD" && slices.ContainsFunc(c.Sources, content.Archive))
		return unread && imagepath.Below(name, path.Clean(c.Dest))
	})
}

// supervisorFlags are options that change nothing here.
var supervisorFlags = []string{"-n", "--nodaemon", "-s", "--silent", "-t", "--strip_ansi"}

func supervisorUsers(lines []supervisorLine) string {
	for _, l := range lines {
		program, ok := supervised(l.section)
		switch {
		case l.key != "user":
		case l.section == "supervisord":
			return fmt.Sprintf("%s has user=%s, with which it stops as any other user", l, dockerfile.Clip(l.value, 40))
		case ok:
			return fmt.Sprintf("%s starts %s as %s, which only root can", l, program, dockerfile.Clip(l.value, 40))
		}
	}
	return ""
}

// openToAll are the directories of the system in which any user can make files, with the
// sticky bit (FHS 3.0, 3.18 and 5.15).
var openToAll = map[string]bool{"/tmp": true, "/var/tmp": true, "/dev/shm": true}

// supervisorSockets notes the directories of sockets, which have to be the
// user's own: a socket is made under another name and then renamed.
func (r *Reader) supervisorSockets(lines []supervisorLine) string {
	for _, l := range lines {
		_, ok := supervised(l.section)
		switch {
		case l.section == "unix_http_server" && l.key == "chown", ok && l.key == "socket_owner":
			return fmt.Sprintf("%s gives its socket to %s, which only root can", l, dockerfile.Clip(l.value, 40))
		case l.section == "unix_http_server" && l.key == "file", ok && l.key == "socket" && strings.HasPrefix(l.value, "unix://"):
			name, known := r.expandSupervisor(l, strings.TrimPrefix(l.value, "unix://"))
			dir := path.Dir(imagepath.Abs(r.End.Workdir, name))
			if !known {
				return fmt.Sprintf("%s puts its socket where it is not known here", l)
			}
			if !openToAll[dir] && (imagepath.Standard[dir] || imagepath.ProtectedDir(dir) != "") {
				return fmt.Sprintf("%s puts its socket into %s, which belongs to root", l, dir)
			}
			r.supervisorWrites(dir)
		}
	}
	return ""
}

// supervisorFiles notes the files of supervisord and of the logs that it keeps.
func (r *Reader) supervisorFiles(lines []supervisorLine) string {
	defaults := []supervisorLine{{section: "supervisord", key: "logfile", value: "supervisord.log"}, {section: "supervisord", key: "pidfile", value: "supervisord.pid"}}
	for _, d := range defaults {
		if _, ok := setting(lines, d.section, d.key); !ok {
			lines = append(lines, d)
		}
	}
	for _, l := range lines {
		_, ok := supervised(l.section)
		if !(l.section == "supervisord" && (l.key == "logfile" || l.key == "pidfile" || l.key == "childlogdir")) && !(ok && (l.key == "stdout_logfile" || l.key == "stderr_logfile")) {
			continue
		}
		switch strings.ToUpper(l.value) {
		case "AUTO", "NONE", "", "SYSLOG":
			continue
		}
		if why := r.supervisorFile(l, lines); why != "" {
			return why
		}
	}
	return ""
}

func (r *Reader) supervisorFile(l supervisorLine, lines []supervisorLine) string {
	name, ok := r.expandSupervisor(l, l.value)
	if !ok {
		return fmt.Sprintf("%s writes to a place that is not known here", l)
	}
	name = imagepath.Abs(r.End.Workdir, name)
	dir := path.Dir(name)
	switch {
	case imagepath.Below(name, "/dev"), imagepath.Below(name, "/proc"), imagepath.Below(name, "/tmp"), imagepath.Below(name, "/var/tmp"):
		return ""
	case l.key == "childlogdir":
		dir = name
	}
	switch {
	case dir == "/run" || dir == "/var/run" || dir == "/var/log":
		max, _ := setting(lines, l.section, l.key+"_maxbytes")
		if l.key != "pidfile" && max.value != "0" {
			return fmt.Sprintf("%s keeps %s and rotates it, for which %s has to be writable", l, name, dir)
		}
	case imagepath.ProtectedDir(name) != "" || imagepath.Standard[dir]:
		return fmt.Sprintf("%s writes %s, and %s belongs to root", l, name, dir)
	}
	if r.e.Files == nil {
		r.e.Files = map[string]bool{}
	}
	if l.key != "childlogdir" {
		r.e.Files[name] = true
	}
	r.supervisorWrites(name)
	return ""
}

func (r *Reader) supervisorWrites(name string) {
	r.e.wrote(name, "supervisord")
	r.e.Supervisor.Writes = append(r.e.Supervisor.Writes, name)
}

// supervisorPrograms follows the commands.
func (r *Reader) supervisorPrograms(lines []supervisorLine, ctx reach, depth int) string {
	some := false
	for _, l := range lines {
		program, ok := supervised(l.section)
		if !ok || l.key != "command" {
			continue
		}
		some = true
		text, known := r.expandSupervisor(l, l.value)
		argv, split := splitCommand(text)
		if !known || !split || len(argv) == 0 {
			return fmt.Sprintf("what %s starts is not known here", l)
		}
		r.follow(argv, fmt.Sprintf("program %s of %s", program, l.file), ctx, depth+1)
	}
	if !some {
		return r.e.Supervisor.Config + " starts no program"
	}
	return ""
}
