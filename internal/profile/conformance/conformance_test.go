// Package conformance asks those who read what harden runtime writes: Compose's
// own loader, and the code by which Kubernetes enforces its Pod Security
// Standards. It is a module of its own, so that the tool does not depend on
// either; it reads the golden files, which the tests of internal/profile hold
// to the code.
package conformance

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	kyaml "sigs.k8s.io/yaml"
)

// levels are what the pods of testdata/format pass. What starts as root cannot
// be restricted, nor can a capability that is not NET_BIND_SERVICE, nor a user
// without a number.
var levels = map[string]api.Level{
	"cron": api.LevelBaseline, "gosu": api.LevelBaseline, "named-user": api.LevelBaseline, "postgres": api.LevelBaseline,
	"unread": api.LevelBaseline,
	"setcap": api.LevelPrivileged, // NET_RAW is beyond baseline
}

func TestPodsPass(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, src := range golden(t, "want.kubernetes") {
		want := api.LevelRestricted
		if l, ok := levels[name]; ok {
			want = l
		}
		pod := new(corev1.Pod)
		if err := kyaml.UnmarshalStrict(src, pod); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
			result := policy.AggregateCheckResults(evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec))
			should := want == api.LevelRestricted || want == level
			if result.Allowed != should {
				t.Errorf("%s: %s allows it: %v, want %v: %s", name, level, result.Allowed, should, result.ForbiddenDetail())
			}
		}
	}
}

// TestPatchedManifestsPass looks at manifests of others after a patch: those
// in which nothing of the owner's stands in the way pass as well.
func TestPatchedManifestsPass(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, name := range []string{"deployment", "json", "list"} {
		found := 0
		for _, doc := range documents(t, name) {
			for _, pod := range pods(t, doc) {
				for _, c := range pod.Containers {
					if c.SecurityContext == nil {
						continue // not the one that was meant
					}
					found++
					pod.Containers = []corev1.Container{c}
					if r := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &metav1.ObjectMeta{}, &pod)); !r.Allowed {
						t.Errorf("%s: %s", name, r.ForbiddenDetail())
					}
				}
			}
		}
		if found != 1 {
			t.Errorf("%s: %d containers have a security context, want 1", name, found)
		}
	}
}

func TestComposeLoads(t *testing.T) {
	for name, src := range golden(t, "want.compose") {
		project := load(t, name, src)
		if project == nil {
			continue
		}
		for _, s := range project.Services {
			if len(s.CapDrop) != 1 || s.CapDrop[0] != "ALL" || s.PidsLimit == 0 || s.User == "" && !strings.Contains(string(src), "Starts as root") {
				t.Errorf("%s: loaded as %+v", name, s)
			}
		}
	}
}

func TestPatchedComposeLoads(t *testing.T) {
	files, err := filepath.Glob("../testdata/patch/compose*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".txtar")
		load(t, name, section(t, f, "out.yaml"))
	}
}

func load(t *testing.T, name string, src []byte) *types.Project {
	t.Helper()
	details := types.ConfigDetails{WorkingDir: "/repo", ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: src}}}
	project, err := loader.LoadWithContext(t.Context(), details, func(o *loader.Options) { o.SetProjectName("test", false) })
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, src)
		return nil
	}
	return project
}

// golden returns the golden files of testdata/format by the name of the case.
func golden(t *testing.T, file string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../testdata/format/*/" + file)
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	out := map[string][]byte{}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(filepath.Dir(f))] = src
	}
	return out
}

// section returns a file of a txtar archive, with what the tests of
// internal/profile write for CR, a byte order mark and a missing line end.
func section(t *testing.T, archive, file string) []byte {
	t.Helper()
	src, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	_, out, ok := bytes.Cut(src, []byte("\n-- "+file+" --\n"))
	if !ok {
		t.Fatalf("%s: no %s in it", archive, file)
	}
	out, _, _ = bytes.Cut(out, []byte("\n-- "))
	r := strings.NewReplacer("^M\n", "\r\n", "<BOM>", "\ufeff", "<EOF>\n", "")
	return []byte(r.Replace(string(out)))
}

func documents(t *testing.T, name string) [][]byte {
	t.Helper()
	var out [][]byte
	dec := yaml.NewDecoder(bytes.NewReader(section(t, "../testdata/patch/"+name+".txtar", "out.yaml")))
	for {
		var doc any
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		src, err := yaml.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, src)
	}
}

// pods returns the pods of a manifest, wherever in it they are.
func pods(t *testing.T, doc []byte) []corev1.PodSpec {
	t.Helper()
	var tree any
	if err := kyaml.Unmarshal(doc, &tree); err != nil {
		t.Fatal(err)
	}
	var out []corev1.PodSpec
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if _, ok := v["containers"]; ok {
				src, err := kyaml.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				var spec corev1.PodSpec
				if err := kyaml.UnmarshalStrict(src, &spec); err != nil {
					t.Errorf("%v in\n%s", err, src)
				}
				out = append(out, spec)
				return
			}
			for _, c := range v {
				walk(c)
			}
		case []any:
			for _, c := range v {
				walk(c)
			}
		}
	}
	walk(tree)
	return out
}
