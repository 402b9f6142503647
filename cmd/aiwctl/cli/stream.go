package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// streamInterval is the time between two steps of the demo's stream: slow
// enough to read the log, fast enough that a depth moves while one looks.
const streamInterval = 1200 * time.Millisecond

// demoJob is one job of the demo's stream.
type demoJob struct {
	worker string
	input  any
}

// demoScript is the round of jobs that the demo dispatches over and over. Most
// succeed; each kind of failure comes by every few rounds, so that dead letters
// gather slowly enough to be looked at.
func demoScript(round int) []demoJob {
	flaky := map[string]any{}
	if round%2 == 0 {
		flaky["outageMs"] = 45_000 // longer than its three deliveries: a replay gets it through
	}
	order, host, sleep := 2*round+2, "media.example.net", 200
	switch round % 3 {
	case 0:
		order = 2*round + 1
	case 1:
		host = fmt.Sprintf("host-%d.invalid", round)
	case 2:
		sleep = 10_000
	}
	return []demoJob{
		{"echo", map[string]any{"text": fmt.Sprintf("hello %d", round)}},
		{"video-processing", map[string]any{"url": fmt.Sprintf("https://media.example.com/clips/%d.mp4", round)}},
		{"fail", map[string]any{"order": order}},
		{"slow", map[string]any{"steps": 5, "stepMs": 700}},
		{"echo", map[string]any{"text": "the quick brown fox jumps over the lazy dog"}},
		{"flaky", flaky},
		{"video-processing", map[string]any{"url": "https://example.org/talks/keynote.webm"}},
		{"slow", map[string]any{"steps": 8, "stepMs": 400}},
		{"video-processing", map[string]any{"url": fmt.Sprintf("https://%s/lost.mp4", host)}},
		{"echo", map[string]any{"text": "日本語, עברית and emoji 🎬 pass through unharmed"}},
		{"timeout", map[string]any{"sleepMs": sleep}},
		{"flaky", map[string]any{}},
	}
}

// startStream dispatches jobs through the workers API until stop is called,
// which waits for the last one.
func startStream(ctx context.Context, baseURL, key string, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		client, err := dispatch.NewClient(dispatch.Config{BaseURL: baseURL, TriggerKey: key, Mode: dispatch.ModeRemote})
		if err != nil {
			log.Error("the demo's stream cannot dispatch", "error", err)
			return
		}
		tick := time.NewTicker(streamInterval)
		defer tick.Stop()
		for round := 0; ; round++ {
			for _, job := range demoScript(round) {
				// Now and then a burst, so that a queue is seen to fill and drain.
				copies := 1
				if job.worker == "slow" && round%3 == 1 {
					copies = 6
				}
				for range copies {
					send(ctx, client, job, log)
				}
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

func send(ctx context.Context, client *dispatch.Client, job demoJob, log *slog.Logger) {
	input, err := json.Marshal(job.input)
	if err == nil {
		_, err = client.DispatchRaw(ctx, job.worker, input)
	}
	if err != nil && ctx.Err() == nil {
		log.Warn("the demo's stream could not dispatch", "worker", job.worker, "error", err)
	}
}
