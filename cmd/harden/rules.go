package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dockharden/harden/internal/config"
	"github.com/dockharden/harden/pkg/rewrite"
)

func newRules() *cobra.Command {
	return &cobra.Command{
		Use:               "rules [NAME]",
		Short:             "List the rules, or print the documentation of one",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(ruleNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listRules(cmd.OutOrStdout())
			}
			rule := findRule(args[0])
			if rule == nil {
				return unknownName("rule", args[0], ruleNames(), "harden rules lists them")
			}
			return printRule(cmd.OutOrStdout(), rule)
		},
	}
}

func ruleNames() []string {
	var names []string
	for _, r := range rewrite.Suite {
		names = append(names, r.Name)
	}
	return names
}

func findRule(name string) *rewrite.Rule {
	for _, r := range rewrite.Suite {
		if r.Name == name {
			return r
		}
	}
	return nil
}

func listRules(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rewrite.Suite {
		fmt.Fprintf(tw, "%s\t%s\n", r.Name, r.Title())
	}
	return tw.Flush()
}

func printRule(w io.Writer, r *rewrite.Rule) error {
	_, err := fmt.Fprintf(w, "%s: %s\n\nTo leave it out of one Dockerfile:  # harden: ignore=%s REASON\nTo switch it off in .harden.yaml:   rules: {%s: off}\n", r.Name, r.Doc, r.Name, r.Name)
	return err
}

func unknownName(kind, name string, names []string, list string) error {
	if near := config.Nearest(name, names); near != "" {
		return fmt.Errorf("no %s is called %q; did you mean %s?", kind, name, near)
	}
	return fmt.Errorf("no %s is called %q; %s", kind, name, list)
}
