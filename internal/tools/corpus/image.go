package main

import (
	"path"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/pkg/imageinspect"
)

// A program says what the final stage has to run.
type program string

const (
	ownProgram     program = "own"     // the file has CMD or ENTRYPOINT
	baseProgram    program = "base's"  // the base image brings one
	noProgram      program = "none"    // nothing, or the shell or prompt of the base image
	unknownProgram program = "unknown" // the file has none, and nothing is known of the base
)

// programs lists the values in the order of the table.
var programKinds = []program{ownProgram, baseProgram, noProgram, unknownProgram}

// An image is the configuration that a Dockerfile gives its image, worked out
// from the text alone and apart from the code under test.
type image struct {
	user    string
	program program
}

// resolve follows the final stage from its base image.
func resolve(doc *dockerfile.Document, base *imageinspect.Facts) (image, error) {
	stage, err := doc.Stage("")
	if err != nil {
		return image{}, err
	}
	resolver := doc.Resolver(nil, "linux/amd64")
	chain, _, err := resolver.Chain(stage)
	if err != nil {
		return image{}, err
	}
	img := image{user: base.Config.User}
	entrypoint, cmd := base.Config.Entrypoint, base.Config.Cmd
	own, ownCmd := false, false
	env := resolver.Env(base.Config.Env)
	for i, st := range chain {
		if i > 0 {
			env = env.Child()
		}
		for _, in := range st.Instructions {
			env.Apply(in)
			switch in.Keyword {
			case "USER":
				if v, _, err := env.Expand(value(in)); err == nil {
					img.user = v
				} else {
					img.user = value(in)
				}
			case "ENTRYPOINT":
				entrypoint, own = command(in), true
				// ENTRYPOINT resets the CMD of the base image (Dockerfile
				// reference, "Understand how CMD and ENTRYPOINT interact").
				if !ownCmd {
					cmd = nil
				}
			case "CMD":
				cmd, own, ownCmd = command(in), true, true
			}
		}
	}
	argv := append(append([]string{}, entrypoint...), cmd...)
	switch {
	case own && len(argv) > 0 && !opensPrompt(shellWords(argv), true):
		img.program = ownProgram
	case !own && !base.Known.Config && len(argv) == 0:
		img.program = unknownProgram
	case opensPrompt(argv, false):
		img.program = noProgram
	default:
		img.program = baseProgram
	}
	return img, nil
}

func command(in *dockerfile.Instruction) []string {
	if in.JSON {
		return in.Args
	}
	return []string{"/bin/sh", "-c", in.Text}
}

// shellWords returns the words that a shell form starts, roughly.
func shellWords(argv []string) []string {
	if len(argv) == 3 && argv[0] == "/bin/sh" && argv[1] == "-c" {
		return strings.Fields(argv[2])
	}
	return argv
}

// opensPrompt reports whether a command is nothing, a shell, or the prompt of a
// language: no program. A base's own entry point script starts one of those; a
// file's own starts its program.
func opensPrompt(argv []string, own bool) bool {
	for _, w := range argv {
		name := strings.TrimRight(path.Base(w), "0123456789.")
		if !strings.HasPrefix(w, "-") && !prompts[name] && (own || !strings.HasSuffix(name, "entrypoint.sh")) {
			return false
		}
	}
	return true
}

var prompts = map[string]bool{
	"sh": true, "bash": true, "ash": true, "dash": true, "zsh": true, "fish": true, "busybox": true, "cmd.exe": true, "powershell": true, "pwsh": true,
	"python": true, "pypy": true, "node": true, "irb": true, "php": true, "jshell": true, "R": true, "julia": true, "ghci": true,
	"iex": true, "erl": true, "perl": true, "swift": true, "lua": true, "scala": true, "mvn": true, "gradle": true, "bun": true, "deno": true,
	"docker-php-entrypoint": true, "tini": true, "env": true, "login": true,
}
