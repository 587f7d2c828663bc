package programs

import "testing"

func TestMakesNoAccount(t *testing.T) {
	for name, want := range map[string]bool{
		"ca-certificates": true, "ca-certificates=20230311": true, "ruby-dev": true, "libssl-dev": true,
		"nginx": false, "postgresql-dev": false, "libmysqlclient": false, "?": false, "dbus": false, "": false,
	} {
		if got := MakesNoAccount(name); got != want {
			t.Errorf("MakesNoAccount(%q) = %v", name, got)
		}
	}
}
