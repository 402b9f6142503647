package template

import (
	"cmp"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// What a worker's queue has when its manifest leaves it open. A visibility timeout of six times
// the function's, and the retention, are what AWS advises for queues that feed functions.
const (
	defaultMaxReceive = 3
	defaultRetention  = 14 * 24 * 3600 // the longest that SQS has
	visibilityFactor  = 6
	defaultBatch      = 1
)

// worker adds everything of a worker.
func (b *builder) worker(w project.Worker) {
	b.surroundings(w)
	b.logGroup(project.LogicalID(w.ID, partLogGroup), b.functionName(w.ManifestWorker), w.ID)
	// The log group first: Lambda makes one that keeps its lines for ever when a function
	// runs without.
	b.add(project.LogicalID(w.ID, partFunction), resource("AWS::Lambda::Function", b.function(w), project.LogicalID(w.ID, partLogGroup)))
	b.add(project.LogicalID(w.ID, partMapping), resource("AWS::Lambda::EventSourceMapping", b.mapping(w)))
}

// surroundings adds what a worker has beside its function and what comes with that.
func (b *builder) surroundings(w project.Worker) {
	b.queues(w)
	b.workerRole(w)
	b.schedules(w)
	b.alarms(w)
}

// queues adds a worker's queue and its dead-letter queue, and the outputs that name them.
// Those of an adopted worker are another tool's, and only named.
func (b *builder) queues(w project.Worker) {
	q := b.queueOf(w.ID)
	b.output(project.LogicalID(w.ID, project.OutputQueueURL), "The queue of worker "+w.ID, q.url)
	if q.dlq != "" {
		b.output(project.LogicalID(w.ID, project.OutputDLQURL), "The dead-letter queue of worker "+w.ID, q.dlqURL)
	}
	if q.adopted {
		return
	}
	s, queueID, dlqID := w.SQS, project.LogicalID(w.ID, partQueue), project.LogicalID(w.ID, partDLQ)
	main := object{
		"QueueName":              q.name,
		"VisibilityTimeout":      cmp.Or(s.VisibilityTimeoutSeconds, visibilityFactor*w.TimeoutSeconds),
		"MessageRetentionPeriod": cmp.Or(s.RetentionSeconds, defaultRetention),
		"SqsManagedSseEnabled":   true,
		"RedrivePolicy": object{
			"deadLetterTargetArn": attribute(dlqID, "Arn"),
			"maxReceiveCount":     cmp.Or(s.MaxReceiveCount, defaultMaxReceive),
		},
		"Tags": b.tags(w.ID),
	}
	dead := object{
		"QueueName":              q.dlq,
		"MessageRetentionPeriod": cmp.Or(s.DLQRetentionSeconds, s.RetentionSeconds, defaultRetention),
		"SqsManagedSseEnabled":   true,
		// By name: the queue refers to its dead-letter queue, and cannot be referred to by it.
		"RedriveAllowPolicy": object{"redrivePermission": "byQueue", "sourceQueueArns": list{queueARN(q.name)}},
		"Tags":               b.tags(w.ID),
	}
	if s.FIFO {
		for _, properties := range []object{main, dead} {
			properties["FifoQueue"], properties["ContentBasedDeduplication"] = true, true
		}
	}
	b.add(queueID, resource("AWS::SQS::Queue", main))
	b.add(dlqID, resource("AWS::SQS::Queue", dead))
}

// logGroup adds a function's log group; id is empty for a function of no worker.
func (b *builder) logGroup(logicalID, function, id string) {
	b.add(logicalID, resource("AWS::Logs::LogGroup", object{
		"LogGroupName":    project.LogGroup(function),
		"RetentionInDays": b.retention(),
		"Tags":            b.tags(id),
	}))
}

func (b *builder) retention() int {
	return cmp.Or(b.p.LogRetentionDays, project.DefaultLogRetentionDays)
}

// function is a worker's function.
func (b *builder) function(w project.Worker) object {
	properties := object{
		"FunctionName":  b.functionName(w.ManifestWorker),
		"Runtime":       lambdaRuntime,
		"Handler":       "worker." + w.ID,
		"Architectures": list{arch(b.p)},
		"Code":          b.code(w.Program.Artifact),
		"Timeout":       w.TimeoutSeconds,
		"MemorySize":    w.MemoryMB,
		"Role":          attribute(project.LogicalID(w.ID, partRole), "Arn"),
		"Environment":   object{"Variables": b.variables(w)},
		"Tags":          b.tags(w.ID),
	}
	if text := shorten(w.Description, maxDescription); text != "" {
		properties["Description"] = text
	}
	if len(w.Layers) > 0 {
		properties["Layers"] = b.layers(w)
	}
	if w.ReservedConcurrency > 0 {
		properties["ReservedConcurrentExecutions"] = w.ReservedConcurrency
	}
	return properties
}

func (b *builder) layers(w project.Worker) list {
	var out list
	for _, layer := range w.Layers {
		out = append(out, b.substituted(layer))
	}
	return out
}

// code is where a function's program is.
func (b *builder) code(a project.Artifact) object {
	if b.p.Bucket == "" {
		return object{"S3Bucket": ref(BucketParameter), "S3Key": a.Key}
	}
	return object{"S3Bucket": b.p.Bucket, "S3Key": a.Key}
}

// mapping is what feeds a worker from its queue. That of an adopted worker is off until
// the one that feeds its predecessor is.
func (b *builder) mapping(w project.Worker) object {
	properties := object{
		"FunctionName":          ref(project.LogicalID(w.ID, partFunction)),
		"EventSourceArn":        b.sourceARN(w),
		"Enabled":               b.fed(w),
		"FunctionResponseTypes": list{"ReportBatchItemFailures"},
		"BatchSize":             cmp.Or(w.SQS.BatchSize, defaultBatch),
		"Tags":                  b.tags(w.ID),
	}
	if window := batchWindow(w.SQS); window > 0 {
		properties["MaximumBatchingWindowInSeconds"] = window
	}
	if w.SQS.MaximumConcurrency > 0 {
		properties["ScalingConfig"] = object{"MaximumConcurrency": w.SQS.MaximumConcurrency}
	}
	return properties
}

// sourceARN is the ARN of a worker's own queue, as what needs the queue to be there refers to it.
func (b *builder) sourceARN(w project.Worker) any {
	if q := b.queueOf(w.ID); q.adopted {
		return q.arn
	}
	return attribute(project.LogicalID(w.ID, partQueue), "Arn")
}

// fed says whether a worker gets messages.
func (b *builder) fed(w project.Worker) bool {
	a, adopted := b.p.Adopted[w.ID]
	return !adopted || a.Live
}

// batchWindow is how long messages are gathered, in seconds. Lambda wants at least one second
// for more than ten messages, and has no window for FIFO queues.
func batchWindow(s dispatch.SQSSetting) int {
	if s.FIFO {
		return 0
	}
	if s.BatchSize > 10 {
		return max(s.MaximumBatchingWindowSeconds, 1)
	}
	return s.MaximumBatchingWindowSeconds
}

// shorten cuts a text to a number of characters.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
