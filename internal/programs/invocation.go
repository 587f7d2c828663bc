package programs

import (
	"path"
	"slices"
	"strings"
)

// An Invocation is a way to start a program by another one's name: docker
// daemon is dockerd, rclone mount a FUSE file system.
type Invocation struct {
	// Name is the executable's base name.
	Name string
	// Words are the subcommands and flags of which one makes the difference.
	// It counts only among the flags before the first other word, or as that
	// word: the -d of docker run -d is another.
	Words []string
	// Values are the flags before it whose value is the next argument.
	Values []string
	// With is what the base name of some later argument begins with: "app-config".
	With string
}

// A Case is what a program says of itself when its arguments all begin in one
// way: sysctl needs less for net.ipv4.ip_forward than for vm.swappiness.
type Case struct {
	// Prefix is what every argument that is no flag begins with.
	Prefix string
	// Why, Instead and Capabilities replace those of the program.
	Why, Instead string
	Capabilities []string
}

// invoked returns the program that an argument vector starts by another one's
// name.
func invoked(argv []string) (*Program, bool) {
	for _, i := range index().byInvocation[argv[0][strings.LastIndexByte(argv[0], '/')+1:]] {
		if i.of(argv[1:]) {
			return i.program, true
		}
	}
	return nil, false
}

// An invocation is an Invocation and the program it starts.
type invocation struct {
	Invocation
	program *Program
}

func (i Invocation) of(args []string) bool {
	for n := 0; n < len(args); n++ {
		switch {
		case slices.Contains(i.Words, args[n]):
			return i.With == "" || slices.ContainsFunc(args[n:], func(a string) bool { return strings.HasPrefix(path.Base(a), i.With) })
		case slices.Contains(i.Values, args[n]):
			n++
		case !strings.HasPrefix(args[n], "-"):
			return false
		}
	}
	return false
}

// NeedsRoot reports whether the program does not do its job without root, with these
// arguments.
func (c Command) NeedsRoot() bool {
	return c.Program != nil && c.Program.Root == NeedsRoot && !c.does(c.Program.Unless)
}

// OpensDataOf returns the service whose files the program opens itself with these
// arguments, "" for none.
func (c Command) OpensDataOf() string {
	if c.Program == nil || c.does(c.Program.Unless) {
		return ""
	}
	return c.Program.DataOf
}

func (c Command) does(any []string) bool {
	return slices.ContainsFunc(c.Args, func(a string) bool { return slices.Contains(any, a) })
}

// Reasons returns why the program needs root, what to use instead, and which
// capabilities it needs besides those that root has in every container, for
// the arguments that it is started with.
func (c Command) Reasons() (why, instead string, capabilities []string) {
	p := c.Program
	for _, k := range p.Cases {
		if k.fits(c.Args) {
			return k.Why, k.Instead, k.Capabilities
		}
	}
	return p.Why, p.Instead, p.Capabilities
}

func (k Case) fits(argv []string) bool {
	some := false
	for _, a := range argv[min(1, len(argv)):] {
		if strings.HasPrefix(a, "-") {
			continue
		}
		if !strings.HasPrefix(a, k.Prefix) {
			return false
		}
		some = true
	}
	return some
}
