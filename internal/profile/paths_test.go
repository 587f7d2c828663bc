package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"
)

// paths flattens documents to "path = value" by nothing but yaml/v3's nodes,
// independently of the editor. Lists are counted from their ends as well, as
// items may be added at either.
func paths(t *testing.T, src []byte) map[string]string {
	t.Helper()
	out := map[string]string{}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for i := 0; ; i++ {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, src)
		}
		flattenNode(out, fmt.Sprint(i), &doc)
	}
}

func flattenNode(out map[string]string, at string, n *yaml.Node) {
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			flattenNode(out, at, c)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			flattenNode(out, at+"/"+n.Content[i].Value, n.Content[i+1])
		}
	case yaml.SequenceNode:
		seen := map[string]int{}
		for _, c := range n.Content {
			name := c.Value
			if c.Kind != yaml.ScalarNode {
				name = ""
				for i := 0; i+1 < len(c.Content); i += 2 {
					if c.Content[i].Value == "name" || c.Content[i].Value == "mountPath" {
						name += c.Content[i+1].Value + ";"
					}
				}
			}
			seen[name]++
			flattenNode(out, fmt.Sprintf("%s/[%s %d]", at, name, seen[name]), c)
		}
	default:
		out[at] = n.Tag + " " + n.Value + " &" + n.Anchor
	}
}

// meant are the paths that a patch may add or fill.
var meant = regexp.MustCompile(`/(user|cap_drop|cap_add|security_opt|read_only|tmpfs|volumes|pids_limit|securityContext|volumeMounts)(/|$)`)

// checkPaths wants nothing but meant paths to differ.
func checkPaths(t *testing.T, before, after []byte) {
	t.Helper()
	old, now := paths(t, before), paths(t, after)
	for at, v := range old {
		if now[at] != v && !meant.MatchString(at) {
			t.Errorf("%s was %q and is %q", at, v, now[at])
		}
	}
	for at, v := range now {
		if _, was := old[at]; !was && !meant.MatchString(at) {
			t.Errorf("%s = %q is new", at, v)
		}
	}
}
