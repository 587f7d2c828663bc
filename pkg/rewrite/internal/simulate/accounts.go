package simulate

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/shellcmd"
)

// accountName is what shadow's useradd accepts by default; nothing else that
// comes from an image or a file ever reaches the Dockerfile.
var accountName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

// ValidName reports whether a name is one that every tool for accounts takes.
func ValidName(s string) bool { return accountName.MatchString(s) }

func (s *State) addAccount(a Account) {
	if a.HomeMade && strings.HasPrefix(a.Home, "/") {
		home := path.Clean(a.Home)
		s.Dirs[home] = &Dir{Path: home, UID: a.UID, GID: a.GID, MadeBy: a.By, LastBy: a.By, Owner: a.Name}
	}
	if i := slices.IndexFunc(s.Accounts, func(b Account) bool { return b.Name == a.Name }); i >= 0 {
		if !a.UID.Known && s.Accounts[i].UID.Known {
			return // made again, perhaps conditionally: the number stays
		}
		s.Accounts[i] = a
		return
	}
	s.Accounts = append(s.Accounts, a)
}

func (s *State) addGroup(g Group) {
	if i := slices.IndexFunc(s.Groups, func(b Group) bool { return b.Name == g.Name }); i >= 0 {
		if g.GID.Known {
			s.Groups[i].GID = g.GID
		}
		s.Groups[i].Members = append(s.Groups[i].Members, g.Members...)
		return
	}
	s.Groups = append(s.Groups, g)
}

func (s *State) addMember(group, user string) {
	s.addGroup(Group{Name: group, Members: []string{user}})
}

// accountCommand follows the commands that make and change accounts: shadow's
// useradd and kin (useradd(8)), Debian's adduser (adduser(8)) and busybox's.
func (s *simulator) accountCommand(in *dockerfile.Instruction, name string, c dockerfile.Command) {
	makes := name == "useradd" || name == "adduser" || name == "groupadd" || name == "addgroup"
	if who, ok := s.madeIfMissing(c); ok && makes {
		if s.exists(name, who) {
			return
		}
		c.Conditional = false
		defer s.unsureNumber(who)
	}
	if makes {
		s.collides(in, name, c)
	}
	switch name {
	case "useradd":
		s.useradd(in, c)
	case "groupadd":
		o, words := shellcmd.Split(c.Args, map[string]string{"-g": "gid", "--gid": "gid", "-K": "key", "--key": "key", "-p": "pw"})
		if len(words) > 0 {
			s.newGroup(in, name, words[len(words)-1], o.Value("gid"), o.Has("-r") || o.Has("--system"))
		}
	case "adduser":
		if s.busyboxTools() {
			s.busyboxAdduser(in, c)
		} else {
			s.debianAdduser(in, c)
		}
	case "addgroup":
		s.addgroup(in, c)
	case "usermod":
		s.usermod(in, c)
	case "groupmod":
		o, words := shellcmd.Split(c.Args, map[string]string{"-g": "gid", "--gid": "gid", "-n": "name", "--new-name": "name"})
		if len(words) == 1 && (o.Has("-g") || o.Has("--gid")) {
			n, err := strconv.Atoi(o.Value("gid"))
			s.renumber(words[0], Number{N: n, Known: err == nil})
		}
	case "gpasswd":
		o, words := shellcmd.Split(c.Args, map[string]string{"-a": "user", "--add": "user"})
		if u := o.Value("user"); u != "" && len(words) == 1 {
			s.addMember(words[0], u)
		}
	case "userdel", "deluser":
		o, words := shellcmd.Split(c.Args, nil)
		if len(words) == 1 && !c.Conditional {
			if a, ok := s.Account(words[0]); ok && path.IsAbs(a.Home) && (o.Has("-r") || o.Has("--remove") || o.Has("--remove-home")) {
				s.removePath(path.Clean(a.Home), true, true)
			}
			s.Accounts = slices.DeleteFunc(s.Accounts, func(a Account) bool { return a.Name == words[0] })
		}
	case "groupdel", "delgroup":
		_, words := shellcmd.Split(c.Args, nil)
		if len(words) == 1 && !c.Conditional {
			s.Groups = slices.DeleteFunc(s.Groups, func(g Group) bool { return g.Name == words[0] })
		}
	}
}

// exists reports whether what a command makes is there already.
func (s *State) exists(command, name string) bool {
	_, ok := s.Account(name)
	if strings.Contains(command, "group") {
		_, ok = s.Group(name)
	}
	return ok
}

// renumber gives a group another number: groupmod changes the accounts whose primary
// group it is, too (groupmod(8) -g).
func (s *State) renumber(group string, gid Number) {
	old, ok := s.Group(group)
	if !ok {
		s.addGroup(Group{Name: group, GID: gid})
		return
	}
	for i := range s.Groups {
		if s.Groups[i].Name == group {
			s.Groups[i].GID = gid
		}
	}
	for i := range s.Accounts {
		if a := &s.Accounts[i]; old.GID.Known && a.GID == old.GID || a.Group == group {
			a.GID = gid
		}
	}
}

