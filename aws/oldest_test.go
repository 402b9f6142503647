package aws

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/microfox-ai/aiwctl/aws/local/metrics"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
)

// fakeMetrics knows the ages of queues, by region and name.
type fakeMetrics struct {
	mu   sync.Mutex
	ages map[string]map[string]float64
	// fail makes the calls to a region fail.
	fail map[string]error
	// calls are the numbers of metrics asked for, by region.
	calls map[string][]int
	asked []*cloudwatch.GetMetricDataInput
}

// GetMetricData gives each queue an older datapoint besides, on a page of its own.
func (f *fakeMetrics) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, opts ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	o := cloudwatch.Options{Region: testRegion}
	for _, opt := range opts {
		opt(&o)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail[o.Region]; err != nil {
		return nil, err
	}
	at, older := testNow().Truncate(time.Minute).Add(-2*time.Minute), 0.0
	out := &cloudwatch.GetMetricDataOutput{}
	if in.NextToken == nil {
		f.calls[o.Region] = append(f.calls[o.Region], len(in.MetricDataQueries))
		f.asked = append(f.asked, in)
		out.NextToken = awssdk.String("more")
	} else {
		at, older = at.Add(-time.Minute), 1000
	}
	for _, q := range in.MetricDataQueries {
		r := types.MetricDataResult{Id: q.Id, StatusCode: types.StatusCodeComplete}
		if age, ok := f.ages[o.Region][*q.MetricStat.Metric.Dimensions[0].Value]; ok {
			r.Timestamps, r.Values = []time.Time{at}, []float64{age + older}
		}
		out.MetricDataResults = append(out.MetricDataResults, r)
	}
	return out, nil
}

// metricStage is a stage whose CloudWatch is f.
func metricStage(f *fakeMetrics) *Stage {
	f.calls = make(map[string][]int)
	s := newFakeAWS().stage(Target{}, Options{})
	s.api.metrics = f
	return s
}

func queueNamed(name string) *Queue {
	return &Queue{Name: name, URL: queueURL(name), ARN: queueARN(name)}
}

// queueAbroad is a queue in another region.
func queueAbroad(name string) *Queue {
	return &Queue{Name: name, URL: "https://sqs.us-west-2.amazonaws.com/" + testAccount + "/" + name, ARN: "arn:aws:sqs:us-west-2:" + testAccount + ":" + name}
}

func TestOldestAges(t *testing.T) {
	t.Parallel()
	f := &fakeMetrics{ages: map[string]map[string]float64{testRegion: {"a": 7200, "empty": 0}, "us-west-2": {"a": 60}}}
	here, abroad := queueNamed("a"), queueAbroad("a")
	got, err := metricStage(f).OldestAges(t.Context(), []*Queue{here, nil, queueNamed("empty"), queueNamed("idle"), abroad, here})
	want := map[string]time.Duration{here.URL: 2 * time.Hour, queueURL("empty"): 0, abroad.URL: time.Minute}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if len(f.asked) != 2 || !slices.Equal(f.calls[testRegion], []int{3}) || !slices.Equal(f.calls["us-west-2"], []int{1}) {
		t.Fatalf("the calls asked for %v metrics", f.calls)
	}
	in := f.asked[0]
	if m := in.MetricDataQueries[0].MetricStat; *m.Metric.Namespace != "AWS/SQS" || *m.Metric.MetricName != "ApproximateAgeOfOldestMessage" ||
		*m.Metric.Dimensions[0].Name != "QueueName" || *m.Period != 60 || *m.Stat != "Maximum" {
		t.Errorf("it asked for %+v of %+v", m, m.Metric)
	}
	if from := testNow().Sub(*in.StartTime); from != 10*time.Minute || !in.EndTime.After(testNow()) {
		t.Errorf("it asked for %s to %s", in.StartTime, in.EndTime)
	}
}

