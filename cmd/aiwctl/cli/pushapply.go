package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/deploy"
	"github.com/microfox-ai/aiwctl/aws/deploy/adopt"
)

// input is a job's, of a smoke test.
type input = json.RawMessage

// pushResult is what became of a stage; the field names are part of the interface.
type pushResult struct {
	// Status is "done", "unchanged", "failed" or "interrupted".
	Status  string `json:"status"`
	Kind    string `json:"kind"`
	Service string `json:"service"`
	Stage   string `json:"stage"`
	*deploy.Result
	// Workers are those that the stage has now.
	Workers []string       `json:"workers"`
	Seconds float64        `json:"seconds"`
	Smoke   *deploy.Smoked `json:"smoke,omitempty"`
}

// carryOut shows a plan, asks, and applies it.
func (a *App) carryOut(ctx context.Context, c *course, plan *deploy.Plan, f *applyFlags) error {
	p := c.withAdoption(plan)
	if c.adopted != nil {
		for _, w := range c.adopted.warnings {
			p.Notes = append(p.Notes, w.String())
		}
	}
	c.events.done()
	refused := refusals(plan, c.agreed)
	if f.dryRun {
		if err := a.print(p, func(t *tableWriter) { c.planText(t, p) }); err != nil {
			return err
		}
		if len(refused) > 0 {
			return &codeError{exitFailed, errors.New("dry run: this plan is refused; nothing was changed")}
		}
		if !p.nothing() {
			fmt.Fprintln(a.Err, "dry run: nothing was changed")
		}
		return nil
	}
	t := &tableWriter{}
	c.planText(t, p)
	if err := t.writeTo(a.Err); err != nil {
		return err
	}
	if len(refused) > 0 {
		return &codeError{exitFailed, errors.New("refused; nothing was done")}
	}
	if p.nothing() {
		return a.ended(ctx, c, p, &deploy.Result{}, nil)
	}
	if err := a.confirmQueues(ctx, c, plan, f); err != nil {
		return err
	}
	ctx, err := a.confirm(ctx, c.stage.Guard().Protected(), p.describe(), f.yes)
	if err != nil {
		return err
	}
	c.events = a.restart(c.events)
	res, err := c.apply(ctx, plan)
	c.events.done()
	return a.ended(ctx, c, p, res, err)
}

// restart has the clock of events begin when a person has agreed. The deployer keeps telling the
// same events.
func (a *App) restart(e *pushEvents) *pushEvents {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.p, e.began = a.newProgress(), a.Now()
	return e
}

// refusals are those that nothing was agreed about.
func refusals(p *deploy.Plan, agreed deploy.Confirmed) []deploy.Refusal {
	return slices.DeleteFunc(slices.Clone(p.Refusals), func(r deploy.Refusal) bool { return r.Continue && agreed.ContinueRollback })
}

// confirmQueues has the names of queues typed that would go with messages in them.
func (a *App) confirmQueues(ctx context.Context, c *course, plan *deploy.Plan, f *applyFlags) error {
	for _, q := range plan.Unconfirmed(c.agreed) {
		if f.yes || !a.InTTY {
			var flags []string
			for _, q := range plan.Unconfirmed(c.agreed) {
				flags = append(flags, "--delete-queue "+q.Queue)
			}
			return &codeError{exitDenied, fmt.Errorf("%s: move its messages away, or agree to lose them with %s", q.Text, strings.Join(flags, " "))}
		}
		name, err := a.ask(ctx, capital(q.Text)+". These messages are lost. Type the queue's name, "+q.Queue+": ")
		if err != nil {
			return err
		}
		if name != q.Queue {
			return errNotConfirmed()
		}
		c.agreed.Queues = append(c.agreed.Queues, q.Queue)
	}
	return nil
}

