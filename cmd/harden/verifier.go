package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dockharden/harden/internal/config"
	"github.com/dockharden/harden/internal/diff"
	"github.com/dockharden/harden/internal/dockerfile"
	"github.com/dockharden/harden/internal/report"
	"github.com/dockharden/harden/internal/verify"
	"github.com/dockharden/harden/internal/workspace"
	"github.com/dockharden/harden/pkg/imageinspect"
	"github.com/dockharden/harden/pkg/rewrite"
)

// A verifier is one run of harden verify.
type verifier struct {
	*runner
	o       *verifyOptions
	out     *terminal
	command []string
	warned  string // the file it was said of last
}

func newVerifier(cmd *cobra.Command, o *verifyOptions, command []string) (*verifier, error) {
	out := newTerminal(cmd, o.color)
	cwd, err := workspace.WorkingDirectory()
	if err != nil {
		return nil, err
	}
	v := &verifier{runner: &runner{opts: &o.options, configs: &config.Loader{Known: knownNames(), Base: cwd}}, o: o, out: out, command: command}
	v.sources, err = newSources(&o.source, out)
	return v, err
}

// file proves one Dockerfile, and with -w writes what is proven.
func (v *verifier) file(ctx context.Context, f *workspace.File) report.Verified {
	got, learned, err := v.prove(ctx, f)
	if err == nil && v.o.write && got.Report.Proven() {
		if werr := v.write(f, &got, learned); werr != nil {
			// The proof stands all the same.
			got.NotWritten = &verify.Error{Kind: verify.NotHardened, Msg: werr.Error(), Err: werr}
		}
	}
	if err != nil && !errors.As(err, &got.Err) {
		got.Err = &verify.Error{Kind: verify.NotHardened, Msg: report.NewProblem(f.Path, err).String(), Err: err}
	}
	return got
}

func (v *verifier) prove(ctx context.Context, f *workspace.File) (got report.Verified, learned verify.Learned, err error) {
	got.Report = &verify.Report{Path: f.Path}
	eng, err := verify.Connect()
	if err != nil {
		return got, learned, err
	}
	defer func() {
		v.tell("removing what was made")
		if cerr := eng.Close(); err == nil {
			err = cerr
		}
		v.out.progress.clear()
	}()
	if _, err := eng.Info(ctx); err != nil {
		return got, learned, err
	}
	job, err := v.job(ctx, eng, f)
	if err != nil {
		return got, learned, err
	}
	v.warn(f)
	opts := v.o.proof
	opts.Memory, opts.Jobs, opts.Progress = int64(v.o.memory)<<20, v.o.jobs, v.tell
	if v.o.verbose {
		opts.BuildLog = v.out.err
	}
	got.Report, err = verify.Run(ctx, eng, job, opts)
	if got.Report.Learned != nil {
		learned = *got.Report.Learned
	}
	return got, learned, err
}

// warn says what is about to happen, before it does.
func (v *verifier) warn(f *workspace.File) {
	if v.warned == f.Path {
		return
	}
	v.warned = f.Path
	fmt.Fprintf(v.out.err, "harden: building and running %s: this executes its code in your container engine\n", report.Printable(f.Path))
}

func (v *verifier) tell(what string) {
	if !v.o.quiet {
		v.out.progress.show("harden: " + report.Printable(what))
	}
}

// job says what there is to prove about a file.
func (v *verifier) job(ctx context.Context, eng *verify.Docker, f *workspace.File) (*verify.Job, error) {
	src, err := f.Read()
	if err != nil {
		return nil, err
	}
	cfg, err := v.configs.For(f.Dir())
	if err != nil {
		return nil, err
	}
	settings := v.o.settings(cfg, relative(cfg, f))
	opts, err := v.rewriteOptions(&settings, cfg)
	if err != nil {
		return nil, err
	}
	opts.Path = f.Path
	v.around.Describe(&opts, f, src, settings.Context)
	opts.Bases = v.around.Bases(f, v.before)
	job := &verify.Job{Path: f.Path, Source: src, Images: imageinspect.NewEngine(v.sources.options("")), Build: v.o.build}
	job.Dir, _ = workspace.WorkingDirectory()
	job.Run.Env, job.Run.Command = v.environment(), v.command
	if err := v.recipe(ctx, eng, f, job, &opts); err != nil {
		return nil, err
	}
	if job.Build.Context == "" {
		job.Build.Context = v.contextOf(f, src, &opts, settings.Context)
	}
	job.Build.Path, job.Build.Target, job.Build.Args, job.Build.Platform = f.Abs, opts.Target, opts.BuildArgs, settings.Platform
	job.Rewrite = func(ctx context.Context, l verify.Learned) (*rewrite.Result, error) {
		return rewrite.Run(ctx, src, withLearned(opts, &l))
	}
	return job, nil
}

