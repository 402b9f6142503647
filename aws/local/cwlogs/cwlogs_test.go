package cwlogs_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws/local/cwlogs"
	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start is the time at which every test begins.
var start = time.Date(2026, 11, 23, 21, 0, 0, 0, time.UTC)

// clock is a time that a test moves.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()) }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// serve runs a service over HTTP and returns an SDK client for it.
func serve(t *testing.T, cfg cwlogs.Config) (*cwlogs.Service, *cloudwatchlogs.Client, *clock) {
	t.Helper()
	c := &clock{}
	c.ms.Store(start.UnixMilli())
	cfg.Now = c.now
	s := cwlogs.New(cfg)
	server := httptest.NewServer(s.Handler())
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	client := cloudwatchlogs.New(cloudwatchlogs.Options{
		Region:       "us-east-1",
		BaseEndpoint: awssdk.String(server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   dispatch.StableHTTPClient(&http.Client{Transport: transport}),
	})
	return s, client, c
}

// fill makes a group and a stream with the given messages, one a second.
func fill(s *cwlogs.Service, group, stream string, messages ...string) {
	s.CreateStream(group, stream)
	for i, m := range messages {
		s.Append(group, stream, functions.LogEvent{Time: start.Add(time.Duration(i) * time.Second), Message: m})
	}
}

func wantCode(t *testing.T, err error, code, says string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("got %v, want the AWS error %s", err, code)
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), says) {
		t.Errorf("got %s: %q, want %s with %q", api.ErrorCode(), api.ErrorMessage(), code, says)
	}
}

// filterAll follows the tokens of FilterLogEvents to the end; between pages it
// calls also.
func filterAll(t *testing.T, client *cloudwatchlogs.Client, in *cloudwatchlogs.FilterLogEventsInput, also func()) (events []types.FilteredLogEvent, pages int) {
	t.Helper()
	for {
		out, err := client.FilterLogEvents(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		events = append(events, out.Events...)
		if out.NextToken == nil {
			return events, pages
		}
		if pages > 1000 {
			t.Fatal("paging does not end")
		}
		in.NextToken = out.NextToken
		if also != nil {
			also()
		}
	}
}

func messages(events []types.FilteredLogEvent) []string {
	var all []string
	for _, e := range events {
		all = append(all, awssdk.ToString(e.Message))
	}
	return all
}

func TestGroupsAndStreams(t *testing.T) {
	t.Parallel()
	_, client, _ := serve(t, cwlogs.Config{Region: "eu-west-1", Account: "123456789012"})
	ctx := t.Context()
	group := awssdk.String("/aws/lambda/one")

	create := func() error {
		_, err := client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group, Tags: map[string]string{"a": "1"}})
		return err
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, create(), "ResourceAlreadyExistsException", "already exists")
	if _, err := client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: awssdk.String("no spaces")}); err == nil {
		t.Error("a group's name with a space was taken")
	} else {
		wantCode(t, err, "InvalidParameterException", "logGroupName")
	}

	stream := &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: awssdk.String("s1")}
	if _, err := client.CreateLogStream(ctx, stream); err != nil {
		t.Fatal(err)
	}
	_, err := client.CreateLogStream(ctx, stream)
	wantCode(t, err, "ResourceAlreadyExistsException", "stream already exists")
	_, err = client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: awssdk.String("nope"), LogStreamName: awssdk.String("s")})
	wantCode(t, err, "ResourceNotFoundException", "log group does not exist")

	if _, err := client.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: group, RetentionInDays: awssdk.Int32(7)}); err != nil {
		t.Fatal(err)
	}
	_, err = client.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: group, RetentionInDays: awssdk.Int32(8)})
	wantCode(t, err, "InvalidParameterException", "retentionInDays")
	groups, err := client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: awssdk.String("/aws/")})
	if err != nil || len(groups.LogGroups) != 1 {
		t.Fatalf("DescribeLogGroups: %v, %v", groups, err)
	}
	g := groups.LogGroups[0]
	if awssdk.ToInt32(g.RetentionInDays) != 7 || awssdk.ToString(g.LogGroupArn) != "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/one" ||
		awssdk.ToString(g.Arn) != awssdk.ToString(g.LogGroupArn)+":*" || awssdk.ToInt64(g.CreationTime) != start.UnixMilli() {
		t.Errorf("the group is described as %+v", g)
	}

	arn := g.LogGroupArn
	if _, err := client.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"b": "2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UntagResource(ctx, &cloudwatchlogs.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := client.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: arn})
	if err != nil || len(tags.Tags) != 1 || tags.Tags["b"] != "2" {
		t.Errorf("tags are %v, %v", tags, err)
	}

	if _, err := client.DeleteLogStream(ctx, &cloudwatchlogs.DeleteLogStreamInput{LogGroupName: group, LogStreamName: awssdk.String("s1")}); err != nil {
		t.Fatal(err)
	}
	_, err = client.DeleteLogStream(ctx, &cloudwatchlogs.DeleteLogStreamInput{LogGroupName: group, LogStreamName: awssdk.String("s1")})
	wantCode(t, err, "ResourceNotFoundException", "log stream does not exist")
	if _, err := client.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: group}); err != nil {
		t.Fatal(err)
	}
	_, err = client.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group})
	wantCode(t, err, "ResourceNotFoundException", "log group does not exist")
	if _, err := client.StartQuery(ctx, &cloudwatchlogs.StartQueryInput{QueryString: awssdk.String("x"), StartTime: awssdk.Int64(0), EndTime: awssdk.Int64(1)}); err == nil {
		t.Error("an operation that is not served succeeded")
	}
}

