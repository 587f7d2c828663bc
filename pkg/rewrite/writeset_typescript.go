package rewrite

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// What is written in TypeScript runs from where its compiler has put it, which its
// configuration says (typescriptlang.org/tsconfig, rootDir and outDir).

var (
	typed       = regexp.MustCompile(`\.[mc]?tsx?$`)
	outDir      = regexp.MustCompile(`(?m)^[^/\n]*"outDir"\s*:\s*"([^"]+)"`)
	rootDir     = regexp.MustCompile(`(?m)^[^/\n]*"rootDir"\s*:\s*"([^"]+)"`)
	includeDirs = regexp.MustCompile(`(?m)^[^/\n]*"include"\s*:\s*\[([^\]]*)\]`)
	// typeRunners start what is written in TypeScript as it is.
	typeRunners = []string{"ts-node", "ts-node-dev", "tsx", "bun", "deno", "tsnd", "esr"}
)

// maxProject bounds how far above a source its configuration is looked for.
const maxProject = 6

// compiledTo returns the source with the place that its compiled form has in the image, or
// with none where that is not known.
func (p *Pass) compiledTo(s source) source {
	if !typed.MatchString(s.name) || slices.ContainsFunc(p.argvs(), func(argv []string) bool {
		return slices.ContainsFunc(argv, func(w string) bool { return slices.Contains(typeRunners, path.Base(w)) })
	}) {
		return s
	}
	from := s.image
	s.image = ""
	dir := path.Dir(s.name)
	for range maxProject {
		text, ok := p.ContextFile(path.Join(dir, "tsconfig.json"))
		if !ok {
			if dir == "." {
				return s
			}
			dir = path.Dir(dir)
			continue
		}
		rel := s.name
		if dir != "." {
			rel = strings.TrimPrefix(s.name, dir+"/")
		}
		project, ok := strings.CutSuffix(from, "/"+rel)
		out, root := outDir.FindStringSubmatch(text), p.rootOf(dir, text, rel)
		if !ok || out == nil || root == "" || path.IsAbs(out[1]) {
			return s
		}
		rel, ok = strings.CutPrefix(rel, strings.TrimSuffix(root+"/", "./"))
		if ok {
			s.compiled = path.Join(project, out[1])
			s.image = path.Join(s.compiled, strings.TrimSuffix(rel, path.Ext(rel))+".js")
		}
		return s
	}
	return s
}

// rootOf returns the directory of a project whose structure the compiler repeats, "" where
// that is not known.
func (p *Pass) rootOf(dir, text, rel string) string {
	if m := rootDir.FindStringSubmatch(text); m != nil {
		return path.Clean(m[1])
	}
	first, _, below := strings.Cut(rel, "/")
	if !below {
		return "." // a source at the top
	}
	if _, nest := p.ContextFile(path.Join(dir, "nest-cli.json")); nest && first == "src" {
		return first
	}
	m := includeDirs.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	for w := range strings.SplitSeq(m[1], ",") {
		if w = strings.Trim(strings.TrimSpace(w), `"`); w != "" && strings.Split(strings.TrimPrefix(w, "./"), "/")[0] != first {
			return ""
		}
	}
	return first
}
