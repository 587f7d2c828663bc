package imageinspect

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// A Platform is what an image runs on. The zero Platform is linux/amd64 where
// an index offers several, and whatever there is where it does not.
type Platform struct{ OS, Architecture, Variant string }

// ParsePlatform reads "os/arch" or "os/arch/variant". "" is the zero Platform.
func ParsePlatform(s string) (Platform, error) {
	if s == "" {
		return Platform{}, nil
	}
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return Platform{}, fmt.Errorf("platform %.60q is not of the form os/arch[/variant]; linux/amd64 is one", s)
	}
	for _, part := range parts {
		if distroID(part) == "" {
			return Platform{}, fmt.Errorf("platform %.60q is not of the form os/arch[/variant]; linux/amd64 is one", s)
		}
	}
	p := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// String returns "os/arch" or "os/arch/variant", and "linux/amd64" for the zero
// Platform.
func (p Platform) String() string {
	p = p.orDefault()
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// IsZero reports whether no platform was asked for.
func (p Platform) IsZero() bool { return p == Platform{} }

func (p Platform) orDefault() Platform {
	if p.IsZero() {
		return Platform{OS: "linux", Architecture: "amd64"}
	}
	return p
}

func platformOf(p *v1.Platform) Platform {
	if p == nil {
		return Platform{}
	}
	return Platform{OS: plainText(p.OS, 32), Architecture: plainText(p.Architecture, 32), Variant: plainText(p.Variant, 32)}
}

// variantRank orders how well an offered platform serves the one asked for; a
// negative rank is not at all. Unnamed variants are containerd's defaults: v8
// for arm64, v7 for arm, v1 for amd64, and an arm runs lower variants.
func variantRank(want, have Platform) int {
	if want.OS != have.OS || want.Architecture != have.Architecture {
		return -1
	}
	defaults := map[string]string{"arm64": "v8", "arm": "v7", "amd64": "v1"}
	w, h := want.Variant, have.Variant
	if w == "" {
		w = defaults[want.Architecture]
	}
	if h == "" {
		h = defaults[have.Architecture]
	}
	switch {
	case w == h:
		return 100
	case want.Architecture == "arm" || want.Architecture == "amd64":
		if len(w) == 2 && len(h) == 2 && h < w {
			return int(h[1]-'0') + 1
		}
		return -1
	case h == "" || w == "":
		return 1
	}
	return -1
}
