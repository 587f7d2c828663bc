package rewrite

import (
	"regexp"
	"slices"

	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// snakeoilKey is the private key that Debian's ssl-cert makes when it is installed, of mode
// 0640, in a directory of mode 0710: both belong to the group ssl-cert
// (salsa.debian.org/debian/ssl-cert, debian/postinst).
const snakeoilKey = "/etc/ssl/private/ssl-cert-snakeoil.key"

// usesSnakeoil matches what makes a web server use that key: its name, Apache's site for it
// and nginx's snippet.
var usesSnakeoil = regexp.MustCompile(`ssl-cert-snakeoil|\ba2ensite\b[^&|;\n]*\bdefault-ssl\b|snippets/snakeoil`)

// packagedKeys are the keys that packages make for a group and that the program reads as a
// user who is not in it.
func (p *Pass) packagedKeys() []simulate.ModeChange {
	i := slices.IndexFunc(p.End.Packages, func(pkg simulate.Package) bool { return pkg.Name == "ssl-cert" })
	if i < 0 || p.inGroup("ssl-cert") || !usesSnakeoil.MatchString(p.stepsText()) && !p.copiesText(usesSnakeoil) {
		return nil
	}
	by := p.End.Packages[i].By
	return []simulate.ModeChange{{Path: "/etc/ssl/private", By: by}, {Path: snakeoilKey, By: by}}
}

// inGroup reports whether the program's own account is a member of a group from the start,
// as postgres is of ssl-cert.
func (p *Pass) inGroup(name string) bool {
	return slices.ContainsFunc(p.running(), func(r running) bool { return slices.Contains(r.variant.Account.Groups, name) })
}

// copiesText reports whether a file of the build context that the image gets by its name has
// such a text.
func (p *Pass) copiesText(re *regexp.Regexp) bool {
	if p.Context == nil {
		return false
	}
	for _, c := range p.End.Copies {
		if c.From != "" || c.Opaque {
			continue
		}
		for _, src := range c.Sources {
			if text, ok := p.ContextFile(imagepath.InContext(src)); ok && re.MatchString(text) {
				return true
			}
		}
	}
	return false
}
