package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

// wire is an SQS that keeps what was sent.
type wire struct {
	runtime.SQSAPI
	mu      sync.Mutex
	sent    []*sqs.SendMessageInput
	lookups []string
	missing bool
}

func (w *wire) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, in)
	return &sqs.SendMessageOutput{MessageId: awssdk.String(fmt.Sprint("message-", len(w.sent)))}, nil
}

func (w *wire) ChangeMessageVisibility(context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

func (w *wire) GetQueueUrl(_ context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) { //nolint:revive // the SDK's name
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lookups = append(w.lookups, *in.QueueName)
	if w.missing {
		return nil, &types.QueueDoesNotExist{}
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: awssdk.String("https://sqs.example/1/" + *in.QueueName)}, nil
}

// queueEnv is an environment in which every worker has a queue.
func queueEnv(name string) string {
	if strings.HasPrefix(name, "WORKER_QUEUE_URL_") {
		return "https://sqs.example/1/q"
	}
	return ""
}

// message is what was sent as number n, from 0.
func (w *wire) message(t *testing.T, n int) *dispatch.Message {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.sent) <= n {
		t.Fatalf("%d messages were sent, want at least %d", len(w.sent), n+1)
	}
	m, err := dispatch.ParseMessage([]byte(*w.sent[n].MessageBody))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// parent is a worker whose handler does what the test says.
func parent(do func(ctx context.Context, j *runtime.Job[int]) error, opts ...runtime.Option) runtime.Runner {
	return runtime.Must(runtime.New("parent", func(ctx context.Context, j *runtime.Job[int]) (int, error) {
		return 1, do(ctx, j)
	}, opts...))
}

func TestJobDispatchSendsToTheChildsQueue(t *testing.T) {
	t.Parallel()
	var queue wire
	store := jobstore.NewMemory()
	var result dispatch.Result
	w := parent(func(ctx context.Context, j *runtime.Job[int]) (err error) {
		result, err = j.Dispatch(ctx, "make-thumb", map[string]any{"url": "<a>"},
			dispatch.WithDelay(90*time.Second), dispatch.WithMetadata(map[string]any{"k": "v"}), dispatch.WithMaxTokens(7), dispatch.WithWebhookURL("https://example.com/h"))
		return err
	})
	app, _ := newAppWith(t, runtime.AppConfig{SQS: &queue, Store: store, Getenv: func(name string) string {
		return map[string]string{"WORKER_QUEUE_URL_MAKE_THUMB": "https://sqs.example/1/thumbs"}[name]
	}}, w)
	ev := oneMessage("parent", "1")
	ev.Records[0].Body = `{"workerId":"parent","jobId":"job-1","input":1,"context":{"requestId":"r-9","userId":"u-1","secret":"x"},"metadata":{"mine":true},"maxTokens":50}`
	if resp, err := app.HandleSQS(t.Context(), ev); err != nil || len(resp.BatchItemFailures) != 0 {
		t.Fatalf("%+v, %v", resp, err)
	}
	m := queue.message(t, 0)
	in := queue.sent[0]
	if *in.QueueUrl != "https://sqs.example/1/thumbs" || in.DelaySeconds != 90 {
		t.Errorf("sent to %s after %d s", *in.QueueUrl, in.DelaySeconds)
	}
	if result.JobID != m.JobID || result.MessageID != "message-1" || result.Status != dispatch.StatusQueued || m.WorkerID != "make-thumb" || string(m.Input) != `{"url":"<a>"}` {
		t.Errorf("result %+v, message %+v", result, m)
	}
	if got := fmt.Sprint(m.Context); got != "map[requestId:r-9 userId:u-1]" {
		t.Errorf("context %s", got)
	}
	if got := fmt.Sprint(m.Metadata); got != "map[__trigger:map[awaited:false parentJobId:job-1 parentWorkerId:parent type:worker] k:v]" {
		t.Errorf("metadata %s", got)
	}
	if m.MaxTokens == nil || *m.MaxTokens != 7 || m.WebhookURL != "https://example.com/h" {
		t.Errorf("message %+v", m)
	}
	rec, err := store.Get(t.Context(), "job-1")
	if err != nil || len(rec.Children) != 1 || rec.Children[0] != (jobstore.Child{JobID: m.JobID, WorkerID: "make-thumb", DelaySeconds: 90}) {
		t.Errorf("record %+v, %v", rec, err)
	}
}

// The role of a deployed function refuses what the worker has not declared: its author hears
// of that where nothing refuses it, once.
func TestUndeclaredCallsAreWarnedOf(t *testing.T) {
	t.Parallel()
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		for _, id := range []string{"declared", "parent", "forgotten"} {
			if _, err := j.Dispatch(ctx, id, 1); err != nil {
				return err
			}
		}
		return nil
	}, runtime.WithCalls("declared"))
	for lambda, want := range map[string]int{"127.0.0.1:1": 1, "": 0} {
		var queue wire
		app, log := newAppWith(t, runtime.AppConfig{SQS: &queue, Getenv: func(name string) string {
			if name == "AWS_LAMBDA_RUNTIME_API" {
				return lambda
			}
			return queueEnv(name)
		}}, w)
		for i := range 2 {
			if resp, err := app.HandleSQS(t.Context(), oneMessage("parent", fmt.Sprint(i))); err != nil || len(resp.BatchItemFailures) != 0 {
				t.Fatalf("%+v, %v", resp, err)
			}
		}
		if len(queue.sent) != 6 {
			t.Errorf("%d messages were sent", len(queue.sent))
		}
		if got := strings.Count(log.String(), "add runtime.WithCalls"); got != want || strings.Count(log.String(), `"calls":"forgotten"`) != want {
			t.Errorf("%d warnings with the Runtime API at %q, want %d:\n%s", got, lambda, want, log)
		}
	}
}

