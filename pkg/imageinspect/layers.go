package imageinspect

import (
	"archive/tar"
	"cmp"
	"context"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of one layer. They are far above what real layers hold; beyond them
// a layer is refused, or a part of the facts is marked as incomplete.
const (
	maxEntries     = 2_000_000
	maxParents     = 500_000
	maxPathBytes   = 4096 // PATH_MAX of Linux
	maxDepth       = 256
	maxUnpacked    = 1 << 42
	maxLinks       = 8192
	maxTools       = 4096
	maxPrivileged  = 4096
	maxOwned       = 4000 // directories kept of one layer, the shallowest
	maxOSReleases  = 16
	maxScriptBytes = 64 << 10
	maxScripts     = 128     // of each class, see scriptClass
	maxScriptTotal = 1 << 20 // bytes of each class
)

// Whiteouts, from the OCI image specification, layer.md. Names that start with
// .wh..wh. other than the opaque marker are metadata of aufs.
const (
	whiteoutPrefix = ".wh."
	whiteoutMeta   = ".wh..wh."
	whiteoutOpaque = ".wh..wh..opq"
)

// capabilityXattr is where GNU tar, Docker and BuildKit keep a file's
// capabilities.
const capabilityXattr = "SCHILY.xattr.security.capability"

// A walk is one pass over a layer's entries.
type walk struct {
	maxEntries, maxParents int

	rec     record
	tr      *tar.Reader
	warn    notes
	parents map[uint64]bool
	lastDir string

	tools      map[string]bool
	privileged map[string]PrivilegedFile
	owned      map[string]Dir
	scripts    [2]scriptBudget
	incomplete map[string]bool
}

type scriptBudget struct{ number, bytes int }

// readTar makes the record of a layer from its uncompressed tar stream. It
// reads up to the end of the archive, not of the stream.
func readTar(ctx context.Context, r io.Reader) (*record, error) {
	return readTarWithin(ctx, r, maxEntries, maxParents)
}

func readTarWithin(ctx context.Context, r io.Reader, entries, parents int) (*record, error) {
	w := &walk{
		maxEntries: entries,
		maxParents: parents,
		tr:         tar.NewReader(r),
		parents:    map[uint64]bool{},
		tools:      map[string]bool{},
		privileged: map[string]PrivilegedFile{},
		owned:      map[string]Dir{},
		incomplete: map[string]bool{},
	}
	w.rec.Links = map[string]string{}
	w.rec.Hardlinks = map[string]string{}
	w.rec.Scripts = map[string]string{}
	w.rec.OSRelease = map[string]*Distro{}
	for {
		if w.rec.Entries%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		h, err := w.tr.Next()
		if err == io.EOF {
			return w.finish(), nil
		}
		if err != nil {
			return nil, err
		}
		if err := w.entry(h); err != nil {
			return nil, err
		}
	}
}

// entry takes note of one entry.
func (w *walk) entry(h *tar.Header) error {
	w.rec.Entries++
	if w.rec.Entries > w.maxEntries {
		return failf(TooLarge, "", "a layer has more than %d entries", w.maxEntries)
	}
	if h.Size < 0 || h.Size > maxUnpacked-w.rec.Size {
		return failf(TooLarge, "", "a layer unpacks to more than %d bytes", int64(maxUnpacked))
	}
	w.rec.Size += h.Size
	if len(h.Name) > maxPathBytes || strings.Count(h.Name, "/") > maxDepth {
		w.warn.addf("a path of %d bytes is left out: %.60q…", len(h.Name), h.Name)
		return nil
	}
	// Runtimes join the name to the root and clean it; with containerd, ..
	// stops at the root (archive/tar.go, fs.RootPath).
	p := path.Clean("/" + h.Name)
	if strings.Contains(h.Name, "..") && slices.Contains(strings.Split(h.Name, "/"), "..") {
		w.warn.addf("entry %.60q climbs out of its directory; read as %.60q", h.Name, p)
	}
	dir, base := path.Split(p)
	if p == "/" || isArchiveMeta(p) {
		return nil
	}
	if err := w.parent(path.Clean(dir)); err != nil {
		return err
	}
	if strings.HasPrefix(base, whiteoutPrefix) {
		w.whiteout(path.Clean(dir), base)
		return nil
	}
	w.replace(p)
	if h.Typeflag == tar.TypeDir {
		w.rec.Dirs = append(w.rec.Dirs, hashPath(p))
		w.directory(p, h)
		return nil
	}
	w.rec.Files = append(w.rec.Files, hashPath(p))
	return w.file(p, h)
}

// isArchiveMeta reports whether p is a file that lazy-pulling formats add and
// runtimes leave out (stargz-snapshotter, docs/estargz.md).
func isArchiveMeta(p string) bool {
	return p == "/stargz.index.json" || p == "/.prefetch.landmark" || p == "/.no.prefetch.landmark"
}

// parent takes note that dir exists. Entries come directory by directory, so
// most calls end at the first comparison.
func (w *walk) parent(dir string) error {
	if dir == w.lastDir || dir == "/" {
		return nil
	}
	w.lastDir = dir
	for p := dir; p != "/"; p = path.Dir(p) {
		h := hashPath(p)
		if w.parents[h] {
			return nil
		}
		if len(w.parents) == w.maxParents {
			return failf(TooLarge, "", "a layer has more than %d directories", w.maxParents)
		}
		w.parents[h] = true
	}
	return nil
}

func (w *walk) whiteout(dir, base string) {
	switch {
	case base == whiteoutOpaque:
		w.rec.Opaque = append(w.rec.Opaque, hashPath(dir))
	case strings.HasPrefix(base, whiteoutMeta) || base == whiteoutPrefix:
	default:
		w.rec.Gone = append(w.rec.Gone, hashPath(path.Join(dir, base[len(whiteoutPrefix):])))
	}
}

// replace forgets an earlier entry of the same name: the last one counts.
func (w *walk) replace(p string) {
	delete(w.tools, p)
	delete(w.privileged, p)
	delete(w.owned, p)
	delete(w.rec.Links, p)
	delete(w.rec.Hardlinks, p)
	delete(w.rec.Scripts, p)
	delete(w.rec.OSRelease, p)
	switch p {
	case "/etc/passwd":
		w.rec.Passwd = nil
	case "/etc/group":
		w.rec.Group = nil
	}
}

// file takes note of an entry that is not a directory.
func (w *walk) file(p string, h *tar.Header) error {
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		w.tool(p, h.Mode&0o111 != 0)
		w.privilege(p, h, h.Size)
		return w.body(p, h)
	case tar.TypeLink:
		target := path.Clean("/" + h.Linkname)
		w.tool(p, h.Mode&0o111 != 0)
		if w.tools[p] && len(h.Linkname) <= maxPathBytes {
			w.rec.Hardlinks[p] = target
		}
		w.hardlink(p, target, h)
	case tar.TypeSymlink:
		w.tool(p, true)
		w.symlink(p, h.Linkname)
	}
	return nil
}

