package shellcmd

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/imagepath"
)

// A Writer says which of its arguments a command writes.
type Writer struct {
	Takes  map[string]string // options with a value
	To     []string          // options whose value is what it writes
	Only   []string          // it writes its operands only with one of these options
	skip   int               // operands before those that it writes
	last   bool              // it writes the last operand alone
	two    bool              // it writes nothing with fewer than two operands
	None   bool              // it writes no operand
	File   bool              // what it writes are files
	Opened bool              // which it opens, rather than puts others in their place

	Replaces bool // a link in that place is what it removes or replaces
	Entry    bool // with one source it puts that in the place that it names, unless a directory is there
}

func takes(options ...string) map[string]string {
	m := map[string]string{}
	for _, o := range options {
		m[o] = o
	}
	return m
}

// Writers are read from the manual pages of the commands.
var Writers = map[string]Writer{
	"mkfifo":     {Takes: takes("-m", "--mode"), File: true, Replaces: true},
	"spawn-fcgi": {Takes: takes("-s", "-P", "-u", "-g", "-U", "-G", "-M", "-a", "-p", "-C", "-F", "-b", "-c", "-d", "-f"), To: []string{"-s", "-P"}, None: true, File: true},
	"mkdir":      {Takes: takes("-m", "--mode")},
	"touch":      {Takes: takes("-d", "-r", "-t"), File: true, Opened: true},
	"truncate":   {Takes: takes("-s", "--size", "-r"), File: true, Opened: true},
	"tee":        {File: true, Opened: true},
	"chmod":      {skip: 1},
	"rm":         {Replaces: true},
	"rmdir":      {},
	"cp":         {Takes: takes("-t", "--target-directory", "-S"), To: []string{"-t", "--target-directory"}, last: true, two: true, Entry: true},
	"mv":         {Takes: takes("-t", "--target-directory", "-S"), To: []string{"-t", "--target-directory"}, last: true, two: true, Replaces: true, Entry: true},
	"ln":         {Takes: takes("-t", "--target-directory", "-S"), To: []string{"-t", "--target-directory"}, last: true, two: true, Replaces: true, Entry: true},
	"install":    {Takes: takes("-m", "--mode", "-o", "-g", "-t", "--owner", "--group", "--target-directory"), To: []string{"-t", "--target-directory"}, last: true, two: true, Entry: true},
	"rsync":      {Takes: takes("-e", "--exclude", "--include"), last: true, two: true},
	"sed":        {Only: []string{"-i", "--in-place"}, Takes: takes("-e", "-f", "--expression", "--file"), skip: 1, File: true},
	"perl":       {Only: []string{"-i"}, Takes: takes("-e", "-E", "-M", "-I"), File: true},
	"yq":         {Only: []string{"-i", "--inplace"}, last: true, two: true, File: true},
	"xmlstarlet": {Only: []string{"-L", "--inplace"}, Takes: takes("-u", "-v", "-d", "-s", "-t", "-n", "-N"), last: true, two: true, File: true},
	"crudini":    {Only: []string{"--set", "--del", "--merge"}, File: true},
	"gomplate":   {Takes: takes("-f", "--file", "-o", "--out", "-d", "-c", "--datasource", "--context", "--input-dir", "--output-dir"), To: []string{"-o", "--out", "--output-dir"}, None: true, File: true, Opened: true},
	"htpasswd":   {Takes: takes("-C"), File: true, Opened: true},
	"openssl":    {File: true, Opened: true},
	"curl":       {Takes: takes("-o", "--output"), To: []string{"-o", "--output"}, None: true, File: true, Opened: true},
	"wget":       {Takes: takes("-O", "--output-document", "-P"), To: []string{"-O", "--output-document", "-P"}, None: true, File: true, Opened: true},
	"sponge":     {File: true, Opened: true},
	"ssh-keygen": {Takes: takes("-f", "-t", "-N", "-b", "-C"), To: []string{"-f"}, None: true, File: true},
	"dos2unix":   {File: true},
	"dockerize":  {File: true, Opened: true},
	// It renames another file into its place.
	"consul-template": {File: true, Replaces: true},
	"tar":             {Takes: takes("-C", "--directory", "-f", "--file", "--exclude", "--strip-components"), To: []string{"-C", "--directory"}, None: true},
	"unzip":           {Takes: takes("-d", "-x"), To: []string{"-d"}, None: true},
	"git":             {Takes: takes("-b", "--branch", "--depth", "-o", "--origin", "-C", "-c"), last: true},
}