func TestJobDispatchOptionsOfTheCaller(t *testing.T) {
	t.Parallel()
	var queue wire
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		_, err := j.Dispatch(ctx, "c", nil, dispatch.WithJobID("mine"), dispatch.WithUserID("u-2"),
			dispatch.WithContext(map[string]any{"requestId": "r-2", "more": 1}),
			dispatch.WithMetadata(map[string]any{"__trigger": "by hand"}))
		return err
	})
	app, _ := newAppWith(t, runtime.AppConfig{SQS: &queue, Getenv: queueEnv}, w)
	if _, err := app.HandleSQS(t.Context(), oneMessage("parent", "1")); err != nil {
		t.Fatal(err)
	}
	m := queue.message(t, 0)
	if got := fmt.Sprint(m.JobID, " ", m.Context, " ", m.Metadata, " ", string(m.Input)); got != "mine map[more:1 requestId:r-2 userId:u-2] map[__trigger:by hand] {}" {
		t.Errorf("message %s", got)
	}
}

func TestJobDispatchFindsTheQueueByItsName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env     map[string]string
		missing bool
		lookup  string // in words, if any
		err     string
	}{
		{map[string]string{"AIWORKER_SERVICE": "shop", "ENVIRONMENT": "dev", "STAGE": "x"}, false, "shop-c-dev", ""},
		{map[string]string{"WORKER_SERVICE_NAME": "shop", "STAGE": "x"}, false, "shop-c-x", ""},
		{map[string]string{"AIWORKER_SERVICE": "shop"}, false, "shop-c-prod", ""},
		{map[string]string{"AIWORKER_SERVICE": "shop"}, true, "shop-c-prod shop-c-prod.fifo", `look for queue "shop-c-prod"`},
		{nil, false, "", "WORKER_QUEUE_URL_C"},
	} {
		queue := wire{missing: tt.missing}
		var got error
		w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
			for range 2 {
				if _, got = j.Dispatch(ctx, "c", 1); got != nil {
					return runtime.Permanent(got)
				}
			}
			return nil
		})
		app, _ := newAppWith(t, runtime.AppConfig{SQS: &queue, Getenv: func(name string) string { return tt.env[name] }}, w)
		if _, err := app.HandleSQS(t.Context(), oneMessage("parent", "1")); err != nil {
			t.Fatal(err)
		}
		if (got == nil) != (tt.err == "") || got != nil && !strings.Contains(got.Error(), tt.err) {
			t.Errorf("%v: error = %v, want %q", tt.env, got, tt.err)
		}
		// A queue that was found is not looked for again.
		if lookups := strings.Join(queue.lookups, " "); lookups != tt.lookup {
			t.Errorf("%v: looked for %q, want %q", tt.env, lookups, tt.lookup)
		}
		if tt.missing && !errors.Is(got, dispatch.ErrUnknownWorker) {
			t.Errorf("%v: error = %v", tt.env, got)
		}
	}
}

