package queues

import (
	"context"
	"encoding/base64"
	"maps"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

type queueURL struct {
	QueueUrl string //nolint:revive // the API's spelling
}

type listQueuesInput struct {
	QueueNamePrefix, NextToken string
	MaxResults                 *int
}

type listQueuesOutput struct {
	QueueUrls []string `json:",omitempty"`
	NextToken string   `json:",omitempty"`
}

func (b *Broker) listQueues(_ context.Context, in *listQueuesInput) (*listQueuesOutput, error) {
	var names []string
	for _, q := range b.all() {
		if strings.HasPrefix(q.name, in.QueueNamePrefix) {
			names = append(names, q.name)
		}
	}
	page, token, err := paginate(names, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &listQueuesOutput{QueueUrls: b.urls(page), NextToken: token}, nil
}

func (b *Broker) urls(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = b.url(name)
	}
	return list
}

// paginate is a page of sorted names. Without a limit it has at most 1,000 names
// and no token, as in the API. A token holds the last name of the page before.
func paginate(names []string, token string, limit *int) (page []string, next string, err error) {
	n := 1000
	if limit != nil {
		if n = *limit; n < 1 || n > 1000 {
			return nil, "", invalidValue(n, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
		}
	}
	if token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || limit == nil {
			return nil, "", invalid("Invalid or expired next token.")
		}
		for len(names) > 0 && names[0] <= string(after) {
			names = names[1:]
		}
	}
	page = names[:min(n, len(names))]
	if limit != nil && len(page) < len(names) {
		next = base64.RawURLEncoding.EncodeToString([]byte(page[len(page)-1]))
	}
	return page, next, nil
}

type createQueueInput struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}

func (b *Broker) createQueue(_ context.Context, in *createQueueInput) (*queueURL, error) {
	q, err := b.create(in.QueueName, in.Attributes, in.Tags)
	if err != nil {
		return nil, err
	}
	return &queueURL{QueueUrl: b.url(q.name)}, nil
}

func (b *Broker) deleteQueue(_ context.Context, in *queueURL) error {
	q, err := b.byURL([]byte(in.QueueUrl))
	if err != nil {
		return err
	}
	return b.remove(q)
}

type getQueueURLInput struct{ QueueName, QueueOwnerAWSAccountId string } //nolint:revive // the API's spelling

func (b *Broker) getQueueURL(_ context.Context, in *getQueueURLInput) (*queueURL, error) {
	if in.QueueName == "" {
		return nil, missing("QueueName")
	}
	if owner := in.QueueOwnerAWSAccountId; owner != "" && owner != b.account || b.byName(in.QueueName) == nil {
		return nil, errNoQueue()
	}
	return &queueURL{QueueUrl: b.url(in.QueueName)}, nil
}

type getQueueAttributesInput struct {
	queueURL
	AttributeNames []string
}

type getQueueAttributesOutput struct {
	Attributes map[string]string `json:",omitempty"` // AWS leaves out what is empty
}

func (b *Broker) getQueueAttributes(_ context.Context, in *getQueueAttributesInput) (*getQueueAttributesOutput, error) {
	q, err := b.byURL([]byte(in.QueueUrl))
	if err != nil {
		return nil, err
	}
	attributes, err := q.attributes(in.AttributeNames)
	if err != nil {
		return nil, err
	}
	return &getQueueAttributesOutput{Attributes: attributes}, nil
}

type setQueueAttributesInput struct {
	queueURL
	Attributes map[string]string
}

func (b *Broker) setQueueAttributes(_ context.Context, in *setQueueAttributesInput) error {
	q, err := b.byURL([]byte(in.QueueUrl))
	if err != nil {
		return err
	}
	if len(in.Attributes) == 0 {
		return missing("Attribute.Name")
	}
	return q.setAttributes(in.Attributes)
}

