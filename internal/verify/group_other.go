//go:build !unix

package verify

import "os/exec"

func ownGroup(*exec.Cmd) {}
