package aws

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// answering answers at once and notes when.
type answering struct {
	mu sync.Mutex
	at []time.Time
}

func (a *answering) Do(*http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = append(a.at, time.Now())
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func request(ctx context.Context, t testing.TB) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sqs", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Whatever minute one looks at, it has at most so many calls.
func TestPaceOfEveryMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit = 60
		next := &answering{}
		c := &countingClient{next: next, pacer: newPacer(limit)}
		ctx := paced(t.Context())
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 40 {
					if _, err := c.Do(request(ctx, t)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		slices.SortFunc(next.at, time.Time.Compare)
		for i := limit; i < len(next.at); i++ {
			if d := next.at[i].Sub(next.at[i-limit]); d < time.Minute {
				t.Fatalf("calls %d and %d are %s apart", i-limit, i, d)
			}
		}
		// The first minute's calls go at once: a command that asks once is not slowed.
		if d := next.at[limit-1].Sub(next.at[0]); d > 0 || len(next.at) != 320 {
			t.Errorf("%d calls, the first %d within %s", len(next.at), limit, d)
		}
		if p := c.pacer.pace(); p.Limit != limit || p.Used < 20 || p.Used > limit {
			t.Errorf("pace = %+v", p)
		}
	})
}

func TestPaceOfOtherCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &countingClient{next: &answering{}, pacer: newPacer(10)}
		begin := time.Now()
		for range 100 {
			if _, err := c.Do(request(t.Context(), t)); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(begin); d > 0 {
			t.Errorf("what a person asked for waited %s", d)
		}
		if p := c.pacer.pace(); p.Free() != 0 {
			t.Errorf("%d calls are free", p.Free())
		}
		// The reading gives way, and says so when it cannot wait that long.
		ctx, cancel := context.WithTimeout(paced(t.Context()), 20*time.Second)
		defer cancel()
		_, err := c.Do(request(ctx, t))
		if kind, _ := Classify(err); !errors.Is(err, ErrPaced) || kind != KindThrottled || time.Since(begin) > 0 {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		if _, err := c.Do(request(paced(t.Context()), t)); err != nil || time.Since(begin) != time.Minute {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
		free := &countingClient{next: &answering{}, pacer: newPacer(-1)}
		for range 5000 {
			if _, err := free.Do(request(paced(t.Context()), t)); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(begin); d != time.Minute {
			t.Errorf("without a limit it waited %s", d-time.Minute)
		}
	})
}

func TestParseMaxCalls(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"600": 600, " 600/min ": 600, "1": 1, "0": -1, "none": -1, "": 0, "-3": 0, "10/s": 0, "many": 0, "99999999": 0} {
		got, err := ParseMaxCalls(text)
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestWidthIsHalvedWhenThrottled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at, top, calls atomic.Int64
		begin := time.Now()
		errs := callWide(t.Context(), 16, 60, func(int) error {
			mine, under := calls.Add(1), at.Add(1)
			defer at.Add(-1)
			// Those that began before the width had shrunk take a second to end.
			if time.Since(begin) >= 3*time.Second {
				top.Store(max(top.Load(), under))
			}
			<-time.After(time.Second)
			if mine <= 16 {
				return apiError("SQS", "GetQueueAttributes", "ThrottlingException", "slow down")
			}
			return nil
		})
		if top.Load() != 1 || len(errs) != 60 || calls.Load() != 60 {
			t.Errorf("after sixteen throttled calls %d were under way at once, of %d calls", top.Load(), calls.Load())
		}
	})
}

// Through the real client: a limit that is used up is told at once.
func TestPaceOfAStage(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		_, _ = w.Write([]byte(`{"Attributes":{"ApproximateNumberOfMessages":"1"}}`))
	}))
	defer server.Close()
	s, err := Open(t.Context(), Target{EndpointURL: server.URL}, Options{Getenv: noEnv, AuditPath: NoAudit, HTTPClient: server.Client(), MaxCalls: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	workers := []Worker{{ID: "w", Queue: &Queue{Name: "q", URL: server.URL + "/000000000000/q"}}}
	if _, err := s.Refresh(ctx, workers); err != nil {
		t.Fatal(err)
	}
	_, err = s.Refresh(ctx, workers)
	if kind, _ := Classify(err); !errors.Is(err, ErrPaced) || kind != KindThrottled || calls.Load() != 1 {
		t.Errorf("%d calls, %q: %v", calls.Load(), kind, err)
	}
	if u := s.Usage(); u.Calls != 1 || u.SQS != 1 || s.Pace().Used != 1 {
		t.Errorf("usage %+v, pace %+v", u, s.Pace())
	}
}
