package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dockharden/harden/internal/config"
	"github.com/dockharden/harden/internal/diff"
	"github.com/dockharden/harden/internal/report"
	"github.com/dockharden/harden/internal/siblings"
	"github.com/dockharden/harden/internal/surroundings"
	"github.com/dockharden/harden/internal/workspace"
	"github.com/dockharden/harden/pkg/rewrite"
)

// A runner hardens the Dockerfiles of one command line.
type runner struct {
	opts    *options
	configs *config.Loader
	sources *sources
	around  *surroundings.Surroundings
}

// harden is the main command.
func harden(cmd *cobra.Command, opts *options, args []string) error {
	out := newTerminal(cmd, opts.color)
	defer out.progress.clear()
	cwd, err := workspace.WorkingDirectory()
	if err != nil {
		return err
	}
	r := &runner{opts: opts, configs: &config.Loader{Known: knownNames(), Base: cwd}}
	if r.sources, err = newSources(&opts.source, out); err != nil {
		return err
	}
	if slices.Contains(args, "-") {
		return r.stdin(cmd, args, out)
	}
	if len(args) == 0 {
		args = []string{"."}
	}
	set, err := workspace.Find(args, workspace.Options{All: opts.all, Excluded: r.excluded, Wanted: siblings.Wanted})
	if err != nil {
		return err
	}
	if err := r.look(cmd.Context(), set); err != nil {
		return err
	}
	if set.Base != cwd && !opts.quiet {
		fmt.Fprintf(out.err, "harden: names are relative to %s; that is where the patch applies\n", report.Printable(set.Base))
	}
	return r.files(cmd.Context(), set, out)
}

// look reads what lies around the files of a run, and tells what it does not understand.
func (r *runner) look(ctx context.Context, set *workspace.Set) (err error) {
	if r.around, err = surroundings.Look(ctx, set); err != nil {
		return err
	}
	for _, note := range r.around.Notes() {
		r.sources.tell(note)
	}
	return nil
}

// relative returns the name by which a configuration knows a file.
func relative(cfg *config.Config, f *workspace.File) string {
	rel, err := filepath.Rel(cfg.Dir, f.Abs)
	if err != nil {
		rel = f.Path
	}
	return filepath.ToSlash(rel)
}

// before returns the options for a file before its surroundings are known.
func (r *runner) before(f *workspace.File) (rewrite.Options, string, error) {
	cfg, err := r.configs.For(f.Dir())
	if err != nil {
		return rewrite.Options{}, "", err
	}
	settings := r.opts.settings(cfg, relative(cfg, f))
	opts, err := r.rewriteOptions(&settings, cfg)
	return opts, settings.Context, err
}

func knownNames() config.Known {
	return config.Known{Rules: ruleNames(), Reasons: reasonNames()}
}

// files processes the files side by side and reports them in order.
func (r *runner) files(ctx context.Context, set *workspace.Set, out *terminal) error {
	reporter := r.reporter(out)
	code := exitDone
	for _, e := range set.Errors {
		code = exitError
		e.Hint = orCommand(e)
		if err := reporter.File(&report.File{Path: e.Path, Problem: report.NewProblem(e.Path, e)}); err != nil {
			return err
		}
	}
	work := func(f *workspace.File) *report.File { return r.file(ctx, f) }
	err := ordered(ctx, set.Files, r.opts.jobs, work, func(f *report.File) error {
		code = max(code, r.exitCode(f))
		return reporter.File(f)
	})
	return r.finish(ctx, err, reporter, code)
}

// orCommand returns the hint of an error, or for a path that is not there and
// looks like a command, that command.
func orCommand(e *workspace.Error) string {
	if near := config.Nearest(e.Path, []string{"inspect", "verify", "runtime", "rules", "explain", "config", "version", "completion", "help"}); near != "" {
		return "if you meant the command, it is harden " + near
	}
	return e.Hint
}

func (r *runner) reporter(out *terminal) report.Reporter {
	format, _ := report.ByName(r.opts.format) // validated
	return format.New(report.Options{
		Out: out.out, Err: out.err, OutColor: out.outColor, ErrColor: out.errColor, OutTerminal: out.outTerminal,
		Quiet: r.opts.quiet, Diff: !r.opts.write && !r.opts.check, Check: r.opts.check, Version: versionText(),
	})
}

func (r *runner) finish(ctx context.Context, err error, reporter report.Reporter, code int) error {
	if err == nil {
		err = reporter.Close()
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted; files reported above are done, the others were not touched")
	case err != nil:
		return fmt.Errorf("writing the report: %w", err)
	case code != exitDone:
		return exitCode(code)
	}
	return nil
}

