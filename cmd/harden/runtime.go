package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dockharden/harden/internal/config"
	"github.com/dockharden/harden/internal/diff"
	"github.com/dockharden/harden/internal/profile"
	"github.com/dockharden/harden/internal/report"
	"github.com/dockharden/harden/internal/siblings"
	"github.com/dockharden/harden/internal/workspace"
	"github.com/dockharden/harden/pkg/rewrite"
)

const runtimeLong = `Runtime prints the least that a container of the hardened image needs: its user,
the capabilities to add after all are dropped, each with its reason, and what
has to be writable under a read-only root. The second half of hardening can only
be said where the container is started.

  harden runtime                            a docker run command
  harden runtime --format kubernetes        a Pod that "restricted" accepts
  harden runtime --patch compose.yaml       a patch to the file that is there
  harden runtime --patch deploy.yaml -w     change it

With --patch, comments, order, anchors and quoting stay as they are, and so does
what the file sets already: a user, a capability. Standard error says where that
differs from what the image needs, and how volumes that were filled as root
become the new user's.`

// runtimeOptions are the flags of harden runtime.
type runtimeOptions struct {
	options
	as, patch, service, container, image string
	readOnly                             bool
}

func newRuntime(root *options) *cobra.Command {
	o := &runtimeOptions{options: options{format: report.FormatNames()[0], own: "needed", jobs: 1}}
	cmd := &cobra.Command{
		Use:   "runtime [PATH...]",
		Short: "Print the settings that containers of the hardened image need",
		Long:  runtimeLong,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.color = root.color
			if err := o.validate(cmd.Flags()); err != nil {
				return err
			}
			return runtimeSettings(cmd, o, args)
		},
	}
	o.register(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("service", "container")
	cmd.MarkFlagsMutuallyExclusive("format", "patch")
	if err := cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(profile.FormatNames(), cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist; every test would see it
	}
	return cmd
}

func (o *runtimeOptions) register(f *pflag.FlagSet) {
	f.SortFlags = false
	var docs []string
	for _, format := range profile.Formats {
		docs = append(docs, format.Name+" ("+format.Doc+")")
	}
	f.StringVar(&o.as, "format", profile.FormatNames()[0], "output `FORMAT`: "+strings.Join(docs, ", "))
	f.StringVar(&o.patch, "patch", "", "print a patch to the Compose file or Kubernetes manifest `FILE` instead")
	f.BoolVarP(&o.write, "write", "w", false, "change the file of --patch in place")
	f.StringVar(&o.service, "service", "", "`NAME` of the service to patch (default the one that builds the Dockerfile)")
	f.StringVar(&o.container, "container", "", "`NAME` of the container to patch, or KIND/OBJECT/NAME (default the one that runs the image)")
	f.StringVar(&o.image, "image", "", "`REFERENCE` of the built image")
	f.BoolVar(&o.readOnly, "read-only", false, "a read-only root even where the program may write to the directory of its code")

	f.StringVar(&o.target, "target", "", "the `STAGE` that becomes the image (default the last)")
	f.StringArrayVar(&o.rawBuildArgs, "build-arg", nil, "build argument as `NAME=VALUE`; may be repeated")
	f.StringVar(&o.platform, "platform", "", "platform of the base image, `OS/ARCH` (default linux/amd64)")
	f.StringVar(&o.contextDir, "context", "", "build context `DIR` (default found by the files that COPY names)")
	f.StringVar(&o.user, "user", "", "`NAME` of the account that harden makes (default appuser)")
	f.IntVar(&o.uid, "uid", 0, "`NUMBER` of that account (default 10001)")
	f.IntVar(&o.gid, "gid", 0, "`NUMBER` of its group (default the uid)")
	f.BoolVar(&o.openShift, "openshift", false, "for platforms that choose the uid themselves: group 0, group-writable")
	f.BoolVar(&o.includeBases, "include-bases", false, "images that other images are built on, too")
	f.BoolVar(&o.all, "all", false, "look into vendored, test and ignored directories, too")
	o.source.register(f)
}

