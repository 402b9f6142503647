package queues_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
)

const (
	benchClients = 16
	benchBody    = `{"workerId":"echo","jobId":"job-0123456789","input":{"text":"The quick brown fox jumps over the lazy dog"},"context":{},"metadata":{"attempt":1}}`
)

// BenchmarkSendReceiveDelete is one message sent, received and deleted, in batches
// of ten, by 16 goroutines through the AWS SDK over HTTP. Client and server share
// the machine, and the client takes most of it: floor is the same client against a
// handler that answers constant bytes (without MD5 sums, which the
// client would check).
func BenchmarkSendReceiveDelete(b *testing.B) {
	b.Run("broker", func(b *testing.B) {
		broker := queues.New(queues.Config{})
		defer broker.Close()
		if _, _, err := broker.CreateQueue("bench", nil); err != nil {
			b.Fatal(err)
		}
		client, base := newClient(b, broker.Handler())
		cycle(b, client, base+"/000000000000/bench")
	})
	b.Run("floor", func(b *testing.B) {
		client, base := newClient(b, canned())
		cycle(b, client, base+"/000000000000/bench")
	})
}

// cycle runs b.N messages through send, receive and delete.
func cycle(b *testing.B, client *sqs.Client, url string) {
	b.Helper()
	entries := make([]types.SendMessageBatchRequestEntry, 10)
	for i := range entries {
		entries[i] = types.SendMessageBatchRequestEntry{Id: ptr(strconv.Itoa(i)), MessageBody: ptr(benchBody)}
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for range benchClients {
		wg.Go(func() {
			for left.Add(-10) > -10 {
				if err := batch(b.Context(), client, url, entries); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}

func batch(ctx context.Context, client *sqs.Client, url string, entries []types.SendMessageBatchRequestEntry) error {
	if _, err := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries}); err != nil {
		return err
	}
	for got := 0; got < len(entries); {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			return err
		}
		if len(out.Messages) == 0 {
			continue
		}
		got += len(out.Messages)
		done := make([]types.DeleteMessageBatchRequestEntry, len(out.Messages))
		for i, m := range out.Messages {
			done[i] = types.DeleteMessageBatchRequestEntry{Id: ptr(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle}
		}
		if _, err := client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: done}); err != nil {
			return err
		}
	}
	return nil
}

// canned answers each operation with the bytes that the broker once answered.
func canned() http.Handler {
	const id = "01234567-89ab-4cde-8f01-23456789abcd"
	var send, receive, done []string
	for i := range 10 {
		send = append(send, `{"Id":"`+strconv.Itoa(i)+`","MessageId":"`+id+`"}`)
		receive = append(receive, `{"MessageId":"`+id+`","ReceiptHandle":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz","Body":`+strconv.Quote(benchBody)+`}`)
		done = append(done, `{"Id":"`+strconv.Itoa(i)+`"}`)
	}
	answers := map[string][]byte{
		"AmazonSQS.SendMessageBatch":   []byte(`{"Successful":[` + strings.Join(send, ",") + `],"Failed":[]}`),
		"AmazonSQS.ReceiveMessage":     []byte(`{"Messages":[` + strings.Join(receive, ",") + `]}`),
		"AmazonSQS.DeleteMessageBatch": []byte(`{"Successful":[` + strings.Join(done, ",") + `],"Failed":[]}`),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		body := answers[r.Header.Get("X-Amz-Target")]
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})
}

// BenchmarkInProcess is the same cycle through the Go methods, as the event source
// mapping uses them: ten messages sent one by one, received and deleted together.
func BenchmarkInProcess(b *testing.B) {
	broker := queues.New(queues.Config{})
	defer broker.Close()
	if _, _, err := broker.CreateQueue("bench", nil); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for n := 0; p.Next(); n++ {
			if _, err := broker.Send(arn("bench"), "", benchBody); err != nil {
				b.Error(err)
			}
			if n%10 < 9 {
				continue
			}
			list, err := broker.Receive(b.Context(), arn("bench"), 10, 0)
			if err != nil {
				b.Error(err)
			}
			handles := make([]string, len(list))
			for i := range list {
				handles[i] = list[i].ReceiptHandle
			}
			if err := broker.Delete(arn("bench"), handles); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}

// BenchmarkHandler is the server's part of a cycle: requests and answers as JSON,
// without the network and without a client. One operation is a batch of ten.
func BenchmarkHandler(b *testing.B) {
	broker := queues.New(queues.Config{})
	defer broker.Close()
	if _, _, err := broker.CreateQueue("bench", nil); err != nil {
		b.Fatal(err)
	}
	handler := broker.Handler()
	var entries []string
	for i := range 10 {
		entries = append(entries, `{"Id":"`+strconv.Itoa(i)+`","MessageBody":`+strconv.Quote(benchBody)+`}`)
	}
	const url = `{"QueueUrl":"http://127.0.0.1:4566/000000000000/bench"`
	send := url + `,"Entries":[` + strings.Join(entries, ",") + `]}`
	b.ReportAllocs()
	for b.Loop() {
		if status, answer := post(handler, "SendMessageBatch", send); status != http.StatusOK {
			b.Fatal(answer)
		}
		_, answer := post(handler, "ReceiveMessage", url+`,"MaxNumberOfMessages":10}`)
		done := make([]string, 0, 10)
		for i, part := range strings.Split(answer, `"ReceiptHandle":"`)[1:] {
			done = append(done, `{"Id":"`+strconv.Itoa(i)+`","ReceiptHandle":"`+part[:strings.IndexByte(part, '"')]+`"}`)
		}
		if status, answer := post(handler, "DeleteMessageBatch", url+`,"Entries":[`+strings.Join(done, ",")+`]}`); status != http.StatusOK || len(done) != 10 {
			b.Fatal(answer)
		}
	}
	b.ReportMetric(float64(10*b.N)/b.Elapsed().Seconds(), "msgs/s")
}

// BenchmarkBacklog receives and deletes beside a backlog of 100,000 messages, half
// of them in flight: the cost must not grow with the queue.
func BenchmarkBacklog(b *testing.B) {
	broker := queues.New(queues.Config{})
	defer broker.Close()
	if _, _, err := broker.CreateQueue("bench", nil); err != nil {
		b.Fatal(err)
	}
	for range 100_000 {
		if _, err := broker.Send(arn("bench"), "", benchBody); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := broker.Receive(b.Context(), arn("bench"), 50_000, 0); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := broker.Send(arn("bench"), "", benchBody); err != nil {
			b.Fatal(err)
		}
		list, err := broker.Receive(b.Context(), arn("bench"), 1, 0)
		if err != nil || len(list) != 1 {
			b.Fatal(err)
		}
		if err := broker.Delete(arn("bench"), []string{list[0].ReceiptHandle}); err != nil {
			b.Fatal(err)
		}
	}
}