func TestJobDispatchChecksAKnownWorkersInput(t *testing.T) {
	t.Parallel()
	var queue wire
	type input struct {
		N int `json:"n"`
	}
	known := runtime.Must(runtime.New("known", func(_ context.Context, j *runtime.Job[input]) (int, error) { return j.Input.N, nil }))
	var errs []error
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		for _, in := range []any{map[string]any{"n": "x"}, map[string]any{"n": 1}} {
			_, err := j.Dispatch(ctx, "known", in)
			errs = append(errs, err)
		}
		_, err := j.Dispatch(ctx, "known", map[string]any{"n": "x"}, dispatch.WithoutValidation())
		errs = append(errs, err)
		_, err = j.Dispatch(ctx, "known", map[string]any{"n": 1}, dispatch.WithDelay(901*time.Second))
		errs = append(errs, err)
		return nil
	})
	app, _ := newAppWith(t, runtime.AppConfig{SQS: &queue, Getenv: queueEnv}, w, known)
	if _, err := app.HandleSQS(t.Context(), oneMessage("parent", "1")); err != nil {
		t.Fatal(err)
	}
	var invalid *dispatch.ValidationError
	if len(errs) != 4 || !errors.As(errs[0], &invalid) || invalid.WorkerID != "known" || errs[1] != nil || errs[2] != nil || !errors.Is(errs[3], dispatch.ErrDelay) {
		t.Errorf("errors %v", errs)
	}
	if len(queue.sent) != 2 {
		t.Errorf("%d messages were sent, want 2", len(queue.sent))
	}
}

// The child runs, so its parent must not fail because the record cannot be written.
func TestJobDispatchSurvivesTheStore(t *testing.T) {
	t.Parallel()
	var queue wire
	store := newSpyStore()
	store.fail = func(u jobstore.Update) error {
		if u.Child != nil {
			return errors.New("the store is down")
		}
		return nil
	}
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		_, err := j.Dispatch(ctx, "c", 1)
		return err
	})
	app, log := newAppWith(t, runtime.AppConfig{SQS: &queue, Store: store, Getenv: queueEnv}, w)
	if resp, err := app.HandleSQS(t.Context(), oneMessage("parent", "1")); err != nil || len(resp.BatchItemFailures) != 0 {
		t.Fatalf("%+v, %v", resp, err)
	}
	if len(queue.sent) != 1 || !strings.Contains(log.String(), "it is not in this job's record") {
		t.Errorf("%d messages, log:\n%s", len(queue.sent), log)
	}
}

// double, and a parent that awaits it.
func double() runtime.Runner {
	return runtime.Must(runtime.New("double", func(_ context.Context, j *runtime.Job[int]) (int, error) {
		switch {
		case j.Input < 0:
			return 0, runtime.Permanent(errors.New("negative"))
		case j.Input == 13 && j.Attempt == 1:
			return 0, errors.New("not yet")
		}
		return 2 * j.Input, nil
	}))
}

