package local_test

import (
	"context"
	"fmt"
	"net/http"
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
// and deleted in batches of ten by 16 goroutines.
func BenchmarkSQS(b *testing.B) {
	s, err := local.Start(b.Context(), local.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(context.WithoutCancel(b.Context()))
	const workers = 16
	transport := &http.Transport{MaxIdleConnsPerHost: workers}
	defer transport.CloseIdleConnections()
	client := sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String(s.Endpoint()),
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
	var turns atomic.Int64
	b.ResetTimer()
	var wg sync.WaitGroup
	for _, url := range urls {
		wg.Go(func() {
			for turns.Add(1) <= int64(b.N) {
				if err := batch(b.Context(), client, url); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N*10)/b.Elapsed().Seconds(), "msg/s")
}

func batch(ctx context.Context, client *sqs.Client, url *string) error {
	send := &sqs.SendMessageBatchInput{QueueUrl: url}
	for i := range 10 {
		send.Entries = append(send.Entries, types.SendMessageBatchRequestEntry{
			Id: awssdk.String(fmt.Sprint(i)), MessageBody: awssdk.String(`{"workerId":"echo","jobId":"job-1","input":{"text":"hi"}}`),
		})
	}
	if _, err := client.SendMessageBatch(ctx, send); err != nil {
		return err
	}
	got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
	if err != nil {
		return err
	}
	del := &sqs.DeleteMessageBatchInput{QueueUrl: url}
	for i, m := range got.Messages {
		del.Entries = append(del.Entries, types.DeleteMessageBatchRequestEntry{Id: awssdk.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
	}
	_, err = client.DeleteMessageBatch(ctx, del)
	return err
}
