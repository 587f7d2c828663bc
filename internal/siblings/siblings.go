// Package siblings reads what lies around Dockerfiles and says something about
// the images they build: Compose files, Bake files, and action.yml; and, for the
// names of the images and how people run them, workflows, shell scripts, makefiles
// and READMEs.
//
// Nothing here is an error. A file that cannot be read, a value that depends
// on the environment, a key that is not known: the fact is missing, and the
// Dockerfile is hardened without it.
//
// Compose files are read as YAML nodes rather than through compose-go, which
// knows no lines, gives up the whole file for one value it cannot interpolate,
// and takes 5 ms at every start of the program for its schema. A test compares
// the two.
package siblings

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// A File is one file to read.
type File struct {
	Path string // for messages, slash-separated
	Abs  string
	Read func() ([]byte, error)
	// Quiet says that nobody needs to know when it is not understood.
	Quiet bool
}

// A Build is one way in which a repository builds a Dockerfile.
type Build struct {
	File string // that says so, for messages
	Line int

	Dockerfile string // absolute
	Context    string // absolute
	Target     string
	Args       map[string]string // those with a value that is known
	Platforms  []string
	Images     []string          // names that the image gets
	Contexts   map[string]string // names that stand for the images of other Dockerfiles, absolute
	Action     bool              // it is a GitHub Action
	Service    *Service          // of a Compose file, or a command in a README
	Named      string            // image by which a service names it without building it

	development bool // for a developer's machine or a test
}

// A Service is what a Compose file asks of a container of the image.
type Service struct {
	Name                string
	User                string
	Privileged          bool
	CapAdd              []string
	Devices             []string // of the host, by path; none where group_add says who may open them
	Syncs               []string // where docker compose watch copies changed files to
	Seccomp             string   // its seccomp profile, "" for the engine's
	Binds, Volumes      []Mount
	HostFiles           []HostFile // that only their owner may read, or that may be closed so
	OtherBinds          int        // mounts of the host for writing, of which nobody knows where they go
	Entrypoint, Command []string
	// Environment has the variables whose values are paths, or URLs of files: others may
	// be secrets, and say nothing of where the program writes.
	Environment map[string]string
	Ports       []int // of the container
}

// A Mount is one mount of a service.
type Mount struct {
	Source, Target string
	ReadOnly       bool
}

// A Repository is what all files say together.
type Repository struct {
	builds map[string][]*Build // by Dockerfile
	runs   map[string][]*Build // by Dockerfile, services that name its image without building it
	from   map[string][]string // by Dockerfile
	of     map[string][]user   // of images, by repository
	users  map[string][]user   // of images, by the directories that they may be made in

	named       map[string][]name      // by Dockerfile, what its image is called
	makers      map[string][]string    // Dockerfiles, by the images that are made of them
	sharers     map[string][]string    // Dockerfiles, by the repositories of those images
	labels      map[string][]string    // Dockerfiles, by the repositories that their labels name
	inDirectory map[string][]string    // Dockerfiles, by the name of their directory
	examples    map[string][]*Example  // by the directory that they are in
	homes       map[string][]*Example  // what mounts something into root's home, by the directory that it is about
	documented  map[string][]*Build    // services of READMEs and makefiles, by the directory that they are in
	contextual  []string               // Dockerfiles that are built with other Dockerfiles' images as contexts
	collection  sync.Once              // asks whether directories are called by owners
	collected   bool                   // they are
	children    sync.Map               // Dockerfiles, by that whose image they seem to be FROM
	syncs       map[string][]Sync      // by Dockerfile, where developers' tools copy changed files to
	generators  map[string][]generator // scripts that make Dockerfiles, by their directory
	shown       map[string][]Shown     // what Dockerfiles in READMEs are FROM, by the directory that they are about
	families    []family               // images of which only the build knows the Dockerfile
	libraries   map[string]string      // scripts that publish official images, by their directory
	notes       []string
}

// A user is a Dockerfile that is FROM an image.
type user struct{ dockerfile, ref string }

// A kind is a kind of file, by its name.
type kind struct {
	is   func(file string) bool
	read func(*reader, File, []byte) error
}

func kinds() []kind {
	return []kind{
		{named(isCompose), (*reader).compose},
		{named(isBake), (*reader).bake},
		{named(isAction), (*reader).action},
		{isWorkflow, (*reader).workflow},
		{named(isSkaffold), (*reader).skaffold},
		{named(isScript), (*reader).script},
		{named(isReadme), (*reader).readme},
	}
}

