package workersapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

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
	status, answer := a.trigger(r.Context(), req)
	writeJSON(w, status, answer)
}

// trigger puts the message into the queue. It does not look into the message: the
// deployed system does not either, and the worker refuses what it cannot run.
func (a *api) trigger(ctx context.Context, req triggerRequest) (status int, answer any) {
	known := slices.ContainsFunc(a.cfg.Manifest.Workers, func(m dispatch.ManifestWorker) bool { return m.ID == req.workerID })
	if !known {
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
	out, err := client.SendMessage(sendCtx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &req.message})
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
	message  string
}

// parseTrigger reads the forms that the deployed system accepts: the message as
// text in messageBody, as text or JSON in body, or the request itself.
func parseTrigger(body []byte) triggerRequest {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return triggerRequest{message: string(body)}
	}
	var req triggerRequest
	req.workerID, _ = jsonString(fields["workerId"])
	if text, ok := jsonString(fields["messageBody"]); ok {
		req.message = text
		return req
	}
	if raw, ok := fields["body"]; ok {
		if text, ok := jsonString(raw); ok {
			req.message = text
			return req
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err == nil {
			req.message = compact.String()
		}
		return req
	}
	req.message = string(body)
	return req
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
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(r.message), &fields); err != nil {
		return nil
	}
	id, ok := jsonString(fields["jobId"])
	if !ok {
		return nil
	}
	id = jsonlog.Truncate(id, jsonlog.MaxID)
	return &id
}

func lambdaRequestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}
