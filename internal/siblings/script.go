package siblings

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Bounds on what strangers wrote.
const (
	maxScript   = 256 << 10 // bytes
	maxCommands = 200       // of one file that build an image
	maxAbove    = 3         // directories in which a script may be started
)

// isScript reports whether a file name is that of a shell script or a makefile.
func isScript(name string) bool { return filepath.Ext(name) == ".sh" || isMakefile(name) }

func isMakefile(name string) bool {
	return name == "Makefile" || name == "makefile" || name == "GNUmakefile" || filepath.Ext(name) == ".mk"
}

// script reads which images a shell script or a makefile builds of which Dockerfiles.
// Only their names are learned: a script may build for a test.
func (r *reader) script(f File, src []byte) error {
	if filepath.Base(f.Abs) == officialScript {
		r.repo.libraries[filepath.Dir(f.Abs)] = f.Path
	}
	if len(src) > maxScript {
		return nil
	}
	r.generator(f, string(src))
	if !namesBuilder(src) && !isMakefile(filepath.Base(f.Abs)) {
		return nil
	}
	dir := filepath.Dir(f.Abs)
	text := joinLines(string(src))
	vars := literals(text)
	if isMakefile(filepath.Base(f.Abs)) {
		r.imageVariable(dir, vars)
		r.commands([]string{dir}, text, vars)
		r.examples(f, string(src), vars)
		return nil
	}
	r.commands(startDirectories(dir, text), text, vars)
	return nil
}

func namesBuilder(src []byte) bool {
	for _, word := range []string{"docker", "podman", "buildah"} {
		if bytes.Contains(src, []byte(word)) {
			return true
		}
	}
	return false
}

// joinLines puts lines that end in a backslash together with the next.
func joinLines(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\\\n", " ")
}

var (
	changesDirectory = regexp.MustCompile(`(?m)(?:^|[;&|({]|\b(?:then|do|else))[ \t]*(?:cd|pushd)[ \t]+([^\n;&|)]*)`)
	ownDirectory     = regexp.MustCompile(`dirname|BASH_SOURCE|\$\{?0|(?i)script_?dir`)
)

// startDirectories returns the directories that a script may run in: its own, when it
// goes there, or any of those above it. Where it goes elsewhere nobody knows.
func startDirectories(dir, text string) []string {
	own := false
	for _, m := range changesDirectory.FindAllStringSubmatch(text, maxCommands) {
		if !ownDirectory.MatchString(m[1]) || strings.Contains(m[1], "..") {
			return nil
		}
		own = true
	}
	dirs := []string{dir}
	for len(dirs) < maxAbove && !own && filepath.Dir(dir) != dir {
		dir = filepath.Dir(dir)
		dirs = append(dirs, dir)
	}
	return dirs
}

// assignment is NAME=value of a shell and NAME := value of make, with a value that
// needs no evaluation, or another one.
var (
	assignment = regexp.MustCompile(`(?m)^[ \t]*(?:(?:export|readonly|local|declare)[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*[:?]?=[ \t]*([^\n]*)$`)
	literal    = regexp.MustCompile(`^(?:"([A-Za-z0-9._/:@-]+)"|'([A-Za-z0-9._/:@-]+)'|([A-Za-z0-9._/:@-]+))[ \t]*(?:#.*)?$`)
)

// literals returns the variables that a text gives one value, and that literally.
func literals(text string) map[string]string {
	vars := map[string]string{}
	for _, m := range assignment.FindAllStringSubmatch(text, 1000) {
		value := ""
		if l := literal.FindStringSubmatch(m[2]); l != nil {
			value = l[1] + l[2] + l[3]
		}
		if old, seen := vars[m[1]]; seen && old != value {
			value = ""
		}
		vars[m[1]] = value
	}
	for name, value := range vars {
		if value == "" {
			delete(vars, name)
		}
	}
	return vars
}

// imageVariable learns from a makefile that calls its image REPO or IMAGE, as many do
// that share the rules of one in another directory.
func (r *reader) imageVariable(dir string, vars map[string]string) {
	var images []string
	for _, name := range []string{"REPO", "IMAGE", "IMAGE_NAME", "DOCKER_IMAGE"} {
		if image := vars[name]; strings.Contains(image, "/") && isImage(image) && !slices.Contains(images, image) {
			images = append(images, image)
		}
	}
	if file := filepath.Join(dir, "Dockerfile"); len(images) == 1 && isFile(file) {
		r.repo.name(file, name{image: images[0]})
	}
}

var buildCommand = regexp.MustCompile(`(?:\b(?:docker|podman)(?:[ \t]+(?:buildx|image))?[ \t]+build|\bbuildah[ \t]+(?:bud|build))[ \t]+([^\n;&|]*)`)

// inDirectory is what stands before a command that runs in another directory.
var inDirectory = regexp.MustCompile(`(?:^|[ \t;&(@])cd[ \t]+([A-Za-z0-9._/-]+)[ \t]*(?:&&|;)`)

