package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime"
)

// PublishInput is the input of Publish.
type PublishInput struct {
	Title string `json:"title"`
	// Transcript is summarized.
	Transcript string `json:"transcript" jsonschema:"the text to summarize"`
	// Clips are the URLs of the videos to process.
	Clips []string `json:"clips" jsonschema:"where the videos are"`
}

// PublishOutput is the output of Publish.
type PublishOutput struct {
	Title   string `json:"title"`
	Summary string `json:"summary"`
	// Clips are the jobs that process the videos; they may still be running.
	Clips []string `json:"clips"`
}

// summaryTokens is what the summary of one transcript may cost.
const summaryTokens = 2000

// Publish has its work done by other workers: each clip by a job that it starts and
// leaves alone, the summary by one that it waits for. The idempotency keys see to
// it that another attempt starts nothing twice: it finds what the first one started.
// Waiting needs a job store.
var Publish = runtime.Must(runtime.New("publish", publish,
	runtime.WithDescription("Starts jobs of other workers, and waits for one of them"),
	runtime.WithExample(PublishInput{
		Title: "Queues", Transcript: "Queues fill up when somebody is slower than somebody else.",
		Clips: []string{"https://media.example.com/clips/1.mp4", "https://media.example.com/clips/2.mp4"},
	}),
	runtime.WithTimeout(20*time.Second),
	runtime.WithVisibilityTimeout(20*time.Second),
	runtime.WithMemory(128),
	runtime.WithMaxReceiveCount(2),
	runtime.WithBackoff(runtime.Constant(2*time.Second)),
	runtime.WithMiddleware(logTrigger),
	runtime.WithCalls(VideoProcessing.ID(), Summarize.ID()),
))

func publish(ctx context.Context, job *runtime.Job[PublishInput]) (PublishOutput, error) {
	in, out := job.Input, PublishOutput{Title: job.Input.Title, Clips: []string{}}
	if len(in.Clips) == 0 {
		return out, runtime.Permanent(fmt.Errorf("%q has no clips: there is nothing to publish", in.Title))
	}
	for i, clip := range in.Clips {
		sent, err := job.Dispatch(ctx, VideoProcessing.ID(), VideoInput{URL: clip}, dispatch.WithIdempotencyKey(fmt.Sprintf("clip-%d", i)))
		if err != nil {
			return out, fmt.Errorf("start the processing of clip %d: %w", i+1, err)
		}
		out.Clips = append(out.Clips, sent.JobID)
	}
	job.Progress(ctx, 50, fmt.Sprintf("%d clips are being processed, waiting for the summary", len(in.Clips)))

	var summary SummarizeOutput
	_, err := job.DispatchAwait(ctx, Summarize.ID(), SummarizeInput{Text: in.Transcript}, &summary,
		dispatch.WithIdempotencyKey("summary"), dispatch.WithMaxTokens(summaryTokens))
	if failed, ok := errors.AsType[*runtime.ChildError](err); ok {
		// It has had its attempts. A replay of this job starts it anew.
		return out, runtime.Permanent(fmt.Errorf("summarize the transcript: %w", failed))
	}
	if err != nil {
		return out, err
	}
	out.Summary = summary.Summary
	return out, nil
}
