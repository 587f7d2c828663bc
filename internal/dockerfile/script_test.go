package dockerfile

import (
	"fmt"
	"strings"
	"testing"
)

// TestCommands compares the commands of testdata/shell/*/script.sh with
// want.txt.
func TestCommands(t *testing.T) {
	for name, src := range cases(t, "shell", "script.sh") {
		t.Run(name, func(t *testing.T) {
			s, err := ParseScript(src)
			if err != nil {
				golden(t, "shell", name, err.Error()+"\n")
				return
			}
			golden(t, "shell", name, dumpCommands(s.Commands(), string(src)))
		})
	}
}

// TestScript does the same for the instructions of testdata/script/*/Dockerfile,
// with the source bytes that each command maps back to.
func TestScript(t *testing.T) {
	for name, src := range cases(t, "script", "Dockerfile") {
		t.Run(name, func(t *testing.T) {
			d, err := Parse(src)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, in := range d.Instructions {
				switch in.Keyword {
				case "RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD":
				default:
					continue
				}
				s, err := d.Script(in)
				if err != nil {
					fmt.Fprintf(&b, "%d opaque: %v\n", in.Line, err)
					continue
				}
				for _, c := range s.Commands() {
					from, to := s.Offset(in, c.Pos), s.Offset(in, c.End-1)+1
					fmt.Fprintf(&b, "%d %s %q\n", in.Line, c.Name, src[from:to])
				}
			}
			golden(t, "script", name, b.String())
		})
	}
}

// dumpCommands writes one line for each command, leaving out what is empty.
func dumpCommands(cmds []Command, src string) string {
	var b strings.Builder
	for _, c := range cmds {
		fmt.Fprintf(&b, "%d: ", 1+strings.Count(src[:c.Pos], "\n"))
		if c.Dynamic {
			b.WriteString("dynamic ")
		}
		b.WriteString(c.Name)
		for _, a := range c.Args {
			if a.Static {
				fmt.Fprintf(&b, " %q", a.Value)
			} else {
				fmt.Fprintf(&b, " <%s>", a.Value)
			}
		}
		if c.MoreArgs {
			b.WriteString(" ...")
		}
		for _, f := range c.Found {
			fmt.Fprintf(&b, " found=%s", f.Value)
		}
		for l := c.Loop; l != nil; l = l.Outer {
			fmt.Fprintf(&b, " loop=%s", l.Var)
			for _, i := range l.Items {
				fmt.Fprintf(&b, ",%s", i.Value)
			}
			for _, f := range l.Found {
				fmt.Fprintf(&b, ",found:%s", f.Value)
			}
		}
		if len(c.Via) > 0 {
			fmt.Fprintf(&b, " via=%s", strings.Join(c.Via, ","))
		}
		if c.As != nil {
			fmt.Fprintf(&b, " as=%s", c.As.Value)
		}
		if len(c.Assigns) > 0 {
			fmt.Fprintf(&b, " with=%q", c.Assigns)
		}
		for _, r := range c.Redirects {
			fmt.Fprintf(&b, " %s%s", r.Op, r.Target.Value)
			if r.Body != "" {
				fmt.Fprintf(&b, "(%q)", r.Body)
			}
		}
		if c.Conditional {
			b.WriteString(" conditional")
		}
		if c.Guard != "" {
			fmt.Fprintf(&b, " guard=%q", c.Guard)
		}
		if c.Func != "" {
			fmt.Fprintf(&b, " func=%s", c.Func)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestExecCommands(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"/usr/sbin/nginx", "-g", "daemon off;"}, "1: nginx \"-g\" \"daemon off;\"\n"},
		{[]string{"gosu", "app", "node", "x.js"}, "1: node \"x.js\" via=gosu as=app\n"},
		{[]string{"tini", "--", "sh", "-c", "exec su-exec app run"}, "1: run via=tini,sh -c,exec,su-exec as=app\n"},
		{[]string{"sh", "-c", "if"}, "1: dynamic if via=sh -c\n"},
		{[]string{"$X"}, "1: $X\n"},
		{nil, ""},
	}
	for _, tt := range tests {
		if got := dumpCommands(ExecCommands(tt.args), ""); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.args, got, tt.want)
		}
	}
}

func TestParseScriptErrors(t *testing.T) {
	for src, want := range map[string]string{
		"#!/usr/bin/python3\nprint(1)\n":     "its interpreter is python3",
		"#!/usr/bin/env -S node\nx\n":        "its interpreter is node",
		"#!/command/execlineb -P\nx\n":       "its interpreter is execlineb",
		"\x7fELF\x00":                        "binary data",
		"if\n":                               "parsing shell text",
		strings.Repeat("x\n", MaxScript/2+1): "more than",
	} {
		if _, err := ParseScript([]byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: error %v, want %s", src, err, want)
		}
	}
	for _, first := range []string{"#!/bin/sh -e", "#! /bin/bash", "#!/usr/bin/env bash", "#!/usr/bin/with-contenv bash", "#!/command/with-contenv sh", "#!/bin/busybox sh", "# x"} {
		if _, err := ParseScript([]byte(first + "\necho\n")); err != nil {
			t.Errorf("%s: %v", first, err)
		}
	}
}

// checkScript checks what holds for every instruction: no panic, and positions
// that lie in the document.
func checkScript(t *testing.T, d *Document, in *Instruction) {
	t.Helper()
	s, err := d.Script(in)
	if err != nil {
		if _, ok := err.(*Error); !ok {
			t.Fatalf("error %#v", err)
		}
		return
	}
	checkCommands(t, s)
	for pos := range len(s.Text) {
		if off := s.Offset(in, pos); off < in.Span.Start || off > in.Span.End {
			t.Fatalf("offset %d of %q is %d, outside of %v", pos, s.Text, off, in.Span)
		}
	}
}

func checkCommands(t *testing.T, s *Script) {
	t.Helper()
	for _, c := range s.Commands() {
		if c.Pos < 0 || c.End < c.Pos || c.End > len(s.Text) {
			t.Fatalf("command %q at %d:%d of %q", c.Name, c.Pos, c.End, s.Text)
		}
	}
}

func FuzzScript(f *testing.F) {
	for _, src := range cases(f, "shell", "script.sh") {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if s, err := ParseScript(src); err == nil {
			checkCommands(t, s)
		}
	})
}

func BenchmarkCommands(b *testing.B) {
	src := cases(b, "shell", "script.sh")["wrappers"]
	b.ReportAllocs()
	for b.Loop() {
		s, err := ParseScript(src)
		if err != nil {
			b.Fatal(err)
		}
		s.Commands()
	}
}
