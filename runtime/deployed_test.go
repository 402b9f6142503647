package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestNewRefusesWhatCannotBeDeployed(t *testing.T) {
	t.Parallel()
	const layer = "arn:aws:lambda:us-east-1:123456789012:layer:ffmpeg:3"
	for _, tt := range []struct {
		name string
		opts []Option
		want string // empty: it is accepted
	}{
		{"five layers", []Option{WithLayers(layer, layer, layer), WithLayers(layer, layer)}, ""},
		{"six layers", []Option{WithLayers(layer, layer, layer), WithLayers(layer, layer, layer)}, "6 layers: Lambda allows 5"},
		{"a layer of another partition", []Option{WithLayers("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:layer:a_b-c:12")}, ""},
		{"a layer without a version", []Option{WithLayers("arn:aws:lambda:us-east-1:123456789012:layer:ffmpeg")}, "ARN of a layer's version"},
		{"a layer by name", []Option{WithLayers("ffmpeg:3")}, "ARN of a layer's version"},
		{"variables", []Option{WithEnvironment("OPENAI_API_KEY", "db_url2")}, ""},
		{"a variable with a dash", []Option{WithEnvironment("OPENAI-KEY")}, "letters, digits and _ only"},
		{"a variable with a value", []Option{WithEnvironment("KEY=value")}, "letters, digits and _ only"},
		{"a variable of one letter", []Option{WithEnvironment("K")}, "at least two"},
		{"a variable with a digit first", []Option{WithEnvironment("2FA")}, "a letter first"},
		{"a reserved variable", []Option{WithEnvironment("AWS_REGION")}, "Lambda reserves"},
		{"a reserved variable in small letters", []Option{WithEnvironment("lambda_task_root")}, "Lambda reserves"},
		{"a variable of the deployment", []Option{WithEnvironment("STAGE")}, "a deployment sets it by itself"},
		{"a queue's URL", []Option{WithEnvironment("WORKER_QUEUE_URL_ECHO")}, "a deployment sets it by itself"},
		{"a layer of wherever it is deployed", []Option{WithLayers("arn:aws:lambda:${aws:region}:${aws:accountId}:layer:ffmpeg:3")}, ""},
		{"a layer with another placeholder", []Option{WithLayers("arn:aws:lambda:${AWS::Region}:123456789012:layer:ffmpeg:3")}, "in which ${aws:region} and ${aws:accountId} may stand"},
		{"secrets", []Option{WithSecrets("OPENAI_API_KEY", "DB_URL"), WithEnvironment("BUCKET")}, ""},
		{"a secret with a dash", []Option{WithSecrets("OPENAI-KEY")}, "letters, digits and _ only"},
		{"a reserved secret", []Option{WithSecrets("AWS_SECRET_ACCESS_KEY")}, "Lambda reserves"},
		{"a secret of the deployment", []Option{WithSecrets("AIWORKER_SECRET_KEY")}, "a deployment sets it by itself"},
		{"a variable that is a secret too", []Option{WithEnvironment("A_KEY", "B_KEY"), WithSecrets("B_KEY")}, `"B_KEY" is in both WithEnvironment and WithSecrets`},
		{"calls", []Option{WithCalls("echo", "make_thumb"), WithCalls("w")}, ""},
		{"a call to no id", []Option{WithCalls("https://queue")}, `calls worker "https://queue": the id may hold`},
		{"a call to nobody", []Option{WithCalls("")}, `calls worker "": the id is empty`},
		{"permissions", []Option{
			WithPermission([]string{"dynamodb:PutItem", "dynamodb:Batch*"}, "arn:aws:dynamodb:${aws:region}:${aws:accountId}:table/${service}-jobs-${stage}"),
			WithPermission([]string{"s3:GetObject"}, "arn:aws:s3:::media/*"), WithPermission([]string{"transcribe:StartTranscriptionJob"}, "*"),
		}, ""},
		{"a permission for nothing", []Option{WithPermission(nil, "*")}, "a permission without actions"},
		{"a permission on nothing", []Option{WithPermission([]string{"s3:GetObject"})}, "a permission for s3:GetObject without resources"},
		{"a permission for everything", []Option{WithPermission([]string{"*"}, "*")}, `a permission for "*": IAM wants a service and its action`},
		{"a permission on a name", []Option{WithPermission([]string{"s3:GetObject"}, "media")}, `a permission on "media": IAM wants an ARN`},
		{"a permission on CloudFormation's words", []Option{WithPermission([]string{"s3:GetObject"}, "arn:aws:s3:::media-${AWS::Region}")}, "only ${aws:region}, ${aws:accountId}, ${service} and ${stage} are filled in"},
		{"a permission on two lines", []Option{WithPermission([]string{"s3:GetObject"}, "arn:aws:s3:::media\n/*")}, "no spaces"},
		{"reserved concurrency", []Option{WithReservedConcurrency(1)}, ""},
		{"negative reserved concurrency", []Option{WithReservedConcurrency(-1)}, "reserved concurrency of -1"},
		{"less reserved than the queue may use", []Option{WithReservedConcurrency(4), WithMaximumConcurrency(5)}, "reserve at least 5"},
		{"as much reserved as the queue may use", []Option{WithReservedConcurrency(5), WithMaximumConcurrency(5)}, ""},
		{"a large batch", []Option{WithBatchSize(11)}, ""},
		{"a large batch without a window", []Option{WithBatchSize(11), WithBatchWindow(0)}, "above 10 Lambda wants a batching window"},
		{"a window for a small batch", []Option{WithBatchSize(10), WithBatchWindow(300 * time.Second)}, ""},
		{"a long window", []Option{WithBatchWindow(301 * time.Second)}, "whole seconds up to 300s"},
		{"a negative window", []Option{WithBatchWindow(-time.Second)}, "whole seconds up to 300s"},
		{"half a second of window", []Option{WithBatchWindow(500 * time.Millisecond)}, "whole seconds"},
		{"FIFO", []Option{WithFIFO(), WithBatchSize(10)}, ""},
		{"FIFO in large batches", []Option{WithFIFO(), WithBatchSize(11)}, "1 to 10 for a FIFO queue"},
		{"FIFO with a window", []Option{WithFIFO(), WithBatchWindow(time.Second)}, "none for a FIFO queue"},
		{"schedules", []Option{WithSchedule("rate(1 day)", ScheduleInput(order{Number: 1})), WithSchedule(" cron(0 9 ? * MON-FRI *) ", ScheduleInput(order{}))}, ""},
		{"a wrong schedule", []Option{WithSchedule("rate(1 days)", ScheduleInput(order{}))}, `must be "day"`},
		{"a schedule with a wrong input", []Option{WithSchedule("rate(1 day)", ScheduleInput("x"))}, "of type string, the worker's of type runtime.order"},
		{"a schedule with no input", []Option{WithSchedule("rate(1 day)", ScheduleInput(nil))}, "of type <nil>"},
		{"a schedule that needs an input", []Option{WithSchedule("rate(1 day)")}, `the property "number" is required; give it one with ScheduleInput`},
		{"a schedule whose input the author's schema refuses", []Option{
			WithSchedule("rate(1 day)", ScheduleInput(order{Number: -1})),
			WithInputSchema(json.RawMessage(`{"properties":{"number":{"minimum":0}}}`)),
		}, "its input {\"number\":-1} does not fit the worker: /number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := New("w", accept, tt.opts...)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

// An author who has made five mistakes hears of all five.
func TestNewReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := New("a.b", func(context.Context, *Job[chan int]) (func(), error) { return nil, nil },
		WithTimeout(0), WithGroup("core"), WithEnvironment("AWS_REGION"), WithLayers("x"), WithSchedule("hourly"))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`worker "a.b": the id may hold`, "timeout 0s: Lambda allows whole seconds from 1s to 900s", `group "core" is taken`, `"AWS_REGION"`, `layer "x"`,
		"input schema:", "output schema:", `schedule "hourly"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}

func TestManifestOfADeployment(t *testing.T) {
	t.Parallel()
	const layer = "arn:aws:lambda:us-east-1:123456789012:layer:ffmpeg:3"
	full := Must(New("full", accept, WithLayers(layer), WithEnvironment("A_KEY", "B_KEY"), WithEnvironment("A_KEY"),
		WithSecrets("C_KEY"), WithSecrets("C_KEY", "D_KEY"), WithCalls("line", "large"), WithCalls("line"), WithReservedConcurrency(20),
		WithPermission([]string{"s3:GetObject"}, "arn:aws:s3:::a/*", "arn:aws:s3:::b/*"), WithBatchSize(100), WithBatchWindow(20*time.Second),
		WithSchedule("rate(5 minutes)", ScheduleInput(order{Number: 7})),
		WithSchedule("cron(0 9 ? * MON-FRI *)", ScheduleInput(order{Note: "<&>"}), ScheduleDisabled())))
	large := Must(New("large", accept, WithBatchSize(11)))
	line := Must(New("line", func(context.Context, *Job[struct{}]) (struct{}, error) { return struct{}{}, nil }, WithFIFO(), WithSchedule("rate(1 hour)")))
	workers := newRig(t, nil, full, large, line).Manifest().Workers

	// The manifest is read by other programs, so its text counts.
	text, err := json.Marshal(workers[0])
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Layers      []string         `json:"layers"`
		Environment []string         `json:"environment"`
		Secrets     []string         `json:"secrets"`
		Calls       []string         `json:"calls"`
		Permissions []map[string]any `json:"permissions"`
		Reserved    int              `json:"reservedConcurrency"`
		Schedules   []map[string]any `json:"schedules"`
		SQS         map[string]any   `json:"sqs"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Layers, []string{layer}) || !reflect.DeepEqual(got.Environment, []string{"A_KEY", "B_KEY"}) {
		t.Errorf("layers %q, environment %q", got.Layers, got.Environment)
	}
	if fmt.Sprint(got.Secrets, got.Calls, got.Permissions, got.Reserved) !=
		"[C_KEY D_KEY] [line large] [map[actions:[s3:GetObject] resources:[arn:aws:s3:::a/* arn:aws:s3:::b/*]]] 20" {
		t.Errorf("secrets %q, calls %q, permissions %v, reserved %d", got.Secrets, got.Calls, got.Permissions, got.Reserved)
	}
	if bare, err := json.Marshal(workers[1]); err != nil || strings.Contains(string(bare), "secrets") || strings.Contains(string(bare), "reserved") {
		t.Errorf("a worker that asks for nothing says %s, %v", bare, err)
	}
	if want := []map[string]any{
		{"expression": "rate(5 minutes)", "input": map[string]any{"number": 7.0}},
		{"expression": "cron(0 9 ? * MON-FRI *)", "input": map[string]any{"number": 0.0, "note": "<&>"}, "disabled": true},
	}; !reflect.DeepEqual(got.Schedules, want) {
		t.Errorf("schedules %v", got.Schedules)
	}
	if got.SQS["maximumBatchingWindowSeconds"] != 20.0 {
		t.Errorf("sqs %v", got.SQS)
	}
	if s := workers[1].SQS; s.MaximumBatchingWindowSeconds != 1 || s.FIFO {
		t.Errorf("a batch of 11: %+v", s)
	}
	if s := workers[2].SQS; !s.FIFO || s.BatchSize != 1 || s.MaximumBatchingWindowSeconds != 0 {
		t.Errorf("FIFO: %+v", s)
	}
	if want := []dispatch.ScheduleSetting{{Expression: "rate(1 hour)"}}; !reflect.DeepEqual(workers[2].Schedules, want) {
		t.Errorf("schedules %+v", workers[2].Schedules)
	}
}

func TestMissingVariablesAreNamedAtStart(t *testing.T) {
	t.Parallel()
	a := Must(New("a", accept, WithEnvironment("THERE", "EMPTY", "GONE"), WithSecrets("NO_KEY")))
	b := Must(New("b", accept, WithEnvironment("OTHER")))
	for handler, want := range map[string]string{
		"worker.a": `"workerId":"a","missing":["EMPTY","GONE","NO_KEY"]`,
		"main":     `"workerId":"b","missing":["OTHER"]`,
	} {
		r := newRig(t, map[string]string{"_HANDLER": handler, "THERE": "x", "EMPTY": ""}, a, b)
		if _, err := r.lambdaHandler(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(r.text(), want) {
			t.Errorf("%s: log %s", handler, r.text())
		}
		if handler == "worker.a" && strings.Contains(r.text(), "OTHER") {
			t.Errorf("a function hears of another one's variables: %s", r.text())
		}
	}
}

// Whoever only asks for the manifest has no use for the variables.
func TestManifestDoesNotAskForVariables(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, Must(New("a", accept, WithEnvironment("GONE"))))
	var out, complaints strings.Builder
	if code := r.Run(t.Context(), []string{"manifest"}, nil, &out, &complaints); code != exitDone || r.text()+complaints.String() != "" || !json.Valid([]byte(out.String())) {
		t.Errorf("exit code %d, log %q, %q, output %s", code, r.text(), complaints.String(), out.String())
	}
}
