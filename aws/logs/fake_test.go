package logs_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cloud is CloudWatch Logs as far as these tests need it: events become visible
// some time after they were written, pages are short or empty, calls fail.
type cloud struct {
	aws.LogsReader

	mu     sync.Mutex
	groups map[string][]event
	n      int
	calls  int
	// pageSize is how many events a page looks at; those that match are on it.
	pageSize int
	// fail, when not nil, may refuse a call.
	fail func(call int, in *cloudwatchlogs.FilterLogEventsInput) error
}

type event struct {
	id, stream, text string
	at, visible      time.Time
}

func newCloud() *cloud { return &cloud{groups: map[string][]event{}, pageSize: 100} }

// locked runs f while no call is answered.
func (c *cloud) locked(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *cloud) called() (n int) {
	c.locked(func() { n = c.calls })
	return n
}

// put writes an event that can be seen after a delay, and returns its id.
func (c *cloud) put(group, stream string, at time.Time, delay time.Duration, text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	id := fmt.Sprintf("%s-%06d", group, c.n)
	e := event{id: id, stream: stream, text: text, at: at.Truncate(time.Millisecond), visible: time.Now().Add(delay)}
	all := c.groups[group]
	i := sort.Search(len(all), func(i int) bool { return cmp.Or(all[i].at.Compare(e.at), all[i].visible.Compare(e.visible)) > 0 })
	c.groups[group] = slices.Insert(all, i, e)
	return id
}

func (c *cloud) FilterLogEvents(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.fail != nil {
		if err := c.fail(c.calls, in); err != nil {
			return nil, err
		}
	}
	all, ok := c.groups[*in.LogGroupName]
	if !ok {
		return nil, &types.ResourceNotFoundException{Message: awssdk.String("The specified log group does not exist.")}
	}
	now := time.Now()
	from := 0
	if in.StartTime != nil {
		from = sort.Search(len(all), func(i int) bool { return all[i].at.UnixMilli() >= *in.StartTime })
	}
	// A token names the last event that was looked at, so that nothing that
	// appears meanwhile shifts the pages.
	if in.NextToken != nil {
		from = slices.IndexFunc(all, func(e event) bool { return e.id == *in.NextToken }) + 1
	}
	var hits []event
	for _, e := range all[from:] {
		if in.EndTime != nil && e.at.UnixMilli() > *in.EndTime || len(hits) > c.pageSize {
			break
		}
		if !e.visible.After(now) && (len(in.LogStreamNames) == 0 || slices.Contains(in.LogStreamNames, e.stream)) {
			hits = append(hits, e)
		}
	}
	to := min(c.pageSize, len(hits))
	out := &cloudwatchlogs.FilterLogEventsOutput{}
	for _, e := range hits[:to] {
		if p := awssdk.ToString(in.FilterPattern); p != "" && !strings.Contains(e.text, strings.Trim(p, `"`)) {
			continue
		}
		out.Events = append(out.Events, types.FilteredLogEvent{
			EventId: awssdk.String(e.id), LogStreamName: awssdk.String(e.stream),
			Message: awssdk.String(e.text), Timestamp: awssdk.Int64(e.at.UnixMilli()),
		})
	}
	if to < len(hits) {
		out.NextToken = awssdk.String(hits[to-1].id)
	}
	return out, nil
}

func throttled() error {
	return &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"}
}

// texts are the lines' texts, in order.
func texts(lines []logs.Line) []string {
	out := make([]string, len(lines))
	for i := range lines {
		out[i] = lines[i].Text
	}
	return out
}

// readAll collects what Read returns and checks that it is in order of time.
func readAll(t *testing.T, c *cloud, q logs.Query) []logs.Line {
	t.Helper()
	var out []logs.Line
	err := fastReader(c).Read(t.Context(), q, func(lines []logs.Line) error {
		out = append(out, lines...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(out, func(a, b logs.Line) int { return a.Time.Compare(b.Time) }) {
		t.Errorf("lines are not in order of time: %q", texts(out))
	}
	return out
}

func fastReader(c *cloud) *logs.Reader { return logs.NewReader(c, logs.WithCallRate(1e6, 1e6)) }

func source(groups ...string) []logs.Source {
	out := make([]logs.Source, len(groups))
	for i, g := range groups {
		out[i] = logs.Source{WorkerID: g, Group: g}
	}
	return out
}

// invocation writes the lines of one Lambda invocation, a second apart.
type invocation struct {
	c             *cloud
	group, stream string
	req           string
	at            time.Time
	delay         func() time.Duration
}

func (v *invocation) say(text string) string {
	var d time.Duration
	if v.delay != nil {
		d = v.delay()
	}
	id := v.c.put(v.group, v.stream, v.at, d, text)
	v.at = v.at.Add(time.Millisecond)
	return id
}

func (v *invocation) start() string {
	return v.say("START RequestId: " + v.req + " Version: $LATEST\n")
}

func (v *invocation) marker(job string) string {
	return v.say(`[AIWORKER_RUN] {"jobId":"` + job + `","workerId":"w","awsRequestId":"` + v.req + `"}`)
}

func (v *invocation) event(name, job string, attempt int, more string) string {
	return v.say(`{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"` + name + `","event":"` + name + `","jobId":"` + job +
		`","workerId":"w","requestId":"` + v.req + `","attempt":` + strconv.Itoa(attempt) + more + `}`)
}

func (v *invocation) end() [2]string {
	return [2]string{
		v.say("END RequestId: " + v.req + "\n"),
		v.say("REPORT RequestId: " + v.req + "\tDuration: 12.00 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\n"),
	}
}

func invalidToken() error {
	return &types.InvalidParameterException{Message: awssdk.String("The specified nextToken is invalid.")}
}