func (w *walk) tool(p string, executable bool) {
	if !executable || !toolNames[path.Base(p)] {
		return
	}
	if len(w.tools) == maxTools {
		w.incomplete["tools"] = true
		return
	}
	w.tools[p] = true
}

// symlink keeps those links that a lookup may come through: near the root, in
// directories of programs, and Debian's alternatives.
func (w *walk) symlink(p, target string) {
	dir := path.Dir(p)
	near := strings.Count(p, "/") <= 2 || p == "/usr/lib/os-release"
	if !near && !isProgramDir(dir) && dir != "/etc/alternatives" && !toolNames[path.Base(p)] {
		return
	}
	if len(w.rec.Links) == maxLinks || len(target) > maxPathBytes {
		w.incomplete["links"] = true
		return
	}
	w.rec.Links[p] = strings.ToValidUTF8(target, "\uFFFD")
}

// isProgramDir reports whether dir is one of programs: bin, sbin.
func isProgramDir(dir string) bool {
	base := path.Base(dir)
	return base == "bin" || base == "sbin" || dir == "/command"
}

// privilege takes note of a regular file with privileges of its own.
func (w *walk) privilege(p string, h *tar.Header, size int64) {
	f := PrivilegedFile{Path: p, Mode: Mode(h.Mode & 0o7777), UID: h.Uid, GID: h.Gid, Size: size}
	if raw, ok := h.PAXRecords[capabilityXattr]; ok {
		c, err := decodeCapability([]byte(raw))
		if err != nil {
			w.warn.addf("%.200q: %v; exec of it fails, or its capabilities are unknown", p, err)
			w.incomplete["privileged"] = true
		}
		f.Capabilities, f.Effective = c.Names(), c.Effective
		if len(c.Names()) > 0 && c.RootID != 0 {
			w.warn.addf("%.200q: its capabilities count only in a user namespace whose root is uid %d", p, c.RootID)
		}
	}
	if f.SetID() || len(f.Capabilities) > 0 {
		w.addPrivileged(f)
	}
}

