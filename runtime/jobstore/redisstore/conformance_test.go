package redisstore_test

import (
	"testing"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/jobstoretest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	jobstoretest.Run(t, func(t *testing.T) jobstore.Store {
		return newServer(t).store(t)
	})
}
