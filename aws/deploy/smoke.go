package deploy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// Smoke is a test of a stage after its deployment.
type Smoke struct {
	// Inputs are jobs to send, by worker id: one each. A nil map sends none.
	Inputs map[string]json.RawMessage
	// Timeout is how long each job may take to its end; zero means 5 minutes.
	Timeout time.Duration
	// OnStep is told what is being done; nil means nobody is.
	OnStep func(text string)
}

// Smoked is what a smoke test found.
type Smoked struct {
	// APIURL is the workers API that answered.
	APIURL string `json:"apiUrl"`
	// Workers are the ids it lists; Missing are those that are deployed and not listed.
	Workers []string   `json:"workers"`
	Missing []string   `json:"missing,omitempty"`
	Jobs    []SmokeJob `json:"jobs,omitempty"`
}

// OK is whether nothing failed.
func (s *Smoked) OK() bool {
	for _, j := range s.Jobs {
		if j.Err != nil {
			return false
		}
	}
	return len(s.Missing) == 0
}

// SmokeJob is one job of a smoke test.
type SmokeJob struct {
	Worker string `json:"worker"`
	JobID  string `json:"jobId,omitempty"`
	// Status is the job's end in the words of package logs; empty when it was not seen.
	Status   string        `json:"status,omitempty"`
	Duration time.Duration `json:"durationNs,omitempty"`
	// Err is set when it did not complete; Error is its text.
	Err   error  `json:"-"`
	Error string `json:"error,omitempty"`
}

// smokeTimeout is the zero value's, and smokePatience how long a workers API may take until it answers: API
// Gateway needs a moment for what was just deployed.
const (
	smokeTimeout  = 5 * time.Minute
	smokePatience = time.Minute
)

// Smoke tests a deployed stage: whether its workers API answers and lists the workers that are
// deployed, and whether jobs complete. The error is of a test that could not be made.
func (d *Deployer) Smoke(ctx context.Context, service string, s Smoke) (*Smoked, error) {
	if s.OnStep == nil {
		s.OnStep = func(string) {}
	}
	stage := d.api.Target().Stage
	all, err := d.stacks(ctx, service, stage)
	if err != nil {
		return nil, err
	}
	base := baseOf(all, service, stage)
	if base == nil {
		return nil, fmt.Errorf("test stage %s of %s: %w", stage, service, ErrNotDeployed)
	}
	out := &Smoked{APIURL: clean(base.outputs[project.OutputAPIURL])}
	if out.APIURL == "" {
		return nil, fmt.Errorf("test stage %s of %s: stack %s has no output %s that names its workers API", stage, service, base.name, project.OutputAPIURL)
	}
	key, err := d.reveal(ctx, base.outputs[project.OutputAPIKey])
	if err != nil {
		return nil, err
	}
	s.OnStep("asking " + out.APIURL + " for its workers")
	if out.Workers, err = d.listed(ctx, out.APIURL, key); err != nil {
		return nil, fmt.Errorf("ask the workers API at %s: %w", out.APIURL, err)
	}
	for _, s := range ofStage(all, service, stage) {
		text, err := d.template(ctx, s)
		if err != nil {
			return nil, err
		}
		if b, err := parseBody(text); err == nil {
			out.Missing = append(out.Missing, slices.DeleteFunc(workersOf(b).ids(), func(id string) bool { return slices.Contains(out.Workers, id) })...)
		}
	}
	slices.Sort(out.Missing)
	return out, d.smokeJobs(ctx, s, out)
}

// listed are the ids that a workers API lists.
func (d *Deployer) listed(ctx context.Context, base, key string) ([]string, error) {
	deadline := time.Now().Add(smokePatience)
	for {
		cfg, err := dispatch.FetchConfig(ctx, base, key, d.api.API())
		if err == nil {
			return slices.Sorted(maps.Keys(cfg.Workers)), nil
		}
		if time.Now().After(deadline) {
			return nil, err
		}
		if serr := sleep(ctx, jitter(2*time.Second)); serr != nil {
			return nil, errors.Join(serr, err)
		}
	}
}

