package conformance

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/metrics"
)

// discovery is what package aws finds when AWS is all there is: no workers API, no
// manifest.
func discovery() []check {
	return []check{
		{"discovery finds the workers of the stage, by what AWS says of them", func(p *probe, s *stage) {
			inv := s.inventory(p)
			var ids []string
			for _, w := range inv.Workers {
				ids = append(ids, w.ID)
			}
			p.equal("workers", ids, []string{"bare", "compiled", "dangling", "hasty", "letters", "lost", "orders", "orphan", "paused", "resize", "shop-two-conf", "thumb-nails"})
			p.equal("sources", inv.Sources, []string{aws.SourceMappings, aws.SourceFunctions})
		}},
		{"the worker's queue, with its settings", func(p *probe, s *stage) {
			w, d := s.worker(p, "resize"), s.workers["resize"]
			q := w.Queue
			p.equal("queue", [3]string{q.Name, q.URL, q.ARN}, [3]string{d.queue, d.url, d.arn})
			p.equal("times", [2]time.Duration{q.VisibilityTimeout, q.Retention}, [2]time.Duration{time.Minute, 24 * time.Hour})
			p.equal("dead-letter queue's ARN", q.DeadLetterARN, d.dlqARN)
			p.equal("receives, size, depth", [3]int{q.MaxReceiveCount, q.MaxMessageBytes, q.Depth.Total()}, [3]int{3, 1 << 20, 0})
			p.equal("dead-letter queue", [3]string{w.DLQ.Name, w.DLQ.URL, w.DLQ.ARN}, [3]string{d.dlq, d.dlqURL, d.dlqARN})
			p.equal("its retention", w.DLQ.Retention, 14*24*time.Hour)
			p.equal("FIFO", s.worker(p, "orders").Queue.FIFO, true)
		}},
		{"the worker's function, with its settings", func(p *probe, s *stage) {
			w := s.worker(p, "resize")
			if w.Function == nil {
				p.failf("no function")
				return
			}
			f := w.Function
			if age := time.Since(f.LastModified); age < -time.Minute || age > 10*time.Minute {
				p.failf("LastModified is %s", f.LastModified)
			}
			if !strings.HasSuffix(f.ARN, ":function:"+f.Name) || !strings.HasPrefix(f.ARN, "arn:aws:lambda:"+region+":") {
				p.failf("ARN %q", f.ARN)
			}
			p.equal("function", [4]string{f.Name, f.Runtime, f.Handler, f.LogGroup},
				[4]string{"shop-conf-workerResize", "nodejs22.x", "index.handler", "/aws/lambda/shop-conf-workerResize"})
			p.equal("timeout", f.Timeout, 20*time.Second)
			p.equal("memory", f.MemoryMB, 256)
			p.equal("derived", f.Derived, false)
		}},
		{"the worker's event source mapping, with its settings", func(p *probe, s *stage) {
			w := s.worker(p, "resize")
			if w.Mapping == nil {
				p.failf("no mapping")
				return
			}
			m := w.Mapping
			p.equal("mapping", [2]string{m.UUID, m.State}, [2]string{s.workers["resize"].uuid, "Enabled"})
			p.equal("batch size, concurrency", [2]int{m.BatchSize, m.MaximumConcurrency}, [2]int{5, 4})
			p.equal("reports failures", m.ReportsBatchItemFailures, true)
			if age := time.Since(m.LastModified); age < -time.Minute || age > 10*time.Minute {
				p.failf("LastModified is %s", m.LastModified)
			}
		}},
		{"what is wrong with a worker", func(p *probe, s *stage) {
			inv := s.inventory(p)
			for id, want := range map[string][]aws.ProblemKind{
				"resize":        nil,
				"paused":        {aws.ProblemMappingDisabled},
				"hasty":         {aws.ProblemSingleAttempt, aws.ProblemShortVisibility},
				"bare":          {aws.ProblemNoDLQ, aws.ProblemPartialFailures},
				"compiled":      {aws.ProblemPartialFailures},
				"thumb-nails":   nil,
				"orphan":        {aws.ProblemFunctionGone},
				"lost":          {aws.ProblemQueueGone},
				"dangling":      {aws.ProblemDLQGone},
				"shop-two-conf": {aws.ProblemSeveralMappings},
			} {
				w, ok := inv.Worker(id)
				if !ok {
					p.failf("no worker %s", id)
					continue
				}
				var got []aws.ProblemKind
				for _, problem := range w.Problems {
					got = append(got, problem.Kind)
				}
				p.equal("problems of "+id, got, want)
			}
		}},
		{"queues that are gone are warnings, and all else is read", func(p *probe, s *stage) {
			inv := s.inventory(p)
			if len(inv.Warnings) != 1 || !strings.Contains(inv.Warnings[0].Error(), "shop-lost-conf") {
				p.failf("warnings %v", inv.Warnings)
				return
			}
			kind, _ := aws.Classify(inv.Warnings[0])
			p.equal("their kind", kind, aws.KindNotFound)
		}},
		{"discovery is limited to a stage and a service", func(p *probe, s *stage) {
			for _, tt := range []struct {
				target aws.Target
				want   int
			}{
				{aws.Target{Stage: "other"}, 1},
				{aws.Target{Stage: stageName, Service: service}, 11},
				{aws.Target{Stage: stageName, Service: "consumer"}, 1},
				{aws.Target{Stage: "unheard-of"}, 0},
				{aws.Target{Service: "unheard-of"}, 0},
				{aws.Target{}, 13},
			} {
				opened, err := s.open(p.ctx, tt.target, p.dir)
				p.must("Open", err)
				inv, err := opened.Inventory(p.ctx)
				p.must("Inventory", err)
				if len(inv.Workers) != tt.want {
					p.failf("stage %q and service %q have %d workers, want %d", tt.target.Stage, tt.target.Service, len(inv.Workers), tt.want)
				}
			}
		}},
		{"discovery is limited to names with a prefix, and to tags", func(p *probe, s *stage) {
			for _, tt := range []struct {
				target aws.Target
				want   string
			}{
				{aws.Target{Stage: stageName, Prefix: "shop-ha"}, "hasty"},
				{aws.Target{Stage: stageName, Tags: "queue=shop-hasty-conf"}, "hasty"},
				{aws.Target{Stage: stageName, Tags: "function-of=bare"}, "bare"},
				{aws.Target{Stage: stageName, Tags: "service=shop,queue=shop-bare-conf"}, "bare"},
				{aws.Target{Stage: stageName, Tags: "service=other"}, ""},
			} {
				opened, err := s.open(p.ctx, tt.target, p.dir)
				p.must("Open", err)
				inv, err := opened.Inventory(p.ctx)
				p.must("Inventory", err)
				var ids []string
				for _, w := range inv.Workers {
					ids = append(ids, w.ID)
				}
				p.equal("prefix "+tt.target.Prefix+" tags "+tt.target.Tags, strings.Join(ids, " "), tt.want)
			}
		}},
		{"another region is another place", func(p *probe, s *stage) {
			opened, err := s.open(p.ctx, aws.Target{Region: "ap-south-1"}, p.dir)
			p.must("Open", err)
			inv, err := opened.Inventory(p.ctx)
			p.must("Inventory", err)
			if n := len(inv.Workers); n > 0 {
				p.failf("%d workers in a region that has none", n)
			}
		}},
		{"depths, and a refresh of them", func(p *probe, s *stage) {
			d := s.workers["paused"]
			before := s.worker(p, "paused")
			s.send(p, d.url, "one", "two", "three")
			_, err := s.sqs.SendMessage(p.ctx, &sqs.SendMessageInput{QueueUrl: &d.url, MessageBody: new("later"), DelaySeconds: 900})
			p.must("send", err)
			s.send(p, d.dlqURL, "dead")
			got, err := s.sqs.ReceiveMessage(p.ctx, &sqs.ReceiveMessageInput{QueueUrl: &d.url})
			p.must("receive", err)
			p.equal("received", len(got.Messages), 1)
			after, err := s.opened.Refresh(p.ctx, []aws.Worker{before})
			p.must("Refresh", err)
			depth := func(d aws.Depth) [3]int { return [3]int{d.Visible, d.InFlight, d.Delayed} }
			p.equal("before", depth(before.Queue.Depth), [3]int{})
			p.equal("after", depth(after[0].Queue.Depth), [3]int{2, 1, 1})
			p.equal("dead letters", depth(after[0].DLQ.Depth), [3]int{1, 0, 0})
			p.equal("an inventory says the same", depth(s.worker(p, "paused").Queue.Depth), [3]int{2, 1, 1})
		}},
		{"the age of the oldest message", func(p *probe, s *stage) {
			w := s.worker(p, "resize")
			ages, err := metrics.For(s.opened).Ages(p.ctx, []*aws.Queue{w.Queue, w.DLQ})
			p.must("OldestAges", err)
			p.equal("ages of empty queues", ages, map[string]time.Duration{w.Queue.URL: 0, w.DLQ.URL: 0})
		}},
		{"a queue without a worker, by name, URL and ARN", func(p *probe, s *stage) {
			d := s.workers["letters"]
			for _, name := range []string{d.dlq, d.dlqURL, d.dlqARN, d.queue} {
				w, err := s.opened.QueueWorker(p.ctx, name)
				p.must("QueueWorker "+name, err)
				if w.Queue == nil || w.DLQ == nil || w.Queue.ARN != d.arn || w.DLQ.ARN != d.dlqARN {
					p.failf("QueueWorker %s: queue %+v, dead-letter queue %+v", name, w.Queue, w.DLQ)
				}
			}
		}},
		{"who we are", func(p *probe, s *stage) {
			id, err := s.opened.Identity(p.ctx)
			p.must("Identity", err)
			p.equal("account", id.Account, strings.Split(s.workers["resize"].arn, ":")[4])
			if !strings.HasPrefix(id.ARN, "arn:aws:") || !strings.Contains(id.ARN, id.Account) {
				p.failf("ARN %q", id.ARN)
			}
		}},
		{"every call is counted", func(p *probe, s *stage) {
			opened, err := s.open(p.ctx, aws.Target{Stage: stageName}, p.dir)
			p.must("Open", err)
			_, err = opened.Identity(p.ctx)
			p.must("Identity", err)
			p.equal("calls", opened.Calls(), uint64(1))
		}},
	}
}

