package workersapi

import (
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// workerSchemas are the workers' parts of the OpenAPI document. The zero value is
// a document that says nothing of single workers.
type workerSchemas struct {
	// schemas by their name in the document.
	schemas object
	// names of the workers in the document, in the order of the manifest.
	names []string
}

// describeWorkers makes the schemas of each worker:
//
//	<name>.input, <name>.output   as the worker has them, where it has them
//	<name>.message                a message for it
//	<name>.trigger                a request that sends one
//	<name>.completed              the payload of its success webhook
//	<name>.failed                 that of its error webhook
//
// The name is the worker's id, with "_" for what a name in OpenAPI must not hold.
func describeWorkers(workers []dispatch.ManifestWorker) workerSchemas {
	out := workerSchemas{schemas: object{}}
	taken := make(map[string]bool, len(workers))
	for _, m := range workers {
		name := componentName(m.ID, taken)
		out.names = append(out.names, name)
		out.describe(name, m)
	}
	return out
}

// componentName turns an id into a name of its own: OpenAPI allows letters, digits,
// ".", "-" and "_" (Components Object, 3.1.0).
func componentName(id string, taken map[string]bool) string {
	base := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, id)
	if base == "" {
		base = "_"
	}
	name := base
	for n := 2; taken[name]; n++ {
		name = base + "_" + strconv.Itoa(n)
	}
	taken[name] = true
	return name
}

func (s *workerSchemas) describe(name string, m dispatch.ManifestWorker) {
	add := func(suffix string, schema any) { s.schemas[name+suffix] = schema }
	part := func(suffix string, schema json.RawMessage, description string) object {
		if len(schema) == 0 {
			return object{"description": description + "; this worker says nothing of it"}
		}
		// One schema that is none would make the whole document invalid.
		// Those for an engine were compiled by the programs that they come from.
		_, err := dispatch.CompileSchema(schema)
		if _, unknown := errors.AsType[*dispatch.UnsupportedSchemaError](err); err != nil && !unknown {
			return object{"description": description + "; its schema cannot be used"}
		}
		add(suffix, embed(schema, schemaPointer(name+suffix)))
		return refTo(name + suffix)
	}
	id := object{"type": "string", "const": m.ID}

	message := record(messageProperties(part(".input", m.InputSchema, "what the worker gets; {} when it is left out"), id), "jobId")
	if m.Description != "" {
		message["description"] = m.Description
	}
	add(".message", message)
	add(".trigger", triggerBody(id, refTo(name+".message"), "workerId", "body"))
	add(".completed", completedPayload(id, part(".output", m.OutputSchema, "what the worker returned")))
	add(".failed", failedPayload(id))
}

// components are all schemas of the document.
func (s workerSchemas) components() object {
	out := sharedSchemas()
	maps.Copy(out, s.schemas)
	return out
}

// triggerRequest is the body of a trigger: for one of the workers, or a message in
// one of the other forms.
func (s workerSchemas) triggerRequest() object {
	forms := make([]any, 0, len(s.names)+3)
	for _, name := range s.names {
		forms = append(forms, refTo(name+".trigger"))
	}
	body := refTo("TriggerBody")
	if len(forms) > 0 {
		// One that names its worker has to fit that worker's form.
		body = object{"allOf": []any{body}, "not": object{"required": []string{"workerId"}}}
	}
	forms = append(forms, body)
	return object{"anyOf": append(forms, refTo("TriggerText"), refTo("Message"))}
}

// webhooks are the callbacks that a message with a webhookUrl asks for.
func (s workerSchemas) webhooks() object {
	return object{
		"jobCompleted": object{"post": s.webhook("jobCompleted", "A job has been completed", ".completed", "JobCompleted")},
		"jobFailed":    object{"post": s.webhook("jobFailed", "A job has failed for good", ".failed", "JobFailed")},
	}
}

// webhook is one callback; general is its payload where no workers are named.
func (s workerSchemas) webhook(operation, summary, suffix, general string) object {
	schema := refTo(general)
	if len(s.names) > 0 {
		payloads := make([]any, 0, len(s.names))
		for _, name := range s.names {
			payloads = append(payloads, refTo(name+suffix))
		}
		schema = object{"oneOf": payloads}
	}
	header := func(name, description string) object {
		return object{"name": name, "in": "header", "description": description, "schema": object{"type": "string"}}
	}
	return object{
		"operationId": operation,
		"summary":     summary,
		"description": "Sent to the message's webhookUrl, and again when the receiver does not answer with a status of 2xx.",
		"security":    []any{},
		"parameters": []any{
			header("webhook-id", "the same for every attempt at one callback"),
			header("webhook-timestamp", "when it was sent, in seconds since 1970"),
			header("webhook-signature", "v1, and a signature as the Standard Webhooks scheme has it, where the stage has a webhook secret"),
			header("x-workflow-secret", "the stage's WORKFLOW_INTERNAL_SECRET, where it has one"),
		},
		"requestBody": object{"required": true, "content": object{"application/json": object{"schema": schema}}},
		"responses":   object{"2XX": object{"description": "Received; the answer is not read"}},
	}
}
