package aws

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
)

// meteredMetrics counts the metrics that are asked for.
type meteredMetrics struct {
	MetricsReader
	asked *atomic.Uint64
}

// GetMetricData implements MetricsReader. AWS charges for each page's metrics.
func (m meteredMetrics) GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, opts ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	m.asked.Add(uint64(len(in.MetricDataQueries)))
	return m.MetricsReader.GetMetricData(ctx, in, opts...)
}

// Now is the stage's clock.
func (s *Stage) Now() time.Time { return s.opts.Now() }