// apply applies a plan, and hands queues of another tool's over: the functions are there
// before their queues are read by them.
func (c *course) apply(ctx context.Context, plan *deploy.Plan) (*deploy.Result, error) {
	ad := c.adopted
	if ad == nil {
		return c.deployer.Apply(ctx, plan, c.agreed)
	}
	if len(ad.released) > 0 {
		notes, err := c.tools.giveBack(ctx, c.stage, ad.released, adopt.Options{OnEvent: c.events.step})
		if err != nil {
			return nil, err
		}
		for _, n := range notes {
			c.events.step(n)
		}
	}
	if c.project == nil {
		return c.deployer.Apply(ctx, plan, c.agreed)
	}
	if err := ad.fit(ctx); err != nil {
		return nil, err
	}
	res, err := c.deployer.Apply(ctx, plan, c.agreed)
	if err != nil || !ad.pending() {
		return res, errors.Join(err, c.verify(ctx, err))
	}
	if err := ad.change(ctx); err != nil {
		return res, halfway(err)
	}
	in, err := c.input(c.project, c.secrets)
	if err != nil {
		return res, halfway(err)
	}
	again, err := c.deployer.Plan(ctx, in)
	if err != nil {
		return res, halfway(err)
	}
	second, err := c.deployer.Apply(ctx, again, c.agreed)
	if second != nil {
		second.Uploaded += res.Uploaded
		second.Bytes += res.Bytes
		res = second
	}
	return res, errors.Join(halfway(err), c.verify(ctx, err))
}

// halfway adds to an error what a hand-over that was cut off leaves behind.
func halfway(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\nthe hand-over is not finished: its queues may have no reader until this is run again, and messages wait (docs/migration.md, Going back, says how to give them back instead)", err)
}

// verify sees to it that adopted queues are read by ours alone, unless something failed.
func (c *course) verify(ctx context.Context, failed error) error {
	if failed != nil || len(c.adopted.steps) == 0 {
		return nil
	}
	return c.adopted.verify(ctx)
}

// ended prints what became of the stage, tests it, and says what to do next.
func (a *App) ended(ctx context.Context, c *course, p pushPlan, res *deploy.Result, err error) error {
	out := pushResult{
		Status: "done", Kind: string(p.Kind), Service: p.Service, Stage: p.Stage, Result: res, Workers: workersOf(p.Plan),
		Seconds: a.Now().Sub(c.events.began).Round(time.Millisecond).Seconds(),
	}
	_, interrupted := errors.AsType[*deploy.InterruptedError](err)
	switch {
	case err == nil && p.nothing():
		out.Status, out.Seconds = "unchanged", 0
	case interrupted:
		out.Status = "interrupted"
	case err != nil:
		out.Status = statusFailed
	}
	if err != nil && res == nil {
		return c.ending(err)
	}
	if res == nil {
		out.Result = &deploy.Result{}
	}
	var smokeErr error
	if err == nil && p.Kind == deploy.Push && (c.smokes || !p.nothing()) {
		out.Smoke, smokeErr = a.smokeTest(ctx, c)
	}
	if perr := a.print(out, func(t *tableWriter) { out.text(t) }); perr != nil {
		return errors.Join(err, perr)
	}
	if err != nil {
		return c.ending(err)
	}
	if p.Kind != deploy.Remove {
		commands := []string{a.again("workers")}
		if len(out.Workers) > 0 && !p.nothing() {
			commands = append(commands, a.again("dispatch "+out.Workers[0]+" --wait"))
		}
		fmt.Fprintln(a.Err, plain("next:\n  "+strings.Join(commands, "\n  ")))
	}
	return smokeErr
}

// again is a command line for the same stage.
func (a *App) again(command string) string {
	line := "aiwctl"
	t := a.global.target
	for _, f := range [][2]string{{"config", a.global.config}, {"profile", t.Profile}, {"region", t.Region}, {"endpoint-url", t.EndpointURL}, {"service", t.Service}, {"stage", t.Stage}} {
		if f[1] != "" {
			line += " --" + f[0] + " " + f[1]
		}
	}
	return line + " " + command
}

