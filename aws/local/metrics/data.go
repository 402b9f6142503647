package metrics

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// input is GetMetricData's, without the time zone of labels.
type input struct {
	MetricDataQueries  []query
	StartTime, EndTime *wire.Time
	NextToken          string
	ScanBy             string
	MaxDatapoints      *int
}

type query struct {
	ID         string `json:"Id"`
	MetricStat *metricStat
	Expression string
	Label      string
	ReturnData *bool
}

type metricStat struct {
	Metric metric
	Period *int
	Stat   string
	Unit   string
}

type metric struct {
	Namespace, MetricName string
	Dimensions            []dimension
}

type dimension struct{ Name, Value string }

type output struct {
	MetricDataResults []result
	NextToken         string   `json:",omitempty"`
	Messages          []string // none: AWS has the list all the same
}

type result struct {
	ID         string `json:"Id"`
	Label      string
	Timestamps []wire.Time
	Values     []float64
	StatusCode string
}

// maxDatapoints is the most that an answer holds; the rest is on further pages.
const maxDatapoints = 100_800

// page is where an answer goes on: with a query, from a datapoint on.
type page struct {
	query int
	point int64 // Unix time; meaningless when first is true
	first bool
}

func (p page) String() string {
	if p.first {
		return strconv.Itoa(p.query)
	}
	return fmt.Sprintf("%d.%d", p.query, p.point)
}

func parsePage(token string, queries int) (page, bool) {
	query, point, found := strings.Cut(token, ".")
	n, err := strconv.Atoi(query)
	p := page{query: n, first: !found}
	if found && err == nil {
		p.point, err = strconv.ParseInt(point, 10, 64)
	}
	return p, err == nil && n >= 0 && n < queries
}

func (s *service) getMetricData(_ context.Context, in *input) (*output, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	at := page{first: true}
	if in.NextToken != "" {
		var ok bool
		if at, ok = parsePage(in.NextToken, len(in.MetricDataQueries)); !ok {
			return nil, wire.NewError("InvalidNextToken", "The next token specified is invalid.")
		}
	}
	room := maxDatapoints
	if in.MaxDatapoints != nil {
		room = *in.MaxDatapoints
	}
	out := &output{MetricDataResults: []result{}, Messages: []string{}}
	for i := at.query; i < len(in.MetricDataQueries); i++ {
		q := in.MetricDataQueries[i]
		if q.ReturnData != nil && !*q.ReturnData {
			continue
		}
		if room == 0 {
			out.NextToken = page{query: i, first: true}.String()
			break
		}
		points := s.points(q.MetricStat, in)
		if i == at.query && !at.first {
			from := slices.IndexFunc(points, func(p point) bool { return p.at == at.point })
			points = points[max(0, from):]
		}
		r := result{ID: q.ID, Label: q.Label, Timestamps: []wire.Time{}, Values: []float64{}, StatusCode: "Complete"}
		if r.Label == "" {
			r.Label = q.MetricStat.Metric.MetricName
		}
		if len(points) > room {
			r.StatusCode = "PartialData"
			out.NextToken = page{query: i, point: points[room].at}.String()
			points = points[:room]
		}
		for _, p := range points {
			r.Timestamps, r.Values = append(r.Timestamps, wire.Time{Time: time.Unix(p.at, 0).UTC()}), append(r.Values, p.value)
		}
		room -= len(points)
		out.MetricDataResults = append(out.MetricDataResults, r)
		if out.NextToken != "" {
			break
		}
	}
	return out, nil
}

// point is a datapoint; at is when its period began.
type point struct {
	at    int64
	value float64
}

// points are the datapoints of a metric in the order that is wanted: the newest
// first, unless the question says otherwise.
func (s *service) points(m *metricStat, in *input) []point {
	// There is a datapoint a minute, so shorter periods are empty but for their first.
	period := max(int64(*m.Period), 60)
	from, to := in.StartTime.Truncate(time.Minute).Unix(), in.EndTime.Unix()
	if in.EndTime.Nanosecond() > 0 {
		to++ // it ends after this second has begun
	}
	var out []point
	var sum samples
	minutes := s.recorder.series(m)
	for i, one := range minutes {
		begin := one.at * 60 / period * period
		sum.add(one.samples)
		if i+1 < len(minutes) && minutes[i+1].at*60/period*period == begin {
			continue
		}
		if begin >= from && begin < to {
			out = append(out, point{begin, sum.statistic(m.Stat)})
		}
		sum = samples{}
	}
	if in.ScanBy != "TimestampAscending" {
		slices.Reverse(out)
	}
	return out
}
