package siblings

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Bounds on what strangers wrote: the parser calls itself for every bracket and
// every operator, with some kilobytes of stack each, and variables can double
// each other's length.
const (
	maxBake       = 64 << 10
	maxDepth      = 100
	maxExpression = 4 << 10 // bytes of source, and of a variable's value
)

// isBake reports whether a file name is that of a Bake file.
func isBake(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "docker-bake") && (strings.HasSuffix(name, ".hcl") || strings.HasSuffix(name, ".json"))
}

var bakeSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "target", LabelNames: []string{"name"}},
	{Type: "variable", LabelNames: []string{"name"}},
}}

var targetSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{
	{Name: "context"}, {Name: "dockerfile"}, {Name: "dockerfile-inline"}, {Name: "target"}, {Name: "args"},
	{Name: "tags"}, {Name: "platforms"}, {Name: "contexts"}, {Name: "inherits"}, {Name: "matrix"},
}}

// A bakeFile is the targets of one file, with the variables' defaults.
// Functions and matrices are not evaluated: what depends on them is unknown.
type bakeFile struct {
	targets map[string]hcl.Attributes
	order   []string
	lines   map[string]int
	env     *hcl.EvalContext
	src     []byte
}

// bake reads a Bake file (docs.docker.com, Bake file reference).
func (r *reader) bake(f File, src []byte) error {
	b, err := parseBake(f, src)
	if err != nil {
		return err
	}
	dir := filepath.Dir(f.Abs)
	for _, name := range b.order {
		build := b.build(name, dir)
		if build == nil {
			continue
		}
		build.File, build.Line, build.development = f.Path, b.lines[name], isDevelopment(f.Path)
		for context, value := range b.texts(name, "contexts") {
			if base, ok := strings.CutPrefix(value, "target:"); ok {
				build.addContext(context, b.build(base, dir))
			}
		}
		r.add(build)
	}
	return nil
}

// build returns how a target is built, nil when it is not from a Dockerfile on
// this machine, or when that is not known.
func (b *bakeFile) build(target, dir string) *Build {
	context, dockerfile := b.text(target, "context", "."), b.text(target, "dockerfile", "Dockerfile")
	if _, ok := b.targets[target]; !ok || b.has(target, "dockerfile-inline") || context == "" || dockerfile == "" || isRemote(context) {
		return nil
	}
	build := &Build{
		Context: resolve(dir, context), Target: b.text(target, "target", ""),
		Args: b.texts(target, "args"), Images: b.list(target, "tags"), Platforms: b.list(target, "platforms"),
	}
	build.Dockerfile = resolve(build.Context, dockerfile)
	return build
}

func parseBake(f File, src []byte) (*bakeFile, error) {
	if len(src) > maxBake {
		return nil, fmt.Errorf("it has more than %d bytes", maxBake)
	}
	if depth(src) > maxDepth {
		return nil, fmt.Errorf("its brackets are nested more than %d deep", maxDepth)
	}
	parse := hclparse.NewParser().ParseHCL
	if strings.HasSuffix(strings.ToLower(f.Path), ".json") {
		parse = hclparse.NewParser().ParseJSON
	}
	file, diags := parse(src, filepath.Base(f.Path))
	if diags.HasErrors() {
		return nil, fmt.Errorf("%s", diags[0].Error())
	}
	content, _, _ := file.Body.PartialContent(bakeSchema)
	b := &bakeFile{src: src, targets: map[string]hcl.Attributes{}, lines: map[string]int{}, env: &hcl.EvalContext{Variables: map[string]cty.Value{}}}
	for _, block := range content.Blocks {
		if block.Type == "variable" {
			attrs, _, _ := block.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "default"}}})
			if v, ok := b.eval(attrs.Attributes["default"]); ok && v.Type().IsPrimitiveType() && len(text(v)) <= maxExpression {
				b.env.Variables[block.Labels[0]] = v
			}
		}
	}
	for _, block := range content.Blocks {
		if block.Type != "target" {
			continue
		}
		body, _, _ := block.Body.PartialContent(targetSchema)
		name := block.Labels[0]
		if _, seen := b.targets[name]; !seen {
			b.order = append(b.order, name)
			b.lines[name] = block.DefRange.Start.Line
			b.targets[name] = hcl.Attributes{}
		}
		// Blocks of one name are merged, the later over the earlier.
		for key, attr := range body.Attributes {
			b.targets[name][key] = attr
		}
	}
	return b, nil
}

