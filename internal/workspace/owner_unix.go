//go:build unix

package workspace

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives the new file the owner and group of the old one.
func keepOwner(root *os.Root, temp string, old fs.FileInfo) error {
	want, ok := old.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	info, err := root.Lstat(temp)
	if err != nil {
		return err
	}
	have, ok := info.Sys().(*syscall.Stat_t)
	if !ok || have.Uid == want.Uid && have.Gid == want.Gid {
		return nil
	}
	if err := root.Lchown(temp, int(want.Uid), int(want.Gid)); err != nil {
		return &Error{Msg: "its owner and group cannot be kept", Hint: "run harden as the owner of the file, or apply the patch by hand"}
	}
	// chown clears setuid and setgid bits, even for root.
	return root.Chmod(temp, old.Mode().Perm()|old.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
}

func linkCount(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink) //nolint:unconvert // 16 or 32 bits wide on some systems
	}
	return 1
}