// failures are the errors of AWS, as package aws understands them.
func failures() []check {
	kind := func(p *probe, what string, err error, want aws.ErrorKind) {
		if got, _ := aws.Classify(err); err == nil || got != want {
			p.failf("%s: %v is of kind %q, want %q", what, err, got, want)
		}
	}
	return []check{
		{"a queue that does not exist", func(p *probe, s *stage) {
			d := s.workers["lost"]
			_, err := s.opened.Refresh(p.ctx, []aws.Worker{{ID: "lost", Queue: &aws.Queue{Name: d.queue, URL: d.url, ARN: d.arn}}})
			kind(p, "Refresh", err, aws.KindNotFound)
			_, err = s.opened.QueueWorker(p.ctx, "never-made")
			kind(p, "QueueWorker", err, aws.KindNotFound)
			_, err = s.opened.Dispatch(p.ctx, aws.DispatchRequest{Worker: aws.Worker{ID: "lost", Queue: &aws.Queue{Name: d.queue, URL: d.url, ARN: d.arn}}})
			kind(p, "Dispatch", err, aws.KindNotFound)
		}},
		{"a function that does not exist", func(p *probe, s *stage) {
			_, err := s.opened.Lambda().GetFunctionConfiguration(p.ctx, configurationOf("never-made"))
			kind(p, "GetFunctionConfiguration", err, aws.KindNotFound)
		}},
		{"a mapping that does not exist", func(p *probe, s *stage) {
			err := s.opened.Guard().Do(p.ctx, aws.Action{Name: "pause", Object: "nothing"}, func(ctx context.Context, w aws.Writer) error {
				return enable(ctx, w, "00000000-0000-4000-8000-000000000000", false)
			})
			kind(p, "UpdateEventSourceMapping", err, aws.KindNotFound)
		}},
		{"a log group that does not exist", func(p *probe, s *stage) {
			_, err := s.opened.Logs().FilterLogEvents(p.ctx, eventsOf("/aws/lambda/never-made"))
			kind(p, "FilterLogEvents", err, aws.KindNotFound)
		}},
		{"values that AWS refuses", func(p *probe, s *stage) {
			d := s.workers["paused"]
			_, err := s.opened.SQS().ReceiveMessage(p.ctx, &sqs.ReceiveMessageInput{QueueUrl: &d.url, MaxNumberOfMessages: 11})
			kind(p, "receive eleven", err, aws.KindInvalid)
			_, err = s.opened.SQS().GetQueueAttributes(p.ctx, &sqs.GetQueueAttributesInput{QueueUrl: &d.url, AttributeNames: []sqstypes.QueueAttributeName{"Colour"}})
			kind(p, "an unknown attribute", err, aws.KindInvalid)
		}},
		{"an endpoint that does not answer", func(p *probe, s *stage) {
			away := *s.endpoint
			away.url = "http://127.0.0.1:1"
			opened, err := away.open(p.ctx, aws.Target{Stage: stageName}, p.dir)
			p.must("Open", err)
			_, err = opened.Identity(p.ctx)
			kind(p, "Identity", err, aws.KindNetwork)
		}},
		{"a region that there is not", func(p *probe, s *stage) {
			opened, err := s.open(p.ctx, aws.Target{Region: "eu-nowhere-9"}, p.dir)
			p.must("Open", err)
			if inv, err := opened.Inventory(p.ctx); err == nil {
				p.failf("an inventory with %d workers, and no error", len(inv.Workers))
			}
		}},
		{"a read-only target writes nothing", func(p *probe, s *stage) {
			d := s.workers["paused"]
			before := s.depth(p, d.url)
			opened, err := s.open(p.ctx, aws.Target{Stage: stageName, ReadOnly: true}, p.dir)
			p.must("Open", err)
			_, err = opened.Dispatch(p.ctx, aws.DispatchRequest{Worker: s.worker(p, "paused")})
			kind(p, "Dispatch", err, aws.KindDenied)
			p.equal("depth", s.depth(p, d.url), before)
		}},
	}
}
