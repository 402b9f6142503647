package cli

import (
	"context"
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
	worker  string
	input   any
	options []dispatch.Option
	// copies is how often it is dispatched; zero means once.
	copies int
}

// demoScript is the round of jobs that the demo dispatches over and over. Most
// succeed; each kind of failure comes by every few rounds, so that dead letters
// gather slowly enough to be looked at. hook, unless it is empty, hears of the
// published jobs.
func demoScript(round int, hook string) []demoJob {
	flaky := map[string]any{}
	if round%2 == 0 {
		flaky["outageMs"] = 45_000 // longer than its three deliveries: a replay gets it through
	}
	order, host, sleep, burst, twice := 2*round+2, "media.example.net", 200, 0, 2
	clips := []string{fmt.Sprintf("https://media.example.com/clips/%d-a.mp4", round), fmt.Sprintf("https://media.example.com/clips/%d-b.mp4", round)}
	summary := []dispatch.Option{dispatch.WithMaxTokens(500)}
	switch round % 3 {
	case 0:
		order, twice = 2*round+1, 1
	case 1:
		host = fmt.Sprintf("host-%d.invalid", round)
		burst = 6 // now and then a burst, so that a queue is seen to fill and drain
	case 2:
		sleep = 10_000
	}
	switch round % 6 {
	case 2:
		clips = []string{} // fails for good
	case 5:
		summary = []dispatch.Option{dispatch.WithMaxTokens(20)} // costs more
	}
	// Dispatched twice under one key, an order is booked once.
	key := []dispatch.Option{dispatch.WithIdempotencyKey(fmt.Sprintf("order-%d", order))}
	return []demoJob{
		{worker: "echo", input: map[string]any{"text": fmt.Sprintf("hello %d", round)}},
		{worker: "video-processing", input: map[string]any{"url": fmt.Sprintf("https://media.example.com/clips/%d.mp4", round)}},
		{worker: "fail", input: map[string]any{"order": order}, options: key, copies: twice},
		{worker: "slow", input: map[string]any{"steps": 5, "stepMs": 700}, copies: burst},
		{worker: "summarize", input: map[string]any{"text": "Why do queues fill up? Because somebody is slower than somebody else.", "busy": 1}, options: summary},
		{worker: "echo", input: map[string]any{"text": "the quick brown fox jumps over the lazy dog"}},
		{worker: "flaky", input: flaky},
		{worker: "publish", options: []dispatch.Option{dispatch.WithWebhookURL(hook)}, input: map[string]any{
			"title": fmt.Sprintf("Issue %d", round+1), "transcript": "Queues drain when somebody is faster. That is all.", "clips": clips,
		}},
		{worker: "video-processing", input: map[string]any{"url": "https://example.org/talks/keynote.webm"}},
		{worker: "slow", input: map[string]any{"steps": 8, "stepMs": 400}, copies: burst},
		{worker: "video-processing", input: map[string]any{"url": fmt.Sprintf("https://%s/lost.mp4", host)}},
		{worker: "echo", input: map[string]any{"text": "日本語, עברית and emoji 🎬 pass through unharmed"}},
		{worker: "timeout", input: map[string]any{"sleepMs": sleep}},
		{worker: "flaky", input: map[string]any{}},
	}
}

// startStream dispatches jobs through the workers API until stop is called,
// which waits for the last one. hook is demoScript's.
func startStream(ctx context.Context, baseURL, key, hook string, log *slog.Logger) (stop func()) {
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
			for _, job := range demoScript(round, hook) {
				for range max(job.copies, 1) {
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
	if _, err := client.Dispatch(ctx, job.worker, job.input, job.options...); err != nil && ctx.Err() == nil {
		log.Warn("the demo's stream could not dispatch", "worker", job.worker, "error", err)
	}
}