// depth returns how deep brackets are nested. Those in strings and comments
// count, too; there are never many.
func depth(src []byte) int {
	now, most := 0, 0
	for _, c := range src {
		switch c {
		case '(', '[', '{':
			now++
			most = max(most, now)
		case ')', ']', '}':
			now--
		}
	}
	return most
}

// eval evaluates an attribute. It fails where it depends on a function, a
// matrix, or a variable without a default.
func (b *bakeFile) eval(attr *hcl.Attribute) (cty.Value, bool) {
	if attr == nil || b.costly(attr.Expr) {
		return cty.NilVal, false
	}
	v, diags := attr.Expr.Value(b.env)
	if diags.HasErrors() || v.IsNull() || !v.IsWhollyKnown() {
		return cty.NilVal, false
	}
	return v, true
}

// costly reports whether an expression is long or a loop. Bake files seldom
// have loops, and one can be written that takes forever.
func (b *bakeFile) costly(expr hcl.Expression) bool {
	at := expr.Range()
	if at.End.Byte-at.Start.Byte > maxExpression || at.Start.Byte > at.End.Byte || at.End.Byte > len(b.src) {
		return true
	}
	node, ok := expr.(hclsyntax.Node)
	if !ok {
		// JSON: templates are parsed when they are evaluated.
		return strings.Contains(string(b.src[at.Start.Byte:at.End.Byte]), "for")
	}
	loop := false
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n.(type) {
		case *hclsyntax.ForExpr, *hclsyntax.SplatExpr:
			loop = true
		}
		return nil
	})
	return loop
}

// attribute finds an attribute of a target or of what it inherits, the last
// parent first. visited keeps it from going in circles, or twice the same way.
func (b *bakeFile) attribute(target, key string, visited map[string]bool) *hcl.Attribute {
	attrs, ok := b.targets[target]
	if !ok || visited[target] {
		return nil
	}
	visited[target] = true
	if attr := attrs[key]; attr != nil {
		return attr
	}
	for _, parent := range slices.Backward(b.strings(attrs["inherits"])) {
		if attr := b.attribute(parent, key, visited); attr != nil {
			return attr
		}
	}
	return nil
}

func (b *bakeFile) get(target, key string) *hcl.Attribute {
	return b.attribute(target, key, map[string]bool{})
}

func (b *bakeFile) has(target, key string) bool { return b.get(target, key) != nil }

// text returns an attribute that is a string: the fallback where it is not
// set, "" where its value is not known.
func (b *bakeFile) text(target, key, fallback string) string {
	attr := b.get(target, key)
	if attr == nil {
		return fallback
	}
	v, ok := b.eval(attr)
	if !ok {
		return ""
	}
	return text(v)
}

func (b *bakeFile) list(target, key string) []string { return b.strings(b.get(target, key)) }

func (b *bakeFile) strings(attr *hcl.Attribute) []string {
	v, ok := b.eval(attr)
	if !ok || !v.CanIterateElements() {
		return nil
	}
	var out []string
	for _, item := range v.Elements() {
		if s := text(item); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// texts returns an attribute that is a mapping, entry by entry: one that is
// not known does not hide the others.
func (b *bakeFile) texts(target, key string) map[string]string {
	out := map[string]string{}
	attr := b.get(target, key)
	if attr == nil {
		return out
	}
	pairs, diags := hcl.ExprMap(attr.Expr)
	if diags.HasErrors() {
		return out
	}
	for _, p := range pairs {
		name, ok := b.eval(&hcl.Attribute{Expr: p.Key})
		value, known := b.eval(&hcl.Attribute{Expr: p.Value})
		if ok && known {
			out[text(name)] = text(value)
		}
	}
	return out
}

// text returns a value as a string, "" for what has none.
func text(v cty.Value) string {
	if v.IsNull() || !v.IsKnown() {
		return ""
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() || !s.IsKnown() {
		return ""
	}
	return s.AsString()
}
