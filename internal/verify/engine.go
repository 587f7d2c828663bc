package verify

import (
	"context"
	"io"
	"io/fs"
	"time"
)

// Label marks everything that a run makes in the engine; its value is the run.
// Whatever a run that was killed left behind is found by it.
const Label = "dev.harden.run"

// An Engine is what verify needs of a container engine. Everything made through
// it carries the label of its run, and Close removes all of it.
type Engine interface {
	// Info says which engine it is, or why it cannot be used.
	Info(ctx context.Context) (Info, error)
	// Build builds an image and gives it the tag.
	Build(ctx context.Context, b Build) error
	Image(ctx context.Context, ref string) (Image, error)
	// Start starts a container. A *StartError is the container's fault.
	Start(ctx context.Context, s Spec) (id string, err error)
	State(ctx context.Context, id string) (State, error)
	// Logs returns the end of what the container wrote.
	Logs(ctx context.Context, id string) (Output, error)
	// Exec runs a command in the container and waits for it.
	Exec(ctx context.Context, id string, argv []string) (status int, out string, err error)
	Processes(ctx context.Context, id string) ([]Task, error)
	// Changes lists what differs from the image; Layer lists every file that
	// was opened for writing, too, whether it changed or not, and what the
	// image has.
	Changes(ctx context.Context, id string) ([]Change, error)
	Layer(ctx context.Context, id string) ([]Entry, *Contents, error)
	// Stat looks at a path in a container, which need not run.
	Stat(ctx context.Context, id, path string) (FileKind, fs.FileMode, error)
	// Filled reports whether there is anything in a directory of a container.
	Filled(ctx context.Context, id, dir string) (bool, error)
	// Holds says what an image has in directories.
	Holds(ctx context.Context, ref string, dirs []string) (map[string]Holding, error)
	Remove(ctx context.Context, id string) error
	Close() error
}

// Info says what an engine is.
type Info struct {
	Name   string // "Docker 26.1.5"
	Local  bool   // its processes are in this machine's /proc
	Podman bool
}

// A Build says how to build an image.
type Build struct {
	Tag        string
	Dockerfile []byte
	Path       string // of the Dockerfile, for the ignore file beside it
	Context    string // directory
	Target     string
	Platform   string
	Args       map[string]string
	Contexts   map[string]string // named contexts besides the main one
	Secrets    []string          // as docker build --secret takes them
	SSH        []string          // as docker build --ssh takes them
	NoCache    bool
	Log        io.Writer
}

// An Image is what the engine says about an image.
type Image struct {
	ID          string
	Size        int64
	Layers      int
	User        string
	Ports       []int    // TCP ports that EXPOSE names
	UDP         []int    // UDP ports that it names
	Health      []string // HEALTHCHECK as a command, nil when there is none
	Volumes     []string
	Description string // of the command, for people
}

// A Spec says how to run a container.
type Spec struct {
	Image      string
	Entrypoint []string // nil is the image's
	Command    []string // nil is the image's
	Env        []string
	User       string   // "" is the image's
	Dir        string   // working directory; "" is the image's
	Health     []string // test of a health check (compose-spec, healthcheck); nil is the image's

	CapDrop, CapAdd []string
	NoNewPrivileges bool
	ReadOnly        bool
	Tmpfs           map[string]string // path → mount options
	Volumes         []string          // paths of anonymous volumes
	Sysctls         map[string]string
	PidsOf          string // container whose processes are visible

	Publish []int    // TCP ports to publish on the loopback address
	Network string   // "" is the engine's default
	Aliases []string // names on the network
	Binds   []string // as docker run --volume takes them

	Memory int64
	Pids   int64
}

// A State is how a container is doing.
type State struct {
	Running   bool
	ExitCode  int
	OOMKilled bool
	Error     string
	Pid       int               // of the main process, as the engine's host counts
	Address   string            // on its network, "" when it has none
	Ports     map[string]string // "80/tcp" → "127.0.0.1:49153"
	Mounts    []string          // mount points of volumes
}

// Output is what a container wrote.
type Output struct{ Stdout, Stderr string }

// Text is both streams, for a reader who looks for a line.
func (o Output) Text() string {
	if o.Stdout == "" || o.Stderr == "" {
		return o.Stdout + o.Stderr
	}
	return o.Stdout + "\n" + o.Stderr
}

// A Task is a process of a container.
type Task struct {
	UID     int
	Command string
}

// A FileKind is what kind of file stands at a path.
type FileKind int

// The kinds.
const (
	Missing FileKind = iota
	Regular
	Directory
	OtherKind // links, devices, sockets
)

// A Change is one path that differs from the image.
type Change struct {
	Path           string
	Added, Deleted bool // neither: modified
}

// An Entry is one file in the layer that a container has on top of its image.
type Entry struct {
	Path     string
	Kind     FileKind
	UID, GID int
	Mode     int64 // permissions
	Size     int64
	SQLite   bool // a database of SQLite
}

// A StartError says that a container could not be started for a reason that
// lies in its image or options, not in the engine.
type StartError struct{ Msg string }

func (e *StartError) Error() string { return e.Msg }

// Time limits for single requests, so that an engine that hangs is noticed.
const (
	requestTimeout = 30 * time.Second
	commitTimeout  = 5 * time.Minute
	closeTimeout   = time.Minute
)
