package redisstore_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// Against a real server:
//
//	redis-server --port 6390 --save '' &
//	AIWCTL_TEST_REDIS=redis://127.0.0.1:6390 go test -run '^$' -bench . ./runtime/jobstore/redisstore
//
// Without the variable the server is an imitation in this process, whose figures say
// nothing of Redis.

// BenchmarkJob is what a job that succeeds at once costs its worker: claim and end.
func BenchmarkJob(b *testing.B) {
	store := newServer(b).store(b)
	metadata := map[string]any{"source": "bench", "tenant": "a"}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		runJob(b, store, fmt.Sprint("job-", n), metadata)
	}
}

// BenchmarkJobParallel is the same from many workers at once.
func BenchmarkJobParallel(b *testing.B) {
	store := newServer(b).store(b)
	metadata := map[string]any{"source": "bench", "tenant": "a"}
	b.SetParallelism(16)
	b.RunParallel(func(p *testing.PB) {
		prefix := fmt.Sprintf("%p-", p)
		for n := 0; p.Next(); n++ {
			runJob(b, store, prefix+fmt.Sprint(n), metadata)
		}
	})
}

func runJob(b *testing.B, store jobstore.Store, id string, metadata map[string]any) {
	c := claimOf(id, "first")
	c.Metadata = metadata
	claimed, err := store.Claim(b.Context(), c)
	if err != nil || claimed.Decision != jobstore.ClaimedJob {
		b.Fatal(claimed.Decision, err)
	}
	err = store.Update(b.Context(), id, jobstore.Update{Owner: "first", Status: jobstore.Completed, Output: json.RawMessage(`{"ok":true}`)})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkProgress is one report of progress.
func BenchmarkProgress(b *testing.B) {
	store := newServer(b).store(b)
	c := claimOf("J", "first")
	c.Lease = time.Now().Add(time.Hour)
	mustClaim(b, store, c)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		mustUpdate(b, store, "J", jobstore.Update{Owner: "first", Progress: &jobstore.Progress{Percent: float64(n % 100), Message: "going on"}})
	}
}
