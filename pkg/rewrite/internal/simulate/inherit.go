package simulate

import (
	"maps"
	"path"
	"slices"
)

// Inherit adds what only the simulation of a base's own Dockerfile knows: accounts
// without numbers, packages, tools and directories. The instructions that made them
// stand in another file, and do not come along.
func (s *State) Inherit(from *State) {
	s.Accounts, s.Groups = nil, nil
	for _, a := range from.Accounts {
		a.By, a.Renumber, a.Command, a.From = nil, nil, "", nil
		s.Accounts = append(s.Accounts, a)
	}
	for _, g := range from.Groups {
		g.By, g.Command, g.Members = nil, "", slices.Clone(g.Members)
		s.Groups = append(s.Groups, g)
	}
	for _, pkg := range from.Packages {
		pkg.By = nil
		s.Packages = append(s.Packages, pkg)
	}
	for p, d := range from.Dirs {
		s.Dirs[p] = &Dir{Path: path.Clean(p), UID: d.UID, GID: d.GID, Owner: d.Owner, Mode: d.Mode, Volume: d.Volume, Tree: d.Tree}
	}
	s.Manager = from.Manager
	maps.Copy(s.Tools, from.Tools)
	maps.Copy(s.Links, from.Links)
	maps.Copy(s.Texts, from.Texts)
	s.User = s.ResolveUser(s.Facts.Config.User, nil)
}
