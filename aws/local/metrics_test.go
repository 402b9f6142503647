package local_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/aws/local/metrics"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// The endpoint serves CloudWatch in both of its protocols.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{})
	c := connect(t, s, dispatch.StableHTTPClient)
	queue, err := c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: awssdk.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: awssdk.String("x")}); err != nil {
		t.Fatal(err)
	}
	client := cloudwatch.New(cloudwatch.Options{
		BaseEndpoint: awssdk.String(s.Endpoint()), Region: "us-east-1", HTTPClient: c.http,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	out, err := client.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: awssdk.Time(time.Now().Add(-10 * time.Minute)), EndTime: awssdk.Time(time.Now().Add(time.Minute)),
		MetricDataQueries: []types.MetricDataQuery{{Id: awssdk.String("m"), MetricStat: &types.MetricStat{
			Metric: &types.Metric{
				Namespace: awssdk.String("AWS/SQS"), MetricName: awssdk.String("ApproximateNumberOfMessagesVisible"),
				Dimensions: []types.Dimension{{Name: awssdk.String("QueueName"), Value: awssdk.String("q")}},
			},
			Period: awssdk.Int32(60), Stat: awssdk.String("Maximum"),
		}}},
	})
	if err != nil || len(out.MetricDataResults) != 1 || len(out.MetricDataResults[0].Values) != 1 || out.MetricDataResults[0].Values[0] != 1 {
		t.Errorf("CBOR: got %+v, %v", out, err)
	}

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint(), strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", metrics.Target+".GetMetricData")
	answer, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if text, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(text), "com.amazonaws.cloudwatch#ValidationError") {
		t.Errorf("JSON: got %s, %v", text, err)
	}
}
