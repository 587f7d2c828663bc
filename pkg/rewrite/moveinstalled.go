package rewrite

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
	"github.com/dockharden/harden/pkg/rewrite/internal/simulate"
)

// fixedInstall matches a command that installs programs which know the place that they were
// installed at: the first line of their scripts, the links of an environment or their
// settings name it (docs.python.org/3/library/venv.html, "not portable"; docs.conda.io on
// relocating; what ./configure --prefix builds). Those that go into a directory of ~ with a
// dot are told by that.
var fixedInstall = regexp.MustCompile(`-m\s+(venv|virtualenv)\b|\bvirtualenv\s|\buv\s+(sync|venv|pip)\b|\b(poetry|pipenv|pdm|rye|hatch)\s+([^\n]*\s)?(install|sync)\b|\bpip[0-9.]*\s+install\b[^\n]*\s(--prefix|--target|-t|--root)\b|` +
	`\b(mini|ana|micro)?(conda|mamba)[0-9]*\b|(?i)\bminiconda[^\n]*\.sh\b|\bnpm\s[^\n]*(-g|--global|--prefix)\b|configure\s[^\n]*--prefix|-DCMAKE_INSTALL_PREFIX`)

// outside is what tells poetry to install into the system, not into an environment.
var outside = regexp.MustCompile(`virtualenvs\.create\s+false|POETRY_VIRTUALENVS_CREATE=(false|0)|PIPENV_SYSTEM|--system\b`)

// environmentName matches directories that hold such an environment by their name.
var environmentName = regexp.MustCompile(`(^|/)(\.?venv|\.?virtualenvs?|(ana|mini|mini-?forge|mambaforge)?conda[0-9]?|\.pyenv|\.nvm|\.rustup)(/|$)`)

// movesInstalled says why what a COPY brings from below /root of another stage or image has
// to stay where it was installed, "" when it may go elsewhere: a binary, or data.
func (p *Pass) movesInstalled(in *dockerfile.Instruction) string {
	for _, c := range p.End.Copies {
		if c.By != in || c.From == "" || !imagepath.Below(path.Clean(c.Dest), "/root") {
			continue
		}
		for _, src := range c.Sources {
			if by := p.installedAt(c, imagepath.Abs("/", src)); by != "" {
				return fmt.Sprintf("line %d copies what %s installs under /root, where its scripts and links say it is: "+bothStages, in.Line, by)
			}
		}
	}
	return ""
}

// installedAt says what installs programs at a place below /root of where a copy takes it
// from, "" when nothing is known to.
func (p *Pass) installedAt(c simulate.Copy, src string) string {
	if !imagepath.Below(src, "/root") {
		return ""
	}
	st := p.Doc.CopyFrom(c.By.Stage, c.From)
	if st == nil {
		if environmentName.MatchString(src) {
			return "another image"
		}
		return ""
	}
	chain, _, err := p.Resolver.Chain(st)
	if err != nil {
		return ""
	}
	before := p.EndOf(st).Before
	for _, stage := range chain {
		for _, step := range stage.Instructions {
			if step.Keyword == "RUN" && installsAt(step, before[step].Workdir, src) {
				return fmt.Sprintf("line %d of another stage", step.Line)
			}
		}
	}
	if environmentName.MatchString(src) {
		return "another stage"
	}
	return ""
}

// installsAt reports whether a step installs at a place, or in it: a command names it, or
// makes an environment in the directory where it works.
func installsAt(step *dockerfile.Instruction, workdir, place string) bool {
	text := homeWords.Replace(step.Original + simulate.HeredocText(step))
	for command := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '&' || r == ';' || r == '|' || r == '\n' }) {
		if !fixedInstall.MatchString(command) || outside.MatchString(text) {
			continue
		}
		if holdsEnvironment(command, workdir, place) || slices.ContainsFunc(pathsInRoot.FindAllString(command, -1), func(dir string) bool {
			return dir != "/root" && (imagepath.Below(dir, place) || imagepath.Below(place, dir))
		}) {
			return true
		}
	}
	return false
}

// holdsEnvironment reports whether a place is the working directory, or above it, or what a
// command there calls its environment.
func holdsEnvironment(command, workdir, place string) bool {
	if imagepath.Below(workdir, place) {
		return true
	}
	if !imagepath.Below(place, workdir) {
		return false
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(place, workdir), "/"), "/")
	return name == ".venv" || slices.Contains(strings.Fields(command), name)
}

var (
	homeWords   = strings.NewReplacer("$HOME", "/root", "${HOME}", "/root", "~/", "/root/")
	pathsInRoot = regexp.MustCompile(`/root(/[A-Za-z0-9_.+-]+)*`)
)

// bothStages is what keeps the place of an environment that another stage makes.
const bothStages = "both stages would have to change"

// underRoot matches a directory under /root that an instruction names.
var underRoot = regexp.MustCompile(`(?:^|[^A-Za-z0-9_./~-])/root/([A-Za-z0-9_][A-Za-z0-9_.-]*)`)

// writtenElsewhere advises to write another directory where two stages name one under /root:
// no HOME changes what a path says. It returns "" where the lines do not agree on one, or
// only one stage names it.
func (p *Pass) writtenElsewhere() string {
	var dir string
	var lines []string
	stages := map[*dockerfile.Stage]bool{}
	for _, in := range p.Doc.Instructions {
		m := underRoot.FindStringSubmatch(in.Original)
		if m == nil {
			continue
		}
		if dir != "" && m[1] != dir {
			return ""
		}
		dir = m[1]
		lines = append(lines, strconv.Itoa(in.Line))
		stages[in.Stage] = true
	}
	if len(stages) < 2 {
		return ""
	}
	return fmt.Sprintf("Write a directory that every user may look into, /opt/%s, in the place of /root/%s in both stages: on lines %s. HOME does not change it.", dir, dir, list(lines, 6))
}