func (b *Broker) purgeQueue(_ context.Context, in *queueURL) error {
	q, err := b.byURL([]byte(in.QueueUrl))
	if err != nil {
		return err
	}
	return q.change(func(now int64) error {
		if q.purged != 0 && now-q.purged < int64(time.Minute) {
			return wire.Errorf("PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name).
				WithQueryCode("AWS.SimpleQueueService.PurgeQueueInProgress").WithStatus(403)
		}
		q.purged = now
		q.clear()
		return nil
	})
}

type listSourcesInput struct {
	queueURL
	NextToken  string
	MaxResults *int
}

type listSourcesOutput struct {
	QueueUrls []string `json:"queueUrls"`
	NextToken string   `json:",omitempty"`
}

func (b *Broker) listDeadLetterSourceQueues(_ context.Context, in *listSourcesInput) (*listSourcesOutput, error) {
	q, err := b.byURL([]byte(in.QueueUrl))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, source := range b.sourcesOf(q.arn) {
		names = append(names, source.name)
	}
	page, token, err := paginate(names, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &listSourcesOutput{QueueUrls: b.urls(page), NextToken: token}, nil
}

type startMoveInput struct {
	SourceArn, DestinationArn    string
	MaxNumberOfMessagesPerSecond *int
}

type taskOutput struct{ TaskHandle string }

func (b *Broker) startMessageMoveTask(_ context.Context, in *startMoveInput) (*taskOutput, error) {
	t, err := b.startMove(in.SourceArn, in.DestinationArn, in.MaxNumberOfMessagesPerSecond)
	if err != nil {
		return nil, err
	}
	return &taskOutput{TaskHandle: t.handle()}, nil
}

type cancelMoveOutput struct{ ApproximateNumberOfMessagesMoved int }

func (b *Broker) cancelMessageMoveTask(_ context.Context, in *taskOutput) (*cancelMoveOutput, error) {
	moved, err := b.cancelMove(in.TaskHandle)
	if err != nil {
		return nil, err
	}
	return &cancelMoveOutput{ApproximateNumberOfMessagesMoved: moved}, nil
}

type listMovesInput struct {
	SourceArn  string
	MaxResults *int
}

type listMovesOutput struct{ Results []moveEntry }

func (b *Broker) listMessageMoveTasks(_ context.Context, in *listMovesInput) (*listMovesOutput, error) {
	entries, err := b.listMoves(in.SourceArn, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &listMovesOutput{Results: entries}, nil
}

const maxTags = 50

type tagQueueInput struct {
	queueURL
	Tags map[string]string
}

func (b *Broker) tagQueue(_ context.Context, in *tagQueueInput) error {
	q, err := b.byURL([]byte(in.QueueUrl))
	if err != nil {
		return err
	}
	if len(in.Tags) == 0 {
		return missing("Tags")
	}
	return q.tag(in.Tags)
}

// tag adds tags.
func (q *queue) tag(more map[string]string) error {
	if err := checkTags(more); err != nil {
		return err
	}
	return q.change(func(int64) error {
		tags := maps.Clone(q.tags)
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, more)
		if len(tags) > maxTags {
			return invalid("Too many tags added for queue %s.", q.name)
		}
		q.tags = tags
		return nil
	})
}

type untagQueueInput struct {
	queueURL
	TagKeys []string
}

func (b *Broker) untagQueue(_ context.Context, in *untagQueueInput) error {
	q, err := b.byURL([]byte(in.QueueUrl))
	if err != nil {
		return err
	}
	if len(in.TagKeys) == 0 {
		return invalid("Tag keys must be between 1 and 128 characters in length.")
	}
	return q.change(func(int64) error {
		for _, key := range in.TagKeys {
			delete(q.tags, key)
		}
		return nil
	})
}

type listTagsOutput struct {
	Tags map[string]string `json:",omitempty"`
}

func (b *Broker) listQueueTags(_ context.Context, in *queueURL) (*listTagsOutput, error) {
	q, err := b.byURL([]byte(in.QueueUrl))
	if err != nil {
		return nil, err
	}
	out := &listTagsOutput{Tags: map[string]string{}}
	return out, q.change(func(int64) error {
		maps.Copy(out.Tags, q.tags)
		return nil
	})
}
