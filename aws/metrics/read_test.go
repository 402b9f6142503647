package metrics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws"
)

const (
	testRegion  = "eu-west-1"
	testAccount = "111122223333"
)

func testNow() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

// fakeCloudWatch has one value for each metric, two minutes ago, and another a
// minute earlier on a page of its own. Keys are "region name metric".
type fakeCloudWatch struct {
	mu     sync.Mutex
	values map[string]float64
	fail   map[string]error            // by region
	status map[string]types.StatusCode // by key, of every page
	calls  map[string][]int            // numbers of metrics asked for, by region
	asked  []*cloudwatch.GetMetricDataInput
}

func (f *fakeCloudWatch) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, opts ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	o := cloudwatch.Options{Region: testRegion}
	for _, opt := range opts {
		opt(&o)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail[o.Region]; err != nil {
		return nil, err
	}
	out := &cloudwatch.GetMetricDataOutput{}
	at, more, status := testNow().Truncate(time.Minute).Add(-3*time.Minute), 1000.0, types.StatusCodePartialData
	if in.NextToken == nil {
		f.calls[o.Region] = append(f.calls[o.Region], len(in.MetricDataQueries))
		f.asked = append(f.asked, in)
		out.NextToken = awssdk.String("more")
	} else {
		at, more, status = at.Add(time.Minute), 0, types.StatusCodeComplete
	}
	for _, q := range in.MetricDataQueries {
		m := q.MetricStat.Metric
		key := o.Region + " " + *m.Dimensions[0].Value + " " + *m.MetricName
		r := types.MetricDataResult{Id: q.Id, StatusCode: status}
		if s, ok := f.status[key]; ok {
			r.StatusCode = s
		}
		if v, ok := f.values[key]; ok {
			r.Timestamps, r.Values = []time.Time{at}, []float64{v + more}
		}
		out.MetricDataResults = append(out.MetricDataResults, r)
	}
	return out, nil
}

func (f *fakeCloudWatch) reader(account string) *Reader {
	f.calls = make(map[string][]int)
	return &Reader{
		client: f, now: testNow, account: func() string { return account },
		target: func() aws.Target { return aws.Target{Region: testRegion} },
	}
}

func queue(name string) *aws.Queue {
	return &aws.Queue{Name: name, URL: "https://sqs/" + name, ARN: "arn:aws:sqs:" + testRegion + ":" + testAccount + ":" + name}
}

func abroad(name string) *aws.Queue {
	return &aws.Queue{Name: name, URL: "https://abroad/" + name, ARN: "arn:aws:sqs:us-west-2:" + testAccount + ":" + name}
}

func worker(id string) aws.Worker {
	return aws.Worker{ID: id, Queue: queue(id), DLQ: queue("dead"), Function: &aws.Function{Name: "fn-" + id}}
}

func TestRead(t *testing.T) {
	t.Parallel()
	const oldest = "ApproximateAgeOfOldestMessage"
	f := &fakeCloudWatch{
		values: map[string]float64{
			"eu-west-1 a " + oldest: 90, "eu-west-1 fn-a Invocations": 15, "eu-west-1 fn-a Errors": 12,
			"eu-west-1 dead ApproximateNumberOfMessagesVisible": 9,
		},
		status: map[string]types.StatusCode{
			"eu-west-1 fn-b Errors": types.StatusCodeInternalError, "eu-west-1 fn-b Throttles": types.StatusCodePartialData,
		},
	}
	got, err := f.reader("").Read(t.Context(), []aws.Worker{worker("a"), worker("b")}, Question{})
	if err == nil || !strings.Contains(err.Error(), "2 of 15 metrics in part only") {
		t.Errorf("the error is %v", err)
	}
	if !slices.Equal(f.calls[testRegion], []int{15}) {
		t.Errorf("the calls asked for %v metrics, want 15 at once: the dead-letter queue is shared", f.calls)
	}
	a, b := got["a"], got["b"]
	since := testNow().Add(-5 * time.Minute)
	if sum, known := a.Function.Errors.Sum(since); sum != 1024 || !known {
		t.Errorf("errors of a: %v, %v", sum, known)
	}
	if sum, _ := a.Function.Errors.Sum(testNow().Truncate(time.Minute).Add(-2 * time.Minute)); sum != 12 {
		t.Errorf("errors of a in the last two minutes: %v", sum)
	}
	if sum, known := a.Function.Throttles.Sum(since); sum != 0 || !known {
		t.Errorf("no throttle is no throttle: %v, %v", sum, known)
	}
	for name, s := range map[string]Series{"errors": b.Function.Errors, "throttles": b.Function.Throttles} {
		if _, known := s.Sum(since); known || s.State == Complete {
			t.Errorf("%s of b are %s, and known", name, s.State)
		}
	}
	if p, ok := a.Queue.Oldest.Last(since); !ok || p.Value != 90 {
		t.Errorf("the oldest of a: %v, %v", p, ok)
	}
	if _, ok := b.Queue.Oldest.Last(since); ok || b.Queue.Oldest.State != Complete {
		t.Error("a queue without datapoints has an age")
	}
	if len(a.DLQ.Visible.Points) != 2 || len(b.DLQ.Visible.Points) != 2 {
		t.Error("a shared dead-letter queue is known of one worker only")
	}
	if a.Queue.Sent.State != NotAsked {
		t.Error("more was asked for than health needs")
	}
	in := f.asked[0]
	if m := in.MetricDataQueries[0].MetricStat; *m.Period != 60 || *m.Metric.Namespace != "AWS/SQS" || *m.Metric.Dimensions[0].Name != "QueueName" ||
		testNow().Sub(*in.StartTime) > 16*time.Minute || !in.EndTime.After(testNow()) {
		t.Errorf("it asked for %+v from %s to %s", m, in.StartTime, in.EndTime)
	}
}

