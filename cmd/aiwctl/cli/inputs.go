package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/recall"
)

// lastJob is --again without a job's id.
const lastJob = "last"

// recallFlags are the flags of dispatch for inputs that are kept on this machine.
type recallFlags struct{ template, again, saveAs string }

func (f *recallFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.template, "template", "", "send a template: its input, metadata, delay and mode")
	fl.StringVar(&f.again, "again", "", "send what was sent last once more; --again=JOB: the input of that job")
	fl.Lookup("again").NoOptDefVal = lastJob
	fl.StringVar(&f.saveAs, "save-template", "", "save the input as a template of this name too; with --dry-run it is saved only")
}

func (f *recallFlags) any() bool { return f.template != "" || f.again != "" }

// fill takes the input that is asked for into a request. What was given as a flag stays.
func (f *recallFlags) fill(kept *recall.Store, r *aws.DispatchRequest, now time.Time) error {
	if !f.any() {
		return nil
	}
	if f.template != "" && f.again != "" {
		return usagef("--template and --again exclude each other")
	}
	var (
		j   recall.Job
		err error
	)
	if f.template != "" {
		j, err = kept.Template(r.Worker.ID, f.template)
	} else {
		id := f.again
		if id == lastJob {
			id = ""
		}
		j, err = kept.Sent(r.Worker.ID, id)
	}
	switch {
	case errors.Is(err, recall.ErrNotFound):
		return nothingf("%s; `aiwctl inputs %s` lists what is kept", err.Error(), r.Worker.ID)
	case errors.Is(err, recall.ErrName):
		return usageError(err)
	case err != nil:
		return err
	}
	r.Input = json.RawMessage(j.Input)
	metadata := map[string]any{}
	if len(j.Metadata) > 0 {
		dec := json.NewDecoder(strings.NewReader(string(j.Metadata)))
		dec.UseNumber() // nothing is rounded
		if err := dec.Decode(&metadata); err != nil {
			return fmt.Errorf("the metadata kept with it cannot be read: %w", err)
		}
	}
	if f.again != "" {
		metadata = aws.Again(metadata, j.JobID, now)
	}
	maps.Copy(metadata, r.Metadata)
	r.Metadata = metadata
	if r.Delay == 0 {
		r.Delay = j.Delay
	}
	if j.Mode != "" && r.Mode == "auto" {
		r.Mode = j.Mode
	}
	return nil
}

// save stores the input of a request as a template, when that was asked for.
func (f *recallFlags) save(kept *recall.Store, r aws.DispatchRequest, now time.Time) error {
	if f.saveAs == "" {
		return nil
	}
	j := kept.Job(r, aws.DispatchResult{SentAt: now})
	j.Name, j.Unchecked = f.saveAs, false
	return kept.Save(r.Worker.ID, j)
}

type inputsFlags struct {
	show, remove string
	forget       bool
}

// keptInputs is what `inputs` prints.
type keptInputs struct {
	WorkerID  string       `json:"workerId"`
	Templates []recall.Job `json:"templates"`
	Sent      []recall.Job `json:"sent"`
}

func (a *App) newInputs() *cobra.Command {
	var f inputsFlags
	cmd := &cobra.Command{
		Use:   "inputs WORKER",
		Short: "Show what was sent to a worker from this machine, and its templates",
		Long: "Show the inputs that were sent to a worker from this machine, the newest first, and the templates saved for it: what " +
			"`aiwctl dispatch --again` and `--template` send. They are files that only you can read; inputs may hold personal data. " +
			recall.EnvMost + " says how many inputs are kept for each worker, and off keeps none.",
		Example:           "aiwctl inputs orders\naiwctl inputs orders --show smoke | jq .\naiwctl inputs orders --forget",
		Args:              takes(1, 1, "the worker"),
		ValidArgsFunction: a.completeWorker,
		RunE:              a.run(func(ctx context.Context, args []string) error { return a.inputs(ctx, f, args[0]) }),
	}
	fl := cmd.Flags()
	fl.StringVar(&f.show, "show", "", "print the input of this template, or of this job")
	fl.StringVar(&f.remove, "delete", "", "delete this template")
	fl.BoolVar(&f.forget, "forget", false, "remove every input that was sent to the worker; templates stay")
	cmd.MarkFlagsMutuallyExclusive("show", "delete", "forget")
	return cmd
}

func (a *App) inputs(ctx context.Context, f inputsFlags, name string) error {
	s, w, err := a.findWorker(ctx, name)
	if err != nil {
		return err
	}
	kept, err := recall.For(s, a.Getenv)
	if err != nil {
		return usageError(err)
	}
	switch {
	case f.forget:
		return kept.Forget(w.ID)
	case f.remove != "":
		return notKept(kept.Delete(w.ID, f.remove))
	case f.show != "":
		j, err := kept.Template(w.ID, f.show)
		if err != nil {
			j, err = kept.Sent(w.ID, f.show)
		}
		if err != nil {
			return notKept(err)
		}
		return a.print(j, func(t *tableWriter) { t.line(plain(j.Input)) })
	}
	templates, err := kept.Templates(w.ID)
	sent, serr := kept.Recent(w.ID)
	if err = errors.Join(err, serr); err != nil {
		fmt.Fprintln(a.Err, "aiwctl: warning:", plain(err.Error()))
	}
	out := keptInputs{WorkerID: w.ID, Templates: append([]recall.Job{}, templates...), Sent: append([]recall.Job{}, sent...)}
	return a.print(out, func(t *tableWriter) {
		if len(templates)+len(sent) == 0 {
			t.line("nothing that was sent to " + plain(w.ID) + " is kept on this machine")
		}
		for _, j := range templates {
			t.line(plain("template " + j.Name + "  " + oneLine(strings.Join(strings.Fields(j.Input), " "), 100)))
		}
		for _, j := range sent {
			t.line(plain(j.At.UTC().Format(time.RFC3339) + "  " + j.JobID + "  " + oneLine(strings.Join(strings.Fields(j.Input), " "), 100)))
		}
	})
}

func notKept(err error) error {
	switch {
	case errors.Is(err, recall.ErrNotFound):
		return nothingf("%s", err.Error())
	case errors.Is(err, recall.ErrName):
		return usageError(err)
	}
	return err
}
