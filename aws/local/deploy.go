package local

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// errClosed is returned to whoever replaces programs of an endpoint that ends.
var errClosed = errors.New("the local endpoint is closed")

// SetPrograms replaces the running programs: queues, messages and logs stay;
// running invocations end first. What the new programs contain is found out
// before anything changes, so that a program which cannot be used leaves the old
// ones running. A mapping that was paused stays paused.
func (s *Server) SetPrograms(ctx context.Context, programs []Program) error {
	workers, err := s.inspect(ctx, programs)
	if err != nil {
		return err
	}
	s.deploying.Lock()
	defer s.deploying.Unlock()
	if s.closed {
		return fmt.Errorf("replace the programs: %w", errClosed)
	}
	if err := s.checkOwners(workers); err != nil {
		return fmt.Errorf("run the programs: %w", err)
	}
	d := deployment{Server: s, workers: workers, queues: make(map[string]queueAddress)}
	for _, step := range []func(context.Context) error{
		d.ensureQueues, d.writeManifest, d.putFunctions, d.putMappings, d.removeOthers, d.putSchedules,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("run the programs: %w", err)
		}
	}
	return nil
}

// checkOwners refuses workers whose functions would take the name of a stack's.
func (s *Server) checkOwners(workers []worker) error {
	owners := map[string]string{}
	for _, f := range s.functions.Functions() {
		owners[f.Name] = f.Owner
	}
	for _, w := range workers {
		if owner := owners[s.functionName(w.ID)]; owner != "" {
			return fmt.Errorf("the function %s of worker %q belongs to %s: remove that stack, or use another service or stage", s.functionName(w.ID), w.ID, owner)
		}
	}
	return nil
}

// deployment is one replacement of the programs.
type deployment struct {
	*Server
	workers []worker
	queues  map[string]queueAddress // by worker id
}

type queueAddress struct{ url, arn, dlq string }

func (d *deployment) ensureQueues(context.Context) error {
	for _, w := range d.workers {
		dlqAttributes := map[string]string{}
		setSeconds(dlqAttributes, "MessageRetentionPeriod", w.SQS.DLQRetentionSeconds)
		setFIFO(dlqAttributes, w.SQS)
		dlqURL, dlqARN, err := d.Server.queues.EnsureQueue(d.dlqName(w.ManifestWorker), dlqAttributes)
		if err != nil {
			return err
		}
		redrive, err := json.Marshal(map[string]any{"deadLetterTargetArn": dlqARN, "maxReceiveCount": w.SQS.MaxReceiveCount})
		if err != nil {
			return fmt.Errorf("write the redrive policy of worker %q: %w", w.ID, err)
		}
		attributes := map[string]string{"RedrivePolicy": string(redrive)}
		// A queue may have another one from a program before this.
		setSeconds(attributes, "VisibilityTimeout", cmp.Or(w.SQS.VisibilityTimeoutSeconds, defaultVisibilitySeconds))
		setSeconds(attributes, "MessageRetentionPeriod", w.SQS.RetentionSeconds)
		setFIFO(attributes, w.SQS)
		url, arn, err := d.Server.queues.EnsureQueue(d.queueName(w.ManifestWorker), attributes)
		if err != nil {
			return err
		}
		for _, queue := range []string{arn, dlqARN} {
			if err := d.Server.queues.Tag(queue, d.tags(w.ID)); err != nil {
				return err
			}
		}
		d.queues[w.ID] = queueAddress{url: url, arn: arn, dlq: dlqURL}
	}
	return nil
}

// tags are what a deployment puts on queues and functions: STAGE is the Serverless
// Framework's, which the TypeScript system deploys with.
func (d *deployment) tags(workerID string) map[string]string {
	tags := map[string]string{"STAGE": d.cfg.Stage, "aiwctl:service": d.cfg.Service}
	if workerID != "" {
		tags["aiwctl:worker"] = workerID
	}
	return tags
}

// setSeconds sets an attribute; zero leaves it at what AWS has for default.
func setSeconds(attributes map[string]string, name string, seconds int) {
	if seconds > 0 {
		attributes[name] = strconv.Itoa(seconds)
	}
}

// setFIFO makes a queue a FIFO queue. A worker that becomes one gets new queues,
// since a queue keeps its kind.
func setFIFO(attributes map[string]string, s dispatch.SQSSetting) {
	if s.FIFO {
		attributes["FifoQueue"], attributes["ContentBasedDeduplication"] = "true", "true"
	}
}

func (d *deployment) writeManifest(context.Context) error { return d.manifest.write(d.workers) }

