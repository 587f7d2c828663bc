package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/entry"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// commandLineTool refuses images that people run on their own files: whose user the
// image names, it is rarely the one that owns the directory they mount. The owner can
// name a user all the same.
func commandLineTool(p *Pass) *Refusal {
	if p.opts.User != "" || p.opts.UID != 0 || p.Entry.By == nil && !p.Entry.Set() {
		return nil
	}
	if name := p.emptyWorkshop(); name != "" {
		return &Refusal{Reason: CommandLineTool, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("%s works on the files of %s, where nothing of the image is: they are the caller's own, which another user cannot write", name, p.End.Workdir)}
	}
	if r := p.readsDataOf(); r != nil {
		return r
	}
	if len(p.End.Ports) > 0 {
		return nil
	}
	if ciWorkspaces[p.End.Workdir] {
		return &Refusal{Reason: CommandLineTool, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("the image works in %s, where a CI system mounts its workspace, which another user cannot write", p.End.Workdir),
			Hint:    "Leave the user to the CI system, or have its first step open the workspace."}
	}
	if where := p.mountsCaller(); where != "" {
		return &Refusal{Reason: CommandLineTool, Line: p.at(p.Entry.By), Message: where}
	}
	if where := p.exampleForCaller(); where != "" {
		return &Refusal{Reason: CommandLineTool, Line: p.at(p.Entry.By), Message: where}
	}
	if name := p.fromOutside(); name != "" {
		return &Refusal{Reason: CommandLineTool, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("%s is in no layer of the image: it comes with the caller's own files in %s, which another user cannot write", name, p.End.Workdir)}
	}
	if name := p.toolEntry(); name != "" {
		return &Refusal{Reason: CommandLineTool, Line: p.at(p.Entry.By),
			Message: fmt.Sprintf("the image is %s with nothing of its own to work on: people run it on their own files, which another user cannot write", name)}
	}
	return nil
}

// readsDataOf refuses a tool that opens the files of another service, for which it is given
// no account of its own here: only the one that owns those files, or root, can read them.
func (p *Pass) readsDataOf() *Refusal {
	c, ok := p.Entry.Main()
	service := c.OpensDataOf()
	if !ok || service == "" || p.choose().How != ChoiceNew {
		return nil
	}
	return &Refusal{Reason: CommandLineTool, Line: p.at(p.Entry.By),
		Message: fmt.Sprintf("%s opens the files of %s itself, and only the account of that service and root can read them", called(c), service),
		Hint:    "Run it with --user, the number of the account that owns the data: docker run --user 999:999 … To give it a user all the same, name one with --user or user: in .harden.yaml."}
}

// ciWorkspaces are where CI systems mount the checkout for the images of their steps, as
// root's (drone/drone-git#71; docs.github.com, Dockerfile support for GitHub Actions).
var ciWorkspaces = map[string]bool{"/drone/src": true, "/woodpecker/src": true, "/github/workspace": true, "/harness": true}

// filesOfCaller are working directories that images have for the files of who calls them.
var filesOfCaller = map[string]bool{"/data": true, "/work": true, "/workdir": true, "/files": true, "/mnt": true, "/documents": true, "/input": true}

// exampleForCaller returns what the example of the repository says that runs the image
// on the directory of the caller. One of another image tells how all images here are run, and
// counts where it mounts what this one has as its working directory for that. Where
// the mount hides what the file copies, a developer mounts the sources. An example that
// names no user says more than one that does.
func (p *Pass) exampleForCaller() string {
	found := ""
	for _, e := range p.opts.Siblings.Examples {
		where := p.onCallersFiles(e)
		if where != "" && !e.AsCaller {
			return where + whyNot(false)
		}
		if where != "" && found == "" {
			found = where + whyNot(true)
		}
	}
	return found
}

func (p *Pass) onCallersFiles(e Example) string {
	hides := slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return c.By.Stage == p.Stage && imagepath.Below(path.Clean(c.Dest), e.Target)
	})
	switch {
	case hides:
	case e.Named:
		return fmt.Sprintf("%s:%d runs the image on the caller's own files", e.File, e.Line)
	case e.Target == p.End.Workdir && filesOfCaller[e.Target] && len(p.End.Volumes) == 0:
		return fmt.Sprintf("the image works in %s, where %s:%d mounts the caller's own files", e.Target, e.File, e.Line)
	}
	return ""
}

// whyNot ends the sentence about where people run an image on their own files.
func whyNot(asCaller bool) string {
	if asCaller {
		return " and already sets the user: without that a bind mount could not be written"
	}
	return ", which another user cannot write"
}

