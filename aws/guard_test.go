package aws

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/audit"
)

func readLines(t *testing.T, path string) []audit.Record {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []audit.Record
	for line := range strings.Lines(string(text)) {
		var e audit.Record
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		out = append(out, e)
	}
	return out
}

// readAudit has the records of ends.
func readAudit(t *testing.T, path string) []audit.Record {
	t.Helper()
	return slices.DeleteFunc(readLines(t, path), func(r audit.Record) bool { return r.Event != audit.EventEnd })
}

func TestGuardRefusesReadOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	s := newFakeAWS().stage(Target{ReadOnly: true}, Options{AuditPath: path})
	err := s.Guard().Do(t.Context(), Action{Name: "dlq.replay", Object: "orders"}, func(context.Context, Writer) error {
		t.Error("a refused write ran")
		return nil
	})
	if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "--read-only") || !strings.Contains(err.Error(), "orders") {
		t.Errorf("err = %v, want ErrReadOnly, the object and what to change", err)
	}
	if kind, _ := Classify(err); kind != KindDenied {
		t.Errorf("kind = %q, want denied", kind)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a refused write left an audit trail")
	}
	if !new(Guard).ReadOnly() {
		t.Error("the zero Guard allows writes")
	}
}

func TestGuardKeepsAnAuditTrail(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "aiwctl", "audit.jsonl")
	f := newFakeAWS()
	s := f.stage(Target{Stage: "prod", Service: "p-x", EndpointURL: "http://me:secret@127.0.0.1:4566"},
		Options{AuditPath: path, Getenv: envOf(map[string]string{"USER": "me"})})
	do := func(err error) error {
		return s.Guard().Do(t.Context(), Action{Name: "dlq.replay", Object: "orders", Count: 2, IDs: []string{"m1", "m2"}},
			func(context.Context, Writer) error { return err })
	}
	if err := do(nil); err != nil {
		t.Fatal(err)
	}
	failure := &smithy.GenericAPIError{Code: denied, Message: "token=abc"}
	if err := do(failure); !errors.Is(err, failure) {
		t.Errorf("err = %v, want the write's own", err)
	}
	if err := do(context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want the write's own", err)
	}
	lines := readLines(t, path)
	if len(lines) != 6 {
		t.Fatalf("%d lines, want two for each write", len(lines))
	}
	for i, want := range []struct {
		outcome string
		kind    ErrorKind
		done    any
	}{{audit.OutcomeDone, KindNone, 2}, {audit.OutcomeFailed, KindDenied, nil}, {audit.OutcomeCancelled, KindOther, nil}} {
		begin, end := lines[2*i], lines[2*i+1]
		if begin.Event != audit.EventBegin || end.Event != audit.EventEnd || begin.ID != end.ID || begin.ID == "" || begin.Outcome != "" {
			t.Errorf("write %d: %+v, %+v", i, begin, end)
		}
		if end.Outcome != want.outcome || end.ErrorKind != string(want.kind) || (end.Done == nil) != (want.done == nil) {
			t.Errorf("write %d: %s, %q, %v done, want %+v", i, end.Outcome, end.ErrorKind, end.Done, want)
		}
		for _, e := range []audit.Record{begin, end} {
			if e.Account != testAccount || !strings.HasSuffix(e.Who, "assumed-role/ops/somebody") || e.Stage != "prod" || e.Region != testRegion ||
				e.Service != "p-x" || e.Action != "dlq.replay" || e.Object != "orders" || e.Count != 2 || len(e.IDs) != 2 || !e.Time.Equal(testNow()) ||
				e.PID != os.Getpid() || e.User != "me" {
				t.Errorf("write %d: %+v: something is missing", i, e)
			}
		}
	}
	if n := f.count("GetCallerIdentity"); n != 1 {
		t.Errorf("STS was asked %d times, want once", n)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), "secret") || strings.Contains(string(text), "token=abc") {
		t.Errorf("the trail holds a secret: %s (%v)", text, err)
	}
	if goruntime.GOOS == "windows" {
		return
	}
	for p, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, want %v (%v)", p, info.Mode().Perm(), want, err)
		}
	}
}

func TestGuardWritesWholeLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	s := newFakeAWS().stage(Target{}, Options{AuditPath: path})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			err := s.Guard().Do(t.Context(), Action{Name: "a", Object: strings.Repeat("x", 5000)}, func(context.Context, Writer) error { return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	entries := readAudit(t, path)
	if len(entries) != 50 {
		t.Errorf("%d lines, want 50", len(entries))
	}
	for _, e := range entries {
		if e.Who == "" {
			t.Fatal("a write at the same time as the first is on record without its caller")
		}
	}
}

func TestGuardRefusesWithoutATrail(t *testing.T) {
	t.Parallel()
	blocked := filepath.Join(t.TempDir(), "a-file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newFakeAWS().stage(Target{}, Options{AuditPath: filepath.Join(blocked, "audit.jsonl")})
	err := s.Guard().Do(t.Context(), Action{Name: "dispatch", Object: "echo"}, func(context.Context, Writer) error {
		t.Error("a write ran that could not be put on record")
		return nil
	})
	if !errors.Is(err, ErrAudit) || !strings.Contains(err.Error(), "nothing was written") || !strings.Contains(err.Error(), "XDG_STATE_HOME") {
		t.Errorf("err = %v, want ErrAudit, what happened and what to do", err)
	}
}

func TestGuardRefusesWithAFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("needs /dev/full")
	}
	s := newFakeAWS().stage(Target{}, Options{AuditPath: "/dev/full"})
	err := s.Guard().Do(t.Context(), Action{Name: "dispatch", Object: "echo"}, func(context.Context, Writer) error {
		t.Error("a write ran that could not be put on record")
		return nil
	})
	if !errors.Is(err, ErrAudit) || !strings.Contains(err.Error(), "nothing was written") || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("err = %v", err)
	}
}

func TestGuardReportsATrailThatFailsAfterTheWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	s := newFakeAWS().stage(Target{}, Options{AuditPath: path})
	failure := errors.New("the write's own")
	err := s.Guard().Do(t.Context(), Action{Name: "dispatch", Object: "echo"}, func(context.Context, Writer) error {
		if begun := readLines(t, path); len(begun) != 1 || begun[0].Event != audit.EventBegin {
			t.Errorf("on record before the write: %+v", begun)
		}
		return errors.Join(failure, os.Remove(path), os.Mkdir(path, 0o700))
	})
	if !errors.Is(err, ErrAudit) || !errors.Is(err, failure) || !strings.Contains(err.Error(), "its end is not on record") {
		t.Errorf("err = %v, want both errors", err)
	}
}

func TestGuardCounts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	s := newFakeAWS().stage(Target{}, Options{AuditPath: path})
	failure := errors.New("half of it")
	if err := s.Guard().Do(t.Context(), Action{Name: "dlq.replay", Count: 5, Tally: func() (int, int) { return 3, 2 }},
		func(context.Context, Writer) error { return failure }); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	if e := readAudit(t, path)[0]; e.Done == nil || *e.Done != 3 || *e.Failed != 2 {
		t.Errorf("%+v", e)
	}
}

func TestProtectedStages(t *testing.T) {
	t.Parallel()
	loopback := "http://127.0.0.1:4566"
	for name, tt := range map[string]struct {
		target    Target
		p         Protection
		queues    []string
		confirmed string
		refused   string
	}{
		"prod by default":               {target: Target{Stage: "prod"}, refused: `("prod" matches prod* (default)): confirm its name, "prod"`},
		"a stage that nothing names":    {refused: `confirm its name, "prod"`},
		"whatever the case":             {target: Target{Stage: "Production"}, refused: `confirm its name, "Production"`},
		"confirmed":                     {target: Target{Stage: "prod"}, confirmed: "prod"},
		"another confirmed":             {target: Target{Stage: "prod"}, confirmed: "staging", refused: `"staging" was confirmed, and the stage is "prod"`},
		"another, of none protected":    {target: Target{Stage: "dev"}, confirmed: "prod", refused: `"prod" was confirmed, and the stage is "dev"`},
		"not protected":                 {target: Target{Stage: "dev"}},
		"not protected, confirmed":      {target: Target{Stage: "dev"}, confirmed: "dev"},
		"prod on this machine":          {target: Target{Stage: "prod", EndpointURL: loopback}},
		"on this machine, asked for":    {target: Target{Stage: "dev", EndpointURL: loopback}, p: Protection{Always: true, Origin: "config.yaml:3"}, refused: "config.yaml:3"},
		"an entry's own name":           {target: Target{Stage: "prod"}, p: Protection{Name: "checkout"}, confirmed: "checkout"},
		"its stage's, where it has one": {target: Target{Stage: "prod"}, p: Protection{Name: "checkout"}, confirmed: "prod", refused: `the stage is "checkout"`},
		"never":                         {target: Target{Stage: "prod"}, p: Protection{Never: true}},
		"other patterns":                {target: Target{Stage: "live-eu"}, p: Protection{Patterns: []string{"x", "live*"}}, refused: "live*"},
		"no patterns":                   {target: Target{Stage: "prod"}, p: Protection{Patterns: []string{}}},
		"queues of the stage":           {target: Target{Stage: "dev"}, queues: []string{"shop-a-dlq-dev", "shop-a-dev"}},
		"a queue of a protected stage": {
			target: Target{Stage: "dev"}, queues: []string{"shop-a-dlq-dev", "https://sqs.eu-west-1.amazonaws.com/1/shop-a-prod.fifo"},
			refused: `queue shop-a-prod is named as those of stage prod are: "prod" matches prod* (default)): confirm its name, "prod"`,
		},
		"its name confirmed":           {target: Target{Stage: "dev"}, queues: []string{"arn:aws:sqs:eu-west-1:1:shop-a-prod"}, confirmed: "prod"},
		"the target's name confirmed":  {target: Target{Stage: "dev"}, queues: []string{"shop-a-prod"}, confirmed: "dev", refused: `"dev" was confirmed, and the stage is "prod"`},
		"such a queue on this machine": {target: Target{Stage: "dev", EndpointURL: loopback}, queues: []string{"shop-a-prod"}},
		"such a queue, never":          {target: Target{Stage: "dev"}, p: Protection{Never: true}, queues: []string{"shop-a-prod"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.target.Region = testRegion
			s := newStage(tt.target, Options{Getenv: noEnv, AuditPath: NoAudit, Protection: tt.p}, clients{sts: newFakeAWS(), writer: newFakeAWS()})
			ctx := t.Context()
			if tt.confirmed != "" {
				ctx = Confirm(ctx, tt.confirmed)
			}
			ran := false
			err := s.Guard().Do(ctx, Action{Name: "dispatch", Object: "echo", Queues: tt.queues}, func(context.Context, Writer) error { ran = true; return nil })
			if tt.refused == "" {
				if err != nil || !ran {
					t.Errorf("%v; ran %t", err, ran)
				}
				return
			}
			if !errors.Is(err, ErrProtected) || !strings.Contains(err.Error(), tt.refused) || ran {
				t.Errorf("%v; want %q; ran %t", err, tt.refused, ran)
			}
			if kind, _ := Classify(err); kind != KindDenied {
				t.Errorf("kind = %q", kind)
			}
		})
	}
}

