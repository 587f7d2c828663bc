package imageinspect

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A store holds the parts of images by digest. What it hands out is verified,
// a layer's blob at its end.
type store interface {
	manifest(ctx context.Context, d v1.Descriptor) ([]byte, error)
	config(ctx context.Context, d v1.Descriptor) ([]byte, error)
	layer(d v1.Descriptor) layer
}

const maxIndexDepth = 3 // an index may hold indexes

// resolveImage finds the image for a platform below a manifest or an index.
func resolveImage(ctx context.Context, s store, raw []byte, d v1.Descriptor, p Platform) (*image, error) {
	for range maxIndexDepth {
		kind, err := manifestKind(raw, d.MediaType)
		if err != nil {
			return nil, err
		}
		if kind == "image" {
			return readImage(ctx, s, raw, d, p)
		}
		if d, err = choosePlatform(raw, p); err != nil {
			return nil, err
		}
		if raw, err = s.manifest(ctx, d); err != nil {
			return nil, err
		}
	}
	return nil, failf(Unsupported, "", "its indexes are nested more than %d deep", maxIndexDepth)
}

// A manifestShape is enough of a manifest to tell its kind.
type manifestShape struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	ArtifactType  string          `json:"artifactType"`
	Config        *v1.Descriptor  `json:"config"`
	Manifests     json.RawMessage `json:"manifests"`
	FSLayers      json.RawMessage `json:"fsLayers"`
}

// manifestKind returns "image" or "index". What the text says counts more than
// the header it came with: registries on static servers get that wrong.
func manifestKind(raw []byte, header types.MediaType) (string, error) {
	var m manifestShape
	if err := json.Unmarshal(raw, &m); err != nil {
		return "", failf(Unsupported, "", "what is there is no image manifest but %s", shownType(string(header)))
	}
	mt := m.MediaType
	if mt == "" {
		mt = header
	}
	switch {
	case m.SchemaVersion == 1 || m.FSLayers != nil || mt == types.DockerManifestSchema1 || mt == types.DockerManifestSchema1Signed:
		return "", failf(Unsupported, "push it again with a Docker of this decade", "it is an image of manifest schema 1, which registries and engines gave up")
	case m.Manifests != nil && m.Config == nil && (mt.IsIndex() || m.MediaType == ""):
		return "index", nil
	case m.Config == nil || !mt.IsImage() && m.MediaType != "":
		return "", failf(Unsupported, "", "it is no container image but %s", shownType(string(mt)))
	case m.Config.MediaType != types.DockerConfigJSON && m.Config.MediaType != types.OCIConfigJSON:
		what := m.ArtifactType
		if what == "" {
			what = string(m.Config.MediaType)
		}
		return "", failf(Unsupported, "", "it is no container image but an artifact of type %s", shownType(what))
	}
	return "image", nil
}

func shownType(t string) string {
	if t = plainText(t, 100); t == "" {
		return "of no known type"
	}
	return t
}

// choosePlatform returns the entry of an index that serves a platform best.
func choosePlatform(raw []byte, p Platform) (v1.Descriptor, error) {
	var index v1.IndexManifest
	if err := json.Unmarshal(raw, &index); err != nil {
		return v1.Descriptor{}, failf(Corrupt, "", "its index cannot be read: %v", jsonProblem(err))
	}
	best, rank := -1, -1
	var present []string
	for i, d := range index.Manifests {
		if isAttestation(d) {
			continue
		}
		r := 0 // without a platform an entry serves if nothing else does
		if d.Platform != nil {
			have := platformOf(d.Platform)
			r = variantRank(p.orDefault(), have)
			present = append(present, have.String())
		}
		if r > rank {
			best, rank = i, r
		}
	}
	if best < 0 {
		return v1.Descriptor{}, platformMissing(p, present)
	}
	if index.Manifests[best].Digest.Hex == "" {
		return v1.Descriptor{}, failf(Corrupt, "", "its index names a manifest without a digest")
	}
	return index.Manifests[best], nil
}

// isAttestation reports whether an index entry is about another one: BuildKit
// puts provenance and SBOMs there under the platform unknown/unknown.
func isAttestation(d v1.Descriptor) bool {
	return d.Annotations["vnd.docker.reference.type"] != "" ||
		d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

func platformMissing(p Platform, present []string) error {
	slices.Sort(present)
	present = slices.Compact(present)
	present = present[:min(len(present), 64)]
	list := strings.Join(present, ", ")
	if list == "" {
		list = "none"
	}
	return &Error{
		Kind: PlatformMissing, Platforms: present,
		Hint: "pass --platform with one of those present: " + list,
		err:  fmt.Errorf("it has no image for %s", p),
	}
}

// readImage reads the configuration that a manifest names.
func readImage(ctx context.Context, s store, raw []byte, d v1.Descriptor, p Platform) (*image, error) {
	var m v1.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, failf(Corrupt, "", "its manifest cannot be read: %v", jsonProblem(err))
	}
	if m.Config.Digest.Hex == "" {
		return nil, failf(Corrupt, "", "its manifest names a configuration without a digest")
	}
	if m.Config.Size > maxConfig {
		return nil, failf(TooLarge, "", "its configuration has more than %d bytes", maxConfig)
	}
	rawConfig, err := s.config(ctx, m.Config)
	if err != nil {
		return nil, err
	}
	c, err := parseConfig(rawConfig)
	if err != nil {
		return nil, err
	}
	img := &image{digest: d.Digest.String(), config: c, platform: platformOf(c.Platform())}
	if err := img.setPlatform(p); err != nil {
		return nil, err
	}
	for _, l := range m.Layers {
		if c.OS != "windows" && !isLayerType(l.MediaType) {
			return nil, failf(Unsupported, "", "one of its layers is of type %s", shownType(string(l.MediaType)))
		}
		if l.Digest.Hex == "" {
			return nil, failf(Corrupt, "", "its manifest names a layer without a digest")
		}
		img.layers = append(img.layers, s.layer(l))
	}
	return img, nil
}

// isLayerType reports whether a blob of that type is a file system in a tar,
// however it is compressed. Encrypted ones are not to be read.
func isLayerType(t types.MediaType) bool {
	s := string(t)
	return (strings.HasPrefix(s, "application/vnd.oci.image.layer.") || strings.HasPrefix(s, "application/vnd.docker.image.rootfs.")) &&
		!strings.Contains(s, "encrypted")
}

// setPlatform checks a single image against what was asked for. Where nothing
// was, it is taken as it is.
func (img *image) setPlatform(p Platform) error {
	if img.platform.OS == "" {
		img.platform.OS = "linux"
	}
	if img.platform.Architecture == "" {
		img.platform.Architecture = p.orDefault().Architecture
	}
	if !p.IsZero() && variantRank(p, img.platform) < 0 {
		return platformMissing(p, []string{img.platform.String()})
	}
	return nil
}

// blobLayer makes the layer that opens as a verified blob.
func blobLayer(d v1.Descriptor, open func(context.Context) (io.ReadCloser, error)) layer {
	return layer{
		digest: d.Digest.String(), size: max(d.Size, 0),
		open: func(ctx context.Context) (io.ReadCloser, error) {
			blob, err := open(ctx)
			if err != nil {
				return nil, err
			}
			return newVerifier(blob, d.Digest, d.Size)
		},
	}
}
