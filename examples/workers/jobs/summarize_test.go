package jobs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

func TestSummarizeIsToldOffAndTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := runtimetest.Start(t, Summarize)
		job := h.Run("summarize", SummarizeInput{Text: "Why do queues fill up? Somebody is slow.", Busy: 1})
		var out SummarizeOutput
		if err := job.Decode(&out); err != nil || out.Summary != "Why do queues fill up? Somebody is slow" || strings.Join(out.Keywords, " ") != "Somebody queues fill" {
			t.Errorf("summary = %+v, %v", out, err)
		}
		// A busy service and a chatty model cost tries, not attempts.
		if n := len(job.Deliveries); n != 1 {
			t.Errorf("%d deliveries, want 1", n)
		}
		if got := job.Record.Tokens; got == nil || got.Input == 0 || got.Output == 0 {
			t.Errorf("tokens = %+v", got)
		}
		for _, want := range []string{"try 1 of 4 failed (rate limit), the next one starts in 1s", "try 2 of 4 failed (bad JSON)"} {
			if !strings.Contains(h.Log(), want) {
				t.Errorf("the log does not say %q", want)
			}
		}
	})
}

func TestSummarizeGivesUpOnABusyService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := runtimetest.Start(t, Summarize)
		job := h.Run("summarize", SummarizeInput{Text: "Queues.", Busy: 9})
		if err := job.Err(); err == nil || !strings.Contains(err.Error(), "429 Too Many Requests") {
			t.Errorf("error = %v", err)
		}
		if len(job.Deliveries) != 2 || len(job.DeadLetters) != 1 {
			t.Errorf("%d deliveries and %d dead letters, want 2 and 1", len(job.Deliveries), len(job.DeadLetters))
		}
	})
}

func TestSummarizeWithinItsBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := runtimetest.Start(t, Summarize)
		job := h.Run("summarize", SummarizeInput{Text: "Queues fill up."}, dispatch.WithMaxTokens(3))
		if !errors.Is(job.Err(), runtime.ErrTokenBudget) || len(job.Deliveries) != 1 || len(job.DeadLetters) != 1 {
			t.Errorf("%v after %d deliveries, %d dead letters", job.Err(), len(job.Deliveries), len(job.DeadLetters))
		}
	})
}

// prompts answers each prompt with the next text, and keeps what it was asked.
type prompts struct {
	answers []string
	asked   []string
}

func (p *prompts) Complete(_ context.Context, prompt string) (Completion, error) {
	p.asked = append(p.asked, prompt)
	return Completion{Text: p.answers[len(p.asked)-1], InputTokens: 10, OutputTokens: 5}, nil
}

func TestSummarizeShowsTheModelItsMistake(t *testing.T) {
	t.Parallel()
	model := &prompts{answers: []string{"Gladly!", `{"summary":"S","keywords":[]}`}}
	w := runtime.Must(NewSummarize(func(*runtime.Job[SummarizeInput]) Model { return model }))
	out, err := runtimetest.Run(t, w, SummarizeInput{Text: "T"}, runtimetest.WithMaxTokens(30))
	if err != nil || out.Summary != "S" {
		t.Errorf("summary = %+v, %v", out, err)
	}
	if len(model.asked) != 2 || strings.Contains(model.asked[0], correction) ||
		!strings.Contains(model.asked[1], correction) || !strings.Contains(model.asked[1], "invalid character 'G'") {
		t.Errorf("asked %q", model.asked)
	}
}
