package imageinspect

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

const maxWarnings = 200 // of one image

// A tree is what layers amount to, one upon the other.
type tree struct {
	links      map[string]string // symlink → target, absolute but not resolved
	tools      map[string]string // path → identity of the file: names that share it are hard links
	privileged map[string]PrivilegedFile
	owned      map[string]Dir
	scripts    map[string]string
	passwd     *passwdFile
	group      *groupFile
	osRelease  map[string]*Distro
	// present tells which of the two exist, whatever they are: one that is a
	// link has no text here.
	present map[string]bool

	layers     []*record
	hashed     map[string]uint64
	multi      map[string]string // see multiCalls
	incomplete map[string]bool
	warnings   []string
}

// merge lays the records upon each other, lowest first.
func merge(records []*record) *tree {
	t := &tree{
		links: map[string]string{}, tools: map[string]string{}, privileged: map[string]PrivilegedFile{},
		owned: map[string]Dir{}, scripts: map[string]string{}, osRelease: map[string]*Distro{},
		present: map[string]bool{}, hashed: map[string]uint64{}, incomplete: map[string]bool{},
	}
	for _, r := range records {
		t.apply(r)
	}
	return t
}

// apply puts a layer on top.
func (t *tree) apply(r *record) {
	v := t.viewOf(r)
	removeHidden(t.links, v)
	removeHidden(t.tools, v)
	removeHidden(t.privileged, v)
	removeHidden(t.owned, v)
	removeHidden(t.scripts, v)
	removeHidden(t.osRelease, v)
	removeHidden(t.present, v)
	t.add(r, v)
	t.layers = append(t.layers, r)
}

func removeHidden[V any](m map[string]V, v *view) {
	for p := range m {
		if v.hides(p) {
			delete(m, p)
		}
	}
}

func (t *tree) add(r *record, v *view) {
	layer := strconv.Itoa(len(t.layers))
	for p, target := range r.Links {
		p = v.real(p)
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(p), target)
		}
		t.links[p] = path.Clean(target)
	}
	for _, p := range r.Tools {
		id := layer + ":" + p
		if target, ok := r.Hardlinks[p]; ok {
			id = layer + ":" + target
		}
		t.tools[v.real(p)] = id
	}
	for _, f := range r.Privileged {
		f.Path = v.real(f.Path)
		t.privileged[f.Path] = f
	}
	for _, d := range r.Owned {
		d.Path = v.real(d.Path)
		t.owned[d.Path] = d
	}
	for p, text := range r.Scripts {
		t.scripts[v.real(p)] = text
	}
	for p, d := range r.OSRelease {
		t.osRelease[v.real(p)] = d
	}
	for _, p := range []string{"/etc/passwd", "/etc/group"} {
		if r.Files.has(t.hash(p)) {
			t.present[p] = true
		}
	}
	if r.Files.has(t.hash("/etc/passwd")) {
		t.passwd = r.Passwd
	}
	if r.Files.has(t.hash("/etc/group")) {
		t.group = r.Group
	}
	for _, part := range r.Incomplete {
		t.incomplete[part] = true
	}
	for _, text := range r.Warnings {
		if len(t.warnings) < maxWarnings && !slices.Contains(t.warnings, text) {
			t.warnings = append(t.warnings, text)
		}
	}
}

// A view is how a layer looks upon the tree below it.
type view struct {
	r     *record
	t     *tree
	memo  map[string]bool   // directory → hidden
	alias map[string]string // symlinked directory that the layer writes through → where to
}

func (t *tree) viewOf(r *record) *view {
	v := &view{r: r, t: t, memo: map[string]bool{}, alias: map[string]string{}}
	// A parent without an entry of its own is gone through when it is a
	// symlink below; an entry for the directory replaces the link
	// (containerd, archive/tar.go).
	for link := range t.links {
		if h := t.hash(link); r.Parents.has(h) && !r.Files.has(h) {
			v.alias[link] = t.resolve(link)
		}
	}
	return v
}

// real returns the place at which an entry of the layer ends up.
func (v *view) real(p string) string {
	for dir := range ancestors(p) {
		if to, ok := v.alias[dir]; ok {
			return path.Join(to, p[len(dir):])
		}
	}
	return p
}

