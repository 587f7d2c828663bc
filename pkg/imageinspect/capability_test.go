package imageinspect

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeCapability(t *testing.T) {
	tests := []struct {
		name, hex string
		want      fileCapability
		bad       bool
	}{
		// As setcap writes them: getfattr -n security.capability -e hex.
		{"cap_net_raw=ep", "0100000200200000000000000000000000000000", fileCapability{Permitted: []string{"cap_net_raw"}, Effective: true}, false},
		{"cap_net_raw=p", "0000000200200000000000000000000000000000", fileCapability{Permitted: []string{"cap_net_raw"}}, false},
		{"cap_net_bind_service=eip", "0100000200040000000400000000000000000000", fileCapability{Permitted: []string{"cap_net_bind_service"}, Inheritable: []string{"cap_net_bind_service"}, Effective: true}, false},
		{"cap_perfmon,cap_bpf=ep", "0100000200000000000000" + "00c0000000" + "00000000", fileCapability{Permitted: []string{"cap_perfmon", "cap_bpf"}, Effective: true}, false},
		{"revision 1", "010000010020000000000000", fileCapability{Permitted: []string{"cap_net_raw"}, Effective: true}, false},
		{"revision 3, rootid 100000", "010000030020000000000000000000000000" + "0000" + "a0860100", fileCapability{Permitted: []string{"cap_net_raw"}, Effective: true, RootID: 100000}, false},
		{"a capability of the future", "0100000200000000000000000000008000000000", fileCapability{Permitted: []string{"cap_63"}, Effective: true}, false},
		{"empty set", "0100000200000000000000000000000000000000", fileCapability{Effective: true}, false},
		{"nothing", "", fileCapability{}, true},
		{"too short", "01000002002000000000", fileCapability{}, true},
		{"too long", "010000020020000000000000000000000000000000", fileCapability{}, true},
		{"unknown revision", "0100000400200000000000000000000000000000", fileCapability{}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw, err := hex.DecodeString(test.hex)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeCapability(raw)
			if (err != nil) != test.bad {
				t.Fatalf("error %v, want one: %t", err, test.bad)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestCapabilityNames(t *testing.T) {
	if len(capabilityNames) != 41 || capabilityNames[13] != "cap_net_raw" || capabilityNames[40] != "cap_checkpoint_restore" {
		t.Errorf("table does not match linux/capability.h")
	}
	for i, name := range capabilitiesOf(1<<64 - 1) {
		if capabilityNumber(name) != i {
			t.Errorf("capabilityNumber(%q) = %d, want %d", name, capabilityNumber(name), i)
		}
	}
	for _, name := range []string{"", "cap_0", "cap_13", "cap_64", "cap_063", "CAP_NET_RAW", "cap_net_raw "} {
		if n := capabilityNumber(name); n >= 0 {
			t.Errorf("capabilityNumber(%q) = %d", name, n)
		}
	}
	c := fileCapability{Permitted: []string{"cap_net_raw"}, Inheritable: []string{"cap_chown", "cap_net_raw"}}
	if got := c.Names(); !slices.Equal(got, []string{"cap_chown", "cap_net_raw"}) {
		t.Errorf("Names() = %q", got)
	}
}

// rawCapability is the attribute that setcap NAME=ep writes.
func rawCapability(name string) string {
	b := binary.LittleEndian.AppendUint32(nil, capRevision2|capFlagEffective)
	set := uint64(1) << capabilityNumber(name)
	b = binary.LittleEndian.AppendUint32(b, uint32(set))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(set>>32))
	return string(binary.LittleEndian.AppendUint32(b, 0))
}

func FuzzDecodeCapability(f *testing.F) {
	f.Add([]byte(rawCapability("cap_net_raw")))
	f.Add([]byte{1, 0, 0, 3})
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := decodeCapability(raw)
		if err != nil {
			return
		}
		for _, name := range c.Names() {
			if capabilityNumber(name) < 0 {
				t.Errorf("%q has no number", name)
			}
		}
	})
}