func TestOldestAgesAskForManyAtOnce(t *testing.T) {
	t.Parallel()
	ages := make(map[string]float64)
	var list []*Queue
	for i := range 1001 {
		name := fmt.Sprintf("q%d", i)
		ages[name] = float64(i)
		list = append(list, queueNamed(name))
	}
	f := &fakeMetrics{ages: map[string]map[string]float64{testRegion: ages}}
	got, err := metricStage(f).OldestAges(t.Context(), list)
	if err != nil || len(got) != 1001 || got[queueURL("q777")] != 777*time.Second {
		t.Errorf("got %d ages, %v", len(got), err)
	}
	if sizes := slices.Sorted(slices.Values(f.calls[testRegion])); !slices.Equal(sizes, []int{1, 500, 500}) {
		t.Errorf("the calls asked for %v metrics", sizes)
	}
	if got, err := metricStage(f).OldestAges(t.Context(), nil); err != nil || len(got) != 0 || len(f.calls) != 0 {
		t.Errorf("no queues: %v, %v, calls %v", got, err, f.calls)
	}
}

func TestOldestAgesOfAnotherAccount(t *testing.T) {
	t.Parallel()
	f := &fakeMetrics{ages: map[string]map[string]float64{testRegion: {"a": 60}}}
	s := metricStage(f)
	if _, err := s.Identity(t.Context()); err != nil {
		t.Fatal(err)
	}
	namesake := &Queue{Name: "a", URL: "https://sqs.eu-west-1.amazonaws.com/999988887777/a", ARN: "arn:aws:sqs:eu-west-1:999988887777:a"}
	if got, err := s.OldestAges(t.Context(), []*Queue{namesake}); err != nil || len(got) != 0 || len(f.calls) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestOldestAgesDenied(t *testing.T) {
	t.Parallel()
	f := &fakeMetrics{
		ages: map[string]map[string]float64{"us-west-2": {"b": 60}},
		fail: map[string]error{testRegion: apiError("CloudWatch", "GetMetricData", denied, "no")},
	}
	abroad := queueAbroad("b")
	got, err := metricStage(f).OldestAges(t.Context(), []*Queue{queueNamed("a"), abroad})
	if !maps.Equal(got, map[string]time.Duration{abroad.URL: time.Minute}) {
		t.Errorf("what could be read is %v", got)
	}
	if err == nil || !strings.Contains(err.Error(), "read the age of the oldest message of 1 queues in eu-west-1") {
		t.Errorf("the error is %v", err)
	}
	if kind, hint := Classify(err); kind != KindDenied || !strings.Contains(hint, "cloudwatch:GetMetricData") {
		t.Errorf("it is %q, %q", kind, hint)
	}
}

// Over HTTP, in the protocol of the real client.
func TestOldestAgesOfALocalStage(t *testing.T) {
	t.Parallel()
	now := make(chan time.Duration, 1) // how far ahead the broker's clock is
	now <- 0
	broker := queues.New(queues.Config{Now: func() time.Time {
		by := <-now
		now <- by
		return time.Now().Add(by)
	}})
	defer broker.Close()
	server := httptest.NewServer(metrics.Handler(metrics.Config{Queues: broker}))
	defer server.Close()
	s, err := Open(t.Context(), Target{EndpointURL: server.URL}, Options{Getenv: noEnv, AuditPath: NoAudit, HTTPClient: http.DefaultClient})
	if err != nil {
		t.Fatal(err)
	}
	var list []*Queue
	for _, name := range []string{"full", "empty"} {
		url, arn, err := broker.CreateQueue(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &Queue{Name: name, URL: url, ARN: arn})
	}
	list = append(list, &Queue{Name: "gone", URL: "http://127.0.0.1/000000000000/gone", ARN: "arn:aws:sqs:us-east-1:000000000000:gone"})
	if _, err := broker.Send(list[0].ARN, "", "x"); err != nil {
		t.Fatal(err)
	}
	now <- <-now + time.Hour
	got, err := s.OldestAges(t.Context(), list)
	if age := got[list[0].URL]; err != nil || age < time.Hour || age > time.Hour+time.Minute {
		t.Errorf("the age is %s, %v", age, err)
	}
	if age, ok := got[list[1].URL]; !ok || age != 0 {
		t.Errorf("the age of an empty queue is %s, %v", age, ok)
	}
	if _, ok := got[list[2].URL]; ok || s.Calls() != 1 {
		t.Errorf("the age of no queue is known: %v, after %d calls", ok, s.Calls())
	}
}
