package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// runAs reads an account of the built image.
func (d *decoder) runAs(n *yaml.Node, to **RunAs) {
	r := &RunAs{}
	keys := []string{"name", "uid", "gid", "groups"}
	d.mapping(n, func(key, value *yaml.Node) {
		switch key.Value {
		case "name":
			d.checked(value, &r.Name, CheckUser)
		case "uid":
			d.id(value, &r.UID)
		case "gid":
			d.id(value, &r.GID)
		case "groups":
			d.boolean(value, &r.Groups)
		default:
			d.fail(key, "unknown key "+strconv.Quote(key.Value), suggest(key.Value, keys))
		}
	})
	if d.err == nil && (r.Name == "" || r.UID == 0 || r.GID == 0) {
		d.fail(n, "run_as needs name, uid and gid", "write them as the built image's /etc/passwd has them")
	}
	*to = r
}

// privileged reads files of the built image with their owners.
func (d *decoder) privileged(n *yaml.Node, to *map[string]Owner) {
	d.mapping(n, func(key, value *yaml.Node) {
		if msg, hint := CheckAbsolute(key.Value); msg != "" {
			d.fail(key, msg, hint)
			return
		}
		var text string
		var owner Owner
		d.checked(value, &text, func(s string) (msg, hint string) {
			var err error
			if owner, err = parseOwner(s); err != nil {
				return err.Error(), `write UID:GID in quotes, as in "0:0"`
			}
			return "", ""
		})
		if *to == nil {
			*to = map[string]Owner{}
		}
		(*to)[key.Value] = owner
	})
}

func parseOwner(s string) (Owner, error) {
	u, g, ok := strings.Cut(s, ":")
	uid, uerr := strconv.ParseUint(u, 10, 31)
	gid, gerr := strconv.ParseUint(g, 10, 31)
	if !ok || uerr != nil || gerr != nil {
		return Owner{}, fmt.Errorf("%q is not the owner of a file", s)
	}
	return Owner{int(uid), int(gid)}, nil
}

var capabilityName = regexp.MustCompile(`^[A-Z][A-Z_]*$`)

// capabilities reads what the program needs, each with the reason.
func (d *decoder) capabilities(n *yaml.Node, to *map[string]string) {
	d.mapping(n, func(key, value *yaml.Node) {
		if !capabilityName.MatchString(key.Value) || strings.HasPrefix(key.Value, "CAP_") {
			d.fail(key, strconv.Quote(key.Value)+" is not a capability", "write it as docker run --cap-add takes it, as in SYS_CHROOT")
			return
		}
		var why string
		d.checked(value, &why, checkText)
		if *to == nil {
			*to = map[string]string{}
		}
		(*to)[key.Value] = why
	})
}
