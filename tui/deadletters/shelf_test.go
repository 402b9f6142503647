package deadletters

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// many is a queue with more than may be kept in memory.
type many struct{}

func (many) Look(_ context.Context, _ aws.Worker, _ int, each func([]letter.Letter) (bool, error)) (*redrive.Look, error) {
	for i := range 50 {
		body := fmt.Sprintf(`{"workerId":"orders","jobId":"job-%02d","input":{"text":"%s number-%02d"}}`, i, strings.Repeat("x", 4000), i)
		m, err := dispatch.ParseMessage([]byte(body))
		if err != nil {
			return &redrive.Look{}, err
		}
		l := letter.Letter{ID: fmt.Sprintf("m-%02d", i), Body: body, Message: m, SentAt: screentest.Now().Add(-time.Duration(i) * time.Minute)}
		if _, err := each([]letter.Letter{l}); err != nil {
			return &redrive.Look{}, err
		}
	}
	return &redrive.Look{Seen: 50, Complete: true, Depth: aws.Depth{Visible: 50}}, nil
}

func (many) Why(context.Context, aws.Worker, []why.Job) (why.Found, error) {
	return why.Found{}, nil
}

func (many) Attempt(context.Context, aws.Worker, string, string, time.Time) ([]logs.Line, error) {
	return nil, nil
}

func (many) Replays(...string) ([]redrive.Sent, error) { return nil, nil }

// What does not fit into memory is shown, found and edited all the same.
func TestBodiesBeyondMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		env := screentest.Env(t)
		env.Data.Inventory = &aws.Inventory{Workers: []aws.Worker{{ID: "orders", DLQ: &aws.Queue{Name: "orders-dlq"}}}}
		s := New(env, many{}, NewEdits(), screen.OpenDead{WorkerID: "orders"})
		s.bodies = 64 << 10
		p := screentest.Drive(t, s, 120, 35)
		kept := 0
		for _, it := range s.items {
			if it.letter != nil {
				kept++
			}
		}
		if len(s.items) != 50 || kept == 0 || kept > 10 {
			t.Fatalf("%d messages, %d of them in memory", len(s.items), kept)
		}
		says := func(texts ...string) {
			t.Helper()
			frame := ansi.Strip(s.View(120, 35))
			for _, text := range texts {
				if !strings.Contains(frame, text) {
					t.Errorf("the screen does not say %q:\n%s", text, frame)
				}
			}
		}
		p.Press("t / n u m b e r - 4 2 enter")
		says("1 of 50", "▌ job-42", "workerId")
		p.Press("e")
		says("input of job-42")
		p.Press("ctrl+k 1 ctrl+s R")
		plan, ok := p.Last().(screen.PlanReplay)
		if !ok || len(plan.Edited) != 1 || plan.Edited[0].JobID() != "job-42" {
			t.Errorf("asked for %#v", p.Last())
		}
		p.Press("r")
		says("1 of 50")
	})
}
