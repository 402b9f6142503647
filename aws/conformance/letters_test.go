package conformance

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/where"
)

// letters is what is done with dead letters. Each check fills the dead-letter queue as
// SQS does, by receiving too often, and leaves it empty.
func letters() []check {
	return []check{
		{"dead letters are looked into, and lie there as before", func(p *probe, s *stage) {
			e, w, d := s.engine(p), s.bury(p, 4), s.workers["letters"]
			defer s.drain(p, d.dlqURL)
			seen, err := e.Peek(p.ctx, w, 0)
			p.must("Peek", err)
			p.equal("complete", seen.Complete, true)
			p.equal("letters", len(seen.Letters), 4)
			slices.SortFunc(seen.Letters, func(a, b letter.Letter) int { return strings.Compare(a.JobID(), b.JobID()) })
			for i, l := range seen.Letters {
				p.equal("body", l.Body, job("letters", fmt.Sprintf("job-%d", i)))
				p.equal("job id", l.JobID(), fmt.Sprintf("job-%d", i))
				p.equal("attributes", plain(l.Attributes), plain(attributes(i)))
				if l.ReceiveCount < 2 || l.SentAt.IsZero() || l.FirstReceived.IsZero() {
					p.failf("receive count %d, sent at %s, first received at %s", l.ReceiveCount, l.SentAt, l.FirstReceived)
				}
			}
			p.equal("depth afterwards", s.depth(p, d.dlqURL), [3]int{4, 0, 0})
		}},
		{"a dead letter says which queue it came from", func(p *probe, s *stage) {
			e, w, d := s.engine(p), s.bury(p, 1), s.workers["letters"]
			defer s.drain(p, d.dlqURL)
			seen, err := e.Peek(p.ctx, w, 0)
			p.must("Peek", err)
			for _, l := range seen.Letters {
				p.equal("Source", l.Source, d.arn)
			}
			sources, err := e.Sources(p.ctx, w.DLQ)
			p.must("Sources", err)
			p.equal("sources of the queue", sources, []string{d.url})
		}},
		{"while somebody looks, nobody else sees them", func(p *probe, s *stage) {
			e, w, d := s.engine(p), s.bury(p, 3), s.workers["letters"]
			defer s.drain(p, d.dlqURL)
			look, err := e.Look(p.ctx, w, 0, func([]letter.Letter) (bool, error) { return true, nil })
			p.must("Look", err)
			p.equal("depth during the look", s.depth(p, d.dlqURL), [3]int{0, 3, 0})
			p.must("Release", look.Release(p.ctx))
			p.equal("depth afterwards", s.depth(p, d.dlqURL), [3]int{3, 0, 0})
		}},
		{"dead letters are chosen by what they say", func(p *probe, s *stage) {
			e, w, d := s.engine(p), s.bury(p, 4), s.workers["letters"]
			defer s.drain(p, d.dlqURL)
			filter, err := where.Compile(`jobId in ["job-1", "job-3"]`)
			p.must("where", err)
			chosen, err := e.Select(p.ctx, w, redrive.Choice{Where: filter})
			p.must("Select", err)
			p.equal("chosen", chosen.Count, 2)
			p.equal("what was not chosen is let go", s.depth(p, d.dlqURL), [3]int{2, 2, 0})
			report, err := e.Replay(p.ctx, redrive.Replay{Worker: w, Selection: chosen})
			p.must("Replay", err)
			p.equal("replayed", report.Replayed, 2)
			p.equal("left in the dead-letter queue", s.depth(p, d.dlqURL), [3]int{2, 0, 0})
			var ids []string
			for _, m := range s.drain(p, d.url) {
				l := letter.FromSQS(&m)
				ids = append(ids, l.JobID())
			}
			slices.Sort(ids)
			p.equal("jobs in the worker's queue", ids, []string{"job-1", "job-3"})
		}},
		{"a replay sends every byte of body and attributes", func(p *probe, s *stage) {
			e, w, d := s.engine(p), s.bury(p, 12), s.workers["letters"]
			defer s.drain(p, d.dlqURL)
			report, err := e.Replay(p.ctx, redrive.Replay{Worker: w, All: true})
			p.must("Replay", err)
			p.equal("replayed", [3]int{report.Replayed, report.Skipped, report.Failed}, [3]int{12, 0, 0})
			p.equal("depth of the dead-letter queue", s.depth(p, d.dlqURL), [3]int{})
			s.whole(p, d.url, 12)
		}},
		{"a replay keeps the order of a FIFO queue's groups", func(p *probe, s *stage) {
			d := s.workers["orders"]
			s.send(p, d.dlqURL, "a0", "b0", "a1", "b1")
			w := s.worker(p, "orders")
			report, err := s.engine(p).Replay(p.ctx, redrive.Replay{Worker: w, All: true, Force: true})
			p.must("Replay", err)
			p.equal("replayed", report.Replayed, 4)
			byGroup := make(map[string][]string)
			for _, m := range s.drain(p, d.url) {
				byGroup[m.Attributes["MessageGroupId"]] = append(byGroup[m.Attributes["MessageGroupId"]], *m.Body)
			}
			p.equal("by group", byGroup, map[string][]string{"group-0": {"a0", "a1"}, "group-1": {"b0", "b1"}})
		}},
		{"dead letters are deleted, and an import brings every byte back", func(p *probe, s *stage) {
			e, w, d := s.engine(p), s.bury(p, 11), s.workers["letters"]
			path := filepath.Join(p.dir, "letters.jsonl")
			report, err := e.Delete(p.ctx, redrive.Delete{Worker: w, All: true, Export: path})
			p.must("Delete", err)
			p.equal("deleted", [2]int{report.Replayed, report.Failed}, [2]int{11, 0})
			p.equal("depth after the deletion", s.depth(p, d.dlqURL), [3]int{})
			report, err = e.Import(p.ctx, redrive.Import{Worker: w, Path: path})
			p.must("Import", err)
			p.equal("imported", [2]int{report.Replayed, report.Failed}, [2]int{11, 0})
			s.whole(p, d.dlqURL, 11)
		}},
		{"SQS moves dead letters by itself", func(p *probe, s *stage) {
			e, w, d := s.engine(p), s.bury(p, 3), s.workers["letters"]
			defer s.drain(p, d.dlqURL)
			report, err := e.MoveTask(p.ctx, redrive.MoveTask{Worker: w})
			p.must("MoveTask", err)
			p.equal("moved", report.Replayed, 3)
			s.whole(p, d.url, 3)
		}},
		{"a worker without a dead-letter queue has no dead letters", func(p *probe, s *stage) {
			if _, err := s.engine(p).Peek(p.ctx, s.worker(p, "bare"), 0); err == nil {
				p.failf("there was something to look into")
			}
		}},
	}
}