// hides reports whether the layer removes or replaces what is at p below it.
func (v *view) hides(p string) bool {
	if v.hidesName(p) {
		return true
	}
	for link, to := range v.alias {
		if rest, ok := strings.CutPrefix(p, to+"/"); ok && v.hidesName(link+"/"+rest) {
			return true
		}
	}
	return false
}

// hidesName is hides for one of the names of p.
func (v *view) hidesName(p string) bool {
	h := v.t.hash(p)
	return v.r.Files.has(h) || v.r.Dirs.has(h) || v.r.Gone.has(h) || v.hidesBelow(path.Dir(p))
}

// hidesBelow reports whether the layer removes everything below dir.
func (v *view) hidesBelow(dir string) bool {
	hidden, ok := v.memo[dir]
	if !ok {
		h := v.t.hash(dir)
		hidden = v.r.Opaque.has(h) || dir != "/" && (v.r.Files.has(h) || v.r.Gone.has(h) || v.hidesBelow(path.Dir(dir)))
		v.memo[dir] = hidden
	}
	return hidden
}

func (t *tree) hash(p string) uint64 {
	h, ok := t.hashed[p]
	if !ok {
		h = hashPath(p)
		t.hashed[p] = h
	}
	return h
}

// resolve follows the symlinks in p, those of the last component too. It goes
// no further than 40 links, as the kernel (path_resolution(7)).
func (t *tree) resolve(p string) string {
	for range 40 {
		next := t.resolveOne(p)
		if next == p {
			break
		}
		p = next
	}
	return p
}

// resolveOne replaces the first symlink on the way to p.
func (t *tree) resolveOne(p string) string {
	for i := 1; i <= len(p); i++ {
		if i < len(p) && p[i] != '/' {
			continue
		}
		if target, ok := t.links[p[:i]]; ok {
			next := path.Join(target, p[i:])
			if len(next) > maxPathBytes {
				return p
			}
			return next
		}
	}
	return p
}

// exists reports whether there is something at p. It is asked only about
// resolved paths; what was written through a symlink may come out Unknown.
func (t *tree) exists(p string) Tri {
	for _, r := range slices.Backward(t.layers) {
		h := t.hash(p)
		if r.Files.has(h) || r.Dirs.has(h) || r.Parents.has(h) {
			return Yes
		}
		if r.Gone.has(h) {
			return No
		}
		v := &view{r: r, t: t, memo: map[string]bool{}}
		if v.hidesBelow(path.Dir(p)) {
			return No
		}
	}
	return Unknown
}

// hasTool reports whether the path, its directory resolved, is an executable
// or a link that leads somewhere.
func (t *tree) hasTool(p string) bool {
	p = path.Join(t.resolve(path.Dir(p)), path.Base(p))
	if _, ok := t.tools[p]; !ok {
		return false
	}
	end := t.resolve(p)
	if _, circle := t.links[end]; circle {
		return false
	}
	if end == p || t.exists(end) == Yes {
		return true
	}
	// Nothing there, as far as can be seen: that counts only where the
	// directory is in sight, for one reached through another link is not.
	return t.exists(end) == Unknown && t.exists(path.Dir(end)) != Yes
}

// multiCalls maps the identities of programs that are many tools to their
// paths. Where busybox is installed as hard links, every name is one of it.
func (t *tree) multiCalls() map[string]string {
	if t.multi == nil {
		t.multi = map[string]string{}
		for _, p := range sortedKeys(t.tools) {
			if slices.Contains(multiCall, path.Base(p)) {
				t.multi[t.tools[p]] = p
			}
		}
	}
	return t.multi
}

// toolTarget returns what runs when the tool at p is called, if that is
// another tool; "" otherwise.
func (t *tree) toolTarget(p string) string {
	p = path.Join(t.resolve(path.Dir(p)), path.Base(p))
	end := t.resolve(p)
	if name, ok := t.multiCalls()[t.tools[end]]; ok {
		end = name
	}
	base := path.Base(end)
	if base == path.Base(p) || !toolNames[base] || !pathPattern.MatchString(end) {
		return ""
	}
	return end
}
