package metrics_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/encoding/cbor"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws/local/metrics"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixed are queues that do not change.
type fixed map[string]queues.Measure

func (f fixed) Names() []string { return slices.Sorted(maps.Keys(f)) }

func (f fixed) Measure(name string) (queues.Measure, bool) { m, ok := f[name]; return m, ok }

func now() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

// minute is when the present minute began.
func minute() time.Time { return now().Truncate(time.Minute) }

// newClient is the real SDK's client of two queues.
func newClient(t *testing.T) (*cloudwatch.Client, string) {
	t.Helper()
	server := httptest.NewServer(metrics.Handler(metrics.Config{
		Queues: fixed{
			"full":  {Depth: queues.Depth{Visible: 5, InFlight: 2, Delayed: 1}, Oldest: 90*time.Minute + 999*time.Millisecond},
			"empty": {},
		},
		Now: now,
	}))
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return cloudwatch.New(cloudwatch.Options{
		BaseEndpoint: &server.URL, Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:  &http.Client{Transport: transport},
	}), server.URL
}

func ptr[T any](v T) *T { return &v }

// ask is a query for a metric of a queue; change may be nil.
func ask(name, queue string, change func(*types.MetricDataQuery)) types.MetricDataQuery {
	q := types.MetricDataQuery{Id: ptr("m"), MetricStat: &types.MetricStat{
		Metric: &types.Metric{
			Namespace: ptr("AWS/SQS"), MetricName: &name,
			Dimensions: []types.Dimension{{Name: ptr("QueueName"), Value: &queue}},
		},
		Period: ptr(int32(60)), Stat: ptr("Maximum"),
	}}
	if change != nil {
		change(&q)
	}
	return q
}

// since is a question for the time since then.
func since(d time.Duration, list ...types.MetricDataQuery) *cloudwatch.GetMetricDataInput {
	return &cloudwatch.GetMetricDataInput{StartTime: ptr(now().Add(-d)), EndTime: ptr(now()), MetricDataQueries: list}
}

const age = "ApproximateAgeOfOldestMessage"

func TestMetricsOfQueues(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t)
	for _, tt := range []struct {
		name   string
		query  types.MetricDataQuery
		values []float64
	}{
		{"age, in whole seconds", ask(age, "full", nil), []float64{5400}},
		{"age of nothing", ask(age, "empty", nil), []float64{0}},
		{"visible", ask("ApproximateNumberOfMessagesVisible", "full", nil), []float64{5}},
		{"in flight", ask("ApproximateNumberOfMessagesNotVisible", "full", nil), []float64{2}},
		{"delayed", ask("ApproximateNumberOfMessagesDelayed", "full", nil), []float64{1}},
		{"average of one sample", ask(age, "full", func(q *types.MetricDataQuery) { q.MetricStat.Stat = ptr("Average") }), []float64{5400}},
		{"percentile of one sample", ask(age, "full", func(q *types.MetricDataQuery) { q.MetricStat.Stat = ptr("p99.9") }), []float64{5400}},
		{"number of samples", ask(age, "full", func(q *types.MetricDataQuery) { q.MetricStat.Stat = ptr("SampleCount") }), []float64{1}},
		{"its unit", ask(age, "full", func(q *types.MetricDataQuery) { q.MetricStat.Unit = types.StandardUnitSeconds }), []float64{5400}},
		{"another unit", ask(age, "full", func(q *types.MetricDataQuery) { q.MetricStat.Unit = types.StandardUnitCount }), nil},
		{"no such queue", ask(age, "gone", nil), nil},
		{"no such metric", ask("NumberOfMessagesLost", "full", nil), nil},
		{"another service", ask(age, "full", func(q *types.MetricDataQuery) { q.MetricStat.Metric.Namespace = ptr("AWS/SNS") }), nil},
		{"no dimension", ask(age, "full", func(q *types.MetricDataQuery) { q.MetricStat.Metric.Dimensions = nil }), nil},
		{"another dimension", ask(age, "full", func(q *types.MetricDataQuery) { q.MetricStat.Metric.Dimensions[0].Name = ptr("TopicName") }), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := client.GetMetricData(t.Context(), since(10*time.Minute, tt.query))
			if err != nil {
				t.Fatal(err)
			}
			if len(out.MetricDataResults) != 1 || out.NextToken != nil || len(out.Messages) != 0 {
				t.Fatalf("got %+v", out)
			}
			r := out.MetricDataResults[0]
			if *r.Id != "m" || *r.Label != *tt.query.MetricStat.Metric.MetricName || r.StatusCode != types.StatusCodeComplete {
				t.Errorf("got %s %q %s", *r.Id, *r.Label, r.StatusCode)
			}
			if !slices.Equal(r.Values, tt.values) || len(r.Timestamps) != len(r.Values) {
				t.Errorf("got %v at %v, want %v", r.Values, r.Timestamps, tt.values)
			}
			for _, at := range r.Timestamps {
				if !at.Equal(minute()) {
					t.Errorf("the datapoint is of %s, want %s", at, minute())
				}
			}
		})
	}
}

