package imageinspect

import "os"

// EngineHost returns the endpoint of the container engine as docker chooses it:
// DOCKER_HOST, else the current context; "" is the default socket.
func EngineHost() (string, error) {
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return host, nil
	}
	return contextHost()
}

// CapabilityNames returns the names of the capabilities in a set, such as the
// CapEff of /proc/PID/status, in the kernel's order.
func CapabilityNames(set uint64) []string { return capabilitiesOf(set) }