// environment gives variables without a value the one they have here.
func (v *verifier) environment() []string {
	var out []string
	for _, kv := range v.o.env {
		if !strings.Contains(kv, "=") {
			kv += "=" + os.Getenv(kv)
		}
		out = append(out, kv)
	}
	return out
}

// recipe takes over how a Compose or Bake file that was named builds the image.
func (v *verifier) recipe(ctx context.Context, eng *verify.Docker, f *workspace.File, job *verify.Job, opts *rewrite.Options) error {
	var r *verify.Recipe
	switch {
	case len(v.o.compose) > 0:
		p, err := verify.Compose(ctx, v.o.compose, v.o.service[0], eng.Run())
		if err != nil {
			return err
		}
		v.warn(f)
		v.tell("bringing up the other services")
		if err := p.Up(ctx); err != nil {
			return err
		}
		env, command := job.Run.Env, job.Run.Command
		job.Run, job.Shared, r = p.Run, !p.Alone(), &p.Recipe
		job.Composed, job.Notes = true, p.Notes
		job.Run.Env = append(job.Run.Env, env...)
		if len(command) > 0 {
			job.Run.Command = command
		}
	case v.o.bake != "":
		var err error
		if r, err = verify.Bake(ctx, v.o.bake, v.o.bakeTarget); err != nil {
			return err
		}
	default:
		return nil
	}
	if !sameFile(r.Dockerfile, f.Abs) {
		return &verify.Error{Kind: verify.BadRequest, Msg: fmt.Sprintf("it is built from %s, not from %s", r.Dockerfile, f.Path), Hint: "name that Dockerfile"}
	}
	job.Build.Context, job.Build.Contexts = r.Build.Context, r.Build.Contexts
	job.Build.Secrets = append(r.Build.Secrets, job.Build.Secrets...)
	job.Build.SSH = append(r.Build.SSH, job.Build.SSH...)
	if !v.o.changed("target") && r.Build.Target != "" {
		opts.Target = r.Build.Target
	}
	for name, value := range opts.BuildArgs {
		if _, given := v.o.buildArgs[name]; given || r.Build.Args[name] == "" {
			r.Build.Args[name] = value
		}
	}
	opts.BuildArgs = r.Build.Args
	return nil
}

func sameFile(a, b string) bool {
	x, xerr := os.Stat(a)
	y, yerr := os.Stat(b)
	return xerr == nil && yerr == nil && os.SameFile(x, y)
}

// contextOf returns the directory of the build context.
func (v *verifier) contextOf(f *workspace.File, src []byte, opts *rewrite.Options, set string) string {
	if set != "" {
		return set
	}
	doc, err := dockerfile.Parse(src)
	if err != nil {
		return f.Dir() // rewrite.Run reports it
	}
	if dir := v.around.Context(f, doc, opts.Target); dir != "" {
		return dir
	}
	if dir := f.FindContext(workspace.CopySources(doc)); dir != "" {
		return dir
	}
	return f.Dir()
}

