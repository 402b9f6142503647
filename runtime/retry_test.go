package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

// methodError, fieldError and waitError are the forms in which API clients tell a
// status.
type methodError int

func (e methodError) Error() string   { return "request failed" }
func (e methodError) StatusCode() int { return int(e) }

type fieldError struct{ StatusCode int }

func (e *fieldError) Error() string { return "request failed" }

type waitError struct {
	methodError
	after time.Duration
}

func (e waitError) RetryAfter() time.Duration { return e.after }

func awsError(status int) error {
	return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: errors.New("throttled"),
	}}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	var syntax any
	syntaxErr := json.Unmarshal([]byte(`{"a":`), &syntax)
	typeErr := json.Unmarshal([]byte(`{"a":"x"}`), &struct{ A int }{})
	for _, tt := range []struct {
		err  error
		want string // the patterns that match
	}{
		{methodError(429), "rate"},
		{fmt.Errorf("call the model: %w", methodError(429)), "rate"},
		{errors.Join(errors.New("a"), methodError(529)), "overloaded server"},
		{&fieldError{StatusCode: 503}, "server"},
		{&fieldError{StatusCode: 0}, ""},
		{&dispatch.StatusError{StatusCode: 429}, "rate"},
		{awsError(500), "server"},
		{awsError(429), "rate"},
		{methodError(404), ""},
		// The status wins over the text.
		{fmt.Errorf("rate limit of the day: %w", methodError(401)), ""},
		{errors.New("HTTP 429: slow down"), "rate"},
		{errors.New("Rate limit exceeded"), "rate"},
		{errors.New("Too Many Requests"), "rate"},
		{errors.New("type: overloaded_error"), "overloaded"},
		{errors.New("503 Service Unavailable"), "server"},
		{errors.New("order 14290 is gone"), ""},
		{errors.New("took 500 ms"), ""},
		{errors.New("the crate limits"), ""},
		{syntaxErr, "json"},
		{typeErr, "json"},
		{fmt.Errorf("read the answer: %w", io.ErrUnexpectedEOF), "json"},
		{&runtime.OutputError{WorkerID: "w"}, "json"},
		// What the deployed system takes for bad JSON.
		{errors.New("could not parse the json of the date"), ""},
		{errors.New("no"), ""},
	} {
		var got []string
		for _, p := range []struct {
			name    string
			pattern runtime.RetryPattern
		}{
			{"rate", runtime.RateLimit()}, {"overloaded", runtime.Overloaded()}, {"server", runtime.ServerError()}, {"json", runtime.BadJSON()},
		} {
			if p.pattern.Match(tt.err) {
				got = append(got, p.name)
			}
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%T %v: patterns %q, want %q", tt.err, tt.err, got, tt.want)
		}
	}
}

func TestPatternDelays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern runtime.RetryPattern
		want    []time.Duration // before try 2 and 3
	}{
		{runtime.RateLimit(), []time.Duration{10 * time.Second, 20 * time.Second}},
		{runtime.Overloaded(), []time.Duration{15 * time.Second, 30 * time.Second}},
		{runtime.ServerError(), []time.Duration{5 * time.Second, 10 * time.Second}},
		{runtime.Custom("c", func(error) bool { return true }, time.Second), []time.Duration{time.Second, time.Second}},
	} {
		for i, want := range tt.want {
			if got := tt.pattern.Delay(i + 2); got != want {
				t.Errorf("%s: delay before try %d = %v, want %v", tt.pattern.Name, i+2, got, want)
			}
		}
	}
}

func TestWithRetryIsChecked(t *testing.T) {
	t.Parallel()
	h := func(context.Context, *runtime.Job[int]) (int, error) { return 0, nil }
	for _, tt := range []struct {
		opt  runtime.Option
		want string
	}{
		{runtime.WithRetry(1, runtime.BadJSON()), "2 to 10"},
		{runtime.WithRetry(11, runtime.BadJSON()), "2 to 10"},
		{runtime.WithRetry(0, runtime.BadJSON()), "2 to 10"},
		{runtime.WithRetry(3), "without a pattern"},
		{runtime.WithRetry(3, runtime.RetryPattern{Name: "mine"}), `"mine") has no Match`},
	} {
		if _, err := runtime.New("w", h, tt.opt); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error = %v, want one with %q", err, tt.want)
		}
	}
	if _, err := runtime.New("w", h, runtime.WithRetry(10, runtime.BadJSON())); err != nil {
		t.Error(err)
	}
}

// seen is what a handler knew in one of its runs.
type seen struct {
	attempt, try int
	last         string
	at           time.Time
}

