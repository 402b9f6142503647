package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/dynamostore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/redisstore"
)

// storeTimeout bounds one look into the job store: it is a help, and must not hold
// up a replay.
const storeTimeout = 5 * time.Second

// jobRecords are the records of a stage's jobs.
type jobRecords struct{ store jobstore.Store }

// find implements why.Records.
func (r *jobRecords) find(ctx context.Context, jobID string) (why.Record, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	rec, err := r.store.Get(ctx, jobID)
	if errors.Is(err, jobstore.ErrNotFound) {
		return why.Record{}, false, nil
	}
	if err != nil {
		return why.Record{}, false, err
	}
	out := why.Record{Status: string(rec.Status), Error: rec.Error, At: rec.UpdatedAt}
	if out.Error == nil {
		out.Error = rec.LastError
	}
	return out, true, nil
}

// openRecords opens the job store that --store, AIWCTL_STORE or the variables of
// the deployed system name; nil when nothing does.
func (a *App) openRecords(ctx context.Context, s *aws.Stage) (*jobRecords, error) {
	name := cmp.Or(a.store, a.Getenv("AIWCTL_STORE"))
	store, err := a.openStore(ctx, s, name)
	if err != nil {
		return nil, usagef("the job store: %w", err)
	}
	if store == nil {
		return nil, nil
	}
	return &jobRecords{store}, nil
}

func (a *App) openStore(ctx context.Context, s *aws.Stage, name string) (jobstore.Store, error) {
	switch kind, rest, _ := strings.Cut(name, ":"); {
	case name == "none":
		return nil, nil
	case name == "":
		// The variables name one store, and an endpoint on this machine is another
		// system than the deployed one.
		if s.Target().Loopback() {
			return nil, nil
		}
		store, err := redisstore.FromEnv(a.Getenv)
		if errors.Is(err, redisstore.ErrNotConfigured) {
			return nil, nil
		}
		return store, err
	case kind == "redis" || kind == "rediss":
		return redisstore.Open(name)
	case kind == "dynamodb":
		return openDynamo(ctx, s, rest)
	case kind == "file":
		return jobstore.Open(name)
	}
	return nil, fmt.Errorf("%q is none of redis://HOST:PORT, dynamodb:TABLE, file:DIR and none", name)
}

// openDynamo opens a table in the stage's account and region.
func openDynamo(ctx context.Context, s *aws.Stage, table string) (jobstore.Store, error) {
	t := s.Target()
	opts := []func(*config.LoadOptions) error{config.WithRegion(t.Region)}
	if t.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(t.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, err
	}
	return dynamostore.New(dynamodb.NewFromConfig(cfg), table)
}
