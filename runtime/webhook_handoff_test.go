package runtime

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// handedOn runs a job whose receiver is down, and returns the message that the
// callback is in by then.
func (q *queueRig) handedOn(t testing.TB, worker, target string, receives int) *sqs.SendMessageInput {
	t.Helper()
	q.jump(t, queued("m1", webhookBody(worker, target), receives))
	if len(q.sqs.sent) != 1 {
		t.Fatalf("%d messages were sent, want the one that hands the callback on", len(q.sqs.sent))
	}
	return q.sqs.sent[0]
}

func TestWebhookIsHandedOn(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", testWebhookSecret} {
		rc := receiver(t, answering(503))
		runs := 0
		q := newQueueRig(t, webhookEnv("WORKER_WEBHOOK_SECRET", secret), nil, counter(&runs))
		in := q.handedOn(t, "count", rc.url+"/hook?token=abc", 1)

		if in.DelaySeconds < 22 || in.DelaySeconds > 30 {
			t.Errorf("the message is delayed by %d s, want about 30", in.DelaySeconds)
		}
		if w := q.job(t, "j-1").Webhook; !w.Pending || w.Attempts != 3 || w.Status != 503 {
			t.Errorf("recorded: %+v", w)
		}
		if e := q.eventOf(t, dispatch.EventWebhook); e.Level != "WARN" || e.DelayMS < 22000 {
			t.Errorf("event = %+v", e)
		}

		rc.now(200)
		outcomes := len(q.outcomes)
		if failed := q.jump(t, sentAgain("m2", in, 1)); len(failed) != 0 {
			t.Errorf("the message that was delivered comes again: %q", failed)
		}
		calls := rc.calls()
		if len(calls) != 4 {
			t.Fatalf("%d calls, want 3 in vain and 1 more", len(calls))
		}
		if calls[3].body != calls[0].body || calls[3].header.Get("webhook-id") != calls[0].header.Get("webhook-id") || calls[3].path != "/hook" {
			t.Errorf("the event is another one:\n%+v\n%+v", calls[0], calls[3])
		}
		if secret != "" {
			s, err := webhook.ParseSecret(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := webhook.Verify([]webhook.Secret{s}, calls[3].header, []byte(calls[3].body)); err != nil {
				t.Error(err)
			}
		}
		if w := q.job(t, "j-1").Webhook; !w.Delivered || w.Attempts != 4 || w.Status != 200 || w.Pending || w.Error != "" {
			t.Errorf("recorded: %+v", w)
		}
		if runs != 1 || len(q.outcomes) != outcomes {
			t.Errorf("the job ran %d times, and %d outcomes were reported for its callback", runs, len(q.outcomes)-outcomes)
		}
		// The same message once more, since SQS delivers at least once.
		q.jump(t, sentAgain("m2", in, 2))
		if n := len(rc.calls()); n != 4 {
			t.Errorf("%d calls: it was delivered before", n)
		}
		if strings.Contains(q.text(), "abc") {
			t.Error("the log shows the URL's query")
		}
	}
}

func TestHandedOnWebhookBacksOff(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(500))
	q := newQueueRig(t, webhookEnv("AIWORKER_MAX_RECEIVE_COUNT", "8"), nil)
	in := q.handedOn(t, "ok", rc.url, 1)
	for receives := 1; receives <= 7; receives++ {
		if failed := q.jump(t, sentAgain("m2", in, receives)); !slices.Equal(failed, []string{"m2"}) {
			t.Fatalf("failures = %q: the message is to come again", failed)
		}
		if w := q.job(t, "j-1").Webhook; !w.Pending || w.Attempts != 3+3*receives {
			t.Errorf("recorded: %+v", w)
		}
	}
	hides := q.sqs.hidesOf("m2")
	for i, want := range []int32{60, 120, 240, 480, 900, 900, 900} {
		if got := hides[i]; got > want || got < want*3/4 {
			t.Errorf("after delivery %d hidden for %d s, want %d", i+1, got, want)
		}
	}
	// The last delivery; then the message is dead, and says so.
	q.jump(t, sentAgain("m2", in, 8))
	if got := q.sqs.hidesOf("m2"); got[len(got)-1] != 0 {
		t.Errorf("after its last delivery the message is hidden for %d s", got[len(got)-1])
	}
	w, last := q.job(t, "j-1").Webhook, q.webhookEvents(t)
	if w.Pending || w.Delivered || w.Error == "" || last[len(last)-1].Level != "ERROR" || !strings.Contains(last[len(last)-1].Message, "replay") {
		t.Errorf("recorded: %+v, event %+v", w, last[len(last)-1])
	}
	// A replay is the same message with its receives counted anew.
	rc.now(204)
	if failed := q.jump(t, sentAgain("m9", in, 1)); len(failed) != 0 || !q.job(t, "j-1").Webhook.Delivered {
		t.Errorf("failures %q, recorded %+v", failed, q.job(t, "j-1").Webhook)
	}
}

