package redrive

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/aws"
)

// ran is a replay that came to its end: the report, and every result it told.
type ran struct {
	Report
	Results []Result
}

func replay(t *testing.T, w *world, r Replay) (ran, error) {
	t.Helper()
	return replayWith(t.Context(), engine(w), r)
}

func replayWith(ctx context.Context, e *Engine, r Replay) (out ran, err error) {
	r.OnResult = func(r Result) { out.Results = append(out.Results, r) }
	out.Report, err = e.Replay(ctx, r)
	return out, err
}

func TestReplayAll(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 25, 700} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.put(dlqURL, n)
			before, _ := w.bodies(dlqURL)
			rep, err := replay(t, w, Replay{Worker: orders(), All: true})
			if err != nil || rep.Replayed != n || rep.Failed != 0 || len(rep.Warnings) != 0 {
				t.Fatalf("%+v %v", rep, err)
			}
			if after, _ := w.bodies(srcURL); !slices.Equal(after, before) {
				t.Error("the bodies are not what they were")
			}
			if left, _ := w.bodies(dlqURL); len(left) != 0 {
				t.Errorf("%d left in the DLQ", len(left))
			}
			if len(w.actions) != 1 || w.actions[0].Name != "dlq.replay" || w.actions[0].Object != "orders-dlq" || w.actions[0].Count != n {
				t.Errorf("the guard was told %+v", w.actions)
			} else if done, failed := w.actions[0].Tally(); done != n || failed != 0 {
				t.Errorf("the tally is %d, %d", done, failed)
			}
			if !w.nop {
				t.Error("the SDK would repeat a send whose answer was lost")
			}
		})
	}
}

func TestReplaySome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		ids := w.put(dlqURL, 60)
		rep, err := replay(t, w, Replay{Worker: orders(), IDs: []string{ids[41], ids[3], "no-such"}, To: "http://sqs/elsewhere"})
		p, ok := errors.AsType[*PartialError](err)
		if !ok || rep.Replayed != 2 || rep.Failed != 1 || len(p.Report.Problems) != 1 || p.Report.Problems[0].Status != StatusNotFound || p.Report.Problems[0].ID != "no-such" {
			t.Fatalf("%+v %v", rep, err)
		}
		if !strings.Contains(err.Error(), "no-such") {
			t.Errorf("the error does not name the message: %v", err)
		}
		moved, _ := w.bodies("http://sqs/elsewhere")
		if got := jobIDs(moved); !slices.Equal(got, []string{"job-4", "job-42"}) {
			t.Errorf("moved %q", got)
		}
		if left, hidden := w.bodies(dlqURL); len(left) != 58 || hidden != 0 {
			t.Errorf("%d left, %d hidden", len(left), hidden)
		}
		if !slices.Equal(w.actions[0].IDs, []string{ids[3], ids[41], "no-such"}) || w.actions[0].Count != 3 {
			t.Errorf("the guard was told %+v", w.actions)
		}
	})
}

func TestReplayKeepsAttributes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		attrs := map[string]types.MessageAttributeValue{
			"text": {DataType: new("String"), StringValue: new("v")},
			"bin":  {DataType: new("Binary"), BinaryValue: []byte{0, 255}},
		}
		w.queue(dlqURL).messages = []*fakeMessage{{
			id: "m", body: "not JSON \u202e", attributes: attrs,
			system: map[string]string{"AWSTraceHeader": "Root=1-2-3", "MessageGroupId": "tenant"},
		}}
		if _, err := replay(t, w, Replay{Worker: orders(), All: true}); err != nil {
			t.Fatal(err)
		}
		m := w.queue(srcURL).messages[0]
		if m.body != "not JSON \u202e" || !reflect.DeepEqual(m.attributes, attrs) || m.system["AWSTraceHeader"] != "Root=1-2-3" || m.system["MessageGroupId"] != "tenant" {
			t.Errorf("%+v", m)
		}
		if _, ok := m.system["MessageDeduplicationId"]; ok {
			t.Error("a standard queue refuses deduplication ids")
		}
	})
}

