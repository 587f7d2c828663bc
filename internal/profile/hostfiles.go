package profile

import (
	"fmt"

	"github.com/dockharden/harden/pkg/rewrite"
)

// hostFiles says which file of the host a service gets as it is there, which a user that is
// not root reads only where its mode lets others; "" for none.
func hostFiles(services []rewrite.Service) string {
	for _, s := range services {
		if len(s.HostFiles) == 0 {
			continue
		}
		more := ""
		if n := len(s.HostFiles) - 1; n > 0 {
			more = fmt.Sprintf(" (and %d more)", n)
		}
		f := s.HostFiles[0]
		return fmt.Sprintf("%s at %s%s keeps the owner and the mode of the host, whatever uid and mode the Compose file names: let the user read it, by chown or chmod o+r on the host", f.Title(), f.Target, more)
	}
	return ""
}
