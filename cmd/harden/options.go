package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dockharden/harden/internal/config"
	"github.com/dockharden/harden/internal/report"
	"github.com/dockharden/harden/pkg/imageinspect"
)

// The options of the command line.
type options struct {
	write, check, quiet, all     bool
	format, color                string
	jobs                         int
	target, platform, contextDir string
	user, own                    string
	uid, gid                     int
	openShift, includeBases      bool
	rawBuildArgs                 []string
	buildArgs                    map[string]string
	source                       sourceOptions
	changed                      func(flag string) bool // given on the command line
}

func (o *options) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.BoolVarP(&o.write, "write", "w", false, "change the files in place instead of printing a patch")
	f.BoolVar(&o.check, "check", false, "print no patch; exit 1 if a file would change or stays root without an accepted reason")
	f.StringVar(&o.format, "format", report.FormatNames()[0], "output `FORMAT`: "+formatHelp())
	f.BoolVarP(&o.quiet, "quiet", "q", false, "report errors only")
	f.BoolVar(&o.all, "all", false, "look into vendored, test and ignored directories, too")
	f.IntVar(&o.jobs, "jobs", runtime.GOMAXPROCS(0), "how many files to process at the same time, `N`")

	f.StringVar(&o.target, "target", "", "the `STAGE` that becomes the image (default the last)")
	f.StringArrayVar(&o.rawBuildArgs, "build-arg", nil, "build argument as `NAME=VALUE`; may be repeated")
	f.StringVar(&o.platform, "platform", "", "platform of the base image, `OS/ARCH` (default linux/amd64)")
	f.StringVar(&o.contextDir, "context", "", "build context `DIR` (default found by the files that COPY names)")

	f.StringVar(&o.user, "user", "", "`NAME` of the account to make (default appuser)")
	f.IntVar(&o.uid, "uid", 0, "`NUMBER` of the account to make (default 10001)")
	f.IntVar(&o.gid, "gid", 0, "`NUMBER` of its group (default the uid)")
	f.StringVar(&o.own, "own", "needed", "`WHAT` the user owns: needed is what is written at run time, all is what COPY puts under WORKDIR, too")
	f.BoolVar(&o.openShift, "openshift", false, "for platforms that choose the uid themselves: group 0, group-writable")
	f.BoolVar(&o.includeBases, "include-bases", false, "harden images that other images are built on, too")
	o.source.register(f)
}

func formatHelp() string {
	var lines []string
	for _, f := range report.Formats {
		lines = append(lines, f.Name+" ("+f.Doc+")")
	}
	return strings.Join(lines, ", ")
}

// validate checks the flags with the checks of the configuration file.
func (o *options) validate(f *pflag.FlagSet) error {
	o.changed = f.Changed
	check := func(flag, value string, fn func(string) (msg, hint string)) error {
		if !f.Changed(flag) {
			return nil
		}
		return flagProblem(flag, fn, value)
	}
	o.buildArgs = map[string]string{}
	errs := []error{
		check("user", o.user, config.CheckUser),
		check("own", o.own, config.CheckOwn),
		check("platform", o.platform, config.CheckPlatform),
		check("uid", "", func(string) (string, string) { return config.CheckID(o.uid) }),
		check("gid", "", func(string) (string, string) { return config.CheckID(o.gid) }),
		check("format", o.format, oneOf(report.FormatNames()...)),
		check("color", o.color, oneOf("auto", "always", "never")),
		check("jobs", "", func(string) (string, string) {
			if o.jobs < 1 {
				return "at least one file has to be processed at a time", "use 1 or more"
			}
			return "", ""
		}),
		check("context", o.contextDir, isDirectory),
		o.source.validate(),
	}
	for _, raw := range o.rawBuildArgs {
		name, value, msg, hint := config.CheckBuildArg(raw)
		errs = append(errs, flagProblem("build-arg", func(string) (string, string) { return msg, hint }, ""))
		o.buildArgs[name] = value
	}
	return first(errs)
}

func flagProblem(flag string, check func(string) (msg, hint string), value string) error {
	msg, hint := check(value)
	switch {
	case msg == "":
		return nil
	case hint == "":
		return fmt.Errorf("--%s: %s", flag, msg)
	}
	return fmt.Errorf("--%s: %s; %s", flag, msg, hint)
}

func oneOf(values ...string) func(string) (msg, hint string) {
	return func(s string) (msg, hint string) {
		if slices.Contains(values, s) {
			return "", ""
		}
		return fmt.Sprintf("there is no %q", s), "use " + strings.Join(values, " or ")
	}
}

func isDirectory(dir string) (msg, hint string) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Sprintf("%q is not a directory", dir), "name the directory that docker build gets"
	}
	return "", ""
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// settings returns the configuration with the flags over it.
func (o *options) settings(cfg *config.Config, rel string) config.Settings {
	s := cfg.For(rel)
	if s.Context != "" {
		s.Context = filepath.Join(cfg.Dir, filepath.FromSlash(s.Context))
	}
	replace(o, "user", &s.User, o.user)
	replace(o, "uid", &s.UID, o.uid)
	replace(o, "gid", &s.GID, o.gid)
	if o.changed("uid") && !o.changed("gid") || s.GID == 0 {
		s.GID = s.UID
	}
	replace(o, "own", &s.Own, o.own)
	replace(o, "openshift", &s.OpenShift, o.openShift)
	replace(o, "include-bases", &s.IncludeBases, o.includeBases)
	replace(o, "target", &s.Target, o.target)
	replace(o, "platform", &s.Platform, o.platform)
	replace(o, "context", &s.Context, o.contextDir)
	for name, value := range o.buildArgs {
		if s.BuildArgs == nil {
			s.BuildArgs = map[string]string{}
		}
		s.BuildArgs[name] = value
	}
	return s
}

// replace lets a flag beat the configuration.
func replace[T any](o *options, flag string, setting *T, value T) {
	if o.changed(flag) {
		*setting = value
	}
}

// platformOf parses what config.CheckPlatform has let through.
func platformOf(s string) (imageinspect.Platform, error) {
	if s == "" {
		return imageinspect.Platform{}, nil
	}
	return imageinspect.ParsePlatform(s)
}

var errStdinWrite = errors.New("-w cannot write to standard input; leave out -w, and the patch is printed")

// completeFlags tells the shell what can follow a flag.
func completeFlags(cmd *cobra.Command) {
	fixed := func(values ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	for flag, fn := range map[string]cobra.CompletionFunc{
		"format":   fixed(report.FormatNames()...),
		"color":    fixed("auto", "always", "never"),
		"own":      fixed("needed", "all"),
		"platform": fixed("linux/amd64", "linux/arm64"),
	} {
		if err := cmd.RegisterFlagCompletionFunc(flag, fn); err != nil {
			panic(err) // the flag does not exist; every test would see it
		}
	}
}
