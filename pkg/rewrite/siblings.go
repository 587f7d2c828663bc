package rewrite

// Siblings is what the repository around a Dockerfile says about the image
// that is built from it: Compose and Bake files, action.yml, other Dockerfiles.
// The zero value says nothing.
type Siblings struct {
	// GitHubAction is the action.yml that runs this Dockerfile, "" when none.
	GitHubAction string
	// Children are the Dockerfiles of the repository whose FROM names this image.
	Children []string
	// Services are the Compose services that build this Dockerfile.
	Services []Service
}

// A Service is what a Compose file asks of a container of this image.
type Service struct {
	File       string // the Compose file
	Line       int
	Name       string
	User       string // "" when not set
	Privileged bool
	CapAdd     []string
	BindMounts []Mount // directories of the host
	Volumes    []Mount // named volumes
	Entrypoint []string
	Command    []string
	Ports      []int // container ports
}

// A Mount is one mount of a service.
type Mount struct {
	Source, Target string
	ReadOnly       bool
}