func TestHandedOnWebhookIsRefused(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(500))
	q := newQueueRig(t, webhookEnv(), nil)
	in := q.handedOn(t, "ok", rc.url, 1)
	rc.now(410)
	if failed := q.jump(t, sentAgain("m2", in, 1)); len(failed) != 0 {
		t.Errorf("failures = %q: the receiver does not want it", failed)
	}
	if w := q.job(t, "j-1").Webhook; w.Delivered || w.Pending || w.Status != 410 || w.Attempts != 4 {
		t.Errorf("recorded: %+v", w)
	}
}

func TestHandedOnWebhookHeedsRetryAfter(t *testing.T) {
	t.Parallel()
	rc := receiverThat(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	q := newQueueRig(t, webhookEnv(), nil)
	in := q.handedOn(t, "ok", rc.url, 1)
	q.jump(t, sentAgain("m2", in, 1))
	if got := q.sqs.hidesOf("m2"); !slices.Equal(got, []int32{600}) {
		t.Errorf("hidden for %v s, want 600", got)
	}
}

// editHandoff rewrites the callback inside a message.
func editHandoff(t *testing.T, in *sqs.SendMessageInput, edit func(callback, sealed, message map[string]any)) *sqs.SendMessageInput {
	t.Helper()
	decode := func(text []byte) (m map[string]any) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	message := decode([]byte(*in.MessageBody))
	field, ok := message[handoffField].(map[string]any)
	if !ok {
		t.Fatalf("no callback in %s", *in.MessageBody)
	}
	callback, ok := field["callback"].(map[string]any)
	if !ok {
		t.Fatalf("no callback in %s", *in.MessageBody)
	}
	edit(callback, field, message)
	text, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	body := string(text)
	return &sqs.SendMessageInput{MessageBody: &body}
}

// Whoever can write to the queue cannot have a result signed.
func TestForgedHandoffs(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(callback, field, message map[string]any){
		"another result": func(c, _, _ map[string]any) { c["payload"].(map[string]any)["output"] = "forged" },
		"another URL":    func(c, _, _ map[string]any) { c["url"] = c["url"].(string) + "/elsewhere" },
		"another id":     func(c, _, _ map[string]any) { c["id"] = "msg_0" },
		"another status": func(c, _, _ map[string]any) { c["status"] = "error" },
		"another job": func(c, _, m map[string]any) {
			c["jobId"], m["jobId"] = "j-2", "j-2"
		},
		"in another job's message": func(_, _, m map[string]any) { m["jobId"] = "j-2" },
		"no MAC":                   func(_, f, _ map[string]any) { delete(f, "mac") },
		"an empty MAC":             func(_, f, _ map[string]any) { f["mac"] = "" },
		"a MAC of nothing":         func(_, f, _ map[string]any) { f["mac"] = base64.StdEncoding.EncodeToString(make([]byte, 32)) },
		"no callback":              func(_, f, _ map[string]any) { delete(f, "callback") },
		"a field of another type":  func(_, _, m map[string]any) { m[handoffField] = "x" },
		"a null field":             func(_, _, m map[string]any) { m[handoffField] = nil },
	} {
		for _, env := range []map[string]string{
			webhookEnv("WORKER_WEBHOOK_SECRET", testWebhookSecret),
			webhookEnv("WORKFLOW_INTERNAL_SECRET", "the receivers know us by this"),
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				rc := receiver(t, answering(500))
				runs := 0
				env := env
				if name == "another job" {
					env = webhookEnv("WORKER_WEBHOOK_SECRET", testWebhookSecret, dispatch.DLQURLEnv("count"), testDLQURL)
				}
				q := newQueueRig(t, env, nil, counter(&runs))
				genuine := q.handedOn(t, "count", rc.url, 1)
				rc.now(200)
				forged := sentAgain("m2", editHandoff(t, genuine, edit), 1)
				failed := q.jump(t, forged)
				if n := len(rc.calls()); n != 3 || runs != 1 {
					t.Fatalf("%d calls (3 were made before), %d runs", n, runs)
				}
				if dead := len(q.sqs.sentTo(testDLQURL)); dead == 0 && !slices.Equal(failed, []string{"m2"}) || dead == 1 && len(failed) != 0 {
					t.Errorf("failures = %q, %d dead letters: the message belongs into the dead-letter queue", failed, dead)
				}
				if e := q.webhookEvents(t); e[len(e)-1].Level != "ERROR" || !strings.Contains(e[len(e)-1].Message, handoffField) {
					t.Errorf("event = %+v", e[len(e)-1])
				}
				// Its spelling may change on the way through another program.
				if failed := q.jump(t, sentAgain("m3", spaced(t, genuine), 1)); len(failed) != 0 || len(rc.calls()) != 4 {
					t.Errorf("the genuine message with other spaces: failures %q, %d calls", failed, len(rc.calls()))
				}
			})
		}
	}
}

