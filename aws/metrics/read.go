package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/microfox-ai/aiwctl/aws"
)

const (
	// mostQueries and mostDatapoints are AWS's limits for one call.
	mostQueries    = 500
	mostDatapoints = 100_800
	// width bounds the calls that are under way at once: CloudWatch limits calls and
	// datapoints a second for a whole account, and dashboards want theirs, too.
	width = 4
	// DefaultWindow is how far back health looks.
	DefaultWindow = 15 * time.Minute
)

// Reader reads metrics. It is safe for concurrent use.
type Reader struct {
	client  aws.MetricsReader
	target  func() aws.Target
	account func() string
	now     func() time.Time
}

// For is a Reader of a stage's metrics.
func For(s *aws.Stage) *Reader {
	return &Reader{client: s.Metrics(), target: s.Target, account: s.KnownAccount, now: s.Now}
}

// Question says what is to be read. The zero value asks for what health needs.
type Question struct {
	Set Set
	// Since is from when on; zero means DefaultWindow ago.
	Since time.Time
	// Period is the time of one datapoint; zero means PeriodFor.
	Period time.Duration
}

// Cost is how many metrics a question about workers asks for: AWS charges
// aws.PricePerMetric for each.
func (q Question) Cost(workers []aws.Worker) int {
	r := &Reader{target: func() aws.Target { return aws.Target{} }, account: func() string { return "" }}
	n := 0
	for _, list := range r.asks(workers, q.Set) {
		n += len(list)
	}
	return n
}

// Read asks CloudWatch about workers. The answer has every worker that was asked
// about, by id; what could not be read has the state Failed or Partial, and the
// error says why. A queue or function of several workers is asked about once. One of
// another account is left out, where the accounts are known: CloudWatch knows
// queues by name, and would tell of its namesake here.
func (r *Reader) Read(ctx context.Context, workers []aws.Worker, q Question) (map[string]*Worker, error) {
	now := r.now()
	if q.Since.IsZero() {
		q.Since = now.Add(-DefaultWindow)
	}
	q.Period = cmp.Or(q.Period, PeriodFor(now, q.Since))
	q.Since = q.Since.Truncate(q.Period)

	out := make(map[string]*Worker, len(workers))
	for i := range workers {
		out[workers[i].ID] = &Worker{At: now, Since: q.Since, Period: q.Period}
	}
	calls := r.calls(workers, q, now)
	errs := make([]error, len(calls))
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(width, len(calls)) {
		wg.Go(func() {
			for i := range next {
				if err := ctx.Err(); err != nil {
					errs[i] = calls[i].failed(err)
					continue
				}
				errs[i] = r.ask(ctx, &calls[i], q, now)
			}
		})
	}
	for i := range calls {
		next <- i
	}
	close(next)
	wg.Wait()
	for _, c := range calls {
		for _, one := range c.asks {
			for _, id := range one.workers {
				*one.metric.slot(out[id]) = one.answer
			}
		}
	}
	return out, errors.Join(errs...)
}

// ask is one metric of one queue or function, and who wants it.
type ask struct {
	metric    metric
	name      string
	namespace string
	dimension string
	workers   []string
	answer    Series
}

// call is what one call asks for.
type call struct {
	region string
	asks   []*ask
}

// asks are the metrics of workers, each once, by region.
func (r *Reader) asks(workers []aws.Worker, set Set) map[string][]*ask {
	target, account := r.target(), r.account()
	type key struct {
		part                                  part
		region, namespace, name, metric, stat string
	}
	seen := make(map[key]*ask)
	byRegion := make(map[string][]*ask)
	list := catalogue()
	for i := range workers {
		w := &workers[i]
		for _, m := range list {
			if !m.in(set) {
				continue
			}
			namespace, dimension, name, arn := subject(w, m.part)
			if name == "" {
				continue
			}
			region := target.Region
			if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
				if account != "" && parts[4] != "" && parts[4] != account {
					continue
				}
				region = cmp.Or(parts[3], region)
			}
			// A queue may be one worker's and another's dead-letter queue: two slots.
			k := key{m.part, region, namespace, name, m.name, m.stat}
			one := seen[k]
			if one == nil {
				one = &ask{metric: m, name: name, namespace: namespace, dimension: dimension}
				seen[k] = one
				byRegion[region] = append(byRegion[region], one)
			}
			one.workers = append(one.workers, w.ID)
		}
	}
	return byRegion
}

// subject is what a part of a worker is called in CloudWatch; an empty name when
// there is none.
func subject(w *aws.Worker, p part) (namespace, dimension, name, arn string) {
	q := w.Queue
	switch p {
	case ofFunction:
		if w.Function == nil {
			return "", "", "", ""
		}
		return "AWS/Lambda", "FunctionName", w.Function.Name, w.Function.ARN
	case ofDLQ:
		q = w.DLQ
	case ofQueue:
	}
	if q == nil {
		return "", "", "", ""
	}
	return "AWS/SQS", "QueueName", q.Name, q.ARN
}

