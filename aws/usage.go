package aws

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
)

// The prices of reading, in dollars. The first million requests to SQS each month
// are free, but an account's workers may use them up, so estimates leave that out.
// Lambda's and STS's reads cost nothing. Sources: SQS pricing (standard queues,
// us-east-1), CloudWatch pricing (GetMetricData).
const (
	PricePerSQSCall = 0.40 / 1e6
	PricePerMetric  = 0.01 / 1000
)

// Usage is what a stage has used since it was opened.
type Usage struct {
	// Calls are all requests to AWS, retries included; SQS are those to SQS.
	Calls, SQS uint64
	// Metrics are those that CloudWatch was asked for.
	Metrics uint64
}

// Dollars is what it cost, about, without free tiers.
func (u Usage) Dollars() float64 {
	return float64(u.SQS)*PricePerSQSCall + float64(u.Metrics)*PricePerMetric
}

// Usage is what this stage has used so far.
func (s *Stage) Usage() Usage {
	u := Usage{Calls: s.Calls(), Metrics: s.metricsAsked.Load()}
	if s.api.sqsCalls != nil {
		u.SQS = s.api.sqsCalls()
	}
	return u
}

// isSQS is whether a request is for SQS, which speaks AWS JSON.
func isSQS(target string) bool { return strings.HasPrefix(target, "AmazonSQS.") }

// meteredMetrics counts the metrics that are asked for, and paces the calls.
type meteredMetrics struct {
	MetricsReader
	asked *atomic.Uint64
}

// GetMetricData implements MetricsReader.
func (m meteredMetrics) GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, opts ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	m.asked.Add(uint64(len(in.MetricDataQueries)))
	return m.MetricsReader.GetMetricData(paced(ctx), in, opts...)
}

// Now is the stage's clock.
func (s *Stage) Now() time.Time { return s.opts.Now() }