// validate checks the flags. The format is not one of the report's.
func (o *runtimeOptions) validate(f *pflag.FlagSet) error {
	if err := flagProblem("format", oneOf(profile.FormatNames()...), o.as); err != nil {
		return err
	}
	switch {
	case o.write && o.patch == "":
		return errors.New("-w changes the file of --patch; name it")
	case o.patch == "" && o.service+o.container != "":
		return errors.New("--service and --container say what to change in the file of --patch; name it")
	}
	return o.options.validate(f)
}

// An imageProfile is the profile of one Dockerfile's image.
type imageProfile struct {
	*profile.Profile
	file   *workspace.File
	target string
}

// runtimeSettings is the command.
func runtimeSettings(cmd *cobra.Command, o *runtimeOptions, args []string) error {
	out := newTerminal(cmd, o.color)
	defer out.progress.clear()
	cwd, err := workspace.WorkingDirectory()
	if err != nil {
		return err
	}
	r := &runner{opts: &o.options, configs: &config.Loader{Known: knownNames(), Base: cwd}}
	if r.sources, err = newSources(&o.source, out); err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	set, err := workspace.Find(args, workspace.Options{All: o.all, Excluded: r.excluded, Wanted: siblings.Wanted})
	if err != nil {
		return err
	}
	if err := r.look(cmd.Context(), set); err != nil {
		return err
	}
	profiles, code := r.profiles(cmd.Context(), o, set, out)
	if cmd.Context().Err() != nil {
		return errors.New("interrupted; nothing was changed")
	}
	if o.patch != "" {
		err = patchRuntime(o, profiles, out)
	} else {
		err = printRuntime(o, profiles, out)
	}
	if err == nil && code != exitDone {
		err = exitCode(code)
	}
	return err
}

// profiles returns the profiles of all files; what cannot be processed is told.
func (r *runner) profiles(ctx context.Context, o *runtimeOptions, set *workspace.Set, out *terminal) (all []imageProfile, code int) {
	fail := func(path string, err error) {
		code = exitError
		fmt.Fprintln(out.err, report.NewProblem(path, err))
	}
	for _, e := range set.Errors {
		fail(e.Path, e)
	}
	for _, f := range set.Files {
		p, err := r.profile(ctx, o, f, out)
		if err != nil {
			fail(f.Path, err)
			continue
		}
		all = append(all, *p)
	}
	return all, code
}

func (r *runner) profile(ctx context.Context, o *runtimeOptions, f *workspace.File, out *terminal) (*imageProfile, error) {
	src, err := f.Read()
	if err != nil {
		return nil, err
	}
	cfg, err := r.configs.For(f.Dir())
	if err != nil {
		return nil, err
	}
	settings := o.settings(cfg, relative(cfg, f))
	opts, err := r.rewriteOptions(&settings, cfg)
	if err != nil {
		return nil, err
	}
	opts.Path = f.Path
	notes := r.around.Describe(&opts, f, src, settings.Context)
	opts.Bases = r.around.Bases(f, r.before)
	res, err := rewrite.Run(ctx, src, opts)
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		fmt.Fprintf(out.err, "%s: %s\n", report.Printable(f.Path), report.Printable(n))
	}
	if res.Outcome == rewrite.Hardened {
		fmt.Fprintf(out.err, "%s: the settings are for the image that harden -w makes of it\n", report.Printable(f.Path))
	}
	p, err := profile.New(res, profile.Options{
		Path: f.Path, Name: imageName(f, opts.Siblings.Services), Image: o.image, ReadOnly: o.readOnly, Services: opts.Siblings.Services,
	})
	return &imageProfile{p, f, opts.Target}, err
}

// imageName names a service after what Compose calls it, or the directory.
func imageName(f *workspace.File, services []rewrite.Service) string {
	if len(services) > 0 {
		return services[0].Name
	}
	return filepath.Base(f.Dir())
}

