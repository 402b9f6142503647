package metrics_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/microfox-ai/aiwctl/aws/local/metrics"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
)

// past is a recorder with a clock of its own and a client that asks it.
type past struct {
	*testing.T
	at       time.Time
	queues   fixed
	recorder *metrics.Recorder
	client   *cloudwatch.Client
}

func newPast(t *testing.T) *past {
	t.Helper()
	p := &past{T: t, at: minute(), queues: fixed{}}
	p.recorder = metrics.NewRecorder(metrics.RecorderConfig{Queues: p.queues, Now: func() time.Time { return p.at }})
	server := httptest.NewServer(metrics.Handler(metrics.Config{Recorder: p.recorder}))
	t.Cleanup(server.Close)
	p.client = cloudwatch.New(cloudwatch.Options{
		BaseEndpoint: &server.URL, Region: "us-east-1", RetryMaxAttempts: 1, HTTPClient: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	return p
}

// pass lets a minute end.
func (p *past) pass() {
	p.at = p.at.Add(time.Minute)
	p.recorder.Sample()
}

// wants asks for a metric since the beginning and compares, the oldest first.
func (p *past) wants(namespace, dimension, name, metric, stat string, period int32, want ...float64) {
	p.Helper()
	out, err := p.client.GetMetricData(p.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: ptr(minute().Add(-time.Hour)), EndTime: ptr(p.at.Add(time.Minute)), ScanBy: types.ScanByTimestampAscending,
		MetricDataQueries: []types.MetricDataQuery{{Id: ptr("m"), MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: &namespace, MetricName: &metric, Dimensions: []types.Dimension{{Name: &dimension, Value: &name}}},
			Period: &period, Stat: &stat,
		}}},
	})
	if err != nil {
		p.Fatal(err)
	}
	if got := out.MetricDataResults[0].Values; !slices.Equal(got, want) {
		p.Errorf("%s %s of %s: %v, want %v", stat, metric, name, got, want)
	}
}

func TestThePastOfAQueue(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.queues["q"] = queues.Measure{Depth: queues.Depth{Visible: 3}, Oldest: time.Minute, Sent: 3}
	p.pass()
	p.queues["q"] = queues.Measure{Depth: queues.Depth{Visible: 9}, Oldest: 2 * time.Minute, Sent: 10, Received: 2, Deleted: 1}
	p.pass()
	p.queues["q"] = queues.Measure{Depth: queues.Depth{Visible: 1}, Sent: 10, Received: 12, Deleted: 9} // the present minute
	sqs := func(metric, stat string, period int32, want ...float64) {
		t.Helper()
		p.wants("AWS/SQS", "QueueName", "q", metric, stat, period, want...)
	}
	sqs("ApproximateNumberOfMessagesVisible", "Average", 60, 3, 9, 1)
	sqs("ApproximateAgeOfOldestMessage", "Maximum", 60, 60, 120, 0)
	sqs("NumberOfMessagesSent", "Sum", 60, 3, 7, 0)
	sqs("NumberOfMessagesReceived", "Sum", 60, 0, 2, 10)
	sqs("NumberOfMessagesDeleted", "Sum", 300, 9)
	sqs("ApproximateNumberOfMessagesVisible", "Maximum", 300, 9)
	sqs("ApproximateNumberOfMessagesVisible", "p50", 300, 3)
	// Made again, it counts anew.
	p.pass()
	p.queues["q"] = queues.Measure{Sent: 2}
	p.pass()
	sqs("NumberOfMessagesSent", "Sum", 60, 3, 7, 0, 2, 0)
	for range 200 {
		p.pass()
	}
	if out := p.many(600); len(out) != 181 { // three hours, and the present minute
		t.Errorf("%d datapoints are kept", len(out))
	}
	delete(p.queues, "q")
	p.pass()
	sqs("NumberOfMessagesSent", "Sum", 60)
}

func TestThePastOfAFunction(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	began := p.at
	for i := range 100 {
		p.recorder.Began("f")
		if i%2 == 0 {
			p.recorder.Began("f")
			p.recorder.Ended("f", began, time.Second, true)
		}
		p.recorder.Ended("f", began, time.Duration(i+1)*time.Millisecond, false)
	}
	p.pass()
	p.pass()
	p.recorder.Throttled("f")
	lambda := func(metric, stat string, want ...float64) {
		t.Helper()
		p.wants("AWS/Lambda", "FunctionName", "f", metric, stat, 60, want...)
	}
	lambda("Invocations", "Sum", 150, 0)
	lambda("Errors", "Sum", 50, 0)
	lambda("Errors", "Average", 1.0/3, 0)
	lambda("Throttles", "Sum", 0, 1)
	lambda("Duration", "Maximum", 1000)
	lambda("Duration", "p50", 75)
	lambda("Duration", "p95", 1000)
	lambda("ConcurrentExecutions", "Maximum", 2)
	p.wants("AWS/Lambda", "FunctionName", "other", "Invocations", "Sum", 60)
	// One that ends late belongs to the minute in which it began.
	p.recorder.Ended("f", began.Add(time.Minute), time.Second, false)
	lambda("Invocations", "Sum", 150, 1, 0)
	for range 100_000 {
		p.recorder.Ended("f", p.at, 30*time.Millisecond, false)
	}
	lambda("Duration", "p50", 75, 1000, 30)
}

// many reads every page of a long answer.
func (p *past) many(size int32) []time.Time {
	p.Helper()
	var at []time.Time
	pages := cloudwatch.NewGetMetricDataPaginator(p.client, &cloudwatch.GetMetricDataInput{
		StartTime: ptr(p.at.Add(-10 * time.Hour)), EndTime: ptr(p.at.Add(time.Minute)), MaxDatapoints: &size,
		MetricDataQueries: []types.MetricDataQuery{ask(age, "q", nil)},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(p.Context())
		if err != nil {
			p.Fatal(err)
		}
		r := out.MetricDataResults[0]
		if whole := r.StatusCode == types.StatusCodeComplete; whole == pages.HasMorePages() {
			p.Errorf("a page is %s, and there are more: %v", r.StatusCode, pages.HasMorePages())
		}
		at = append(at, r.Timestamps...)
	}
	return at
}

func TestPages(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	p.queues["q"] = queues.Measure{}
	for range 9 {
		p.pass()
	}
	whole := p.many(100)
	for _, size := range []int32{1, 3, 5, 10, 11} {
		if got := p.many(size); !slices.Equal(got, whole) || len(got) != 10 {
			t.Errorf("in pages of %d: %v, want %v", size, got, whole)
		}
	}
	var list []types.MetricDataQuery
	for i := range 3 {
		list = append(list, ask(age, "q", func(q *types.MetricDataQuery) { q.Id = awssdk.String(fmt.Sprintf("m%d", i)) }))
	}
	out, err := p.client.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: ptr(p.at.Add(-time.Hour)), EndTime: ptr(p.at.Add(time.Minute)), MaxDatapoints: ptr(int32(20)), MetricDataQueries: list,
	})
	if err != nil || len(out.MetricDataResults) != 2 || out.NextToken == nil {
		t.Fatalf("got %+v, %v", out, err)
	}
}
