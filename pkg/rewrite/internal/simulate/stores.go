package simulate

import (
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/internal/shellcmd"
)

// A Store is a repository or a database that a RUN makes: what a service is going to write.
type Store struct {
	By   *dockerfile.Instruction
	File bool // it is one file, beside which others are made
}

// stores notes what commands make that are for making repositories and databases.
func (s *simulator) stores(in *dockerfile.Instruction, name string, c dockerfile.Command, dir string) {
	if c.Conditional {
		return
	}
	if made, file := storeOf(name, c.Args); made != "" && !strings.ContainsAny(made, "*?[$") {
		s.Stores[imagepath.Abs(dir, made)] = Store{By: in, File: file}
	}
}

// storeOf returns what one such command makes, "" for none.
func storeOf(name string, args []dockerfile.Word) (made string, file bool) {
	o, words := shellcmd.Split(args, storeOptions[name])
	if len(words) == 0 {
		return "", false
	}
	switch verb := words[0]; {
	case name == "sqlite3":
		return words[0], words[0] != ":memory:"
	case name == "git":
		return bareOf(o, words), false
	case len(words) == 2 && (name == "svnadmin" && verb == "create" || name == "hg" && verb == "init"):
		return words[1], false
	case len(words) == 2 && name == "fossil" && slices.Contains([]string{"init", "new"}, verb):
		return words[1], true
	}
	return "", false
}

// bareOf returns the repository without a working tree that git makes, for a server.
func bareOf(o shellcmd.Options, words []string) string {
	bare := o.Has("--bare") || o.Has("--mirror")
	switch {
	case !bare:
	case words[0] == "init" && len(words) == 1:
		return "."
	case words[0] == "init":
		return words[1]
	case words[0] == "clone" && len(words) == 3:
		return words[2]
	case words[0] == "clone" && len(words) == 2:
		return strings.TrimSuffix(path.Base(words[1]), ".git") + ".git" // git-clone(1), <directory>
	}
	return ""
}

// storeOptions are the options of these commands that have an argument of their own.
var storeOptions = map[string]map[string]string{
	"git":      {"-b": "branch", "--branch": "branch", "--initial-branch": "branch", "--depth": "depth", "--template": "template", "--object-format": "format", "-c": "config", "-C": "dir"},
	"svnadmin": {"--fs-type": "type", "--config-dir": "config", "--compatible-version": "version"},
	"sqlite3":  {"-init": "init", "-cmd": "cmd", "-separator": "separator", "-newline": "newline", "-nullvalue": "null", "-vfs": "vfs"},
	"fossil":   {"--template": "template", "--admin-user": "user", "-A": "user", "--date-override": "date", "--sha1": "sha1"},
}
