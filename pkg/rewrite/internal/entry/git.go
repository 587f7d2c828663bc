package entry

import (
	"path"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// A GitCall is a call of git by a start script, in a directory that is known.
type GitCall struct {
	Verb, Dir, Where string
}

// maxGitCalls bounds how many calls are kept.
const maxGitCalls = 50

// git notes in which directory a script calls git, and for what.
func (r *Reader) git(c dockerfile.Command, where string, ctx reach) {
	if c.Name != "git" || ctx.guarded || len(r.e.Git) >= maxGitCalls {
		return
	}
	o, words := shellcmd.Split(c.Args, map[string]string{"-C": "dir", "-c": "config", "--work-tree": "dir", "--git-dir": "repository"})
	if dir := imagepath.Abs(r.Dir, o.Value("dir")); len(words) > 0 && path.IsAbs(dir) {
		r.e.Git = append(r.e.Git, GitCall{Verb: words[0], Dir: dir, Where: where})
	}
}
