package dispatch_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// stub answers one request after the other as it was told, the last answer for
// ever, and remembers when what came.
type stub struct {
	answers []answer
	bodies  []string
	at      []time.Time
}

// answer is a response, an error instead of one, or silence.
type answer struct {
	status int
	body   string
	header http.Header
	err    error
	hang   bool
	cut    bool // the connection breaks within the body
}

func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.bodies, s.at = append(s.bodies, string(body)), append(s.at, time.Now())
	a := s.answers[min(len(s.at), len(s.answers))-1]
	switch {
	case a.hang:
		<-r.Context().Done()
		return nil, r.Context().Err()
	case a.err != nil:
		return nil, a.err
	}
	var text io.Reader = strings.NewReader(a.body)
	if a.cut {
		text = io.MultiReader(text, &failingReader{io.ErrUnexpectedEOF})
	}
	return &http.Response{
		StatusCode: a.status, Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		Header: a.header, Body: io.NopCloser(text), Request: r,
	}, nil
}

// pauses are the times between the requests.
func (s *stub) pauses() []time.Duration {
	var out []time.Duration
	for i := 1; i < len(s.at); i++ {
		out = append(out, s.at[i].Sub(s.at[i-1]))
	}
	return out
}

func after(value string) http.Header { return http.Header{"Retry-After": {value}} }

const took = `{"ok":true,"messageId":"m-1"}`

func TestTriggerTriesAgain(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	again := []answer{{status: 503}, {status: 200, body: took}}
	tests := []struct {
		name    string
		answers []answer
		retries int
		tries   int   // how many the server saw
		is      error // nil: the job was sent
		says    string
		atLeast time.Duration // of the first pause
	}{
		// Every status of the deployed trigger API.
		{name: "200", answers: []answer{{status: 200, body: took}}, tries: 1},
		{name: "400 without a worker", answers: []answer{{status: 400, body: `{"error":"workerId is required (query param workerId or JSON body workerId)"}`}}, tries: 1, is: errAny, says: "workerId is required"},
		{name: "401", answers: []answer{{status: 401, body: `{"error":"Unauthorized"}`}}, tries: 1, is: dispatch.ErrUnauthorized},
		{name: "404", answers: []answer{{status: 404, body: `{"error":"Queue URL not found","queueName":"q"}`}}, tries: 1, is: dispatch.ErrUnknownWorker},
		{name: "500, then 200", answers: []answer{{status: 500, body: `{"error":"Failed to send message","message":"throttled"}`}, {status: 200, body: took}}, tries: 2},
		{name: "500 for ever", answers: []answer{{status: 500, body: `{"error":"Failed to send message","message":"throttled"}`}}, tries: 4, is: errAny, says: `500 Internal Server Error - {"error":"Failed to send message","message":"throttled"} (tried 4 times)`},
		// API Gateway's own.
		{name: "502, then 200", answers: []answer{{status: 502, body: `{"message": "Internal server error"}`}, {status: 200, body: took}}, tries: 2},
		{name: "503, 504, 429, then 200", answers: []answer{{status: 503}, {status: 504}, {status: 429}, {status: 200, body: took}}, tries: 4},
		{name: "403", answers: []answer{{status: 403, body: `{"message":"Missing Authentication Token"}`}}, tries: 1, is: dispatch.ErrUnauthorized},
		{name: "413", answers: []answer{{status: 413}}, tries: 1, is: errAny, says: "413"},
		{name: "408 is a 4xx", answers: []answer{{status: 408}}, tries: 1, is: errAny, says: "408"},
		{name: "a redirect", answers: []answer{{status: 302, header: http.Header{"Location": {"https://elsewhere.example.com"}}}}, tries: 1, is: errAny, says: "elsewhere"},

		{name: "a page with status 200", answers: []answer{{status: 200, body: "<html>"}}, tries: 1, is: errAny, says: "not with a JSON object"},
		{name: "not ok in a 200", answers: []answer{{status: 200, body: `{"ok":false,"error":"no"}`}}, tries: 1, is: errAny, says: "ok: false"},
		{name: "a 200 that breaks off has queued the job", answers: []answer{{status: 200, body: `{"ok"`, cut: true}}, tries: 1, is: io.ErrUnexpectedEOF, says: "read the answer"},

		{name: "no connection, then 200", answers: []answer{{err: refused}, {status: 200, body: took}}, tries: 2},
		{name: "no connection", answers: []answer{{err: refused}}, tries: 4, is: refused, says: "tried 4 times"},
		{name: "an unknown host", answers: []answer{{err: &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}}}, tries: 1, is: errAny, says: "no such host"},
		{name: "a certificate nobody trusts", answers: []answer{{err: &tls.CertificateVerificationError{Err: errors.New("unknown authority")}}}, tries: 1, is: errAny, says: "unknown authority"},
		{name: "no answer, then 200", answers: []answer{{hang: true}, {status: 200, body: took}}, tries: 2, atLeast: dispatch.DefaultTryTimeout},

		{name: "Retry-After in seconds", answers: []answer{{status: 429, header: after("7")}, {status: 200, body: took}}, tries: 2, atLeast: 7 * time.Second},
		{name: "Retry-After as a date", answers: []answer{{status: 503, header: after("Sat, 01 Jan 2000 00:00:09 GMT")}, {status: 200, body: took}}, tries: 2, atLeast: 9 * time.Second},
		{name: "Retry-After in the past", answers: []answer{{status: 503, header: after("Fri, 31 Dec 1999 23:00:00 GMT")}, {status: 200, body: took}}, tries: 2},
		{name: "Retry-After that is nonsense", answers: []answer{{status: 503, header: after("soon")}, {status: 200, body: took}}, tries: 2},
		{name: "Retry-After for longer than anybody waits", answers: []answer{{status: 429, header: after("3600")}}, tries: 1, is: errAny, says: "429"},

		{name: "switched off", answers: again, retries: -1, tries: 1, is: errAny, says: "503"},
		{name: "once", answers: []answer{{status: 503}}, retries: 1, tries: 2, is: errAny, says: "tried 2 times"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &stub{answers: tt.answers}
				c := newClient(t, dispatch.Config{
					BaseURL: "https://api.example.com/prod", TriggerKey: "s3cret", Retries: tt.retries,
					HTTPClient: &http.Client{Transport: transport},
				})
				got, err := c.Dispatch(t.Context(), "echo", nil)
				switch {
				case tt.is == nil && (err != nil || got.MessageID != "m-1"):
					t.Errorf("Dispatch = %+v, %v", got, err)
				case tt.is == nil:
				case err == nil || !isError(err, tt.is) || !strings.Contains(err.Error(), tt.says):
					t.Errorf("error %v, want %v with %q", err, tt.is, tt.says)
				}
				if len(transport.at) != tt.tries {
					t.Fatalf("%d tries, want %d", len(transport.at), tt.tries)
				}
				for i, p := range transport.pauses() {
					base := min(250*time.Millisecond<<i, 5*time.Second)
					if i == 0 && tt.atLeast > 0 {
						if p < tt.atLeast || p > tt.atLeast+5*time.Second {
							t.Errorf("the first pause is %s, want %s", p, tt.atLeast)
						}
					} else if p < base/2 || p > base {
						t.Errorf("pause %d is %s, want half to the whole of %s", i+1, p, base)
					}
					if transport.bodies[i] != transport.bodies[i+1] {
						t.Errorf("try %d sent another job:\n%s\n%s", i+2, transport.bodies[i], transport.bodies[i+1])
					}
				}
			})
		})
	}
}

