package functions

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestRuntimeAPIRefusals speaks the Runtime API by hand, out of order.
func TestRuntimeAPIRefusals(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	p := s.pool("f")
	e := newEnvironment(p)
	s.register(e)
	defer s.unregister(e)
	defer e.session.end()
	base := s.url + "/" + e.path

	request := func(method, path, body string, header ...string) (int, string, http.Header) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text), resp.Header
	}
	expect := func(status int, errorType, method, path, body string, header ...string) {
		t.Helper()
		got, text, _ := request(method, path, body, header...)
		if got != status || !strings.Contains(text, errorType) {
			t.Errorf("%s %s: %d %s, want %d %s", method, path, got, text, status, errorType)
		}
	}
	const invocation = "/2018-06-01/runtime/invocation/"

	// Before the first request for work.
	expect(400, "InvalidRequestID", "POST", invocation+"1234/response", "{}")
	expect(403, "Extension.InvalidExtensionName", "POST", "/2020-01-01/extension/register", "{}")
	expect(403, "Extension.InvalidEventType", "POST", "/2020-01-01/extension/register", `{"events":["SHUTDOWN"]}`, "Lambda-Extension-Name", "x")
	if status, text, h := request("POST", "/2020-01-01/extension/register", `{"events":[]}`, "Lambda-Extension-Name", "x"); status != 200 ||
		h.Get("Lambda-Extension-Identifier") == "" || !strings.Contains(text, `"functionName":"f"`) {
		t.Errorf("register: %d %s", status, text)
	}
	expect(403, "Extension.MissingExtensionIdentifier", "GET", "/2020-01-01/extension/event/next", "")

	expect(202, "OK", "POST", "/2018-06-01/runtime/init/error", `{"errorType":"Init","errorMessage":"no"}`)
	if got := string(e.session.initFailure()); got != `{"errorType":"Init","errorMessage":"no"}` {
		t.Errorf("init failure %s", got)
	}

	// With an invocation.
	inv := newInvocation([]byte(`{"n":1}`), "")
	go func() {
		<-e.session.ready
		e.session.deliver(inv)
	}()
	status, text, h := request("GET", invocation+"next", "")
	if status != 200 || text != `{"n":1}` || h.Get("Lambda-Runtime-Aws-Request-Id") != inv.id || h.Get("Lambda-Runtime-Trace-Id") == "" {
		t.Fatalf("next: %d %s %v", status, text, h)
	}
	if _, again, _ := request("GET", invocation+"next", ""); again != text {
		t.Errorf("a repeated request got %s", again)
	}
	expect(403, "InvalidStateTransition", "POST", "/2018-06-01/runtime/init/error", "{}")
	expect(403, "InvalidStateTransition", "POST", "/2020-01-01/extension/register", "{}", "Lambda-Extension-Name", "x")
	expect(400, "InvalidRequestID", "POST", invocation+"1234/error", "{}")
	expect(202, "OK", "POST", invocation+inv.id+"/error", "not JSON", "Lambda-Runtime-Function-Error-Type", "Custom.Failure")
	if a := e.session.answered(); a == nil || !strings.Contains(string(a.payload), `"errorType":"Custom.Failure"`) {
		t.Errorf("answer %+v", a)
	}
	expect(403, "InvalidStateTransition", "POST", invocation+inv.id+"/response", "{}")
	expect(404, "UnknownOperation", "GET", "/2018-06-01/runtime/nothing", "")

	// With too large an answer.
	inv = newInvocation(nil, "")
	go func() {
		<-e.session.ready
		e.session.deliver(inv)
	}()
	request("GET", invocation+"next", "")
	expect(413, "RequestEntityTooLarge", "POST", invocation+inv.id+"/response", strings.Repeat("x", MaxPayload+1))

	base = s.url + "/env-1-0123456789abcdef0123456789abcdef"
	expect(404, "InvalidEnvironment", "GET", invocation+"next", "")
}