// exitCode returns what one file makes of the exit status.
func (r *runner) exitCode(f *report.File) int {
	switch {
	case f.Problem != nil:
		return exitError
	case r.opts.check && f.Failed():
		return exitFailed
	}
	return exitDone
}

// file does everything for one file. A bug that panics costs that file alone.
func (r *runner) file(ctx context.Context, f *workspace.File) (out *report.File) {
	out = &report.File{Path: f.Path}
	fail := func(err error) *report.File {
		out.Problem = report.NewProblem(f.Path, err)
		return out
	}
	defer func() {
		if p := recover(); p != nil {
			out = fail(fmt.Errorf("internal error: %v; please report this as a bug, with the Dockerfile and this: %s", p, debug.Stack()))
		}
	}()
	src, err := f.Read()
	if err != nil {
		return fail(err)
	}
	cfg, err := r.configs.For(f.Dir())
	if err != nil {
		return fail(err)
	}
	if err := r.rewrite(ctx, out, src, cfg, f); err != nil {
		return fail(err)
	}
	if r.opts.write && out.Result.Changed() {
		if out.Note, err = f.Write(src, out.Result.Output); err != nil {
			return fail(err)
		}
		out.Written = true
	}
	return out
}

// rewrite hardens the content of a file and describes the result.
func (r *runner) rewrite(ctx context.Context, out *report.File, src []byte, cfg *config.Config, f *workspace.File) error {
	settings := r.opts.settings(cfg, relative(cfg, f))
	opts, err := r.rewriteOptions(&settings, cfg)
	if err != nil {
		return err
	}
	opts.Path = f.Path
	notes := r.around.Describe(&opts, f, src, settings.Context)
	opts.Bases = r.around.Bases(f, r.before)
	res, err := rewrite.Run(ctx, src, opts)
	if err != nil {
		return err
	}
	res.Warnings = append(slices.Clip(res.Warnings), notes...)
	out.Result = res
	out.Diff = diff.Unified("a/"+f.Path, "b/"+f.Path, res.Source, res.Output)
	out.Accepted = res.Outcome == rewrite.Refused && accepted(res.Reason, settings.Accept)
	return nil
}

// accepted reports whether --check lets a refusal pass: the owner said so in
// the file, or in the configuration.
func accepted(reason rewrite.Reason, accept []string) bool {
	return reason == rewrite.OwnerOptedOut || slices.Contains(accept, string(reason))
}

func (r *runner) rewriteOptions(s *config.Settings, cfg *config.Config) (rewrite.Options, error) {
	platform, err := platformOf(s.Platform)
	if err != nil {
		return rewrite.Options{}, err
	}
	source, err := r.sources.with(cfg.RegistryMirror)
	if err != nil {
		return rewrite.Options{}, err
	}
	opts := rewrite.Options{
		Source: source, Platform: platform, Target: s.Target, BuildArgs: s.BuildArgs,
		User: s.User, UID: s.UID, GID: s.GID, Rules: s.Rules, KeepSetuid: s.KeepSetuid, Writable: s.Writable,
		OwnAll: s.Own == "all", OpenShift: s.OpenShift, IncludeBases: s.IncludeBases,
	}
	addLearned(&opts, s)
	return opts, nil
}

// excluded reports whether the configuration leaves a file alone. A mistake in
// the configuration is reported when the file is processed.
func (r *runner) excluded(abs string) bool {
	cfg, err := r.configs.For(filepath.Dir(abs))
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(cfg.Dir, abs)
	return err == nil && cfg.Excluded(filepath.ToSlash(rel))
}

// maxStdin bounds what is read from standard input.
const maxStdin = 16 << 20

// stdin hardens standard input.
func (r *runner) stdin(cmd *cobra.Command, args []string, out *terminal) error {
	if r.opts.write {
		return errStdinWrite
	}
	if len(args) > 1 {
		return fmt.Errorf("- stands for standard input and cannot be mixed with other paths; run harden twice")
	}
	src, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxStdin))
	if err != nil {
		return fmt.Errorf("reading standard input: %w", err)
	}
	f, err := workspace.Stdin()
	if err != nil {
		return err
	}
	if err := r.look(cmd.Context(), &workspace.Set{Base: f.Dir()}); err != nil {
		return err
	}
	file := &report.File{Path: "stdin"}
	cfg, err := r.configs.For(f.Dir())
	if err == nil {
		err = r.rewrite(cmd.Context(), file, src, cfg, f)
	}
	if err != nil {
		file.Problem = report.NewProblem(file.Path, err)
	}
	reporter := r.reporter(out)
	return r.finish(cmd.Context(), reporter.File(file), reporter, r.exitCode(file))
}
