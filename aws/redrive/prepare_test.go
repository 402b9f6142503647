package redrive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/check"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
)

const account = "http://sqs/000000000000/"

func queueARN(name string) string { return "arn:aws:sqs:us-east-1:000000000000:" + name }

func queueNamed(name string) *aws.Queue {
	return &aws.Queue{Name: name, URL: account + name, ARN: queueARN(name)}
}

// shared is a worker whose dead-letter queue serves others as well.
func shared() aws.Worker {
	return aws.Worker{ID: "orders", Queue: queueNamed("orders"), DLQ: queueNamed("all-dlq")}
}

// A dead-letter queue that serves several queues: what is whose.
func TestDestinations(t *testing.T) {
	t.Parallel()
	sources := []string{"orders", "mails", "", "orders", "mails", "elsewhere", "orders"}
	arns := map[string]string{"elsewhere": "not an ARN"}
	onlyDLQ := aws.Worker{ID: "all-dlq", DLQ: queueNamed("all-dlq")}
	for name, tt := range map[string]struct {
		worker  aws.Worker
		replay  Replay
		sent    map[string]int
		skipped int
		says    string
		sends   int
	}{
		"the worker's own": {worker: shared(), sent: map[string]int{"orders": 4}, skipped: 3, says: "it came from queue mails, not from the worker's", sends: 1},
		"each its own":     {worker: shared(), replay: Replay{AnySource: true}, sent: map[string]int{"orders": 4, "mails": 2}, skipped: 1, says: `"not an ARN", cannot be understood`, sends: 2},
		"to one":           {worker: shared(), replay: Replay{To: account + "third"}, sent: map[string]int{"third": 7}, sends: 1},
		"to one FIFO":      {worker: shared(), replay: Replay{To: account + "third.fifo"}, sent: map[string]int{"third.fifo": 7}, sends: 1},
		"of nobody":        {worker: onlyDLQ, replay: Replay{AnySource: true}, sent: map[string]int{"orders": 3, "mails": 2}, skipped: 2, says: "nothing says which queue it came from", sends: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothWays(t, func(t *testing.T, selection bool) {
				w := newWorld()
				w.put(tt.worker.DLQ.URL, len(sources))
				for i, m := range w.queue(tt.worker.DLQ.URL).messages {
					if s := sources[i]; s != "" {
						m.system[letter.SysSource] = queueARN(s)
					}
					if s := arns[sources[i]]; s != "" {
						m.system[letter.SysSource] = s
					}
				}
				r := tt.replay
				r.Worker, r.All = tt.worker, true
				if selection {
					s, err := engine(w).Select(t.Context(), tt.worker, Choice{})
					if err != nil {
						t.Fatal(err)
					}
					r.Selection, r.All = s, false
				}
				rep, err := replayWith(t.Context(), engine(w), r)
				got := map[string]int{}
				for url, q := range w.queues {
					if url != tt.worker.DLQ.URL && len(q.messages) > 0 {
						got[strings.TrimPrefix(url, account)] = len(q.messages)
					}
				}
				if !maps.Equal(got, tt.sent) || rep.Skipped != tt.skipped || rep.Failed != 0 || w.calls["send"] != tt.sends {
					t.Errorf("sent %v in %d sends, %+v %v", got, w.calls["send"], rep.Report, err)
				}
				if (err != nil) != (tt.skipped > 0) || err != nil && !said(rep.Problems, tt.says) {
					t.Errorf("%v", err)
				}
				for _, res := range rep.Results {
					if (res.Status == StatusReplayed) != (res.To != "") || res.To != "" && got[res.To] == 0 {
						t.Errorf("%+v", res)
					}
				}
				if left, hidden := w.bodies(tt.worker.DLQ.URL); len(left) != tt.skipped || hidden != 0 {
					t.Errorf("%d left, %d hidden", len(left), hidden)
				}
			})
		})
	}
}

// said is whether a reason is among the results'.
func said(results []Result, text string) bool {
	return slices.ContainsFunc(results, func(r Result) bool { return strings.Contains(r.Error, text) })
}

