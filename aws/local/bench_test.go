package local_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// The way of a message through the whole endpoint with the SDK: sent, received
// and deleted in batches of ten by 16 goroutines. Client and server share the
// machine, and the client takes most of it: floor is the same client against a
// handler that answers the same three requests with constant bytes, behind the
// same kind of server. Only the two figures together say anything about us: both
// fall when the machine has other work.
func BenchmarkSQS(b *testing.B) {
	b.Run("endpoint", func(b *testing.B) {
		s, err := local.Start(b.Context(), local.Config{Listen: "127.0.0.1:0"})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close(context.WithoutCancel(b.Context()))
		benchmarkSQS(b, s.Endpoint())
	})
	b.Run("floor", func(b *testing.B) {
		s := httptest.NewServer(constant())
		defer s.Close()
		benchmarkSQS(b, s.URL)
	})
}

func benchmarkSQS(b *testing.B, endpoint string) {
	b.Helper()
	const workers = 16
	transport := &http.Transport{MaxIdleConnsPerHost: workers}
	defer transport.CloseIdleConnections()
	client := sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:  dispatch.StableHTTPClient(&http.Client{Transport: transport}),
	})
	var urls [workers]*string
	for i := range urls {
		q, err := client.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: awssdk.String(fmt.Sprintf("q%d", i))})
		if err != nil {
			b.Fatal(err)
		}
		urls[i] = q.QueueUrl
	}
	var turns, messages atomic.Int64
	b.ResetTimer()
	var wg sync.WaitGroup
	for _, url := range urls {
		wg.Go(func() {
			for turns.Add(1) <= int64(b.N) {
				n, err := batch(b.Context(), client, url)
				if err != nil {
					b.Error(err)
					return
				}
				messages.Add(int64(n))
			}
		})
	}
	wg.Wait()
	if got := messages.Load(); got != int64(b.N)*10 {
		b.Errorf("%d messages went through, want %d: answers were lost", got, b.N*10)
	}
	b.ReportMetric(float64(b.N*10)/b.Elapsed().Seconds(), "msg/s")
}

// benchBody is the body of every message, and benchMD5 its sum.
const (
	benchBody = `{"workerId":"echo","jobId":"job-1","input":{"text":"hi"}}`
	benchMD5  = "88cb9b3525d7cd30948ef480f95ef23f"
)

// batch sends, receives and deletes ten messages, and says how many it deleted.
func batch(ctx context.Context, client *sqs.Client, url *string) (int, error) {
	send := &sqs.SendMessageBatchInput{QueueUrl: url}
	for i := range 10 {
		send.Entries = append(send.Entries, types.SendMessageBatchRequestEntry{
			Id: awssdk.String(fmt.Sprint(i)), MessageBody: awssdk.String(benchBody),
		})
	}
	if _, err := client.SendMessageBatch(ctx, send); err != nil {
		return 0, err
	}
	got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
	if err != nil || len(got.Messages) == 0 {
		return 0, err
	}
	del := &sqs.DeleteMessageBatchInput{QueueUrl: url}
	for i, m := range got.Messages {
		del.Entries = append(del.Entries, types.DeleteMessageBatchRequestEntry{Id: awssdk.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
	}
	out, err := client.DeleteMessageBatch(ctx, del)
	if err != nil {
		return 0, err
	}
	return len(out.Successful), nil
}

// constant answers each operation with what the endpoint once answered.
func constant() http.Handler {
	const id = "01234567-89ab-4cde-8f01-23456789abcd"
	entries := func(format string) string {
		var list []string
		for i := range 10 {
			list = append(list, fmt.Sprintf(format, strconv.Itoa(i)))
		}
		return strings.Join(list, ",")
	}
	answers := map[string]string{
		"AmazonSQS.CreateQueue":        `{"QueueUrl":"http://127.0.0.1:4566/000000000000/q0"}`,
		"AmazonSQS.SendMessageBatch":   `{"Successful":[` + entries(`{"Id":"%s","MessageId":"`+id+`","MD5OfMessageBody":"`+benchMD5+`"}`) + `],"Failed":[]}`,
		"AmazonSQS.ReceiveMessage":     `{"Messages":[` + entries(`{"MessageId":"`+id+`","ReceiptHandle":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMT%s","MD5OfBody":"`+benchMD5+`","Body":`+strconv.Quote(benchBody)+`}`) + `]}`,
		"AmazonSQS.DeleteMessageBatch": `{"Successful":[` + entries(`{"Id":"%s"}`) + `],"Failed":[]}`,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		body := answers[r.Header.Get("X-Amz-Target")]
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = io.WriteString(w, body)
	})
}
