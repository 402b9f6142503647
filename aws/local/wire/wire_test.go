package wire_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

type in struct{ Text string }

type out struct{ Echo string }

// service has one operation for every way an operation can end.
func service(log io.Writer) *wire.Service {
	s := &wire.Service{
		Target: "Test_20200101", Namespace: "com.example", Version: wire.JSON10, QueryCompatible: true,
		MaxBody: 100, Logger: slog.New(slog.NewTextHandler(log, nil)),
	}
	s.Handle("Echo", wire.JSON(func(_ context.Context, in *in) (*out, error) { return &out{in.Text}, nil }))
	s.Handle("Nothing", wire.JSON(func(context.Context, *in) (*out, error) { return nil, nil }))
	s.Handle("Empty", wire.Empty(func(context.Context, *in) error { return nil }))
	s.Handle("Refuse", wire.Empty(func(context.Context, *in) error {
		return fmt.Errorf("wrapped: %w", wire.NewError("NoThing", "no \"thing\"").WithQueryCode("Old.NoThing"))
	}))
	s.Handle("Broken", wire.Empty(func(context.Context, *in) error { return errors.New("the secret cause") }))
	s.Handle("Panic", wire.Empty(func(context.Context, *in) error { panic("the secret panic") }))
	s.Handle("Cancelled", wire.Empty(func(context.Context, *in) error { return context.Canceled }))
	return s
}

func call(h http.Handler, target, body string) *http.Response {
	r := httptest.NewRequest(http.MethodPost, "/any/path", strings.NewReader(body))
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestService(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	served := service(&log)
	tests := []struct {
		target, body string
		status       int
		answer       string
		query        string
	}{
		{"Test_20200101.Echo", `{"Text":"a<b"}`, 200, `{"Echo":"a<b"}`, ""},
		{"Test_20200101.Echo", ``, 200, `{"Echo":""}`, ""},
		{"Test_20200101.Nothing", `{}`, 200, `{}`, ""},
		{"Test_20200101.Empty", `{}`, 200, ``, ""},
		{"Test_20200101.Refuse", `{}`, 400, `{"__type":"com.example#NoThing","message":"no \"thing\""}`, "Old.NoThing;Sender"},
		{"Test_20200101.Broken", `{}`, 500, `{"__type":"com.example#InternalFailure","message":"The request processing has failed because of an unknown error, exception or failure."}`, "InternalFailure;Receiver"},
		{"Test_20200101.Panic", `{}`, 500, `{"__type":"com.example#InternalFailure","message":"The request processing has failed because of an unknown error, exception or failure."}`, "InternalFailure;Receiver"},
		{"Test_20200101.Cancelled", `{}`, 503, `{"__type":"com.example#ServiceUnavailable","message":"The request was cancelled before it was done."}`, "ServiceUnavailable;Receiver"},
		{"Test_20200101.Echo", strings.Repeat(" ", 101), 413, `{"__type":"com.example#RequestEntityTooLargeException","message":"the request body is larger than 100 bytes"}`, "RequestEntityTooLargeException;Sender"},
		{"Test_20200101.Nope", `{}`, 400, `{"__type":"com.example#UnknownOperationException","message":"the local endpoint does not serve \"Test_20200101.Nope\""}`, "UnknownOperationException;Sender"},
		{"Other.Echo", `{}`, 400, `{"__type":"com.example#UnknownOperationException","message":"the local endpoint does not serve \"Other.Echo\""}`, "UnknownOperationException;Sender"},
		{"", `{}`, 400, `{"__type":"com.example#UnknownOperationException","message":"the request names no operation: it has no X-Amz-Target header"}`, "UnknownOperationException;Sender"},
	}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, test := range tests {
		r := call(served, test.target, test.body)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if r.StatusCode != test.status || string(body) != test.answer || r.Header.Get("x-amzn-query-error") != test.query {
			t.Errorf("%s: got %d %s %s", test.target, r.StatusCode, body, r.Header.Get("x-amzn-query-error"))
		}
		if !uuid.MatchString(r.Header.Get("x-amzn-RequestId")) || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-amz-json-1.") {
			t.Errorf("%s: got headers %v", test.target, r.Header)
		}
	}
	for _, secret := range []string{"the secret cause", "the secret panic"} {
		if !strings.Contains(log.String(), secret) {
			t.Errorf("%q is not in the log", secret)
		}
	}
	for _, body := range []string{`{`, `[]`, `{"Text":1}`, `"x"`, `{} x`} {
		r := call(served, "Test_20200101.Echo", body)
		answer, _ := io.ReadAll(r.Body)
		if r.StatusCode != 400 || !strings.Contains(string(answer), "com.example#SerializationException") {
			t.Errorf("%s: got %d %s", body, r.StatusCode, answer)
		}
	}
}

