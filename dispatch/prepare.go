package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch/internal/jsontext"
)

// options applies options over the client's defaults.
func (c *Client) options(opts []Option) options {
	o := options{mode: c.cfg.Mode}
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	return o
}

// schemaOf looks a worker's schema up, once however often it is called.
func (c *Client) schemaOf(ctx context.Context, workerID string) func() (*Schema, error) {
	if c.cfg.Schema == nil {
		return func() (*Schema, error) { return nil, nil }
	}
	return sync.OnceValues(func() (*Schema, error) { return c.cfg.Schema(ctx, workerID) })
}

// message makes the message of a job, and the body it is written as. The message
// keeps the input itself.
func (c *Client) message(ctx context.Context, workerID string, input json.RawMessage, o options, schema func() (*Schema, error)) (*Message, []byte, error) {
	if err := o.check(workerID); err != nil {
		return nil, nil, err
	}
	if len(bytes.TrimSpace(input)) == 0 {
		input = json.RawMessage("{}")
	}
	if err := c.validate(ctx, workerID, input, o, schema); err != nil {
		return nil, nil, err
	}
	now := c.cfg.Now()
	m := &Message{
		WorkerID:   workerID,
		JobID:      o.jobID,
		Input:      input,
		Context:    o.context,
		WebhookURL: o.webhookURL,
		Metadata:   o.metadata,
		Timestamp:  now.UTC().Truncate(time.Millisecond),
		MaxTokens:  o.maxTokens,
		GroupID:    o.group,
		Unchecked:  o.unchecked,
	}
	switch {
	case o.key != "":
		m.JobID = JobIDForKey(workerID, o.key)
		m.DeduplicationID = m.JobID
		if isQueueID(o.key) {
			m.DeduplicationID = o.key
		}
	case m.JobID == "":
		m.JobID = NewJobID(now)
	}
	if o.userID != "" {
		// Where the deployed clients put it, and where workers look first.
		m.Context = withMember(m.Context, fieldUserID, o.userID)
	}
	body, err := m.bodyOf(true) // validated above, by a schema or not
	if err != nil {
		return nil, nil, err
	}
	return m, body, nil
}

func (c *Client) validate(ctx context.Context, workerID string, input json.RawMessage, o options, lookUp func() (*Schema, error)) error {
	schema := o.schema
	if o.unchecked {
		schema = nil // checks the syntax only
	} else if schema == nil {
		var err error
		if schema, err = lookUp(); err != nil {
			return fmt.Errorf("look up its input schema: %w", err)
		}
	}
	violations := schema.Validate(input)
	if !Valid(violations) {
		return &ValidationError{WorkerID: workerID, Violations: violations}
	}
	for _, v := range violations {
		c.cfg.Logger.WarnContext(ctx, "input has a doubtful part",
			"workerId", workerID, "pointer", v.Pointer, "keyword", v.Keyword, "problem", v.Message)
	}
	return nil
}

// checkWebhook refuses a URL that no worker could call.
func checkWebhook(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("the webhook URL must be an absolute http or https URL")
	}
	return nil
}

// check refuses options that make no sense, before anything else is done.
func (o *options) check(workerID string) error {
	if strings.TrimSpace(workerID) == "" {
		return errors.New("the worker's id is empty")
	}
	if err := checkMode(o.mode); err != nil {
		return err
	}
	if o.webhookURL != "" {
		if err := checkWebhook(o.webhookURL); err != nil {
			return err
		}
	}
	if o.key != "" && o.jobID != "" {
		return errors.New("a job id and an idempotency key exclude each other: the key makes the id")
	}
	if o.group != "" && !isQueueID(o.group) {
		return fmt.Errorf("the message group %s is not made of 1 to %d ASCII letters, digits and punctuation marks", jsontext.QuoteShort(o.group), maxQueueID)
	}
	if o.maxTokens != nil && *o.maxTokens < 0 {
		return fmt.Errorf("a token budget of %d is below zero", *o.maxTokens)
	}
	return checkDelay(o.delay)
}