// fromOutside returns the command of an image that starts a file in a volume of its own
// which no step fills: whoever runs the image brings it. "" when there is none.
func (p *Pass) fromOutside() string {
	dir := p.End.Workdir
	if !slices.Contains(p.End.Volumes, dir) || !p.declared(dir) || len(p.Entry.Argv) == 0 || p.End.Filled[dir] != nil {
		return ""
	}
	name := p.Entry.Argv[0]
	if s := p.End.Cmd; p.End.Entrypoint.Set() && len(s.Words) > 0 && s.Text == "" {
		name = s.Words[0] // an entry point that starts what it is given
	}
	if !strings.HasPrefix(name, "./") && !imagepath.Below(name, dir) {
		return ""
	}
	if slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
		return c.Opaque || imagepath.Below(path.Clean(c.Dest), dir) || imagepath.Below(dir, path.Clean(c.Dest))
	}) {
		return ""
	}
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword == "RUN" && (p.End.Before[in].Workdir == dir || strings.Contains(in.Original, dir)) {
				return ""
			}
		}
	}
	return name
}

// builders are tools that read a project in the working directory and write there what they
// make of it.
var builders = map[string]bool{"hugo": true, "jekyll": true, "mkdocs": true, "gatsby": true, "eleventy": true, "gulp": true, "grunt": true, "hexo": true,
	"gitbook": true, "sphinx-build": true, "sphinx-autobuild": true, "docusaurus": true, "middleman": true, "zola": true, "pelican": true, "nikola": true,
	"antora": true, "latexmk": true, "webpack": true, "ng": true, "ionic": true, "make": true, "npm": true, "yarn": true, "pnpm": true, "mvn": true, "gradle": true,
	"sbt": true, "lein": true, "cargo": true, "stack": true, "mix": true, "tox": true, "nox": true, "pytest": true, "rspec": true, "rake": true, "ant": true}

// emptyWorkshop returns the builder that the image starts in a directory which the file makes
// and into which no step brings anything: the project comes with a mount. "" for none.
func (p *Pass) emptyWorkshop() string {
	dir, tool := p.End.Workdir, path.Base(p.command())
	d := p.End.Dirs[dir]
	if !builders[tool] || p.ownCommand(p.command()) || d == nil || d.MadeBy == nil || imagepath.Standard[dir] || p.opts.Siblings.Services != nil || slices.ContainsFunc(p.End.Volumes, func(v string) bool { return imagepath.Below(dir, v) }) {
		return ""
	}
	for _, c := range p.End.Copies {
		if c.Opaque || imagepath.Below(path.Clean(c.Dest), dir) || imagepath.Below(dir, path.Clean(c.Dest)) {
			return ""
		}
	}
	named := regexp.MustCompile(`(^|[\s/"'=])` + regexp.QuoteMeta(path.Base(dir)) + `(\.git)?($|[\s/"';&|])`)
	for _, stage := range p.Chain {
		for _, in := range stage.Instructions {
			switch {
			case in.Keyword != "RUN":
			case fetchesSources.MatchString(in.Original) && imagepath.Below(p.End.Before[in].Workdir, dir), named.MatchString(makesDir.ReplaceAllString(in.Original, "")):
				return ""
			case imagepath.Below(p.End.Before[in].Workdir, dir) && leavesFiles.MatchString(in.Original):
				return ""
			}
		}
	}
	return tool
}

// makesDir matches a mkdir with its arguments.
var makesDir = regexp.MustCompile(`\bmkdir\s[^&|;\n]*`)

// leavesFiles matches what a step does in its working directory that leaves files there.
var leavesFiles = regexp.MustCompile(`\b(curl|wget|tar|unzip|cp|mv|new|init|create|clone|npm|yarn|pnpm|composer|bundle)\b`)

// command is the first word of the command, or of its text in the shell form.
func (p *Pass) command() string {
	argv := p.Entry.Argv
	if text, ok := shellcmd.ShellText(argv); ok {
		argv = strings.Fields(text)
	}
	for _, w := range argv {
		if w != "exec" && !strings.HasPrefix(w, "-") && path.Base(w) != "tini" && path.Base(w) != "dumb-init" {
			return w
		}
	}
	return ""
}

// mountsCurrent is a docker run that mounts the caller's directory.
var mountsCurrent = regexp.MustCompile("(docker|podman) +run [^\\n]*(-v|--volume|--mount)[ =][^\\n ]*(\\$\\(pwd\\)|\\$\\{?PWD\\}?|`pwd`|%cd%)[^\\n ]*")

// service are options that people give to what keeps running: its mounts hold
// configuration and data.
var service = regexp.MustCompile(` (-[a-z]*d[a-z]*|--detach|-p|--publish|--restart|-u|--user)[ =]`)

