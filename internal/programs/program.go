// Package programs is the table of programs that images run as their CMD or
// ENTRYPOINT: which account each wants, what it writes and reads, what in its
// configuration stands in the way of a non-root user, and whether it can do
// without root at all. It also knows the frameworks that can be recognised in
// a build context, and the packages that install privileged files.
//
// The table is data. Every entry names its sources; what Debian packages
// provide and has been seen to run, as root and then without any capability,
// says in which release.
package programs

import "slices"

// A Program is one entry of the table.
type Program struct {
	// Name is the name of the executable that people write most often.
	Name string
	// Aliases are other base names it is started by. Version suffixes
	// (php-fpm8.2, python3.11) need no alias: Lookup removes them.
	Aliases []string
	// Like are patterns of names, as path.Match reads them, of which any may be
	// the program's: *-device-plugin. A name that another entry has comes first,
	// and one with a dot in it is a file.
	Like []string
	// Forks are the names that the program has in packages and images whose names
	// begin so: mariadbd of mariadb-server, where mysqld is the program.
	Forks map[string]string
	// Versioned reports whether paths of the entry depend on a version, which
	// Variant.At fills in.
	Versioned bool

	// Root says how the program stands to being started by root.
	Root Root
	// Reason is the reason code for a refusal, set exactly when Root is
	// NeedsRoot: "needs-root-daemon", "init-system" or "docker-socket".
	Reason string
	// Why explains Root in one sentence.
	Why string
	// Instead names what to use where root is not to be had.
	Instead string
	// Capabilities are those that it needs as root and that an engine does not
	// give by itself, or that an image seldom needs: "cap_net_admin".
	Capabilities []string
	// Unless are the words with which it does without root, or the files of DataOf.
	Unless []string
	// Cases are where Why, Instead and Capabilities depend on the arguments.
	Cases []Case
	// Invocations are ways to start it by the name of another program.
	Invocations []Invocation

	// Ports are the ports it listens on unless told otherwise: "80/tcp".
	Ports []string
	// Home reports whether it writes caches or settings below $HOME.
	Home bool
	// ReadsLogs reports whether it is for reading the logs of the host, which are root's.
	ReadsLogs bool
	// DataOf names the service whose files it opens itself, so that it has to run as
	// the account of that: "a MySQL server". "" for none, and for clients.
	DataOf string
	// OneShot reports whether it is a command that ends by itself, rather
	// than a service.
	OneShot bool

	// Wrapper says how the program that it starts is found in its arguments;
	// nil for programs that do their work themselves.
	Wrapper *Wrapper
	// Variants holds what differs between distributions and images. The
	// first one is the most common.
	Variants []Variant
	// Unpacked is what it writes where its archive is unpacked instead of a
	// package installed; nil when that is not known.
	Unpacked *Unpacked
	// Sources are the URLs of what the entry was made from.
	Sources []string
}

// An Unpacked is a program from an archive, in a directory of its own.
type Unpacked struct {
	// Env are the variables that name the directory, the most telling first.
	Env []string
	// Writes are what it writes; "{prefix}" stands for the directory.
	Writes []Path
	// Closed says that the archive lets only its owner and group read it.
	Closed bool
}

// Root says how a program stands to being started by root.
type Root string

const (
	// CanRoot: it runs as root and as any other account that owns what it
	// writes.
	CanRoot Root = "can"
	// NeverRoot: it refuses to run as root.
	NeverRoot Root = "never"
	// NeedsRoot: it does not do its job without root.
	NeedsRoot Root = "needs-root"
)

// A Variant is a program as one distribution's package or one official image
// sets it up.
type Variant struct {
	// Families are the distribution families it applies to, as
	// imageinspect.Distro.Family names them. None: any.
	Families []string
	// Images are the repositories on Docker Hub, or other full names, whose
	// images are laid out like this. A variant with images is official.
	Images []string
	// Packages are the packages that install it.
	Packages []string

	Account Account
	// Offers is an account that the package makes and that the program runs as only where
	// it is told so.
	Offers Account
	Writes []Path
	// Reads are what the package installs unreadable for others.
	Reads   []Path
	Pid     string
	Sockets []string
	Needs   []Need
	// Note is for the reader of the report, a full sentence.
	Note string
	// VerifiedLab is the Debian release in which the variant has been seen to
	// start, answer and stay up with this account, no capability and
	// no-new-privileges; "" when nobody tried.
	VerifiedLab string
	// Version is what "{version}" stands for in VerifiedLab's release.
	Version string
}

// Official reports whether the variant describes an official image rather
// than a distribution's package.
func (v Variant) Official() bool { return len(v.Images) > 0 }

