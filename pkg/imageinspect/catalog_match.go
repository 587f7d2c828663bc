package imageinspect

import (
	"path"
	"regexp"
	"strings"
)

// tagPattern is the form of a tag (distribution/reference). Patterns in the
// catalogue match anything, so nothing else may reach them.
var tagPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// officialMirrors are places that hold Docker's official images under their
// own names: the Amazon ECR public gallery and Google's cache of Docker Hub.
var officialMirrors = []string{
	"docker.io/", "index.docker.io/", "registry-1.docker.io/", "registry.hub.docker.com/",
	"registry.docker.com/", "mirror.gcr.io/", "public.ecr.aws/docker/",
}

// officialNamespaces hold the official images of one architecture each
// (github.com/docker-library/official-images, "Architectures other than amd64").
var officialNamespaces = []string{
	"library/", "amd64/", "arm32v5/", "arm32v6/", "arm32v7/", "arm64v8/", "i386/",
	"mips64le/", "ppc64le/", "riscv64/", "s390x/",
}

// familiarName returns the name that the catalogue lists an image under.
func familiarName(name string) string {
	for _, p := range officialMirrors {
		if rest, ok := strings.CutPrefix(name, p); ok {
			name = rest
			break
		}
	}
	for _, p := range officialNamespaces {
		if rest, ok := strings.CutPrefix(name, p); ok && !strings.Contains(rest, "/") {
			return rest
		}
	}
	return name
}

// splitReference takes a reference apart without judging it: the catalogue
// does not know what is not a name.
func splitReference(ref string) (name, tag, digest string) {
	name, digest, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	return name, tag, digest
}

// tagSuite returns the first part of a tag that the catalogue knows as the
// name of a release: "bookworm" in "3.12-slim-bookworm". Some images write
// "alpine-3.20" where others write "alpine3.20".
func (c *Catalog) tagSuite(tag string) string {
	rest := tag
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(rest, "-")
		if part == "alpine" && strings.HasPrefix(rest, "3.") {
			version, _, _ := strings.Cut(rest, "-")
			part += version
		}
		if _, ok := c.data.Suites[part]; ok {
			return part
		}
	}
	return ""
}

// variant returns the variant that a tag is taken for and the release that it
// names or stands for.
func (c *Catalog) variant(img *catalogImage, tag string) (v *catalogVariant, suite string) {
	for _, v = range img.Variants {
		if !matchesAny(v.Tags, tag) {
			continue
		}
		switch suite = c.tagSuite(tag); {
		case suite == "":
			suite = defaultSuite(img, v, tag)
		case suite == "alpine":
			suite = alpineSuite(img, v, tag)
		}
		return v, suite
	}
	return nil, ""
}

func defaultSuite(img *catalogImage, v *catalogVariant, tag string) string {
	if v.Suite != "" {
		return v.Suite
	}
	for _, r := range img.Releases {
		if r.Suite != "" && matchesAny(r.Tags, tag) {
			return r.Suite
		}
	}
	return img.Suite
}

// alpineSuite returns the release of a tag that says "alpine" and no version.
func alpineSuite(img *catalogImage, v *catalogVariant, tag string) string {
	for _, r := range img.Releases {
		if r.Alpine != "" && matchesAny(r.Tags, tag) {
			return r.Alpine
		}
	}
	if v.Suite != "" {
		return v.Suite
	}
	return "alpine"
}

func matchesAny(patterns []string, tag string) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(p, tag); ok {
			return true
		}
	}
	return false
}