func TestReplayFIFO(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		worker := aws.Worker{ID: "f", Queue: &aws.Queue{Name: "f.fifo", URL: "http://sqs/f.fifo"}, DLQ: &aws.Queue{Name: "f-dlq.fifo", URL: "http://sqs/f-dlq.fifo"}}
		w.put("http://sqs/f-dlq.fifo", 40)
		for i, m := range w.queue("http://sqs/f-dlq.fifo").messages {
			m.system["MessageGroupId"] = fmt.Sprintf("g%d", i%3)
		}
		n := 0
		w.fault = func(op string) fault {
			if n++; op == "send" && n%4 == 0 {
				return fault{entry: true}
			}
			if op == "send" && n%7 == 0 {
				return fault{after: errLost}
			}
			return fault{}
		}
		rep, err := replay(t, w, Replay{Worker: worker, All: true})
		if err != nil || rep.Replayed != 40 {
			t.Fatalf("%+v %v", rep, err)
		}
		at := map[string]int{}
		sent := w.queue("http://sqs/f.fifo").messages
		if len(sent) != 40 {
			t.Errorf("%d messages in the queue: a lost answer doubled some", len(sent))
		}
		for _, m := range sent {
			var i int
			if _, err := fmt.Sscanf(m.system["MessageDeduplicationId"], "m-%d", &i); err != nil {
				t.Fatal(err)
			}
			if g := m.system["MessageGroupId"]; i < at[g] {
				t.Errorf("group %s: message %d after %d", g, i, at[g])
			} else {
				at[g] = i
			}
		}
	})
}

// Ten messages of 300 KB do not fit into one batch of 1 MiB.
func TestReplayRespectsTheBatchLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 10)
		for _, m := range w.queue(dlqURL).messages {
			m.body += strings.Repeat(" ", 300_000)
		}
		rep, err := replay(t, w, Replay{Worker: orders(), All: true})
		if err != nil || rep.Replayed != 10 {
			t.Errorf("%+v %v", rep, err)
		}
		if w.calls["send"] != 4 {
			t.Errorf("%d sends", w.calls["send"])
		}
	})
}

// A job that dies again at once comes back under the message id of its copy.
func TestReplayAllDoesNotBounceForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 30)
		w.onSend = func(_ string, m *fakeMessage) {
			// In front, so that it is received before those not replayed yet.
			back := &fakeMessage{id: m.id, body: m.body, system: m.system}
			w.queue(dlqURL).messages = append([]*fakeMessage{back}, w.queue(dlqURL).messages...)
			w.queue(srcURL).messages = nil
		}
		rep, err := replay(t, w, Replay{Worker: orders(), All: true})
		if err != nil || rep.Replayed != 30 || len(rep.Warnings) != 1 || !strings.Contains(rep.Warnings[0], "came back") {
			t.Errorf("%+v %v", rep, err)
		}
		for _, r := range rep.Results {
			if !strings.HasPrefix(r.ID, "m-") {
				t.Errorf("%s came back and was replayed again", r.ID)
			}
		}
		if left, hidden := w.bodies(dlqURL); len(left) != 30 || hidden != 0 {
			t.Errorf("%d in the DLQ, %d hidden", len(left), hidden)
		}
	})
}

// While others' jobs keep dying, all is what was there in the beginning.
func TestReplayAllEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 30)
		w.onSend = func(string, *fakeMessage) { w.put(dlqURL, 1) }
		rep, err := replay(t, w, Replay{Worker: orders(), All: true})
		if err != nil || rep.Replayed != 30 {
			t.Errorf("%d replayed, %q, %v", rep.Replayed, rep.Warnings, err)
		}
		if left, hidden := w.bodies(dlqURL); len(left) != 30 || hidden != 0 {
			t.Errorf("%d in the DLQ, %d hidden", len(left), hidden)
		}
	})
}

