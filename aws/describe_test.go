package aws

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func TestDescribeReadsWhatListsLack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		change  func(*fakeAWS, *types.FunctionConfiguration)
		want    []string
		says    string
		noteFor ProblemKind
	}{
		{"nothing", func(*fakeAWS, *types.FunctionConfiguration) {}, nil, "", ""},
		{"failed", func(_ *fakeAWS, c *types.FunctionConfiguration) {
			c.State, c.StateReason = types.StateFailed, awssdk.String("the subnet is\x1b[31m gone")
		}, []string{"error: function failed"}, "the subnet is", ""},
		{"inactive", func(_ *fakeAWS, c *types.FunctionConfiguration) { c.State = types.StateInactive }, []string{"warning: function not ready"}, "the first jobs fail", ""},
		{"update failed", func(_ *fakeAWS, c *types.FunctionConfiguration) {
			c.LastUpdateStatus, c.LastUpdateStatusReason = types.LastUpdateStatusFailed, awssdk.String("no such image")
		}, []string{"warning: function update failed"}, "no such image", ""},
		{"being updated", func(_ *fakeAWS, c *types.FunctionConfiguration) {
			c.LastUpdateStatus = types.LastUpdateStatusInProgress
		}, nil, "being updated", NoteUpdating},
		{"stopped", func(f *fakeAWS, _ *types.FunctionConfiguration) { f.reserved["p-x-prod-workerEcho"] = 0 }, []string{"error: function stopped"}, "concurrency of function p-x-prod-workerEcho is 0", ""},
		{"reserved less than the mapping asks for", func(f *fakeAWS, _ *types.FunctionConfiguration) { f.reserved["p-x-prod-workerEcho"] = 1 }, []string{"warning: mapping outruns function"}, "maximum concurrency to 2", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
			fn := f.functions["p-x-prod-workerEcho"]
			tt.change(f, &fn)
			f.functions["p-x-prod-workerEcho"] = fn
			s := f.stage(Target{Stage: "prod"}, Options{})
			echo := find(t, mustInventory(t, s), "echo")
			wantKinds(t, echo) // a list does not tell
			got, warnings := s.Describe(t.Context(), *echo)
			wantKinds(t, &got, tt.want...)
			if len(warnings) > 0 || f.count("GetFunctionConfiguration") != 1 || f.count("GetFunctionConcurrency") != 1 {
				t.Errorf("warnings %v after calls %v", warnings, f.calls)
			}
			kind := tt.noteFor
			if len(tt.want) > 0 {
				_, k, _ := strings.Cut(tt.want[0], ": ")
				kind = ProblemKind(k)
			}
			if tt.says != "" {
				wantIn(t, text(t, &got, kind), tt.says)
				if strings.Contains(text(t, &got, kind), "\x1b") {
					t.Error("a control character of AWS's text is left")
				}
			}
			again, _ := s.Describe(t.Context(), got)
			if !slices.Equal(kinds(&again), kinds(&got)) || len(again.Notes) != len(got.Notes) || f.count("GetFunctionConfiguration") != 1 {
				t.Errorf("described again it is %q %v, want the same, and nothing asked twice", kinds(&again), again.Notes)
			}
		})
	}
	t.Run("denied", func(t *testing.T) {
		t.Parallel()
		f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
		s := f.stage(Target{Stage: "prod"}, Options{})
		echo := find(t, mustInventory(t, s), "echo")
		f.fail["GetFunctionConcurrency"] = apiError("Lambda", "GetFunctionConcurrency", denied, "no")
		got, warnings := s.Describe(t.Context(), *echo)
		if len(warnings) != 1 || got.Function.State != "Active" {
			t.Errorf("%+v, %v: want the state, and a warning", got.Function, warnings)
		}
	})
}

func TestInventoryFindsSettingsThatHurt(t *testing.T) {
	t.Parallel()
	const queue, dlq = "p-x-echo-prod", "p-x-echo-dlq-prod"
	for _, tt := range []struct {
		name   string
		change func(*fakeAWS)
		want   []string
		says   string
	}{
		{"dead letters die as early as jobs", func(f *fakeAWS) { f.attribute(dlq, "MessageRetentionPeriod", "345600") }, []string{"warning: dead letters expire early"}, "14 days is the most"},
		{"in a FIFO queue they begin anew", func(f *fakeAWS) {
			f.attribute(dlq, "MessageRetentionPeriod", "345600").attribute(queue, "FifoQueue", "true").attribute(dlq, "FifoQueue", "true")
		}, nil, ""},
		{"FIFO queue with a standard DLQ", func(f *fakeAWS) { f.attribute(queue, "FifoQueue", "true") }, []string{"error: dead-letter queue of another kind"}, "moves nothing"},
		{"DLQ in another region", func(f *fakeAWS) {
			f.attribute(queue, "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:`+dlq+`","maxReceiveCount":3}`)
		}, []string{"warning: dead-letter queue elsewhere"}, "us-east-1"},
		{"filters delete jobs", func(f *fakeAWS) {
			f.mappings[0].FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: awssdk.String(`{"body":{"a":[1]}}`)}}}
		}, []string{"warning: mapping filters"}, `{"body":{"a":[1]}}`},
		{"the batching window counts", func(f *fakeAWS) { f.mappings[0].MaximumBatchingWindowInSeconds = awssdk.Int32(61) }, []string{"warning: visibility too short"}, "gathered for up to 1m1s"},
		{"disabled by a user", func(f *fakeAWS) {
			f.mappings[0].State, f.mappings[0].StateTransitionReason, f.mappings[0].LastModified = awssdk.String("Disabled"), awssdk.String("USER_INITIATED"), awssdk.Time(testNow())
		}, []string{"error: mapping disabled"}, "by a user, last changed 2026-03-04 05:06 UTC"},
		{"disabled by Lambda", func(f *fakeAWS) {
			f.mappings[0].State, f.mappings[0].StateTransitionReason = awssdk.String("Disabled"), awssdk.String("Access denied")
		}, []string{"error: mapping disabled"}, "Access denied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
			tt.change(f)
			echo := find(t, mustInventory(t, f.stage(Target{Stage: "prod"}, Options{})), "echo")
			wantKinds(t, echo, tt.want...)
			if tt.says != "" {
				wantIn(t, fmt.Sprint(echo.Problems), tt.says)
			}
		})
	}
}

func TestAFunctionsSettingsAreRead(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
	fn := f.functions["p-x-prod-workerEcho"]
	fn.LoggingConfig = &types.LoggingConfig{LogGroup: awssdk.String("/one/for/all"), LogFormat: types.LogFormatJson}
	fn.Architectures, fn.PackageType = []types.Architecture{types.ArchitectureArm64}, types.PackageTypeImage
	f.functions["p-x-prod-workerEcho"] = fn
	got := find(t, mustInventory(t, f.stage(Target{Stage: "prod"}, Options{})), "echo").Function
	if got.LogGroup != "/one/for/all" || got.LogFormat != "JSON" || got.Architecture != "arm64" || got.PackageType != "Image" {
		t.Errorf("function = %+v", got)
	}
}