// calls divides what is asked by region and by what a call takes.
func (r *Reader) calls(workers []aws.Worker, q Question, now time.Time) []call {
	points := int(now.Sub(q.Since)/q.Period) + 2
	size := max(1, min(mostQueries, mostDatapoints/points))
	byRegion := r.asks(workers, q.Set)
	var out []call
	for _, region := range sorted(byRegion) {
		for part := range slices.Chunk(byRegion[region], size) {
			out = append(out, call{region: region, asks: part})
		}
	}
	return out
}

func sorted(m map[string][]*ask) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// ask asks one call's question, and reads every page of the answer.
func (r *Reader) ask(ctx context.Context, c *call, q Question, now time.Time) error {
	in := &cloudwatch.GetMetricDataInput{
		StartTime: awssdk.Time(q.Since),
		// The end is exclusive, and clocks differ.
		EndTime: awssdk.Time(now.Add(time.Minute)), ScanBy: types.ScanByTimestampAscending,
	}
	byID := make(map[string]*ask, len(c.asks))
	for i, one := range c.asks {
		id := "m" + strconv.Itoa(i)
		byID[id] = one
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
			Id: awssdk.String(id),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{
					Namespace: awssdk.String(one.namespace), MetricName: awssdk.String(one.metric.name),
					Dimensions: []types.Dimension{{Name: awssdk.String(one.dimension), Value: awssdk.String(one.name)}},
				},
				Period: awssdk.Int32(int32(q.Period / time.Second)), //nolint:gosec // a day at most
				Stat:   awssdk.String(one.metric.stat),
			},
		})
	}
	region := func(o *cloudwatch.Options) {
		if c.region != "" && r.target().EndpointURL == "" {
			o.Region = c.region
		}
	}
	pages := cloudwatch.NewGetMetricDataPaginator(r.client, in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx, region)
		if err != nil {
			return c.failed(err)
		}
		for i := range out.MetricDataResults {
			if one := byID[awssdk.ToString(out.MetricDataResults[i].Id)]; one != nil {
				one.answer.take(&out.MetricDataResults[i])
			}
		}
	}
	broken := 0
	for _, one := range c.asks {
		one.answer.finish()
		if one.answer.State != Complete {
			broken++
		}
	}
	if broken > 0 {
		return fmt.Errorf("read metrics in %s: CloudWatch answered %d of %d metrics in part only: ask again", c.region, broken, len(c.asks))
	}
	return nil
}

// failed marks what is not answered.
func (c *call) failed(err error) error {
	for _, one := range c.asks {
		one.answer.finish()
		one.answer.State = Failed
		if len(one.answer.Points) > 0 {
			one.answer.State = Partial
		}
	}
	return fmt.Errorf("read %d metrics in %s: %w", len(c.asks), c.region, err)
}

// take adds a page's part. PartialData means that more pages have the rest, and the
// last of them says Complete; when none does, the rest has not come.
func (s *Series) take(r *types.MetricDataResult) {
	for i, at := range r.Timestamps[:min(len(r.Timestamps), len(r.Values))] {
		s.Points = append(s.Points, Point{at, r.Values[i]})
	}
	switch r.StatusCode {
	case types.StatusCodeInternalError, types.StatusCodeForbidden:
		s.State = Failed
	case types.StatusCodePartialData:
		if s.State != Failed {
			s.State = Partial
		}
	default:
		if s.State != Failed {
			s.State = Complete
		}
	}
}

// finish puts the points in order, and calls failed what no page told of.
func (s *Series) finish() {
	s.State = cmp.Or(s.State, Failed)
	slices.SortStableFunc(s.Points, func(a, b Point) int { return a.At.Compare(b.At) })
	s.Points = slices.CompactFunc(s.Points, func(a, b Point) bool { return a.At.Equal(b.At) })
}

// Ages are how long ago the oldest message of each queue came into it, by queue
// URL, in whole seconds: of a dead-letter queue, when it was moved there. They are as
// old as CloudWatch's newest datapoint, a minute to a few. Zero means an empty
// queue. A queue of which CloudWatch knows nothing is not in the map. On an error
// the map has what could be read.
func (r *Reader) Ages(ctx context.Context, queues []*aws.Queue) (map[string]time.Duration, error) {
	// Each queue is a worker's that has nothing else.
	var workers []aws.Worker
	asked := make(map[string]bool, len(queues))
	for _, q := range queues {
		if q != nil && q.URL != "" && !asked[q.URL] {
			asked[q.URL] = true
			workers = append(workers, aws.Worker{ID: q.URL, Queue: q})
		}
	}
	since := r.now().Add(-ageWindow)
	got, err := r.Read(ctx, workers, Question{Set: ForAge, Since: since, Period: time.Minute})
	ages := make(map[string]time.Duration, len(got))
	for url, w := range got {
		if p, ok := w.Queue.Oldest.Last(since.Truncate(time.Minute)); ok {
			ages[url] = time.Duration(p.Value * float64(time.Second)).Truncate(time.Second)
		}
	}
	if err != nil {
		err = fmt.Errorf("read the age of the oldest messages: %w", err)
	}
	return ages, err
}

// ageWindow is how far back an age may lie: datapoints come some minutes late.
const ageWindow = 10 * time.Minute