// There is the present minute and no history.
func TestTimes(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t)
	for _, tt := range []struct {
		name       string
		start, end time.Time
		period     int32
		at         time.Time // zero: nothing
	}{
		{"the present minute", now(), now().Add(time.Second), 60, minute()},
		{"until now", now().Add(-time.Hour), now(), 60, minute()},
		{"the end is exclusive", now().Add(-time.Hour), minute(), 60, time.Time{}},
		{"the past", now().Add(-time.Hour), now().Add(-time.Minute), 60, time.Time{}},
		{"the future", now().Add(time.Minute), now().Add(time.Hour), 60, time.Time{}},
		{"long periods begin at their own times", now().Add(-time.Hour), now(), 300, minute().Add(-time.Minute)},
		{"short periods", now().Add(-time.Hour), now(), 10, minute()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := client.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
				StartTime: &tt.start, EndTime: &tt.end,
				MetricDataQueries: []types.MetricDataQuery{ask(age, "full", func(q *types.MetricDataQuery) { q.MetricStat.Period = &tt.period })},
			})
			if err != nil {
				t.Fatal(err)
			}
			got := out.MetricDataResults[0].Timestamps
			if tt.at.IsZero() && len(got) > 0 || !tt.at.IsZero() && (len(got) != 1 || !got[0].Equal(tt.at)) {
				t.Errorf("got %v, want %v", got, tt.at)
			}
		})
	}
}

func TestLabelsAndHiddenQueries(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t)
	out, err := client.GetMetricData(t.Context(), since(time.Hour,
		ask(age, "full", func(q *types.MetricDataQuery) { q.Label = ptr("how old") }),
		ask(age, "full", func(q *types.MetricDataQuery) { q.Id, q.ReturnData = ptr("hidden"), ptr(false) }),
	))
	if err != nil || len(out.MetricDataResults) != 1 || *out.MetricDataResults[0].Label != "how old" {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t)
	many := make([]types.MetricDataQuery, 501)
	for i := range many {
		many[i] = ask(age, "full", func(q *types.MetricDataQuery) { q.Id = ptr("m" + strconv.Itoa(i)) })
	}
	for _, tt := range []struct {
		name string
		in   *cloudwatch.GetMetricDataInput
		code string
		says string
	}{
		{"too many", since(time.Hour, many...), "ValidationError", "must not have a size greater than 500"},
		{"none", since(time.Hour, []types.MetricDataQuery{}...), "ValidationError", "MetricDataQueries is required"},
		{"the same id twice", since(time.Hour, many[0], many[0]), "ValidationError", "not unique"},
		{"no time", since(0, many[0]), "ValidationError", "StartTime must be less than"},
		{"a bad id", since(time.Hour, ask(age, "full", func(q *types.MetricDataQuery) { q.Id = ptr("1st") })), "ValidationError", "The value 1st for parameter MetricDataQueries.member.1.Id is not matching"},
		{"a bad statistic", since(time.Hour, many[0], ask(age, "full", func(q *types.MetricDataQuery) { q.MetricStat.Stat = ptr("Most") })), "ValidationError", "The value Most for parameter MetricDataQueries.member.2.MetricStat.Stat is not a valid statistic."},
		{"a bad period", since(time.Hour, ask(age, "full", func(q *types.MetricDataQuery) { q.MetricStat.Period = ptr(int32(61)) })), "ValidationError", "The value 61"},
		{"a statistic that is not computed", since(time.Hour, ask(age, "full", func(q *types.MetricDataQuery) { q.MetricStat.Stat = ptr("tm99") })), "ValidationError", "does not compute"},
		{"no page of that size", func() *cloudwatch.GetMetricDataInput {
			in := since(time.Hour, many[0])
			in.MaxDatapoints = ptr(int32(100_801))
			return in
		}(), "ValidationError", "MaxDatapoints"},
		{"an order", func() *cloudwatch.GetMetricDataInput {
			in := since(time.Hour, many[0])
			in.ScanBy = "Random"
			return in
		}(), "ValidationError", "ScanBy"},
		{"an expression", since(time.Hour, types.MetricDataQuery{Id: ptr("e"), Expression: ptr("m1*2")}), "ValidationError", "evaluates no"},
		{"neither", since(time.Hour, types.MetricDataQuery{Id: ptr("e")}), "ValidationError", "is required"},
		{"both", since(time.Hour, ask(age, "full", func(q *types.MetricDataQuery) { q.Expression = ptr("m1*2") })), "ValidationError", "together"},
		{"a token", func() *cloudwatch.GetMetricDataInput {
			in := since(time.Hour, many[0])
			in.NextToken = ptr("x")
			return in
		}(), "InvalidNextToken", "invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.in.MetricDataQueries == nil {
				tt.in.MetricDataQueries = []types.MetricDataQuery{} // what is missing the SDK itself refuses
			}
			_, err := client.GetMetricData(t.Context(), tt.in)
			api, ok := errors.AsType[smithy.APIError](err)
			if !ok || api.ErrorCode() != tt.code || !strings.Contains(api.ErrorMessage(), tt.says) {
				t.Errorf("got %v, want %s: %s", err, tt.code, tt.says)
			}
		})
	}
	_, err := client.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "UnknownOperationException" {
		t.Errorf("an operation that is not served: %v", err)
	}
}