// A standard queue may deliver a message twice.
func TestDeliveredTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 45)
		w.queue(dlqURL).again = true
		list, err := engine(w).Peek(t.Context(), orders(), 0)
		if err != nil || len(list.Letters) != 45 {
			t.Errorf("%d letters, %v", len(list.Letters), err)
		}
		for _, m := range w.queue(dlqURL).messages {
			m.received = 0
		}
		// What cannot be deleted comes twice as well.
		w.fault = func(op string) fault { return fault{entry: op == "delete" && w.calls[op]%2 == 1} }
		rep, err := replay(t, w, Replay{Worker: orders(), All: true})
		if sent, _ := w.bodies(srcURL); err != nil || rep.Replayed != 45 || len(sent) != 45 {
			t.Errorf("%d replayed, %d sent, %v", rep.Replayed, len(sent), err)
		}
	})
}

// Interrupted at any moment, with nothing failing: each message is in exactly
// one place, and none is hidden.
func TestReplayInterrupted(t *testing.T) {
	t.Parallel()
	for ms := range 40 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.put(dlqURL, 300)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Duration(ms)*time.Millisecond, cancel)
			w.fault = func(string) fault { w.delay(time.Millisecond); return fault{} }
			rep, err := replayWith(ctx, engine(w), Replay{Worker: orders(), All: true})
			left, hidden := w.bodies(dlqURL)
			sent, _ := w.bodies(srcURL)
			if (err == nil) != (len(left) == 0) || err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("after %d ms: %d left, err = %v", ms, len(left), err)
			}
			all := slices.Concat(left, sent)
			slices.Sort(all)
			if n := len(slices.Compact(all)); n != 300 || len(left)+len(sent) != 300 || hidden != 0 || len(sent) != rep.Replayed {
				t.Errorf("after %d ms: %d different messages, %d left, %d sent, %d hidden, %d replayed", ms, n, len(left), len(sent), hidden, rep.Replayed)
			}
			for _, r := range rep.Results {
				if r.MaybeSent || r.Status == StatusNotDeleted {
					t.Errorf("after %d ms: %+v", ms, r)
				}
			}
		})
	}
}

func TestReplayFIFOKeepsBackAGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 9)
		for i, m := range w.queue(dlqURL).messages {
			m.system["MessageGroupId"] = fmt.Sprintf("g%d", i%3)
		}
		w.refuse = func(body string) bool { return strings.Contains(body, "job-2") }
		rep, err := replay(t, w, Replay{Worker: orders(), All: true, To: "http://sqs/f.fifo"})
		left, _ := w.bodies(dlqURL)
		if got := jobIDs(left); rep.Replayed != 6 || err == nil || !slices.Equal(got, []string{"job-2", "job-5", "job-8"}) {
			t.Errorf("%d replayed, %q left, %v", rep.Replayed, got, err)
		}
	})
}

// An answer was lost, and what came after it was a refusal: the message may be
// there all the same.
func TestReplayLostAnswerIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 1)
		w.fault = func(op string) fault {
			switch {
			case op == "send" && w.calls[op] == 1:
				return fault{after: errLost}
			case op == "send":
				return fault{before: throttled()}
			}
			return fault{}
		}
		rep, _ := replay(t, w, Replay{Worker: orders(), All: true, To: "http://sqs/f.fifo"})
		if len(rep.Results) != 1 || rep.Results[0].Status != StatusFailed || !rep.Results[0].MaybeSent {
			t.Errorf("%+v", rep)
		}
	})
}

func TestReplaySentNotDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 3)
		w.fault = func(op string) fault {
			if op == "delete" {
				return fault{entry: true} // always the first of the batch
			}
			return fault{}
		}
		rep, err := replay(t, w, Replay{Worker: orders(), All: true})
		if rep.Replayed != 2 || rep.Failed != 1 {
			t.Fatalf("%+v %v", rep, err)
		}
		p, _ := errors.AsType[*PartialError](err)
		if p == nil || p.Report.Problems[0].Status != StatusNotDeleted || p.Report.Problems[0].NewID == "" || !strings.Contains(err.Error(), "both queues (m-0000") {
			t.Errorf("err = %v", err)
		}
	})
}

