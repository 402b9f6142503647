package logs_test

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

// endless is a log group in which a thousand events a second were written, page after page.
type endless struct {
	aws.LogsReader
	n     int
	begin time.Time
}

func (e *endless) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	const page = 10_000
	var from int
	if in.NextToken != nil {
		if _, err := fmt.Sscan(*in.NextToken, &from); err != nil {
			return nil, err
		}
	}
	out := &cloudwatchlogs.FilterLogEventsOutput{Events: make([]types.FilteredLogEvent, min(page, e.n-from))}
	for i := range out.Events {
		out.Events[i] = types.FilteredLogEvent{
			EventId: awssdk.String(fmt.Sprintf("%056d", from+i)), LogStreamName: awssdk.String("s"),
			Message: awssdk.String("a line of a busy worker, as long as lines are on an ordinary day"), Timestamp: new(e.begin.UnixMilli() + int64(from+i)),
		}
	}
	if from+page < e.n {
		out.NextToken = awssdk.String(fmt.Sprint(from + page))
	}
	return out, nil
}

// BenchmarkFollowMillion tails a million events; live-MB is what the tail holds after the first and
// the last tenth of them: ids are remembered for as long as their events can come again.
func BenchmarkFollowMillion(b *testing.B) {
	const n = 1_000_000
	live := func() float64 {
		var m goruntime.MemStats
		goruntime.GC()
		goruntime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / (1 << 20)
	}
	stop := errors.New("all there")
	var first, last float64
	b.ReportAllocs()
	for b.Loop() {
		api := &endless{n: n, begin: time.Now().Add(-n * time.Millisecond)}
		before, seen := live(), 0
		first = 0
		err := logs.NewReader(api, logs.WithCallRate(1e6, 1e6)).Follow(b.Context(), logs.Query{Sources: source("g")}, nil, func(lines []logs.Line) error {
			seen += len(lines)
			if first == 0 && seen >= n/10 {
				first = live() - before
			}
			if seen >= n {
				last = live() - before
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) {
			b.Fatalf("%d lines, %v", seen, err)
		}
	}
	b.ReportMetric(first, "MB-after-100k")
	b.ReportMetric(last, "MB-after-1M")
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
