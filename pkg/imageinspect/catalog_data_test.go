package imageinspect

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var writeCatalog = flag.Bool("write-catalog", false, "compile catalog/*.yaml into catalog/catalog.json")

// TestCatalogIsCompiled keeps the embedded file in step with the ones that
// people edit; with -write-catalog, as go generate has it, it writes that file.
func TestCatalogIsCompiled(t *testing.T) {
	want, err := compileCatalog("catalog")
	if err != nil {
		t.Fatal(err)
	}
	const file = "catalog/catalog.json"
	if *writeCatalog {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(embeddedCatalog, want) {
		t.Fatalf("%s is not what the files beside it say; run go generate ./pkg/imageinspect", file)
	}
}

// readCatalogSource reads the files that people edit.
func readCatalogSource(dir string) (*catalogData, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	all := &catalogData{Profiles: map[string]*catalogOverlay{}, Suites: map[string]string{}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var part catalogData
		if err := decodeStrictly(text, &part); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for name := range part.Profiles {
			if _, ok := all.Profiles[name]; ok {
				return nil, fmt.Errorf("%s: profile %s is there twice", file, name)
			}
		}
		maps.Copy(all.Profiles, part.Profiles)
		maps.Copy(all.Suites, part.Suites)
		all.Images = append(all.Images, part.Images...)
	}
	return all, nil
}

// decodeStrictly reads YAML by the JSON names of the fields; an unknown key is
// an error.
func decodeStrictly(text []byte, v any) error {
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return err
	}
	raw, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// compileCatalog leaves out what only tests read.
func compileCatalog(dir string) ([]byte, error) {
	data, err := readCatalogSource(dir)
	if err != nil {
		return nil, err
	}
	for _, img := range data.Images {
		for _, v := range img.Variants {
			v.Examples = nil
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// sourceCatalog is the catalogue with the examples.
func sourceCatalog(t *testing.T) *Catalog {
	t.Helper()
	data, err := readCatalogSource("catalog")
	if err != nil {
		t.Fatal(err)
	}
	return indexCatalog(data)
}

var repositoryName = regexp.MustCompile(`^([a-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*(/\*)?$`)

func TestCatalogImages(t *testing.T) {
	c := sourceCatalog(t)
	seen := map[string]bool{}
	for _, img := range c.data.Images {
		name := img.Names[0]
		t.Run(name, func(t *testing.T) {
			for _, n := range img.Names {
				if !repositoryName.MatchString(n) || familiarName(n) != n {
					t.Errorf("%q is not the familiar name of a repository", n)
				}
				if seen[n] {
					t.Errorf("%q is there twice", n)
				}
				seen[n] = true
			}
			checkSources(t, img.Sources)
			checkReleases(t, c, img)
			if len(img.Variants) == 0 {
				t.Error("no variants")
			}
			for i, v := range img.Variants {
				checkVariant(t, c, img, v, i)
			}
		})
	}
}

func checkSources(t *testing.T, sources []string) {
	t.Helper()
	if len(sources) == 0 {
		t.Error("no sources")
	}
	for _, s := range sources {
		if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("source %q is not a URL", s)
		}
	}
}

func checkReleases(t *testing.T, c *Catalog, img *catalogImage) {
	t.Helper()
	suites := []string{img.Suite}
	if len(img.Frozen) > 0 {
		checkPatterns(t, img.Frozen)
	}
	for _, r := range img.Releases {
		checkPatterns(t, r.Tags)
		suites = append(suites, r.Suite, r.Alpine)
	}
	for _, v := range img.Variants {
		suites = append(suites, v.Suite)
	}
	for _, s := range suites {
		if _, ok := c.data.Suites[s]; s != "" && !ok {
			t.Errorf("unknown suite %q", s)
		}
	}
}

func checkPatterns(t *testing.T, patterns []string) {
	t.Helper()
	if len(patterns) == 0 {
		t.Error("no tags")
	}
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			t.Errorf("pattern %q: %v", p, err)
		}
	}
}

// checkVariant makes sure that a variant is reached and that its facts are
// coherent for each of its examples.
func checkVariant(t *testing.T, c *Catalog, img *catalogImage, v *catalogVariant, i int) {
	t.Helper()
	checkPatterns(t, v.Tags)
	if len(v.Examples) == 0 {
		t.Errorf("variant %d (%s) has no examples", i, v.Tags)
	}
	if v.Complete == nil {
		t.Errorf("variant %d (%s) does not say what is complete", i, v.Tags)
	}
	if v.Profile != "" && v.From != "" {
		t.Errorf("variant %d (%s) has two parents", i, v.Tags)
	}
	for _, tag := range v.Examples {
		got, suite := c.variant(img, tag)
		if got != v {
			t.Errorf("example %q of variant %d (%s) is taken for another", tag, i, v.Tags)
			continue
		}
		f, err := c.build(img, v, suite, false, 0)
		if err != nil {
			t.Errorf("%s: %v", tag, err)
			continue
		}
		checkCatalogued(t, tag, f)
	}
}

// checkCatalogued checks what holds for all facts of the catalogue.
func checkCatalogued(t *testing.T, tag string, f *Facts) {
	t.Helper()
	f.Reference = "example:" + tag
	if err := f.Validate(); err != nil {
		t.Errorf("%s: %v", tag, err)
	}
	if raw, err := json.Marshal(f); err != nil {
		t.Errorf("%s: %v", tag, err)
	} else if _, err = ReadFacts(bytes.NewReader(raw)); err != nil {
		t.Errorf("%s: --facts does not read what inspect --json prints: %v", tag, err)
	}
	for name := range f.Tools {
		if !slices.Contains(ToolNames, name) {
			t.Errorf("%s: %q is not one of ToolNames", tag, name)
		}
	}
	for _, p := range f.Privileged {
		if !path.IsAbs(p.Path) || path.Clean(p.Path) != p.Path || !p.SetID() && len(p.Capabilities) == 0 {
			t.Errorf("%s: privileged file %+v", tag, p)
		}
	}
	if f.Distro.ID != "" && f.Distro.Family() == "" {
		t.Errorf("%s: distribution %q is of no family", tag, f.Distro.ID)
	}
	if f.Known.Accounts && f.Config.OS == "linux" {
		checkAccounts(t, tag, f)
	}
	if e := f.Entrypoint; e != nil && e.Drops == "" {
		t.Errorf("%s: the entry point drops by nothing", tag)
	}
}

// checkAccounts checks accounts that are said to be complete: nothing may
// refer to one that is not there.
func checkAccounts(t *testing.T, tag string, f *Facts) {
	t.Helper()
	for _, a := range f.Accounts {
		if _, ok := f.GroupByGID(a.GID); !ok {
			t.Errorf("%s: account %s has group %d, which is not there", tag, a.Name, a.GID)
		}
		if b, _ := f.AccountByUID(a.UID); b.Name != a.Name {
			t.Errorf("%s: %s and %s share uid %d", tag, a.Name, b.Name, a.UID)
		}
	}
	names := []string{f.RunsAs}
	if user, _, _ := strings.Cut(f.Config.User, ":"); strings.Trim(user, "0123456789") != "" {
		names = append(names, user)
	}
	if f.Entrypoint != nil {
		names = append(names, f.Entrypoint.Account)
	}
	for _, name := range names {
		if _, ok := f.Account(name); name != "" && !ok {
			t.Errorf("%s: no account %q", tag, name)
		}
	}
}

// TestCatalogCommands keeps applications from starting the shell of their
// distribution: an image that has ports, volumes, a user or an entry point that
// changes the user starts something else.
func TestCatalogCommands(t *testing.T) {
	c := sourceCatalog(t)
	for _, img := range c.data.Images {
		for _, v := range img.Variants {
			if !isApplication(&img.Common) && !isApplication(&v.catalogOverlay) || startsSomething(img.Common.Config) || startsSomething(v.Config) {
				continue
			}
			for _, tag := range v.Examples {
				_, suite := c.variant(img, tag)
				f, err := c.build(img, v, suite, false, 0)
				if err != nil {
					t.Fatal(err)
				}
				if words := f.Config.commandWords(); len(words) > 0 && shells[path.Base(words[len(words)-1])] {
					t.Errorf("%s:%s starts %q, which it has from its distribution", img.Names[0], tag, words)
				}
			}
		}
	}
}

var shells = map[string]bool{"sh": true, "bash": true}

func isApplication(o *catalogOverlay) bool {
	if e := o.Entrypoint; e != nil && e.Drops != "none" {
		return true
	}
	return o.Config != nil && (len(o.Config.Ports) > 0 || len(o.Config.Volumes) > 0 || o.Config.User != nil && *o.Config.User != "")
}

func TestCatalogProfiles(t *testing.T) {
	c := sourceCatalog(t)
	used := map[string]bool{}
	for _, p := range c.data.Profiles {
		used[p.Extends] = true
	}
	for suite, p := range c.data.Suites {
		name, _, _ := strings.Cut(p, "@")
		if _, ok := c.data.Profiles[name]; !ok {
			t.Errorf("suite %s: no profile %q", suite, name)
		}
		used[name] = true
	}
	for _, img := range c.data.Images {
		for _, v := range img.Variants {
			used[v.Profile] = true
		}
	}
	for name, p := range c.data.Profiles {
		f, err := c.profile(name, "", 0)
		if err != nil {
			t.Error(err)
			continue
		}
		checkSources(t, f.Origin.Sources)
		checkCatalogued(t, name, f)
		if p.Complete == nil && p.Extends != "" {
			t.Errorf("profile %s does not say what is complete", name)
		}
		if !used[name] {
			t.Errorf("profile %s is not used", name)
		}
	}
}
