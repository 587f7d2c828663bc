//go:build unix

package verify

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a command the head of a process group of its own, which is
// killed as one: a probe that hangs mostly hangs in a child of its shell.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