func TestDispatchAwait(t *testing.T) {
	t.Parallel()
	sum := runtime.Must(runtime.New("sum", func(ctx context.Context, j *runtime.Job[[]int]) (int, error) {
		total := 0
		for _, n := range j.Input {
			var out int
			if _, err := j.DispatchAwait(ctx, "double", n, &out); err != nil {
				return 0, runtime.Permanent(err)
			}
			total += out
		}
		return total, nil
	}))
	h := runtimetest.Start(t, sum, double())
	job := h.Run("sum", []int{1, 13, 20}) // 13 is tried twice
	var got int
	if err := job.Decode(&got); err != nil || got != 68 {
		t.Errorf("sum = %d, %v", got, err)
	}
	if len(job.Deliveries) != 1 || len(h.Deliveries()) != 5 || len(job.Record.Children) != 3 || !job.Record.Children[0].Awaited {
		t.Errorf("%d deliveries of the parent, %d in all, children %+v", len(job.Deliveries), len(h.Deliveries()), job.Record.Children)
	}
	child := h.Report(job.Record.Children[1].JobID)
	if trigger, _ := child.Record.Metadata["__trigger"].(map[string]any); trigger["awaited"] != true || trigger["parentJobId"] != job.JobID {
		t.Errorf("the child's metadata %+v", child.Record.Metadata)
	}

	failed := h.Run("sum", []int{-1})
	var childErr *runtime.ChildError
	if !errors.As(failed.Err(), &childErr) || childErr.WorkerID != "double" || childErr.Err.Message != "negative" || childErr.JobID == "" {
		t.Errorf("error = %v", failed.Err())
	}
}

func TestDispatchAwaitWithoutAStore(t *testing.T) {
	t.Parallel()
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		_, err := j.DispatchAwait(ctx, "double", 1, nil)
		return runtime.Permanent(err)
	})
	h := runtimetest.StartConfig(t, runtimetest.Config{NoStore: true}, w, double())
	job := h.Run("parent", 1)
	if err := job.Err(); err == nil || !strings.Contains(err.Error(), "no job store") || len(h.Deliveries()) != 1 {
		t.Errorf("error = %v after %d deliveries", err, len(h.Deliveries()))
	}
}

func TestDispatchAwaitOfAnOutputThatWasTooLong(t *testing.T) {
	t.Parallel()
	long := runtime.Must(runtime.New("long", func(context.Context, *runtime.Job[int]) (string, error) { return strings.Repeat("x", 5000), nil }))
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		if _, err := j.DispatchAwait(ctx, "long", 1, nil); err != nil {
			t.Errorf("an output that nobody wants: %v", err)
		}
		var out string
		_, err := j.DispatchAwait(ctx, "long", 1, &out)
		return runtime.Permanent(err)
	})
	h := runtimetest.StartConfig(t, runtimetest.Config{App: runtime.AppConfig{MaxStoredOutput: 1000}}, w, long)
	if err := h.Run("parent", 1).Err(); err == nil || !strings.Contains(err.Error(), "5002 bytes is not in the job store") {
		t.Errorf("error = %v", err)
	}
}

// Of dispatches with one key at the same moment one sends, and all name the child.
func TestChildrenWithOneKeyAtTheSameMoment(t *testing.T) {
	t.Parallel()
	var results [20]dispatch.Result
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() {
				var err error
				if results[i], err = j.Dispatch(ctx, "double", 21, dispatch.WithIdempotencyKey("k")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		return nil
	})
	h := runtimetest.Start(t, w, double())
	if job := h.Run("parent", 1); job.Err() != nil || len(h.Deliveries()) != 2 {
		t.Errorf("error %v, %d deliveries, want one of the parent and one of the child", job.Err(), len(h.Deliveries()))
	}
	sent := 0
	for _, r := range results {
		if r.MessageID != "" {
			sent++
		}
		if r.JobID != results[0].JobID {
			t.Errorf("children %q and %q", r.JobID, results[0].JobID)
		}
	}
	if sent != 1 {
		t.Errorf("%d messages were sent", sent)
	}
}