// smokeJobs sends one job to each worker that has an input, and follows all of them to their ends.
func (d *Deployer) smokeJobs(ctx context.Context, s Smoke, out *Smoked) error {
	if len(s.Inputs) == 0 {
		return nil
	}
	inv, err := d.api.Inventory(ctx)
	if err != nil {
		return err
	}
	var telling sync.Mutex
	step := func(format string, args ...any) {
		telling.Lock()
		defer telling.Unlock()
		s.OnStep(fmt.Sprintf(format, args...))
	}
	out.Jobs = make([]SmokeJob, len(s.Inputs))
	ids := slices.Sorted(maps.Keys(s.Inputs))
	return each(ctx, len(ids), func(ctx context.Context, i int) error {
		j := &out.Jobs[i]
		j.Worker = ids[i]
		if j.Err = d.smokeJob(ctx, inv, s, j, step); j.Err != nil {
			j.Error = clean(j.Err.Error())
			step("%s: %s", j.Worker, j.Error)
			return ctx.Err()
		}
		step("%s: %s completed in %s", j.Worker, j.JobID, j.Duration.Round(time.Millisecond))
		return nil
	})
}

func (d *Deployer) smokeJob(ctx context.Context, inv *aws.Inventory, s Smoke, j *SmokeJob, step func(string, ...any)) error {
	i := slices.IndexFunc(inv.Workers, func(w aws.Worker) bool { return w.ID == j.Worker })
	if i < 0 {
		return fmt.Errorf("worker %q is not among those of the stage", j.Worker)
	}
	w := inv.Workers[i]
	sent, err := d.api.Dispatch(ctx, aws.DispatchRequest{Worker: w, Input: s.Inputs[j.Worker]})
	if err != nil {
		return err
	}
	j.JobID = sent.JobID
	step("%s: sent %s", j.Worker, j.JobID)
	sources := logs.Sources(w)
	if len(sources) == 0 {
		return fmt.Errorf("job %s was sent, but %s has no function whose log could be followed", j.JobID, j.Worker)
	}
	maxReceives := 0
	if w.Queue != nil {
		maxReceives = w.Queue.MaxReceiveCount
	}
	timeout := cmp.Or(s.Timeout, smokeTimeout)
	wait, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	end, err := d.api.waitJob(wait, logs.Query{Sources: sources, Since: sent.SentAt.Add(-5 * time.Second), JobID: j.JobID}, maxReceives)
	switch {
	case err != nil && wait.Err() != nil && ctx.Err() == nil:
		return fmt.Errorf("job %s had not ended after %s: `aiwctl job %s` says how it is doing", j.JobID, timeout, j.JobID)
	case err != nil:
		return fmt.Errorf("follow job %s: %w", j.JobID, err)
	}
	j.Status, j.Duration = end.Status, end.Duration
	if end.Status == logs.StatusCompleted {
		return nil
	}
	reason := ""
	if end.Error != nil {
		reason = ": " + end.Error.Message
	}
	return fmt.Errorf("job %s %s%s", j.JobID, end.Status, reason)
}

// reveal reads what a reference names; empty for no reference.
func (d *Deployer) reveal(ctx context.Context, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	ref, err := project.ParseRef(text)
	if err != nil {
		return "", fmt.Errorf("read the key of the workers API: %w", err)
	}
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("read the key of the workers API from %s: %w", ref, err)
	}
	if ref.Store == project.SSM {
		out, err := d.api.Parameters().GetParameter(ctx, &ssm.GetParameterInput{Name: &ref.Name, WithDecryption: new(true)})
		if err != nil {
			return fail(err)
		}
		return deref(out.Parameter.Value), nil
	}
	out, err := d.api.Secrets().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &ref.Name})
	if err != nil {
		return fail(err)
	}
	if ref.Key == "" {
		return deref(out.SecretString), nil
	}
	var fields map[string]any
	if json.Unmarshal([]byte(deref(out.SecretString)), &fields) != nil { // the error would quote the secret
		return fail(errors.New("it is no JSON object, and a field of it is asked for"))
	}
	value, ok := fields[ref.Key].(string)
	if !ok {
		return fail(fmt.Errorf("it has no field %q that is a text", ref.Key))
	}
	return value, nil
}