// asCallerUser is a user that is the caller's own: it says once more whose the files are.
var asCallerUser = regexp.MustCompile("(?:-u|--user)[ =]\"?(?:\\$\\(id -u[^)]*\\)|`id -u[^`]*`|\\$\\{?UID\\b)")

// mountsCaller returns where people are told to run the image on the directory that
// they stand in: a comment or label of the file, or the README beside it. A command that
// names no user says more than one that does.
func (p *Pass) mountsCaller() string {
	found := ""
	consider := func(text, where string, args ...any) bool {
		line, asCaller := mounts(text)
		if line == 0 || asCaller && found != "" {
			return false
		}
		found = strings.ReplaceAll(fmt.Sprintf(where, args...), "LINE", strconv.Itoa(line)) + " runs the image on the caller's own files" + whyNot(asCaller)
		return !asCaller
	}
	for _, c := range p.Doc.Comments {
		if consider(c.Text, "the comment in line %d", c.Line) {
			return found
		}
	}
	for _, in := range p.Stage.Instructions {
		if in.Keyword == "LABEL" && consider(in.Original, "the label in line %d", in.Line) {
			return found
		}
	}
	if p.Context == nil {
		return found
	}
	for _, name := range []string{"README.md", "README", "README.rst", "README.txt", "README.adoc", "readme.md"} {
		if text, ok := content.ReadText(p.Context, name); ok && consider(text, "%s:LINE of the build context", name) {
			return found
		}
	}
	return found
}

// mounts returns the line of a text that mounts the current directory into what does not
// keep running, and for writing, 0 when none does, and whether the command names the
// caller as the user. One that does not is preferred.
func mounts(text string) (line int, asCaller bool) {
	text = strings.ReplaceAll(text, "\\\n", " \r") // the same length, and a mark for the line
	for _, m := range mountsCurrent.FindAllStringIndex(text, -1) {
		command := text[m[0]:]
		if end := strings.IndexByte(command, '\n'); end >= 0 {
			command = command[:end]
		}
		mount := strings.Trim(text[m[0]:m[1]], "\"'`")
		plain := asCallerUser.ReplaceAllString(command, "")
		if service.MatchString(plain) || strings.HasSuffix(mount, ":ro") || strings.Contains(mount, "readonly") {
			continue
		}
		own := plain != command
		if own && asCaller {
			continue
		}
		line, asCaller = 1+strings.Count(text[:m[0]], "\n")+strings.Count(text[:m[0]], "\r"), own
		if !own {
			break
		}
	}
	return line, asCaller
}

// tools are programs that work on the files of who calls them, and keep none. The
// interpreters are only where they are given no script.
var tools = wordSet(`
	aws az gcloud gsutil bq doctl oc kubectl helm kustomize terraform tofu terragrunt packer pulumi ansible ansible-playbook ansible-lint
	pandoc asciidoctor pdflatex xelatex latexmk ffmpeg ffprobe convert magick exiftool youtube-dl yt-dlp
	hadolint shellcheck shfmt yamllint eslint prettier stylelint tslint jshint markdownlint black flake8 pylint mypy ruff rubocop golangci-lint
	gofmt clang-format clang-tidy phpcs phpcbf phpstan phpunit php-cs-fixer composer sass protoc buf swagger-codegen openapi-generator jq yq
	git hub gh svn sops age gpg trivy grype syft snyk semgrep npm npx yarn pnpm mvn gradle sbt make cmake go cargo dotnet
	rsync rclone s3cmd restic borg serverless sls`,
	// Clouds: docs.aws.amazon.com/serverless-application-model (sam), docs.aws.amazon.com/cdk, github.com/aws/copilot-cli, github.com/wallix/awless,
	// learn.microsoft.com/azure/developer/azure-developer-cli, github.com/hetznercloud/cli, fly.io/docs/flyctl, firebase.google.com/docs/cli,
	// docs.netlify.com/cli, developers.cloudflare.com/workers/wrangler, github.com/scaleway/scaleway-cli, docs.oracle.com (oci-cli)
	`sam cdk cdktf copilot eb cfn-lint awless aws-vault azd hcloud flyctl firebase netlify wrangler scw oci linode-cli`,
	// Clusters: github.com/eksctl-io/eksctl, argo-cd.readthedocs.io (argocd), fluxcd.io/flux/cmd, github.com/helmfile/helmfile, istio.io (istioctl),
	// kops.sigs.k8s.io, github.com/bitnami-labs/sealed-secrets, velero.io, github.com/stern/stern, tekton.dev/docs/cli (tkn), github.com/yannh/kubeconform
	`eksctl argocd flux helmfile istioctl linkerd kops kubeseal velero stern k9s tkn kubeval kubeconform conftest helm-docs`,
	// Machines: docs.ansible.com/ansible/latest/command_guide, ansible.readthedocs.io (molecule), tfsec.dev, github.com/terraform-linters/tflint,
	// checkov.io, infracost.io/docs, terraform-docs.io
	`ansible-galaxy ansible-vault ansible-inventory ansible-pull ansible-console ansible-doc ansible-navigator molecule tfsec tflint checkov infracost terraform-docs`,
	// Images: github.com/google/go-containerregistry, github.com/containers/skopeo, oras.land, docs.sigstore.dev (cosign)
	`crane gcrane skopeo oras cosign`,
	// Packages and documents: fpm.readthedocs.io, secure.phabricator.com/book/phabricator (arc), guide.elm-lang.org, docs.clamav.net (clamscan),
	// docs.phalcon.io (phalcon), github.com/laurilehmijoki/s3_website
	`fpm arc elm elm-package clamscan phalcon s3_website opam`,
	// Interpreters: jython.org, jruby.org, groovy-lang.org, docs.scala-lang.org, clojure.org, racket-lang.org, julialang.org, octave.org,
	// cran.r-project.org, downloads.haskell.org (runghc, ghci), pypy.org, lua.org, tcl.tk
	`jython jruby groovy groovysh scala clojure clj racket julia octave R Rscript runghc ghci pypy pypy3 lua luajit tclsh python python2 python3 ruby perl node php`,
)

