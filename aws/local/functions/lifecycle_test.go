package functions

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

func TestProgramThatDoesNotStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		change    func(*Function)
		errorType string
		message   string
	}{
		{"exits", func(f *Function) { f.Env = []string{programVariable + "=exit"} }, "Runtime.ExitError", "Runtime exited with error: exit status 3"},
		{"hangs", func(f *Function) { f.Env = []string{programVariable + "=hang"} }, "Sandbox.Timedout", "Task timed out after 3.00 seconds"},
		{"missing", func(f *Function) { f.Command = []string{"/nonexistent/worker"} }, "Runtime.InvalidEntrypoint", "/nonexistent/worker"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, func(c *Config) { c.InitTimeout = 3 * time.Second })
			s.function("f", test.change)
			result := s.invoke("f", order{})
			var body struct{ ErrorType, ErrorMessage string }
			if err := json.Unmarshal(result.Payload, &body); err != nil {
				t.Fatal(err)
			}
			if result.FunctionError != "Unhandled" || body.ErrorType != test.errorType || !strings.Contains(body.ErrorMessage, test.message) {
				t.Errorf("got %q %s", result.FunctionError, result.Payload)
			}
			if !s.logs.contains("\tPhase: init\tStatus: ") || len(s.logs.of(result.RequestID)) != 4 {
				t.Errorf("log: %q", s.logs.lines())
			}
			// At once again: the program must not be started for each invocation.
			starts := len(s.logs.names())
			for range 20 {
				if again := s.invoke("f", order{}); again.FunctionError != "Unhandled" {
					t.Errorf("got %s", again.Payload)
				}
			}
			if n := len(s.logs.names()); n > starts+3 {
				t.Errorf("started %d times", n)
			}
			// A program that works clears all of it.
			s.function("f")
			if good := s.invoke("f", order{Do: "echo"}); good.FunctionError != "" {
				t.Errorf("the repaired program: %s", good.Payload)
			}
		})
	}
}

func TestReplacingLetsInvocationsEnd(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	running := make(chan Result)
	go func() { running <- s.invoke("f", order{Do: "echo", Text: "old", Sleep: "2s"}) }()
	eventually(t, "the invocation", func() bool { return s.logs.contains("START") })
	s.function("f", func(f *Function) { f.Env = append(f.Env, "VERSION=2") })
	select {
	case result := <-running:
		if string(result.Payload) != `{"text":"old"}` {
			t.Errorf("the old invocation got %s", result.Payload)
		}
	case <-time.After(time.Minute):
		t.Fatal("Put did not wait for the old program, or the old invocation is lost")
	}
	if env := s.invoke("f", order{Do: "env"}); !strings.Contains(string(env.Payload), "VERSION=2") {
		t.Error("the new program does not run")
	}
}

func TestReplacingKillsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) { c.DrainTimeout = 200 * time.Millisecond })
	s.function("f")
	running := make(chan Result)
	go func() { running <- s.invoke("f", order{Do: "block"}) }()
	eventually(t, "the invocation", func() bool { return s.logs.contains("blocked in") })
	s.function("f")
	if result := <-running; result.FunctionError != "Unhandled" || !strings.Contains(string(result.Payload), "signal: killed") {
		t.Errorf("got %s", result.Payload)
	}
	if got := s.invoke("f", order{Do: "echo", Text: "new"}); string(got.Payload) != `{"text":"new"}` {
		t.Errorf("the new program: %s", got.Payload)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	s.invoke("f", order{Do: "echo"})
	if err := s.Remove(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Invoke(t.Context(), "f", nil); code(t, err) != "ResourceNotFoundException" {
		t.Errorf("got %v", err)
	}
	if err := s.Remove(t.Context(), "f"); code(t, err) != "ResourceNotFoundException" {
		t.Errorf("got %v", err)
	}
	if len(s.Functions()) != 0 {
		t.Errorf("functions %v", s.Functions())
	}
}

func TestIdleEnvironmentsEnd(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) { c.IdleTimeout = 50 * time.Millisecond })
	s.function("f")
	first := s.invoke("f", order{Do: "pid"})
	eventually(t, "the end of the idle environment", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.environments) == 0
	})
	if second := s.invoke("f", order{Do: "pid"}); string(first.Payload) == string(second.Payload) {
		t.Error("the idle process was not ended")
	}
}

func TestSIGTERMBeforeTheEnd(t *testing.T) {
	t.Parallel()
	if os.PathSeparator == '\\' {
		t.Skip("Windows has no SIGTERM")
	}
	s := newStage(t)
	s.function("f", func(f *Function) { f.Env = []string{programVariable + "=sigterm"} })
	if got := s.invoke("f", order{Do: "echo", Text: "x"}); got.FunctionError != "" {
		t.Fatalf("got %s", got.Payload)
	}
	if err := s.Remove(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	if !s.logs.contains("cleaning up") {
		t.Errorf("the program was not asked to end: %q", s.logs.lines())
	}
}

func TestCloseWithARunningInvocation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	var pids []int
	if err := json.Unmarshal(s.invoke("f", order{Do: "child"}).Payload, &pids); err != nil {
		t.Skipf("no sleep program here: %v", err)
	}
	running := make(chan error)
	go func() {
		_, err := s.Invoke(context.Background(), "f", []byte(`{"do":"block","text":"its handler"}`))
		running <- err
	}()
	eventually(t, "the invocation", func() bool { return s.logs.contains("blocked in") })
	began := time.Now()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("closing took %s", took)
	}
	if err := <-running; err != nil {
		t.Errorf("the invocation: %v", err)
	}
	for _, pid := range pids {
		eventually(t, "the end of every process", func() bool { return !alive(pid) })
	}
	if err := s.Put(t.Context(), Function{Name: "g", Command: []string{"x"}}); err == nil {
		t.Error("a closed manager accepted a function")
	}
	if _, err := s.Invoke(t.Context(), "f", nil); err == nil {
		t.Error("a closed manager accepted an invocation")
	}
}

func TestCallerThatLeavesDoesNotStopTheInvocation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.function("f")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := s.Invoke(ctx, "f", []byte(`{"do":"print","text":"the end","size":1,"sleep":"200ms"}`))
		done <- err
	}()
	eventually(t, "the invocation", func() bool { return s.logs.contains("START") })
	cancel()
	if err := <-done; err == nil {
		t.Error("no error")
	}
	eventually(t, "the end of the invocation", func() bool { return s.logs.contains("line 0 of the end") && s.logs.contains("REPORT") })
}

func TestInvalidFunctionsAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name, f := range map[string]Function{
		"no name":   {Command: []string{"x"}},
		"bad name":  {Name: "a b", Command: []string{"x"}},
		"nothing":   {Name: "a"},
		"too long":  {Name: "a", Command: []string{"x"}, Timeout: 16 * time.Minute},
		"too small": {Name: "a", Command: []string{"x"}, MemoryMB: 64},
	} {
		if err := s.Put(t.Context(), f); code(t, err) != "InvalidParameterValueException" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
