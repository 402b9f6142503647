package queues_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// TestErrors has one case for every refusal that one request can meet. The codes
// and texts are AWS's.
func TestErrors(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	dlq := s.queue("dlq")
	url := s.queue("plain", "RedrivePolicy", `{"deadLetterTargetArn":"`+arn("dlq")+`","maxReceiveCount":3}`)
	small := s.queue("small", "MaximumMessageSize", "1024")
	fifo := s.queue("orders.fifo", "FifoQueue", "true")
	s.queue("private", "RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`)
	nowhere := s.base + "/000000000000/nowhere"

	create := func(name string, attributes ...string) func() error {
		return func() error {
			m := map[string]string{}
			for i := 0; i+1 < len(attributes); i += 2 {
				m[attributes[i]] = attributes[i+1]
			}
			_, err := s.sqs.CreateQueue(s.ctx(), &sqs.CreateQueueInput{QueueName: &name, Attributes: m})
			return err
		}
	}
	set := func(url, name, value string) func() error {
		return func() error {
			_, err := s.sqs.SetQueueAttributes(s.ctx(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{name: value}})
			return err
		}
	}
	send := func(in sqs.SendMessageInput) func() error {
		return func() error { _, err := s.sqs.SendMessage(s.ctx(), &in); return err }
	}
	sendBatch := func(url string, entries ...types.SendMessageBatchRequestEntry) func() error {
		return func() error {
			_, err := s.sqs.SendMessageBatch(s.ctx(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
			return err
		}
	}
	entry := func(id, body string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
	}
	receive := func(in sqs.ReceiveMessageInput) func() error {
		return func() error { _, err := s.sqs.ReceiveMessage(s.ctx(), &in); return err }
	}
	attr := func(name, kind, value string) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{name: {DataType: &kind, StringValue: &value}}
	}
	many := make([]types.SendMessageBatchRequestEntry, 11)
	for i := range many {
		many[i] = entry(strings.Repeat("x", i+1), "b")
	}
	const (
		noQueue  = "AWS.SimpleQueueService.NonExistentQueue"
		badValue = "InvalidParameterValue"
		badName  = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
		badID    = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
	)
	redrive := func(arn, count string) string {
		return `{"deadLetterTargetArn":"` + arn + `","maxReceiveCount":` + count + `}`
	}

	tests := map[string]struct {
		call    func() error
		code    string
		message string
	}{
		"create: name with a slash":             {create("a/b"), badValue, badName},
		"create: name too long":                 {create(strings.Repeat("a", 81)), badValue, badName},
		"create: .fifo without FifoQueue":       {create("a.fifo"), badValue, badName},
		"create: FifoQueue without .fifo":       {create("a", "FifoQueue", "true"), badValue, ""},
		"create: unknown attribute":             {create("a", "Colour", "red"), "InvalidAttributeName", "Unknown Attribute Colour."},
		"create: read-only attribute":           {create("a", "QueueArn", "x"), "InvalidAttributeName", "Unknown Attribute QueueArn."},
		"create: value out of range":            {create("a", "VisibilityTimeout", "43201"), "InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout."},
		"create: value not a number":            {create("a", "DelaySeconds", "1.5"), "InvalidAttributeValue", "Invalid value for the parameter DelaySeconds."},
		"create: retention too short":           {create("a", "MessageRetentionPeriod", "59"), "InvalidAttributeValue", ""},
		"create: size too large":                {create("a", "MaximumMessageSize", "1048577"), "InvalidAttributeValue", ""},
		"create: wait too long":                 {create("a", "ReceiveMessageWaitTimeSeconds", "21"), "InvalidAttributeValue", ""},
		"create: FIFO attribute":                {create("a", "ContentBasedDeduplication", "true"), "InvalidAttributeName", ""},
		"create: policy not JSON":               {create("a", "Policy", "{"), "InvalidAttributeValue", ""},
		"create: two encryptions":               {create("a", "KmsMasterKeyId", "k", "SqsManagedSseEnabled", "true"), "InvalidAttributeName", "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."},
		"create: exists with others":            {create("plain", "DelaySeconds", "7"), "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute DelaySeconds"},
		"create: group throughput, queue scope": {create("b.fifo", "FifoQueue", "true", "FifoThroughputLimit", "perMessageGroupId"), badValue, ""},

		"redrive: not JSON":          {create("a", "RedrivePolicy", "x"), "InvalidAttributeValue", "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map."},
		"redrive: no count":          {create("a", "RedrivePolicy", `{"deadLetterTargetArn":"`+arn("dlq")+`"}`), badValue, `Value {"deadLetterTargetArn":"` + arn("dlq") + `"} for parameter RedrivePolicy is invalid. Reason: Redrive policy does not contain mandatory attribute: maxReceiveCount.`},
		"redrive: no target":         {create("a", "RedrivePolicy", `{"maxReceiveCount":1}`), badValue, ""},
		"redrive: count 0":           {create("a", "RedrivePolicy", redrive(arn("dlq"), "0")), badValue, "Value " + redrive(arn("dlq"), "0") + " for parameter RedrivePolicy is invalid. Reason: Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive."},
		"redrive: count 1001":        {create("a", "RedrivePolicy", redrive(arn("dlq"), "1001")), badValue, ""},
		"redrive: bad ARN":           {create("a", "RedrivePolicy", `{"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}`), badValue, `Value {"deadLetterTargetArn": "dummy", "maxReceiveCount": 42} for parameter RedrivePolicy is invalid. Reason: Invalid value for deadLetterTargetArn.`},
		"redrive: no such queue":     {create("a", "RedrivePolicy", redrive(arn("nowhere"), "3")), badValue, "Value " + redrive(arn("nowhere"), "3") + " for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist."},
		"redrive: other kind":        {create("a", "RedrivePolicy", redrive(arn("orders.fifo"), "3")), badValue, ""},
		"redrive: not allowed":       {create("a", "RedrivePolicy", redrive(arn("private"), "3")), badValue, ""},
		"allow: not JSON":            {create("a", "RedriveAllowPolicy", "x"), "InvalidAttributeValue", ""},
		"allow: unknown":             {create("a", "RedriveAllowPolicy", `{"redrivePermission":"some"}`), "InvalidAttributeValue", ""},
		"allow: byQueue, no queue":   {create("a", "RedriveAllowPolicy", `{"redrivePermission":"byQueue"}`), badValue, `Value {"redrivePermission":"byQueue"} for parameter RedriveAllowPolicy is invalid. Reason: Amazon SQS can't create the redrive allow policy. When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.`},
		"allow: queues, not byQueue": {create("a", "RedriveAllowPolicy", `{"redrivePermission":"denyAll","sourceQueueArns":["x"]}`), badValue, ""},

		"set: no such queue":         {set(nowhere, "DelaySeconds", "1"), noQueue, "The specified queue does not exist."},
		"set: FifoQueue on standard": {set(url, "FifoQueue", "true"), "InvalidAttributeName", "Unknown Attribute FifoQueue."},
		"set: FifoQueue away":        {set(fifo, "FifoQueue", "false"), "InvalidAttributeValue", "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."},

		"send: no such queue":         {send(sqs.SendMessageInput{QueueUrl: &nowhere, MessageBody: ptr("x")}), noQueue, ""},
		"send: not a queue URL":       {send(sqs.SendMessageInput{QueueUrl: ptr("plain"), MessageBody: ptr("x")}), "InvalidAddress", ""},
		"send: empty body":            {send(sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("")}), "MissingParameter", "The request must contain the parameter MessageBody."},
		"send: 1 MiB and a byte":      {send(sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr(strings.Repeat("a", 1<<20+1))}), badValue, "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."},
		"send: size with attributes":  {send(sqs.SendMessageInput{QueueUrl: &small, MessageBody: ptr(strings.Repeat("a", 1024-9)), MessageAttributes: attr("abc", "String", "x")}), badValue, "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
		"send: control character":     {send(sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("a\x1bb")}), "InvalidMessageContents", "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"},
		"send: U+FFFF":                {send(sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("a\uffff")}), "InvalidMessageContents", ""},
		"send: delay 901":             {send(sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("x"), DelaySeconds: 901}), badValue, "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."},
		"send: dedup id on standard":  {send(sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("x"), MessageDeduplicationId: ptr("d")}), badValue, "Value d for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type."},
		"send: empty attribute":       {send(sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("x"), MessageAttributes: attr("ErrorDetails", "String", "")}), badValue, "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'."},
		"send: reserved attribute":    {send(sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("x"), MessageAttributes: attr("AWS.x", "String", "v")}), badValue, ""},
		"send: attribute name":        {send(sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("x"), MessageAttributes: attr("a b", "String", "v")}), badValue, ""},
		"send: attribute type":        {send(sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("x"), MessageAttributes: attr("a", "Text", "v")}), badValue, ""},
		"send: attribute number":      {send(sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("x"), MessageAttributes: attr("a", "Number", "1x")}), badValue, ""},
		"send: FIFO without group":    {send(sqs.SendMessageInput{QueueUrl: &fifo, MessageBody: ptr("x"), MessageDeduplicationId: ptr("d")}), "MissingParameter", "The request must contain the parameter MessageGroupId."},
		"send: FIFO without dedup id": {send(sqs.SendMessageInput{QueueUrl: &fifo, MessageBody: ptr("x"), MessageGroupId: ptr("g")}), badValue, "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
		"send: FIFO with a delay":     {send(sqs.SendMessageInput{QueueUrl: &fifo, MessageBody: ptr("x"), MessageGroupId: ptr("g"), MessageDeduplicationId: ptr("d"), DelaySeconds: 2}), badValue, "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type."},
		"send: group with a space":    {send(sqs.SendMessageInput{QueueUrl: &fifo, MessageBody: ptr("x"), MessageGroupId: ptr("g 1"), MessageDeduplicationId: ptr("d")}), badValue, ""},

		"batch: empty":          {sendBatch(url, []types.SendMessageBatchRequestEntry{}...), "AWS.SimpleQueueService.EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request."},
		"batch: eleven":         {sendBatch(url, many...), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11."},
		"batch: the same ids":   {sendBatch(url, entry("a", "x"), entry("a", "y")), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id a repeated."},
		"batch: bad id":         {sendBatch(url, entry("a:b", "x")), "AWS.SimpleQueueService.InvalidBatchEntryId", badID},
		"batch: long id":        {sendBatch(url, entry(strings.Repeat("a", 81), "x")), "AWS.SimpleQueueService.InvalidBatchEntryId", badID},
		"batch: too long":       {sendBatch(url, entry("a", strings.Repeat("a", 1<<20-1)), entry("b", "bc")), "AWS.SimpleQueueService.BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."},
		"batch: FIFO, no group": {sendBatch(fifo, entry("a", "x")), badValue, "The request must contain the parameter MessageGroupId."},

		"receive: no such queue":     {receive(sqs.ReceiveMessageInput{QueueUrl: &nowhere}), noQueue, ""},
		"receive: eleven":            {receive(sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 11}), badValue, "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."},
		"receive: wait 21":           {receive(sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 21}), badValue, "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."},
		"receive: wait -1":           {receive(sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: -1}), badValue, ""},
		"receive: visibility 43201":  {receive(sqs.ReceiveMessageInput{QueueUrl: &url, VisibilityTimeout: 43201}), badValue, "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided."},
		"receive: unknown attribute": {receive(sqs.ReceiveMessageInput{QueueUrl: &url, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"Colour"}}), "InvalidAttributeName", ""},
		"delete: not a handle": {func() error {
			_, err := s.sqs.DeleteMessage(s.ctx(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: ptr("garbage")})
			return err
		}, "ReceiptHandleIsInvalid", `The input receipt handle "garbage" is not a valid receipt handle.`},
		"visibility: not a handle": {func() error {
			_, err := s.sqs.ChangeMessageVisibility(s.ctx(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: ptr("garbage"), VisibilityTimeout: 1})
			return err
		}, "ReceiptHandleIsInvalid", ""},
		"visibility: 43201": {func() error {
			_, err := s.sqs.ChangeMessageVisibility(s.ctx(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: ptr("garbage"), VisibilityTimeout: 43201})
			return err
		}, badValue, ""},
		"delete batch: empty": {func() error {
			_, err := s.sqs.DeleteMessageBatch(s.ctx(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{}})
			return err
		}, "AWS.SimpleQueueService.EmptyBatchRequest", ""},
		"url: no such queue": {func() error {
			_, err := s.sqs.GetQueueUrl(s.ctx(), &sqs.GetQueueUrlInput{QueueName: ptr("nowhere")})
			return err
		}, noQueue, "The specified queue does not exist."},
		"url: other account": {func() error {
			_, err := s.sqs.GetQueueUrl(s.ctx(), &sqs.GetQueueUrlInput{QueueName: ptr("plain"), QueueOwnerAWSAccountId: ptr("111111111111")})
			return err
		}, noQueue, ""},
		"attributes: unknown": {func() error {
			_, err := s.sqs.GetQueueAttributes(s.ctx(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"Colour"}})
			return err
		}, "InvalidAttributeName", "Unknown Attribute Colour."},
		"list: MaxResults 0": {func() error {
			_, err := s.sqs.ListQueues(s.ctx(), &sqs.ListQueuesInput{MaxResults: ptr(int32(0))})
			return err
		}, badValue, ""},
		"list: bad token": {func() error {
			_, err := s.sqs.ListQueues(s.ctx(), &sqs.ListQueuesInput{MaxResults: ptr(int32(1)), NextToken: ptr("!")})
			return err
		}, badValue, "Invalid or expired next token."},
		"tag: none": {func() error {
			_, err := s.sqs.TagQueue(s.ctx(), &sqs.TagQueueInput{QueueUrl: &url, Tags: map[string]string{}})
			return err
		}, "MissingParameter", ""},
		"untag: none": {func() error {
			_, err := s.sqs.UntagQueue(s.ctx(), &sqs.UntagQueueInput{QueueUrl: &url, TagKeys: []string{}})
			return err
		}, badValue, ""},
		"move: no such source": {func() error {
			_, err := s.sqs.StartMessageMoveTask(s.ctx(), &sqs.StartMessageMoveTaskInput{SourceArn: ptr(arn("nowhere"))})
			return err
		}, "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist."},
		"move: not a DLQ": {func() error {
			_, err := s.sqs.StartMessageMoveTask(s.ctx(), &sqs.StartMessageMoveTaskInput{SourceArn: ptr(arn("plain"))})
			return err
		}, badValue, "Source queue must be configured as a Dead Letter Queue."},
		"move: no such destination": {func() error {
			_, err := s.sqs.StartMessageMoveTask(s.ctx(), &sqs.StartMessageMoveTaskInput{SourceArn: ptr(arn("dlq")), DestinationArn: ptr(arn("nowhere"))})
			return err
		}, "ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist."},
		"move: to itself": {func() error {
			_, err := s.sqs.StartMessageMoveTask(s.ctx(), &sqs.StartMessageMoveTaskInput{SourceArn: ptr(arn("dlq")), DestinationArn: ptr(arn("dlq"))})
			return err
		}, badValue, ""},
		"move: rate 501": {func() error {
			_, err := s.sqs.StartMessageMoveTask(s.ctx(), &sqs.StartMessageMoveTaskInput{SourceArn: ptr(arn("dlq")), MaxNumberOfMessagesPerSecond: ptr(int32(501))})
			return err
		}, badValue, ""},
		"move list: not an ARN": {func() error {
			_, err := s.sqs.ListMessageMoveTasks(s.ctx(), &sqs.ListMessageMoveTasksInput{SourceArn: &dlq})
			return err
		}, badValue, ""},
		"move cancel: bad handle": {func() error {
			_, err := s.sqs.CancelMessageMoveTask(s.ctx(), &sqs.CancelMessageMoveTaskInput{TaskHandle: ptr("foo")})
			return err
		}, badValue, "Value for parameter TaskHandle is invalid."},
		"move cancel: no such task": {func() error {
			// {"taskId":"1","sourceArn":"arn:aws:sqs:us-east-1:000000000000:dlq"}
			_, err := s.sqs.CancelMessageMoveTask(s.ctx(), &sqs.CancelMessageMoveTaskInput{TaskHandle: ptr("eyJ0YXNrSWQiOiIxIiwic291cmNlQXJuIjoiYXJuOmF3czpzcXM6dXMtZWFzdC0xOjAwMDAwMDAwMDAwMDpkbHEifQ==")})
			return err
		}, "ResourceNotFoundException", "Task does not exist."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := *s
			s.T = t
			s.fails(test.call(), test.code, test.message)
		})
	}
}
