package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/dockharden/harden/internal/config"
	"github.com/dockharden/harden/internal/report"
	"github.com/dockharden/harden/pkg/imageinspect"
)

func newInspect(root *options) *cobra.Command {
	var source sourceOptions
	var platform string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect IMAGE...",
		Short: "Print what an image holds: user, accounts, tools, privileged files",
		Long: `Inspect prints what harden knows of an image and where it knows it from: the
user it starts as, its accounts and tools, setuid and setgid files, and files
with capabilities.

IMAGE is a reference such as debian:bookworm-slim, the directory of an OCI
layout, a tarball of docker save, or a file of facts. With --json the output is
what --facts reads.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := first([]error{source.validate(), optional("platform", platform, config.CheckPlatform), optional("color", root.color, oneOf("auto", "always", "never"))}); err != nil {
				return err
			}
			out := newTerminal(cmd, root.color)
			defer out.progress.clear()
			facts, err := inspect(cmd.Context(), &source, out, args, platform)
			if err != nil {
				return err
			}
			if asJSON {
				return report.FactsJSON(out.out, facts)
			}
			return report.FactsText(out.out, facts, out.outColor)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, as --facts reads it")
	cmd.Flags().StringVar(&platform, "platform", "", "`OS/ARCH` to look at (default linux/amd64)")
	source.register(cmd.Flags())
	return cmd
}

func optional(flag, value string, check func(string) (msg, hint string)) error {
	if value == "" {
		return nil
	}
	return flagProblem(flag, check, value)
}

// inspect looks at images one after the other.
func inspect(ctx context.Context, opts *sourceOptions, out *terminal, images []string, platform string) ([]*imageinspect.Facts, error) {
	s, err := newSources(opts, out)
	if err != nil {
		return nil, err
	}
	p, err := platformOf(platform)
	if err != nil {
		return nil, err
	}
	var all []*imageinspect.Facts
	for _, image := range images {
		facts, err := s.inspect(ctx, image, p)
		if err != nil {
			return nil, err
		}
		all = append(all, facts...)
	}
	return all, nil
}