// A queue whose answers are always lost must not be filled with copies.
func TestReplayLostAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 3)
		w.fault = func(op string) fault {
			if op == "send" {
				return fault{after: errLost}
			}
			return fault{}
		}
		for _, keep := range []bool{true, false} {
			rep, err := replay(t, w, Replay{Worker: orders(), All: true, KeepUnanswered: keep})
			if rep.Failed != 3 || !rep.Results[0].MaybeSent || rep.Results[0].Status != StatusFailed || err == nil {
				t.Errorf("%+v %v", rep, err)
			}
			copies := 3
			if !keep {
				copies = 9 // twice more
			}
			if sent, _ := w.bodies(srcURL); len(sent) != copies {
				t.Errorf("%d copies of 3, want %d", len(sent), copies)
			}
			if left, hidden := w.bodies(dlqURL); len(left) != 3 || hidden != 0 {
				t.Errorf("%d left, %d hidden", len(left), hidden)
			}
		}
	})
}

// One message that SQS refuses must not keep back the nine beside it.
func TestReplayOneBadMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 10)
		w.queue(dlqURL).messages[6].body = strings.Repeat("x", batchBytes+1)
		rep, err := replay(t, w, Replay{Worker: orders(), All: true})
		p, _ := errors.AsType[*PartialError](err)
		if rep.Replayed != 9 || p == nil || len(p.Report.Problems) != 1 || p.Report.Problems[0].ID != "m-00007" || p.Report.Problems[0].MaybeSent {
			t.Errorf("%+v %v", rep, err)
		}
	})
}

func TestReplayDeniedStopsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 500)
		denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
		w.fault = func(op string) fault {
			if op == "send" {
				return fault{before: denied}
			}
			return fault{}
		}
		rep, err := replay(t, w, Replay{Worker: orders(), All: true})
		if kind, _ := aws.Classify(err); kind != aws.KindDenied || rep.Replayed != 0 {
			t.Errorf("%+v %v", rep, err)
		}
		if n := w.calls["send"]; n > DefaultConcurrency {
			t.Errorf("%d sends", n)
		}
		if left, hidden := w.bodies(dlqURL); len(left) != 500 || hidden != 0 {
			t.Errorf("%d left, %d hidden", len(left), hidden)
		}
	})
}

func TestReplayRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ids := w.put(dlqURL, 1)
	for name, r := range map[string]Replay{
		"no DLQ":           {Worker: aws.Worker{ID: "x"}, All: true},
		"no queue":         {Worker: aws.Worker{ID: "x", DLQ: orders().DLQ}, All: true},
		"into itself":      {Worker: orders(), All: true, To: dlqURL},
		"nothing chosen":   {Worker: orders()},
		"both ids and all": {Worker: orders(), All: true, IDs: ids},
	} {
		if rep, err := replay(t, w, r); err == nil || len(rep.Results) != 0 {
			t.Errorf("%s: %+v %v", name, rep, err)
		}
	}
	w.refused = fmt.Errorf("replay: %w", aws.ErrReadOnly)
	if _, err := replay(t, w, Replay{Worker: orders(), All: true}); !errors.Is(err, aws.ErrReadOnly) {
		t.Errorf("err = %v", err)
	}
	if w.calls["receive"]+w.calls["send"] != 0 {
		t.Errorf("calls were made: %v", w.calls)
	}
}

// Whatever fails and whenever it is interrupted: no message is lost, none is
// hidden for longer than a lease, and none is doubled without being named.
func TestReplayChaos(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := chaos{
			messages:  rapid.IntRange(1, 300).Draw(rt, "messages"),
			fifo:      rapid.Bool().Draw(rt, "to FIFO"),
			interrupt: time.Duration(rapid.IntRange(-3000, 3000).Draw(rt, "interrupt after ms")) * time.Millisecond,
			ids:       rapid.IntRange(-100, 100).Draw(rt, "ids"),
			faults:    rapid.SliceOfN(rapid.IntRange(0, 30), 97, 97).Draw(rt, "faults"),
		}
		synctest.Test(t, func(t *testing.T) { c.run(t, rt) })
	})
}

