package rewrite

import (
	"io"
	"io/fs"
)

// readText reads a regular file of the build context, up to maxScript bytes.
func readText(fsys fs.FS, name string) (string, bool) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxScript {
		return "", false
	}
	text, err := io.ReadAll(io.LimitReader(f, maxScript))
	return string(text), err == nil
}
