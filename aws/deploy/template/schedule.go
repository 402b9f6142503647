package template

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// schedules adds a worker's schedules. EventBridge puts the job into the worker's queue by
// itself: it is there even when no function can be started. The queue of an adopted worker has
// a policy that is another tool's, so there it calls the function, which puts the job there.
func (b *builder) schedules(w project.Worker) {
	own := b.queueOf(w.ID)
	var rules list
	for i, s := range w.Schedules {
		number := i + 1
		state := "ENABLED"
		if s.Disabled {
			state = "DISABLED"
		}
		target := b.queueTarget(w, s)
		if own.adopted {
			target = b.functionTarget(w, s)
		}
		if text, ok := target["InputTransformer"].(object)["InputTemplate"].(string); ok && len(text) > maxInputTemplate {
			b.problem(w.ID, "the input of schedule %d (%s) makes a message of %d characters, and EventBridge allows %d: shorten the input", number, s.Expression, len(text), maxInputTemplate)
		}
		id := fmt.Sprintf("%s%d", project.LogicalID(w.ID, partSchedule), number)
		b.add(id, resource("AWS::Events::Rule", object{
			"Description":        fmt.Sprintf("Schedule %d of worker %s", number, w.ID),
			"ScheduleExpression": s.Expression,
			"State":              state,
			"Targets":            list{target},
			"Tags":               b.tags(w.ID),
		}))
		rules = append(rules, attribute(id, "Arn"))
		if own.adopted {
			b.add(fmt.Sprintf("%s%d", project.LogicalID(w.ID, partPermission), number), resource("AWS::Lambda::Permission", object{
				"FunctionName": ref(project.LogicalID(w.ID, partFunction)), "Action": "lambda:InvokeFunction",
				"Principal": "events.amazonaws.com", "SourceArn": attribute(id, "Arn"),
			}))
		}
	}
	if len(rules) == 0 || own.adopted {
		return
	}
	b.add(project.LogicalID(w.ID, partSender), resource("AWS::SQS::QueuePolicy", object{
		"Queues": list{ref(project.LogicalID(w.ID, partQueue))},
		"PolicyDocument": policy(list{object{
			"Sid": "Schedules", "Effect": "Allow", "Principal": object{"Service": "events.amazonaws.com"},
			"Action": "sqs:SendMessage", "Resource": attribute(project.LogicalID(w.ID, partQueue), "Arn"),
			"Condition": object{"ArnEquals": object{"aws:SourceArn": rules}},
		}}),
	}))
}

// The paths within EventBridge's event, by the names that they have in a template of input.
func eventPaths() object { return object{"id": "$.id", "time": "$.time"} }

// queueTarget is a rule's target that is the worker's queue: the message is that of
// dispatch.ScheduledRun, with the id of EventBridge's event in the job's id, so that a run which
// is delivered twice is one job.
func (b *builder) queueTarget(w project.Worker, s dispatch.ScheduleSetting) object {
	at := `"<time>"`
	text := `{"workerId":` + quoted(w.ID) + `,"jobId":"job-schedule-<id>","input":` + plainInput(s.Input) +
		`,"context":{},"metadata":{"__trigger":{"type":"schedule","at":` + at + `}},"timestamp":` + at + `}`
	target := object{
		"Id": "queue", "Arn": attribute(project.LogicalID(w.ID, partQueue), "Arn"),
		"InputTransformer": object{"InputPathsMap": eventPaths(), "InputTemplate": text},
	}
	if w.SQS.FIFO {
		target["SqsParameters"] = object{"MessageGroupId": w.ID}
	}
	return target
}

// functionTarget is a rule's target that is the worker's function.
func (b *builder) functionTarget(w project.Worker, s dispatch.ScheduleSetting) object {
	text := `{"` + dispatch.ScheduledRunField + `":{"workerId":` + quoted(w.ID) + `,"input":` + plainInput(s.Input) + `,"id":"<id>","at":"<time>"}}`
	return object{
		"Id": "function", "Arn": attribute(project.LogicalID(w.ID, partFunction), "Arn"),
		"InputTransformer": object{"InputPathsMap": eventPaths(), "InputTemplate": text},
	}
}

// plainInput is a schedule's input in which nothing looks like a variable of EventBridge's: the
// angle brackets of those stand escaped in JSON.
func plainInput(input json.RawMessage) string {
	var compact, escaped bytes.Buffer
	if json.Compact(&compact, input) != nil || compact.Len() == 0 {
		return "{}"
	}
	json.HTMLEscape(&escaped, compact.Bytes())
	return escaped.String()
}

func quoted(text string) string {
	out, _ := json.Marshal(text) // of a string there is no error
	return string(out)
}

// alarms adds alarms on a worker's queues: a message in the dead-letter queue, and one that has
// waited for too long.
func (b *builder) alarms(w project.Worker) {
	if b.p.Alarms == nil {
		return
	}
	own := b.queueOf(w.ID)
	if own.dlq != "" {
		b.alarm(w.ID, partDepthAlarm, own.dlq, "not-empty", "Worker "+w.ID+" has given up on jobs: they are in its dead-letter queue",
			"ApproximateNumberOfMessagesVisible", 0)
	}
	b.alarm(w.ID, partAgeAlarm, own.name, "age", "Jobs of worker "+w.ID+" wait for too long",
		"ApproximateAgeOfOldestMessage", cmp.Or(b.p.Alarms.AgeSeconds, defaultAgeSeconds))
}

const (
	defaultAgeSeconds = 15 * 60
	alarmPeriod       = 60 // seconds; SQS reports every minute
)

func (b *builder) alarm(id, part, queue, suffix, description, metric string, above int) {
	properties := object{
		"AlarmName":          queue + "-" + suffix,
		"AlarmDescription":   description,
		"Namespace":          "AWS/SQS",
		"MetricName":         metric,
		"Dimensions":         list{object{"Name": "QueueName", "Value": queue}},
		"Statistic":          "Maximum",
		"Period":             alarmPeriod,
		"EvaluationPeriods":  1,
		"Threshold":          above,
		"ComparisonOperator": "GreaterThanThreshold",
		// SQS reports nothing of a queue that nobody uses.
		"TreatMissingData": "notBreaching",
		"Tags":             b.tags(id),
	}
	if topic := b.p.Alarms.TopicARN; topic != "" {
		properties["AlarmActions"], properties["OKActions"] = list{topic}, list{topic}
	}
	b.add(project.LogicalID(id, part), resource("AWS::CloudWatch::Alarm", properties))
}
