package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/dockharden/harden/pkg/rewrite"
)

func newExplain() *cobra.Command {
	names := append(ruleNames(), reasonNames()...)
	return &cobra.Command{
		Use:               "explain [RULE|REASON]",
		Short:             "Explain a rule, or a reason for which an image stays as it is",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listAll(cmd.OutOrStdout())
			}
			if rule := findRule(args[0]); rule != nil {
				return printRule(cmd.OutOrStdout(), rule)
			}
			doc, ok := rewrite.Reason(args[0]).Explain()
			if !ok {
				return unknownName("rule or reason", args[0], names, "harden explain lists them")
			}
			return printReason(cmd.OutOrStdout(), doc)
		},
	}
}

func reasonNames() []string {
	var names []string
	for _, r := range rewrite.Reasons {
		names = append(names, string(r.Code))
	}
	return names
}

func listAll(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "Rules")
	for _, r := range rewrite.Suite {
		fmt.Fprintf(tw, "  %s\t%s\n", r.Name, r.Title())
	}
	fmt.Fprintln(tw, "Reasons")
	for _, r := range rewrite.Reasons {
		fmt.Fprintf(tw, "  %s\t%s\n", r.Code, r.Title)
	}
	return tw.Flush()
}

func printReason(w io.Writer, r rewrite.ReasonDoc) error {
	accept := fmt.Sprintf("To let --check pass it, in .harden.yaml:  accept: [%s]", r.Code)
	if r.Code == rewrite.OwnerOptedOut {
		accept = "--check always lets it pass."
	}
	_, err := fmt.Fprintf(w, "%s: %s\n\n%s\n\nWhat to do: %s\n\n%s\n", r.Code, r.Title, wrap(r.Text), wrap(r.Advice), accept)
	return err
}
