package redrive

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
)

// queueState is what a queue says of itself before a look.
type queueState struct {
	depth    aws.Depth
	fifo     bool
	maxBytes int // the largest message it takes; zero when it does not say
	warnings []string
}

// state reads a queue's depth and what to warn of.
func (e *Engine) state(ctx context.Context, q *aws.Queue) (queueState, error) {
	out, err := e.attributes(ctx, q.URL)
	if err != nil {
		return queueState{}, fmt.Errorf("read the depth of %q: %w", q.Name, err)
	}
	s := queueState{fifo: isFIFO(q.URL), depth: depthOf(out)}
	s.maxBytes, _ = strconv.Atoi(out[string(types.QueueAttributeNameMaximumMessageSize)]) // absent: zero
	if p := out[string(types.QueueAttributeNameRedrivePolicy)]; p != "" {
		s.warnings = append(s.warnings, redriveWarning(q.Name, p))
	}
	if n := s.depth.InFlight; n > 0 {
		s.warnings = append(s.warnings, fmt.Sprintf(
			"%s of %q in flight: something else has received them, so they cannot be seen until their visibility timeout ends", plural(n, "message is", "messages are"), q.Name))
	}
	if n := s.depth.Delayed; n > 0 {
		s.warnings = append(s.warnings, fmt.Sprintf("%s of %q delayed and cannot be seen yet", plural(n, "message is", "messages are"), q.Name))
	}
	return s, nil
}

// attributes reads what matters of a queue, with a few tries.
func (e *Engine) attributes(ctx context.Context, url string) (map[string]string, error) {
	for try := 1; ; try++ {
		cctx, cancel := context.WithTimeout(ctx, callTimeout)
		out, err := e.queue.GetQueueAttributes(cctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &url,
			AttributeNames: []types.QueueAttributeName{
				types.QueueAttributeNameApproximateNumberOfMessages,
				types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
				types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
				types.QueueAttributeNameRedrivePolicy,
				types.QueueAttributeNameMaximumMessageSize,
			},
		}, once)
		cancel()
		if err == nil {
			return out.Attributes, nil
		}
		if try == tries || !transient(err) || sleep(ctx, backoff(try)) != nil {
			return nil, err
		}
	}
}

func depthOf(attributes map[string]string) aws.Depth {
	number := func(name types.QueueAttributeName) int {
		n, _ := strconv.Atoi(attributes[string(name)]) // absent: zero
		return n
	}
	return aws.Depth{
		Visible:  number(types.QueueAttributeNameApproximateNumberOfMessages),
		InFlight: number(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
		Delayed:  number(types.QueueAttributeNameApproximateNumberOfMessagesDelayed),
		At:       time.Now(),
	}
}

// redriveWarning says what a DLQ's own redrive policy does to a look.
func redriveWarning(name, policy string) string {
	var p struct {
		Target string      `json:"deadLetterTargetArn"`
		Max    json.Number `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(policy), &p) != nil || p.Target == "" {
		return fmt.Sprintf("%q has a redrive policy of its own: every look counts as a receive and may move messages on to another queue", name)
	}
	target := p.Target[strings.LastIndexByte(p.Target, ':')+1:]
	return fmt.Sprintf("%q has a redrive policy of its own: every look counts as a receive, and a message received more than %s times moves on to %q",
		name, p.Max, target)
}

// incomplete says that fewer messages were seen than there should be.
func incomplete(seen int, st queueState, name string) string {
	s := fmt.Sprintf("%s of the %d that %q should hold", plural(seen, "message was seen", "messages were seen"), st.depth.Total(), name)
	if st.fifo {
		s += "; a FIFO queue shows no more of a message group while some of it are being looked at"
	}
	return s
}