func TestDescribePaging(t *testing.T) {
	t.Parallel()
	s, client, c := serve(t, cwlogs.Config{})
	for i := range 7 {
		s.CreateStream(fmt.Sprintf("g%d", i), "s")
		s.CreateStream("streams", fmt.Sprintf("s%d", i))
		// The streams' order by time is the opposite of that by name.
		s.Append("streams", fmt.Sprintf("s%d", i), functions.LogEvent{Time: c.now().Add(-time.Duration(i) * time.Minute), Message: "x"})
	}
	var groups []string
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(client, &cloudwatchlogs.DescribeLogGroupsInput{Limit: awssdk.Int32(3)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range out.LogGroups {
			groups = append(groups, *g.LogGroupName)
		}
	}
	if want := []string{"g0", "g1", "g2", "g3", "g4", "g5", "g6", "streams"}; !slices.Equal(groups, want) {
		t.Errorf("groups are %v, want %v", groups, want)
	}

	for _, tt := range []struct {
		order      types.OrderBy
		descending bool
		prefix     string
		want       string
	}{
		{"", false, "", "s0 s1 s2 s3 s4 s5 s6"},
		{types.OrderByLogStreamName, true, "", "s6 s5 s4 s3 s2 s1 s0"},
		{types.OrderByLastEventTime, true, "", "s0 s1 s2 s3 s4 s5 s6"},
		{types.OrderByLastEventTime, false, "", "s6 s5 s4 s3 s2 s1 s0"},
		{types.OrderByLogStreamName, false, "s3", "s3"},
	} {
		in := &cloudwatchlogs.DescribeLogStreamsInput{
			LogGroupName: awssdk.String("streams"), OrderBy: tt.order, Descending: awssdk.Bool(tt.descending), Limit: awssdk.Int32(2),
		}
		if tt.prefix != "" {
			in.LogStreamNamePrefix = awssdk.String(tt.prefix)
		}
		var names []string
		pages := cloudwatchlogs.NewDescribeLogStreamsPaginator(client, in)
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, st := range out.LogStreams {
				names = append(names, *st.LogStreamName)
				if st.LastEventTimestamp == nil || st.LastIngestionTime == nil {
					t.Errorf("stream %s has no times of its events", *st.LogStreamName)
				}
			}
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("order by %s, descending %v: %s, want %s", tt.order, tt.descending, got, tt.want)
		}
	}
	_, err := client.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{
		LogGroupName: awssdk.String("streams"), OrderBy: types.OrderByLastEventTime, LogStreamNamePrefix: awssdk.String("s"),
	})
	wantCode(t, err, "InvalidParameterException", "Cannot order by LastEventTime")
	_, err = client.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePrefix: awssdk.String("g"), LogGroupNamePattern: awssdk.String("g"),
	})
	wantCode(t, err, "InvalidParameterException", "mutually exclusive")
}