// commands learns from the commands of a text that build images, and that run in one
// of these directories.
func (r *reader) commands(dirs []string, text string, vars map[string]string) {
	left := maxCommands
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		at := buildCommand.FindStringSubmatchIndex(line)
		if at == nil {
			continue
		}
		if left--; left < 0 {
			return
		}
		in := dirs
		if cd := inDirectory.FindStringSubmatch(line[:at[0]]); cd != nil {
			in = within(dirs, cd[1])
		}
		if c := parseBuild(line[at[2]:at[3]], vars); c != nil {
			r.command(in, c)
		}
	}
}

func within(dirs []string, name string) []string {
	var out []string
	for _, dir := range dirs {
		out = append(out, resolve(dir, name))
	}
	return out
}

// A command is a command that builds an image, as far as its words are known.
type command struct {
	context, file, target string
	images                []string
	args                  []string // names of build arguments
}

// command records what a command names. It says nothing when the Dockerfile is in
// none of the directories, or in several.
func (r *reader) command(dirs []string, c *command) {
	var found []string
	for _, dir := range dirs {
		file := filepath.Join(resolve(dir, c.context), "Dockerfile")
		if c.file != "" {
			file = resolve(dir, c.file)
		}
		if !slices.Contains(found, file) && isFile(file) {
			found = append(found, file)
		}
	}
	if len(found) != 1 {
		return
	}
	for _, image := range c.images {
		r.repo.name(found[0], name{image: image, target: strings.ToLower(c.target), args: strings.Join(c.args, ",")})
	}
}

// takesValue are the flags of docker build, podman build and buildah that are followed
// by a value, unless it is behind an equals sign.
var takesValue = map[string]bool{
	"-t": true, "--tag": true, "-f": true, "--file": true, "--target": true, "--build-arg": true, "--build-context": true, "--builder": true,
	"--platform": true, "--label": true, "--network": true, "--cache-from": true, "--cache-to": true, "-o": true, "--output": true, "--progress": true,
	"--secret": true, "--ssh": true, "--add-host": true, "-m": true, "--memory": true, "--shm-size": true, "--ulimit": true, "--iidfile": true,
	"--metadata-file": true, "--isolation": true, "--cgroup-parent": true, "--format": true, "-v": true, "--volume": true, "--annotation": true,
	"--attest": true, "--allow": true, "--cpuset-cpus": true, "--security-opt": true, "--layers": true, "--jobs": true, "--arch": true, "--os": true,
}

// parseBuild reads the words of a command behind "build". It returns nil where the
// build context is not known, or nothing is named.
func parseBuild(line string, vars map[string]string) *command {
	c := &command{}
	var contexts []string
	words := splitLine(substitution.ReplaceAllString(line, "$$_"))
	for i := 0; i < len(words); i++ {
		flag, value, hasValue := strings.Cut(words[i], "=")
		switch {
		case strings.ContainsAny(words[i], "<>"):
			i = len(words) // a redirection
			continue
		case !strings.HasPrefix(flag, "-"):
			if context, known := expand(words[i], vars); known {
				contexts = append(contexts, context)
			} else if !variableAlone.MatchString(words[i]) {
				return nil
			}
			continue
		case !hasValue && takesValue[flag] && i+1 < len(words):
			i++
			value = words[i]
		}
		value, known := expand(value, vars)
		switch flag {
		case "-t", "--tag":
			if known && isImage(value) {
				c.images = append(c.images, value)
			}
		case "-f", "--file":
			c.file = value
		case "--target":
			c.target = value
		case "--build-arg":
			arg, _, _ := strings.Cut(value, "=")
			c.args = append(c.args, arg)
			continue
		default:
			continue
		}
		if !known && flag != "-t" && flag != "--tag" {
			return nil
		}
	}
	if len(contexts) != 1 || contexts[0] == "-" || isRemote(contexts[0]) || len(c.images) == 0 {
		return nil
	}
	c.context = contexts[0]
	return c
}

var (
	shellVariable = regexp.MustCompile(`\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|\(([A-Za-z_][A-Za-z0-9_]*)\)|([A-Za-z_][A-Za-z0-9_]*))`)
	substitution  = regexp.MustCompile("\\$\\([^()]*[ \t][^()]*\\)|`[^`]*`") // of a command's output: one word
	variableAlone = regexp.MustCompile(`^\$[\w({][^/]*$`)                    // it may stand for flags
	imageForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*(?::[0-9]+)?(?:/[a-z0-9][a-z0-9._-]*)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$`)
)

// expand replaces the variables of a word. known is false when there is something in
// it that a shell would have to evaluate.
func expand(word string, vars map[string]string) (out string, known bool) {
	word = strings.ReplaceAll(word, "$$", "$") // make's
	if strings.ReplaceAll(word, "{}", "") == "$PWD" || word == "${PWD}" || word == "$(PWD)" || word == "$(CURDIR)" {
		return ".", true
	}
	known = true
	out = shellVariable.ReplaceAllStringFunc(word, func(m string) string {
		g := shellVariable.FindStringSubmatch(m)
		value := vars[g[1]+g[2]+g[3]]
		known = known && value != ""
		return value
	})
	return out, known && !strings.ContainsAny(out, "$`*?{}()")
}

func isImage(s string) bool { return len(s) < 256 && imageForm.MatchString(s) }
