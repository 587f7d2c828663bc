package programs

import "sync"

// table holds every entry. Its parts are functions, so that a run that never
// asks pays nothing for them.
var table = sync.OnceValue(func() []*Program {
	var all []*Program
	for _, part := range [][]Program{
		webServers(), databases(), databaseBackups(), queues(), proxies(), nameServers(),
		languages(), pythonServers(), rubyServers(), phpTools(), javaServers(), nodeTools(),
		monitoring(), platforms(), mailAndFiles(), networkDaemons(),
		rootDaemons(), rawDevices(), logins(), initSystems(), wrappers(), droppers(), runners(),
	} {
		for i := range part {
			all = append(all, &part[i])
		}
	}
	withFurther(all)
	return all
})

// The notation of the table.

// dir is a directory that the program makes its files in.
func dir(path string) Path { return Path{Path: path, Kind: Dir} }

// tree is a directory that comes with content which the program changes.
func tree(path string) Path { return Path{Path: path, Kind: Dir, Recursive: true} }

// file is a single file in a directory that is not the program's own.
func file(path string) Path { return Path{Path: path, Kind: File} }

func (p Path) owned() Path    { p.Owned = true; return p }
func (p Path) optional() Path { p.Optional = true; return p }
func (p Path) volume() Path   { p.Volume = true; return p }

func (p Path) mode(mode uint32) Path { p.Mode = mode; return p }
func (p Path) why(why string) Path   { p.Why = why; return p }

// debian is where the packaging of a Debian source package can be read, the
// scripts that make accounts and directories included.
func debian(source string) string {
	return "https://sources.debian.org/src/" + source + "/bookworm/debian/"
}

// alpine is the same for Alpine.
func alpine(pkg string) string {
	return "https://gitlab.alpinelinux.org/alpine/aports/-/tree/master/" + pkg
}

// fedora is the same for Fedora, and with it for the RHEL family.
func fedora(pkg string) string {
	return "https://src.fedoraproject.org/rpms/" + pkg + "/tree/rawhide"
}

// wwwData is Debian's account for web servers, the same number everywhere.
func wwwData() Account {
	return Account{Name: "www-data", UID: 33, GID: 33, Home: "/var/www", Made: MadeByBase}
}

// wwwDataAlpine is its counterpart, made by images and packages on Alpine.
func wwwDataAlpine(made Made) Account {
	return Account{Name: "www-data", UID: 82, GID: 82, Home: "/home/www-data", Made: made}
}

// packaged is an account that a package makes with whatever number is free;
// uid and gid are the ones to give it beforehand.
func packaged(name string, uid, gid int, home string) Account {
	return Account{Name: name, UID: uid, GID: gid, Home: home, Made: MadeByPackage}
}

// shipped is an account of an official image.
func shipped(name string, uid, gid int, home string) Account {
	return Account{Name: name, UID: uid, GID: gid, Home: home, Made: MadeByImage}
}

// with names the capabilities that a program needs as root.
func (p Program) with(capabilities ...string) Program { p.Capabilities = capabilities; return p }

// unless names the flags with which it does without root.
func (p Program) unless(flags ...string) Program { p.Unless = flags; return p }

// writing adds to every variant what it writes.
func (p Program) writing(paths ...Path) Program {
	for i := range p.Variants {
		p.Variants[i].Writes = append(p.Variants[i].Writes, paths...)
	}
	return p
}

// as names other ways to start a program.
func (p Program) as(other ...Invocation) Program { p.Invocations = other; return p }

func (a Account) insists() Account               { a.Insists = true; return a }
func (a Account) groups(names ...string) Account { a.Groups = names; return a }
func (a Account) group(name string) Account      { a.Group = name; return a }
func (a Account) in(groups ...string) Account    { a.Groups = groups; return a }
