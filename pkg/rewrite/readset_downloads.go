package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/content"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// usedLater reports whether the running image may read what a copy downloads: it lies
// in the working directory or on PATH, or a setting names it. A file that only a step
// unpacks, or that is there to end the builder's cache, needs no reader.
func (p *Pass) usedLater(c simulate.Copy) bool {
	for _, src := range c.Sources {
		file := c.Target(src)
		if strings.HasPrefix(path.Base(file), ".") {
			continue
		}
		if p.runtimeFile(file) || imagepath.Below(file, "/etc") || slices.Contains(p.End.SearchPath(), path.Dir(file)) {
			return true
		}
		for _, in := range p.Stage.Instructions {
			if (in.Keyword == "ENV" || in.Keyword == "CMD" || in.Keyword == "ENTRYPOINT" || in.Keyword == "HEALTHCHECK") && strings.Contains(in.Original, path.Base(file)) {
				return true
			}
		}
	}
	return false
}

// gitRepository matches the URL of a repository, whose files ADD brings with the modes that
// they have there (Docker reference, ADD: Adding files from a Git repository).
var gitRepository = regexp.MustCompile(`\.git([?#].*)?$`)

func gitSource(c simulate.Copy) bool {
	return slices.ContainsFunc(c.Sources, gitRepository.MatchString)
}

// packageSettings are what package managers read, which root starts.
var packageSettings = []string{"/etc/apt", "/etc/apk", "/etc/yum.repos.d", "/etc/pki/rpm-gpg", "/usr/share/keyrings"}

// forPackages reports whether a download is a key or a list of a package manager: who owns it
// says what root installs.
func forPackages(c simulate.Copy) bool {
	return slices.ContainsFunc(packageSettings, func(dir string) bool { return imagepath.Below(path.Clean(c.Dest), dir) })
}

// leftByBuild reports whether a download stays in the image as no step has touched it, so that
// it is there for the program. A name with a dot in front ends the builder's cache.
func (p *Pass) leftByBuild(c simulate.Copy) bool {
	return slices.ContainsFunc(c.Sources, func(src string) bool {
		file := c.Target(src)
		if strings.HasPrefix(path.Base(file), ".") || slices.ContainsFunc([]string{"/tmp", "/var/tmp", "/root"}, func(dir string) bool { return imagepath.Below(file, dir) }) {
			return false
		}
		return !p.touchedByStep(c, file, content.Archive(path.Base(src)) || path.Ext(src) == ".zip")
	})
}

var (
	// unpacks matches commands that unpack what they are given, and handles those that remove,
	// move or open it.
	unpacks = regexp.MustCompile(`\b(tar|bsdtar|unzip|gunzip|unxz|bunzip2|7z)\b`)
	handles = regexp.MustCompile(`\b(rm|mv|chmod|chown|chgrp)\b`)
)

// touchedByStep reports whether a later step names a download, as the ADD does or as it is
// called, or does something to its directory. An archive may be named by a pattern.
func (p *Pass) touchedByStep(c simulate.Copy, file string, archive bool) bool {
	names := []string{path.Base(file)}
	for _, word := range c.By.Args[:max(0, len(c.By.Args)-1)] {
		names = append(names, path.Base(word))
	}
	dir := path.Dir(file)
	return slices.ContainsFunc(p.Stage.Instructions, func(in *dockerfile.Instruction) bool {
		if in.Keyword != "RUN" || in.Index < c.By.Index {
			return false
		}
		text := in.Original + "\n" + simulate.HeredocText(in)
		if slices.ContainsFunc(names, func(name string) bool { return len(name) > 1 && strings.Contains(text, name) }) {
			return true
		}
		return archive && unpacks.MatchString(text) || !imagepath.Standard[dir] && strings.Contains(text, dir) && handles.MatchString(text)
	})
}

// openCopy lets the user read what a copy brings. A download stays root's where the file asks
// for a builder that knows --chmod anyway, and no step builds upon the mode it has so far.
func (p *Pass) openCopy(c simulate.Copy) Change {
	if !c.Downloads() || !p.setsModes() || p.lastMention(strings.TrimSuffix(c.Dest, "/")) != nil || p.executes(c) {
		return p.addChown(c.By)
	}
	at := strings.IndexAny(c.By.Original, " \t")
	return Change{kind: replaceText, at: c.By, from: at, to: at, text: " --chmod=0644"}
}

// setsModes reports whether a COPY or ADD of the file has a --chmod, which only BuildKit and
// those after it know.
func (p *Pass) setsModes() bool {
	return slices.ContainsFunc(p.Doc.Instructions, func(in *dockerfile.Instruction) bool {
		_, has := in.Flag("chmod")
		return has && (in.Keyword == "COPY" || in.Keyword == "ADD")
	})
}
