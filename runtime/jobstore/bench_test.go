package jobstore_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// A claim and a completion, each of a job of its own.
func BenchmarkMemory(b *testing.B) { claimAndComplete(b, jobstore.NewMemory()) }

func BenchmarkFile(b *testing.B) { claimAndComplete(b, openFile(b, b.TempDir())) }

func claimAndComplete(b *testing.B, store jobstore.Store) {
	b.ReportAllocs()
	input := json.RawMessage(`{"url":"https://example.com/video.mp4","width":1280}`)
	for n := 0; b.Loop(); n++ {
		id := fmt.Sprint("job-", n)
		got, err := store.Claim(b.Context(), jobstore.Claim{
			JobID: id, WorkerID: "video-processing", Owner: "o", Lease: time.Now().Add(time.Minute), Input: input, MessageID: "m", Receives: 1,
			Metadata: map[string]any{"tenant": "a", "attempt": 1},
		})
		if err != nil || got.Decision != jobstore.ClaimedJob {
			b.Fatal(got.Decision, err)
		}
		if err := store.Update(b.Context(), id, jobstore.Update{Owner: "o", Status: jobstore.Completed, Output: input}); err != nil {
			b.Fatal(err)
		}
	}
}

// Eight processes after the same 10,000 jobs.
func BenchmarkFileProcesses(b *testing.B) {
	const processes, jobs = 8, 10_000
	for b.Loop() {
		dir := b.TempDir()
		claim(b, openFile(b, dir), "shared", "nobody", jobstore.ClaimedJob)
		start := time.Now()
		if ran := runAll(b, dir, processes, jobs); len(ran) != jobs {
			b.Fatalf("%d of %d jobs ran", len(ran), jobs)
		}
		b.ReportMetric(time.Since(start).Seconds()*1000/jobs, "ms/job")
	}
}
