package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Model is a language model behind an API.
type Model interface {
	Complete(ctx context.Context, prompt string) (Completion, error)
}

// Completion is a model's answer, and what it cost.
type Completion struct {
	Text                      string
	InputTokens, OutputTokens int
}

// ModelError is a call that the service refused. The two things in it are all that
// a retry pattern needs: the status by which it is recognised, and how long the
// service asks to wait.
type ModelError struct {
	StatusCode int
	Wait       time.Duration
}

// Error says the status in words.
func (e *ModelError) Error() string {
	return fmt.Sprintf("the model service answers %d %s", e.StatusCode, http.StatusText(e.StatusCode))
}

// RetryAfter is the wait that the service asks for, which wins over that of the
// pattern.
func (e *ModelError) RetryAfter() time.Duration { return e.Wait }

// correction begins the part of a prompt that tells the model what was wrong with
// its last answer.
const correction = "\n\nYour last answer could not be read: "

// pretendedModel stands in for a model, so that the demo needs no account
// anywhere. It has two faults of the real ones: at times it is busy, and a text
// with a question in it makes it chat, until it is told off.
type pretendedModel struct{ busy bool }

// Complete implements Model.
func (m pretendedModel) Complete(ctx context.Context, prompt string) (Completion, error) {
	select {
	case <-time.After(300 * time.Millisecond):
	case <-ctx.Done():
		return Completion{}, ctx.Err()
	}
	if m.busy {
		return Completion{}, &ModelError{StatusCode: http.StatusTooManyRequests, Wait: time.Second}
	}
	_, text, _ := strings.Cut(prompt, "\n\n")
	text, _, corrected := strings.Cut(text, correction)
	answer := "What a good question! Let me think about that."
	if corrected || !strings.Contains(text, "?") {
		words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n\t.,;:!?", r) })
		first, _, _ := strings.Cut(text, ".")
		slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
		written, err := json.Marshal(SummarizeOutput{Summary: first, Keywords: words[:min(3, len(words))]})
		if err != nil {
			return Completion{}, err
		}
		answer = string(written)
	}
	return Completion{Text: answer, InputTokens: len(prompt) / 4, OutputTokens: len(answer) / 4}, nil
}
