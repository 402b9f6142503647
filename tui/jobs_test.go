package tui

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/audit"
	trail "github.com/microfox-ai/aiwctl/aws/history"
	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// fakeJobs knows one job, which failed.
type fakeJobs struct{}

func (fakeJobs) Find(_ context.Context, req jobs.Request) (*jobs.Life, error) {
	return &jobs.Life{
		JobID: req.JobID, WorkerID: "fail", State: jobs.StateFailed, StateFrom: "log",
		Events: []jobs.Event{{Kind: jobs.EventSent, Text: "sent through the workers API", At: time.Now().Add(-time.Minute)}},
	}, nil
}

// fakeTrail has one action, and two once a task has ended.
type fakeTrail struct{ actions []trail.Action }

func (f *fakeTrail) Newest(context.Context, int, bool) (trail.Page, error) {
	return trail.Page{Actions: f.actions}, nil
}

func (f *fakeTrail) Stamp() (string, error) { return strings.Repeat("x", len(f.actions)), nil }

// A job and the trail of writes open by their messages, whatever screen is visible, and
// hear of tasks while they are hidden.
func TestJobAndHistoryOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done := func(id, object string) trail.Action {
			return trail.Action{Entry: audit.Entry{Record: audit.Record{ID: id, Time: time.Now(), Action: "workers.pause", Object: object, Outcome: audit.OutcomeDone}}}
		}
		paper := &fakeTrail{actions: []trail.Action{done("1", "orders")}}
		c := open(t, Config{Backend: Backend{Jobs: fakeJobs{}, History: paper}, Now: time.Now}, 100, 30)
		c.pass(2 * time.Second)
		c.send(screen.OpenJob{JobID: " job-1700000000000-abc "})
		c.pass(time.Second)
		if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "FAILED") || !strings.Contains(frame, "job-1700000000000-abc of fail") {
			t.Errorf("no job is shown:\n%s", frame)
		}
		c.send(screen.OpenHistory{})
		c.pass(time.Second)
		if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "workers.pause") {
			t.Errorf("no history is shown:\n%s", frame)
		}
		c.press("?") // a dialog over it takes no replies away
		paper.actions = append(paper.actions, done("2", "echo"))
		c.send(screen.Task{ID: "pause-echo", Text: "pause echo", Done: true})
		c.pass(time.Second)
		c.press("esc")
		if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "echo") {
			t.Errorf("the new write is not shown:\n%s", frame)
		}
		c.press("q", "q")
		if got := c.m.visible().Title(); got != "Workers" {
			t.Errorf("back at %s", got)
		}
	})
}

// A console without a finder or a trail says so.
func TestJobAndHistoryWithoutSources(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Config{}, 100, 30)
		c.pass(2 * time.Second)
		c.send(screen.OpenJob{JobID: "job-1"})
		c.pass(time.Second)
		if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "nothing to look for jobs with") {
			t.Errorf("got:\n%s", frame)
		}
		c.send(screen.OpenHistory{})
		c.pass(time.Second)
		if frame := ansi.Strip(c.frame()); !strings.Contains(frame, "No trail of writes is kept here") {
			t.Errorf("got:\n%s", frame)
		}
	})
}
