package tui

import (
	"context"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// fakeDead has one dead letter, whose replay lasts until it is let go.
type fakeDead struct {
	hold chan struct{}
	// confirmed gets what each replay's context has confirmed.
	confirmed chan string
	// unfinished are interrupted replays, whose journals are in dir.
	unfinished []*journal.State
	dir        string
}

func deadJob() letter.Letter {
	return letter.Letter{
		ID: "m-1", Body: `{"workerId":"fail","jobId":"job-1","input":{"n":1}}`, ReceiveCount: 3,
		Message: &dispatch.Message{WorkerID: "fail", JobID: "job-1", Input: []byte(`{"n":1}`)},
	}
}

func (fakeDead) Look(_ context.Context, _ aws.Worker, _ int, each func([]letter.Letter) (bool, error)) (*redrive.Look, error) {
	_, err := each([]letter.Letter{deadJob()})
	return &redrive.Look{Depth: aws.Depth{Visible: 1}, Seen: 1, Complete: true}, err
}

func (fakeDead) Why(context.Context, aws.Worker, []why.Job) (why.Found, error) {
	return why.Found{Failures: map[string]why.Failure{"job-1": {JobID: "job-1", Kind: why.KindError, Name: "TypeError", Message: "n is not a letter", Via: why.ViaLogs}}}, nil
}

func (fakeDead) Attempt(context.Context, aws.Worker, string, string, time.Time) ([]logs.Line, error) {
	return nil, nil
}

func (fakeDead) Replays(...string) ([]redrive.Sent, error) { return nil, nil }

func (fakeDead) Select(_ context.Context, w aws.Worker, _ redrive.Choice) (*redrive.Selection, error) {
	l := deadJob()
	return redrive.Selected(w, redrive.Chosen{Letter: &l}), nil
}

func (fakeDead) Recheck(context.Context, *redrive.Selection, redrive.Choice) error { return nil }

func (f fakeDead) Replay(ctx context.Context, r redrive.Replay) (redrive.Report, error) {
	if f.confirmed != nil {
		stage, _ := aws.Confirmed(ctx)
		f.confirmed <- stage
	}
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
			return redrive.Report{}, ctx.Err()
		}
	}
	r.OnResult(redrive.Result{ID: "m-1", JobID: "job-1", Status: redrive.StatusReplayed, NewID: "m-2"})
	return redrive.Report{Replayed: 1}, nil
}

func (fakeDead) Delete(context.Context, redrive.Delete) (redrive.Report, error) {
	return redrive.Report{Replayed: 1}, nil
}

func (fakeDead) MoveTask(context.Context, redrive.MoveTask) (redrive.Report, error) {
	return redrive.Report{}, redrive.ErrNoMoveTask
}

func (fakeDead) Resume(context.Context, redrive.Resume) (redrive.Report, error) {
	return redrive.Report{Before: 1}, nil
}

func (f fakeDead) Unfinished() ([]*journal.State, error) { return f.unfinished, nil }
func (f fakeDead) Dir() (string, error)                  { return f.dir, nil }
func (fakeDead) Protected(...string) aws.Protected       { return aws.Protected{} }
