package conformance

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
)

func configurationOf(function string) *lambda.GetFunctionConfigurationInput {
	return &lambda.GetFunctionConfigurationInput{FunctionName: &function}
}

func eventsOf(group string) *cloudwatchlogs.FilterLogEventsInput {
	return &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group}
}

func enable(ctx context.Context, w aws.Writer, uuid string, on bool) error {
	_, err := w.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &uuid, Enabled: &on})
	return err
}

// writing is what package aws does to a stage, apart from dead letters.
func writing() []check {
	return []check{
		{"a job is sent to the worker's queue, as the contract says", func(p *probe, s *stage) {
			w, d := s.worker(p, "paused"), s.workers["paused"]
			s.drain(p, d.url)
			res, err := s.opened.Dispatch(p.ctx, aws.DispatchRequest{
				Worker: w, Input: json.RawMessage(`{"text":"ä<&>🦊","n":1e21}`), JobID: "job-1",
				WebhookURL: "https://receiver.example/done", Metadata: map[string]any{"tenant": "t-1"},
			})
			p.must("Dispatch", err)
			p.equal("via", res.Via, aws.ViaQueue)
			got := s.drain(p, d.url)
			if len(got) != 1 {
				p.failf("%d messages in the queue", len(got))
				return
			}
			p.equal("body", *got[0].Body, string(res.Message))
			p.equal("message id", *got[0].MessageId, res.MessageID)
			m, err := dispatch.ParseMessage([]byte(*got[0].Body))
			p.must("ParseMessage", err)
			p.equal("job id", m.JobID, "job-1")
			p.equal("worker id", m.WorkerID, "paused")
			p.equal("webhook", m.WebhookURL, "https://receiver.example/done")
		}},
		{"a job is sent with a delay", func(p *probe, s *stage) {
			w, d := s.worker(p, "paused"), s.workers["paused"]
			before := s.depth(p, d.url)
			_, err := s.opened.Dispatch(p.ctx, aws.DispatchRequest{Worker: w, Delay: 15 * time.Minute})
			p.must("Dispatch", err)
			after := s.depth(p, d.url)
			p.equal("delayed", after[2]-before[2], 1)
			p.equal("visible", after[0]-before[0], 0)
		}},
		{"a worker is paused and goes on", func(p *probe, s *stage) {
			d := s.workers["resize"]
			for _, on := range []bool{false, true} {
				want := map[bool]string{false: "Disabled", true: "Enabled"}[on]
				err := s.opened.Guard().Do(p.ctx, aws.Action{Name: "mapping", Object: d.id, Count: 1}, func(ctx context.Context, w aws.Writer) error {
					return enable(ctx, w, d.uuid, on)
				})
				p.must("UpdateEventSourceMapping", err)
				p.until("the mapping is "+want, func() bool { return s.worker(p, "resize").Mapping.State == want })
				stalled := false
				for _, problem := range s.worker(p, "resize").Problems {
					stalled = stalled || problem.Kind == aws.ProblemMappingDisabled
				}
				p.equal("discovery says that it is disabled", stalled, !on)
			}
		}},
	}
}
