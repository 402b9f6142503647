package resources

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/aws/local/stacks"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// queueDefaults are the attributes that a queue gets again when a template does not name
// them any more.
var queueDefaults = map[string]string{
	"DelaySeconds": "0", "MaximumMessageSize": strconv.Itoa(queues.MaxMessageSize), "MessageRetentionPeriod": "345600",
	"ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30", "RedrivePolicy": "", "RedriveAllowPolicy": "",
}

func (r *Resources) queue() stacks.Kind {
	return stacks.Kind{
		Create: r.createQueue, Update: r.updateQueue, Delete: r.deleteQueue,
		Replaced: []string{"QueueName", "FifoQueue"}, Name: "QueueName", Tagged: true,
	}
}

func queueAttributes(s stacks.Resource) map[string]string {
	attributes := map[string]string{}
	for _, name := range []string{
		"DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "VisibilityTimeout", "FifoQueue",
		"ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled",
	} {
		if v, ok := s.Properties[name]; ok {
			attributes[name] = text(v)
		}
	}
	for _, name := range []string{"RedrivePolicy", "RedriveAllowPolicy"} {
		if v, ok := s.Properties[name]; ok {
			attributes[name] = document(v)
		}
	}
	if attributes["FifoQueue"] == "false" { // what a standard queue has no attribute for
		delete(attributes, "FifoQueue")
	}
	return attributes
}

func (r *Resources) createQueue(_ context.Context, s stacks.Resource) (stacks.Made, error) {
	name := text(s.Properties["QueueName"])
	if name == "" {
		name = madeName(s, 75)
		if isTrue(s.Properties["FifoQueue"]) {
			name += ".fifo"
		}
	}
	url, arn, err := r.cfg.Queues.MakeQueue(name, queueAttributes(s), tagsOf(s))
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Code == "QueueNameExists" {
		return stacks.Made{}, exists("AWS::SQS::Queue", name)
	}
	if err != nil {
		return stacks.Made{}, err
	}
	return stacks.Made{ID: url, Attributes: map[string]any{"Arn": arn, "QueueName": name, "QueueUrl": url}}, nil
}

// exists is what CloudFormation says of a resource that somebody else has made.
func exists(kind, name string) error {
	return wire.Errorf("AlreadyExists", "Resource of type '%s' with identifier '%s' already exists.", kind, name)
}

func queueName(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

func (r *Resources) updateQueue(_ context.Context, old, s stacks.Resource) (stacks.Made, error) {
	attributes := queueAttributes(s)
	delete(attributes, "FifoQueue")
	for name, value := range queueDefaults {
		_, had := old.Properties[name]
		if _, has := attributes[name]; had && !has {
			attributes[name] = value
		}
	}
	return stacks.Made{}, r.cfg.Queues.ChangeQueue(queueName(s.PhysicalID), attributes, tagsOf(s))
}

func (r *Resources) deleteQueue(_ context.Context, s stacks.Resource) error {
	return unlessGone(r.cfg.Queues.RemoveQueue(queueName(s.PhysicalID)))
}

// unlessGone is err, but for that of what is gone already.
func unlessGone(err error) error {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		switch e.Code {
		case "QueueDoesNotExist", "ResourceNotFoundException":
			return nil
		}
	}
	return err
}

func (r *Resources) logGroup() stacks.Kind {
	const most = 512
	return stacks.Kind{
		Create: func(ctx context.Context, s stacks.Resource) (stacks.Made, error) {
			name := nameOf(s, "LogGroupName", most)
			days, err := number(s.Properties, "RetentionInDays", 0)
			if err != nil {
				return stacks.Made{}, err
			}
			err = r.cfg.Logs.MakeGroup(ctx, name, days, tagsOf(s))
			if e, ok := errors.AsType[*wire.Error](err); ok && e.Code == "ResourceAlreadyExistsException" {
				return stacks.Made{}, exists("AWS::Logs::LogGroup", `{"/properties/LogGroupName":"`+name+`"}`)
			}
			arn := "arn:aws:logs:" + r.cfg.Region + ":" + r.cfg.Account + ":log-group:" + name + ":*"
			return stacks.Made{ID: name, Attributes: map[string]any{"Arn": arn}}, err
		},
		Update: func(_ context.Context, _, s stacks.Resource) (stacks.Made, error) {
			days, err := number(s.Properties, "RetentionInDays", 0)
			if err != nil {
				return stacks.Made{}, err
			}
			return stacks.Made{}, r.cfg.Logs.ChangeGroup(s.PhysicalID, days, tagsOf(s))
		},
		Delete: func(ctx context.Context, s stacks.Resource) error {
			return unlessGone(r.cfg.Logs.RemoveGroup(ctx, s.PhysicalID))
		},
		Replaced: []string{"LogGroupName"}, Name: "LogGroupName", Tagged: true,
	}
}
