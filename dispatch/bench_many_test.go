package dispatch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// BenchmarkDispatchMany is DispatchMany beside a bare loop of the SDK's
// SendMessageBatch, both with as many calls under way at a time, against the local
// endpoint in this process. The loop sends bodies that are there already; what
// DispatchMany does beyond it is to make, check and write every message. The two
// take turns, and only their ratio says anything: they share the machine with the
// endpoint and with whatever else runs there.
func BenchmarkDispatchMany(b *testing.B) {
	const jobs = 2000 // in one turn
	for _, input := range []struct{ name, text string }{
		{"small", `{"text":"hi"}`},
		{"2 KiB", `{"text":"` + strings.Repeat("x", 2048) + `"}`},
	} {
		b.Run(input.name, func(b *testing.B) {
			api, newQueue := localQueue(b)
			schema := compile(b, `{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}`)
			var url string
			client, err := dispatch.NewClient(dispatch.Config{
				Remote: dispatch.NewSQS(api, func(context.Context, string) (string, error) { return url, nil }),
				Schema: func(context.Context, string) (*dispatch.Schema, error) { return schema, nil },
				Getenv: env(nil),
			})
			if err != nil {
				b.Fatal(err)
			}
			items := dispatch.Items(slices.Values(slices.Repeat([]json.RawMessage{json.RawMessage(input.text)}, jobs)))
			m, err := client.NewMessage(b.Context(), "echo", json.RawMessage(input.text))
			if err != nil {
				b.Fatal(err)
			}
			body, err := m.MarshalJSON()
			if err != nil {
				b.Fatal(err)
			}
			var bare, many time.Duration
			for b.Loop() {
				url = newQueue()
				goruntime.GC()
				start := time.Now()
				if err := bareLoop(b.Context(), api, url, string(body), jobs); err != nil {
					b.Fatal(err)
				}
				bare += time.Since(start)
				url = newQueue()
				goruntime.GC()
				start = time.Now()
				if _, err := client.DispatchMany(b.Context(), "echo", items); err != nil {
					b.Fatal(err)
				}
				many += time.Since(start)
			}
			b.ReportMetric(float64(b.N*jobs)/bare.Seconds(), "bare-msg/s")
			b.ReportMetric(float64(b.N*jobs)/many.Seconds(), "msg/s")
			b.ReportMetric(bare.Seconds()/many.Seconds(), "ratio")
		})
	}
}

// bareLoop sends n messages in batches, dispatch.DefaultParallel at a time.
func bareLoop(ctx context.Context, client *sqs.Client, url, body string, n int) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, dispatch.DefaultParallel)
	for range dispatch.DefaultParallel {
		wg.Go(func() {
			for next.Add(dispatch.MaxBatch) <= int64(n) {
				in := &sqs.SendMessageBatchInput{QueueUrl: &url}
				for i := range dispatch.MaxBatch {
					in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: awssdk.String(strconv.Itoa(i)), MessageBody: &body})
				}
				if out, err := client.SendMessageBatch(ctx, in); err != nil || len(out.Failed) > 0 {
					errs <- fmt.Errorf("batch: %w, %d failed", err, len(out.Failed))
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// localQueue is a local endpoint, its client, and a maker of queues.
func localQueue(tb testing.TB) (*sqs.Client, func() string) {
	tb.Helper()
	s, err := local.Start(tb.Context(), local.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close(context.WithoutCancel(tb.Context())) })
	transport := &http.Transport{MaxIdleConnsPerHost: 2 * dispatch.DefaultParallel}
	tb.Cleanup(transport.CloseIdleConnections)
	client := sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String(s.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:  dispatch.StableHTTPClient(&http.Client{Transport: transport}),
	})
	var made atomic.Int64
	return client, func() string {
		tb.Helper()
		name := fmt.Sprintf("aiw-echo%d-demo", made.Add(1))
		q, err := client.CreateQueue(tb.Context(), &sqs.CreateQueueInput{QueueName: &name})
		if err != nil {
			tb.Fatal(err)
		}
		return *q.QueueUrl
	}
}
