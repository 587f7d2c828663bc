package siblings

import (
	"iter"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxExamples bounds what is remembered of one file.
const maxExamples = 50

// An Example is a command in a README or a makefile that runs an image on the
// directory of who calls it, and not as a service.
type Example struct {
	File   string
	Line   int
	Target string // where the directory is in the container
	Named  bool   // the image is that of the Dockerfile, by its name
	// AsCaller says that the command names the caller as the user.
	AsCaller bool

	image string
}

// Image is what the command runs, "" where it does not say.
func (e Example) Image() string { return e.image }

// isReadme reports whether a file name is that of a README, or of what a project says
// about its image (docker.md).
func isReadme(name string) bool {
	stem, ext, _ := strings.Cut(strings.ToLower(name), ".")
	return stem == "readme" && ext != "go" || stem == "docker" && (ext == "md" || ext == "mdx" || ext == "rst" || ext == "adoc")
}

// aboutDir returns the directory that what a README says is about: the one beside docs.
func aboutDir(f File) string {
	dir := filepath.Dir(f.Abs)
	if base := filepath.Base(dir); base == "docs" || base == "doc" {
		return filepath.Dir(dir)
	}
	return dir
}

// readme reads the examples in a README.
func (r *reader) readme(f File, src []byte) error {
	if len(src) <= maxScript {
		r.examples(f, string(src), nil)
		r.shown(f, string(src))
	}
	return nil
}

var (
	runCommand = regexp.MustCompile(`\b(?:docker|podman)(?:[ \t]+container)?[ \t]+run[ \t]+([^\n;&|]*)`)
	callerDir  = regexp.MustCompile("\\$?\\$\\(?\\{?(?:PWD|pwd|CURDIR)\\b[})]?|`pwd`|%cd%")
	callerID   = regexp.MustCompile("\\$?\\$\\(id -u[^)]*\\)|`id -u[^`]*`|\\$?\\$\\{?UID\\}?")
)

const (
	callerDirWord = "@caller"
	callerIDWord  = "@uid"
)

// examples reads the commands that run images.
func (r *reader) examples(f File, text string, vars map[string]string) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	dir := aboutDir(f)
	line := 1
	for len(r.repo.examples[dir]) < maxExamples && text != "" {
		command, rest, n := logicalLine(text)
		if m := runCommand.FindStringSubmatch(command); m != nil {
			if h := parseHome(m[1], vars); h != nil && len(r.repo.homes[dir]) < maxExamples {
				h.File, h.Line = f.Path, line
				r.repo.homes[dir] = append(r.repo.homes[dir], h)
			}
			if e := parseRun(m[1], vars); e != nil {
				e.File, e.Line = f.Path, line
				r.repo.examples[dir] = append(r.repo.examples[dir], e)
			} else if b := parseService(m[1], vars); b != nil && !isDevelopment(f.Path) && len(r.repo.documented[dir]) < maxExamples {
				b.File, b.Line = f.Path, line
				r.repo.documented[dir] = append(r.repo.documented[dir], b)
			}
		}
		text, line = rest, line+n
	}
}

// logicalLine cuts off a line with those that continue it, and counts them.
func logicalLine(text string) (line, rest string, n int) {
	var b strings.Builder
	for more := true; more && text != ""; n++ {
		var physical string
		physical, text, _ = strings.Cut(text, "\n")
		physical, more = strings.CutSuffix(physical, `\`)
		b.WriteString(physical)
	}
	return b.String(), text, n
}

// runTakesValue are the flags of docker run that are followed by a value.
var runTakesValue = map[string]bool{
	"-v": true, "--volume": true, "--mount": true, "-e": true, "--env": true, "--env-file": true, "-p": true, "--publish": true, "-w": true,
	"--workdir": true, "-u": true, "--user": true, "-h": true, "--hostname": true, "-m": true, "--memory": true, "-l": true, "--label": true,
	"-c": true, "--cpu-shares": true, "--cpus": true, "-a": true, "--attach": true, "--name": true, "--network": true, "--net": true,
	"--entrypoint": true, "--gpus": true, "--platform": true, "--restart": true, "--device": true, "--cap-add": true, "--cap-drop": true,
	"--security-opt": true, "--shm-size": true, "--tmpfs": true, "--ulimit": true, "--add-host": true, "--dns": true, "--log-driver": true,
	"--log-opt": true, "--pid": true, "--ipc": true, "--userns": true, "--runtime": true, "--volumes-from": true, "--link": true, "--expose": true,
	"--pull": true, "--cidfile": true, "--group-add": true, "--stop-signal": true, "--sysctl": true,
}

// runWords are the words behind "docker run" up to the image, with what the caller's
// directory and number are written as.
type runWords struct {
	flags []runFlag
	image string // "" when it is not known
}

type runFlag struct{ name, value string }

// readRun takes a command line apart.
func readRun(line string, vars map[string]string) (r runWords) {
	line = callerDir.ReplaceAllString(callerID.ReplaceAllString(line, callerIDWord), callerDirWord)
	words := splitLine(substitution.ReplaceAllString(line, "$$_"))
	for i := 0; i < len(words); i++ {
		flag, value, hasValue := strings.Cut(words[i], "=")
		if !strings.HasPrefix(flag, "-") {
			image, known := expand(strings.Trim(words[i], "`\"'"), vars)
			if known && isImage(image) {
				r.image = image
			}
			return r
		}
		if !hasValue && runTakesValue[flag] && i+1 < len(words) {
			i++
			value = words[i]
		}
		r.flags = append(r.flags, runFlag{flag, strings.Trim(value, "\"'")})
	}
	return r
}