// A parent that is run again finds its children instead of starting them again.
func TestChildrenOfAParentThatIsRunAgain(t *testing.T) {
	t.Parallel()
	var ids []string
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		var out int
		got, err := j.DispatchAwait(ctx, "double", 21, &out, dispatch.WithIdempotencyKey("double it"))
		if err != nil || out != 42 {
			t.Errorf("await: %d, %v", out, err)
		}
		sent, err := j.Dispatch(ctx, "double", 1, dispatch.WithIdempotencyKey("and another"))
		if err != nil {
			t.Error(err)
		}
		ids = append(ids, got.JobID, sent.JobID)
		if (sent.MessageID == "") != (j.Attempt > 1) {
			t.Errorf("attempt %d: message %q", j.Attempt, sent.MessageID)
		}
		if j.Attempt < 3 {
			return errors.New("crash")
		}
		return nil
	})
	h := runtimetest.Start(t, w, double())
	first := h.Run("parent", 1)
	if first.Err() != nil || len(first.Deliveries) != 3 || len(h.Deliveries()) != 5 {
		t.Errorf("error %v, %d deliveries of the parent, %d in all", first.Err(), len(first.Deliveries), len(h.Deliveries()))
	}
	if len(ids) != 6 || ids[0] != ids[2] || ids[0] != ids[4] || ids[1] != ids[3] || ids[0] == ids[1] {
		t.Errorf("children %q", ids)
	}
	// The same keys in another job are other children.
	second := h.Run("parent", 1)
	if second.Err() != nil || slices.Contains(ids[:6], ids[6]) {
		t.Errorf("error %v, children %q", second.Err(), ids)
	}
}

// A child that failed while its parent was away is started anew, and its old failure
// is not taken for the new one's.
func TestAwaitingAChildThatHasFailedBefore(t *testing.T) {
	t.Parallel()
	good := false
	child := runtime.Must(runtime.New("child", func(context.Context, *runtime.Job[int]) (string, error) {
		if !good {
			return "", runtime.Permanent(errors.New("bad day"))
		}
		return "good day", nil
	}))
	var got string
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		_, err := j.DispatchAwait(ctx, "child", 1, &got, dispatch.WithIdempotencyKey("day"), dispatch.WithDelay(10*time.Second))
		good = true
		return err
	})
	h := runtimetest.Start(t, w, child)
	job := h.Run("parent", 1)
	if job.Err() != nil || got != "good day" || len(job.Deliveries) != 2 || len(h.Deliveries()) != 4 {
		t.Errorf("error %v, got %q after %d deliveries", job.Err(), got, len(h.Deliveries()))
	}
}

func TestDispatchAwaitUntilTheParentsTimeIsUp(t *testing.T) {
	t.Parallel()
	slow := runtime.Must(runtime.New("slow", func(_ context.Context, j *runtime.Job[int]) (int, error) {
		if j.Attempt == 1 {
			return 0, errors.New("not yet")
		}
		return 5, nil
	}, runtime.WithBackoff(runtime.Constant(10*time.Minute))))
	var errs []error
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		var out int
		_, err := j.DispatchAwait(ctx, "slow", 1, &out, dispatch.WithIdempotencyKey("k"))
		errs = append(errs, err)
		return err
	}, runtime.WithTimeout(time.Minute), runtime.WithBackoff(runtime.Constant(15*time.Minute)))
	h := runtimetest.Start(t, w, slow)
	job := h.Run("parent", 1)
	if job.Err() != nil || len(job.Deliveries) != 2 || len(errs) != 2 {
		t.Fatalf("error %v after %d deliveries", job.Err(), len(job.Deliveries))
	}
	if !errors.Is(errs[0], runtime.ErrTimeLimit) || !strings.Contains(errs[0].Error(), "the job goes on") {
		t.Errorf("error = %v", errs[0])
	}
	if len(h.Deliveries()) != 4 {
		t.Errorf("%d deliveries, want 2 of the parent and 2 of the child", len(h.Deliveries()))
	}
}

