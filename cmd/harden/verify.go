package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dockharden/harden/internal/config"
	"github.com/dockharden/harden/internal/report"
	"github.com/dockharden/harden/internal/siblings"
	"github.com/dockharden/harden/internal/verify"
	"github.com/dockharden/harden/internal/workspace"
)

const verifyLong = `Verify builds the Dockerfile as it is and as harden rewrites it, runs both images,
probes both, looks into both, and prints what they do before and after.

It executes the code of the Dockerfile and of the image, in your own container
engine (DOCKER_HOST or the current docker context; Podman's socket where there
is none), and removes everything it made. Nothing of the tree is changed without
-w, and with -w only what is proven is written.

The probe is the image's HEALTHCHECK, or what --probe, --probe-http and --exec
say; without any the container has to start, listen on the ports that EXPOSE
names, stay up, answer GET / as before where it speaks HTTP, and write nothing
about missing permissions. A command that ends by itself has to end with the same
exit status and the same output.

  harden verify                                   the Dockerfile here
  harden verify --probe-http /health web/Dockerfile
  harden verify --probe 'curl -fsS http://$HARDEN_ADDRESS:8080/'
  harden verify -w --learn                        watch it at work, and write what is proven
  harden verify --compose compose.yaml --service web

A probe on the host finds in its environment HARDEN_CONTAINER, HARDEN_ADDRESS,
HARDEN_PORTS, and HARDEN_PORT_80 and so on, the addresses that ports are
published at. Arguments behind -- are the command that both containers run.

Exit status: 0 proven, 1 the hardened image does less than the original, 2 nothing
could be proven.`

// verifyOptions are the flags of harden verify.
type verifyOptions struct {
	options
	proof            verify.Options
	build            verify.Build
	env              []string
	memory           int
	verbose          bool
	compose, service []string
	bake, bakeTarget string
}

func newVerify(root *options) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify [PATH...] [-- COMMAND...]",
		Short: "Build, run and compare the image before and after",
		Long:  verifyLong,
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.color = root.color
			if err := o.validate(cmd.Flags()); err != nil {
				return err
			}
			paths, command := splitDash(cmd, args)
			return o.run(cmd, paths, command)
		},
	}
	o.register(cmd.Flags())
	return cmd
}

// splitDash separates what stands behind --.
func splitDash(cmd *cobra.Command, args []string) (paths, command []string) {
	if n := cmd.ArgsLenAtDash(); n >= 0 {
		return args[:n], args[n:]
	}
	return args, nil
}