// An Account is who the program runs as.
type Account struct {
	// Name is "" when any account will do.
	Name string
	// UID and GID are its numbers. Where Made is MadeByPackage they are a
	// proposal, below 1000 because Debian's adduser --system refuses to adopt
	// an account outside the system range.
	UID, GID int
	// Group is the primary group's name when it is not Name.
	Group string
	// Groups are further groups that the package adds the account to: USER
	// must then be written without a group, which would drop them.
	Groups []string
	// Home is the home directory that the package gives it.
	Home string
	// Made says where the account comes from.
	Made Made
	// Insists reports whether the program, or the mode of the files it comes
	// with, accepts no other account.
	Insists bool
}

// Made says where an account comes from.
type Made string

const (
	// MadeByNobody: the program has no account of its own.
	MadeByNobody Made = ""
	// MadeByBase: the distribution has it, with the same number everywhere.
	MadeByBase Made = "base"
	// MadeByPackage: the package's script makes it with a number that happens to
	// be free. To have a fixed one, make it before the package is installed;
	// the script then keeps it.
	MadeByPackage Made = "package"
	// MadeByImage: the official image has it.
	MadeByImage Made = "image"
)

// Kind is the kind of a Path.
type Kind string

const (
	// Dir is a directory of the program's own: the user owns it, whether or
	// not its parent is shared.
	Dir Kind = "dir"
	// File is a single file in a directory that others use too, such as a pid
	// file in /run: it has to exist beforehand and belong to the user.
	File Kind = "file"
)

// A Path is a file or directory the program writes or reads.
type Path struct {
	// Path is absolute, but for what Variant.At fills in: "{version}" stands
	// for the version, "{home}" for the account's home, "{workdir}" for the
	// working directory. Of a Framework it is relative to the application.
	Path string
	Kind Kind
	// Recursive: what the package or image puts in the directory has to
	// belong to the user too.
	Recursive bool
	// Owned: the package or image gives it to the variant's account already,
	// so there is nothing to do for a program that runs as that account.
	Owned bool
	// Optional: used only with some settings; it breaks nothing by default.
	Optional bool
	// Mode is the mode that the program insists on, 0 for none.
	Mode uint32
	// Volume: the official image declares a VOLUME there, so ownership set in
	// a child image is lost with the classic builder.
	Volume bool
	// Why says what is written there, when the name does not.
	Why string
}

// A Need is a setting that stands in the way of a non-root user.
type Need struct {
	// Setting is the directive, flag or environment variable.
	Setting string
	// File is where it stands; "" for flags and environment variables.
	File string
	// Accounts are the flags of Setting whose value is an account to change to.
	Accounts []string
	// Changes: the value of Setting in File is an account that the program
	// changes to, and it stops where it cannot.
	Changes bool
	// Own: such a flag or setting does no harm where it names the account that
	// the program runs as already.
	Own bool
	// Effect is what happens with it as a non-root user.
	Effect string
	// Fix is what to do about it.
	Fix string
	// Capability would let the setting work: "cap_sys_chroot".
	Capability string
	// Fatal: the program does not start until something is done about it.
	Fatal bool
	// Anyone: it stands in the way of root as well, so that an image that works has seen to it.
	Anyone bool
	// Default: the setting stands in the configuration that the package or
	// image ships, rather than in one that the Dockerfile's author wrote.
	Default bool
}

// Variant returns the program's variant for a distribution family, for the
// official image or for the package. It falls back to the nearest one: the
// same family, then one for any family, then the first.
func (p *Program) Variant(family string, official bool) Variant {
	best, score := Variant{}, -1
	for _, v := range p.Variants {
		s := 0
		switch {
		case slices.Contains(v.Families, family):
			s = 4
		case len(v.Families) == 0:
			s = 2
		}
		if v.Official() == official {
			s += 3
		}
		if s > score {
			best, score = v, s
		}
	}
	return best
}

// VariantIn returns the variant for an image: the one of the official image
// that repository names, else the package's of the family. ok is false when
// the table has neither, and the variant is then the nearest guess.
func (p *Program) VariantIn(family, repository string) (v Variant, ok bool) {
	repository = shortName(repository)
	var found *Variant
	for i := range p.Variants {
		v := &p.Variants[i]
		if !slices.Contains(v.Images, repository) {
			continue
		}
		if slices.Contains(v.Families, family) {
			return *v, true
		}
		if found == nil {
			found = v
		}
	}
	if found != nil {
		return *found, true
	}
	for _, v := range p.Variants {
		if !v.Official() && (len(v.Families) == 0 || slices.Contains(v.Families, family)) {
			return v, true
		}
	}
	return p.Variant(family, false), false
}