// volumeName is what a named volume may be called (moby, volume/names: RestrictedNamePattern).
var volumeName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)

// parseService reads what a "docker run" asks of the image as a service: privileges, and
// directories and devices of the host and named volumes. It returns nil when there is nothing of that, or nobody knows of which
// image.
func parseService(line string, vars map[string]string) *Build {
	run := readRun(line, vars)
	svc := &Service{}
	user := false
	for _, f := range run.flags {
		switch f.name {
		case "--privileged":
			svc.Privileged = f.value != "false"
		case "--cap-add":
			svc.CapAdd = append(svc.CapAdd, strings.ToUpper(f.value))
		case "-u", "--user", "--group-add":
			user = true
		case "--device":
			if source, _, _ := strings.Cut(f.value, ":"); strings.HasPrefix(source, "/dev/") {
				svc.Devices = append(svc.Devices, path.Clean(source))
			}
		case "-v", "--volume":
			m, bind := shortMount(strings.ReplaceAll(f.value, callerDirWord, "."))
			m.Target = path.Clean(m.Target)
			switch {
			case !path.IsAbs(m.Target):
			case bind || strings.HasPrefix(m.Source, "$"):
				svc.Binds = append(svc.Binds, m)
			case volumeName.MatchString(m.Source):
				svc.Volumes = append(svc.Volumes, m)
			}
		}
	}
	if user {
		// Whoever names a user has seen to the files; a socket is another matter.
		svc.Volumes, svc.Devices = nil, nil
		svc.Binds = slices.DeleteFunc(svc.Binds, func(m Mount) bool { return !strings.HasSuffix(m.Target, ".sock") })
	}
	if run.image == "" || !svc.Privileged && len(svc.CapAdd) == 0 && len(svc.Binds) == 0 && len(svc.Volumes) == 0 && len(svc.Devices) == 0 {
		return nil
	}
	return &Build{Service: svc, Named: run.image}
}

// upwards yields the directory of a file and those above it.
func upwards(file string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for dir := filepath.Dir(file); yield(dir) && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		}
	}
}

// documentedRuns returns the services by which the READMEs and makefiles in the directory of a Dockerfile
// and above it run its image, by its name.
func (r *Repository) documentedRuns(dockerfile string) []*Build {
	var out []*Build
	for dir := range upwards(dockerfile) {
		for _, b := range r.documented[dir] {
			if r.isNamed(dockerfile, b.Named) {
				out = append(out, b)
			}
		}
		if len(out) > maxExamples {
			break
		}
	}
	return out
}

// parseRun reads the words behind "docker run". It returns nil for a service, whose
// mounts hold its configuration and data, and for what does not write to a directory
// of the caller. A user that is the caller's says the same once more; another does not.
func parseRun(line string, vars map[string]string) *Example {
	run := readRun(line, vars)
	e := &Example{image: run.image}
	for _, f := range run.flags {
		switch {
		case f.name == "--detach" || f.name == "--restart" || f.name == "-p" || f.name == "--publish" || isShort(f.name, 'd'):
			return nil
		case f.name == "-u" || f.name == "--user":
			if e.AsCaller = strings.Contains(f.value, callerIDWord); !e.AsCaller {
				return nil
			}
		case f.name == "-v" || f.name == "--volume" || f.name == "--mount":
			if target := callersMount(f.value); target != "" {
				e.Target = target
			}
		}
	}
	if e.Target == "" {
		return nil
	}
	return e
}