// Targets returns the words that a command writes to.
func (w Writer) Targets(args []dockerfile.Word, name string) []string {
	switch name {
	case "dockerize", "consul-template":
		return templateTargets(args)
	case "openssl":
		return keyTargets(args)
	}
	o, operands := Split(args, w.Takes)
	if !w.WritesWith(args) {
		return nil
	}
	var out []string
	for _, option := range slices.Sorted(maps.Keys(o.Values)) {
		if v := o.Values[option]; v != "" && slices.Contains(w.To, option) {
			out = append(out, v)
		}
	}
	switch {
	case name == "htpasswd" && o.Has("-n"):
		return nil // it prints
	case name == "git":
		return cloned(operands)
	}
	skip := w.skip
	if name == "sed" && (o.Has("-e") || o.Has("-f") || o.Has("--expression") || o.Has("--file")) {
		skip = 0
	}
	switch {
	case w.None || w.two && len(operands) < 2 || len(out) > 0:
	case w.last && !(name == "install" && (o.Has("-d") || o.Has("--directory"))):
		out = append(out, operands[len(operands)-1])
	case name == "crudini" || name == "htpasswd":
		out = append(out, operands[:min(1, len(operands))]...)
	default:
		out = append(out, operands[min(skip, len(operands)):]...)
	}
	return out
}

// WritesWith reports whether the command writes its operands with these arguments.
func (w Writer) WritesWith(args []dockerfile.Word) bool {
	return len(w.Only) == 0 || slices.ContainsFunc(w.Only, func(f string) bool {
		return slices.ContainsFunc(args, func(a dockerfile.Word) bool { return inPlace(a.Value, f) })
	})
}

// templateTargets returns what is written by -template SOURCE:DESTINATION, behind which
// consul-template takes a command to run.
func templateTargets(args []dockerfile.Word) []string {
	var out []string
	for _, v := range GoValues(Words(args), "template") {
		if parts := strings.SplitN(v, ":", 3); len(parts) > 1 && parts[1] != "" {
			out = append(out, parts[1])
		}
	}
	return out
}

// keyTargets returns the files that openssl writes: its long options have one dash.
func keyTargets(args []dockerfile.Word) []string {
	var out []string
	for i := 1; i < len(args); i++ {
		if option := args[i-1].Value; option == "-out" || option == "-keyout" {
			out = append(out, args[i].Value)
		}
	}
	return out
}

// cloned returns the directory that git clone makes, of its operands (git-clone(1)).
func cloned(operands []string) []string {
	if len(operands) < 2 || operands[0] != "clone" {
		return nil
	}
	if len(operands) > 2 {
		return operands[2:3]
	}
	name := strings.TrimSuffix(path.Base(strings.TrimSuffix(operands[1], "/")), ".git")
	if !imagepath.Safe.MatchString(name) {
		return nil
	}
	return []string{name}
}

// WritesFile reports whether a redirection writes a file, and not another file
// descriptor.
func WritesFile(red dockerfile.Redirect) bool {
	return strings.HasPrefix(strings.TrimLeft(red.Op, "0123456789&"), ">") && red.Target.Value != "" && red.Target.Value[0] != '&' && !IsNumber(red.Target.Value)
}

// inPlace reports whether a word is the option, or holds it among other short ones.
func inPlace(word, option string) bool {
	if strings.HasPrefix(option, "--") {
		return word == option || strings.HasPrefix(word, option+"=")
	}
	return strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "--") && strings.Contains(word, option[1:])
}