func wordSet(lists ...string) map[string]bool {
	m := map[string]bool{}
	for _, list := range lists {
		for name := range strings.FieldsSeq(list) {
			m[name] = true
		}
	}
	return m
}

// startsTool are words that stand before the tool in an ENTRYPOINT.
var startsTool = map[string]bool{"tini": true, "dumb-init": true, "--": true, "-g": true, "-s": true, "env": true, "bundle": true, "exec": true}

// ownCommand reports whether the file makes a script of that name, whatever other program is
// called so.
func (p *Pass) ownCommand(name string) bool {
	r := &entry.Reader{Image: p.Image, Dir: p.End.Workdir}
	return r.IsOwnScript(name) || r.Printed(name) != ""
}

// filesOfTools matches names of files that such tools work on, where none is in the image.
var filesOfTools = regexp.MustCompile(`^(\./)?\w[\w./-]*\.(ya?ml|tf|hcl)$`)

// toolEntry returns the tool that ENTRYPOINT starts with whatever arguments it is
// given, in an image into which the file copies nothing for it to work on.
func (p *Pass) toolEntry() string {
	argv := p.End.Entrypoint.Words
	if p.End.Entrypoint.Text != "" || p.bringsWork() {
		return ""
	}
	for len(argv) > 1 && startsTool[path.Base(argv[0])] {
		argv = argv[1:]
	}
	if len(argv) == 0 {
		return ""
	}
	name := path.Base(argv[0])
	for _, w := range slices.Concat(argv[1:], p.End.Cmd.Words) {
		if !strings.HasPrefix(w, "-") && w != "help" && w != "version" && !filesOfTools.MatchString(w) {
			return "" // it has its work
		}
	}
	if !tools[name] && !builders[name] && !p.installedTool(name) || p.ownCommand(argv[0]) {
		return ""
	}
	return name
}

// bringsWork reports whether the file, or an ONBUILD of its base, puts something into the
// working directory or into a volume. One that is empty is for what the caller mounts there.
func (p *Pass) bringsWork() bool {
	if len(p.Base.Config.OnBuild) > 0 {
		return true
	}
	fills := func(dir string) bool {
		return p.End.Filled[dir] != nil || slices.ContainsFunc(p.End.Copies, func(c simulate.Copy) bool {
			return c.By.Stage == p.Stage && (c.Opaque || imagepath.Below(path.Clean(c.Dest), dir))
		}) || p.stepFills(dir)
	}
	return p.End.Workdir != "/" && fills(p.End.Workdir) || slices.ContainsFunc(p.End.Volumes, fills)
}

// bringing is a command that brings files from elsewhere to the place it names.
var bringing = regexp.MustCompile(`\b(?:cp|mv|clone|tar|unzip|rsync)\s[^&|;\n]*`)

// stepFills reports whether a step brings files into a directory by its name.
func (p *Pass) stepFills(dir string) bool {
	return dir != "/" && slices.ContainsFunc(p.Stage.Instructions, func(in *dockerfile.Instruction) bool {
		return in.Keyword == "RUN" && strings.Contains(in.Original, dir) && slices.ContainsFunc(bringing.FindAllString(in.Original, -1), func(c string) bool {
			return slices.ContainsFunc(strings.Fields(c), func(w string) bool { return imagepath.Below(path.Clean(w), dir) })
		})
	})
}
