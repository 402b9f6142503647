package webhook

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

type thumbnail struct {
	URL   string `json:"url"`
	Width int    `json:"width"`
}

const success = `{"jobId":"job-1","workerId":"thumbnails","status":"success","output":{"url":"https://example.com/1.png","width":80,"more":1},"metadata":{"order":12345678901234567890}}`

func signed(t testing.TB, secret Secret, id, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(body))
	if err := Sign([]Secret{secret}, r.Header, id, time.Now(), []byte(body)); err != nil {
		t.Fatal(err)
	}
	return r
}

func newHandler(t testing.TB, cfg Config, handle func(context.Context, Event[thumbnail]) error) (http.Handler, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	cfg.Logger = slog.New(slog.NewJSONHandler(log, nil))
	h, err := Handler(cfg, handle)
	if err != nil {
		t.Fatal(err)
	}
	return h, log
}

func TestHandlerYieldsTypedResults(t *testing.T) {
	t.Parallel()
	secret := NewSecret()
	var got []Event[thumbnail]
	h, _ := newHandler(t, Config{Secret: NewSecret().Reveal() + " " + secret.Reveal()}, func(_ context.Context, e Event[thumbnail]) error {
		got = append(got, e)
		return nil
	})
	for _, body := range []string{
		success,
		`{"jobId":"job-2","workerId":"thumbnails","status":"error","error":{"message":"no such image","name":"NotFound"},"metadata":{}}`,
		`{"jobId":"job-3","workerId":"thumbnails","status":"success"}`,
		`{"jobId":"job-4","workerId":"thumbnails","status":"error"}`,
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, signed(t, secret, "msg_1", body))
		if w.Code != http.StatusNoContent {
			t.Fatalf("status %d for %s: %s", w.Code, body, w.Body)
		}
	}
	e := got[0]
	if e.JobID != "job-1" || e.WorkerID != "thumbnails" || e.Status != StatusSuccess || e.Output != (thumbnail{"https://example.com/1.png", 80}) || e.Error != nil {
		t.Errorf("event = %+v", e)
	}
	if text := e.Metadata["order"]; e.ID != "msg_1" || time.Since(e.Timestamp).Abs() > time.Minute || slog.AnyValue(text).String() != "12345678901234567890" {
		t.Errorf("id %q, time %v, metadata %v", e.ID, e.Timestamp, e.Metadata)
	}
	if e := got[1]; e.Status != StatusError || *e.Error != (dispatch.JobError{Message: "no such image", Name: "NotFound"}) || e.Output != (thumbnail{}) {
		t.Errorf("event = %+v", e)
	}
	if e := got[2]; e.Output != (thumbnail{}) || e.Metadata == nil {
		t.Errorf("event without an output = %+v", e)
	}
	if e := got[3]; e.Error == nil {
		t.Errorf("an error without a reason has no Error: %+v", e)
	}
}

func TestHandlerAnswers(t *testing.T) {
	t.Parallel()
	secret := NewSecret()
	errDown := errors.New("the database at 10.0.0.7 is down")
	for _, tt := range []struct {
		name    string
		request func() *http.Request
		err     error
		want    int
		called  bool
		logged  string
	}{
		{"handled", func() *http.Request { return signed(t, secret, "m", success) }, nil, 204, true, ""},
		{"failed", func() *http.Request { return signed(t, secret, "m", success) }, errDown, 500, true, "10.0.0.7"},
		{"rejected", func() *http.Request { return signed(t, secret, "m", success) }, Reject(errDown), 422, true, "10.0.0.7"},
		{"a GET", func() *http.Request { return httptest.NewRequest(http.MethodGet, "/hook", nil) }, nil, 405, false, ""},
		{"not signed", func() *http.Request {
			return httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(success))
		}, nil, 401, false, "not signed"},
		{"another secret", func() *http.Request { return signed(t, NewSecret(), "m", success) }, nil, 401, false, "does not match"},
		{"not signed and no JSON", func() *http.Request {
			return httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader("{"))
		}, nil, 401, false, "not signed"},
		{"too long", func() *http.Request { return signed(t, secret, "m", `"`+strings.Repeat("x", 2000)+`"`) }, nil, 413, false, "too large"},
		{"no JSON", func() *http.Request { return signed(t, secret, "m", "{") }, nil, 400, false, "unexpected EOF"},
		{"empty", func() *http.Request { return signed(t, secret, "m", "") }, nil, 400, false, "EOF"},
		{"two values", func() *http.Request { return signed(t, secret, "m", success+"{}") }, nil, 400, false, "goes on"},
		{"no job", func() *http.Request { return signed(t, secret, "m", `{"status":"success"}`) }, nil, 400, false, "jobId"},
		{"another status", func() *http.Request { return signed(t, secret, "m", `{"jobId":"j","status":"queued"}`) }, nil, 400, false, "queued"},
		{"another output", func() *http.Request { return signed(t, secret, "m", `{"jobId":"j","status":"success","output":[]}`) }, nil, 400, false, "output"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			called := false
			h, log := newHandler(t, Config{Secret: secret.Reveal(), MaxBytes: 1000}, func(context.Context, Event[thumbnail]) error {
				called = true
				return tt.err
			})
			w := httptest.NewRecorder()
			h.ServeHTTP(w, tt.request())
			if w.Code != tt.want || called != tt.called {
				t.Errorf("status %d, want %d; function called: %t, want %t", w.Code, tt.want, called, tt.called)
			}
			if !strings.Contains(log.String(), tt.logged) || (tt.logged == "") != (log.Len() == 0) {
				t.Errorf("log %q, want %q in it", log, tt.logged)
			}
			if strings.Contains(w.Body.String(), "10.0.0.7") {
				t.Errorf("the sender is told of the receiver's inside: %s", w.Body)
			}
			if w.Code == 405 && w.Header().Get("Allow") != http.MethodPost {
				t.Error("405 without Allow")
			}
		})
	}
}

