package screen_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/tui/screen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newRequests(t *testing.T, owner screen.ID) *screen.Requests {
	t.Helper()
	work := screen.NewWork(context.Background())
	t.Cleanup(func() {
		if !work.Close(5 * time.Second) {
			t.Error("work was left behind")
		}
	})
	return screen.NewRequests(work, owner)
}

func value(v any) func(context.Context) (any, error) {
	return func(context.Context) (any, error) { return v, nil }
}

func reply(t *testing.T, cmd tea.Cmd) screen.Reply {
	t.Helper()
	msg := cmd()
	r, ok := msg.(screen.Reply)
	if !ok {
		t.Fatalf("the command brought %T, want a Reply", msg)
	}
	return r
}

func TestStartBringsTheResultToItsOwner(t *testing.T) {
	t.Parallel()
	r := newRequests(t, 7)
	failed := errors.New("denied")
	got := reply(t, r.Start("load", time.Second, func(context.Context) (any, error) { return "rows", failed }))
	if got.Owner != 7 || got.Purpose != "load" || got.Payload != "rows" || !errors.Is(got.Err, failed) {
		t.Errorf("reply = %+v", got)
	}
	if !r.Live("load") {
		t.Error("the request is not live before its reply was taken")
	}
	if next, live := r.Take(got); !live || next != nil {
		t.Errorf("Take = %v, %v; want nil, true", next != nil, live)
	}
	if r.Live("load") {
		t.Error("the request is live after its reply was taken")
	}
	if _, live := r.Take(got); live {
		t.Error("the same reply was taken twice")
	}
}

func TestRepliesOfReplacedRequestsAreDropped(t *testing.T) {
	t.Parallel()
	r := newRequests(t, 1)
	old := reply(t, r.Start("load", 0, value("old")))
	fresh := reply(t, r.Start("load", 0, value("new")))
	other := reply(t, r.Start("count", 0, value(3)))
	if _, live := r.Take(old); live {
		t.Error("the reply of a replaced request was taken")
	}
	if _, live := r.Take(other); !live {
		t.Error("another purpose was disturbed")
	}
	if _, live := r.Take(fresh); !live {
		t.Error("the newest reply was not taken")
	}
}

func TestRepliesOfAnotherOwnerAreDropped(t *testing.T) {
	t.Parallel()
	a, b := newRequests(t, 1), newRequests(t, 2)
	fromA := reply(t, a.Start("load", 0, value("a")))
	b.Start("load", 0, value("b"))
	if _, live := b.Take(fromA); live {
		t.Error("a reply landed with another owner of the same purpose and generation")
	}
}

func TestStartingAgainEndsTheContextOfTheOneBefore(t *testing.T) {
	t.Parallel()
	r := newRequests(t, 1)
	started, ended := make(chan struct{}), make(chan tea.Msg)
	first := r.Start("load", 0, func(ctx context.Context) (any, error) {
		close(started)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	go func() { ended <- first() }()
	<-started
	r.Start("load", 0, value("new"))
	if msg := <-ended; msg != nil {
		t.Errorf("a cancelled request brought %v", msg)
	}
}

func TestAPanicIsAnError(t *testing.T) {
	t.Parallel()
	r := newRequests(t, 1)
	got := reply(t, r.Start("load", 0, func(context.Context) (any, error) { panic("nil map") }))
	if got.Err == nil || !strings.Contains(got.Err.Error(), "nil map") {
		t.Errorf("err = %v, want the panic's words", got.Err)
	}
}

func TestStreamKeepsOrderAndEndsWithTheError(t *testing.T) {
	t.Parallel()
	r := newRequests(t, 1)
	broken := errors.New("broken")
	cmd := r.Stream("tail", func(_ context.Context, emit func(any) error) error {
		for i := range 3 {
			if err := emit(i); err != nil {
				return err
			}
		}
		return broken
	})
	var got []any
	for cmd != nil {
		item := reply(t, cmd)
		next, live := r.Take(item)
		if !live {
			t.Fatal("an item of a live stream was not taken")
		}
		if item.More {
			got = append(got, item.Payload)
		} else if !errors.Is(item.Err, broken) {
			t.Errorf("the stream ended with %v, want %v", item.Err, broken)
		}
		cmd = next
	}
	if !slices.Equal(got, []any{0, 1, 2}) {
		t.Errorf("items = %v", got)
	}
}

func TestInterruptStillBringsTheEnd(t *testing.T) {
	t.Parallel()
	r := newRequests(t, 1)
	cmd := r.Stream("replay", func(ctx context.Context, emit func(any) error) error {
		if err := emit("one"); err != nil {
			return err
		}
		<-ctx.Done()
		if err := emit("report"); err != nil {
			return err
		}
		return ctx.Err()
	})
	next, _ := r.Take(reply(t, cmd))
	r.Interrupt("replay")
	report := reply(t, next)
	if report.Payload != "report" {
		t.Fatalf("after the interrupt came %v, want the report", report.Payload)
	}
	next, _ = r.Take(report)
	if end := reply(t, next); !errors.Is(end.Err, context.Canceled) || end.More {
		t.Errorf("end = %+v", end)
	}
}

func TestCancelEndsAStreamThatNobodyReads(t *testing.T) {
	t.Parallel()
	r := newRequests(t, 1)
	emitted := make(chan error, 2)
	cmd := r.Stream("tail", func(_ context.Context, emit func(any) error) error {
		for range 2 {
			emitted <- emit("line")
		}
		return nil
	})
	reply(t, cmd)
	if err := <-emitted; err != nil {
		t.Fatalf("the first item was refused: %v", err)
	}
	r.Close()
	if err := <-emitted; err == nil {
		t.Error("emit succeeded although nobody will read it")
	}
}

func TestWorkCloseWaitsAndRefusesMore(t *testing.T) {
	t.Parallel()
	work := screen.NewWork(context.Background())
	r := screen.NewRequests(work, 1)
	started := make(chan struct{})
	cmd := r.Start("load", 0, func(ctx context.Context) (any, error) {
		close(started)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	done := make(chan struct{})
	go func() { defer close(done); cmd() }()
	<-started
	if !work.Close(5 * time.Second) {
		t.Error("Close gave up on work that ends with its context")
	}
	<-done
	if msg := r.Start("load", 0, value(1))(); msg != nil {
		t.Errorf("work was done after Close: %v", msg)
	}
}
