package imageinspect

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

func eachLine(text lines, add func(string) error) error {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := add(line); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
	}
	return nil
}

// layAccount adds a line of passwd(5).
func (f *Facts) layAccount(line string) error {
	field := strings.Split(line, ":")
	if len(field) != 7 {
		return fmt.Errorf("%d fields instead of 7", len(field))
	}
	uid, err := strconv.Atoi(field[2])
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(field[3])
	if err != nil {
		return err
	}
	a := Account{Name: field[0], UID: uid, GID: gid, Home: field[5], Shell: field[6]}
	if i := slices.IndexFunc(f.Accounts, func(b Account) bool { return a.Name == b.Name }); i >= 0 {
		f.Accounts[i] = a
		return nil
	}
	f.Accounts = append(f.Accounts, a)
	return nil
}

// layGroup adds a line of group(5).
func (f *Facts) layGroup(line string) error {
	field := strings.Split(line, ":")
	if len(field) != 4 {
		return fmt.Errorf("%d fields instead of 4", len(field))
	}
	gid, err := strconv.Atoi(field[2])
	if err != nil {
		return err
	}
	g := Group{Name: field[0], GID: gid}
	if field[3] != "" {
		g.Members = strings.Split(field[3], ",")
	}
	if i := slices.IndexFunc(f.Groups, func(h Group) bool { return g.Name == h.Name }); i >= 0 {
		f.Groups[i] = g
		return nil
	}
	f.Groups = append(f.Groups, g)
	return nil
}

// layTool adds the tools of a line "DIRECTORY: NAME… [-> TARGET]". The target
// is what all of them link to.
func (f *Facts) layTool(line string) error {
	line, target, isLink := strings.Cut(line, " -> ")
	dir, names, ok := strings.Cut(line, ": ")
	if !ok || !path.IsAbs(dir) || path.Clean(dir) != dir {
		return fmt.Errorf("not of the form DIRECTORY: NAME…")
	}
	for name := range strings.FieldsSeq(names) {
		f.Tools[name] = path.Join(dir, name)
		delete(f.Links, name)
		if isLink {
			if f.Links == nil {
				f.Links = map[string]string{}
			}
			f.Links[name] = target
		}
	}
	return nil
}

// layPrivileged adds a line "MODE UID:GID SIZE PATH [CAPABILITY,… [effective]]".
func (f *Facts) layPrivileged(line string) error {
	field := strings.Fields(line)
	if len(field) < 4 || len(field) > 6 {
		return fmt.Errorf("%d fields instead of 4 to 6", len(field))
	}
	p := PrivilegedFile{Path: field[3]}
	var err error
	if p.UID, p.GID, err = parseOwner(field[1]); err != nil {
		return err
	}
	if err = p.Mode.UnmarshalText([]byte(field[0])); err != nil {
		return err
	}
	if field[2] != "-" {
		if p.Size, err = strconv.ParseInt(field[2], 10, 64); err != nil {
			return err
		}
	}
	if len(field) > 4 {
		p.Capabilities = strings.Split(field[4], ",")
		p.Effective = len(field) > 5 && field[5] == "effective"
	}
	if i := slices.IndexFunc(f.Privileged, func(q PrivilegedFile) bool { return p.Path == q.Path }); i >= 0 {
		f.Privileged[i] = p
		return nil
	}
	f.Privileged = append(f.Privileged, p)
	return nil
}

// layDir adds a line "MODE UID:GID PATH".
func (f *Facts) layDir(line string) error {
	field := strings.Fields(line)
	if len(field) != 3 {
		return fmt.Errorf("%d fields instead of 3", len(field))
	}
	d := Dir{Path: field[2]}
	var err error
	if d.UID, d.GID, err = parseOwner(field[1]); err != nil {
		return err
	}
	if err = d.Mode.UnmarshalText([]byte(field[0])); err != nil {
		return err
	}
	if i := slices.IndexFunc(f.Dirs, func(e Dir) bool { return d.Path == e.Path }); i >= 0 {
		f.Dirs[i] = d
		return nil
	}
	f.Dirs = append(f.Dirs, d)
	return nil
}

func parseOwner(s string) (uid, gid int, err error) {
	u, g, _ := strings.Cut(s, ":")
	if uid, err = strconv.Atoi(u); err != nil {
		return 0, 0, err
	}
	gid, err = strconv.Atoi(g)
	return uid, gid, err
}