func TestPutLogEvents(t *testing.T) {
	t.Parallel()
	s, client, _ := serve(t, cwlogs.Config{})
	s.CreateStream("g", "s")
	put := func(stream string, events ...types.InputLogEvent) (*cloudwatchlogs.PutLogEventsOutput, error) {
		return client.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: awssdk.String("g"), LogStreamName: awssdk.String(stream), LogEvents: events,
		})
	}
	at := func(offset time.Duration, message string) types.InputLogEvent {
		return types.InputLogEvent{Timestamp: awssdk.Int64(start.Add(offset).UnixMilli()), Message: awssdk.String(message)}
	}
	const day = 24 * time.Hour

	_, err := put("other", at(0, "x"))
	wantCode(t, err, "ResourceNotFoundException", "stream")
	_, err = put("s", at(0, "x"), at(-time.Second, "y"))
	wantCode(t, err, "InvalidParameterException", "chronological")
	_, err = put("s", at(-25*time.Hour, "x"), at(0, "y"))
	wantCode(t, err, "InvalidParameterException", "24 hours")
	_, err = put("s", at(0, strings.Repeat("x", 1<<20-25)))
	wantCode(t, err, "InvalidParameterException", "exceeds limit of 1048576")
	_, err = put("s", make([]types.InputLogEvent, 0)...)
	wantCode(t, err, "InvalidParameterException", "logEvents")
	_, err = put("s", slices.Repeat([]types.InputLogEvent{at(0, "x")}, 10_001)...)
	wantCode(t, err, "InvalidParameterException", "10000")

	out, err := put("s", at(-20*day, "old"), at(-15*day, "old"), at(-time.Hour, "ok"), at(0, "ok"), at(3*time.Hour, "new"))
	if err != nil {
		t.Fatal(err)
	}
	info := out.RejectedLogEventsInfo
	if info == nil || awssdk.ToInt32(info.TooOldLogEventEndIndex) != 2 || awssdk.ToInt32(info.TooNewLogEventStartIndex) != 4 {
		t.Errorf("the rejected events are %+v, want those before 2 and from 4", info)
	}
	if out, err := put("s", at(0, "largest:"+strings.Repeat("x", 1<<20-26-8))); err != nil || out.RejectedLogEventsInfo != nil {
		t.Errorf("a batch of exactly the largest size: %v, %v", out, err)
	}
	events, _ := filterAll(t, client, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: awssdk.String("g"), FilterPattern: awssdk.String("ok")}, nil)
	if got := messages(events); !slices.Equal(got, []string{"ok", "ok"}) {
		t.Errorf("stored %v, want the two valid events", got)
	}

	if _, err := client.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: awssdk.String("g"), RetentionInDays: awssdk.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	out, err = put("s", at(-2*day, "expired"))
	if err != nil || out.RejectedLogEventsInfo == nil || awssdk.ToInt32(out.RejectedLogEventsInfo.ExpiredLogEventEndIndex) != 1 {
		t.Errorf("an event older than the retention: %+v, %v", out, err)
	}
}

func TestFilterLogEvents(t *testing.T) {
	t.Parallel()
	s, client, _ := serve(t, cwlogs.Config{})
	fill(s, "g", "a-1", "one ERROR", "two", "three ERROR")
	fill(s, "g", "b-1", `{"level":"ERROR","n":7}`, "five")
	s.Append("g", "b-1", functions.LogEvent{Time: start.Add(-time.Minute), Message: "late"})

	for _, tt := range []struct {
		name string
		in   cloudwatchlogs.FilterLogEventsInput
		want []string
	}{
		{"everything, in order of time", cloudwatchlogs.FilterLogEventsInput{}, []string{"late", "one ERROR", `{"level":"ERROR","n":7}`, "two", "five", "three ERROR"}},
		{"terms", cloudwatchlogs.FilterLogEventsInput{FilterPattern: awssdk.String("ERROR -three")}, []string{"one ERROR", `{"level":"ERROR","n":7}`}},
		{"JSON", cloudwatchlogs.FilterLogEventsInput{FilterPattern: awssdk.String("{ $.n > 6 }")}, []string{`{"level":"ERROR","n":7}`}},
		{"one stream", cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"b-1"}}, []string{"late", `{"level":"ERROR","n":7}`, "five"}},
		{"two streams", cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"b-1", "a-1"}, FilterPattern: awssdk.String("?two ?five")}, []string{"two", "five"}},
		{"prefix", cloudwatchlogs.FilterLogEventsInput{LogStreamNamePrefix: awssdk.String("a-")}, []string{"one ERROR", "two", "three ERROR"}},
		{"both ends of the time are shown", cloudwatchlogs.FilterLogEventsInput{
			StartTime: awssdk.Int64(start.UnixMilli()), EndTime: awssdk.Int64(start.Add(time.Second).UnixMilli()),
		}, []string{"one ERROR", `{"level":"ERROR","n":7}`, "two", "five"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, limit := range []int32{1, 2, 10_000} {
				in := tt.in
				in.LogGroupIdentifier = awssdk.String("arn:aws:logs:us-east-1:000000000000:log-group:g:*")
				in.Limit = awssdk.Int32(limit)
				events, _ := filterAll(t, client, &in, nil)
				if got := messages(events); !slices.Equal(got, tt.want) {
					t.Errorf("by %d: got %q, want %q", limit, got, tt.want)
				}
				ids := map[string]bool{}
				for _, e := range events {
					ids[*e.EventId] = true
					if awssdk.ToInt64(e.IngestionTime) != start.UnixMilli() {
						t.Errorf("%s was ingested at %d", *e.Message, awssdk.ToInt64(e.IngestionTime))
					}
				}
				if len(ids) != len(events) {
					t.Errorf("%d event ids for %d events", len(ids), len(events))
				}
			}
		})
	}
}

