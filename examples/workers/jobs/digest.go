package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
)

// DigestInput is the input of Digest.
type DigestInput struct {
	// Until is the end of the minute to report on; zero means when the job was sent.
	Until time.Time `json:"until,omitzero" jsonschema:"the end of the minute to report on, by default when the job is sent"`
}

// DigestOutput is the output of Digest.
type DigestOutput struct {
	Until    time.Time `json:"until"`
	Visitors int       `json:"visitors"`
}

// Figures counts the visitors of the minute that ends at the given time. late is
// how long it takes until the figures are there; zero when they are.
type Figures func(ctx context.Context, until time.Time) (visitors int, late time.Duration, err error)

// Digest reports on the last minute, once a minute. The figures come in a few
// seconds late, and as long as they are not there it has the job put off: that
// occupies no function, and uses up no attempt.
var Digest = runtime.Must(NewDigest(pretendedFigures))

// NewDigest makes the worker with figures from elsewhere.
func NewDigest(figures Figures) (*runtime.Worker[DigestInput, DigestOutput], error) {
	return runtime.New("digest",
		func(ctx context.Context, job *runtime.Job[DigestInput]) (DigestOutput, error) {
			return digest(ctx, figures, job)
		},
		runtime.WithDescription("Counts the visitors of a minute, once a minute"),
		runtime.WithExample(DigestInput{Until: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}),
		runtime.WithSchedule("rate(1 minute)"),
		runtime.WithTimeout(5*time.Second),
		runtime.WithVisibilityTimeout(5*time.Second),
		runtime.WithMemory(128),
		runtime.WithMaxReceiveCount(2),
		runtime.WithBackoff(runtime.Constant(2*time.Second)),
		runtime.WithMiddleware(logTrigger),
	)
}

func digest(ctx context.Context, figures Figures, job *runtime.Job[DigestInput]) (DigestOutput, error) {
	until := job.Input.Until
	if until.IsZero() {
		until = job.SentAt
	}
	visitors, late, err := figures(ctx, until)
	switch {
	case err != nil:
		return DigestOutput{}, fmt.Errorf("count the visitors until %s: %w", until.Format(time.RFC3339), err)
	case late > 0:
		return DigestOutput{}, runtime.Snooze(late)
	}
	return DigestOutput{Until: until.UTC(), Visitors: visitors}, nil
}

// figuresAfter is how long the figures of a minute take to come in.
const figuresAfter = 4 * time.Second

// pretendedFigures makes figures up.
func pretendedFigures(_ context.Context, until time.Time) (int, time.Duration, error) {
	if late := time.Until(until.Add(figuresAfter)); late > 0 {
		return 0, late.Truncate(time.Second) + time.Second, nil // SQS counts in seconds
	}
	return 200 + int(until.Unix()/60%97), 0, nil
}
