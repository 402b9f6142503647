package queues

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// settings are the attributes of a queue that can be set.
type settings struct {
	visibility, delay, retention, wait time.Duration
	maxSize                            int

	redrive *redrivePolicy
	allow   *allowPolicy

	policy    string // not enforced: there are no identities here
	kmsKey    string // nothing is encrypted
	kmsReuse  int    // seconds
	sqsSSE    bool
	fifo      bool
	contentID bool // ContentBasedDeduplication

	groupScope bool // DeduplicationScope is messageGroup
	perGroup   bool // FifoThroughputLimit is perMessageGroupId
}

func defaults(fifo bool) settings {
	return settings{
		visibility: 30 * time.Second,
		retention:  4 * 24 * time.Hour,
		maxSize:    MaxMessageSize,
		kmsReuse:   300,
		sqsSSE:     true,
		fifo:       fifo,
	}
}

// settable are the attributes that CreateQueue and SetQueueAttributes take, in
// the order in which they are applied.
var settable = [...]string{
	"FifoQueue", "VisibilityTimeout", "DelaySeconds", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds",
	"MaximumMessageSize", "Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId",
	"KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled", "ContentBasedDeduplication", "DeduplicationScope",
	"FifoThroughputLimit",
}

// computed are the attributes that are read only.
var computed = [...]string{
	"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
	"CreatedTimestamp", "LastModifiedTimestamp", "QueueArn",
}

func badName(name string) error {
	return wire.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
}

func badValue(name string) *wire.Error {
	return wire.Errorf("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
}

func seconds(name, value string, from, to int) (time.Duration, error) {
	n, err := number(name, value, from, to)
	return time.Duration(n) * time.Second, err
}

func number(name, value string, from, to int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < from || n > to {
		return 0, badValue(name)
	}
	return n, nil
}

func choice(name, value, no, yes string) (bool, error) {
	if value != no && value != yes {
		return false, badValue(name)
	}
	return value == yes, nil
}

// apply is s with the given attributes set, or the reason why not.
func (b *Broker) apply(s settings, queueName string, attributes map[string]string) (settings, error) {
	known := 0
	for _, name := range settable {
		value, ok := attributes[name]
		if !ok {
			continue
		}
		known++
		if err := b.applyOne(&s, queueName, name, value); err != nil {
			return s, err
		}
	}
	if known < len(attributes) {
		for name := range attributes {
			if !isSettable(name) {
				return s, badName(name)
			}
		}
	}
	if s.sqsSSE && s.kmsKey != "" {
		if _, ok := attributes["SqsManagedSseEnabled"]; ok {
			return s, wire.NewError("InvalidAttributeName", "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
		}
		s.sqsSSE = false
	}
	if s.perGroup && !s.groupScope {
		return s, invalid("The value perMessageGroupId for FifoThroughputLimit is allowed only when the value for DeduplicationScope is messageGroup.")
	}
	return s, nil
}

func isSettable(name string) bool {
	for _, known := range settable {
		if known == name {
			return true
		}
	}
	return false
}

func (b *Broker) applyOne(s *settings, queueName, name, value string) (err error) {
	switch name {
	case "FifoQueue":
		if value == "true" && !s.fifo {
			return badName(name)
		}
		if value != "true" && value != "false" {
			return badValue(name)
		}
		if value != "true" && s.fifo {
			return wire.NewError("InvalidAttributeValue", "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
		}
	case "VisibilityTimeout":
		s.visibility, err = seconds(name, value, 0, 43200)
	case "DelaySeconds":
		s.delay, err = seconds(name, value, 0, 900)
	case "MessageRetentionPeriod":
		s.retention, err = seconds(name, value, 60, 1209600)
	case "ReceiveMessageWaitTimeSeconds":
		s.wait, err = seconds(name, value, 0, 20)
	case "MaximumMessageSize":
		s.maxSize, err = number(name, value, 1024, MaxMessageSize)
	case "Policy":
		if value != "" && !isJSONObject(value) {
			return badValue(name)
		}
		s.policy = value
	case "RedrivePolicy":
		s.redrive, err = b.parseRedrive(queueName, s.fifo, value)
	case "RedriveAllowPolicy":
		s.allow, err = parseAllow(value)
	case "KmsMasterKeyId":
		s.kmsKey = value
	case "KmsDataKeyReusePeriodSeconds":
		s.kmsReuse, err = number(name, value, 60, 86400)
	case "SqsManagedSseEnabled":
		s.sqsSSE, err = choice(name, value, "false", "true")
	default:
		return s.applyFIFO(name, value)
	}
	return err
}

// applyFIFO sets what only FIFO queues have.
func (s *settings) applyFIFO(name, value string) (err error) {
	if !s.fifo {
		return badName(name)
	}
	switch name {
	case "ContentBasedDeduplication":
		s.contentID, err = choice(name, value, "false", "true")
	case "DeduplicationScope":
		s.groupScope, err = choice(name, value, "queue", "messageGroup")
	case "FifoThroughputLimit":
		s.perGroup, err = choice(name, value, "perQueue", "perMessageGroupId")
	}
	return err
}

func isJSONObject(text string) bool {
	var m map[string]json.RawMessage
	return json.Unmarshal([]byte(text), &m) == nil && m != nil
}

func inSeconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// attribute is the value of a settable attribute as the API shows it; false means
// that it is not shown.
func (s *settings) attribute(name string) (string, bool) {
	switch name {
	case "VisibilityTimeout":
		return inSeconds(s.visibility), true
	case "DelaySeconds":
		return inSeconds(s.delay), true
	case "MessageRetentionPeriod":
		return inSeconds(s.retention), true
	case "ReceiveMessageWaitTimeSeconds":
		return inSeconds(s.wait), true
	case "MaximumMessageSize":
		return strconv.Itoa(s.maxSize), true
	case "Policy":
		return s.policy, s.policy != ""
	case "RedrivePolicy":
		return s.redrive.String(), s.redrive != nil
	case "RedriveAllowPolicy":
		return s.allow.String(), s.allow != nil
	case "KmsMasterKeyId":
		return s.kmsKey, s.kmsKey != ""
	case "KmsDataKeyReusePeriodSeconds":
		return strconv.Itoa(s.kmsReuse), s.kmsKey != ""
	case "SqsManagedSseEnabled":
		return strconv.FormatBool(s.sqsSSE), true
	case "FifoQueue":
		return "true", s.fifo
	case "ContentBasedDeduplication":
		return strconv.FormatBool(s.contentID), s.fifo
	case "DeduplicationScope":
		return pick(s.groupScope, "queue", "messageGroup"), s.fifo
	case "FifoThroughputLimit":
		return pick(s.perGroup, "perQueue", "perMessageGroupId"), s.fifo
	}
	return "", false
}

func pick(b bool, no, yes string) string {
	if b {
		return yes
	}
	return no
}
