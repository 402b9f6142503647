package workersapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// configVersion is the version of the answer of /workers/config.
const configVersion = "1.0.0"

const (
	// configParallel bounds the look-ups of queues at one time.
	configParallel = 8
	// configBudget bounds all of them: API Gateway gives up after 29 seconds, and
	// an answer without some of the queues is better than none.
	configBudget = 20 * time.Second
)

func (a *api) serveConfig(w http.ResponseWriter, r *http.Request) {
	if !authorized(r.Header.Get(headerConfigKey), a.cfg.ConfigKey) {
		writeJSON(w, http.StatusUnauthorized, apiError{Error: "Unauthorized"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), configBudget)
	defer cancel()
	workers := a.cfg.Manifest.Workers
	found := make([]facts, len(workers))
	var group errgroup.Group
	group.SetLimit(configParallel)
	for i, m := range workers {
		group.Go(func() error {
			found[i] = a.facts(ctx, m)
			return nil
		})
	}
	_ = group.Wait() // the functions return no error: each worker has its own

	answer := dispatch.WorkersConfig{
		Version: configVersion,
		Stage:   a.stage(ctx),
		Region:  a.cfg.Region,
		Workers: make(map[string]dispatch.WorkersConfigEntry, len(workers)),
		Schemas: make(map[string]json.RawMessage, len(workers)),
		Queues:  []json.RawMessage{},
	}
	// Queue names and errors are for whoever has the key, and never public.
	debug := a.cfg.ConfigKey != "" && isTrue(r.URL.Query().Get("debug"))
	for i, m := range workers {
		if len(m.InputSchema) > 0 {
			answer.Schemas[m.ID] = m.InputSchema
		}
		name := a.queueName(ctx, m.ID)
		if debug {
			answer.AttemptedQueueNames = append(answer.AttemptedQueueNames, name)
		}
		f := found[i]
		if err := cmp.Or(f.err, f.dlqErr); err != nil {
			// Without debug the answer does not say why something is missing, so
			// the log must.
			text := "config finds no queue"
			if f.err == nil {
				text = "config finds no dead-letter queue"
			}
			a.log.ErrorContext(ctx, text, "workerId", m.ID, "queueName", name, "error", &dispatch.JobError{Message: err.Error()})
			if debug {
				answer.Errors = append(answer.Errors, configError(m.ID, name, err, f.err == nil))
			}
		}
		if f.err != nil {
			continue
		}
		answer.Workers[m.ID] = dispatch.WorkersConfigEntry{
			QueueURL: f.url, Region: a.cfg.Region, Group: cmp.Or(m.Group, dispatch.DefaultGroup),
			DLQURL: f.dlqURL, FunctionName: a.functionName(ctx, m.ID, f.url),
			TimeoutSeconds: m.TimeoutSeconds, MemoryMB: m.MemoryMB, MaxReceiveCount: f.maxReceive,
			OutputSchema: m.OutputSchema, Description: m.Description,
		}
	}
	writeJSON(w, http.StatusOK, answer)
}

// configError names the AWS error behind err. For a worker that is missing the
// message is AWS's alone, as in the deployed system; for one that only lacks its
// dead-letter queue it says so.
func configError(workerID, queueName string, err error, whole bool) dispatch.WorkersConfigError {
	e := dispatch.WorkersConfigError{WorkerID: workerID, QueueName: queueName, Message: err.Error()}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		e.Name = api.ErrorCode()
		if !whole {
			e.Message = api.ErrorMessage()
		}
	}
	return e
}

func isTrue(s string) bool { return s == "1" || s == "true" }