// spaced is the message with its JSON indented.
func spaced(t *testing.T, in *sqs.SendMessageInput) *sqs.SendMessageInput {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(*in.MessageBody), "", "  "); err != nil {
		t.Fatal(err)
	}
	body := out.String()
	return &sqs.SendMessageInput{MessageBody: &body}
}

func TestHandoffsOutliveARotation(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(500))
	before := newQueueRig(t, webhookEnv("WORKER_WEBHOOK_SECRET", testWebhookSecret), nil)
	in := before.handedOn(t, "ok", rc.url, 1)
	rc.now(200)
	for _, tt := range []struct {
		secrets string
		calls   int
	}{
		{otherWebhookSecret, 3},
		{otherWebhookSecret + " " + testWebhookSecret, 4},
	} {
		after := newQueueRig(t, webhookEnv("WORKER_WEBHOOK_SECRET", tt.secrets), nil)
		after.jump(t, sentAgain("m2", in, 1))
		if n := len(rc.calls()); n != tt.calls {
			t.Errorf("%d calls, want %d", n, tt.calls)
		}
	}
}

// The text of a result may hold what SQS does not take as it is.
func TestHandoffOfOddText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"\ufffe\uffff", "<script>&amp;</script>", "\u2028 \u0000 é 😀", strings.Repeat(`"\`, 100)} {
		rc := receiver(t, answering(500))
		odd := Must(New("odd", func(context.Context, *Job[order]) (string, error) { return text, nil }))
		q := newQueueRig(t, webhookEnv("WORKER_WEBHOOK_SECRET", testWebhookSecret), nil, odd)
		in := q.handedOn(t, "odd", rc.url, 1)
		if strings.ContainsAny(*in.MessageBody, "\ufffe\uffff") {
			t.Errorf("%q: SQS refuses the message", text)
		}
		rc.now(200)
		q.jump(t, sentAgain("m2", in, 1))
		calls := rc.calls()
		e, err := webhook.Parse[string](http.Header{}, []byte(calls[len(calls)-1].body))
		if len(calls) != 4 || err != nil || e.Output != text {
			t.Errorf("%d calls, output %q, want %q; %v", len(calls), e.Output, text, err)
		}
	}
}

func TestWebhookThatIsTooLongForAMessage(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1100<<10)
	worker := Must(New("long", func(context.Context, *Job[order]) (string, error) { return long, nil }))
	for name, tt := range map[string]struct {
		configure func(*AppConfig)
		handed    bool
	}{
		"without a store":                 {func(cfg *AppConfig) { cfg.Store = nil }, false},
		"with a store that has no output": {nil, false},
		"with a store that has it":        {func(cfg *AppConfig) { cfg.MaxStoredOutput = 4 << 20 }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rc := receiver(t, answering(500))
			q := newQueueRig(t, webhookEnv("WORKER_WEBHOOK_SECRET", testWebhookSecret), tt.configure, worker)
			if failed := q.jump(t, queued("m1", webhookBody("long", rc.url), 1)); len(failed) != 0 {
				t.Errorf("failures = %q: the job is done", failed)
			}
			if !tt.handed {
				if e := q.eventOf(t, dispatch.EventWebhook); e.Level != "ERROR" || !strings.Contains(e.Message, "too long") || len(q.sqs.sent) != 0 {
					t.Errorf("event = %+v, %d messages", e, len(q.sqs.sent))
				}
				return
			}
			if len(q.sqs.sent) != 1 || len(*q.sqs.sent[0].MessageBody) > 2000 {
				t.Fatalf("%d messages", len(q.sqs.sent))
			}
			rc.now(200)
			q.jump(t, sentAgain("m2", q.sqs.sent[0], 1))
			calls := rc.calls()
			if len(calls) != 4 || calls[3].body != calls[0].body {
				t.Errorf("%d calls, the last with %d bytes, want 4 and %d", len(calls), len(calls[len(calls)-1].body), len(calls[0].body))
			}
			if !q.job(t, "j-1").Webhook.Delivered {
				t.Errorf("recorded: %+v", q.job(t, "j-1").Webhook)
			}
			// Without its record there is nothing to send.
			q.App.store = jobstore.NewMemory()
			if failed := q.jump(t, sentAgain("m3", q.sqs.sent[0], 1)); len(failed) != 0 || len(rc.calls()) != 4 {
				t.Errorf("failures = %q, %d calls", failed, len(rc.calls()))
			}
			if e := q.webhookEvents(t); e[len(e)-1].Level != "ERROR" {
				t.Errorf("event = %+v", e[len(e)-1])
			}
		})
	}
}

// A caller that has heard of a success must not hear of the failure before it.
func TestHandoffThatIsOvertaken(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(500))
	fail := true
	worker := Must(New("later", func(_ context.Context, j *Job[order]) (order, error) {
		if fail {
			return order{}, Permanent(errService)
		}
		return j.Input, nil
	}))
	q := newQueueRig(t, webhookEnv(), nil, worker)
	in := q.handedOn(t, "later", rc.url, 3)
	rc.now(200)
	fail = false
	q.jump(t, queued("m7", webhookBody("later", rc.url), 1)) // a replay
	if failed := q.jump(t, sentAgain("m2", in, 1)); len(failed) != 0 {
		t.Errorf("failures = %q", failed)
	}
	calls := rc.calls()
	if len(calls) != 4 || !strings.Contains(calls[3].body, `"status":"success"`) {
		t.Errorf("%d calls, the last: %s", len(calls), calls[len(calls)-1].body)
	}
}

// With SQS down as well, the message of the job itself is all there is to remember
// the callback by.
func TestWebhookThatCannotBeHandedOn(t *testing.T) {
	t.Parallel()
	for _, withStore := range []bool{true, false} {
		rc := receiver(t, answering(500))
		runs := 0
		q := newQueueRig(t, webhookEnv("WORKER_WEBHOOK_SECRET", testWebhookSecret), func(cfg *AppConfig) {
			if !withStore {
				cfg.Store = nil
			}
		}, counter(&runs))
		q.sqs.sendErr = func(*sqs.SendMessageInput) error { return denied("sqs:SendMessage") }
		failed := q.jump(t, queued("m1", webhookBody("count", rc.url), 1))
		if e := q.eventOf(t, dispatch.EventWebhook); e.Level != "ERROR" || !strings.Contains(e.Message, "sqs:SendMessage") {
			t.Errorf("event = %+v", e)
		}
		if !withStore {
			if len(failed) != 0 {
				t.Error("without a record the job would run again")
			}
			continue
		}
		if !slices.Equal(failed, []string{"m1"}) || len(q.sqs.hidesOf("m1")) != 1 {
			t.Fatalf("failures = %q: the callback would be lost", failed)
		}
		rc.now(200)
		if failed := q.jump(t, queued("m1", webhookBody("count", rc.url), 2)); len(failed) != 0 {
			t.Errorf("failures = %q", failed)
		}
		calls := rc.calls()
		if len(calls) != 4 || runs != 1 {
			t.Fatalf("%d calls and %d runs, want 4 and 1", len(calls), runs)
		}
		if calls[3].body != calls[0].body || calls[3].header.Get("webhook-id") != calls[0].header.Get("webhook-id") {
			t.Errorf("the event is another one:\n%+v\n%+v", calls[0], calls[3])
		}
		q.jump(t, queued("m1", webhookBody("count", rc.url), 3))
		if w := q.job(t, "j-1").Webhook; len(rc.calls()) != 4 || !w.Delivered || w.Attempts != 4 {
			t.Errorf("%d calls, recorded: %+v", len(rc.calls()), w)
		}
	}
}

// What a receiver has refused is not sent again with each duplicate of the message.
func TestWebhookThatWasRefusedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(404))
	q := newQueueRig(t, webhookEnv(), nil)
	for receives := 1; receives <= 2; receives++ {
		if failed := q.jump(t, queued("m1", webhookBody("ok", rc.url), receives)); len(failed) != 0 {
			t.Errorf("failures = %q", failed)
		}
	}
	if n := len(rc.calls()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestWebhookAgainWithoutAnOutput(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(200))
	q := newQueueRig(t, webhookEnv(), nil)
	claim := jobstore.Claim{JobID: "j-1", WorkerID: "ok", Owner: "o", MessageID: "m1", Receives: 1, Lease: time.Now().Add(time.Minute)}
	if _, err := q.store.Claim(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	if err := q.store.Update(t.Context(), "j-1", jobstore.Update{Owner: "o", Status: jobstore.Completed, OutputBytes: 5 << 20}); err != nil {
		t.Fatal(err)
	}
	q.jump(t, queued("m1", webhookBody("ok", rc.url), 2))
	if e := q.eventOf(t, dispatch.EventWebhook); len(rc.calls()) != 0 || e.Level != "ERROR" {
		t.Errorf("%d calls, event %+v: a success without its output is not the job's", len(rc.calls()), e)
	}
}

func TestHandoffOnAFIFOQueue(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(500))
	q := newQueueRig(t, webhookEnv(), nil)
	q.jump(t, inGroup(queued("m1", webhookBody("ok", rc.url), 1), "g"))
	in := q.sqs.sent[0]
	if in.DelaySeconds != 0 || in.MessageGroupId == nil || *in.MessageGroupId == "g" || in.MessageDeduplicationId == nil {
		t.Fatalf("sent %+v: a FIFO queue takes no delay, and the jobs of the group must not wait for the receiver", in)
	}
	m := inGroup(sentAgain("m2", in, 1), *in.MessageGroupId)
	if failed := q.jump(t, m, inGroup(queued("m3", strings.Replace(webhookBody("ok", rc.url), "j-1", "j-3", 1), 1), "g")); !slices.Equal(failed, []string{"m2"}) {
		t.Errorf("failures = %q: a callback holds up the group's jobs", failed)
	}
	if got := q.sqs.hidesOf("m2"); len(got) != 1 || got[0] < 45 {
		t.Errorf("hidden for %v s, want about 60", got)
	}
}

func TestHandoffThatHasNoTime(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(500))
	q := newQueueRig(t, webhookEnv(), nil)
	in := q.handedOn(t, "ok", rc.url, 1)
	ctx, shutdown := context.WithCancelCause(t.Context())
	shutdown(ErrShutdown)
	for _, receives := range []int{1, 3} {
		resp, err := q.HandleSQS(ctx, batchOf(sentAgain("m2", in, receives)))
		// In its last delivery it is sent again: nobody has tried it.
		if failed := failures(t, resp, err); (len(failed) == 0) != (receives == 3) {
			t.Errorf("delivery %d: failures = %q", receives, failed)
		}
	}
	if len(q.sqs.sent) != 2 {
		t.Fatalf("%d messages were sent, want the callback's first and its last delivery's", len(q.sqs.sent))
	}
	if n := len(rc.calls()); n != 3 {
		t.Errorf("%d calls, want those of the first delivery", n)
	}
	again := q.sqs.sent[1]
	rc.now(200)
	if failed := q.jump(t, sentAgain("m4", again, 1)); len(failed) != 0 || !q.job(t, "j-1").Webhook.Delivered {
		t.Errorf("failures %q, recorded %+v", failed, q.job(t, "j-1").Webhook)
	}
}

func TestHandoffOfAnotherWorker(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(500))
	q := newQueueRig(t, webhookEnv(), nil)
	in := q.handedOn(t, "ok", rc.url, 1)
	rc.now(200)
	resp := q.handleBatch(t.Context(), batchOf(sentAgain("m2", in, 1)), q.workers["error"])
	if failed := failures(t, resp, nil); !slices.Equal(failed, []string{"m2"}) || len(rc.calls()) != 3 {
		t.Errorf("failures %q, %d calls: the message is in another worker's queue", failed, len(rc.calls()))
	}
}

// The store may be down when a callback is to be tried again.
func TestHandoffWithoutItsStore(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(500))
	q := newQueueRig(t, webhookEnv(), nil)
	in := q.handedOn(t, "ok", rc.url, 1)
	q.App.store = downStore{}
	rc.now(200)
	if failed := q.jump(t, sentAgain("m2", in, 1)); len(failed) != 0 || len(rc.calls()) != 4 {
		t.Errorf("failures = %q, %d calls: the callback needs no store", failed, len(rc.calls()))
	}
}

type downStore struct{ jobstore.Store }

func (downStore) Get(context.Context, string) (*jobstore.Record, error) {
	return nil, errors.New("no store")
}

func (downStore) Update(context.Context, string, jobstore.Update) error {
	return errors.New("no store")
}

func FuzzHandoff(f *testing.F) {
	env := map[string]string{"WORKER_WEBHOOK_SECRET": testWebhookSecret}
	app, err := NewApp(AppConfig{Output: &bytes.Buffer{}, Getenv: func(name string) string { return env[name] }})
	if err != nil {
		f.Fatal(err)
	}
	s := app.webhook
	genuine, err := s.message(handoff{
		JobID: "j", WorkerID: "w", URL: "https://example.com/", ID: "msg_1", Status: webhookSuccess, Payload: json.RawMessage(`{"a":1}`),
	}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(genuine, "https://example.com/?a=<b>", "job-1", `{"jobId":"j","output":"\ufffe"}`)
	f.Add(`{"webhookDelivery":null}`, "", "", "")
	f.Add(`{"jobId":1,"webhookDelivery":{"callback":{"jobId":"1"},"mac":"AAAA"}}`, "\xff", "\xff.", "null")
	f.Add(`{"webhookDelivery":{"callback":[],"mac":1}}`, "x", "￾", "[1,  2]")
	f.Fuzz(func(t *testing.T, body, url, id, payload string) {
		if m, err := dispatch.ParseMessage([]byte(body)); err == nil {
			if h, ok := parseHandoff(m); ok && s.check(h, m.JobID, m.WorkerID) == nil {
				// Only what was protected with the key is accepted, and one text is known that was.
				known, err := dispatch.ParseMessage([]byte(genuine))
				if err != nil {
					t.Fatal(err)
				}
				want, _ := parseHandoff(known)
				if !bytes.Equal(h.raw, want.raw) {
					t.Fatalf("accepted %s", body)
				}
			}
		}
		if !json.Valid([]byte(payload)) || id == "" {
			return
		}
		text, err := s.message(handoff{JobID: id, WorkerID: "w", URL: url, ID: "msg_2", Status: webhookError, Payload: json.RawMessage(payload)}, nil)
		if err != nil {
			t.Fatalf("write: %v", err)
		}
		m, err := dispatch.ParseMessage([]byte(text))
		if err != nil {
			t.Fatalf("read %s: %v", text, err)
		}
		h, ok := parseHandoff(m)
		if !ok {
			t.Fatalf("no callback in %s", text)
		}
		if err := s.check(h, m.JobID, m.WorkerID); err != nil {
			t.Fatalf("refused its own callback %s: %v", text, err)
		}
	})
}