// withLearned returns the options with what containers showed.
func withLearned(opts rewrite.Options, l *verify.Learned) rewrite.Options {
	if l.Account != nil {
		opts.RunAs = l.Account
	}
	opts.Writable = append(opts.Writable[:len(opts.Writable):len(opts.Writable)], l.Dirs...)
	opts.WritableTrees = append(opts.WritableTrees[:len(opts.WritableTrees):len(opts.WritableTrees)], l.Trees...)
	opts.WritableFiles = append(opts.WritableFiles[:len(opts.WritableFiles):len(opts.WritableFiles)], l.Files...)
	opts.Privileged = append(opts.Privileged[:len(opts.Privileged):len(opts.Privileged)], l.Privileged...)
	opts.Capabilities = append(opts.Capabilities[:len(opts.Capabilities):len(opts.Capabilities)], l.Capabilities...)
	return opts
}

// write changes the file that is proven, and remembers what was learned.
func (v *verifier) write(f *workspace.File, got *report.Verified, l verify.Learned) error {
	res := got.Report.Result
	if !l.Empty() {
		if err := v.remember(f, &l); err != nil {
			return err
		}
		got.Written = true
	}
	if !res.Changed() {
		return nil
	}
	_, err := f.Write(res.Source, res.Output)
	got.Written = got.Written || err == nil
	return err
}

// remember writes what was learned to the configuration, so that the next run
// needs no engine.
func (v *verifier) remember(f *workspace.File, l *verify.Learned) error {
	cfg, err := v.configs.For(f.Dir())
	if err != nil {
		return err
	}
	dir := cfg.Dir
	if dir == "" {
		dir = f.Dir()
	}
	rel, err := filepath.Rel(dir, f.Abs)
	if err != nil {
		return err
	}
	return config.Update(dir, knownNames(), func(src []byte) ([]byte, error) {
		return config.Merge(src, filepath.ToSlash(rel), learnedSettings(l), l.How)
	})
}

func learnedSettings(l *verify.Learned) config.Settings {
	s := config.Settings{Writable: l.Dirs, WritableTrees: l.Trees, WritableFiles: l.Files}
	if a := l.Account; a != nil {
		s.RunAs = &config.RunAs{Name: a.Name, UID: a.UID, GID: a.GID, Groups: a.Groups}
	}
	for _, p := range l.Privileged {
		if s.Privileged == nil {
			s.Privileged = map[string]config.Owner{}
		}
		s.Privileged[p.Path] = config.Owner{UID: p.UID, GID: p.GID}
	}
	for _, c := range l.Capabilities {
		if s.Capabilities == nil {
			s.Capabilities = map[string]string{}
		}
		s.Capabilities[c.Name] = c.Why
	}
	return s
}

// show prints one proof. The patch that was proven follows the table.
func (v *verifier) show(got report.Verified) error {
	if got.Err != nil {
		fmt.Fprintf(v.out.err, "harden: %s: %s\n", report.Printable(got.Report.Path), report.Printable(got.Err.Error()))
		for line := range strings.Lines(got.Err.Log) {
			fmt.Fprintf(v.out.err, "    %s\n", report.Printable(strings.TrimRight(line, "\r\n")))
		}
		return nil
	}
	r := got.Report
	switch v.o.format {
	case "text":
		if err := report.VerifyText(v.out.out, r, v.out.outColor); err != nil {
			return err
		}
	case "markdown":
		if err := report.VerifyMarkdown(v.out.out, r); err != nil {
			return err
		}
	}
	if got.NotWritten != nil {
		fmt.Fprintf(v.out.err, "harden: not written: %s\n", report.NewProblem(r.Path, got.NotWritten.Err))
	} else if v.o.write && !v.o.quiet {
		fmt.Fprintf(v.out.err, "harden: %s\n", writtenText(got))
	} else if r.Learned != nil && !r.Learned.Empty() && r.Proven() && v.o.format == "text" {
		patch := diff.Unified("a/"+r.Path, "b/"+r.Path, r.Result.Source, r.Result.Output)
		fmt.Fprintf(v.out.err, "harden: with what was learned, the patch is as follows; -w --learn writes it\n%s", report.PrintableLines(patch))
	}
	return nil
}

func writtenText(got report.Verified) string {
	path := report.Printable(got.Report.Path)
	switch {
	case got.Written:
		return path + " is written"
	case got.Report.Proven():
		return path + " needs no change"
	}
	return path + " was left alone: it is not proven"
}
