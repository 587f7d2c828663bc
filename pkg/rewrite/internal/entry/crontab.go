package entry

import (
	"path"
	"regexp"
	"strings"

	"github.com/dockharden/harden/internal/programs"
)

// maxJobs bounds how many lines of a crontab are read.
const maxJobs = 200

// crontab reads the jobs of the crontab that supercronic is given: each is shell that the
// image runs as the user that it starts as, a process of its own
// (github.com/aptible/supercronic, README).
func (r *Reader) crontab(cmd programs.Command, ctx reach, depth int) {
	if len(cmd.Args) < 2 || path.Base(cmd.Args[0]) != "supercronic" || depth > maxFollow {
		return
	}
	file, text, ok := r.Locate(cmd.Args[len(cmd.Args)-1])
	if !ok || r.seen[file] {
		return
	}
	r.seen[file] = true
	r.e.Crontabs = append(r.e.Crontabs, file)
	jobs := 0
	for line := range strings.Lines(text) {
		job, ok := cronJob(line)
		if !ok {
			continue
		}
		if jobs++; jobs > maxJobs {
			return
		}
		dir, vars := r.Dir, r.vars
		r.vars = vars.clone()
		r.text(job, file, ctx, depth+1)
		r.Dir, r.vars = dir, vars
	}
}

var (
	// cronField matches a field of a schedule: there are five, and for supercronic up to two
	// more, of seconds and years.
	cronField = regexp.MustCompile(`^(?i)(?:[\d*/,?#LW-]|MON|TUE|WED|THU|FRI|SAT|SUN|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)+$`)
	cronSpace = regexp.MustCompile(`^\s*\S+\s+`)
)

// cronJob returns the command of a line of a crontab, without its schedule.
func cronJob(line string) (string, bool) {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "@") {
		_, job, ok := strings.Cut(line, " ")
		return strings.TrimSpace(job), ok
	}
	fields := 0
	for fields < 7 {
		word, _, more := strings.Cut(line, " ")
		if word, _, tab := strings.Cut(word, "\t"); !more && !tab || !cronField.MatchString(word) {
			break
		}
		line = line[len(cronSpace.FindString(line)):]
		fields++
	}
	return line, fields >= 5 && line != ""
}
