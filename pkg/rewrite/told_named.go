package rewrite

import (
	"path"
	"regexp"
	"strings"

	"github.com/dockharden/harden/pkg/rewrite/internal/content"
)

var (
	namedBlock     = regexp.MustCompile(`\b(zone|channel)\s+("[^"\n]*"|[\w.-]+)[^{};]*\{`)
	namedFile      = regexp.MustCompile(`\bfile\s+"([^"\n]+)"`)
	namedDirectory = regexp.MustCompile(`\bdirectory\s+"(/[^"\n]+)"`)
	namedComment   = regexp.MustCompile(`(?s)/\*.*?\*/`)
	// namedOption matches the settings that stand outside of zones and channels.
	namedOption = regexp.MustCompile(`\b(pid-file|session-keyfile|dump-file|statistics-file|managed-keys-directory)\s+"([^"\n]+)"`)
	// namedWrites matches what makes named write the file of a zone, or a journal beside it,
	// and namedUpdates who may have it do so.
	namedWrites  = regexp.MustCompile(`\btype\s+(?:slave|secondary|mirror|stub)\b|\bupdate-policy\b|\bauto-dnssec\s+maintain\b|\binline-signing\s+yes\b|\bdnssec-policy\b`)
	namedUpdates = regexp.MustCompile(`\ballow-update\s*\{\s*([^};\s]+)`)
)

// flatNamed writes what a configuration of BIND has named write, one a line: the files of zones
// that change, and those of logs. A name that is relative is below the directory of the
// options, where they stand in the same file.
func flatNamed(text string) string {
	text = namedComment.ReplaceAllString(text, "")
	dir := ""
	if m := namedDirectory.FindStringSubmatch(text); m != nil {
		dir = m[1]
	}
	var out strings.Builder
	write := func(setting, name string) {
		if !path.IsAbs(name) && dir != "" {
			name = path.Join(dir, name)
		}
		out.WriteString(setting + ` "` + name + "\"\n")
	}
	for _, m := range namedOption.FindAllStringSubmatch(text, content.MaxSettings) {
		write(m[1], m[2])
	}
	for _, m := range namedBlock.FindAllStringSubmatchIndex(text, content.MaxSettings) {
		block, kind := namedBody(text[m[1]:]), text[m[2]:m[3]]
		file := namedFile.FindStringSubmatch(block)
		if file != nil && (kind == "channel" || changesZone(block)) {
			write(kind+" file", file[1])
		}
	}
	return out.String()
}

// namedBody returns what stands in a block that has just begun.
func namedBody(text string) string {
	text = text[:min(len(text), maxBlock)]
	depth := 1
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return text[:i]
			}
		}
	}
	return text
}

// maxBlock bounds how much of one block is read.
const maxBlock = 16 << 10

// changesZone reports whether named writes the file of a zone or a journal beside it.
func changesZone(block string) bool {
	if m := namedUpdates.FindStringSubmatch(block); m != nil && m[1] != "none" {
		return true
	}
	return namedWrites.MatchString(block)
}