// failing is a worker that returns the given errors one after the other, and then 42.
func failing(runs *[]seen, errs []error, opts ...runtime.Option) *runtime.Worker[int, int] {
	return runtime.Must(runtime.New("failing", func(_ context.Context, j *runtime.Job[int]) (int, error) {
		s := seen{attempt: j.Attempt, try: j.Try, at: time.Now()}
		if j.LastError != nil {
			s.last = j.LastError.Error()
		}
		*runs = append(*runs, s)
		if n := len(*runs); n <= len(errs) {
			return 0, errs[n-1]
		}
		return 42, nil
	}, opts...))
}

func TestRetryWithinADelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs []seen
		w := failing(&runs, []error{methodError(500), fmt.Errorf("ask again: %w", methodError(429))},
			runtime.WithRetry(3, runtime.RateLimit(), runtime.ServerError()))
		app, log := newApp(t, w)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		resp, err := app.HandleSQS(ctx, oneMessage("failing", "1"))
		if err != nil || len(resp.BatchItemFailures) != 0 {
			t.Fatalf("response %+v, %v", resp, err)
		}
		if len(runs) != 3 {
			t.Fatalf("%d runs, want 3", len(runs))
		}
		for i, want := range []seen{{try: 1}, {try: 2, last: "request failed"}, {try: 3, last: "ask again: request failed"}} {
			if runs[i].try != want.try || runs[i].last != want.last || runs[i].attempt != 1 {
				t.Errorf("run %d = %+v, want %+v", i+1, runs[i], want)
			}
		}
		for i, want := range []time.Duration{5 * time.Second, 20 * time.Second} {
			if got := runs[i+1].at.Sub(runs[i].at); got < want*4/5 || got > want*6/5 {
				t.Errorf("delay %d = %v, want %v and up to a fifth more or less", i+1, got, want)
			}
		}
		text := log.String()
		if strings.Count(text, "the next one starts in") != 2 || !strings.Contains(text, "try 1 of 3 failed (server error)") ||
			!strings.Contains(text, "try 2 of 3 failed (rate limit)") {
			t.Errorf("log:\n%s", text)
		}
		if strings.Count(text, `"job.started"`) != 1 || strings.Contains(text, `"job.retrying"`) {
			t.Errorf("tries are not deliveries:\n%s", text)
		}
	})
}

func TestRetryEnds(t *testing.T) {
	t.Parallel()
	always := runtime.Custom("all", func(error) bool { return true }, 10*time.Second)
	errBudget := fmt.Errorf("stop: %w", runtime.ErrTokenBudget)
	for _, tt := range []struct {
		name    string
		err     error
		timeout time.Duration
		want    int // runs
		takes   time.Duration
	}{
		{"after its tries", methodError(500), time.Hour, 3, 0},
		{"when little time is left", methodError(500), 15 * time.Second, 2, 0},
		{"when less is left than a try takes", methodError(500), time.Minute, 1, 30 * time.Second},
		{"at once when none is left", methodError(500), 8 * time.Second, 1, 0},
		{"before a Retry-After that is too long", waitError{methodError(429), time.Minute}, 50 * time.Second, 1, 0},
		{"with Permanent", runtime.Permanent(methodError(500)), time.Hour, 1, 0},
		{"with Snooze", runtime.Snooze(time.Minute), time.Hour, 1, 0},
		{"with the token budget", errBudget, time.Hour, 1, 0},
		{"with an error no pattern matches", nil, time.Hour, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var runs []seen
				pattern := always
				if tt.err == nil {
					tt.err, pattern = errors.New("other"), runtime.BadJSON()
				}
				w := failing(&runs, []error{tt.err, tt.err, tt.err, tt.err}, runtime.WithRetry(3, pattern),
					runtime.WithMiddleware(func(ctx context.Context, inv *runtime.Invocation, next runtime.Next) (json.RawMessage, error) {
						time.Sleep(tt.takes)
						return next(ctx, inv)
					}))
				app, _ := newApp(t, w)
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				began := time.Now()
				if _, err := app.HandleSQS(ctx, oneMessage("failing", "1")); err != nil {
					t.Fatal(err)
				}
				if len(runs) != tt.want {
					t.Errorf("%d runs, want %d", len(runs), tt.want)
				}
				if took := time.Since(began); took >= tt.timeout {
					t.Errorf("it took %v of %v", took, tt.timeout)
				}
			})
		})
	}
}

