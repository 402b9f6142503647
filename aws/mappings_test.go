package aws

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// paused is a stage with worker echo, whose queue two functions read.
func paused(t *testing.T, states ...string) (*fakeAWS, *Stage, Worker, string) {
	t.Helper()
	f := newFakeAWS().queue("q", "", 3)
	for i, state := range states {
		f.function("f"+string(rune('1'+i)), "nodejs22.x", "q", nil)
		f.mappings[i].State = &state
	}
	f.function("other", "nodejs22.x", "q2", nil)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	return f, f.stage(Target{Stage: "dev"}, Options{AuditPath: path}), Worker{ID: "echo", Queue: &Queue{Name: "q", ARN: queueARN("q")}}, path
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		states  []string
		resume  bool
		wait    bool
		slow    int
		busy    int
		changed bool
		want    string
		seen    string // while waiting
		writes  int
	}{
		"paused":                           {states: []string{"Enabled"}, changed: true, want: "Disabling", writes: 1},
		"both":                             {states: []string{"Enabled", "Enabled"}, changed: true, want: "Disabling", writes: 2},
		"waited for":                       {states: []string{"Enabled"}, wait: true, slow: 3, changed: true, want: "Disabled", seen: "Disabling Disabling Disabling Disabled", writes: 1},
		"already":                          {states: []string{"Disabled"}, want: "Disabled"},
		"on its way":                       {states: []string{"Disabling"}, slow: 9, want: "Disabling"},
		"on its way, waited for":           {states: []string{"Disabling"}, slow: 2, wait: true, want: "Disabled", seen: "Disabling Disabling Disabled"},
		"one of two":                       {states: []string{"Disabled", "Enabled"}, changed: true, want: "Disabled, Disabling", writes: 1},
		"resumed":                          {states: []string{"Disabled"}, resume: true, wait: true, slow: 2, changed: true, want: "Enabled", seen: "Enabling Enabling Enabled", writes: 1},
		"while AWS is still changing them": {states: []string{"Enabled"}, busy: 2, changed: true, want: "Disabling", writes: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, s, w, path := paused(t, tt.states...)
				f.slow, f.busy = tt.slow, tt.busy
				var seen []string
				res, err := s.Pause(t.Context(), PauseRequest{Worker: w, Resume: tt.resume, Wait: tt.wait, OnState: func(state string) { seen = append(seen, state) }})
				if err != nil || res.Changed != tt.changed || res.States() != tt.want || f.count("UpdateEventSourceMapping") != tt.writes {
					t.Errorf("%+v, %v; %d writes; want %+v", res, err, f.count("UpdateEventSourceMapping"), tt)
				}
				if got := strings.Join(seen, " "); got != tt.seen {
					t.Errorf("while waiting it was said: %s; want %s", got, tt.seen)
				}
				if *f.mappings[len(tt.states)].State != "Enabled" {
					t.Error("the mapping of another queue was changed")
				}
				if !tt.changed {
					return
				}
				e := readAudit(t, path)[0]
				if e.Action != map[bool]string{false: "workers.pause", true: "workers.resume"}[tt.resume] || e.Object != "echo" || *e.Done != len(tt.states) || !slices.Contains(e.IDs, "uuid-f1") {
					t.Errorf("audit: %+v", e)
				}
			})
		})
	}
}

func TestPauseFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		states []string
		fail   map[string]error
		target Target
		is     error
		kind   ErrorKind
		says   string
	}{
		"no mapping":        {is: ErrNoMapping, says: "nothing reads queue q, so there is nothing to pause"},
		"read-only":         {states: []string{"Enabled"}, target: Target{ReadOnly: true}, is: ErrReadOnly},
		"denied":            {states: []string{"Enabled"}, fail: map[string]error{"UpdateEventSourceMapping": apiError("Lambda", "UpdateEventSourceMapping", "AccessDeniedException", "no")}, kind: KindDenied, says: "lambda:UpdateEventSourceMapping"},
		"the second denied": {states: []string{"Enabled", "Enabled"}, fail: map[string]error{"UpdateEventSourceMapping uuid-f2": apiError("Lambda", "UpdateEventSourceMapping", "AccessDeniedException", "no")}, kind: KindDenied, says: "mapping uuid-f2"},
		"it cannot be read": {states: []string{"Enabled"}, fail: map[string]error{"ListEventSourceMappings": apiError("Lambda", "ListEventSourceMappings", "AccessDeniedException", "no")}, kind: KindDenied, says: "read its event source mappings"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, s, w, path := paused(t, tt.states...)
			if tt.target.ReadOnly {
				s = f.stage(tt.target, Options{})
			}
			f.fail = tt.fail
			res, err := s.Pause(t.Context(), PauseRequest{Worker: w})
			kind, hint := Classify(err)
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || tt.kind != KindNone && kind != tt.kind || !strings.Contains(err.Error()+hint, tt.says) {
				t.Errorf("%+v, %v (%s, %s)", res, err, kind, hint)
			}
			if name == "the second denied" {
				if e := readAudit(t, path)[0]; *e.Done != 1 || *e.Failed != 1 || !res.Changed {
					t.Errorf("one was paused: %+v, %+v", e, res)
				}
			}
		})
	}
}

// A wait that is given up says how far AWS has got, and one whose mapping is
// deleted does not go on for ever.
func TestPauseGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, s, w, _ := paused(t, "Enabled")
		f.slow = 1000
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		res, err := s.Pause(ctx, PauseRequest{Worker: w, Wait: true})
		if !errors.Is(err, context.DeadlineExceeded) || !res.Changed || !strings.Contains(err.Error(), "AWS has accepted it, and it is still disabling") {
			t.Errorf("%+v, %v", res, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f, s, w, _ := paused(t, "Enabled")
		f.slow = 1000
		_, err := s.Pause(t.Context(), PauseRequest{Worker: w, Wait: true, OnState: func(string) { f.mappings = f.mappings[1:] }})
		if kind, _ := Classify(err); kind != KindNotFound || !strings.Contains(err.Error(), "was deleted meanwhile") {
			t.Errorf("%v", err)
		}
	})
}