func TestURLOf(t *testing.T) {
	t.Parallel()
	for _, tt := range [][3]string{
		{"https://sqs.eu-west-1.amazonaws.com/123456789012/a-dlq", "arn:aws:sqs:eu-west-1:123456789012:a", "https://sqs.eu-west-1.amazonaws.com/123456789012/a"},
		{"https://sqs.eu-west-1.amazonaws.com/123456789012/a-dlq", "arn:aws:sqs:eu-west-1:210987654321:a.fifo", "https://sqs.eu-west-1.amazonaws.com/210987654321/a.fifo"},
		{"https://sqs.cn-north-1.amazonaws.com.cn/1/d", "arn:aws-cn:sqs:cn-north-1:1:a", "https://sqs.cn-north-1.amazonaws.com.cn/1/a"},
		{"http://127.0.0.1:4566/000000000000/d", "arn:aws:sqs:us-east-1:000000000000:a", "http://127.0.0.1:4566/000000000000/a"},
		{"https://sqs.eu-west-1.amazonaws.com/1/d", "arn:aws:sqs:us-east-1:1:a", ""},
		{"https://sqs.eu-west-1.amazonaws.com/1/d", "arn:aws:sns:eu-west-1:1:a", ""},
		{"https://sqs.eu-west-1.amazonaws.com/1/d", "a", ""},
		{"d", "arn:aws:sqs:eu-west-1:1:a", ""},
	} {
		if got, err := urlOf(tt[0], tt[1]); got != tt[2] || (err != nil) != (tt[2] == "") {
			t.Errorf("%s beside %s: %q %v, want %q", tt[1], tt[0], got, err, tt[2])
		}
	}
}

// What goes to another worker's queue is not judged as this worker's.
func TestAnySourceIsNotCheckedAsOnesOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		worker := shared()
		worker.InputSchema = json.RawMessage(`{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}`)
		worker.Function = &aws.Function{Name: "orders", Runtime: "nodejs20.x"}
		w.put(worker.DLQ.URL, 2)
		for _, m := range w.queue(worker.DLQ.URL).messages {
			m.body = `{"workerId":"mails","input":{"to":"a@b.example"}}`
			m.system[letter.SysSource] = queueARN("mails")
		}
		rep, err := replay(t, w, Replay{Worker: worker, All: true, AnySource: true})
		if sent, _ := w.bodies(account + "mails"); err != nil || rep.Replayed != 2 || len(sent) != 2 {
			t.Errorf("%+v %v", rep.Report, err)
		}
	})
}

// underNewIDs replays bodies under new job ids, and says what was sent of each message.
func underNewIDs(t *testing.T, bodies []string) (sent map[string]string, rep ran, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, len(bodies))
		for i, m := range w.queue(dlqURL).messages {
			m.body = bodies[i]
		}
		rep, err = replay(t, w, Replay{Worker: orders(), All: true, NewJobIDs: true})
		sent = map[string]string{}
		for _, r := range rep.Results {
			for _, m := range w.queue(srcURL).messages {
				if m.id == r.NewID {
					sent[r.ID] = m.body
				}
			}
		}
	})
	return sent, rep, err
}

