package tui

import (
	"context"

	"github.com/microfox-ai/aiwctl/aws"
)

// Pause implements pausing.Stage: AWS does it at once.
func (f *fakeStage) Pause(_ context.Context, r aws.PauseRequest) (aws.PauseResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state := "Disabled"
	if r.Resume {
		state = "Enabled"
	}
	r.OnState(state)
	return aws.PauseResult{WorkerID: r.Worker.ID, Changed: true, Mappings: []aws.MappingState{{State: state}}}, nil
}

// Describe implements workerview.Stage.
func (f *fakeStage) Describe(_ context.Context, w aws.Worker) (aws.Worker, []error) { return w, nil }