// The same over real waits, which synctest makes short.
func TestDispatchAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newSpyStore()
		var got error
		w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
			_, got = j.DispatchAwait(ctx, "c", 1, nil)
			return got
		})
		app, _ := newAppWith(t, runtime.AppConfig{SQS: &wire{}, Store: store, Getenv: queueEnv}, w)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if resp, err := app.HandleSQS(ctx, oneMessage("parent", "1")); err != nil || len(resp.BatchItemFailures) != 1 {
			t.Fatalf("%+v, %v", resp, err)
		}
		if !errors.Is(got, runtime.ErrTimeLimit) {
			t.Errorf("error = %v", got)
		}
	})
}

// getStore fails to answer Get.
type getStore struct {
	jobstore.Store
	err error
}

func (s getStore) Get(context.Context, string) (*jobstore.Record, error) { return nil, s.err }

func TestDispatchAwaitSendsNothingWhenTheStoreIsDown(t *testing.T) {
	t.Parallel()
	var queue wire
	var got error
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		_, got = j.DispatchAwait(ctx, "c", 1, nil)
		return got
	})
	app, _ := newAppWith(t, runtime.AppConfig{SQS: &queue, Store: getStore{jobstore.NewMemory(), errors.New("the store is down")}, Getenv: queueEnv}, w)
	if _, err := app.HandleSQS(t.Context(), oneMessage("parent", "1")); err != nil {
		t.Fatal(err)
	}
	if got == nil || !strings.Contains(got.Error(), "nothing was sent") || len(queue.sent) != 0 {
		t.Errorf("error = %v, %d messages", got, len(queue.sent))
	}
}

// A FIFO worker of the same App has a queue of another name, and keeps the order of
// its groups.
func TestJobDispatchToAFIFOWorker(t *testing.T) {
	t.Parallel()
	var order []int
	fifo := runtime.Must(runtime.New("fifo", func(_ context.Context, j *runtime.Job[int]) (int, error) {
		order = append(order, j.Input)
		if j.Input == 1 && j.Attempt == 1 {
			return 0, errors.New("not yet")
		}
		return j.Input, nil
	}, runtime.WithFIFO()))
	w := parent(func(ctx context.Context, j *runtime.Job[int]) error {
		for n := range 3 {
			if _, err := j.Dispatch(ctx, "fifo", n, dispatch.WithMessageGroup("g")); err != nil {
				return err
			}
		}
		_, err := j.Dispatch(ctx, "fifo", 9, dispatch.WithDelay(time.Second))
		if !errors.Is(err, dispatch.ErrDelay) {
			t.Errorf("error = %v", err)
		}
		return nil
	})
	if err := runtimetest.Start(t, w, fifo).Run("parent", 1).Err(); err != nil || !slices.Equal(order, []int{0, 1, 1, 2}) {
		t.Errorf("error %v, order %v", err, order)
	}
	var queue wire
	app, _ := newAppWith(t, runtime.AppConfig{SQS: &queue, Getenv: func(name string) string {
		return map[string]string{"AIWORKER_SERVICE": "shop", "STAGE": "dev"}[name]
	}}, w, fifo)
	if _, err := app.HandleSQS(t.Context(), oneMessage("parent", "1")); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(queue.lookups, []string{"shop-fifo-dev.fifo"}) || len(queue.sent) != 3 || *queue.sent[0].MessageGroupId != "g" {
		t.Errorf("looked for %q, sent %d", queue.lookups, len(queue.sent))
	}
}
