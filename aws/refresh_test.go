package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
)

// refreshable is a stage of n workers and the workers as the inventory has them.
func refreshable(t testing.TB, n int) (*fakeAWS, *Stage, []Worker) {
	t.Helper()
	f := newFakeAWS()
	for i := range n {
		f.worker("p-x", fmt.Sprintf("w%03d", i), "prod", "nodejs20.x")
	}
	s := f.stage(Target{Stage: "prod"}, Options{})
	inv, err := s.Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f, s, inv.Workers
}

func TestRefreshOfManyWorkers(t *testing.T) {
	t.Parallel()
	const workers = 500
	f, s, before := refreshable(t, workers)
	called := f.count("GetQueueAttributes")
	for i := range workers {
		f.queues[fmt.Sprintf("p-x-w%03d-prod", i)]["ApproximateNumberOfMessages"] = "5"
	}
	f.widest = 0
	after, err := s.Refresh(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.count("GetQueueAttributes") - called; got != 2*workers {
		t.Errorf("%d calls, want one for each of %d queues and DLQs", got, 2*workers)
	}
	if f.widest > queueWidth {
		t.Errorf("%d calls at once, want at most %d", f.widest, queueWidth)
	}
	for i := range after {
		if after[i].Queue.Depth.Visible != 5 || before[i].Queue.Depth.Visible != 0 {
			t.Fatalf("worker %s: depth %d after, %d before, want 5 and the old 0", after[i].ID, after[i].Queue.Depth.Visible, before[i].Queue.Depth.Visible)
		}
		if after[i].Queue.VisibilityTimeout != before[i].Queue.VisibilityTimeout || after[i].Function != before[i].Function {
			t.Fatalf("worker %s lost what a refresh does not read", after[i].ID)
		}
	}
}

func TestRefreshUsesItsWidth(t *testing.T) {
	t.Parallel()
	f, s, workers := refreshable(t, 20)
	f.hold, f.widest = make(chan struct{}), 0
	done := make(chan error, 1)
	go func() {
		_, err := s.Refresh(t.Context(), workers)
		done <- err
	}()
	eventually(t, "calls under way side by side", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.width == queueWidth
	})
	close(f.hold)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRefreshKeepsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	f, s, before := refreshable(t, 3)
	for _, name := range []string{"p-x-w000-prod", "p-x-w001-prod", "p-x-w002-prod"} {
		f.queues[name]["ApproximateNumberOfMessages"] = "8"
	}
	f.fail["GetQueueAttributes p-x-w001-prod"] = &smithy.GenericAPIError{Code: denied, Message: "no"}
	after, err := s.Refresh(t.Context(), before)
	partial, ok := errors.AsType[*PartialError](err)
	if !ok || len(partial.Failed) != 1 || partial.Failed[0].WorkerID != "w001" || partial.Of != 6 {
		t.Fatalf("err = %v, want one failure, of w001", err)
	}
	if !strings.Contains(err.Error(), "w001") || !strings.Contains(err.Error(), "p-x-w001-prod") {
		t.Errorf("error %q does not name the worker and its queue", err)
	}
	if kind, _ := Classify(err); kind != KindDenied {
		t.Errorf("kind = %q, want denied", kind)
	}
	for i, want := range []int{8, 0, 8} {
		if got := after[i].Queue.Depth.Visible; got != want {
			t.Errorf("depth of %s = %d, want %d", after[i].ID, got, want)
		}
	}
}

func TestRefreshReadsASharedDLQOnce(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().queue("dead", "", 3).queue("a", "dead", 0).queue("b", "dead", 0).
		function("fa", "nodejs20.x", "a", nil).function("fb", "nodejs20.x", "b", nil)
	s := f.stage(Target{}, Options{})
	inv := mustInventory(t, s)
	f.queues["dead"]["ApproximateNumberOfMessages"] = "4"
	called := f.count("GetQueueAttributes")
	after, err := s.Refresh(t.Context(), inv.Workers)
	if err != nil || after[0].DLQ.Depth.Visible != 4 || after[1].DLQ.Depth.Visible != 4 {
		t.Errorf("depths %d and %d (%v), want 4 for both", after[0].DLQ.Depth.Visible, after[1].DLQ.Depth.Visible, err)
	}
	if got := f.count("GetQueueAttributes") - called; got != 3 {
		t.Errorf("%d calls, want 3", got)
	}
}

func TestRefreshSparesHopelessCalls(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code string
		most int
	}{
		{"ExpiredToken", queueWidth},
		{denied, hopeless + queueWidth},
		{"ThrottlingException", 400}, // a pause helps: all are asked
	} {
		t.Run(tt.code, func(t *testing.T) {
			t.Parallel()
			f, s, workers := refreshable(t, 200)
			called := f.count("GetQueueAttributes")
			f.fail["GetQueueAttributes"] = &smithy.GenericAPIError{Code: tt.code}
			_, err := s.Refresh(t.Context(), workers)
			partial, ok := errors.AsType[*PartialError](err)
			if !ok || len(partial.Failed) != 400 {
				t.Fatalf("err = %v, want all 400 queues named", err)
			}
			if got := f.count("GetQueueAttributes") - called; got > tt.most {
				t.Errorf("%d calls, want at most %d", got, tt.most)
			}
			if text := err.Error(); len(text) > 2000 {
				t.Errorf("the error is %d bytes long", len(text))
			}
		})
	}
}

func TestRefreshEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f, s, workers := refreshable(t, 50)
	f.hold = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Refresh(ctx, workers)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want context.Canceled", err)
	}
}

func TestRefreshOfNothing(t *testing.T) {
	t.Parallel()
	s := newFakeAWS().stage(Target{}, Options{})
	if out, err := s.Refresh(t.Context(), []Worker{{ID: "no-queue"}}); err != nil || len(out) != 1 {
		t.Errorf("Refresh = %v, %v", out, err)
	}
}
