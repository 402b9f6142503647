package workersapi

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

const (
	// maxPointer and maxViolationText keep an answer short, whatever the names in
	// the input are. dispatch bounds how many violations there are.
	maxPointer       = 512
	maxViolationText = 1000
)

// violation is one way in which an input does not fit its worker's schema, in an
// answer of trigger: a dispatch.Violation that is an error.
type violation struct {
	Pointer string `json:"pointer"`
	Keyword string `json:"keyword"`
	Message string `json:"message"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

// worker is a worker of the manifest with its input schema, which is compiled
// when the first job for it comes.
type worker struct {
	manifest dispatch.ManifestWorker
	// tolerant reads the schema as a worker does whose schema was inferred from its
	// Go types: unknown properties are dropped there. strict reads it as one does
	// whose author wrote the schema. The manifest does not say which of them it is.
	tolerant, strict func() (*dispatch.Schema, error)
	warnOnce         sync.Once
}

func newWorker(m dispatch.ManifestWorker, engine dispatch.SchemaEngine) *worker {
	return &worker{
		manifest: m,
		tolerant: sync.OnceValues(func() (*dispatch.Schema, error) {
			return dispatch.CompileSchema(m.InputSchema, dispatch.TolerateOutputMode(), dispatch.WithEngine(engine))
		}),
		strict: sync.OnceValues(func() (*dispatch.Schema, error) {
			return dispatch.CompileSchema(m.InputSchema, dispatch.WithEngine(engine))
		}),
	}
}

// violations says why the worker will refuse an input; none means that it may
// take it. An error means that the schema cannot be used.
//
// An input is refused only when both readings of the schema refuse it. One is not
// always the milder: without additionalProperties an object may fit two forms of
// a oneOf.
func (w *worker) violations(input json.RawMessage) ([]violation, error) {
	tolerant, err := w.tolerant()
	if err != nil {
		return nil, err
	}
	found := tolerant.Validate(input)
	if dispatch.Valid(found) {
		return nil, nil
	}
	strict, err := w.strict()
	if err != nil {
		return nil, err
	}
	if dispatch.Valid(strict.Validate(input)) {
		return nil, nil
	}
	var out []violation
	for _, v := range found {
		if v.Warning {
			continue
		}
		out = append(out, violation{
			Pointer: jsonlog.Truncate(v.Pointer, maxPointer), Keyword: v.Keyword,
			Message: jsonlog.Truncate(v.Message, maxViolationText), Line: v.Line, Column: v.Column,
		})
	}
	return out, nil
}

// check says why no worker could run a message; nil means that one might. What it
// cannot check it lets through.
func (a *api) check(ctx context.Context, req triggerRequest) *apiError {
	m := req.job
	switch {
	case m == nil:
		return refusal(req, "The message is not a job: %s", strings.TrimPrefix(req.notJob.Error(), "read message: "))
	case strings.TrimSpace(m.JobID) == "":
		return refusal(req, "The message has no jobId, by which the job is found again")
	case m.WorkerID != "" && m.WorkerID != req.workerID:
		return refusal(req, "The message is for worker %q, and the request for worker %q: name the same in both",
			jsonlog.Truncate(m.WorkerID, jsonlog.MaxID), jsonlog.Truncate(req.workerID, jsonlog.MaxID))
	}
	w := a.workers[req.workerID]
	if w == nil {
		// By its name, the dead-letter queue of "echo" is the queue of "echo-dlq".
		if id, ok := strings.CutSuffix(req.workerID, "-dlq"); ok && a.workers[id] != nil {
			return &apiError{Error: fmt.Sprintf("There is no worker %q, that is the dead-letter queue of worker %q: send the message to the worker", req.workerID, id)}
		}
		return nil // the queue will tell
	}
	input := m.Input
	if len(input) == 0 {
		input = json.RawMessage("{}") // as the worker takes it
	}
	violations, err := w.violations(input)
	if err != nil {
		w.warnOnce.Do(func() {
			a.log.WarnContext(ctx, "the input schema cannot be used, and inputs are sent unchecked", "workerId", req.workerID, "error", &dispatch.JobError{Message: err.Error()})
		})
		return nil
	}
	if len(violations) == 0 {
		return nil
	}
	return &apiError{
		Error:      fmt.Sprintf("The input does not fit the schema of worker %q (to send it all the same, add ?validate=off)", req.workerID),
		Violations: violations,
	}
}

// refusal is the answer to a message that is no job: what is wrong, and what to
// send instead.
func refusal(req triggerRequest, format string, args ...any) *apiError {
	id, err := jsonlog.Encode(jsonlog.Truncate(req.workerID, jsonlog.MaxID))
	if err != nil {
		id = json.RawMessage(`"..."`) // strings always encode
	}
	return &apiError{Error: fmt.Sprintf(format, args...) +
		fmt.Sprintf(`. Send {"workerId":%s,"body":{"workerId":%s,"jobId":"...","input":{...}}}; to send any text, add ?validate=off`, id, id)}
}
