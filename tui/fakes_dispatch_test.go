package tui

import (
	"context"

	"github.com/microfox-ai/aiwctl/aws"
)

// PlanDispatch sends nothing anywhere.
func (f *fakeStage) PlanDispatch(_ context.Context, r aws.DispatchRequest) (aws.DispatchResult, error) {
	out := aws.DispatchResult{WorkerID: r.Worker.ID, Via: aws.ViaQueue}
	if r.Worker.Queue != nil {
		out.QueueURL = r.Worker.Queue.URL
		out.To = out.QueueURL
	}
	return out, nil
}
