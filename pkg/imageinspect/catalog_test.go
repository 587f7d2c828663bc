package imageinspect

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

var writeCatalog = flag.Bool("write-catalog", false, "compile catalog/*.yaml into catalog/catalog.json")

// TestCatalogIsCompiled keeps the embedded file in step with the ones that
// people edit; with -write-catalog, as go generate has it, it writes that file.
func TestCatalogIsCompiled(t *testing.T) {
	want, err := compileCatalog("catalog")
	if err != nil {
		t.Fatal(err)
	}
	const file = "catalog/catalog.json"
	if *writeCatalog {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(embeddedCatalog, want) {
		t.Fatalf("%s is not what the files beside it say; run go generate ./pkg/imageinspect", file)
	}
}

// readCatalogSource reads the files that people edit.
func readCatalogSource(dir string) (*catalogData, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	all := &catalogData{Profiles: map[string]*catalogOverlay{}, Suites: map[string]string{}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var part catalogData
		if err := decodeStrictly(text, &part); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for name := range part.Profiles {
			if _, ok := all.Profiles[name]; ok {
				return nil, fmt.Errorf("%s: profile %s is there twice", file, name)
			}
		}
		maps.Copy(all.Profiles, part.Profiles)
		maps.Copy(all.Suites, part.Suites)
		all.Images = append(all.Images, part.Images...)
	}
	return all, nil
}

// decodeStrictly reads YAML by the JSON names of the fields; an unknown key is
// an error.
func decodeStrictly(text []byte, v any) error {
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return err
	}
	raw, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// compileCatalog leaves out what only tests read.
func compileCatalog(dir string) ([]byte, error) {
	data, err := readCatalogSource(dir)
	if err != nil {
		return nil, err
	}
	for _, img := range data.Images {
		for _, v := range img.Variants {
			v.Examples = nil
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