// busyboxTools reports whether adduser and addgroup are busybox's here.
func (s *simulator) busyboxTools() bool {
	switch s.Family() {
	case "alpine", "wolfi", "busybox":
		return true
	case "":
		// An unknown base: apk says what it is.
		return slices.ContainsFunc(s.Packages, func(p Package) bool { return p.Manager == "apk" })
	}
	return false
}

func (s *simulator) newGroup(in *dockerfile.Instruction, command, name, gid string, system bool) {
	if !ValidName(name) {
		return
	}
	g := Group{Name: name, By: in, Command: command, System: system}
	if n, err := strconv.Atoi(gid); err == nil {
		g.GID = Num(n)
	}
	s.addGroup(g)
}

// commandName is the name a command is called by, without its directory.
func commandName(c dockerfile.Command) string { return path.Base(c.Name) }

// notNumber returns a group when it is a name.
func notNumber(group string) string {
	if shellcmd.IsNumber(group) {
		return ""
	}
	return group
}

// primary resolves the value of useradd's -g: a name or a number.
func (s *State) primary(word string) Number {
	if word == "" {
		return Number{}
	}
	n, _ := s.groupNumber(word)
	return n
}

func (s *simulator) useradd(in *dockerfile.Instruction, c dockerfile.Command) {
	o, words := shellcmd.Split(c.Args, map[string]string{
		"-u": "uid", "--uid": "uid", "-g": "gid", "--gid": "gid", "-G": "groups", "--groups": "groups",
		"-d": "home", "--home-dir": "home", "--home": "home", "-b": "base", "--base-dir": "base", "-s": "shell", "--shell": "shell",
		"-c": "comment", "--comment": "comment", "-k": "skel", "--skel": "skel", "-K": "key", "--key": "key",
		"-p": "pw", "--password": "pw", "-e": "expire", "--expiredate": "expire", "-f": "inactive", "--inactive": "inactive", "-R": "root", "-P": "prefix"})
	if len(words) == 0 || !ValidName(words[len(words)-1]) {
		return
	}
	a := Account{Name: words[len(words)-1], By: in, Certain: !c.Conditional, Home: o.Value("home"), Command: commandName(c),
		System: o.Has("-r") || o.Has("--system"), Group: notNumber(o.Value("gid"))}
	if n, err := strconv.Atoi(o.Value("uid")); err == nil {
		a.UID = Num(n)
	}
	given := o.Has("-g") || o.Has("--gid")
	a.GID = s.primary(o.Value("gid"))
	// SUSE gives no group of its own unless it is asked to (login.defs(5)
	// USERGROUPS_ENAB), some releases do.
	suse := s.Family() == "suse" && !o.Has("-U") && !o.Has("--user-group")
	if !given && !suse && !o.Has("-N") && !o.Has("--no-user-group") {
		// A group of the same name and, where it is free, the same number.
		if g, ok := s.Group(a.Name); ok {
			a.GID = g.GID
		} else {
			a.GID = s.OwnGroup(a.UID, a.System)
			s.addGroup(Group{Name: a.Name, GID: a.GID, By: in})
		}
	}
	if a.Home == "" {
		a.Home = "/home/" + a.Name
	}
	a.HomeMade = o.Has("-m") || o.Has("--create-home")
	s.addAccount(a)
	for g := range strings.SplitSeq(o.Value("groups"), ",") {
		if g != "" {
			s.addMember(g, a.Name)
		}
	}
}

// OwnGroup returns the number of the group that useradd makes along with an account: the
// account's own where it is free and in the range for groups of that kind, else one that
// depends on what else there is (shadow, lib/find_new_gid.c; login.defs(5) SYS_GID_MIN to
// GID_MAX, of which 201 is what Fedora sets and 101 the default).
func (s *State) OwnGroup(uid Number, system bool) Number {
	lowest, highest := 1000, 60000
	if system {
		lowest, highest = 201, 999
		if family := s.Family(); family == "debian" || family == "alpine" {
			lowest = 101
		}
	}
	if _, taken := s.GroupByGID(uid); taken || !uid.Known || uid.N < lowest || uid.N > highest {
		return Number{}
	}
	return uid
}

// GroupByGID returns the group with a number.
func (s *State) GroupByGID(n Number) (Group, bool) {
	i := slices.IndexFunc(s.Groups, func(g Group) bool { return n.Known && g.GID == n })
	if i < 0 {
		return Group{}, false
	}
	return s.Groups[i], true
}