// TestConnectionSurvives: after a panic, a refusal and a body that is too large the
// same connection serves on.
func TestConnectionSurvives(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(service(io.Discard))
	defer server.Close()
	closed := 0
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for _, target := range []string{"Panic", "Refuse", "Echo", "Nope", "Echo"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(strings.Repeat("x", 5000)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "Test_20200101."+target)
		answer, err := client.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Errorf("%s: %v", target, err)
		}
		_ = answer.Body.Close()
		if answer.Close {
			closed++
		}
	}
	if closed > 0 {
		t.Errorf("%d answers closed the connection", closed)
	}
}

func TestREST(t *testing.T) {
	t.Parallel()
	run := func(f func(context.Context, *http.Request) (int, any, error)) (int, http.Header, string) {
		w := httptest.NewRecorder()
		wire.REST(nil, f).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		return w.Code, w.Header(), w.Body.String()
	}
	status, header, body := run(func(context.Context, *http.Request) (int, any, error) { return 201, map[string]int{"a": 1}, nil })
	if status != 201 || body != `{"a":1}` || header.Get("Content-Type") != "application/json" {
		t.Errorf("got %d %v %s", status, header, body)
	}
	if status, _, body = run(func(context.Context, *http.Request) (int, any, error) { return 204, nil, nil }); status != 204 || body != "" {
		t.Errorf("got %d %s", status, body)
	}
	status, header, body = run(func(context.Context, *http.Request) (int, any, error) {
		return 0, nil, wire.NotFound("ResourceNotFoundException", "Function not found: %s", "f")
	})
	if status != 404 || header.Get("x-amzn-ErrorType") != "ResourceNotFoundException" || body != `{"Type":"User","Message":"Function not found: f","message":"Function not found: f"}` {
		t.Errorf("got %d %v %s", status, header, body)
	}
	status, header, body = run(func(context.Context, *http.Request) (int, any, error) { panic("x") })
	if status != 500 || header.Get("x-amzn-ErrorType") != "InternalFailure" || !strings.Contains(body, `"Type":"Service"`) {
		t.Errorf("got %d %v %s", status, header, body)
	}
}

func TestReadJSON(t *testing.T) {
	t.Parallel()
	read := func(body string) (in, error) {
		var v in
		return v, wire.ReadJSON(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)), 20, &v)
	}
	if _, err := read(""); err != nil {
		t.Error(err)
	}
	if _, err := read(`{"Text":"x"}`); err != nil {
		t.Error(err)
	}
	for body, code := range map[string]string{`{`: "SerializationException", `{"Text":"` + strings.Repeat("x", 20) + `"}`: "RequestEntityTooLargeException"} {
		_, err := read(body)
		if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != code {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/?Version=2011-06-15", strings.NewReader("Action=GetCallerIdentity&A=1"))
	action, params, err := wire.ReadQuery(r, 0)
	if err != nil || action != "GetCallerIdentity" || params.Get("Version") != "2011-06-15" || params.Get("A") != "1" {
		t.Errorf("got %s %v %v", action, params, err)
	}
	_, _, err = wire.ReadQuery(httptest.NewRequest(http.MethodPost, "/", strings.NewReader("A=1")), 0)
	if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != "MissingAction" {
		t.Errorf("got %v", err)
	}

	type identity struct{ Account, Arn string }
	w := httptest.NewRecorder()
	if err := wire.WriteQuery(w, "https://sts.amazonaws.com/doc/2011-06-15/", "GetCallerIdentity", identity{"000000000000", "a<b"}); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>000000000000</Account><Arn>a&lt;b</Arn></GetCallerIdentityResult><ResponseMetadata><RequestId>[^<]+</RequestId></ResponseMetadata></GetCallerIdentityResponse>$`)
	if !want.MatchString(w.Body.String()) {
		t.Errorf("got %s", w.Body)
	}

	w = httptest.NewRecorder()
	if err := wire.WriteQueryError(w, "ns", wire.NewError("AccessDenied", "no & no").WithStatus(403)); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Error struct{ Type, Code, Message string }
	}
	if err := xml.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 403 || answer.Error.Type != "Sender" || answer.Error.Code != "AccessDenied" || answer.Error.Message != "no & no" {
		t.Errorf("got %d %s %v", w.Code, w.Body, err)
	}
}

func TestAppendString(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "<&>", "\u2028 \u00e9 \u65e5 \U0001D11E", "bad \xff\xfe utf8 \xed\xa0\x80"} {
		var back string
		text := wire.AppendString(nil, s)
		if err := json.Unmarshal(text, &back); err != nil || back != string([]rune(s)) {
			t.Errorf("%q: got %s, which is %q, %v", s, text, back, err)
		}
	}
}