// named makes a test of paths of one of names.
func named(is func(name string) bool) func(file string) bool {
	return func(file string) bool { return is(filepath.Base(file)) }
}

// Wanted reports whether a file of that path says anything.
func Wanted(file string) bool {
	return slices.ContainsFunc(kinds(), func(k kind) bool { return k.is(file) })
}

// A reader reads files into a Repository.
type reader struct {
	repo     *Repository
	files    map[string]File // by absolute path
	composes map[string]*composeFile
	unbuilt  []*Build // services with an image and without a build
}

// Read reads the files, in their order.
func Read(files []File) *Repository {
	r := &reader{
		repo:     newRepository(),
		files:    map[string]File{},
		composes: map[string]*composeFile{},
	}
	for _, f := range files {
		r.files[f.Abs] = f
	}
	for _, f := range files {
		r.read(f)
	}
	for _, b := range r.unbuilt {
		if b.Dockerfile = r.namedBy(b); b.Dockerfile != "" {
			r.repo.runs[b.Dockerfile] = append(r.repo.runs[b.Dockerfile], b)
		}
	}
	return r.repo
}

func newRepository() *Repository {
	return &Repository{
		builds: map[string][]*Build{}, runs: map[string][]*Build{}, from: map[string][]string{}, of: map[string][]user{}, users: map[string][]user{},
		named: map[string][]name{}, makers: map[string][]string{}, sharers: map[string][]string{}, labels: map[string][]string{}, inDirectory: map[string][]string{},
		examples: map[string][]*Example{}, documented: map[string][]*Build{}, homes: map[string][]*Example{},
		syncs: map[string][]Sync{}, generators: map[string][]generator{}, shown: map[string][]Shown{}, libraries: map[string]string{},
	}
}

func (r *reader) read(f File) {
	for _, k := range kinds() {
		if !k.is(f.Abs) {
			continue
		}
		src, err := f.Read()
		if err == nil {
			err = k.read(r, f, src)
		}
		if err != nil && !f.Quiet {
			r.repo.notes = append(r.repo.notes, f.Path+": not understood, so what it says is left out: "+err.Error())
		}
		return
	}
}

// add records a build.
func (r *reader) add(b *Build) {
	b.Dockerfile, b.Context = filepath.Clean(b.Dockerfile), filepath.Clean(b.Context)
	r.repo.builds[b.Dockerfile] = append(r.repo.builds[b.Dockerfile], b)
	if len(b.Contexts) > 0 && !slices.Contains(r.repo.contextual, b.Dockerfile) {
		r.repo.contextual = append(r.repo.contextual, b.Dockerfile)
	}
	for _, image := range b.Images {
		r.repo.name(b.Dockerfile, name{image: image, target: b.Target})
	}
}

// addContext records that a name stands for the image of another build.
func (b *Build) addContext(name string, base *Build) {
	if base == nil {
		return
	}
	if b.Contexts == nil {
		b.Contexts = map[string]string{}
	}
	b.Contexts[name] = base.Dockerfile
}

// Notes returns what could not be read, in the order of the files.
func (r *Repository) Notes() []string { return r.notes }

// isRemote reports whether a build context is not a directory of this machine:
// a repository or an archive somewhere (docs.docker.com, Build context).
func isRemote(context string) bool {
	return strings.Contains(context, "://") || strings.HasPrefix(context, "git@") ||
		strings.HasPrefix(context, "github.com/") || strings.HasSuffix(path.Base(context), ".git")
}

// isDevelopment reports whether a file describes how the image runs on a
// developer's machine or in a test, by its name and place: what it asks for
// says little about the image elsewhere.
func isDevelopment(file string) bool {
	if strings.Contains(file, "/.devcontainer/") || strings.HasPrefix(file, ".devcontainer/") {
		return true
	}
	return slices.ContainsFunc(words(path.Base(file)), func(w string) bool { return developmentWords[w] })
}

var developmentWords = map[string]bool{
	"dev": true, "devel": true, "develop": true, "development": true, "devcontainer": true, "local": true, "override": true,
	"test": true, "tests": true, "testing": true, "ci": true, "e2e": true, "integration": true, "debug": true, "bench": true, "lint": true,
}

func splitPath(file string) []string { return strings.Split(file, "/") }

func words(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune(".-_ ", r) })
}