func (s *simulator) busyboxAdduser(in *dockerfile.Instruction, c dockerfile.Command) {
	o, words := shellcmd.Split(c.Args, map[string]string{
		"-u": "uid", "--uid": "uid", "-G": "group", "--ingroup": "group", "-h": "home", "--home": "home",
		"-s": "shell", "--shell": "shell", "-g": "gecos", "--gecos": "gecos", "-k": "skel"})
	if len(words) == 2 { // adduser USER GROUP
		s.addMember(words[1], words[0])
		return
	}
	if len(words) != 1 || !ValidName(words[0]) {
		return
	}
	system := o.Has("-S") || o.Has("--system")
	a := Account{Name: words[0], By: in, Certain: !c.Conditional, Home: o.Value("home"), Command: commandName(c),
		System: system, Group: notNumber(o.Value("group"))}
	if n, err := strconv.Atoi(o.Value("uid")); err == nil {
		a.UID = Num(n)
	}
	switch {
	case o.Value("group") != "":
		a.GID = s.primary(o.Value("group"))
	case o.Has("-G") || o.Has("--ingroup"):
	case system:
		// A system account without -G gets the group nogroup, 65533
		// (busybox, loginutils/adduser.c).
		a.GID = Num(65533)
	default:
		a.GID = a.UID
		s.addGroup(Group{Name: a.Name, GID: a.GID, By: in})
	}
	if a.Home == "" {
		a.Home = "/home/" + a.Name
	}
	a.HomeMade = !o.Has("-H") && !o.Has("--no-create-home")
	s.addAccount(a)
}

func (s *simulator) debianAdduser(in *dockerfile.Instruction, c dockerfile.Command) {
	o, words := shellcmd.Split(c.Args, map[string]string{
		"-u": "uid", "--uid": "uid", "--gid": "gid", "--ingroup": "group", "-g": "gid", "-G": "groups", "--groups": "groups",
		"-h": "home", "--home": "home", "-d": "home", "-s": "shell", "--shell": "shell", "--gecos": "gecos", "-c": "gecos",
		"--comment": "gecos", "--firstuid": "first", "--lastuid": "last", "--conf": "conf"})
	if len(words) == 2 { // adduser USER GROUP
		s.addMember(words[1], words[0])
		return
	}
	if len(words) != 1 || !ValidName(words[0]) {
		return
	}
	system := o.Has("--system") || o.Has("-r")
	if !system && o.Has("--group") {
		s.newGroup(in, commandName(c), words[0], o.Value("gid"), false) // adduser(8): "Add a group"
		return
	}
	a := Account{Name: words[0], By: in, Certain: !c.Conditional, Home: o.Value("home"), Command: commandName(c),
		System: system, Group: notNumber(o.Value("group") + o.Value("gid"))}
	if n, err := strconv.Atoi(o.Value("uid")); err == nil {
		a.UID = Num(n)
	}
	switch {
	case o.Value("gid") != "":
		a.GID = s.primary(o.Value("gid"))
	case o.Value("group") != "":
		a.GID = s.primary(o.Value("group"))
	case system && !o.Has("--group") && s.Family() == "debian":
		a.GID = Num(65534) // nogroup (adduser(8), "Add a system user")
	default:
		if g, ok := s.Group(a.Name); ok {
			a.GID = g.GID
			break
		}
		a.GID = a.UID
		s.addGroup(Group{Name: a.Name, GID: a.GID, By: in})
	}
	if a.Home == "" {
		a.Home = "/home/" + a.Name
	}
	a.HomeMade = !o.Has("--no-create-home") && (!system || s.Family() == "debian")
	s.addAccount(a)
}

func (s *simulator) addgroup(in *dockerfile.Instruction, c dockerfile.Command) {
	o, words := shellcmd.Split(c.Args, map[string]string{"-g": "gid", "--gid": "gid"})
	switch len(words) {
	case 1:
		s.newGroup(in, "addgroup", words[0], o.Value("gid"), o.Has("-S") || o.Has("--system"))
	case 2: // addgroup USER GROUP
		s.addMember(words[1], words[0])
	}
}

func (s *simulator) usermod(in *dockerfile.Instruction, c dockerfile.Command) {
	o, words := shellcmd.Split(c.Args, map[string]string{"-u": "uid", "--uid": "uid", "-g": "gid", "--gid": "gid", "-G": "groups",
		"--groups": "groups", "-d": "home", "--home": "home", "-s": "shell", "--shell": "shell", "-l": "login", "--login": "login", "-c": "comment", "-p": "pw"})
	if len(words) != 1 {
		return
	}
	i := slices.IndexFunc(s.Accounts, func(a Account) bool { return a.Name == words[0] })
	if i < 0 {
		return
	}
	a := &s.Accounts[i]
	if o.Has("-u") || o.Has("--uid") {
		n, err := strconv.Atoi(o.Value("uid"))
		a.UID, a.Renumber = Number{N: n, Known: err == nil}, in
	}
	if o.Has("-g") || o.Has("--gid") {
		a.GID = s.primary(o.Value("gid"))
	}
	if h := o.Value("home"); h != "" {
		a.Home = h
	}
	for g := range strings.SplitSeq(o.Value("groups"), ",") {
		if g != "" {
			s.addMember(g, a.Name)
		}
	}
	if l := o.Value("login"); ValidName(l) {
		a.Name = l
	}
}
