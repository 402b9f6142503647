// Package metrics reads what CloudWatch knows of a stage's queues and functions, for
// charts and for health, in as few calls of GetMetricData as it allows.
//
// AWS charges for metrics and not for calls ($0.01 for 1,000 metrics, CloudWatch
// pricing), so a caller says which it needs (Set), and Cost tells what they cost.
//
// What a missing datapoint means differs. SQS says nothing of a queue that has not
// been used for six hours, and leaves out the age, the messages in flight and the
// delayed ones when there are none: without datapoints a queue's metric is unknown,
// not zero. Lambda says nothing of a minute in which a function did not run: when
// CloudWatch answered wholly, a count without datapoints is zero. Series.Sum and
// Series.Last keep to that. Datapoints come a minute to some minutes late, those of
// an invocation when it has ended, under the time at which it began.
//
// Sources: CloudWatch API reference, GetMetricData; SQS developer guide, "Available
// CloudWatch metrics for Amazon SQS"; Lambda developer guide, "Using CloudWatch
// metrics with Lambda".
package metrics
