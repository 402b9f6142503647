package metrics

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// maxQueries is AWS's limit for one call.
const maxQueries = 500

var (
	idPattern = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)
	// The statistics of the user guide's "CloudWatch statistics definitions".
	statPattern = regexp.MustCompile(`^(SampleCount|Sum|Average|Minimum|Maximum|IQM|(p|tm|wm|tc|ts)[0-9]{1,2}(\.[0-9]+)?|p100|(PR|TM|WM|TC|TS)\([0-9.%]*:[0-9.%]*\))$`)
)

// check finds everything that AWS refuses, and names it all in one error as AWS
// does. The words are from what its users report.
func (in *input) check() error {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if in.StartTime == nil {
		say("The parameter StartTime is required.")
	}
	if in.EndTime == nil {
		say("The parameter EndTime is required.")
	}
	if in.StartTime != nil && in.EndTime != nil && !in.StartTime.Before(in.EndTime.Time) {
		say("The parameter StartTime must be less than the parameter EndTime.")
	}
	switch n := len(in.MetricDataQueries); {
	case n == 0:
		say("The parameter MetricDataQueries is required.")
	case n > maxQueries:
		say("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	}
	switch in.ScanBy {
	case "", "TimestampAscending", "TimestampDescending":
	default:
		say("The value %s for parameter ScanBy must be TimestampAscending or TimestampDescending.", in.ScanBy)
	}
	if n := in.MaxDatapoints; n != nil && (*n < 1 || *n > maxDatapoints) {
		say("The value %d for parameter MaxDatapoints must be between 1 and %d.", *n, maxDatapoints)
	}
	seen := make(map[string]bool, len(in.MetricDataQueries))
	twice := false
	for i := range in.MetricDataQueries {
		q := &in.MetricDataQueries[i]
		twice = twice || seen[q.ID]
		seen[q.ID] = true
		q.check(fmt.Sprintf("MetricDataQueries.member.%d", i+1), say)
	}
	if twice {
		say("The values for parameter id in MetricDataQueries are not unique.")
	}
	if len(wrong) > 0 {
		return wire.NewError("ValidationError", strings.Join(wrong, "\n"))
	}
	return nil
}

func (q *query) check(name string, say func(string, ...any)) {
	if !idPattern.MatchString(q.ID) {
		say("The value %s for parameter %s.Id is not matching the expected pattern %s.", q.ID, name, idPattern)
	}
	switch {
	case q.Expression != "" && q.MetricStat != nil:
		say("The parameters %[1]s.Expression and %[1]s.MetricStat must not be specified together.", name)
		return
	case q.Expression != "":
		say("The local endpoint evaluates no %s.Expression: it serves single metrics of AWS/SQS and AWS/Lambda.", name)
		return
	case q.MetricStat == nil:
		say("The parameter %[1]s.MetricStat or %[1]s.Expression is required.", name)
		return
	}
	m, name := q.MetricStat, name+".MetricStat"
	if m.Metric.Namespace == "" {
		say("The parameter %s.Metric.Namespace is required.", name)
	}
	if m.Metric.MetricName == "" {
		say("The parameter %s.Metric.MetricName is required.", name)
	}
	switch p := m.Period; {
	case p == nil:
		say("The parameter %s.Period is required.", name)
	case !validPeriod(*p):
		say("The value %d for parameter %s.Period must be 1, 5, 10, 20, 30 or a multiple of 60.", *p, name)
	}
	switch {
	case !statPattern.MatchString(m.Stat):
		say("The value %s for parameter %s.Stat is not a valid statistic.", m.Stat, name)
	case !computed(m.Stat):
		say("The local endpoint does not compute %s.Stat %s: it has SampleCount, Sum, Average, Minimum, Maximum and percentiles.", name, m.Stat)
	}
}

func validPeriod(seconds int) bool {
	switch seconds {
	case 1, 5, 10, 20, 30:
		return true
	}
	return seconds > 0 && seconds%60 == 0 && seconds <= 86400*365
}
