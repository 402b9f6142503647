package runtime

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// scheduledEvent is an event of the clock: the one that EventBridge sends when a
// rule has no input of its own, or the input that a deployment gives to it. Source:
// EventBridge user guide, "Scheduled Event".
type scheduledEvent struct {
	Records    json.RawMessage        `json:"Records"`
	ID         string                 `json:"id"`
	Source     string                 `json:"source"`
	DetailType string                 `json:"detail-type"`
	Time       time.Time              `json:"time"`
	Run        *dispatch.ScheduledRun `json:"aiworkerSchedule"`
}

// handleSchedule takes the events of schedules: it puts a job into the worker's own
// queue, so that a scheduled job has the retries, the dead-letter queue and the
// record of any other. d is the function's worker; nil: the event must name it.
// handled is false for every other event.
//
// Lambda calls a second time when the first one failed, with the same event or the
// same request id, so that both make the same job.
func (a *App) handleSchedule(ctx context.Context, d *definition, payload json.RawMessage) (handled bool, err error) {
	if !bytes.Contains(payload, []byte(dispatch.ScheduledRunField)) && !bytes.Contains(payload, []byte("aws.events")) {
		return false, nil // the events of SQS hold neither, but in a job's text
	}
	var ev scheduledEvent
	if json.Unmarshal(payload, &ev) != nil || ev.Records != nil {
		return false, nil
	}
	var run dispatch.ScheduledRun
	switch {
	case ev.Run != nil:
		run = *ev.Run
	case ev.Source == "aws.events" && ev.DetailType == "Scheduled Event":
		if d == nil {
			return true, errors.New("a scheduled event names no worker, and this function serves several: give the schedule the input {\"" + dispatch.ScheduledRunField + "\":{\"workerId\":\"...\"}}")
		}
		run.ID, run.At = ev.ID, ev.Time
		if run.Input, err = d.settings.scheduledInput(); err != nil {
			return true, fmt.Errorf("schedule of worker %q: %w", d.id, err)
		}
	default:
		return false, nil
	}
	if d != nil {
		run.WorkerID = cmp.Or(run.WorkerID, d.id)
	}
	if err := a.startScheduled(ctx, d, run); err != nil {
		return true, fmt.Errorf("schedule of worker %q: %w", run.WorkerID, err)
	}
	return true, nil
}

func (a *App) startScheduled(ctx context.Context, d *definition, run dispatch.ScheduledRun) error {
	switch {
	case d != nil && run.WorkerID != d.id:
		return fmt.Errorf("this function runs worker %q: correct the schedule's target or its input", d.id)
	case a.workers[run.WorkerID] == nil:
		return fmt.Errorf("this program has no such worker (it has: %s)", a.idList())
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		run.ID = cmp.Or(run.ID, lc.AwsRequestID)
	}
	if run.ID == "" {
		return errors.New("neither the event nor the invocation has an id")
	}
	variable := dispatch.QueueURLEnv(run.WorkerID)
	url := a.cfg.Getenv(variable)
	if url == "" {
		return fmt.Errorf("%s is empty: set it to the URL of the worker's queue", variable)
	}
	msg := run.Message(a.cfg.Now())
	body, err := msg.MarshalJSON()
	if err != nil {
		return err
	}
	client, err := a.queue.client.Get(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, queueOpTimeout)
	defer cancel()
	text := string(body)
	in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &text}
	if strings.HasSuffix(url, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = &run.WorkerID, &msg.JobID
	}
	if _, err := client.SendMessage(ctx, in); err != nil {
		return fmt.Errorf("send job %s to %s: %w", msg.JobID, url, err)
	}
	a.log.InfoContext(ctx, "scheduled job sent", "workerId", run.WorkerID, "jobId", msg.JobID)
	return nil
}

// scheduledInput is the input of a run whose event does not say which of the
// worker's schedules it belongs to.
func (s settings) scheduledInput() (json.RawMessage, error) {
	var input json.RawMessage
	for i, ws := range s.schedules {
		if i > 0 && !bytes.Equal(input, ws.encoded) {
			return nil, errors.New("the event does not say which of the worker's schedules it belongs to, and their inputs differ: give each the input {\"" + dispatch.ScheduledRunField + "\":{\"workerId\":\"...\",\"input\":...}}")
		}
		input = ws.encoded
	}
	return input, nil
}

// warnMissing names the variables that a function's worker needs and that are not
// there; nil means every worker of the program. It is a warning: only the handler
// knows whether it can do without.
func (a *App) warnMissing(only *definition) {
	for _, id := range a.ids() {
		d := a.workers[id]
		if only != nil && d != only {
			continue
		}
		missing := slices.DeleteFunc(slices.Concat(d.settings.environment, d.settings.secrets), func(name string) bool { return a.cfg.Getenv(name) != "" })
		if len(missing) > 0 {
			a.log.Warn("environment variables that the worker needs are not set: add them to the function's configuration", "workerId", id, "missing", missing)
		}
	}
}
