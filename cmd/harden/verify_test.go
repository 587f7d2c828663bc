package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/dockharden/harden/internal/report"
	"github.com/dockharden/harden/internal/verify"
	"github.com/dockharden/harden/pkg/rewrite"
)

// TestNotWritten holds that a file which cannot be written does not take the
// proof with it.
func TestNotWritten(t *testing.T) {
	var stdout, stderr bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	o := &verifyOptions{}
	o.format, o.write = "text", true
	v := &verifier{o: o, out: newTerminal(cmd, "never")}
	reason := errors.New("the file is read-only; chmod u+w it")
	got := report.Verified{Report: &verify.Report{Path: "Dockerfile", Result: &rewrite.Result{}, Does: "passes the probe", Given: true},
		NotWritten: &verify.Error{Msg: reason.Error(), Err: reason}}
	if err := v.show(got); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stdout.String(), "image size") || stderr.String() != "harden: not written: Dockerfile: the file is read-only; chmod u+w it\n" || verifiedCode(got) != exitError {
		t.Errorf("%s\n%s", &stdout, &stderr)
	}
}
