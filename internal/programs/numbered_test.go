package programs

import "testing"

func TestNumberedAccount(t *testing.T) {
	for _, c := range []struct {
		family, pkg, account string
		number               int
	}{
		{"rhel", "httpd", "apache", 48},
		{"rhel", "postgresql16-server", "postgres", 26},
		{"rhel", "postgresql", "", 0}, // the client
		{"rhel", "nginx", "", 0},
		{"alpine", "postgresql16=16.4-r0", "postgres", 70},
		{"alpine", "postgresql16-client", "", 0},
		{"azurelinux", "httpd", "", 0}, // 25 there
		{"debian", "squid", "", 0},
	} {
		account, number, ok := NumberedAccount(c.family, c.pkg)
		if account != c.account || number != c.number || ok != (c.account != "") {
			t.Errorf("NumberedAccount(%q, %q) = %q, %d, %v", c.family, c.pkg, account, number, ok)
		}
	}
}
