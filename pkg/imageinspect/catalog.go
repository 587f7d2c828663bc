package imageinspect

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:generate go test -run ^TestCatalogIsCompiled$ . -args -write-catalog

//go:embed catalog/catalog.json
var embeddedCatalog []byte

// A Catalog knows well-known images without looking at them: what their
// Dockerfiles, documentation and packages say. It is a Source that needs no
// network. Its facts say where they are from and which parts are complete.
type Catalog struct {
	data   *catalogData
	byName map[string]*catalogImage
	below  map[string]*catalogImage // "bitnami" for the name "bitnami/*"

	mu    sync.Mutex
	built map[catalogKey]*Facts
}

// A catalogKey is what facts depend on. There are few: every variant with
// every release that the catalogue knows, frozen or not.
type catalogKey struct {
	variant *catalogVariant
	suite   string
	frozen  bool
}

// DefaultCatalog returns the catalogue that is part of the program. It is
// decoded at the first call.
var DefaultCatalog = sync.OnceValue(func() *Catalog {
	c, err := newCatalog(embeddedCatalog)
	if err != nil {
		panic("internal error: " + err.Error()) // a test reads the same bytes
	}
	return c
})

func newCatalog(raw []byte) (*Catalog, error) {
	data := new(catalogData)
	if err := json.Unmarshal(raw, data); err != nil {
		return nil, fmt.Errorf("decoding the catalogue: %w", err)
	}
	return indexCatalog(data), nil
}

func indexCatalog(data *catalogData) *Catalog {
	c := &Catalog{
		data:   data,
		byName: make(map[string]*catalogImage, 2*len(data.Images)),
		below:  map[string]*catalogImage{},
		built:  map[catalogKey]*Facts{},
	}
	for _, img := range data.Images {
		for _, name := range img.Names {
			if dir, ok := strings.CutSuffix(name, "/*"); ok {
				c.below[dir] = img
				continue
			}
			c.byName[name] = img
		}
	}
	return c
}

// image returns the entry of a familiar name.
func (c *Catalog) image(name string) (*catalogImage, bool) {
	if img, ok := c.byName[name]; ok {
		return img, true
	}
	img, ok := c.below[path.Dir(name)]
	return img, ok
}

// Inspect implements Source. The facts are the caller's own copy.
func (c *Catalog) Inspect(ctx context.Context, ref string, p Platform) (*Facts, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name, tag, digest := splitReference(ref)
	img, ok := c.image(familiarName(name))
	if !ok {
		return nil, c.notKnown(ref, familiarName(name))
	}
	guessed := tag == ""
	if guessed {
		tag = "latest"
		if img.Tag != "" {
			tag = img.Tag
		}
	}
	if !tagPattern.MatchString(tag) || digest != "" && !digestPattern.MatchString(digest) {
		return nil, &Error{Kind: NotKnown, Ref: ref, Hint: "this is not the form of a tag or a digest"}
	}
	if guessed && digest != "" && !img.uniform() {
		// node@sha256:… may be Debian or Alpine, and of any year.
		return nil, &Error{Kind: NotKnown, Ref: ref, Hint: "a digest without a tag does not say which of the variants it is, and was not looked up"}
	}
	v, suite := c.variant(img, tag)
	if v == nil {
		return nil, &Error{Kind: NotKnown, Ref: ref, Hint: "the catalogue does not know this tag"}
	}
	f, err := c.facts(img, v, suite, matchesAny(img.Frozen, tag))
	if err != nil {
		return nil, &Error{Kind: NotKnown, Ref: ref, err: err}
	}
	if err := f.describe(ref, p); err != nil {
		return nil, err
	}
	f.Digest = digest
	if guessed && digest != "" {
		f.Warnings = append(f.Warnings, fmt.Sprintf("the digest was not looked up: these are the facts of %s:%s", name, tag))
	}
	return f, nil
}

// uniform reports whether what matters of an image is the same for all of its tags.
func (img *catalogImage) uniform() bool {
	return img.Alike || len(img.Variants) == 1 && len(img.Releases) == 0 && img.Suite == ""
}

// describe fills in what depends on how the image was asked for. Sizes of
// files are those of amd64.
func (f *Facts) describe(ref string, p Platform) error {
	f.Reference = ref
	f.Origin.Kind = FromCatalogue
	p = p.orDefault()
	switch {
	case f.Config.OS == "windows":
		f.Platform = "windows/amd64"
		return nil
	case p.OS != "linux":
		return &Error{Kind: NotKnown, Ref: ref, Hint: "the catalogue knows the Linux variant only"}
	}
	f.Platform = p.String()
	if p.Architecture != "amd64" {
		for i := range f.Privileged {
			f.Privileged[i].Size = 0
		}
	}
	return nil
}

// facts returns a copy of the facts of a variant.
func (c *Catalog) facts(img *catalogImage, v *catalogVariant, suite string, frozen bool) (*Facts, error) {
	key := catalogKey{v, suite, frozen}
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.built[key]
	if !ok {
		var err error
		if f, err = c.build(img, v, suite, frozen, 0); err != nil {
			return nil, err
		}
		c.built[key] = f
	}
	return cloneCatalogued(f), nil
}

// Names returns the repositories that the catalogue knows, sorted. A name that
// ends in "/*" stands for those directly below.
func (c *Catalog) Names() []string {
	var names []string
	for _, img := range c.data.Images {
		names = append(names, img.Names...)
	}
	slices.Sort(names)
	return names
}

// maxSlips is how many letters a name may differ in to be taken for a slip of
// the keyboard.
const maxSlips = 2

// Nearest returns the name in the catalogue that differs least from name, ""
// when none is near.
func (c *Catalog) Nearest(name string) string {
	name = familiarName(name)
	slips, nearest := min(maxSlips, len(name)/2), ""
	for candidate := range c.byName {
		d := editDistance(name, candidate, slips)
		if d < slips || d == slips && (nearest == "" || candidate < nearest) {
			slips, nearest = d, candidate
		}
	}
	return nearest
}

func (c *Catalog) notKnown(ref, name string) error {
	e := &Error{Kind: NotKnown, Ref: ref}
	if near := c.Nearest(name); near != "" {
		e.Hint = fmt.Sprintf("the catalogue has %q", near)
	}
	return e
}

// editDistance is the Levenshtein distance in bytes, or limit+1 when it is
// more than limit.
func editDistance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	var short [64]int // most names are, and there are hundreds to compare with
	row := short[:0]
	row = slices.Grow(row, len(b)+1)[:len(b)+1]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal, least := row[0], i+1
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
			least = min(least, row[j+1])
		}
		if least > limit {
			return limit + 1
		}
	}
	return min(row[len(b)], limit+1)
}