// What boto3 and the AWS CLI send.
func TestJSONProtocol(t *testing.T) {
	t.Parallel()
	_, url := newClient(t)
	post := func(body string) (int, http.Header, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", metrics.Target+".GetMetricData")
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, answer.Header, string(text)
	}
	question := func(id string) string {
		return fmt.Sprintf(`{"MetricDataQueries":[{"Id":%q,"MetricStat":{"Metric":{"Namespace":"AWS/SQS","MetricName":%q,
			"Dimensions":[{"Name":"QueueName","Value":"full"}]},"Period":60,"Stat":"Maximum"}}],"StartTime":%d.5,"EndTime":%d}`,
			id, age, now().Add(-time.Hour).Unix(), now().Unix())
	}
	status, header, body := post(question("m"))
	want := fmt.Sprintf(`{"MetricDataResults":[{"Id":"m","Label":%q,"Timestamps":[%d],"Values":[5400],"StatusCode":"Complete"}],"Messages":[]}`, age, minute().Unix())
	if status != http.StatusOK || body != want || header.Get("Content-Type") != "application/x-amz-json-1.0" {
		t.Errorf("got %d %v %s, want %s", status, header, body, want)
	}
	status, header, body = post(question("M"))
	if status != http.StatusBadRequest || header.Get("X-Amzn-Query-Error") != "ValidationError;Sender" || !strings.Contains(body, `"__type":"com.amazonaws.cloudwatch#ValidationError"`) {
		t.Errorf("got %d %v %s", status, header, body)
	}
}

// FuzzRequest: whatever is sent, the answer is CBOR and never a fault of ours.
func FuzzRequest(f *testing.F) {
	handler := metrics.Handler(metrics.Config{Queues: fixed{"full": {}}, Now: now})
	f.Add([]byte{})
	f.Add([]byte{0xa1, 0x61, 'x', 0xf6})
	f.Add(cbor.Encode(cbor.Map{
		"StartTime": &cbor.Tag{ID: 1, Value: cbor.Float64(0)}, "EndTime": &cbor.Tag{ID: 1, Value: cbor.Uint(now().Unix())},
		"MetricDataQueries": cbor.List{cbor.Map{"Id": cbor.String("m"), "MetricStat": cbor.Map{
			"Metric": cbor.Map{"Namespace": cbor.String("AWS/SQS"), "MetricName": cbor.String(age)}, "Period": cbor.Uint(60), "Stat": cbor.String("Sum"),
		}}},
	}))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, metrics.Path+"operation/GetMetricData", strings.NewReader(string(body)))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if _, err := cbor.Decode(w.Body.Bytes()); err != nil || w.Code >= 500 {
			t.Errorf("got %d %q, %v", w.Code, w.Body, err)
		}
	})
}

// What is measured in earnest.
var _ metrics.Queues = (*queues.Broker)(nil)