func (w *walk) addPrivileged(f PrivilegedFile) {
	switch {
	case !cleanText(f.Path):
		w.warn.addf("privileged file %.200q is left out: its name cannot stand in a Dockerfile", f.Path)
	case !validID(f.UID) || !validID(f.GID):
		w.warn.addf("privileged file %.200q is left out: its owner %d:%d cannot be one", f.Path, f.UID, f.GID)
	case len(w.privileged) == maxPrivileged:
		w.warn.addf("more than %d privileged files in a layer", maxPrivileged)
	default:
		w.privileged[f.Path] = f
		return
	}
	w.incomplete["privileged"] = true
}

// hardlink takes note of a second name of a file. Its own header says what
// mode it has; size and capabilities are the target's, which came before it.
func (w *walk) hardlink(p, target string, h *tar.Header) {
	t, ok := w.privileged[target]
	if _, own := h.PAXRecords[capabilityXattr]; own || !ok || len(t.Capabilities) == 0 {
		w.privilege(p, h, t.Size)
		return
	}
	w.addPrivileged(PrivilegedFile{
		Path: p, Mode: Mode(h.Mode & 0o7777), UID: h.Uid, GID: h.Gid, Size: t.Size,
		Capabilities: t.Capabilities, Effective: t.Effective,
	})
}

// ownedRoots are the directories below which owners and modes matter: where
// programs keep what they write. Directories right below / count too.
var ownedRoots = []string{"/var/", "/run/", "/srv/", "/opt/", "/home/", "/data/", "/app/", "/etc/", "/usr/src/", "/usr/local/", "/tmp/"}

// directory takes note of a directory that is not root's or not 0755.
func (w *walk) directory(p string, h *tar.Header) {
	d := Dir{Path: p, UID: h.Uid, GID: h.Gid, Mode: Mode(h.Mode & 0o7777)}
	if d.UID == 0 && d.GID == 0 && d.Mode == 0o755 {
		return
	}
	if strings.Count(p, "/") > 1 && !slices.ContainsFunc(ownedRoots, func(root string) bool { return strings.HasPrefix(p, root) }) {
		return
	}
	if !cleanText(p) || !validID(d.UID) || !validID(d.GID) {
		w.warn.addf("directory %.200q is left out: odd name or owner %d:%d", p, d.UID, d.GID)
		return
	}
	w.owned[p] = d
	if len(w.owned) >= 2*maxOwned {
		kept := shallowest(mapValues(w.owned), maxOwned)
		clear(w.owned)
		for _, d := range kept {
			w.owned[d.Path] = d
		}
	}
}