func TestFilterLogEventsRefuses(t *testing.T) {
	t.Parallel()
	s, client, _ := serve(t, cwlogs.Config{})
	s.CreateStream("g", "s")
	g := awssdk.String("g")
	for _, tt := range []struct {
		in         cloudwatchlogs.FilterLogEventsInput
		code, says string
	}{
		{cloudwatchlogs.FilterLogEventsInput{LogGroupName: g, FilterPattern: awssdk.String("{ bad")}, "InvalidParameterException", "Invalid filter pattern"},
		{cloudwatchlogs.FilterLogEventsInput{LogGroupName: g, FilterPattern: awssdk.String("job-1")}, "InvalidParameterException", "Invalid character(s) in term 'job-1'"},
		{cloudwatchlogs.FilterLogEventsInput{LogGroupName: g, NextToken: awssdk.String("e/rubbish")}, "InvalidParameterException", "nextToken is invalid"},
		{cloudwatchlogs.FilterLogEventsInput{LogGroupName: g, Limit: awssdk.Int32(10_001)}, "InvalidParameterException", "10000"},
		{cloudwatchlogs.FilterLogEventsInput{LogGroupName: g, LogGroupIdentifier: g}, "InvalidParameterException", "together"},
		{cloudwatchlogs.FilterLogEventsInput{}, "InvalidParameterException", "logGroupName"},
		{cloudwatchlogs.FilterLogEventsInput{LogGroupName: g, LogStreamNames: []string{"x"}}, "ResourceNotFoundException", "stream"},
		{cloudwatchlogs.FilterLogEventsInput{LogGroupName: g, LogStreamNames: []string{"s"}, LogStreamNamePrefix: g}, "InvalidParameterException", "together"},
		{cloudwatchlogs.FilterLogEventsInput{LogGroupName: g, StartTime: awssdk.Int64(2), EndTime: awssdk.Int64(1)}, "InvalidParameterException", "endTime"},
	} {
		_, err := client.FilterLogEvents(t.Context(), &tt.in)
		wantCode(t, err, tt.code, tt.says)
	}
}

// New events must not disturb a search that is under way, whatever their time.
func TestFilterPagingWhileEventsArrive(t *testing.T) {
	t.Parallel()
	s, client, _ := serve(t, cwlogs.Config{ScanLimit: 3})
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprintf("keep%d", i))
	}
	fill(s, "g", "s", want...)
	fill(s, "g", "noise", "n0", "n1", "n2", "n3", "n4", "n5", "n6")
	n := 0
	events, pages := filterAll(t, client, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: awssdk.String("g"), Limit: awssdk.Int32(2), FilterPattern: awssdk.String("keep"),
	}, func() {
		n++
		s.Append("g", "s", functions.LogEvent{Time: start.Add(time.Duration(n-5) * time.Second), Message: fmt.Sprintf("keep-new%d", n)})
	})
	if got := messages(events); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if pages < 10 {
		t.Errorf("%d pages, although a page looks at 3 events only", pages)
	}
}

func TestFilterPageSize(t *testing.T) {
	t.Parallel()
	s, client, _ := serve(t, cwlogs.Config{})
	big := strings.Repeat("x", 400_000)
	fill(s, "g", "s", big, big, big, big, big)
	events, pages := filterAll(t, client, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: awssdk.String("g")}, nil)
	if len(events) != 5 || pages != 3 {
		t.Errorf("%d events on %d pages, want 5 events of 400 kB on 3 pages of 1 MiB", len(events), pages)
	}
}

