package siblings

import (
	"path/filepath"
	"regexp"
	"strings"
)

// isWorkflow reports whether a path is that of a GitHub workflow.
func isWorkflow(file string) bool {
	ext := filepath.Ext(file)
	return (ext == ".yml" || ext == ".yaml") && strings.HasSuffix(filepath.ToSlash(filepath.Dir(file)), ".github/workflows")
}

// workflow reads which images a GitHub workflow builds of which Dockerfiles: with
// docker/build-push-action, whose paths are relative to the root of the repository, or
// with commands. A file that is not understood says nothing, and is nobody's mistake.
func (r *reader) workflow(f File, src []byte) error {
	if len(src) > maxScript || !namesBuilder(src) {
		return nil
	}
	doc, err := parseYAML(src)
	if err != nil {
		return nil
	}
	root := filepath.Dir(filepath.Dir(filepath.Dir(f.Abs)))
	global := environment(doc.get("env"), nil)
	for _, job := range doc.get("jobs").entries() {
		env := environment(job.value.get("env"), global)
		published := map[string][]string{} // by metadata-action
		for _, step := range job.value.get("steps").list() {
			with := step.get("with")
			uses, _ := step.get("uses").scalar()
			run, _ := step.get("run").scalar()
			switch action, version, _ := strings.Cut(uses, "@"); {
			case action == "docker/metadata-action":
				id, _ := step.get("id").scalar()
				published[id] = imagesOf(with.get("images"), env)
			case action == "docker/build-push-action" && (version == "v1" || strings.HasPrefix(version, "v1.")):
				r.pushedFirst(root, with, env)
			case action == "docker/build-push-action":
				r.pushed(root, with, env, published)
			case run != "" && step.get("working-directory").n == nil && !changesDirectory.MatchString(run):
				text := joinLines(run)
				r.commands([]string{root}, text, merged(env, literals(text)))
			}
		}
	}
	return nil
}

// pushed learns from the inputs of docker/build-push-action (its README, Inputs).
func (r *reader) pushed(root string, with node, env map[string]string, published map[string][]string) {
	c := &command{context: "."}
	args, _ := with.get("build-args").scalar()
	for line := range strings.Lines(args) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			c.args = append(c.args, name)
		}
	}
	if !readInputs(with, env, map[string]*string{"context": &c.context, "file": &c.file, "target": &c.target}) {
		r.pushedFamily(root, with, env)
		return
	}
	c.images = imagesOf(with.get("tags"), env)
	if text, _ := with.get("tags").scalar(); len(c.images) == 0 {
		if m := metadataTags.FindStringSubmatch(text); m != nil {
			c.images = published[m[1]]
		}
	}
	r.command([]string{root}, c)
}

// readInputs reads the inputs of an action that are there, and reports whether all of them
// are known and none is of another repository.
func readInputs(with node, env map[string]string, into map[string]*string) bool {
	for key, value := range into {
		text, written := with.get(key).scalar()
		if !written {
			continue
		}
		var known bool
		if *value, known = inWorkflow(text, env); !known || isRemote(*value) {
			return false
		}
	}
	return true
}

// pushedFirst learns from the inputs of the first version of docker/build-push-action,
// which had other names for them and the repository beside the tags.
func (r *reader) pushedFirst(root string, with node, env map[string]string) {
	c := &command{context: "."}
	args, _ := with.get("build_args").scalar()
	for arg := range strings.SplitSeq(args, ",") {
		if name, _, ok := strings.Cut(strings.TrimSpace(arg), "="); ok {
			c.args = append(c.args, name)
		}
	}
	var repo, registry, tags string
	if !readInputs(with, env, map[string]*string{"path": &c.context, "dockerfile": &c.file, "target": &c.target, "repository": &repo, "registry": &registry, "tags": &tags}) {
		return
	}
	for tag := range strings.SplitSeq(tags, ",") {
		if image := strings.TrimPrefix(registry+"/"+repo+":"+strings.TrimSpace(tag), "/"); isImage(image) && len(c.images) < maxNames {
			c.images = append(c.images, image)
		}
	}
	r.command([]string{root}, c)
}

var (
	metadataTags = regexp.MustCompile(`^\s*\$\{\{\s*steps\.([\w-]+)\.outputs\.tags\s*\}\}\s*$`)
	envReference = regexp.MustCompile(`\$\{\{\s*env\.([A-Za-z_]\w*)\s*\}\}`)
)

// inWorkflow replaces the variables that the file itself gives a value. known is false
// when there are others.
func inWorkflow(text string, env map[string]string) (out string, known bool) {
	known = true
	out = envReference.ReplaceAllStringFunc(text, func(m string) string {
		value, ok := env[envReference.FindStringSubmatch(m)[1]]
		known = known && ok
		return value
	})
	return out, known && !strings.Contains(out, "${{")
}

// imagesOf returns the images of a list, one a line or between commas.
func imagesOf(n node, env map[string]string) []string {
	text, _ := n.scalar()
	var images []string
	for _, item := range strings.FieldsFunc(text, func(c rune) bool { return c == '\n' || c == ',' }) {
		image, known := inWorkflow(strings.TrimSpace(item), env)
		if image = strings.TrimPrefix(image, "name="); known && isImage(image) && len(images) < maxNames {
			images = append(images, image)
		}
	}
	return images
}

// environment returns the variables with a literal value, over those of outer.
func environment(n node, outer map[string]string) map[string]string {
	env := map[string]string{}
	for _, e := range n.entries() {
		value, _ := e.value.scalar()
		if literal.MatchString(value) {
			env[e.key] = value
		}
	}
	return merged(outer, env)
}

// merged returns the variables of both, those of over instead of those of below.
func merged(below, over map[string]string) map[string]string {
	out := map[string]string{}
	for _, vars := range []map[string]string{below, over} {
		for name, value := range vars {
			out[name] = value
		}
	}
	return out
}
