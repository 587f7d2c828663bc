package workspace

import (
	"path"
	"strings"
)

// IsDockerfile reports whether a file name is one that a Dockerfile has:
// Dockerfile, Dockerfile.*, Dockerfile-*, Dockerfile_*, *.Dockerfile and the same
// with Containerfile, in any case.
func IsDockerfile(name string) bool {
	name = strings.ToLower(name)
	if strings.HasPrefix(name, "._") || strings.HasSuffix(name, "~") || notDockerfile[path.Ext(name)] {
		return false
	}
	for _, word := range []string{"dockerfile", "containerfile"} {
		rest, starts := strings.CutPrefix(name, word)
		if name == word || strings.HasSuffix(name, "."+word) || starts && len(rest) > 1 && strings.ContainsRune(".-_", rune(rest[0])) {
			return true
		}
	}
	return false
}

// notDockerfile holds extensions of files that lie beside Dockerfiles under
// their name and are something else: ignore files, documentation, leftovers of
// editors and merges, and templates, which become Dockerfiles only later. Who
// names such a file on the command line gets it anyway.
var notDockerfile = set(
	".dockerignore", ".containerignore", ".gitignore",
	".md", ".markdown", ".rst", ".adoc", ".txt", ".html", ".pdf",
	".swp", ".swo", ".bak", ".orig", ".rej", ".tmp", ".save", ".patch", ".diff", ".log", ".lock", ".sha256", ".sig", ".asc",
	".tmpl", ".tpl", ".template", ".gotmpl", ".j2", ".jinja", ".jinja2", ".erb", ".mustache", ".hbs", ".ejs", ".m4", ".in",
)

// isAmbiguous reports whether a name that IsDockerfile accepts may as well be
// a source file: Dockerfile.go is an image with Go in one repository and a Go
// program in another, Dockerfile-lint a Dockerfile or a script. Only the content can
// tell.
func isAmbiguous(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"dockerfile", "containerfile"} {
		if rest, ok := strings.CutPrefix(name, word); ok && rest != "" && rest[0] != '.' {
			return true
		}
	}
	return sourceFile[path.Ext(name)]
}

var sourceFile = set(
	".go", ".py", ".rb", ".rs", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".java", ".kt", ".scala", ".cs", ".php",
	".c", ".h", ".cc", ".cpp", ".hpp", ".swift", ".lua", ".pl", ".pm", ".ex", ".exs", ".hs", ".vim", ".el", ".nix",
	".sh", ".bash", ".zsh", ".ps1", ".bat", ".cmd",
	".json", ".yaml", ".yml", ".toml", ".xml", ".svg", ".png", ".css", ".snap", ".tmlanguage", ".sublime-syntax",
)

// leftOut holds directories with other people's Dockerfiles, or with files
// that only look like ones. They are walked with All, or when named.
var leftOut = set(
	"vendor", "node_modules", "bower_components", "third_party", ".venv", ".tox", ".terraform",
	"testdata", "fixtures", "__fixtures__", "__snapshots__",
)

// never holds directories that are walked in no case: the databases of version
// control systems.
var never = set(".git", ".hg", ".svn", ".jj")

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}
