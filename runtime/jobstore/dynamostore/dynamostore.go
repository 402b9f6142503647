// Package dynamostore keeps job records in a DynamoDB table.
//
//	cfg, err := config.LoadDefaultConfig(ctx)
//	...
//	store, err := dynamostore.New(dynamodb.NewFromConfig(cfg), "orders-jobs-prod")
//	...
//	app, err := runtime.NewApp(runtime.AppConfig{Store: store}, workers...)
//
// # The table
//
// One table, whose only key is jobId (a string, the partition key), and time to live
// on expiresAt. CreateTable makes it; several stages and services may share it as long
// as their job ids differ, which those that dispatch makes do. A worker's role needs
// on it:
//
//	dynamodb:UpdateItem   every claim and every change
//	dynamodb:GetItem      reading a record
//	dynamodb:PutItem      claiming a job whose old record has expired and is still there
//
// # What an item looks like
//
// jobId, workerId, status, userId, messageId and owner are strings; createdAt,
// updatedAt, completedAt and leaseUntil ISO 8601 strings in UTC and milliseconds, as
// in the deployed system's documents; outputBytes and receives numbers; expiresAt is
// a number, the seconds since 1970 that time to live wants. input, output, error,
// lastError, progress, tokens and webhook are JSON text, so that numbers keep all
// their digits, and internalJobs is a list of such, with childIds the set of their
// ids. The error of a job that is running is that of the run before. Each key of the
// metadata is an attribute of its own, "metadata:" and the key, with JSON text: so two
// writers of different keys never undo each other. Job ids longer than 1,000 bytes are
// shortened to a hash in the key.
//
// # What is kept
//
// An item has room for 400 KB. Input and output are each kept up to MaxInput and
// MaxOutput bytes; of a longer output OutputBytes alone is, of a longer input nothing.
// Texts of errors are cut at 8 KiB, stacks at 32 KiB, both at a mark that says so.
// What is left, some 80 KB, is for metadata and children. When an item is full
// nevertheless, input and output make room for the change; when even that is not
// enough, the change fails.
//
// Metadata of more than 100 new keys takes a request for each 100 of them; those of an
// update come before its status, those of a claim after it.
//
// # What it costs
//
// A claim is one write and so is every change, of one write request unit for each KB
// of the item, rounded up; one that is refused costs the same. A job whose record is
// below 1 KB takes two units for a claim and an end, and one for each report of
// progress. The whole item counts, not the change: a job with 50 KB of input pays 50
// units for each report. WithMaxInput(0) keeps no input. Get reads consistently, one
// read request unit for each 4 KB. What time to live removes is free.
//
// # How it is tested
//
// By jobstoretest against moto, which .ci/stores/run starts. Where moto is not
// DynamoDB: it does not apply the writes of an item one after the other (the run gives
// it one request at a time), and knows neither the limits on expressions nor nested
// if_not_exists; no expression here nests, and a test holds them to the limits.
package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

const (
	// MaxInput is the longest input that is kept, in bytes of JSON.
	MaxInput = 64 << 10
	// MaxOutput is the longest output that is kept, in bytes of JSON.
	MaxOutput = 256 << 10
)

// API is what a store needs of the SDK's DynamoDB client.
type API interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Option sets up a store.
type Option func(*Store)

// WithTTL is how long a record is kept after its last change. Zero or less means
// jobstore.DefaultTTL. DynamoDB removes what has expired within days; until then it
// counts as absent.
func WithTTL(ttl time.Duration) Option { return func(s *Store) { s.ttl = ttl } }

// WithMaxInput is the longest input that is kept, in bytes; zero keeps none. The
// default, and the most, is MaxInput.
func WithMaxInput(bytes int) Option { return func(s *Store) { s.maxInput = bytes } }

// WithMaxOutput is the longest output that is kept, in bytes; zero keeps none. The
// default, and the most, is MaxOutput.
func WithMaxOutput(bytes int) Option { return func(s *Store) { s.maxOutput = bytes } }

