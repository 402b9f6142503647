package jobstoretest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

func claimMakesRecord(t *testing.T, store jobstore.Store) {
	c := job("j", "first")
	c.UserID, c.Receives = "u-1", 3
	c.Metadata = map[string]any{"tenant": "a"}
	if before := claims(t, store, c, jobstore.ClaimedJob); before != nil {
		t.Errorf("there was a record before the first claim: %s", show(before))
	}
	got := get(t, store, "j")
	if got.CreatedAt.IsZero() || !got.CreatedAt.Equal(got.UpdatedAt) {
		t.Errorf("created %v, updated %v: want the time of the claim, twice", got.CreatedAt, got.UpdatedAt)
	}
	got.CreatedAt, got.UpdatedAt = time.Time{}, time.Time{}
	same(t, "the record", got, &jobstore.Record{
		JobID: "j", WorkerID: "video-processing", Status: jobstore.Running, UserID: "u-1",
		Input: c.Input, Metadata: map[string]any{"tenant": "a"},
		MessageID: "message of first", Receives: 3,
		Owner: "first", LeaseUntil: c.Lease.UTC().Truncate(time.Millisecond),
	})

	// The least that a claim can say.
	bare := jobstore.Claim{JobID: "bare", WorkerID: "w", Owner: "first", Lease: time.Now().Add(time.Hour)}
	claims(t, store, bare, jobstore.ClaimedJob)
	got = get(t, store, "bare")
	got.CreatedAt, got.UpdatedAt, got.LeaseUntil = time.Time{}, time.Time{}, time.Time{}
	same(t, "the barest record", got, &jobstore.Record{
		JobID: "bare", WorkerID: "w", Status: jobstore.Running, Metadata: map[string]any{}, Owner: "first",
	})
}

// claimTable is the table in Store's documentation.
func claimTable(t *testing.T, store jobstore.Store) {
	failure := &dispatch.JobError{Message: "no"}
	for _, row := range []struct {
		state   string
		prepare func(id string)
		want    jobstore.Decision
	}{
		{"queued", func(id string) {
			claims(t, store, job(id, "first"), jobstore.ClaimedJob)
			updates(t, store, id, jobstore.Update{Owner: "first", Status: jobstore.Queued, LastError: failure})
		}, jobstore.ClaimedJob},
		{"failed", func(id string) {
			claims(t, store, job(id, "first"), jobstore.ClaimedJob)
			updates(t, store, id, jobstore.Update{Owner: "first", Status: jobstore.Failed, Error: failure})
		}, jobstore.ClaimedJob},
		{"running, the lease has passed", func(id string) {
			claims(t, store, passed(id, "first"), jobstore.ClaimedJob)
		}, jobstore.ClaimedJob},
		{"running, the lease holds", func(id string) {
			claims(t, store, job(id, "first"), jobstore.ClaimedJob)
		}, jobstore.Busy},
		{"completed", func(id string) {
			claims(t, store, job(id, "first"), jobstore.ClaimedJob)
			updates(t, store, id, jobstore.Update{Owner: "first", Status: jobstore.Completed, Output: json.RawMessage(`1`)})
		}, jobstore.Done},
		{"completed, and the lease would have passed", func(id string) {
			claims(t, store, passed(id, "first"), jobstore.ClaimedJob)
			updates(t, store, id, jobstore.Update{Owner: "first", Status: jobstore.Completed})
		}, jobstore.Done},
	} {
		row.prepare(row.state)
		before := get(t, store, row.state)
		c := job(row.state, "second")
		c.Metadata = map[string]any{"new": true}
		told := claims(t, store, c, row.want)
		same(t, row.state+": the record before, as the claim tells it", told, before)
		after := get(t, store, row.state)
		if row.want != jobstore.ClaimedJob {
			same(t, row.state+": the record after", after, before)
			continue
		}
		if after.Status != jobstore.Running || after.Owner != "second" || after.MessageID != "message of second" ||
			!after.LeaseUntil.Equal(c.Lease.Truncate(time.Millisecond)) {
			t.Errorf("%s: the record after the claim: %s", row.state, show(after))
		}
	}
}

func claimAnew(t *testing.T, store jobstore.Store) {
	first := job("j", "first")
	first.UserID = "u-1"
	first.Metadata = map[string]any{"kept": "old", "replaced": "old"}
	claims(t, store, first, jobstore.ClaimedJob)
	updates(t, store, "j", jobstore.Update{
		Owner: "first", Status: jobstore.Failed, Error: &dispatch.JobError{Name: "Error", Message: "disk full", Stack: "main.go:1"},
		Progress: &jobstore.Progress{Percent: 80, Message: "nearly"}, Output: json.RawMessage(`"half"`), OutputBytes: 6,
		Tokens: &jobstore.Tokens{Input: 7, Output: 8}, Child: &jobstore.Child{JobID: "c", WorkerID: "w"},
		Webhook: &jobstore.Webhook{Attempts: 1, At: time.Now()}, Metadata: map[string]any{"found": 1},
	})
	before := get(t, store, "j")

	second := job("j", "second")
	second.WorkerID, second.Receives, second.Input = "other", 2, nil
	second.Metadata = map[string]any{"replaced": "new", "added": "new"}
	claims(t, store, second, jobstore.ClaimedJob)
	after := get(t, store, "j")
	if after.UpdatedAt.Before(before.UpdatedAt) {
		t.Errorf("updated %v, and before that %v", after.UpdatedAt, before.UpdatedAt)
	}
	after.UpdatedAt = time.Time{}
	same(t, "the record claimed anew", after, &jobstore.Record{
		JobID: "j", WorkerID: "other", Status: jobstore.Running,
		LastError: before.Error,
		Metadata:  map[string]any{"kept": "old", "replaced": "new", "added": "new", "found": json.Number("1")},
		Tokens:    before.Tokens, Children: before.Children,
		MessageID: "message of second", Receives: 2,
		Owner: "second", LeaseUntil: second.Lease.UTC().Truncate(time.Millisecond),
		CreatedAt: before.CreatedAt,
	})
}

