package rewrite

// Siblings is what the repository around a Dockerfile says about the image
// that is built from it: Compose and Bake files, action.yml, other Dockerfiles.
// The zero value says nothing.
type Siblings struct {
	// GitHubAction is the action.yml that runs this Dockerfile, "" when none.
	GitHubAction string
	// Children are the Dockerfiles of the repository whose FROM names this image.
	Children []string
	// BaseBy says what shows that others build on the image: "README.md:8 shows how to build
	// on this image". It is "" where nothing does.
	BaseBy string
	// Services are the Compose services that build this Dockerfile.
	Services []Service
	// Builds are the ways in which the Dockerfile is built, where they give a build
	// argument different values.
	Builds []Build
	// Examples are the commands in READMEs and makefiles, beside the Dockerfile and
	// above it, that run an image on the directory of who calls them.
	Examples []Example
	// Syncs are where tools for developers copy changed files to in a running container.
	Syncs []Sync
	// Homes are the commands there that mount something into root's home in a container
	// of this image.
	Homes []Example
	// Template is what Generator, a script, makes the Dockerfile from, "" when none does.
	Template, Generator string
}

// An Example is a command that runs an image on the caller's own files.
type Example struct {
	File   string
	Line   int
	Target string // where the caller's directory is in the container
	Named  bool   // the image is this one, by its name; otherwise any
	// AsCaller says that the command names the caller as the user.
	AsCaller bool
}

// A Sync is a place that a tool copies changed files to, as the user of the container.
type Sync struct {
	File   string
	Line   int
	Tool   string // "skaffold dev"
	Target string // relative to the working directory where it is not absolute; "" is where the Dockerfile copies to
}

// A Service is what a Compose file, or a command in a README or a makefile, asks of a container of this
// image.
type Service struct {
	File       string // that says so
	Line       int
	Name       string // "" for a command in a README
	User       string // "" when not set
	Privileged bool
	CapAdd     []string
	Seccomp    string     // its seccomp profile, "" for the engine's
	Devices    []string   // of the host, by path, for which it names no group
	Syncs      []string   // where docker compose watch copies changed files to
	BindMounts []Mount    // directories of the host
	OtherBinds int        // more of them, of which nobody knows where they go
	Volumes    []Mount    // named volumes
	HostFiles  []HostFile // files of the host that are closed to others than their owner, or may be
	Entrypoint []string
	Command    []string
	// Environment has the variables whose values are paths, or URLs of files.
	Environment map[string]string
	Ports       []int // container ports
}

// title is what the reports call a service.
func (s Service) title() string {
	if s.Name == "" {
		return "the image"
	}
	return "service " + s.Name
}

// A Mount is one mount of a service.
type Mount struct {
	Source, Target string
	ReadOnly       bool
}
