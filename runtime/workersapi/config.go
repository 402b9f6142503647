package workersapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// configVersion is the version of the answer of /workers/config.
const configVersion = "1.0.0"

// configParallel bounds the look-ups of queue URLs at one time.
const configParallel = 8

func (a *api) serveConfig(w http.ResponseWriter, r *http.Request) {
	if !authorized(r.Header.Get(headerConfigKey), a.cfg.ConfigKey) {
		writeJSON(w, http.StatusUnauthorized, apiError{Error: "Unauthorized"})
		return
	}
	ctx := r.Context()
	workers := a.cfg.Manifest.Workers
	urls := make([]string, len(workers))
	errs := make([]error, len(workers))
	var group errgroup.Group
	group.SetLimit(configParallel)
	for i, m := range workers {
		group.Go(func() error {
			var fromEnv bool
			urls[i], fromEnv, errs[i] = a.queueURL(ctx, m.ID)
			if urls[i] == "" && errs[i] == nil && !fromEnv {
				errs[i] = errors.New("SQS returned no queue URL")
			}
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
		if err := errs[i]; err != nil {
			// Without debug the answer does not say why a worker is missing, so
			// the log must.
			a.log.ErrorContext(ctx, "config finds no queue", "workerId", m.ID, "queueName", name, "error", &dispatch.JobError{Message: err.Error()})
			if debug {
				answer.Errors = append(answer.Errors, configError(m.ID, name, err))
			}
			continue
		}
		answer.Workers[m.ID] = dispatch.WorkersConfigEntry{QueueURL: urls[i], Region: a.cfg.Region, Group: cmp.Or(m.Group, dispatch.DefaultGroup)}
	}
	writeJSON(w, http.StatusOK, answer)
}

func configError(workerID, queueName string, err error) dispatch.WorkersConfigError {
	e := dispatch.WorkersConfigError{WorkerID: workerID, QueueName: queueName, Message: err.Error()}
	var api smithy.APIError
	if errors.As(err, &api) {
		e.Name, e.Message = api.ErrorCode(), api.ErrorMessage()
	}
	return e
}

func isTrue(s string) bool { return s == "1" || s == "true" }