// engine is one whose journals end with the check.
func (s *stage) engine(p *probe) *redrive.Engine {
	return redrive.New(s.opened, redrive.Config{Dir: p.dir})
}

// bury makes n dead letters of jobs: job-0, job-1, and so on. Each is received once
// more than its queue allows.
func (s *stage) bury(p *probe, n int) aws.Worker {
	d := s.workers["letters"]
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = job("letters", fmt.Sprintf("job-%d", i))
	}
	s.send(p, d.url, bodies...)
	p.until("all are dead letters", func() bool {
		out, err := s.sqs.ReceiveMessage(p.ctx, &sqs.ReceiveMessageInput{QueueUrl: &d.url, MaxNumberOfMessages: 10})
		p.must("receive", err)
		for _, m := range out.Messages {
			_, err := s.sqs.ChangeMessageVisibility(p.ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &d.url, ReceiptHandle: m.ReceiptHandle})
			p.must("show it again", err)
		}
		return s.depth(p, d.dlqURL)[0] == n
	})
	return s.worker(p, "letters")
}

// whole takes the jobs out of a queue, which must be job-0 to job-n-1, unharmed.
func (s *stage) whole(p *probe, queueURL string, n int) {
	found := make(map[string]bool)
	for _, m := range s.drain(p, queueURL) {
		l := letter.FromSQS(&m)
		found[l.JobID()] = true
		var i int
		if _, err := fmt.Sscanf(l.JobID(), "job-%d", &i); err != nil {
			p.failf("a message with the body %q", l.Body)
			continue
		}
		p.equal("body", l.Body, job("letters", l.JobID()))
		p.equal("attributes", plain(l.Attributes), plain(attributes(i)))
	}
	p.equal("jobs", len(found), n)
}

// plain is the attributes without pointers, for comparing.
func plain(attributes map[string]sqstypes.MessageAttributeValue) map[string][2]string {
	out := make(map[string][2]string, len(attributes))
	for name, a := range attributes {
		value := string(a.BinaryValue)
		if a.StringValue != nil {
			value = *a.StringValue
		}
		out[name] = [2]string{*a.DataType, value}
	}
	return out
}