// Store keeps job records in a table. It is safe for concurrent use.
type Store struct {
	api                 API
	table               string
	ttl                 time.Duration
	maxInput, maxOutput int
}

var _ jobstore.Store = (*Store)(nil)

// New makes a store on a table. It makes no call; CreateTable makes the table.
// Retries of throttled calls are the client's.
func New(api API, table string, opts ...Option) (*Store, error) {
	s := &Store{api: api, table: table, maxInput: MaxInput, maxOutput: MaxOutput}
	for _, opt := range opts {
		opt(s)
	}
	if s.ttl <= 0 {
		s.ttl = jobstore.DefaultTTL
	}
	switch {
	case api == nil:
		return nil, errors.New("make a job store on DynamoDB: no client")
	case table == "":
		return nil, errors.New("make a job store on DynamoDB: no table name")
	case s.maxInput < 0 || s.maxInput > MaxInput:
		return nil, fmt.Errorf("make a job store on DynamoDB: an input of %d bytes does not fit: 0 to %d", s.maxInput, MaxInput)
	case s.maxOutput < 0 || s.maxOutput > MaxOutput:
		return nil, fmt.Errorf("make a job store on DynamoDB: an output of %d bytes does not fit: 0 to %d", s.maxOutput, MaxOutput)
	}
	return s, nil
}

// Claim takes a job for one delivery; see jobstore.Store. It is one conditional
// UpdateItem, whose answer has the record before, or the one that is in the way.
func (s *Store) Claim(ctx context.Context, c jobstore.Claim) (jobstore.Claimed, error) {
	if err := c.Validate(); err != nil {
		return jobstore.Claimed{}, s.failed("claim", c.JobID, err)
	}
	metadata, err := encodeMetadata(c.Metadata)
	if err != nil {
		return jobstore.Claimed{}, s.failed("claim", c.JobID, err)
	}
	claimed, err := s.claim(ctx, c, metadata)
	if err != nil {
		return jobstore.Claimed{}, s.failed("claim", c.JobID, err)
	}
	return claimed, nil
}

func (s *Store) claim(ctx context.Context, c jobstore.Claim, metadata []attribute) (jobstore.Claimed, error) {
	first, rest := split(metadata)
	// The second round is for a record that expires in between, and the third for one
	// that another delivery has replaced then.
	for range 3 {
		now := time.Now()
		out, err := s.update(ctx, c.JobID, s.claimChange(c, first, now), types.ReturnValueAllOld)
		held, refused := conditionFailed(err)
		switch {
		case err == nil:
			before, err := decodeItem(c.JobID, out.Attributes)
			if err == nil {
				err = s.claimRest(ctx, c, rest)
			}
			return jobstore.Claimed{Decision: jobstore.ClaimedJob, Before: before}, err
		case !refused:
			return jobstore.Claimed{}, err
		case !live(held, now):
			err := s.replace(ctx, c, metadata, held, now)
			if err == nil {
				return jobstore.Claimed{Decision: jobstore.ClaimedJob}, nil
			}
			if _, refused := conditionFailed(err); !refused {
				return jobstore.Claimed{}, err
			}
		default:
			before, err := decodeItem(c.JobID, held)
			if err != nil {
				return jobstore.Claimed{}, err
			}
			decision := jobstore.Busy
			if before.Status == jobstore.Completed {
				decision = jobstore.Done
			}
			return jobstore.Claimed{Decision: decision, Before: before}, nil
		}
	}
	return jobstore.Claimed{}, errors.New("other deliveries replace the record all the time; try again")
}

// claimRest writes the metadata that did not fit into the claim's own expression.
func (s *Store) claimRest(ctx context.Context, c jobstore.Claim, rest []attribute) error {
	for len(rest) > 0 {
		var chunk []attribute
		chunk, rest = split(rest)
		if err := s.change(ctx, c.JobID, jobstore.Update{Owner: c.Owner}, chunk); err != nil {
			return err
		}
	}
	return nil
}

