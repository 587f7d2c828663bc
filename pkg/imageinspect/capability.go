package imageinspect

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// capabilityNames are the kernel's capabilities by number, from
// include/uapi/linux/capability.h (41 since Linux 5.9).
var capabilityNames = []string{
	"cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid",
	"cap_kill", "cap_setgid", "cap_setuid", "cap_setpcap", "cap_linux_immutable",
	"cap_net_bind_service", "cap_net_broadcast", "cap_net_admin", "cap_net_raw", "cap_ipc_lock",
	"cap_ipc_owner", "cap_sys_module", "cap_sys_rawio", "cap_sys_chroot", "cap_sys_ptrace",
	"cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice", "cap_sys_resource",
	"cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write",
	"cap_audit_control", "cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog",
	"cap_wake_alarm", "cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf",
	"cap_checkpoint_restore",
}

// Revisions and flags of struct vfs_cap_data and vfs_ns_cap_data
// (linux/capability.h).
const (
	capRevisionMask  = 0xff000000
	capRevision1     = 0x01000000
	capRevision2     = 0x02000000
	capRevision3     = 0x03000000
	capFlagEffective = 0x000001
)

// A fileCapability is a decoded security.capability attribute.
type fileCapability struct {
	Permitted, Inheritable []string
	Effective              bool
	RootID                 uint32 // of revision 3: the uid that is root in the namespace it counts in
}

// Names returns what is permitted or inheritable, in the kernel's order.
func (c fileCapability) Names() []string {
	names := slices.Clone(c.Permitted)
	for _, n := range c.Inheritable {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return capabilityNumber(a) - capabilityNumber(b) })
	return names
}

// decodeCapability reads the value of a security.capability attribute. Its
// numbers are little-endian on every machine.
func decodeCapability(b []byte) (fileCapability, error) {
	var c fileCapability
	if len(b) < 4 {
		return c, fmt.Errorf("decoding security.capability: %d bytes are too few", len(b))
	}
	magic := binary.LittleEndian.Uint32(b)
	size := map[uint32]int{capRevision1: 12, capRevision2: 20, capRevision3: 24}[magic&capRevisionMask]
	if size == 0 {
		return c, fmt.Errorf("decoding security.capability: unknown revision %#x", magic&capRevisionMask)
	}
	if len(b) != size {
		return c, fmt.Errorf("decoding security.capability: %d bytes, revision %d has %d", len(b), magic>>24, size)
	}
	c.Effective = magic&capFlagEffective != 0
	permitted := uint64(binary.LittleEndian.Uint32(b[4:]))
	inheritable := uint64(binary.LittleEndian.Uint32(b[8:]))
	if size > 12 {
		permitted |= uint64(binary.LittleEndian.Uint32(b[12:])) << 32
		inheritable |= uint64(binary.LittleEndian.Uint32(b[16:])) << 32
	}
	if size > 20 {
		c.RootID = binary.LittleEndian.Uint32(b[20:])
	}
	c.Permitted, c.Inheritable = capabilitiesOf(permitted), capabilitiesOf(inheritable)
	return c, nil
}

// capabilitiesOf names the bits of a set. Those the table does not know yet are
// named by their number, as capsh does.
func capabilitiesOf(set uint64) []string {
	var names []string
	for i := range 64 {
		switch {
		case set&(1<<i) == 0:
		case i < len(capabilityNames):
			names = append(names, capabilityNames[i])
		default:
			names = append(names, fmt.Sprintf("cap_%d", i))
		}
	}
	return names
}

// capabilityNumber is the inverse of capabilitiesOf; -1 is no capability.
func capabilityNumber(name string) int {
	if i := slices.Index(capabilityNames, name); i >= 0 {
		return i
	}
	var i int
	if n, err := fmt.Sscanf(name, "cap_%d", &i); n == 1 && err == nil && i >= len(capabilityNames) && i < 64 && name == fmt.Sprintf("cap_%d", i) {
		return i
	}
	return -1
}
