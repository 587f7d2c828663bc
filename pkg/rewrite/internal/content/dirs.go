package content

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// ImageFiles returns the files of the image that a pattern such as
// /etc/app/conf.d/*.conf names, sorted. ok is false where there may be others:
// from the base image, another stage, or an archive.
func (im *Image) ImageFiles(pattern string) (files []string, ok bool) {
	if dir := path.Dir(pattern); strings.ContainsAny(dir, "*?[") || !im.makesDir(dir) {
		return nil, false
	}
	return im.CopiedFiles(pattern)
}

// CopiedFiles returns those of them that copies bring.
func (im *Image) CopiedFiles(pattern string) (files []string, ok bool) {
	dir := path.Dir(pattern)
	for _, c := range im.End.Copies {
		names, ok := im.CopiedInto(c, dir)
		if !ok {
			return nil, false
		}
		for _, name := range names {
			if match, err := path.Match(pattern, name); err == nil && match && !slices.Contains(files, name) {
				files = append(files, name)
			}
		}
	}
	slices.Sort(files)
	return files, true
}

// makesDir reports whether the directory is this file's own: nothing of a base
// image of which nobody knows the files lies in it.
func (im *Image) makesDir(dir string) bool {
	return im.End.HasPackage("supervisor") || im.End.Dirs[dir] != nil && im.End.Dirs[dir].MadeBy != nil
}

// CopiedInto returns the files that a COPY or ADD puts right into a directory.
func (im *Image) CopiedInto(c simulate.Copy, dir string) (names []string, ok bool) {
	dest := path.Clean(c.Dest)
	if !imagepath.Below(dest, dir) && !imagepath.Below(dir, dest) {
		return nil, !c.Opaque
	}
	if c.Opaque || c.From != "" || c.Parents || im.Context == nil && len(c.By.Heredocs) == 0 {
		return nil, false
	}
	for _, h := range c.By.Heredocs {
		names = append(names, c.Target(h.Name))
	}
	if im.Context == nil {
		return names, len(c.Sources) == len(c.By.Heredocs)
	}
	for _, src := range c.Sources {
		matches, err := fs.Glob(im.Context, imagepath.InContext(src))
		if err != nil || len(matches) == 0 && len(c.By.Heredocs) == 0 || Archive(src) && c.By.Keyword == "ADD" {
			return nil, false
		}
		for _, m := range matches {
			names = append(names, im.landsIn(m, c.Dest, dir)...)
		}
	}
	return slices.DeleteFunc(names, func(n string) bool { return path.Dir(n) != dir }), true
}

// landsIn returns the paths in the image of a file of the context, or of what a
// directory of it brings into dir.
func (im *Image) landsIn(source, dest, dir string) []string {
	info, err := fs.Stat(im.Context, source)
	if err != nil {
		return nil
	}
	if !info.IsDir() {
		return []string{path.Clean(dest), path.Join(dest, path.Base(source))}
	}
	rel, ok := strings.CutPrefix(dir+"/", strings.TrimSuffix(path.Clean(dest), "/")+"/")
	if !ok {
		return nil
	}
	entries, _ := fs.ReadDir(im.Context, path.Join(source, rel))
	var out []string
	for _, e := range entries {
		if !e.IsDir() {
			out = append(out, path.Join(dir, e.Name()))
		}
	}
	return out
}

// Archive reports whether ADD takes a file apart, or downloads it.
func Archive(src string) bool {
	return strings.Contains(src, "://") || strings.Contains(path.Base(src), ".tar") || slices.Contains([]string{".tgz", ".tbz2", ".txz", ".gz", ".xz", ".bz2"}, path.Ext(src))
}

// ChangedLater returns the line of the first RUN that may change one of the
// files, 0 when none does. Making a directory and changing an owner do not.
func (im *Image) ChangedLater(files []string) int {
	for _, stage := range im.Chain {
		for _, in := range stage.Instructions {
			if in.Keyword == "RUN" && slices.ContainsFunc(files, func(f string) bool { return im.mayChange(in, f) }) {
				return in.Line
			}
		}
	}
	return 0
}

func (im *Image) mayChange(in *dockerfile.Instruction, file string) bool {
	mentions := func(s string) bool { return NamesFile(s, file) }
	if !mentions(in.Original) {
		return false
	}
	sc, err := im.Doc.Script(in)
	if err != nil {
		return true
	}
	for _, c := range sc.Commands() {
		if slices.Contains([]string{"mkdir", "chown", "chgrp", "chmod", "ls", "echo"}, c.Name) && len(c.Redirects) == 0 {
			continue
		}
		if slices.ContainsFunc(shellcmd.Words(c.Args), mentions) || slices.ContainsFunc(c.Redirects, func(r dockerfile.Redirect) bool { return mentions(r.Target.Value) || !r.Target.Static }) {
			return true
		}
	}
	return false
}

// NamesFile reports whether a text names a file, or its directory as the place that
// something goes to: /srv and /srv/* for /srv/supervisord.conf, and not /srv/index.html.
func NamesFile(text, file string) bool {
	if strings.Contains(text, path.Base(file)) {
		return true
	}
	dir := path.Dir(file)
	if dir == "/" || dir == "/etc" {
		return false
	}
	for rest := text; ; {
		i := strings.Index(rest, dir)
		if i < 0 {
			return false
		}
		rest = rest[i+len(dir):]
		if next := strings.TrimPrefix(rest, "/"); next == "" || strings.ContainsAny(next[:1], " \t\n\\\"'*?[{$;&|)") {
			return true
		}
	}
}