func TestRetryAfterIsBelieved(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"a method": fmt.Errorf("wrapped: %w", waitError{methodError(429), 3 * time.Second}),
		"a field":  errors.Join(errors.New("other"), &dispatch.StatusError{StatusCode: 429, RetryAfter: 3 * time.Second}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var runs []seen
				w := failing(&runs, []error{err}, runtime.WithRetry(2, runtime.RateLimit()))
				app, _ := newApp(t, w)
				if _, err := app.HandleSQS(t.Context(), oneMessage("failing", "1")); err != nil {
					t.Fatal(err)
				}
				if len(runs) != 2 || runs[1].at.Sub(runs[0].at) < 3*time.Second || runs[1].at.Sub(runs[0].at) > 4*time.Second {
					t.Errorf("runs = %+v", runs)
				}
			})
		})
	}
}

// An output that does not fit the schema is what a model got wrong.
func TestRetryOfAnOutputThatDoesNotFit(t *testing.T) {
	t.Parallel()
	w := runtime.Must(runtime.New("model", func(_ context.Context, j *runtime.Job[int]) (int, error) {
		var output *runtime.OutputError
		if errors.As(j.LastError, &output) && strings.Contains(j.LastError.Error(), "at least 0") {
			return 7, nil
		}
		return -7, nil
	}, runtime.WithOutputSchema(json.RawMessage(`{"type":"integer","minimum":0}`)), runtime.WithRetry(2, runtime.BadJSON())))
	if got, err := runtimetest.Run(t, w, 1); err != nil || got != 7 {
		t.Errorf("Run = %d, %v", got, err)
	}
}

func TestPanicsAreNotRetriedInProcess(t *testing.T) {
	t.Parallel()
	runs := 0
	w := runtime.Must(runtime.New("panics", func(context.Context, *runtime.Job[int]) (int, error) {
		runs++
		panic(methodError(500))
	}, runtime.WithRetry(3, runtime.ServerError())))
	var p *runtime.PanicError
	if _, err := runtimetest.Run(t, w, 1); !errors.As(err, &p) || runs != 1 {
		t.Errorf("%d runs, error %v", runs, err)
	}
}

func TestInterruptedWhileWaitingForTheNextTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs []seen
		w := failing(&runs, []error{methodError(429), methodError(429)}, runtime.WithRetry(3, runtime.RateLimit()))
		app, log := newApp(t, w)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(runtime.ErrShutdown) })
		began := time.Now()
		resp, err := app.HandleSQS(ctx, oneMessage("failing", "1"))
		if err != nil || len(resp.BatchItemFailures) != 1 || len(runs) != 1 || time.Since(began) > 2*time.Second {
			t.Errorf("response %+v, %v after %v and %d runs", resp, err, time.Since(began), len(runs))
		}
		if !strings.Contains(log.String(), "request failed") {
			t.Errorf("the log should say why the attempt failed:\n%s", log.String())
		}
	})
}

// On a redelivery the record says why the attempt before failed.
func TestLastErrorOfTheAttemptBefore(t *testing.T) {
	t.Parallel()
	var runs []seen
	var last error
	w := runtime.Must(runtime.New("learns", func(_ context.Context, j *runtime.Job[int]) (int, error) {
		runs = append(runs, seen{attempt: j.Attempt, try: j.Try})
		last = j.LastError
		if j.Attempt == 1 {
			return 0, fmt.Errorf("the model said %q", "no")
		}
		return 1, nil
	}))
	h := runtimetest.Start(t, w)
	job := h.Run("learns", 1)
	var attempt *runtime.AttemptError
	if job.Err() != nil || len(runs) != 2 || !errors.As(last, &attempt) {
		t.Fatalf("error %v after runs %+v, last error %#v", job.Err(), runs, last)
	}
	if attempt.Message != `the model said "no"` || attempt.Err != nil || runs[1].try != 1 || runs[1].attempt != 2 {
		t.Errorf("last error %+v in %+v", attempt, runs[1])
	}
}

// oneMessage is an event with one job.
func oneMessage(worker, input string) events.SQSEvent {
	return events.SQSEvent{Records: []events.SQSMessage{{
		MessageId:  "message-1",
		Body:       fmt.Sprintf(`{"workerId":%q,"jobId":"job-1","input":%s,"context":{},"metadata":{}}`, worker, input),
		Attributes: map[string]string{"ApproximateReceiveCount": "1"},
	}}}
}

// The handler's error is recorded whatever the author's patterns do.
func TestRetryPatternThatPanics(t *testing.T) {
	t.Parallel()
	var runs []seen
	w := failing(&runs, []error{methodError(500)}, runtime.WithRetry(3, runtime.Custom("broken", func(error) bool { panic("oh") }, 0)))
	if _, err := runtimetest.Run(t, w, 1); err == nil || err.Error() != "request failed" || len(runs) != 1 {
		t.Errorf("error %v after %d runs", err, len(runs))
	}
}