// leasePasses waits for a real lease, the only test that waits.
func leasePasses(t *testing.T, store jobstore.Store) {
	c := job("j", "first")
	c.Lease = time.Now().Add(50 * time.Millisecond).Truncate(time.Millisecond)
	claims(t, store, c, jobstore.ClaimedJob)
	for attempt := 1; ; attempt++ {
		got, err := store.Claim(t.Context(), job("j", fmt.Sprint("other ", attempt)))
		if err != nil {
			t.Fatal(err)
		}
		if got.Decision == jobstore.ClaimedJob {
			break
		}
		if time.Since(c.Lease) > 10*time.Second {
			t.Fatal("the lease passed ten seconds ago, and the job cannot be claimed")
		}
		pause(t.Context())
	}
	if time.Now().Before(c.Lease) {
		t.Error("the job was claimed while its lease held")
	}
	refuses(t, store, "j", jobstore.Update{Owner: "first", Status: jobstore.Completed}, jobstore.ErrLeaseLost)
}

// pause is the moment between two looks at something that changes by itself.
func pause(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	<-ctx.Done()
}

func claimRepeated(t *testing.T, store jobstore.Store) {
	c := job("j", "first")
	claims(t, store, c, jobstore.ClaimedJob)
	if before := claims(t, store, c, jobstore.ClaimedJob); before == nil || before.Owner != "first" {
		t.Errorf("before the repeated claim: %s", show(before))
	}
	claims(t, store, job("j", "second"), jobstore.Busy)
	updates(t, store, "j", jobstore.Update{Owner: "first", Status: jobstore.Completed})
	claims(t, store, c, jobstore.Done)
}

func invalid(t *testing.T, store jobstore.Store) {
	for what, c := range map[string]jobstore.Claim{
		"no job id":    {WorkerID: "w", Owner: "o", Lease: time.Now().Add(time.Hour)},
		"no worker id": {JobID: "j", Owner: "o", Lease: time.Now().Add(time.Hour)},
		"no owner":     {JobID: "j", WorkerID: "w", Lease: time.Now().Add(time.Hour)},
	} {
		if got, err := store.Claim(t.Context(), c); err == nil {
			t.Errorf("a claim with %s: %v", what, decision(got.Decision))
		}
	}
	claims(t, store, job("j", "first"), jobstore.ClaimedJob)
	before := get(t, store, "j")
	for what, u := range map[string]jobstore.Update{
		"an unknown status":      {Owner: "first", Status: "paused"},
		"an error and no status": {Owner: "first", Error: &dispatch.JobError{Message: "no"}},
		"an error and Queued":    {Owner: "first", Status: jobstore.Queued, Error: &dispatch.JobError{Message: "no"}},
		"a child without an id":  {Owner: "first", Child: &jobstore.Child{WorkerID: "w"}},
	} {
		if err := store.Update(t.Context(), "j", u); err == nil {
			t.Errorf("an update with %s was accepted", what)
		}
	}
	same(t, "the record after what was refused", get(t, store, "j"), before)
}

func claimRace(t *testing.T, store jobstore.Store, deliveries int) {
	for round := range 10 {
		id := fmt.Sprint("j-", round)
		owners := race(t, store, id, deliveries)
		if len(owners) != 1 {
			t.Fatalf("%d of %d deliveries have %s: %s", len(owners), deliveries, id, strings.Join(owners, ", "))
		}
		if got := get(t, store, id); got.Owner != owners[0] {
			t.Errorf("%s was claimed by %q, and its record says %q", id, owners[0], got.Owner)
		}
	}
}

func takeOverRace(t *testing.T, store jobstore.Store) {
	for round := range 10 {
		id := fmt.Sprint("j-", round)
		claims(t, store, passed(id, "dead"), jobstore.ClaimedJob)
		if owners := race(t, store, id, 8); len(owners) != 1 {
			t.Fatalf("%d of 8 deliveries took %s over: %s", len(owners), id, strings.Join(owners, ", "))
		}
		refuses(t, store, id, jobstore.Update{Owner: "dead", Status: jobstore.Completed}, jobstore.ErrLeaseLost)
	}
}

// race claims one job from many goroutines at once; the owners that got it. The
// others are told Busy, and by whom.
func race(t *testing.T, store jobstore.Store, id string, deliveries int) []string {
	t.Helper()
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		won   []string
		start = make(chan struct{})
	)
	for n := range deliveries {
		c := job(id, fmt.Sprint("owner ", n))
		group.Go(func() {
			<-start
			got, err := store.Claim(t.Context(), c)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				t.Errorf("claim %s: %v", id, err)
			case got.Decision == jobstore.ClaimedJob:
				won = append(won, c.Owner)
			case got.Decision != jobstore.Busy || got.Before == nil || got.Before.Status != jobstore.Running || !got.Before.LeaseUntil.After(time.Now()):
				t.Errorf("claim %s: %v, %s", id, decision(got.Decision), show(got.Before))
			}
		})
	}
	close(start)
	group.Wait()
	return won
}
