package workersapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// triggerMarker starts the log line that ties a trigger request to a job.
const triggerMarker = "[AIWORKER_TRIGGER]"

// triggerRun is the JSON behind triggerMarker.
type triggerRun struct {
	JobID        *string `json:"jobId"`
	WorkerID     string  `json:"workerId"`
	AWSRequestID string  `json:"awsRequestId"`
}

// triggerResult is the answer to a trigger that was accepted.
type triggerResult struct {
	OK       bool   `json:"ok"`
	WorkerID string `json:"workerId"`
	Stage    string `json:"stage"`
	// QueueName is absent when the URL came from the environment.
	QueueName string  `json:"queueName,omitempty"`
	QueueURL  string  `json:"queueUrl"`
	MessageID *string `json:"messageId"`
}

func (a *api) serveTrigger(w http.ResponseWriter, r *http.Request) {
	if !authorized(r.Header.Get(headerTriggerKey), a.cfg.TriggerKey) {
		writeJSON(w, http.StatusUnauthorized, apiError{Error: "Unauthorized"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			writeJSON(w, http.StatusRequestEntityTooLarge, apiError{Error: "Request body too large", Message: "SQS takes messages of up to 1 MiB"})
			return
		}
		writeJSON(w, http.StatusBadRequest, apiError{Error: "Failed to read the request body", Message: err.Error()})
		return
	}
	req := parseTrigger(body)
	if req.workerID == "" {
		req.workerID = r.URL.Query().Get("workerId")
	}
	if req.workerID == "" {
		writeJSON(w, http.StatusBadRequest, apiError{Error: "workerId is required (query param workerId or JSON body workerId)"})
		return
	}
	if req.message == "" {
		writeJSON(w, http.StatusBadRequest, apiError{Error: "body/messageBody is required"})
		return
	}
	if r.URL.Query().Get("validate") != "off" {
		if status, refused := a.refuse(r.Context(), req); refused != nil {
			writeJSON(w, status, refused)
			return
		}
	}
	status, answer := a.trigger(r.Context(), req)
	writeJSON(w, status, answer)
}

// refuse is the answer to a request that is not worth a message; nil lets it pass.
func (a *api) refuse(ctx context.Context, req triggerRequest) (status int, refused *apiError) {
	status = http.StatusBadRequest
	if len(req.message) > dispatch.MaxMessageBytes {
		status = http.StatusRequestEntityTooLarge
		refused = &apiError{Error: "Message too large", Message: fmt.Sprintf("it has %d bytes, and SQS takes messages of up to 1 MiB: put large data in a store and send its address", len(req.message))}
	} else {
		refused = a.check(ctx, req)
	}
	if refused != nil {
		// Without it, a job that its sender takes for sent leaves no trace at all.
		a.log.WarnContext(ctx, "trigger refuses a message", "workerId", jsonlog.Truncate(req.workerID, jsonlog.MaxID), "jobId", req.jobID(), "error", &dispatch.JobError{Message: refused.Error})
	}
	return status, refused
}

// trigger puts the message into the queue.
func (a *api) trigger(ctx context.Context, req triggerRequest) (status int, answer any) {
	if a.workers[req.workerID] == nil {
		a.log.WarnContext(ctx, "trigger names a worker that is not in the manifest", "workerId", jsonlog.Truncate(req.workerID, jsonlog.MaxID))
	}
	stage := a.stage(ctx)
	result := triggerResult{OK: true, WorkerID: req.workerID, Stage: stage}
	url, fromEnv, err := a.queueURL(ctx, req.workerID)
	name := a.queueName(ctx, req.workerID)
	switch {
	case err != nil:
		a.log.ErrorContext(ctx, "trigger finds no queue", "workerId", jsonlog.Truncate(req.workerID, jsonlog.MaxID), "queueName", jsonlog.Truncate(name, jsonlog.MaxID), "error", &dispatch.JobError{Message: err.Error()})
		return http.StatusNotFound, apiError{Error: "Queue does not exist or not accessible", QueueName: name, Message: err.Error()}
	case url == "":
		return http.StatusNotFound, apiError{Error: "Queue URL not found", QueueName: name}
	case !fromEnv:
		result.QueueName = name
	}
	result.QueueURL = url

	client, err := a.sqs.Get(ctx)
	if err != nil {
		return a.sendFailed(ctx, req, err)
	}
	sendCtx, cancel := context.WithTimeout(ctx, queueCallTimeout)
	defer cancel()
	group, dedup := req.queueIDs(url)
	out, err := client.SendMessage(sendCtx, &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: &req.message, MessageGroupId: group, MessageDeduplicationId: dedup,
	})
	if err != nil {
		return a.sendFailed(ctx, req, err)
	}
	result.MessageID = out.MessageId
	a.out.Marker(triggerMarker, triggerRun{JobID: req.jobID(), WorkerID: jsonlog.Truncate(req.workerID, jsonlog.MaxID), AWSRequestID: lambdaRequestID(ctx)})
	return http.StatusOK, result
}

func (a *api) sendFailed(ctx context.Context, req triggerRequest, err error) (int, any) {
	a.log.ErrorContext(ctx, "trigger cannot send the message", "workerId", jsonlog.Truncate(req.workerID, jsonlog.MaxID), "error", &dispatch.JobError{Message: err.Error()})
	return http.StatusInternalServerError, apiError{Error: "Failed to send message", Message: err.Error()}
}

// triggerRequest is what a trigger asks for.
type triggerRequest struct {
	workerID string
	// message is what goes into the queue.
	message string
	// job is the message if it is one, and notJob says why it is none.
	job    *dispatch.Message
	notJob error
}

// queueIDs are what a FIFO queue insists on. A message without a job id is nobody's
// repetition.
func (r triggerRequest) queueIDs(queueURL string) (group, dedup *string) {
	job := dispatch.Message{JobID: dispatch.NewJobID(time.Now())}
	if r.job != nil && r.job.JobID != "" {
		job.JobID = r.job.JobID
	}
	return dispatch.QueueIDs(queueURL, &job)
}

// parseTrigger reads the forms that the deployed system accepts: the message as
// text in messageBody, as text or JSON in body, or the request itself.
func parseTrigger(body []byte) triggerRequest {
	req, source := splitTrigger(body)
	req.job, req.notJob = dispatch.ParseMessage(source)
	return req
}

// splitTrigger finds the worker's id and the message. source is the message as it
// was written in the request, with the line breaks that the message may have lost:
// by those are the lines of its input counted.
func splitTrigger(body []byte) (req triggerRequest, source []byte) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return triggerRequest{message: string(body)}, body
	}
	req.workerID, _ = jsonString(fields["workerId"])
	if text, ok := jsonString(fields["messageBody"]); ok {
		req.message = text
		return req, []byte(text)
	}
	if raw, ok := fields["body"]; ok {
		if text, ok := jsonString(raw); ok {
			req.message = text
			return req, []byte(text)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err == nil {
			req.message = compact.String()
		}
		return req, raw
	}
	req.message = string(body)
	return req, body
}

func jsonString(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// jobID is the job's id if the message tells it, short enough for a log line.
func (r triggerRequest) jobID() *string {
	if r.job == nil || r.job.JobID == "" {
		return nil
	}
	id := jsonlog.Truncate(r.job.JobID, jsonlog.MaxID)
	return &id
}

func lambdaRequestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}