// chaos is one case, drawn before the bubble is entered.
type chaos struct {
	messages  int
	fifo      bool
	interrupt time.Duration // negative: none
	ids       int           // not positive: all
	faults    []int
}

func (c *chaos) run(t *testing.T, rt *rapid.T) {
	w := newWorld()
	ids := w.put(dlqURL, c.messages)
	before, _ := w.bodies(dlqURL)
	r := Replay{Worker: orders(), All: c.ids <= 0, To: srcURL}
	if !r.All {
		r.IDs = ids[:min(c.ids, len(ids))]
	}
	if c.fifo {
		r.To += ".fifo"
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if c.interrupt >= 0 {
		defer time.AfterFunc(c.interrupt, cancel).Stop()
	}
	calls := 0
	w.fault = func(op string) fault {
		if op == "attributes" {
			return fault{}
		}
		w.delay(10 * time.Millisecond)
		calls++
		switch c.faults[calls%len(c.faults)] {
		case 0, 1:
			return fault{before: throttled()}
		case 2:
			return fault{before: errLost}
		case 3:
			return fault{after: errLost}
		case 4, 5:
			return fault{entry: true}
		}
		return fault{}
	}
	rep, err := replayWith(ctx, engine(w), r)
	w.fault = nil

	byID := map[string]Result{}
	for _, res := range rep.Results {
		if _, twice := byID[res.ID]; twice {
			rt.Errorf("two results for %s", res.ID)
		}
		byID[res.ID] = res
	}
	dead, _ := w.bodies(dlqURL)
	sent, _ := w.bodies(r.To)
	copies := map[string]int{}
	for _, b := range sent {
		copies[b]++
	}
	for _, body := range before {
		id := idOf(body)
		res := byID[id]
		inDLQ := slices.Contains(dead, body)
		switch {
		case !inDLQ && copies[body] == 0:
			rt.Errorf("%s is lost (%+v)", id, res)
		case copies[body] > 2 || copies[body] > 1 && (!res.MaybeSent || c.fifo):
			rt.Errorf("%s was sent %d times (%+v)", id, copies[body], res)
		case inDLQ && copies[body] == 1 && res.Status != StatusNotDeleted && !res.MaybeSent:
			rt.Errorf("%s is in both queues, and the report says %+v", id, res)
		case res.Status == StatusReplayed && (inDLQ || copies[body] < 1):
			rt.Errorf("%s is reported as replayed: in the DLQ %v, copies %d", id, inDLQ, copies[body])
		case copies[body] == 1 && !r.All && !slices.Contains(r.IDs, id):
			rt.Errorf("%s was not asked for", id)
		}
	}
	if rep.Replayed+rep.Failed+rep.Skipped != len(rep.Results) || rep.Failed > 0 && err == nil {
		rt.Errorf("%d replayed, %d failed, %d results, err %v", rep.Replayed, rep.Failed, len(rep.Results), err)
	}
	begun := err == nil || len(byID) > 0 // else it was interrupted before it began
	if !r.All && begun && len(byID) != len(r.IDs) {
		rt.Errorf("%d results for %d ids", len(byID), len(r.IDs))
	}
	time.Sleep(2 * lookLease)
	if _, hidden := w.bodies(dlqURL); hidden > 0 {
		rt.Errorf("%d messages are hidden after the lease", hidden)
	}
}

// idOf is the id that put gave the message of a body.
func idOf(body string) string {
	var n int
	if _, err := fmt.Sscanf(jobIDs([]string{body})[0], "job-%d", &n); err != nil {
		panic(err)
	}
	return fmt.Sprintf("m-%05d", n)
}
