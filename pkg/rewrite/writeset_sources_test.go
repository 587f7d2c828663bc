package rewrite

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// TestStartedSource: in a repository with more sources than are read, the one that the image
// starts is.
func TestStartedSource(t *testing.T) {
	const index = "const fs = require('fs'), path = require('path')\nconst dir = path.join(__dirname, 'uploads')\nfs.mkdirSync(dir)\n"
	files := fstest.MapFS{"src/index.js": {Data: []byte(index), Mode: 0o644}}
	for i := range 2 * maxSources {
		files[fmt.Sprintf("lib/part%d.js", i)] = &fstest.MapFile{Data: []byte("module.exports = 1\n"), Mode: 0o644}
	}
	res, err := Run(context.Background(), []byte("FROM node:22-slim\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"src/index.js\"]\n"), Options{Context: files})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(res.Output), "/app/src/uploads") {
		t.Errorf("nobody gets /app/src/uploads:\n%s", res.Output)
	}
}