func (o *verifyOptions) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.BoolVarP(&o.write, "write", "w", false, "change the files that are proven, and with --learn write what was learned to "+config.FileName)
	f.BoolVar(&o.proof.Learn, "learn", false, "find out in containers what the program writes and needs, and try again with that")
	f.StringVar(&o.format, "format", "text", "output `FORMAT`: text (a table), json, markdown (for a pull request)")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "do not say what is being done")
	f.BoolVar(&o.verbose, "verbose", false, "show the builder's output")

	f.StringVar(&o.proof.Command, "probe", "", "`COMMAND` on the host that has to succeed")
	f.StringVar(&o.proof.HTTP, "probe-http", "", "`PATH` that has to answer a GET")
	f.IntVar(&o.proof.Port, "probe-port", 0, "`PORT` of the container for --probe-http (default what EXPOSE names)")
	f.StringVar(&o.proof.Exec, "exec", "", "`COMMAND` in the container that has to succeed")
	f.BoolVar(&o.proof.OneShot, "one-shot", false, "the command ends by itself; compare exit status and output, whatever they are")
	f.DurationVar(&o.proof.Start, "start-timeout", time.Minute, "how long the original may take until the probe passes, `TIME`")
	f.DurationVar(&o.proof.Each, "probe-timeout", 10*time.Second, "how long one try of the probe may take, `TIME`")
	f.DurationVar(&o.proof.Stay, "stay", 0, "how long the container has to stay up then, `TIME` (default by kind of probe)")
	f.DurationVar(&o.proof.Build, "build-timeout", 30*time.Minute, "how long a build may take, `TIME`")

	f.StringArrayVarP(&o.env, "env", "e", nil, "environment of the containers, `NAME=VALUE`; may be repeated")
	f.IntVar(&o.memory, "memory", 2048, "memory of a container, in `MB`")
	f.IntVar(&o.jobs, "jobs", 4, "how many containers to run at the same time, `N`")
	f.StringArrayVar(&o.compose, "compose", nil, "Compose `FILE` with what the image needs around it; may be repeated")
	f.StringArrayVar(&o.service, "service", nil, "the `NAME` of the image's service in it")
	f.StringVar(&o.bake, "bake", "", "Bake `FILE` that says how to build the image")
	f.StringVar(&o.bakeTarget, "bake-target", "default", "the `NAME` of its target")

	f.StringVar(&o.target, "target", "", "the `STAGE` that becomes the image (default the last)")
	f.StringArrayVar(&o.rawBuildArgs, "build-arg", nil, "build argument as `NAME=VALUE`; may be repeated")
	f.StringArrayVar(&o.build.Secrets, "secret", nil, "build secret as docker build takes it, `SPEC`; may be repeated")
	f.StringArrayVar(&o.build.SSH, "ssh", nil, "ssh agent or keys for the build as docker build takes them, `SPEC`; may be repeated")
	f.BoolVar(&o.build.NoCache, "no-cache", false, "build without the builder's cache")
	f.StringVar(&o.platform, "platform", "", "platform of the image, `OS/ARCH` (default linux/amd64)")
	f.StringVar(&o.contextDir, "context", "", "build context `DIR` (default found by the files that COPY names)")

	f.StringVar(&o.user, "user", "", "`NAME` of the account to make (default appuser)")
	f.IntVar(&o.uid, "uid", 0, "`NUMBER` of the account to make (default 10001)")
	f.IntVar(&o.gid, "gid", 0, "`NUMBER` of its group (default the uid)")
	f.StringVar(&o.own, "own", "needed", "`WHAT` the user owns: needed or all")
	f.BoolVar(&o.openShift, "openshift", false, "for platforms that choose the uid themselves: group 0, group-writable")
	f.BoolVar(&o.includeBases, "include-bases", false, "harden images that other images are built on, too")
	o.source.register(f)
}

var verifyFormats = []string{"text", "json", "markdown"}

func (o *verifyOptions) validate(f *pflag.FlagSet) error {
	format := o.format
	o.format = report.FormatNames()[0] // the check below knows the other formats only
	if err := o.options.validate(f); err != nil {
		return err
	}
	o.format = format
	errs := []error{flagProblem("format", oneOf(verifyFormats...), format)}
	for _, kv := range o.env {
		if kv == "" || kv[0] == '=' {
			errs = append(errs, fmt.Errorf("--env: %q is no variable; write NAME=VALUE, or NAME for the value it has here", kv))
		}
	}
	if (len(o.compose) > 0) != (len(o.service) == 1) {
		errs = append(errs, errors.New("--compose and --service go together; name one service"))
	}
	if o.memory < 6 || o.proof.Port < 0 || o.proof.Port > 65535 {
		errs = append(errs, errors.New("--memory needs at least 6 MB, --probe-port a port"))
	}
	return first(errs)
}

// run proves the Dockerfiles one after the other.
func (o *verifyOptions) run(cmd *cobra.Command, paths, command []string) error {
	v, err := newVerifier(cmd, o, command)
	if err != nil {
		return err
	}
	defer v.out.progress.clear()
	if len(paths) == 0 {
		paths = []string{"."}
	}
	set, err := workspace.Find(paths, workspace.Options{Excluded: v.excluded, Wanted: siblings.Wanted})
	if err != nil {
		return err
	}
	for _, e := range set.Errors {
		return fmt.Errorf("%s: %w", e.Path, e)
	}
	if err := v.look(cmd.Context(), set); err != nil {
		return err
	}
	code := exitDone
	var all []report.Verified
	for _, f := range set.Files {
		got := v.file(cmd.Context(), f)
		code = max(code, verifiedCode(got))
		all = append(all, got)
		if err := v.show(got); err != nil {
			return err
		}
		if cmd.Context().Err() != nil {
			break
		}
	}
	if o.format == "json" {
		if err := report.VerifyJSON(v.out.out, all, versionText()); err != nil {
			return err
		}
	}
	if code != exitDone {
		return exitCode(code)
	}
	return nil
}

func verifiedCode(v report.Verified) int {
	switch {
	case v.Err != nil || v.NotWritten != nil:
		return exitError
	case !v.Report.Proven():
		return exitFailed
	}
	return exitDone
}