// putFunctions replaces all functions at the same time: each waits for its own
// invocations.
func (d *deployment) putFunctions(ctx context.Context) error {
	var g errgroup.Group
	put := func(f functions.Function) {
		f.LogGroup = "/aws/lambda/" + f.Name
		d.logs.EnsureGroup(f.LogGroup) // there before the first line, as in a deployment
		g.Go(func() error { return d.functions.Put(ctx, f) })
	}
	for _, w := range d.workers {
		put(functions.Function{
			Name:        d.functionName(w.ID),
			Handler:     "worker." + w.ID,
			Command:     w.program.Command,
			Env:         d.env("AIWORKER_MAX_RECEIVE_COUNT=" + strconv.Itoa(w.SQS.MaxReceiveCount)),
			Timeout:     time.Duration(w.TimeoutSeconds) * time.Second,
			MemoryMB:    w.MemoryMB,
			Description: w.Description,
			Tags:        d.tags(w.ID),
		})
	}
	if len(d.workers) > 0 {
		put(functions.Function{
			Name:        d.apiFunctionName(),
			Handler:     "api",
			Command:     d.workers[0].program.Command, // any of them can do it
			Env:         d.env("AIWORKER_MANIFEST=" + d.manifest.path()),
			Timeout:     apiTimeout,
			MemoryMB:    256,
			Description: "The workers API",
			Tags:        d.tags(""),
		})
	}
	return g.Wait()
}

// env is what a deployment puts into every function's environment.
func (d *deployment) env(own string) []string {
	env := []string{
		"AIWORKER_SERVICE=" + d.cfg.Service,
		"ENVIRONMENT=" + d.cfg.Stage,
		"STAGE=" + d.cfg.Stage,
		"NODE_ENV=" + d.cfg.Stage,
		"WORKER_BASE_URL=" + d.endpoint,
		// The SDKs' own variable, as the functions may call SQS themselves.
		"AWS_ENDPOINT_URL=" + d.endpoint,
		// The processes of a stage share their job records, as in a deployment.
		"AIWORKER_STORE=" + jobStore(d.cfg, d.manifest),
		// Receivers of a stage on this machine are on this machine too.
		"WORKER_WEBHOOK_ALLOW_PRIVATE=true",
		own,
	}
	if d.cfg.APIKey != "" {
		env = append(env, "WORKERS_API_KEY="+d.cfg.APIKey)
	}
	for _, w := range d.workers {
		env = append(env, dispatch.QueueURLEnv(w.ID)+"="+d.queues[w.ID].url, dispatch.DLQURLEnv(w.ID)+"="+d.queues[w.ID].dlq)
	}
	return append(env, d.cfg.Env...)
}

func (d *deployment) putMappings(context.Context) error {
	paused := make(map[string]bool)
	for _, m := range d.functions.Mappings() {
		paused[m.QueueARN] = !m.Enabled
	}
	for _, w := range d.workers {
		queue := d.queues[w.ID].arn
		window := time.Duration(w.SQS.MaximumBatchingWindowSeconds) * time.Second
		if w.SQS.BatchSize > 10 {
			window = max(window, time.Second) // Lambda wants a window for larger batches
		}
		if _, err := d.functions.PutMapping(functions.Mapping{
			FunctionName:            d.functionName(w.ID),
			QueueARN:                queue,
			BatchSize:               w.SQS.BatchSize,
			Window:                  window,
			MaximumConcurrency:      w.SQS.MaximumConcurrency,
			ReportBatchItemFailures: true,
			Enabled:                 !paused[queue],
		}); err != nil {
			return fmt.Errorf("feed worker %q from its queue: %w", w.ID, err)
		}
	}
	return nil
}

// otherKind is the queue that a worker had before its queue became FIFO, or
// standard: the program no longer serves it.
func otherKind(arn string) string {
	if standard, ok := strings.CutSuffix(arn, ".fifo"); ok {
		return standard
	}
	return arn + ".fifo"
}

// removeOthers ends what the old programs had and the new ones have not.
func (d *deployment) removeOthers(ctx context.Context) error {
	var keep, stale []string
	for _, w := range d.workers {
		keep = append(keep, d.functionName(w.ID))
		stale = append(stale, otherKind(d.queues[w.ID].arn))
	}
	if len(d.workers) > 0 {
		keep = append(keep, d.apiFunctionName())
	}
	for _, m := range d.functions.Mappings() {
		if m.Owner != "" {
			continue // a stack's
		}
		if !slices.Contains(keep, m.FunctionName) || slices.Contains(stale, m.QueueARN) {
			if err := d.functions.RemoveMapping(m.UUID); err != nil {
				return err
			}
		}
	}
	var g errgroup.Group
	for _, f := range d.functions.Functions() {
		if f.Owner == "" && !slices.Contains(keep, f.Name) {
			g.Go(func() error { return d.functions.Remove(ctx, f.Name) })
		}
	}
	return g.Wait()
}
