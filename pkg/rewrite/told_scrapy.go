package rewrite

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/imagepath"
)

// Settings of Scrapy, whose paths are relative to where it starts, and of which only the
// directory is known where something fills in the name (docs.scrapy.org/en/latest/topics/settings.html).
const (
	scrapyFiles = `LOG_FILE|FEED_URI`
	scrapyDirs  = `JOBDIR|FILES_STORE|IMAGES_STORE|HTTPCACHE_DIR`
)

var scrapySettings = configReader{
	by: []string{"scrapy", "scrapyd", "python", "python3"}, files: regexp.MustCompile(`(^|/)settings\.py$`), holds: regexp.MustCompile(`(?m)^BOT_NAME\b`),
	settings: []toldSetting{
		fromStart(matching(asFile, `(?m)^[ \t]*(`+scrapyFiles+`)[ \t]*=[ \t]*["']([^"':\n]+)["']`)),
		fromStart(matching(asFile, `\b(FEEDS)[ \t]*=[ \t]*\{\s*["']([^"':\n]+)["']`)),
		fromStart(matching(asDir, `(?m)^[ \t]*(JOBDIR|FILES_STORE|IMAGES_STORE)[ \t]*=[ \t]*["']([^"':\n]+)["']`)),
		assigned(asDir, `HTTPCACHE_DIR`), // one that is relative is below .scrapy
	},
}

var (
	scrapyFile = regexp.MustCompile(`^(` + scrapyFiles + `)=([^:]+)$`)
	scrapyDir  = regexp.MustCompile(`^(` + scrapyDirs + `)=([^:]+)$`)
	scrapyFeed = regexp.MustCompile(`^()([^:%]+)(?::[a-z]+)?$`)
)

// toldByScrapy returns what a command of Scrapy is told: -s LOG_FILE=log.txt, -o items.json.
func (p *Pass) toldByScrapy(argv []string, where string) (out []toldPath) {
	if path.Base(argv[0]) != "scrapy" {
		return nil
	}
	for i, w := range argv[1:] {
		option := argv[i]
		note := func(re *regexp.Regexp, dir bool) {
			if m := re.FindStringSubmatch(w); m != nil && !strings.HasPrefix(w, "-") {
				out = append(out, toldPath{path: imagepath.Abs(p.End.Workdir, m[2]), dir: dir, by: "scrapy is told " + cmp.Or(m[1], option) + where, config: true})
			}
		}
		switch {
		case option == "-s" || option == "--set":
			note(scrapyFile, false)
			note(scrapyDir, true)
		case slices.Contains([]string{"-o", "-O", "--output", "--overwrite-output", "--logfile"}, option):
			note(scrapyFeed, false)
		}
	}
	return out
}