// errAny stands for an error without a name.
var errAny = errors.New("any")

func isError(err, want error) bool { return errors.Is(want, errAny) || errors.Is(err, want) }

func TestTriggerStopsWithItsContext(t *testing.T) {
	t.Parallel()
	newTrigger := func(t *testing.T, transport *stub) *dispatch.Trigger {
		trigger, err := dispatch.NewTrigger("https://api.example.com", "k", &http.Client{Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		return trigger
	}
	m := &dispatch.Message{WorkerID: "echo", JobID: "job-1"}
	t.Run("over before", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			transport := &stub{answers: []answer{{status: 503}}}
			if _, err := newTrigger(t, transport).Send(ctx, m, 0); !errors.Is(err, context.Canceled) || len(transport.at) > 0 {
				t.Errorf("%v after %d tries", err, len(transport.at))
			}
		})
	})
	t.Run("during a try", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			transport := &stub{answers: []answer{{hang: true}}}
			start := time.Now()
			_, err := newTrigger(t, transport).Send(ctx, m, 0)
			if !errors.Is(err, context.DeadlineExceeded) || len(transport.at) != 1 || time.Since(start) != 3*time.Second {
				t.Errorf("%v after %d tries and %s", err, len(transport.at), time.Since(start))
			}
		})
	})
	t.Run("during a pause", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := errors.New("shutting down")
			time.AfterFunc(3*time.Second, func() { cancel(stop) })
			transport := &stub{answers: []answer{{status: 503, header: after("10")}}}
			_, err := newTrigger(t, transport).Send(ctx, m, 0)
			if !errors.Is(err, stop) || !strings.Contains(err.Error(), "503") || len(transport.at) != 1 {
				t.Errorf("%v after %d tries", err, len(transport.at))
			}
		})
	})
	t.Run("no time for the pause", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			transport := &stub{answers: []answer{{status: 503, header: after("10")}}}
			start := time.Now()
			_, err := newTrigger(t, transport).Send(ctx, m, 0)
			status, ok := errors.AsType[*dispatch.StatusError](err)
			if !ok || status.RetryAfter != 10*time.Second || len(transport.at) != 1 || time.Since(start) != 0 {
				t.Errorf("%v after %d tries and %s", err, len(transport.at), time.Since(start))
			}
		})
	})
}

func TestEverySendIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := &stub{answers: []answer{{hang: true}}}
		cfg := dispatch.Config{BaseURL: "https://api.example.com", HTTPClient: &http.Client{Transport: transport}, Retries: 1000}
		for _, tt := range []struct{ set, took time.Duration }{{0, dispatch.DefaultTimeout}, {time.Minute, time.Minute}} {
			cfg.Timeout = tt.set
			start := time.Now()
			_, err := newClient(t, cfg).Dispatch(t.Context(), "echo", nil)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > tt.took || time.Since(start) < tt.took-5*time.Second {
				t.Errorf("timeout %s: %v after %s", tt.set, err, time.Since(start))
			}
		}
		start := time.Now()
		if _, err := dispatch.FetchConfig(t.Context(), "https://api.example.com", "", &http.Client{Transport: &stub{answers: []answer{{hang: true}}}}); err == nil ||
			!strings.Contains(err.Error(), "no answer within 30s") || time.Since(start) != dispatch.DefaultTryTimeout {
			t.Errorf("FetchConfig: %v after %s", err, time.Since(start))
		}
	})
}

func TestFurtherTriesAreLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		c := newClient(t, dispatch.Config{
			BaseURL: "https://api.example.com", TriggerKey: "s3cret",
			HTTPClient: &http.Client{Transport: &stub{answers: []answer{{status: 503, body: "bad key s3cret\n\x1b[2J"}, {status: 200, body: took}}}},
			Logger:     slog.New(slog.NewTextHandler(&out, nil)),
		})
		if _, err := c.Dispatch(t.Context(), "echo", map[string]any{"password": "hunter2"}, dispatch.WithJobID("job-7")); err != nil {
			t.Fatal(err)
		}
		log := out.String()
		if !strings.Contains(log, "level=WARN") || !strings.Contains(log, "jobId=job-7") || !strings.Contains(log, "503") {
			t.Errorf("log says too little: %s", log)
		}
		if strings.Contains(log, "s3cret") || strings.Contains(log, "hunter2") || strings.Contains(log, "\x1b") {
			t.Errorf("log says too much: %s", log)
		}
	})
}

func TestTriggerPassesViolationsOn(t *testing.T) {
	t.Parallel()
	base, _ := workersAPI(t, 400, "application/json", `{"error":"Input does not fit the schema of worker \"echo\"","violations":[
		{"pointer":"/url","keyword":"type","message":"must be a string, is a number (7)"},
		{"pointer":"/a\u001b[2J","keyword":"format","message":"line\nbreak k3y","line":-4},
		{"pointer":"/old","keyword":"deprecated","message":"is old","warning":true}]}`)
	_, err := newTrigger(t, base, "k3y").Send(t.Context(), &dispatch.Message{WorkerID: "echo", JobID: "job-1"}, 0)
	invalid, ok := errors.AsType[*dispatch.ValidationError](fmt.Errorf("wrapped: %w", err))
	if !ok || invalid.WorkerID != "echo" || len(invalid.Violations) != 3 || invalid.Violations[0] != (dispatch.Violation{Pointer: "/url", Keyword: "type", Message: "must be a string, is a number (7)"}) {
		t.Fatalf("violations %+v in %v", invalid, err)
	}
	if got := invalid.Violations[1].String(); got != "/a\ufffd[2J: line break [key]" {
		t.Errorf("a hostile violation reads %q", got)
	}
	const want = `trigger worker "echo": 400 Bad Request - the input is invalid: /url: must be a string, is a number (7); ` + "/a\ufffd[2J: line break [key]"
	if err.Error() != want {
		t.Errorf("error\n%s\nwant\n%s", err, want)
	}
	status, _ := errors.AsType[*dispatch.StatusError](err)
	if status == nil || status.StatusCode != 400 || !strings.Contains(status.Body, "violations") {
		t.Errorf("status %+v", status)
	}

	long := `{"error":"e","violations":[` + strings.Repeat(`{"pointer":"/x","keyword":"type","message":"`+strings.Repeat("m", 100)+`"},`, 99) + `{"pointer":"/y","keyword":"more","message":"more","more":41}]}`
	base, _ = workersAPI(t, 400, "application/json", long)
	_, err = newTrigger(t, base, "").Send(t.Context(), &dispatch.Message{WorkerID: "echo"}, 0)
	if invalid, ok := errors.AsType[*dispatch.ValidationError](err); !ok || len(invalid.Violations) != 100 || !strings.HasSuffix(err.Error(), "and 135 more") {
		t.Errorf("a long list: %v", err)
	}

	for _, body := range []string{`{"error":"body/messageBody is required"}`, `{"violations":"many"}`, `{"violations":[]}`, `{"violations":[{"message":"x","warning":true}]}`, `<html>`} {
		base, _ := workersAPI(t, 400, "application/json", body)
		_, err := newTrigger(t, base, "").Send(t.Context(), &dispatch.Message{WorkerID: "echo"}, 0)
		if _, ok := errors.AsType[*dispatch.ValidationError](err); ok || err == nil || !strings.Contains(err.Error(), "400 Bad Request") {
			t.Errorf("%s: %v", body, err)
		}
	}
}
