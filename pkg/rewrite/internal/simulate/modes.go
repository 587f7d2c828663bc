package simulate

import "github.com/dockharden/harden/internal/dockerfile"

// A ModeChange is a chmod of one file to a mode that shuts others out.
type ModeChange struct {
	Path  string
	Mode  int
	By    *dockerfile.Instruction
	Tree  bool   // with what is below it
	Added bool   // it only adds a right for the owner, to a mode that is not known
	Made  bool   // the file is made with that mode, a private key
	kind  string // of a tree only the files, f, or directories, d
}
