package verify

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// Contents is what an image has in it and which steps of a Dockerfile put it
// there. A nil one knows nothing.
type Contents struct {
	paths []string // sorted
	files map[string]content
	trees map[string]bool // what isTree found out
}

type content struct {
	Entry
	run bool // a RUN step made it, and no COPY or ADD step changed it since
}

// Bounds of a tree that is given to the user with everything in it: chown -R
// stores all of it again in a layer.
const (
	maxTreeFiles = 2000
	maxTreeBytes = 64 << 20
)

// newContents puts the layers of an image on top of each other.
func newContents(layers [][]Entry, steps []string) *Contents {
	c := &Contents{files: map[string]content{}, trees: map[string]bool{}}
	for i, layer := range layers {
		c.remove(layer)
		run := i < len(steps) && ranCommand(steps[i])
		for _, e := range layer {
			switch old, known := c.files[e.Path]; {
			case e.Kind == whiteout:
			case known && e.Kind == Directory && old.Kind == Directory:
				c.files[e.Path] = content{e, old.run} // layers repeat the directories above what they change
			default:
				c.files[e.Path] = content{e, run && (!known || old.run)}
			}
		}
	}
	c.paths = sortedKeys(c.files)
	return c
}

// remove takes out what a layer deletes, with all below it.
func (c *Contents) remove(layer []Entry) {
	gone := map[string]bool{}
	for _, e := range layer {
		if e.Kind == whiteout {
			gone[e.Path] = true
		}
	}
	if len(gone) == 0 {
		return
	}
	for name := range c.files {
		for dir := name; dir != "/"; dir = path.Dir(dir) {
			if gone[dir] {
				delete(c.files, name)
				break
			}
		}
	}
}

// ranCommand reports whether a step of an image's history is a RUN: BuildKit
// writes the instruction, the classic builder the command, and marks the others
// with a comment (moby, builder/dockerfile/dispatchers.go).
func ranCommand(step string) bool {
	if strings.HasPrefix(step, "RUN ") {
		return true
	}
	return strings.HasPrefix(step, "/bin/sh -c ") && !strings.Contains(step, "#(nop)") || strings.HasPrefix(step, "|")
}

// stepsOf returns what made each layer, from an image's configuration.
func stepsOf(config []byte) []string {
	var image struct {
		History []struct {
			CreatedBy string `json:"created_by"`
			Empty     bool   `json:"empty_layer"`
		} `json:"history"`
	}
	if json.Unmarshal(config, &image) != nil {
		return nil
	}
	var out []string
	for _, h := range image.History {
		if !h.Empty {
			out = append(out, h.CreatedBy)
		}
	}
	return out
}

// has reports whether the image has something at a path.
func (c *Contents) has(name string) bool {
	if c == nil {
		return false
	}
	_, ok := c.files[name]
	return ok
}

// below returns what lies in a directory, at any depth.
func (c *Contents) below(dir string) []string {
	if c == nil || dir == "" {
		return nil
	}
	from, _ := slices.BinarySearch(c.paths, dir+"/")
	to, _ := slices.BinarySearch(c.paths, dir+"0") // '0' follows '/'
	return c.paths[from:max(from, to)]
}

// treeOf returns the topmost directory around a path that is one thing: a
// repository, a database. Its content was made by RUN steps alone, and nothing
// in it is code. "" when there is none.
func (c *Contents) treeOf(dir string) string {
	top := ""
	for ; c != nil && !sharedDir(dir) && c.isTree(dir); dir = path.Dir(dir) {
		top = dir
	}
	if len(c.below(top)) == 0 {
		return "" // one empty directory is no more than that
	}
	return top
}

func (c *Contents) isTree(dir string) bool {
	if known, ok := c.trees[dir]; ok {
		return known
	}
	c.trees[dir] = c.looksLikeTree(dir)
	return c.trees[dir]
}

func (c *Contents) looksLikeTree(dir string) bool {
	own, ok := c.files[dir]
	for _, system := range []string{"/etc", "/usr", "/tmp", "/var/tmp", "/root", "/home"} {
		if within(dir, system) {
			return false
		}
	}
	list := c.below(dir)
	if !ok || own.Kind != Directory || !own.run || len(list) > maxTreeFiles || forbidden(dir) {
		return false
	}
	var size int64
	for _, name := range list {
		f := c.files[name]
		size += f.Size
		if !f.run || f.UID != own.UID || size > maxTreeBytes || f.Kind == Regular && isCode(name, f.Mode) {
			return false
		}
	}
	return true
}

// dataAlone reports whether nothing in a directory itself is code.
func (c *Contents) dataAlone(dir string) bool {
	if c == nil {
		return false
	}
	for _, name := range c.below(dir) {
		if f := c.files[name]; f.Kind == Regular && isCode(name, f.Mode) {
			return false
		}
	}
	return true
}
