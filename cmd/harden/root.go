package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

const rootLong = `Harden takes root out of the images that Dockerfiles build.

It reads a Dockerfile, looks into the base image, and prints the smallest patch
after which the image runs as a non-root user, by number, with no setuid or
setgid files and no file capabilities. Where it cannot do that safely, it says
why and leaves the file alone.

PATH is a Dockerfile, a directory (every Dockerfile in it and below it, whether
called Dockerfile, Dockerfile.NAME, Dockerfile-NAME, NAME.Dockerfile or the same
with Containerfile), or - for standard input. Without a PATH it is the current
directory. The patch goes to standard output, everything else to standard error:

  harden Dockerfile              what would change, and why
  harden -w Dockerfile           change it
  harden --check .               for CI: exit 1 if something would change
  harden . > harden.patch        one patch, for git apply or patch -p1

Settings are also read from .harden.yaml beside the Dockerfile or above it.

Exit status: 0 done, 1 --check found a file that would change or that stays root
without an accepted reason, 2 an error.`

func newRoot() *cobra.Command {
	var opts options
	cmd := &cobra.Command{
		Use:               "harden [PATH...|-]",
		Short:             "Take root out of the images that Dockerfiles build",
		Long:              rootLong,
		Version:           versionText(),
		Args:              cobra.ArbitraryArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := opts.validate(cmd.Flags()); err != nil {
				return err
			}
			return harden(cmd, &opts, args)
		},
	}
	opts.register(cmd.Flags())
	cmd.PersistentFlags().StringVar(&opts.color, "color", "auto", "color output: `WHEN` is auto, always or never (NO_COLOR is honoured)")
	cmd.MarkFlagsMutuallyExclusive("write", "check")
	cmd.SetVersionTemplate("harden {{.Version}}\n")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagError(cmd, err) })
	completeFlags(cmd)
	cmd.AddCommand(newInspect(&opts), newVerify(&opts), newRuntime(&opts), newRules(), newExplain(), newConfig(), newVersion())
	return cmd
}

// flagError adds what to do to pflag's messages.
func flagError(cmd *cobra.Command, err error) error {
	return errors.New(strings.TrimSuffix(err.Error(), "\n") + "; see " + cmd.CommandPath() + " --help")
}
