package rewrite

import (
	"bytes"
	"context"
	"io/fs"

	"github.com/dockharden/harden/pkg/imageinspect"
)

// Options says how to harden one Dockerfile. The zero value works: no network,
// facts from the embedded catalogue, the last stage, account appuser 10001.
type Options struct {
	Source    imageinspect.Source   // facts of base images; nil is the embedded catalogue
	Platform  imageinspect.Platform // zero is linux/amd64
	Target    string                // stage that becomes the image; "" is the last
	BuildArgs map[string]string

	User     string // name of the account to make; "" is appuser
	UID, GID int    // its numbers; 0 is 10001

	Rules      map[string]bool // rule name → false switches it off
	KeepSetuid []string        // privileged files to keep, absolute paths
	Writable   []string        // further paths the program writes, absolute

	// What harden verify --learn saw in a container, or the configuration says.
	RunAs         *BuiltAccount                 // whose user; nil leaves the choice to the rules
	WritableTrees []string                      // directories the program writes, with everything in them
	WritableFiles []string                      // files it writes in directories of others
	Privileged    []imageinspect.PrivilegedFile // files that the image holds once it is built
	Capabilities  []Capability                  // what the program cannot do without

	OwnAll       bool // give what COPY puts under WORKDIR to the user
	OpenShift    bool // group 0, for platforms that choose the uid themselves
	IncludeBases bool // harden images that others are built on, too

	// Bases returns the image that another Dockerfile of the repository builds under a
	// reference, nil when none does; see Describe. It is asked where nobody has seen
	// the image itself.
	Bases func(ctx context.Context, ref string) *Image

	Context  fs.FS    // the build context; nil when it is not at hand
	Path     string   // of the Dockerfile, slash-separated, for messages and placement
	Siblings Siblings // what the repository around it says
}

// A BuiltAccount is an account that the image has once it is built, though
// nothing in the file may show it: a package's script can have made it.
type BuiltAccount struct {
	Name     string
	UID, GID int
	Groups   bool // it has supplementary groups, which USER uid:gid would drop
}

// An Outcome is what became of a Dockerfile.
type Outcome string

// The outcomes. Every Dockerfile that parses has exactly one.
const (
	Hardened Outcome = "hardened" // there is a patch
	Clean    Outcome = "clean"    // nothing to do
	Refused  Outcome = "refused"  // the image stays root; Result.Reason says why
)

// A Result is what Run made of a Dockerfile.
type Result struct {
	Source, Output []byte // before and after; equal when nothing changes

	Outcome Outcome
	Reason  Reason // of a refusal
	Why     string // the outcome in one sentence

	Findings []Finding // in line order
	Warnings []string  // about the facts

	Stage  string // name or number of the stage that becomes the image
	Target string // what --target has to name to build it, "" when it is the last stage
	Base   string // reference of the base image, "scratch", or "" when unknown
	Facts  *imageinspect.Facts
	User   string // user the image starts as after the patch, "10001:10001" or "root"; "" when nobody knows

	Kept    []string // privileged files that stay on purpose: paths, or names in any directory
	Profile Profile  // what a container of the image needs at run time
}

// Changed reports whether there is a patch.
func (r *Result) Changed() bool { return !bytes.Equal(r.Source, r.Output) }

// An Error is a failure to process a Dockerfile, with the line it is about.
type Error struct {
	Line int // 1-based; 0 when no line is to blame
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }
