package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// parsed is a template as it is read.
type parsed struct {
	Metadata, Parameters, Conditions, Mappings, Outputs map[string]any
	Resources                                           map[string]parsedResource
	// workers are the prefixes of workers' logical ids, to their ids.
	workers map[string]string
}

type parsedResource struct {
	Type       string
	Properties map[string]any
	// What else decides over its life.
	DeletionPolicy, UpdateReplacePolicy, Condition any
}

func readTemplate(body []byte) (*parsed, error) {
	t := &parsed{workers: map[string]string{}}
	if len(bytes.TrimSpace(body)) == 0 {
		return t, nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(t); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one JSON value")
	}
	for _, r := range t.Resources {
		if id, ok := tagsOf(r.Properties["Tags"])[project.TagWorker].(string); ok && id != "" {
			t.workers[project.LogicalID(id, "")] = id
		}
	}
	return t, nil
}

// tagsOf are a resource's tags by key.
func tagsOf(v any) map[string]any {
	tags, _ := v.([]any)
	out := map[string]any{}
	for _, tag := range tags {
		m, _ := tag.(map[string]any)
		if key, ok := m["Key"].(string); ok {
			out[key] = m["Value"]
		}
	}
	return out
}

// owner is the worker that a resource, or an output, is of: its tag says so, or its logical id,
// which is that of a worker followed by a part. Of two workers the one counts with which the rest
// is a part: WorkerEchoQueuePolicy is of echo, though there may be an echo-queue.
func (t *parsed) owner(id string, r parsedResource) string {
	if worker, ok := tagsOf(r.Properties["Tags"])[project.TagWorker].(string); ok {
		return worker
	}
	best, exact := "", false
	for prefix := range t.workers {
		part, is := strings.CutPrefix(id, prefix)
		known := is && isPart(part)
		if is && (known && !exact || known == exact && len(prefix) > len(best)) {
			best, exact = prefix, known
		}
	}
	return t.workers[best]
}

// isPart says that a worker's resource or output may be called so.
func isPart(part string) bool {
	return slices.Contains([]string{
		partFunction, partLogGroup, partRole, partQueue, partDLQ, partMapping, partSchedule, partSender, partPermission, partDepthAlarm,
		partAgeAlarm, project.OutputQueueURL, project.OutputDLQURL,
	}, strings.TrimRight(part, "0123456789"))
}

func (t *parsed) describe(id string, kind Kind) *Change {
	r := t.Resources[id]
	worker := t.owner(id, r)
	return &Change{
		Kind: kind, Worker: shown(worker), API: worker == "" && strings.HasPrefix(id, "Api"),
		What: what(id, r), Name: shown(t.name(id)), LogicalID: shown(id), Type: shown(r.Type),
	}
}

// name is what a resource is called in AWS, or its logical id.
func (t *parsed) name(id string) string {
	properties := t.Resources[id].Properties
	for _, key := range []string{"QueueName", "FunctionName", "LogGroupName", "AlarmName", "RoleName", "ScheduleExpression", "Name"} {
		if name, ok := properties[key].(string); ok && name != "" {
			return name
		}
	}
	// What only joins others is called after what it is for.
	for _, key := range []string{"EventSourceArn", "Queues"} {
		for _, target := range references(properties[key]) {
			if name, ok := t.Resources[target].Properties["QueueName"].(string); ok && name != "" {
				return name
			}
		}
		if arn, ok := properties[key].(string); ok && arn != "" {
			return arn[strings.LastIndexByte(arn, ':')+1:]
		}
	}
	if part, ok := properties["PathPart"].(string); ok {
		return part
	}
	if method, ok := properties["HttpMethod"].(string); ok {
		for _, target := range references(properties["ResourceId"]) {
			if part, ok := t.Resources[target].Properties["PathPart"].(string); ok {
				return method + " " + part
			}
		}
	}
	return id
}