func TestGuardIsNotHeldUpByAnIdentity(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := newFakeAWS()
	f.fail["GetCallerIdentity"] = errors.New("no network")
	s := f.stage(Target{}, Options{AuditPath: path})
	if err := s.Guard().Do(t.Context(), Action{Name: "dispatch"}, func(context.Context, Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if e := readAudit(t, path)[0]; e.Who != "" || e.Outcome != audit.OutcomeDone {
		t.Errorf("entry = %+v, want it without a caller", e)
	}
}

// An STS that does not answer keeps a write waiting for a second, and its end for
// three.
func TestGuardWaitsForAnIdentityForAWhile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	synctest.Test(t, func(t *testing.T) {
		s := newFakeAWS().stage(Target{}, Options{AuditPath: path})
		s.guard.who = func(ctx context.Context) Identity {
			<-ctx.Done()
			return Identity{}
		}
		start := time.Now()
		err := s.Guard().Do(t.Context(), Action{Name: "dispatch"}, func(context.Context, Writer) error {
			if waited := time.Since(start); waited != whoPatience {
				t.Errorf("the write began after %s", waited)
			}
			return nil
		})
		if waited := time.Since(start); err != nil || waited != whoPatience+whoTimeout {
			t.Errorf("%v after %s", err, waited)
		}
	})
	if lines := readLines(t, path); len(lines) != 2 || lines[1].Who != "" || lines[1].Outcome != audit.OutcomeDone {
		t.Errorf("%+v", lines)
	}
}

func TestGuardTakesTheWriterBack(t *testing.T) {
	t.Parallel()
	f := newFakeAWS()
	s := f.stage(Target{}, Options{})
	var kept Writer
	if err := s.Guard().Do(t.Context(), Action{}, func(_ context.Context, w Writer) error { kept = w; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.SendMessage(t.Context(), &sqs.SendMessageInput{}); err == nil || len(f.sent) > 0 {
		t.Error("a writer kept after its action still writes")
	}
	if _, ok := s.SQS().(Writer); ok {
		t.Error("the reader can be turned into a writer")
	}
	if _, ok := s.SQS().(interface {
		SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	}); ok {
		t.Error("the reader can send")
	}
}

func TestDefaultAuditPath(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/aiwctl/audit.jsonl"},
		{map[string]string{"HOME": "/h"}, "/h/.local/state/aiwctl/audit.jsonl"},
		{map[string]string{"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/aiwctl/audit.jsonl"},
	} {
		if got, err := DefaultAuditPath(envOf(tt.env)); err != nil || got != filepath.FromSlash(tt.want) {
			t.Errorf("%v: %q, %v, want %q", tt.env, got, err, tt.want)
		}
	}
}
