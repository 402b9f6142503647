package queues

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// redrivePolicy sends a message to another queue when it has been received
// maxReceiveCount times and would be received once more.
type redrivePolicy struct {
	target          string
	maxReceiveCount int
}

// String is the policy as the API shows it.
func (p *redrivePolicy) String() string {
	if p == nil {
		return ""
	}
	return `{"deadLetterTargetArn":` + strconv.Quote(p.target) + `,"maxReceiveCount":` + strconv.Itoa(p.maxReceiveCount) + `}`
}

// allowPolicy says which queues may use a queue as their dead-letter queue.
type allowPolicy struct {
	Permission string   `json:"redrivePermission"` // allowAll, denyAll, byQueue
	Sources    []string `json:"sourceQueueArns,omitempty"`
}

// String is the policy as the API shows it.
func (p *allowPolicy) String() string {
	if p == nil {
		return ""
	}
	text, err := json.Marshal(p)
	if err != nil {
		return ""
	}
	return string(text)
}

func (p *allowPolicy) allows(source string) bool {
	switch {
	case p == nil || p.Permission == "allowAll":
		return true
	case p.Permission == "byQueue":
		return slices.Contains(p.Sources, source)
	}
	return false
}

// parseRedrive reads a RedrivePolicy for the named queue; an empty one removes it.
func (b *Broker) parseRedrive(queueName string, fifo bool, text string) (*redrivePolicy, error) {
	if text == "" {
		return nil, nil
	}
	notAMap := wire.NewError("InvalidAttributeValue", "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map.")
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &fields) != nil || fields == nil {
		return nil, notAMap
	}
	if len(fields) == 0 {
		return nil, nil
	}
	refuse := func(reason string) (*redrivePolicy, error) { return nil, invalidValue(text, "RedrivePolicy", reason) }
	for _, name := range []string{"maxReceiveCount", "deadLetterTargetArn"} {
		if _, ok := fields[name]; !ok {
			return refuse("Redrive policy does not contain mandatory attribute: " + name + ".")
		}
	}
	if len(fields) > 2 {
		return refuse("Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].")
	}
	p := &redrivePolicy{}
	// The count may be a number or a number in quotes: both are in use.
	count := strings.Trim(string(fields["maxReceiveCount"]), `"`)
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || n > 1000 {
		return refuse("Invalid value for maxReceiveCount: " + count + ", valid values are from 1 to 1000 both inclusive.")
	}
	p.maxReceiveCount = n
	if json.Unmarshal(fields["deadLetterTargetArn"], &p.target) != nil || !isQueueARN(p.target) {
		return refuse("Invalid value for deadLetterTargetArn.")
	}
	target := b.byARN(p.target)
	switch {
	case target == nil:
		return refuse("Dead letter target does not exist.")
	case target.isFIFO() != fifo:
		return refuse("Dead-letter queue must be same type of queue as the source.")
	case !target.allowed(b.arn(queueName)):
		return refuse("The dead-letter queue's redrive allow policy does not permit this source queue.")
	}
	return p, nil
}

func isQueueARN(arn string) bool {
	parts := strings.Split(arn, ":")
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == "sqs" && parts[5] != ""
}

const badAllow = "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as it's in an unsupported format."

// parseAllow reads a RedriveAllowPolicy; an empty one removes it.
func parseAllow(text string) (*allowPolicy, error) {
	if text == "" {
		return nil, nil
	}
	p := &allowPolicy{}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil || !slices.Contains([]string{"allowAll", "denyAll", "byQueue"}, p.Permission) {
		return nil, wire.NewError("InvalidAttributeValue", badAllow)
	}
	refuse := func(reason string) (*allowPolicy, error) {
		return nil, invalidValue(text, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy. "+reason)
	}
	switch {
	case p.Permission != "byQueue" && p.Sources != nil:
		return refuse("To specify one or more source queue ARNs, you must set redrivePermission to byQueue.")
	case p.Permission == "byQueue" && len(p.Sources) == 0:
		return refuse("When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.")
	case len(p.Sources) > 10:
		return refuse("The maximum number of source queue ARNs you can specify is 10.")
	}
	return p, nil
}