// body reads those files whose text matters.
func (w *walk) body(p string, h *tar.Header) error {
	switch p {
	case "/etc/passwd":
		text, err := w.text(p, h)
		f := parsePasswd(text)
		f.TooLarge = f.TooLarge || h.Size > maxAccountText
		w.rec.Passwd = &f
		return err
	case "/etc/group":
		text, err := w.text(p, h)
		f := parseGroup(text)
		f.TooLarge = f.TooLarge || h.Size > maxAccountText
		w.rec.Group = &f
		return err
	}
	if isOSRelease(p) && len(w.rec.OSRelease) < maxOSReleases {
		text, err := w.text(p, h)
		d := parseOSRelease(text)
		w.rec.OSRelease[p] = &d
		return err
	}
	return w.script(p, h)
}

// isOSRelease reports whether p is an os-release file. The one in /etc is
// commonly a link to one below /usr/lib; Fedora has one per edition there.
func isOSRelease(p string) bool {
	return p == "/etc/os-release" || p == "/usr/lib/os-release" || path.Dir(p) == "/usr/lib/os.release.d"
}

// text reads a file of bounded size. Of a larger one nothing is read.
func (w *walk) text(p string, h *tar.Header) (string, error) {
	if h.Size > maxAccountText {
		w.warn.addf("%s is too large: %d bytes, at most %d are read", p, h.Size, maxAccountText)
		return "", nil
	}
	b, err := io.ReadAll(io.LimitReader(w.tr, maxAccountText))
	return string(b), err
}

// finish brings the record into its final form.
func (w *walk) finish() *record {
	r := &w.rec
	r.Files, r.Dirs, r.Gone, r.Opaque = r.Files.sorted(), r.Dirs.sorted(), r.Gone.sorted(), r.Opaque.sorted()
	for h := range w.parents {
		if !r.Dirs.has(h) {
			r.Parents = append(r.Parents, h)
		}
	}
	r.Parents = r.Parents.sorted()
	for p := range w.tools {
		if cleanText(p) {
			r.Tools = append(r.Tools, p)
		}
	}
	slices.Sort(r.Tools)
	r.Privileged = mapValues(w.privileged)
	slices.SortFunc(r.Privileged, func(a, b PrivilegedFile) int { return cmp.Compare(a.Path, b.Path) })
	r.Owned = shallowest(mapValues(w.owned), maxOwned)
	for part := range w.incomplete {
		r.Incomplete = append(r.Incomplete, part)
	}
	slices.Sort(r.Incomplete)
	r.Warnings = w.warn.done()
	for i, text := range r.Warnings {
		r.Warnings[i] = plainText(text, maxWarning)
	}
	r.dropOddNames()
	return r
}

// dropOddNames drops names that JSON cannot hold.
func (r *record) dropOddNames() {
	for _, m := range []map[string]string{r.Links, r.Hardlinks, r.Scripts} {
		for p, target := range m {
			if !cleanText(p) || !utf8.ValidString(target) {
				delete(m, p)
			}
		}
	}
}

// cleanText reports whether s is UTF-8 without control characters.
func cleanText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, isControl)
}

// shallowest returns up to n directories, those nearest to the root, by path.
func shallowest(dirs []Dir, n int) []Dir {
	depth := func(d Dir) int { return strings.Count(d.Path, "/") }
	slices.SortFunc(dirs, func(a, b Dir) int {
		return cmp.Or(cmp.Compare(depth(a), depth(b)), cmp.Compare(a.Path, b.Path))
	})
	dirs = dirs[:min(n, len(dirs))]
	slices.SortFunc(dirs, func(a, b Dir) int { return cmp.Compare(a.Path, b.Path) })
	return dirs
}

func mapValues[V any](m map[string]V) []V {
	var values []V
	for _, v := range m {
		values = append(values, v)
	}
	return values
}