func TestGetLogEvents(t *testing.T) {
	t.Parallel()
	s, client, _ := serve(t, cwlogs.Config{})
	fill(s, "g", "s", "0", "1", "2", "3", "4", "5", "6")
	get := func(token *string, fromHead bool, more ...func(*cloudwatchlogs.GetLogEventsInput)) (string, *cloudwatchlogs.GetLogEventsOutput) {
		in := &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: awssdk.String("g"), LogStreamName: awssdk.String("s"), Limit: awssdk.Int32(3), NextToken: token, StartFromHead: awssdk.Bool(fromHead),
		}
		for _, f := range more {
			f(in)
		}
		out, err := client.GetLogEvents(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, e := range out.Events {
			all = append(all, *e.Message)
		}
		return strings.Join(all, ""), out
	}
	want := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got events %q, want %q", got, want)
		}
	}

	page, out := get(nil, true)
	want(page, "012")
	page, out = get(out.NextForwardToken, true)
	want(page, "345")
	page, out = get(out.NextForwardToken, true)
	want(page, "6")
	end := out.NextForwardToken
	page, out = get(end, true)
	want(page, "")
	if *out.NextForwardToken != *end {
		t.Error("at the end the forward token is not repeated")
	}
	s.Append("g", "s", functions.LogEvent{Time: start.Add(time.Hour), Message: "7"})
	page, _ = get(end, true)
	want(page, "7")

	page, out = get(nil, false)
	want(page, "567")
	page, out = get(out.NextBackwardToken, false)
	want(page, "234")
	page, back := get(out.NextForwardToken, true)
	want(page, "567")
	page, _ = get(back.NextBackwardToken, false)
	want(page, "234")
	page, out = get(out.NextBackwardToken, false)
	want(page, "01")
	first := out.NextBackwardToken
	page, out = get(first, false)
	want(page, "")
	if *out.NextBackwardToken != *first {
		t.Error("at the beginning the backward token is not repeated")
	}

	page, _ = get(nil, true, func(in *cloudwatchlogs.GetLogEventsInput) {
		in.StartTime, in.EndTime = awssdk.Int64(start.Add(2*time.Second).UnixMilli()), awssdk.Int64(start.Add(4*time.Second).UnixMilli())
	})
	want(page, "23") // the end is not shown

	_, err := client.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: awssdk.String("g"), LogStreamName: awssdk.String("x")})
	wantCode(t, err, "ResourceNotFoundException", "stream")
	_, err = client.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: awssdk.String("g"), LogStreamName: awssdk.String("s"), NextToken: awssdk.String("x")})
	wantCode(t, err, "InvalidParameterException", "nextToken")
}

func TestBounds(t *testing.T) {
	t.Parallel()
	s, client, c := serve(t, cwlogs.Config{MaxEvents: 5})
	for i := range 20 {
		s.Append("g", fmt.Sprintf("s%d", i%2), functions.LogEvent{Time: c.now(), Message: fmt.Sprint(i)})
		c.advance(time.Second)
	}
	s.Append("g", "quiet", functions.LogEvent{Time: c.now(), Message: ""})
	events, _ := filterAll(t, client, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: awssdk.String("g")}, nil)
	if got := messages(events); !slices.Equal(got, []string{"15", "16", "17", "18", "19"}) {
		t.Errorf("got %v, want the five newest", got)
	}

	s, client, c = serve(t, cwlogs.Config{MaxBytes: 1000})
	for i := range 20 {
		s.Append("g", "s", functions.LogEvent{Time: c.now(), Message: strings.Repeat(fmt.Sprint(i%10), 300)})
		c.advance(time.Second)
	}
	events, _ = filterAll(t, client, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: awssdk.String("g")}, nil)
	if len(events) != 3 {
		t.Errorf("%d events of 326 bytes are kept in 1000 bytes", len(events))
	}
}

func BenchmarkAppend(b *testing.B) {
	s := cwlogs.New(cwlogs.Config{})
	e := functions.LogEvent{Time: start, Message: strings.Repeat("x", 200)}
	for b.Loop() {
		e.Time = e.Time.Add(time.Millisecond)
		s.Append("g", "s", e)
	}
}

// A search of 100,000 events for one job, over HTTP with the SDK.
func BenchmarkFilterLogEvents(b *testing.B) {
	s := cwlogs.New(cwlogs.Config{Now: func() time.Time { return start }, ScanLimit: 100_000})
	for i := range 100_000 {
		s.Append("g", "s", functions.LogEvent{
			Time:    start.Add(time.Duration(i) * time.Millisecond),
			Message: fmt.Sprintf(`{"level":"INFO","msg":"job completed","event":"job.completed","jobId":"job-%d","workerId":"echo"}`, i),
		})
	}
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	client := cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	for _, pattern := range []string{`"job-99999"`, `{ $.jobId = "job-99999" }`} {
		b.Run(pattern, func(b *testing.B) {
			for b.Loop() {
				out, err := client.FilterLogEvents(b.Context(), &cloudwatchlogs.FilterLogEventsInput{
					LogGroupName: awssdk.String("g"), FilterPattern: awssdk.String(pattern),
				})
				if err != nil || len(out.Events) != 1 {
					b.Fatalf("found %v, %v", out, err)
				}
			}
		})
	}
}