func TestRejectOfNothing(t *testing.T) {
	t.Parallel()
	if Reject(nil) != nil {
		t.Error("Reject(nil) is an error")
	}
	cause := errors.New("cause")
	if !errors.Is(Reject(cause), cause) {
		t.Error("Reject hides its cause")
	}
}

func TestHandlerRemembers(t *testing.T) {
	t.Parallel()
	secret := NewSecret()
	var handled []string
	fail := true
	h, _ := newHandler(t, Config{Secret: secret.Reveal(), Remember: 2}, func(_ context.Context, e Event[thumbnail]) error {
		if fail {
			fail = false
			return errors.New("not yet")
		}
		handled = append(handled, e.ID)
		return nil
	})
	post := func(id string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, signed(t, secret, id, success))
		return w.Code
	}
	for i, want := range []struct {
		id     string
		status int
	}{{"a", 500}, {"a", 204}, {"a", 204}, {"b", 204}, {"c", 204}, {"b", 204}, {"a", 204}} {
		if got := post(want.id); got != want.status {
			t.Errorf("request %d (%s): status %d, want %d", i, want.id, got, want.status)
		}
	}
	// A failure is not remembered, and of three events the first is forgotten.
	if want := []string{"a", "b", "c", "a"}; !slices.Equal(handled, want) {
		t.Errorf("handled %q, want %q", handled, want)
	}
}

func TestHandlerHandlesAnEventOnceAtATime(t *testing.T) {
	t.Parallel()
	secret := NewSecret()
	entered, leave := make(chan struct{}), make(chan struct{})
	h, _ := newHandler(t, Config{Secret: secret.Reveal(), Remember: 10}, func(context.Context, Event[thumbnail]) error {
		close(entered)
		<-leave
		return nil
	})
	var wg sync.WaitGroup
	first := httptest.NewRecorder()
	request := signed(t, secret, "a", success)
	wg.Go(func() { h.ServeHTTP(first, request) })
	<-entered
	second := httptest.NewRecorder()
	h.ServeHTTP(second, signed(t, secret, "a", success))
	close(leave)
	wg.Wait()
	if first.Code != 204 || second.Code != 503 {
		t.Errorf("status %d and %d, want 204 and 503", first.Code, second.Code)
	}
}

func TestAPanicIsNotRemembered(t *testing.T) {
	t.Parallel()
	secret := NewSecret()
	calls := 0
	h, _ := newHandler(t, Config{Secret: secret.Reveal(), Remember: 10}, func(context.Context, Event[thumbnail]) error {
		if calls++; calls == 1 {
			panic("first")
		}
		return nil
	})
	func() {
		defer func() { _ = recover() }()
		h.ServeHTTP(httptest.NewRecorder(), signed(t, secret, "a", success))
	}()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, signed(t, secret, "a", success))
	if w.Code != 204 || calls != 2 {
		t.Errorf("status %d after %d calls, want 204 after 2", w.Code, calls)
	}
}

func TestHandlerWantsAConfiguration(t *testing.T) {
	t.Parallel()
	handle := func(context.Context, Event[thumbnail]) error { return nil }
	secret := NewSecret().Reveal()
	for name, cfg := range map[string]Config{
		"no secret":        {},
		"a bad secret":     {Secret: "whsec_hunter2"},
		"a negative limit": {Secret: secret, MaxBytes: -1},
		"a negative time":  {Secret: secret, Tolerance: -1},
	} {
		if _, err := Handler(cfg, handle); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
	if _, err := Handler[thumbnail](Config{Secret: secret}, nil); err == nil {
		t.Error("no function: no error")
	}
	if _, err := Handler(Config{}, handle); !errors.Is(err, ErrNoSecret) {
		t.Errorf("error = %v, want %v", err, ErrNoSecret)
	}
}