// Under a new id a job keeps everything else, and says what it was.
func TestNewJobIDs(t *testing.T) {
	t.Parallel()
	bodies := []string{
		`{"workerId":"orders","jobId":"job-1","input":{"big":12345678901234567890123,"f":1.50,"html":"<&>\u2028"},"context":{"a":1},"metadata":{"source":"cron","__trigger":{"type":"cron","n":9007199254740993}},"userId":"u","webhookUrl":"https://x.example/","unknown":[1e400,null]}`,
		`{"workerId":"orders","jobId":"job-2","input":{}}`,
		`{"workerId":"orders","input":{"n":3},"context":{}}`,
		`plain`,
		`[1]`,
	}
	sent, rep, err := underNewIDs(t, bodies)
	if rep.Replayed != 3 || rep.Skipped != 2 || !said(rep.Problems, "it is not a job, and so cannot have a new job id") {
		t.Fatalf("%+v %v", rep, err)
	}
	byID := map[string]Result{}
	for _, r := range rep.Results {
		byID[r.ID] = r
	}
	first := byID["m-00001"]
	if !strings.HasPrefix(first.NewJobID, "job-946684800000-") || first.JobID != "job-1" || first.NewJobID == byID["m-00002"].NewJobID {
		t.Errorf("%+v", first)
	}
	const at = `"at":"2000-01-01T00:00:00.000Z"`
	for id, want := range map[string]string{
		"m-00001": `{"workerId":"orders","jobId":"` + first.NewJobID + `","input":{"big":12345678901234567890123,"f":1.50,"html":"<&>\u2028"},"context":{"a":1},` +
			`"metadata":{"source":"cron","__trigger":{` + at + `,"messageId":"m-00001","previous":{"type":"cron","n":9007199254740993},"replayOf":"job-1","type":"replay"}},"userId":"u","webhookUrl":"https://x.example/","unknown":[1e400,null]}`,
		"m-00002": `{"workerId":"orders","jobId":"` + byID["m-00002"].NewJobID + `","input":{},"context":{},"metadata":{"__trigger":{` + at + `,"messageId":"m-00002","replayOf":"job-2","type":"replay"}}}`,
		"m-00003": `{"workerId":"orders","jobId":"` + byID["m-00003"].NewJobID + `","input":{"n":3},"context":{},"metadata":{"__trigger":{` + at + `,"messageId":"m-00003","type":"replay"}}}`,
	} {
		if !sameSpelling(t, sent[id], want) {
			t.Errorf("%s:\n%s, want\n%s", id, sent[id], want)
		}
	}
	again, _, _ := underNewIDs(t, bodies) // as one that begins where another was killed
	if !maps.Equal(sent, again) {
		t.Errorf("the ids are others:\n%q\n%q", sent, again)
	}
}

// sameSpelling is whether two texts are the same JSON, its numbers digit by digit.
func sameSpelling(t *testing.T, a, b string) bool {
	t.Helper()
	x, okX := spelled(a)
	y, okY := spelled(b)
	if !okX || !okY {
		t.Errorf("no JSON: %s %s", a, b)
	}
	return string(x) == string(y)
}

// With its stamp a message may be too large for the queue.
func TestNewJobIDTooLarge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 2)
		w.queue(srcURL).maxBytes = 1000
		w.queue(dlqURL).messages[0].body = fmt.Sprintf(`{"workerId":"orders","jobId":"job-1","input":{"text":%q}}`, strings.Repeat("x", 930))
		rep, err := replay(t, w, Replay{Worker: orders(), All: true, NewJobIDs: true})
		if rep.Replayed != 1 || rep.Skipped != 1 || !strings.Contains(err.Error(), "and the queue takes 1000; "+check.HintEditMessage) {
			t.Errorf("%+v %v", rep.Report, err)
		}
		rep, err = replay(t, w, Replay{Worker: orders(), All: true})
		if err != nil || rep.Replayed != 1 {
			t.Errorf("under its old id: %+v %v", rep.Report, err)
		}
	})
}