// ending gives the error of a deployment its exit code.
func (c *course) ending(err error) error {
	var (
		interrupted *deploy.InterruptedError
		stack       *deploy.StackError
		queues      *deploy.QueuesError
	)
	switch {
	case errors.As(err, &interrupted):
		return interruptedf("%w", err)
	case errors.As(err, &queues):
		return &codeError{exitDenied, err}
	case errors.As(err, &stack) && c.events.some():
		return &codeError{exitPartly, err}
	case errors.Is(err, deploy.ErrStale):
		return fmt.Errorf("%w: run it again, to see the new plan", err)
	}
	return err
}

// text is a result for people.
func (r *pushResult) text(t *tableWriter) {
	say := func(name, value string) {
		if value != "" {
			t.row(name, value)
		}
	}
	verb := map[string]string{"done": "done in " + span(time.Duration(r.Seconds*float64(time.Second))), "unchanged": "nothing to do"}[r.Status]
	if verb == "" {
		verb = r.Status
	}
	say(r.Kind, fmt.Sprintf("stage %s of %s: %s", r.Stage, r.Service, verb))
	if r.Kind != string(deploy.Remove) { // its record goes too
		say("deployment", r.Deployment.ID)
	}
	if r.Uploaded > 0 {
		say("uploaded", plural(r.Uploaded, "artifact")+", "+bytesText(r.Bytes))
	}
	if r.Status == "done" || r.Status == "unchanged" { // else they are what was wanted
		say("workers", strings.Join(r.Workers, ", "))
	}
	say("workers API", r.APIURL)
	if r.Smoke == nil {
		return
	}
	for _, j := range r.Smoke.Jobs {
		text := j.Error
		if text == "" {
			text = fmt.Sprintf("%s in %s", j.Status, j.Duration.Round(time.Millisecond))
		}
		say("smoke "+j.Worker, oneLine(text, 0))
	}
}

// workersOf are the workers that a stage has afterwards, sorted.
func workersOf(p *deploy.Plan) []string {
	ids := []string{}
	for i := range p.Stacks {
		if p.Stacks[i].Action != deploy.Delete {
			ids = append(ids, p.Stacks[i].Workers...)
		}
	}
	slices.Sort(ids)
	return ids
}

// smokeTest asks the workers API, and with --smoke runs a job of each worker. What fails is an
// error only then: the deployment was made.
func (a *App) smokeTest(ctx context.Context, c *course) (*deploy.Smoked, error) {
	events := a.newPushEvents()
	found, err := c.deployer.Smoke(ctx, c.service, deploy.Smoke{Inputs: c.smoke, OnStep: events.step})
	events.done()
	var texts []string
	if err != nil {
		texts = append(texts, err.Error())
	}
	if found != nil {
		if len(found.Missing) > 0 {
			texts = append(texts, "the workers API does not list "+strings.Join(found.Missing, ", "))
		}
		for _, j := range found.Jobs {
			if j.Err != nil {
				texts = append(texts, indented(fmt.Sprintf("the job of worker %s: %s", j.Worker, j.Err)))
			}
		}
	}
	switch {
	case len(texts) == 0:
		return found, nil
	case !c.smokes:
		a.warnings(texts)
		return found, nil
	}
	return found, &codeError{exitPartly, fmt.Errorf("it is deployed, and the smoke test failed:\n  %s", strings.Join(texts, "\n  "))}
}

// smokeInputs reads the file of --smoke.
func (a *App) smokeInputs(file string) (map[string]input, error) {
	if file == "" {
		return nil, nil
	}
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(a.In)
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, usagef("--smoke: %w", err)
	}
	inputs := map[string]input{}
	if err := json.Unmarshal(text, &inputs); err != nil {
		return nil, usagef("--smoke %s: it is to be a JSON object of inputs by worker id, such as {\"greet\": {\"name\": \"Ada\"}}: %w", plain(file), err)
	}
	return inputs, nil
}