func TestReadDividesByRegionAndSize(t *testing.T) {
	t.Parallel()
	var list []aws.Worker
	for i := range 500 {
		w := worker(fmt.Sprintf("w%03d", i))
		w.DLQ = queue(w.ID + "-dead")
		list = append(list, w)
	}
	list[0].Queue = abroad("w000")
	for _, tt := range []struct {
		q    Question
		want []int // of the stage's region, sorted
		cost int
	}{
		{Question{}, []int{497, 500, 500, 500, 500, 500, 500, 500}, 4000},
		{Question{Set: ForWatch}, []int{499, 500, 500, 500, 500}, 2500},
		// Three hours by the minute are more datapoints than one call may have.
		{Question{Set: ForAge, Since: testNow().Add(-6 * time.Hour), Period: time.Minute}, []int{165, 278, 278, 278}, 1000},
	} {
		f := &fakeCloudWatch{}
		got, err := f.reader("").Read(t.Context(), list, tt.q)
		if err != nil || len(got) != 500 {
			t.Errorf("%d workers, %v", len(got), err)
		}
		if sizes := slices.Sorted(slices.Values(f.calls[testRegion])); !slices.Equal(sizes, tt.want) || len(f.calls["us-west-2"]) != 1 {
			t.Errorf("%+v: calls of %v, want %v", tt.q, f.calls, tt.want)
		}
		if cost := tt.q.Cost(list); cost != tt.cost {
			t.Errorf("%+v costs %d, want %d", tt.q, cost, tt.cost)
		}
	}
}

func TestReadThatFails(t *testing.T) {
	t.Parallel()
	f := &fakeCloudWatch{
		values: map[string]float64{"us-west-2 b ApproximateAgeOfOldestMessage": 60},
		fail:   map[string]error{testRegion: &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}},
	}
	got, err := f.reader("").Read(t.Context(), []aws.Worker{{ID: "a", Queue: queue("a")}, {ID: "b", Queue: abroad("b")}}, Question{})
	if kind, hint := aws.Classify(err); kind != aws.KindDenied || !strings.Contains(err.Error(), "read 3 metrics in eu-west-1") {
		t.Errorf("%q %q: %v", kind, hint, err)
	}
	if got["a"].Queue.Oldest.State != Failed || got["b"].Queue.Oldest.State != Complete {
		t.Errorf("a is %s, b is %s", got["a"].Queue.Oldest.State, got["b"].Queue.Oldest.State)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.reader("").Read(ctx, []aws.Worker{{ID: "a", Queue: queue("a")}}, Question{}); !errors.Is(err, context.Canceled) || len(f.asked) != 1 {
		t.Errorf("after its end: %v, %d calls", err, len(f.asked))
	}
}

func TestAges(t *testing.T) {
	t.Parallel()
	const oldest = " ApproximateAgeOfOldestMessage"
	f := &fakeCloudWatch{values: map[string]float64{"eu-west-1 a" + oldest: 7200, "eu-west-1 empty" + oldest: 0, "us-west-2 a" + oldest: 60}}
	namesake := &aws.Queue{Name: "a", URL: "https://theirs/a", ARN: "arn:aws:sqs:eu-west-1:999988887777:a"}
	got, err := f.reader(testAccount).Ages(t.Context(), []*aws.Queue{queue("a"), nil, queue("empty"), queue("idle"), abroad("a"), queue("a"), namesake})
	want := map[string]time.Duration{"https://sqs/a": 2 * time.Hour, "https://sqs/empty": 0, "https://abroad/a": time.Minute}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if !slices.Equal(f.calls[testRegion], []int{3}) || !slices.Equal(f.calls["us-west-2"], []int{1}) {
		t.Errorf("the calls asked for %v metrics", f.calls)
	}
	if got, err := f.reader("").Ages(t.Context(), nil); err != nil || len(got) != 0 || len(f.calls) != 0 {
		t.Errorf("no queues: %v, %v, calls %v", got, err, f.calls)
	}
}

func TestPeriodFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ ago, want time.Duration }{
		{time.Minute, time.Minute},
		{3 * time.Hour, time.Minute},
		{4 * time.Hour, 5 * time.Minute},
		{24 * time.Hour, 15 * time.Minute},
		{7 * 24 * time.Hour, time.Hour},
		{16 * 24 * time.Hour, 6 * time.Hour},
		{400 * 24 * time.Hour, 24 * time.Hour},
		{-time.Hour, time.Minute},
	} {
		if got := PeriodFor(testNow(), testNow().Add(-tt.ago)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.ago, got, tt.want)
		}
	}
}