// replace puts a new record in the place of an expired one.
func (s *Store) replace(ctx context.Context, c jobstore.Claim, metadata []attribute, old item, now time.Time) error {
	e := newExpression()
	e.claim(s, c, metadata, now)
	fresh := item{keyName: key(c.JobID)}
	for _, a := range slices.Concat(e.assigned, firstClaim(now)) {
		fresh[a.name] = a.value
	}
	condition := newExpression()
	in := &dynamodb.PutItemInput{TableName: &s.table, Item: fresh}
	in.ConditionExpression = awssdk.String(condition.name(keyName) + " = " + condition.value(fresh[keyName]) +
		" AND " + condition.name(expiresAt) + " = " + condition.value(old[expiresAt]))
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = condition.names, condition.values
	_, err := s.api.PutItem(ctx, in)
	return explain(err, "dynamodb:PutItem", s.table)
}

// Update changes a record; see jobstore.Store. It is one conditional UpdateItem,
// and a second one when the child that it adds is there already.
func (s *Store) Update(ctx context.Context, jobID string, u jobstore.Update) error {
	if err := u.Validate(); err != nil {
		return s.failed("update", jobID, err)
	}
	metadata, err := encodeMetadata(u.Metadata)
	if err != nil {
		return s.failed("update", jobID, err)
	}
	// What does not fit into one expression goes first: when a status says that
	// the job has ended, its metadata is there.
	last, rest := split(metadata)
	for len(rest) > 0 {
		var chunk []attribute
		chunk, rest = split(rest)
		if err := s.change(ctx, jobID, jobstore.Update{Owner: u.Owner}, chunk); err != nil {
			if errors.Is(err, jobstore.ErrLeaseLost) && u.Status != "" {
				break // unless it is an end repeated, which the last change tells
			}
			return s.failed("update", jobID, err)
		}
	}
	if err := s.change(ctx, jobID, u, last); err != nil {
		return s.failed("update", jobID, err)
	}
	return nil
}

// change makes an update with some of its metadata.
func (s *Store) change(ctx context.Context, jobID string, u jobstore.Update, metadata []attribute) error {
	for {
		now := time.Now()
		_, err := s.update(ctx, jobID, s.updateChange(u, metadata, now), types.ReturnValueNone)
		held, refused := conditionFailed(err)
		if !refused {
			return err
		}
		if !live(held, now) {
			return jobstore.ErrNotFound
		}
		status, owner := jobstore.Status(stringOf(held["status"])), stringOf(held["owner"])
		switch {
		case u.Owner == "" || status == jobstore.Running && owner == u.Owner:
		case owner == u.Owner && status == u.Status:
			return nil // the owner's end, repeated
		default:
			return jobstore.ErrLeaseLost
		}
		if u.Child == nil {
			return fmt.Errorf("the condition failed, and the record that DynamoDB returns meets it: %w", err)
		}
		u.Child = nil // it is there
	}
}

// Get returns the record of a job; see jobstore.Store. The read is consistent.
func (s *Store) Get(ctx context.Context, jobID string) (*jobstore.Record, error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: item{keyName: key(jobID)}, ConsistentRead: awssdk.Bool(true),
	})
	if err != nil {
		return nil, s.failed("read", jobID, explain(err, "dynamodb:GetItem", s.table))
	}
	if !live(out.Item, time.Now()) {
		return nil, s.failed("read", jobID, jobstore.ErrNotFound)
	}
	record, err := decodeItem(jobID, out.Item)
	if err != nil {
		return nil, s.failed("read", jobID, err)
	}
	return record, nil
}

// update makes a change. When the item has no room for it, the change is made once
// more without input and output.
func (s *Store) update(ctx context.Context, jobID string, change func(full bool) *expression, returned types.ReturnValue) (*dynamodb.UpdateItemOutput, error) {
	for full := false; ; full = true {
		e := change(full)
		out, err := s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.table, Key: item{keyName: key(jobID)},
			UpdateExpression: awssdk.String(e.text()), ConditionExpression: awssdk.String(e.condition),
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
			ReturnValues:                        returned,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		if full || !tooLarge(err) {
			return out, explain(err, "dynamodb:UpdateItem", s.table)
		}
	}
}
