package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// MetricsReader is the part of CloudWatch that looks.
type MetricsReader interface {
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

const (
	// maxMetrics is how many metrics AWS takes in one call.
	maxMetrics = 500
	// metricPeriod is how often SQS tells CloudWatch, in seconds.
	metricPeriod = 60
	// metricWindow is how far back a datapoint may lie: they come some minutes late.
	metricWindow = 10 * time.Minute
)

// OldestAges asks CloudWatch how long ago the oldest message of each queue came
// into it: of a dead-letter queue, when it was moved there. The ages are by queue
// URL, in whole seconds, and as old as CloudWatch's newest datapoint, a minute to a
// few. Zero means an empty queue. A queue of which CloudWatch knows nothing is not
// in the map: SQS stops its metrics when a queue has not been used for six hours,
// and leaves out messages of a standard queue that were received three times or
// more, so that looking often makes an age vanish.
//
// One call asks for 500 queues of a region, and AWS charges for each queue ($0.01
// for 1,000), so ask every few minutes and not with every refresh. On an error the
// map has what could be read.
//
// Sources: SQS developer guide, "Available CloudWatch metrics for Amazon SQS" and
// "Setting-up dead-letter queue retention"; CloudWatch pricing.
func (s *Stage) OldestAges(ctx context.Context, queues []*Queue) (map[string]time.Duration, error) {
	calls := s.metricCalls(queues)
	ages := make([]map[string]time.Duration, len(calls))
	errs := callEach(ctx, len(calls), func(i int) (err error) {
		ages[i], err = s.readAges(ctx, calls[i])
		return err
	})
	all := make(map[string]time.Duration)
	for i, c := range calls {
		for url, age := range ages[i] {
			all[url] = age
		}
		if errs[i] != nil {
			errs[i] = fmt.Errorf("read the age of the oldest message of %d queues in %s: %w", len(c.queues), c.region, errs[i])
		}
	}
	return all, errors.Join(errs...)
}

// metricCall is what one call asks for.
type metricCall struct {
	region string
	queues []*Queue
}

// metricCalls divides queues, each asked for once, by region and by what a call
// takes. CloudWatch knows queues by name, so that one of another account would be
// taken for its namesake here; it is left out where the accounts are known.
func (s *Stage) metricCalls(queues []*Queue) []metricCall {
	s.mu.Lock()
	account := s.learned.identity.Account
	s.mu.Unlock()
	asked := make(map[string]bool, len(queues))
	byRegion := make(map[string][]*Queue)
	var regions []string
	for _, q := range queues {
		if q == nil || q.URL == "" || asked[q.URL] {
			continue
		}
		asked[q.URL] = true
		region := s.target.Region
		if ref, ok := queueFromARN(q.ARN); ok {
			if account != "" && ref.account != account {
				continue
			}
			region = ref.region
		}
		if _, ok := byRegion[region]; !ok {
			regions = append(regions, region)
		}
		byRegion[region] = append(byRegion[region], q)
	}
	var calls []metricCall
	for _, region := range regions {
		for part := range slices.Chunk(byRegion[region], maxMetrics) {
			calls = append(calls, metricCall{region: region, queues: part})
		}
	}
	return calls
}

// readAges asks one call's question, and reads every page of the answer.
func (s *Stage) readAges(ctx context.Context, c metricCall) (map[string]time.Duration, error) {
	now := s.opts.Now()
	in := &cloudwatch.GetMetricDataInput{
		StartTime: awssdk.Time(now.Add(-metricWindow)),
		// The end is exclusive, and clocks differ.
		EndTime: awssdk.Time(now.Add(metricPeriod * time.Second)),
		ScanBy:  types.ScanByTimestampDescending,
	}
	urls := make(map[string]string, len(c.queues)) // by the query's id
	for i, q := range c.queues {
		id := "q" + strconv.Itoa(i)
		urls[id] = q.URL
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
			Id: awssdk.String(id),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{
					Namespace: awssdk.String("AWS/SQS"), MetricName: awssdk.String("ApproximateAgeOfOldestMessage"),
					Dimensions: []types.Dimension{{Name: awssdk.String("QueueName"), Value: awssdk.String(q.Name)}},
				},
				Period: awssdk.Int32(metricPeriod), Stat: awssdk.String("Maximum"),
			},
		})
	}
	ages := make(map[string]time.Duration)
	newest := make(map[string]time.Time)
	pages := cloudwatch.NewGetMetricDataPaginator(s.api.metrics, in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx, s.metricsIn(c.region))
		if err != nil {
			return ages, err
		}
		for _, r := range out.MetricDataResults {
			url, ok := urls[awssdk.ToString(r.Id)]
			if !ok {
				continue
			}
			for i, at := range r.Timestamps[:min(len(r.Timestamps), len(r.Values))] {
				if at.After(newest[url]) {
					newest[url] = at
					ages[url] = time.Duration(r.Values[i] * float64(time.Second))
				}
			}
		}
	}
	return ages, nil
}

// metricsIn sends one call to a region, as inRegion does for SQS.
func (s *Stage) metricsIn(region string) func(*cloudwatch.Options) {
	return func(o *cloudwatch.Options) {
		if region != "" && s.target.EndpointURL == "" {
			o.Region = region
		}
	}
}
