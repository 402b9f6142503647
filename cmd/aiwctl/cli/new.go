package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/cmd/aiwctl/scaffold"
	"github.com/microfox-ai/aiwctl/cmd/aiwctl/version"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

func (a *App) newNew() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Write the first files of a worker, or of a module of workers",
		Long: "Write the first files of a worker, or of a module of workers. Existing files are never overwritten: when one is in the way, " +
			"all that are are named and nothing is written.",
		Example: "aiwctl new project shop\naiwctl new worker resize-image --timeout 2m --memory 1024",
		Args:    subcommands,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.newNewWorker(), a.newNewProject())
	return cmd
}

type newWorkerFlags struct {
	scaffold.Worker
	dir    string
	dryRun bool
}

func (a *App) newNewWorker() *cobra.Command {
	var f newWorkerFlags
	cmd := &cobra.Command{
		Use:   "worker ID",
		Short: "Write a worker that compiles, with a test",
		Long: "Write a worker that compiles, with a test: a program of its own in ./workers/ID, which `aiwctl dev` runs and `aiwctl push` " +
			"deploys.\n\nThe id names queue and function, and cannot be changed later without losing what is in the queue. Settings are checked as " +
			"runtime.New checks them.",
		Example: "aiwctl new worker resize-image --timeout 2m --memory 1024\naiwctl new worker report --schedule 'cron(0 6 ? * MON *)' --description 'Sends the weekly report'",
		Args:    takes(1, 1, "the worker's id"),
		RunE:    a.run(func(_ context.Context, args []string) error { return a.newWorkerFiles(f, args[0]) }),
	}
	fl := cmd.Flags()
	fl.StringVar(&f.dir, "dir", "workers", "the directory in which the worker's own is made")
	registerWorker(cmd, &f.Worker)
	fl.BoolVar(&f.dryRun, "dry-run", false, "list the files, and write none")
	must(cmd.MarkFlagDirname("dir"))
	return cmd
}

// registerWorker are the flags of a worker that is written.
func registerWorker(cmd *cobra.Command, w *scaffold.Worker) {
	fl := cmd.Flags()
	fl.StringVar(&w.Description, "description", "", "what the worker does, in a sentence")
	fl.DurationVar(&w.Timeout, "timeout", 0, fmt.Sprintf("timeout of the function, 1s to 15m (default: the runtime's, %s)", runtime.DefaultTimeout))
	fl.IntVar(&w.MemoryMB, "memory", 0, fmt.Sprintf("memory of the function in MB, 128 to 10240 (default: the runtime's, %d)", runtime.DefaultMemoryMB))
	fl.StringVar(&w.Group, "group", "", "deployment group, which is a stack of its own (default: none)")
	fl.StringVar(&w.Schedule, "schedule", "", "run it by the clock, in UTC: 'rate(1 hour)' or 'cron(0 9 ? * MON-FRI *)'")
	for _, name := range []string{"description", "timeout", "memory", "group", "schedule"} {
		must(cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions))
	}
}

func (a *App) newWorkerFiles(f newWorkerFlags, id string) error {
	w := f.Worker
	w.ID = id
	if err := w.Validate(); err != nil {
		return usageError(err)
	}
	dir := filepath.Join(f.dir, w.Dir())
	module, found, err := scaffold.FindModule(dir)
	if err != nil {
		return err
	}
	if !found {
		return usagef("%s is in no Go module: `aiwctl new project` makes one, and so does `go mod init`", plain(dir))
	}
	files, err := w.Files(filepath.ToSlash(w.Dir()), importable(module, dir))
	if err != nil {
		return err
	}
	if err := a.writeFiles(f.dir, files, f.dryRun); err != nil || f.dryRun {
		return err
	}
	var next []string
	if !module.Requires {
		next = append(next, "go get "+scaffold.Library+"@"+cmp.Or(libraryVersion(), "latest"))
	}
	a.next(append(next, "go test "+importable(module, dir), "aiwctl dev "+importable(module, dir)), module.Dir)
	return nil
}

// importable is how the go command is told of a directory, from the module's own.
func importable(m scaffold.Module, dir string) string {
	abs, err := filepath.Abs(dir)
	if err == nil {
		if rel, err := filepath.Rel(m.Dir, abs); err == nil {
			return "./" + filepath.ToSlash(rel)
		}
	}
	return "./" + filepath.ToSlash(dir)
}

type newProjectFlags struct {
	module, worker, replace string
	dryRun                  bool
}

