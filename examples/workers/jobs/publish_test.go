package jobs

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/runtime"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/runtimetest"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := runtimetest.Start(t, All()...)
		job := h.Run("publish", PublishInput{
			Title: "T", Transcript: "Queues fill up. Then they drain.",
			Clips: []string{"https://example.com/1.mp4", "https://example.com/2.mp4"},
		})
		var out PublishOutput
		if err := job.Decode(&out); err != nil || out.Summary != "Queues fill up" || len(out.Clips) != 2 {
			t.Fatalf("published %+v, %v", out, err)
		}
		for _, id := range out.Clips {
			if clip := h.Report(id); clip.Err() != nil || clip.Last().WorkerID != "video-processing" {
				t.Errorf("clip %s: %v", id, clip.Err())
			}
		}
		if got := job.Record; len(got.Children) != 3 || !got.Children[2].Awaited || got.Progress == nil || got.Progress.Percent != 50 {
			t.Errorf("record = %+v", got)
		}
		if want := "started by " + job.JobID + " of worker publish"; strings.Count(h.Log(), want) != 3 {
			t.Errorf("the log does not say three times %q", want)
		}
	})
}

func TestPublishFailsWithItsSummary(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := runtimetest.Start(t, All()...)
		job := h.Run("publish", PublishInput{Title: "T", Transcript: strings.Repeat("Long. ", 2000), Clips: []string{"https://example.com/1.mp4"}})
		if err := job.Err(); !runtime.IsPermanent(err) || !strings.Contains(err.Error(), "token budget") {
			t.Errorf("error = %v", err)
		}
		job = h.Run("publish", PublishInput{Title: "Empty", Clips: []string{}})
		if err := job.Err(); !runtime.IsPermanent(err) || job.Record.Status != jobstore.Failed || len(job.Record.Children) != 0 {
			t.Errorf("without clips: %v", err)
		}
	})
}

// An attempt that comes after one whose time was up finds what that one has
// started.
func TestPublishStartsNothingTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := runtimetest.StartConfig(t, runtimetest.Config{Timeout: time.Second}, All()...)
		job := h.Run("publish", PublishInput{Title: "T", Transcript: "Is it late?", Clips: []string{"https://example.com/1.mp4"}})
		if err := job.Err(); err != nil || len(job.Deliveries) != 2 || len(job.Record.Children) != 2 {
			t.Errorf("%v after %d deliveries, record %+v", err, len(job.Deliveries), job.Record)
		}
		for _, id := range []string{"video-processing", "summarize"} {
			completed := 0
			for _, d := range h.Deliveries() {
				if d.WorkerID == id && d.Kind == runtime.KindCompleted {
					completed++
				}
			}
			if completed != 1 {
				t.Errorf("%s was completed %d times", id, completed)
			}
		}
	})
}