// printRuntime writes the profiles in the format.
func printRuntime(o *runtimeOptions, all []imageProfile, out *terminal) error {
	if len(all) == 0 {
		return nil
	}
	var list []*profile.Profile
	for _, p := range all {
		list = append(list, p.Profile)
	}
	format, _ := profile.FormatByName(o.as) // validated
	var b bytes.Buffer
	if err := format.Write(&b, list); err != nil {
		return err
	}
	if err := emit(out, b.String()); err != nil {
		return err
	}
	if o.as != "json" { // which has them in it
		tellMigrations(all, out)
	}
	return nil
}

// emit writes a text to standard output. What a terminal would interpret is
// escaped for a person's eyes; a program gets every byte.
func emit(out *terminal, text string) error {
	if out.outTerminal {
		var b strings.Builder
		for line := range strings.Lines(text) {
			b.WriteString(report.Printable(strings.TrimRight(line, "\r\n")) + "\n")
		}
		text = b.String()
	}
	_, err := fmt.Fprint(out.out, text)
	return err
}

func tellMigrations(all []imageProfile, out *terminal) {
	for _, p := range all {
		for line := range strings.Lines(profile.MigrationText(p.Migrations)) {
			fmt.Fprintln(out.err, report.Printable(strings.TrimSuffix(line, "\n")))
		}
	}
}

// patchRuntime merges the profiles into the file of --patch.
func patchRuntime(o *runtimeOptions, all []imageProfile, out *terminal) error {
	if msg, _ := isDirectory(o.patch); msg == "" {
		return fmt.Errorf("--patch: %q is a directory; name the file", o.patch)
	}
	set, err := workspace.Find([]string{o.patch}, workspace.Options{})
	if err != nil {
		return err
	}
	if len(set.Errors) > 0 {
		return fmt.Errorf("--patch: %s: %w", o.patch, set.Errors[0])
	}
	if len(all) == 0 {
		return nil // and the reasons have been told
	}
	name := o.service + o.container
	if name != "" && len(all) > 1 {
		return fmt.Errorf("there are %d Dockerfiles, and only one can be meant; name it", len(all))
	}
	f := set.Files[0]
	src, err := f.Read()
	if err != nil {
		return err
	}
	patched, used, err := applyAll(o, all, f, src, out)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	tellMigrations(used, out)
	switch {
	case bytes.Equal(src, patched):
		fmt.Fprintf(out.err, "%s: nothing to add\n", report.Printable(f.Path))
		return nil
	case !o.write:
		return emit(out, diff.Unified("a/"+f.Path, "b/"+f.Path, src, patched))
	}
	note, err := f.Write(src, patched)
	if note != "" {
		fmt.Fprintf(out.err, "%s: %s\n", report.Printable(f.Path), report.Printable(note))
	}
	return err
}

// applyAll merges the profiles one after the other. A file may well say
// nothing about some of the Dockerfiles, but not about all of them.
func applyAll(o *runtimeOptions, all []imageProfile, f *workspace.File, src []byte, out *terminal) (patched []byte, used []imageProfile, err error) {
	var unmatched error
	patched = src
	for _, p := range all {
		res, err := p.Apply(patched, profile.Where{
			File: f.Abs, Dockerfile: p.file.Abs, Target: p.target, Name: o.service + o.container, Image: o.image, Only: len(all) == 1,
		})
		if errors.Is(err, profile.ErrNoMatch) {
			unmatched = err
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		fmt.Fprintf(out.err, "%s: %s runs %s\n", report.Printable(f.Path), report.Printable(res.Target), report.Printable(p.Path))
		for _, n := range res.Notes {
			at := f.Path
			if n.Line > 0 {
				at = fmt.Sprintf("%s:%d", at, n.Line)
			}
			fmt.Fprintf(out.err, "%s: %s\n", report.Printable(at), report.Printable(n.Text))
		}
		patched, used = res.Output, append(used, p)
	}
	if len(used) == 0 {
		return nil, nil, unmatched
	}
	return patched, used, nil
}
