package runtime

import (
	"context"
	"fmt"
	"io"
	"testing"
)

// BenchmarkHandleSQS measures what the runtime itself costs: a batch of ten
// messages whose handler does nothing. ns/op is the whole batch.
func BenchmarkHandleSQS(b *testing.B) {
	w := Must(New("w", func(_ context.Context, j *Job[order]) (order, error) { return j.Input, nil }))
	app, err := NewApp(AppConfig{Output: io.Discard, Getenv: func(string) string { return "" }}, w)
	if err != nil {
		b.Fatal(err)
	}
	ev := batchOf()
	for i := range 10 {
		ev.Records = append(ev.Records, record(fmt.Sprint("m", i), body("w", fmt.Sprint("j", i), `{"number":1,"note":"hello"}`), 1))
	}
	b.ReportAllocs()
	for b.Loop() {
		resp, err := app.HandleSQS(b.Context(), ev)
		if err != nil || len(resp.BatchItemFailures) > 0 {
			b.Fatal(resp, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10, "ns/msg")
}

// BenchmarkNew measures what a worker costs at the start of a function.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New("w", accept); err != nil {
			b.Fatal(err)
		}
	}
}