// rootHome is the home directory of root, which programs of an image that runs as root
// look into.
const rootHome = "/root"

// parseHome returns what a "docker run" mounts into root's home, nil when it is nothing, or
// when it names a user: who does that has seen to the files.
func parseHome(line string, vars map[string]string) *Example {
	run := readRun(line, vars)
	e := &Example{image: run.image}
	for _, f := range run.flags {
		switch f.name {
		case "-u", "--user":
			return nil
		case "-v", "--volume", "--mount":
			if t := mountTarget(f.value); t == rootHome || strings.HasPrefix(t, rootHome+"/") {
				e.Target = t
			}
		}
	}
	if e.Target == "" || e.image == "" {
		return nil
	}
	return e
}

// homesOf returns the commands that mount something into root's home in the container of a
// Dockerfile's image: by its name, or in the README beside it by a name that nothing
// else goes by.
func (r *Repository) homesOf(dockerfile string) []Example {
	var out []Example
	for dir := range upwards(dockerfile) {
		for _, e := range r.homes[dir] {
			e := *e
			e.Named = r.isNamed(dockerfile, e.image)
			known := len(r.makers[plain(e.image)]) > 0 || len(r.sharers[repository(e.image)]) > 0 || len(r.inDirectory[path.Base(repository(e.image))]) > 0
			if e.Named || dir == filepath.Dir(dockerfile) && !known {
				out = append(out, e)
			}
		}
		if len(out) > maxExamples {
			break
		}
	}
	return out
}

// isShort reports whether a flag is a letter, alone or with others.
func isShort(flag string, letter rune) bool {
	return len(flag) >= 2 && flag[1] != '-' && !runTakesValue[flag] && strings.ContainsRune(flag[1:], letter)
}

// callersMount returns where a mount of -v or --mount has a directory of the caller,
// "" where it has none or may not be written to.
func callersMount(spec string) string {
	if !strings.Contains(spec, callerDirWord) || strings.HasSuffix(spec, ":ro") || strings.Contains(spec, "readonly") {
		return ""
	}
	return mountTarget(spec)
}

// mountTarget returns where a mount of -v or --mount is in the container.
func mountTarget(spec string) string {
	if m := shortMountOf(spec); m != "" {
		return path.Clean(m)
	}
	for _, option := range strings.Split(spec, ",") {
		key, value, _ := strings.Cut(option, "=")
		if (key == "target" || key == "dst" || key == "destination") && strings.HasPrefix(value, "/") {
			return path.Clean(value)
		}
	}
	return ""
}

func shortMountOf(spec string) string {
	parts := strings.Split(spec, ":")
	if len(parts) < 2 || !strings.HasPrefix(parts[1], "/") {
		return ""
	}
	return parts[1]
}

// examplesOf returns the examples that are about a Dockerfile: those in its directory
// and above it, of its image by name or of some other.
func (r *Repository) examplesOf(dockerfile string) []Example {
	var out []Example
	for dir := range upwards(dockerfile) {
		for _, e := range r.examples[dir] {
			e := *e
			e.Named = e.image != "" && r.isNamed(dockerfile, e.image)
			out = append(out, e)
		}
		if len(out) > maxExamples {
			break
		}
	}
	return out
}

// isNamed reports whether an image is that of a Dockerfile: a build gives it the name,
// or its last part is that of the directory, or of the one above a version's.
func (r *Repository) isNamed(dockerfile, image string) bool {
	if makers := r.makers[plain(image)]; len(makers) > 0 {
		return slices.Contains(makers, dockerfile)
	}
	repo := repository(image)
	if slices.Contains(r.names(dockerfile), repo) {
		return true
	}
	dir := filepath.Dir(dockerfile)
	base := filepath.Base(dir)
	if versionDirectory.MatchString(base) {
		base = filepath.Base(filepath.Dir(dir))
	}
	return len(r.sharers[repo]) == 0 && base == path.Base(repo)
}

var versionDirectory = regexp.MustCompile(`^v?[0-9][\w.+-]*$|^latest$`)