// What is certain to be swallowed is skipped with the reason and what to do; Force
// sends it.
func TestChecks(t *testing.T) {
	t.Parallel()
	records := func(_ context.Context, id string) (why.Record, bool, error) {
		switch id {
		case "job-1":
			return why.Record{Status: "completed"}, true, nil
		case "job-2":
			return why.Record{Status: "failed"}, true, nil
		case "job-3":
			return why.Record{}, false, errors.New("the store is down")
		}
		return why.Record{}, false, nil
	}
	typescript := orders()
	typescript.Function = &aws.Function{Name: "orders", Runtime: "nodejs20.x"}
	ours := orders()
	ours.Function = &aws.Function{Name: "orders", Runtime: "provided.al2023", Handler: "worker.orders"}
	for name, tt := range map[string]struct {
		worker  aws.Worker
		replay  Replay
		skipped []string
		says    string
	}{
		"typescript":   {worker: typescript, skipped: []string{"m-00001", "m-00002"}, says: "recorded as failed: the runtime skips a job with such a record, and SQS deletes the message as if it had run; --new-job-id"},
		"ours":         {worker: ours, skipped: []string{"m-00001"}, says: "recorded as completed"},
		"nobody knows": {worker: orders(), skipped: []string{"m-00001"}, says: "to do it a second time: --new-job-id"},
		"forced":       {worker: typescript, replay: Replay{Force: true}},
		"under new id": {worker: typescript, replay: Replay{NewJobIDs: true}},
		"elsewhere":    {worker: typescript, replay: Replay{To: account + "other"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for way, choice := range map[string]*Choice{"streaming": nil, "selection": {}, "checked": {Check: true, NewJobIDs: tt.replay.NewJobIDs, To: tt.replay.To}} {
				t.Run(way, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newWorld()
						w.put(dlqURL, 5)
						for _, m := range w.queue(dlqURL).messages {
							m.body = strings.Replace(m.body, "{", `{"context":{},`, 1)
						}
						e := engineWith(w, w, Config{Dir: NoJournal, Records: records})
						r := tt.replay
						r.Worker, r.All = tt.worker, true
						if choice != nil {
							s, err := e.Select(t.Context(), tt.worker, *choice)
							if err != nil {
								t.Fatal(err)
							}
							blocked := 0
							for _, n := range s.Blocked {
								blocked += n
							}
							if choice.Check && blocked != len(tt.skipped) && !r.Force {
								t.Errorf("%d are said to be blocked: %v", blocked, s.Blocked)
							}
							r.Selection, r.All = s, false
						}
						rep, err := replayWith(t.Context(), e, r)
						var skipped []string
						for _, res := range rep.Results {
							if res.Status == StatusSkipped {
								skipped = append(skipped, res.ID)
							}
						}
						slices.Sort(skipped)
						if !slices.Equal(skipped, tt.skipped) || rep.Replayed != 5-len(skipped) || (err != nil) != (len(skipped) > 0) || !said(rep.Problems, tt.says) && tt.says != "" {
							t.Errorf("skipped %q: %+v %v", skipped, rep.Problems, err)
						}
						if left, hidden := w.bodies(dlqURL); len(left) != len(skipped) || hidden != 0 {
							t.Errorf("%d left, %d hidden", len(left), hidden)
						}
					})
				})
			}
		})
	}
}

// What is wrong with the worker keeps everything back, and says so before anything
// is received.
func TestWorkerBlocks(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, selection bool) {
		w := newWorld()
		w.put(dlqURL, 5)
		worker := orders()
		worker.Problems = []aws.Problem{{Kind: aws.ProblemFunctionGone, Text: "its function is gone"}}
		r := Replay{Worker: worker, All: true}
		choose := func() {
			if !selection {
				return
			}
			s, err := engine(w).Select(t.Context(), worker, Choice{Check: true})
			if err != nil {
				t.Fatal(err)
			}
			if p := s.WorkerProblems(); len(p) != 1 || !p[0].Blocks {
				t.Errorf("%+v", p)
			}
			r = Replay{Selection: s}
		}
		choose()
		calls := w.calls["receive"]
		rep, err := replayWith(t.Context(), engine(w), r)
		blocked, ok := errors.AsType[*BlockedError](err)
		if !ok || blocked.Problem.Kind != check.KindNoFunction || !strings.Contains(err.Error(), "its function is gone; what is sent would never run: deploy the worker first") {
			t.Errorf("%v", err)
		}
		if rep.Replayed != 0 || w.calls["receive"] != calls || len(w.actions) != 0 || len(w.hiddenIDs(dlqURL)) != 0 {
			t.Errorf("%+v, %v", rep.Report, w.calls)
		}
		choose()
		r.Force = true
		rep, err = replayWith(t.Context(), engine(w), r)
		if err != nil || rep.Replayed != 5 {
			t.Errorf("forced: %+v %v", rep.Report, err)
		}
		if warned := strings.Contains(strings.Join(rep.Warnings, " "), "its function is gone"); warned == selection {
			t.Errorf("said once, by the selection or by the replay: %q", rep.Warnings)
		}
	})
}
