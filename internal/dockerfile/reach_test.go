package dockerfile

import (
	"strings"
	"testing"
)

// TestReach looks at the commands called x in small scripts.
func TestReach(t *testing.T) {
	for src, want := range map[string]string{
		"x":                                    "",
		"x || true":                            "handled",
		"x 2>/dev/null || :":                   "handled",
		"x || echo no":                         "handled",
		"x && y || echo no":                    "handled",
		"y && x":                               "",
		"y || x":                               "",
		"x || exit 1":                          "",
		"x || { echo no; exit 1; }":            "",
		"x || { echo no; }":                    "handled",
		"x || die no":                          "",
		"x || \"$@\"":                          "",
		"stop() { exit 1; }; x || stop":        "",
		"say() { echo no; }; x || say":         "handled",
		"if x; then echo yes; fi":              "handled",
		"if ! x; then echo no; fi":             "handled",
		"if ! x; then exit 1; fi":              "",
		"if x; then echo yes; else exit 1; fi": "",
		"if y; then x; fi":                     "",
		"until x; do sleep 1; done":            "",
		"exec y; x":                            "dead",
		"exec y\nf() { x; }\nf":                "dead",
		"exit 0\nx":                            "dead",
		"exec \"$@\"; x":                       "",
		"exec $y; x":                           "",
		"exec y \"$@\"; x":                     "dead",
		"exec > log; x":                        "",
		"if a; then exec y; fi; x":             "",
		"a && exec y; x":                       "",
		"exec y & x":                           "",
		"(exec y); x":                          "",
		"f() { exec y; }; x":                   "",
		"f() { x; }":                           "dead",
		"f() { x; }; f":                        "",
		"f() { x; }; trap 'f' EXIT":            "",
		"f() { x; }; f() { y; }; f":            "",
		"f() { x; f; }":                        "dead",
		"f() { x; }; . lib.sh":                 "",
		"f() { x; }; \"$1\"":                   "",
		"f() { x; }; exec \"$@\"":              "dead",
		"f() { x || true; }":                   "handled dead",
		// A branch that ends the script, and what repeats its conditions.
		"if [ a ]; then y; fi; x":                                                                   "",
		"if [ $a = 1 ]; then exec y; fi; x":                                                         "",
		"if [ $a = 1 ]; then exec y; fi; if [ \"$a\" = '1' ]; then x; fi":                           "dead",
		"if [ $a = 1 ]; then exec y; fi; if [[ $a == 1 ]]; then x; fi":                              "dead",
		"if [ $a = 1 ]; then exec y; fi; if [ $b ]; then z; if test ${a} = 1; then x; fi; fi":       "dead",
		"if [ $a = 1 ]; then exec y; fi; if [ $a = 1 ] && [ $b ]; then x; fi":                       "dead",
		"if [ $a = 1 ]; then exec y; fi; if [ $a = 1 ] || [ $b ]; then x; fi":                       "",
		"if [ $a = 1 ]; then exec y; fi; if [ $a = 1 -o $b = 1 ]; then x; fi":                       "",
		"if [ $a = 1 ]; then exec y; fi; if ! [ $a = 1 ]; then x; fi":                               "",
		"if [ $a = 1 ]; then exec y; fi; if [ $a = 1 ]; then z; else x; fi":                         "",
		"if [ $a = 1 -a $b = 1 ]; then exit; fi; if [ $b = 1 ]; then if [ $a = 1 ]; then x; fi; fi": "dead",
		"if [ $a = 1 -a $b = 1 ]; then exit; fi; if [ $a = 1 ]; then x; fi":                         "",
		"if [ $a = 1 ]; then exec y; fi; a=2; if [ $a = 1 ]; then x; fi":                            "",
		"f() { a=1; }; if [ $a = 1 ]; then exec y; fi; f; if [ $a = 1 ]; then x; fi":                "",
		"if [ $a = 1 ]; then exec y; fi; for a in 1; do if [ $a = 1 ]; then x; fi; done":            "",
		"if [ $1 = 1 ]; then exec y; fi; shift; if [ $1 = 1 ]; then x; fi":                          "",
		"if [ -f a ]; then exec y; fi; if [ -f a ]; then x; fi":                                     "",
		"if [ $(date) = 1 ]; then exec y; fi; if [ $(date) = 1 ]; then x; fi":                       "",
		"if [ $(id -u) = 0 ]; then exec y; fi; if [ \"$(id -u)\" = 0 ]; then x; fi":                 "dead",
		"if [ $(id -u) = 0 ]; then exec \"$@\"; fi; if [ $(id -u) = 0 ]; then x; fi":                "",
		"f() { x; }; f || true":                                "handled",
		"f() { x; }; f || true; f":                             "",
		"f() { x; }; f || exit 1":                              "",
		"f() { x; }; trap f EXIT; f || true":                   "",
		"f() { x; }; if f; then echo done; fi":                 "handled",
		"f() { x; }; if [ $a = 1 ]; then exec y; fi; f":        "",
		"if [ $a = 1 ]; then exec gosu y \"$0\" \"$@\"; fi; x": "behind [ $a = 1 ]",
		"if a; then exec y \"${BASH_SOURCE[0]}\"; fi; b && x":  "behind a",
		"if a; then exec y \"$0\"; fi; f() { x; }; f":          "",
		strings.Repeat("if x; then ", 4000) + "exit":           "?",
	} {
		s, err := ParseScript([]byte(src))
		if err != nil {
			if want != "?" {
				t.Errorf("%s: %v", src, err)
			}
			continue
		}
		for _, c := range s.Commands() {
			if c.Name != "x" || want == "?" {
				continue
			}
			var got []string
			if c.FailureHandled {
				got = append(got, "handled")
			}
			if c.Dead {
				got = append(got, "dead")
			}
			for _, b := range c.Behind {
				got = append(got, "behind "+b)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s: %q, want %q", src, got, want)
			}
		}
	}
}
