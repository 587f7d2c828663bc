package imageinspect

import "slices"

// EntrypointFacts says what the entry point script of a well-known image does
// with its privileges. An image read from its layers has the script itself, in
// Facts.Scripts; the catalogue has this instead.
type EntrypointFacts struct {
	// Drops is the program that the script changes its user with: "gosu",
	// "su-exec", "setpriv", "runuser", "s6" …, "self" when the program does so
	// itself (nginx, httpd, php-fpm), "none" when nobody does.
	Drops string `json:"drops"`
	// Init is the init that its #! line names, which stays root's and passes signals on:
	// "dumb-init". One in ENTRYPOINT is in the configuration of the image.
	Init string `json:"init,omitempty"`
	// Guarded reports whether it does so only as root (id -u = 0), so that the
	// image also starts as another user.
	Guarded bool `json:"guarded,omitempty"`
	// Account is the one that it changes to.
	Account string `json:"account,omitempty"`
	// Chowns are the paths that it gives to Account when it runs as root.
	Chowns []string `json:"chowns,omitempty"`
	// Before are the words that it puts before a command that starts with an option.
	Before []string `json:"before,omitempty"`
	// Writes are the paths that it, or the program, writes at every start.
	Writes []string `json:"writes,omitempty"`
}

func (e *EntrypointFacts) clone() *EntrypointFacts {
	if e == nil {
		return nil
	}
	n := *e
	n.Chowns, n.Writes, n.Before = slices.Clone(e.Chowns), slices.Clone(e.Writes), slices.Clone(e.Before)
	return &n
}

// entrypoint checks what ends up in reports and, for the paths, in a
// Dockerfile.
func (c *checker) entrypoint(e *EntrypointFacts) {
	if e == nil {
		return
	}
	c.text("entrypoint.drops", e.Drops, 100)
	c.text("entrypoint.init", e.Init, 100)
	c.values("entrypoint.before", e.Before)
	if e.Account != "" && !ValidName(e.Account) {
		c.failf("entrypoint.account: %.60q is not of the form %s", e.Account, namePattern)
	}
	for what, paths := range map[string][]string{"entrypoint.chowns": e.Chowns, "entrypoint.writes": e.Writes} {
		c.length(what, len(paths), maxList)
		for _, p := range paths {
			c.path(what, p)
		}
	}
}

// catalogData is the catalogue as it is embedded. It is compiled from the
// files in catalog/, which are where people edit it: see docs/catalogue.md.
type catalogData struct {
	// Profiles are the file systems of operating systems, by name.
	Profiles map[string]*catalogOverlay `json:"profiles,omitempty"`
	// Suites map what tags call a release of a distribution ("bookworm",
	// "alpine3.20") to a profile, or to profile@version where releases differ
	// in nothing but their number.
	Suites map[string]string `json:"suites,omitempty"`
	Images []*catalogImage   `json:"images,omitempty"`
}

// A catalogImage is one repository, or several with the same content.
type catalogImage struct {
	// Names are familiar names: "python", "gcr.io/distroless/static". A last
	// component "*" stands for every repository directly below.
	Names   []string `json:"names,omitempty"`
	Sources []string `json:"sources,omitempty"`
	// Suite is what a tag stands for that names no release, Releases that of
	// older versions.
	Suite    string           `json:"suite,omitempty"`
	Releases []catalogRelease `json:"releases,omitempty"`
	// Tag stands in for a reference that has none; "latest" when empty.
	Tag string `json:"tag,omitempty"`
	// Frozen are tags that were last built before Debian took the setgid bit off
	// /usr/bin/wall in March 2024 (CVE-2024-28085): what privileged files a release has now is
	// not all that they have.
	Frozen []string `json:"frozen,omitempty"`
	// Alike says that the variants have the same accounts and privileged files, so
	// that a digest without a tag gets the facts of the default tag.
	Alike bool `json:"alike,omitempty"`
	// Common goes into every variant, before the variant's own.
	Common catalogOverlay `json:"common,omitzero"`
	// Variants are tried in order; the first whose tags match is taken.
	Variants []*catalogVariant `json:"variants,omitempty"`
}