func (a *App) newNewProject() *cobra.Command {
	var f newProjectFlags
	cmd := &cobra.Command{
		Use:   "project [DIR]",
		Short: "Write a Go module with one worker, a Makefile and a CI file",
		Long: "Write a Go module with one worker and its test, a Makefile, .gitignore, a README and a GitHub workflow that tests every change, and deploys " +
			"main once the repository names a role. DIR, the current directory unless given, is made when it is not there.",
		Example: "aiwctl new project shop --module example.com/team/shop\naiwctl new project shop --worker resize-image --dry-run",
		Args:    takes(0, 1, ""),
		RunE: a.run(func(_ context.Context, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			return a.newProjectFiles(f, dir)
		}),
	}
	fl := cmd.Flags()
	fl.StringVar(&f.module, "module", "", "the module's path (default: example.com/ and the directory's name)")
	fl.StringVar(&f.worker, "worker", "greet", "the id of its worker")
	fl.StringVar(&f.replace, "replace", "", "a directory with the source of "+scaffold.Library+" to be used instead of the published one")
	fl.BoolVar(&f.dryRun, "dry-run", false, "list the files, and write none")
	must(cmd.MarkFlagDirname("replace"))
	for _, name := range []string{"module", "worker"} {
		must(cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions))
	}
	return cmd
}

func (a *App) newProjectFiles(f newProjectFlags, dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("the project's directory: %w", err)
	}
	p := scaffold.Project{
		Module: f.module, Version: libraryVersion(), Replace: f.replace, Worker: scaffold.Worker{ID: f.worker},
	}
	if p.Module == "" {
		p.Module = "example.com/" + serviceName(filepath.Base(abs))
	}
	p.Service = serviceName(path.Base(p.Module))
	if p.Replace != "" {
		if p.Replace, err = filepath.Abs(p.Replace); err != nil {
			return fmt.Errorf("--replace: %w", err)
		}
		m, found, err := scaffold.FindModule(p.Replace)
		if err != nil || !found || m.Dir != p.Replace || m.Path != scaffold.Library {
			return usageError(errors.Join(fmt.Errorf("--replace %s has no go.mod of %s", plain(f.replace), scaffold.Library), err))
		}
	} else if p.Version == "" {
		return usagef("this aiwctl, %s, is no published version that go.mod could require: give --replace DIR, the directory of its source", version.Number)
	}
	if err := p.Validate(); err != nil {
		return usageError(err)
	}
	files, err := p.Files()
	if err != nil {
		return err
	}
	if err := a.writeFiles(dir, files, f.dryRun); err != nil || f.dryRun {
		return err
	}
	a.next([]string{"go mod tidy", "go test ./...", "aiwctl dev ./workers/..."}, abs)
	return nil
}

// newFile is a file that was written; the field names are part of the interface.
type newFile struct {
	Path string `json:"path"`
	// Status is "written" or "would be written".
	Status string `json:"status"`
}

func (a *App) writeFiles(root string, files []scaffold.File, dryRun bool) error {
	rows := []newFile{}
	add := func(name, status string) {
		rows = append(rows, newFile{filepath.Join(root, filepath.FromSlash(name)), status})
	}
	var err error
	if dryRun {
		if err = scaffold.Check(root, files); err == nil {
			for _, f := range files {
				add(f.Path, "would be written")
			}
		}
	} else {
		var written []string
		written, err = scaffold.Write(root, files)
		for _, name := range written {
			add(name, "written")
		}
	}
	var conflict *scaffold.ConflictError
	if errors.As(err, &conflict) {
		for i, name := range conflict.Paths {
			conflict.Paths[i] = filepath.Join(root, filepath.FromSlash(name))
		}
	}
	if err != nil && len(rows) == 0 {
		return err
	}
	perr := a.print(rows, func(t *tableWriter) {
		t.row("FILE", "STATUS")
		for _, r := range rows {
			t.row(r.Path, r.Status)
		}
	})
	return errors.Join(err, perr)
}

// next says on standard error what a person does now; the commands are for dir.
func (a *App) next(commands []string, dir string) {
	if here, err := filepath.Abs("."); err != nil || here != dir {
		commands = append([]string{"cd " + screen.Quoted(dir)}, commands...)
	}
	fmt.Fprintln(a.Err, plain("next:\n  "+strings.Join(commands, "\n  ")))
}

// libraryVersion is the published version of the library that goes with this aiwctl; empty for
// one that was built from a working copy.
func libraryVersion() string {
	if !strings.Contains(version.Number, "-dev") {
		return "v" + version.Number
	}
	// What the module proxy has served has a checksum.
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == scaffold.Library && info.Main.Sum != "" {
		return info.Main.Version
	}
	return ""
}

// serviceName makes a service's name of a word: what names in AWS may begin with, in lower
// case, so that a bucket's or a stack's can too.
func serviceName(word string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(word) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return cmp.Or(strings.TrimSuffix(b.String(), "-"), "workers")
}
