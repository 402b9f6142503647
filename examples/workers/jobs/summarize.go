package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

// SummarizeInput is the input of Summarize.
type SummarizeInput struct {
	Text string `json:"text" jsonschema:"what to summarize; a question in it makes the model chat"`
	// Busy is how many calls of a delivery the pretended model service refuses.
	Busy int `json:"busy,omitempty" jsonschema:"how many calls the model service refuses at first"`
}

// SummarizeOutput is the output of Summarize, and what the model is asked for.
type SummarizeOutput struct {
	Summary  string   `json:"summary"`
	Keywords []string `json:"keywords"`
}

// Summarize calls a language model. Models are busy now and then, and now and then
// answer something that is not what they were asked for: both are worth another
// try in the same delivery, which costs no attempt, and in which the model is told
// what was wrong. The tokens of every call are counted against the job's budget.
var Summarize = runtime.Must(NewSummarize(func(job *runtime.Job[SummarizeInput]) Model {
	return pretendedModel{busy: job.Try <= job.Input.Busy}
}))

// NewSummarize makes the worker with other models; it asks for one for each try.
func NewSummarize(models func(*runtime.Job[SummarizeInput]) Model) (*runtime.Worker[SummarizeInput, SummarizeOutput], error) {
	return runtime.New("summarize",
		func(ctx context.Context, job *runtime.Job[SummarizeInput]) (SummarizeOutput, error) {
			return summarize(ctx, models(job), job)
		},
		runtime.WithDescription("Summarizes a text with a language model"),
		runtime.WithExample(SummarizeInput{Text: "Why do queues fill up? Because somebody is slower than somebody else.", Busy: 1}),
		runtime.WithTimeout(10*time.Second),
		runtime.WithVisibilityTimeout(10*time.Second),
		runtime.WithMemory(128),
		runtime.WithMaxReceiveCount(2),
		runtime.WithRetry(4, runtime.RateLimit(), runtime.BadJSON()),
		runtime.WithBackoff(runtime.Constant(2*time.Second)),
		runtime.WithMiddleware(logTrigger),
	)
}

// unreadable is a kind of error that the model is told about. The kind is known of
// the attempt before this one too, of which only the job's record is left.
func unreadable(last *runtime.AttemptError) bool {
	switch last.Name {
	case "SyntaxError", "UnmarshalTypeError", "OutputError":
		return true
	}
	return false
}

func summarize(ctx context.Context, model Model, job *runtime.Job[SummarizeInput]) (out SummarizeOutput, err error) {
	prompt := "Summarize the text, as JSON with summary and keywords.\n\n" + job.Input.Text
	if last, ok := errors.AsType[*runtime.AttemptError](job.LastError); ok && unreadable(last) {
		prompt += correction + last.Message
	}
	answer, err := model.Complete(ctx, prompt)
	if err != nil {
		return out, fmt.Errorf("ask the model: %w", err)
	}
	// An error here is that the budget is used up, and the job has failed for good.
	if err := job.UseTokens(ctx, answer.InputTokens, answer.OutputTokens); err != nil {
		return out, err
	}
	if err := json.Unmarshal([]byte(answer.Text), &out); err != nil {
		return out, fmt.Errorf("the model's answer is not JSON: %w", err)
	}
	return out, nil
}