// A catalogRelease says which suite tags stand for that name none, and which
// Alpine those that end in "-alpine" were last built on.
type catalogRelease struct {
	Tags   []string `json:"tags,omitempty"`
	Suite  string   `json:"suite,omitempty"`
	Alpine string   `json:"alpine,omitempty"`
}

// A catalogVariant is what tags of one form have in common.
type catalogVariant struct {
	Tags []string `json:"tags,omitempty"` // patterns of path.Match
	// Examples are tags that this variant, and no earlier one, is taken for.
	Examples []string `json:"examples,omitempty"`
	Suite    string   `json:"suite,omitempty"`
	// Profile names a profile, From another image of the catalogue, as a
	// Dockerfile's FROM does. "{suite}" in either is the release of the tag.
	// An image with neither is made from scratch.
	Profile string `json:"profile,omitempty"`
	From    string `json:"from,omitempty"`
	catalogOverlay
}

// A catalogOverlay is what an image adds to the one that it is made from. Of
// entries with the same name, path or key the last one counts.
type catalogOverlay struct {
	// Extends names the profile that a profile starts from.
	Extends string   `json:"extends,omitempty"`
	Sources []string `json:"sources,omitempty"`
	// Complete lists the sections that nothing is missing from: "config",
	// "accounts", "tools", "privileged", or "all". A section that is
	// incomplete in the parent image stays so.
	Complete []string       `json:"complete,omitempty"`
	Distro   *Distro        `json:"distro,omitempty"`
	Config   *catalogConfig `json:"config,omitempty"`
	// Accounts, Groups are lines of /etc/passwd and /etc/group.
	Accounts lines `json:"accounts,omitempty"`
	Groups   lines `json:"groups,omitempty"`
	// Tools are lines "DIRECTORY: NAME… [-> TARGET]", of ToolNames.
	Tools lines `json:"tools,omitempty"`
	// Privileged are lines "MODE UID:GID SIZE PATH [CAPABILITY,… [effective]]".
	// SIZE is "-" where it is not known.
	Privileged lines `json:"privileged,omitempty"`
	// Dirs are lines "MODE UID:GID PATH".
	Dirs       lines            `json:"dirs,omitempty"`
	Remove     *catalogRemove   `json:"remove,omitempty"`
	RunsAs     *string          `json:"runs_as,omitempty"`
	Entrypoint *EntrypointFacts `json:"entrypoint,omitempty"`
	Warnings   []string         `json:"warnings,omitempty"`
}

// A catalogRemove lists what an image takes away, by name or path.
type catalogRemove struct {
	Accounts   []string `json:"accounts,omitempty"`
	Groups     []string `json:"groups,omitempty"`
	Tools      []string `json:"tools,omitempty"`      // names; "*" for all
	Privileged []string `json:"privileged,omitempty"` // paths; "*" for all
}

// A catalogConfig is what the instructions of a Dockerfile set. What is null
// or missing is inherited; an empty list or string clears.
type catalogConfig struct {
	User        *string   `json:"user,omitempty"`
	WorkingDir  *string   `json:"workdir,omitempty"`
	Env         []string  `json:"env,omitempty"`
	Entrypoint  *[]string `json:"entrypoint,omitempty"`
	Cmd         *[]string `json:"cmd,omitempty"`
	Shell       []string  `json:"shell,omitempty"`
	OnBuild     []string  `json:"onbuild,omitempty"`
	Healthcheck []string  `json:"healthcheck,omitempty"`
	Volumes     []string  `json:"volumes,omitempty"`
	Ports       []string  `json:"ports,omitempty"`
	StopSignal  string    `json:"stop_signal,omitempty"`
	OS          string    `json:"os,omitempty"`
}

// lines is text of which every line is an entry; blank ones do not count.
type lines string
