package redisstore_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/redisstore"
)

// iso is a time as the deployed system writes it.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// A job that a worker of the deployed system says it runs has no lease. It is held for
// as long as a Lambda function can run.
func TestRunningElsewhere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		updatedAt string
		want      jobstore.Decision
		until     time.Time
	}{
		"just now":                {iso(noon), jobstore.Busy, noon.Add(15 * time.Minute)},
		"a moment too young":      {iso(noon.Add(-15*time.Minute + time.Millisecond)), jobstore.Busy, noon.Add(time.Millisecond)},
		"15 minutes":              {iso(noon.Add(-15 * time.Minute)), jobstore.ClaimedJob, noon},
		"a week":                  {iso(noon.AddDate(0, 0, -7)), jobstore.ClaimedJob, noon.AddDate(0, 0, -7).Add(15 * time.Minute)},
		"by a clock that is fast": {iso(noon.Add(30 * time.Second)), jobstore.Busy, noon.Add(15*time.Minute + 30*time.Second)},
		"in the future":           {iso(noon.AddDate(1, 0, 0)), jobstore.ClaimedJob, time.Time{}},
		"no time":                 {"", jobstore.ClaimedJob, time.Time{}},
		"no such time":            {"2026-13-45T99:00:00.000Z", jobstore.ClaimedJob, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.put(t, "J", map[string]string{"jobId": "J", "workerId": "w", "status": "running", "metadata": "{}", "updatedAt": test.updatedAt})
			now := clock{noon}
			store := s.store(t, redisstore.WithClock(now.now))
			got, err := store.Claim(t.Context(), claimOf("J", "first"))
			if err != nil {
				t.Fatal(err)
			}
			if got.Decision != test.want || !got.Before.LeaseUntil.Equal(test.until) {
				t.Errorf("decided %d, held until %v; want %d, %v", got.Decision, got.Before.LeaseUntil, test.want, test.until)
			}
		})
	}
}

// A worker of the deployed system starts with a record of ours: it resets some fields and
// leaves those of ours that it does not know.
func TestTakenOverElsewhere(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	now := clock{noon}
	store := s.store(t, redisstore.WithClock(now.now))
	c := claimOf("J", "first")
	c.Lease = noon.Add(time.Minute)
	mustClaim(t, store, c)

	now.at = noon.Add(10 * time.Minute) // the lease has passed long ago
	upsert := map[string]string{
		"jobId": "J", "workerId": "w", "status": "queued", "input": "{}", "metadata": "{}",
		"createdAt": iso(now.at), "updatedAt": iso(now.at),
	}
	s.put(t, "J", upsert)
	s.put(t, "J", map[string]string{"status": "running", "metadata": "{}", "updatedAt": iso(now.at)})

	now.at = noon.Add(20 * time.Minute)
	got, err := store.Claim(t.Context(), claimOf("J", "second"))
	if err != nil || got.Decision != jobstore.Busy {
		t.Errorf("while the other worker runs it: %d, %v, want Busy", got.Decision, err)
	}
	s.put(t, "J", map[string]string{"status": "completed", "metadata": "{}", "output": `{"by":"them"}`, "updatedAt": iso(now.at), "completedAt": iso(now.at)})
	err = store.Update(t.Context(), "J", jobstore.Update{Owner: "first", Status: jobstore.Completed, Output: json.RawMessage(`{"by":"us"}`)})
	if !errors.Is(err, jobstore.ErrLeaseLost) {
		t.Errorf("our end after theirs: %v, want ErrLeaseLost", err)
	}
	r := mustGet(t, store, "J")
	if r.Status != jobstore.Completed || string(r.Output) != `{"by":"them"}` || !r.CompletedAt.Equal(now.at) || !r.LeaseUntil.IsZero() {
		t.Errorf("the record: %s of %s, completed at %v, lease %v", r.Status, r.Output, r.CompletedAt, r.LeaseUntil)
	}
	if got, err := store.Claim(t.Context(), claimOf("J", "second")); err != nil || got.Decision != jobstore.Done {
		t.Errorf("a claim after that: %d, %v, want Done", got.Decision, err)
	}
}

// An application records a job as queued after it has sent the message. By then the job
// can be running here.
func TestRecordedAsQueuedTooLate(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	store := s.store(t)
	mustClaim(t, store, claimOf("J", "first"))
	s.put(t, "J", map[string]string{
		"jobId": "J", "workerId": "echo", "status": "queued", "input": "{}", "metadata": `{"source":"app"}`,
		"createdAt": iso(time.Now()), "updatedAt": iso(time.Now()),
	})

	if got := mustGet(t, store, "J"); got.Status != jobstore.Running || got.Owner != "first" || got.Metadata["source"] != "app" {
		t.Errorf("the record: %s by %q, %v", got.Status, got.Owner, got.Metadata)
	}
	if got, err := store.Claim(t.Context(), claimOf("J", "second")); err != nil || got.Decision != jobstore.Busy {
		t.Errorf("a second claim: %d, %v, want Busy", got.Decision, err)
	}
	mustUpdate(t, store, "J", jobstore.Update{Owner: "first", Progress: &jobstore.Progress{Percent: 10}})
	mustUpdate(t, store, "J", jobstore.Update{Owner: "first", Status: jobstore.Completed, Output: json.RawMessage(`1`)})
	if got := s.fields(t, "J"); got["status"] != "completed" || got["output"] != "1" || !strings.Contains(got["metadata"], `"source":"app"`) {
		t.Errorf("the fields: %v", got)
	}
}

// A record lives as long after its last change as the settings say, and its children
// with it.
func TestLifetime(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	store := s.store(t, redisstore.WithTTL(90*time.Second+time.Millisecond))
	lives := func(when string, keys ...string) {
		t.Helper()
		for _, key := range keys {
			ttl, err := s.client.TTL(t.Context(), s.prefix+key).Result()
			if err != nil || ttl < 80*time.Second || ttl > 91*time.Second {
				t.Errorf("%s: %s lives %v, %v, want 91 s", when, key, ttl, err)
			}
			s.client.Expire(t.Context(), s.prefix+key, 10*time.Second)
		}
	}
	mustClaim(t, store, claimOf("J", "first"))
	lives("claimed", "J")
	mustUpdate(t, store, "J", jobstore.Update{Owner: "first", Progress: &jobstore.Progress{Percent: 1}})
	lives("progress", "J")
	child := jobstore.Update{Owner: "first", Child: &jobstore.Child{JobID: "c", WorkerID: "w"}}
	mustUpdate(t, store, "J", child)
	lives("a child", "J", "J:internal")
	mustUpdate(t, store, "J", child)
	lives("the same child", "J", "J:internal")
	mustUpdate(t, store, "J", jobstore.Update{Owner: "first", Status: jobstore.Failed})
	lives("failed", "J", "J:internal")
	mustClaim(t, store, claimOf("J", "second"))
	lives("claimed again", "J", "J:internal")
}

// The deployed system shows the list of children as it is, so a child that several
// report at the same moment stands in it once.
func TestChildOnceInTheList(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	store := s.store(t)
	mustClaim(t, store, claimOf("J", "first"))
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for _, id := range []string{"a", "b"} {
				u := jobstore.Update{Child: &jobstore.Child{JobID: id, WorkerID: "w"}}
				if err := store.Update(t.Context(), "J", u); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if list := s.elements(t, "J"); len(list) != 2 {
		t.Errorf("the list is %s, want two children", list)
	}
}

// The keys are the deployed system's, but for ids whose key would be a list there.
func TestKeys(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	store := s.store(t)
	for id, key := range map[string]string{
		"job-1772625480120-k3x9": "job-1772625480120-k3x9", "a b:ä": "a b:ä", "a:internal": "a:internal~", "a:internal~": "a:internal~~", "a~": "a~",
	} {
		mustClaim(t, store, claimOf(id, "first"))
		if n, err := s.client.Exists(t.Context(), s.prefix+key).Result(); err != nil || n != 1 {
			t.Errorf("%q is not at %q: %v", id, key, err)
		}
	}
	// A key that holds something else is an error that says so.
	s.client.SAdd(t.Context(), s.prefix+"by-worker:echo", "a")
	_, err := store.Get(t.Context(), "by-worker:echo")
	if err == nil || !strings.Contains(err.Error(), `"by-worker:echo"`) || !strings.Contains(err.Error(), "prefix") {
		t.Errorf("a key of another type: %v", err)
	}
	if _, err := store.Claim(t.Context(), claimOf("by-worker:echo", "first")); err == nil {
		t.Error("a key of another type was claimed")
	}
}

// A server that has been restarted, or that has not seen a script, is sent its text.
func TestScriptsUnknownToTheServer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	store := s.store(t)
	flush := func() {
		if err := s.client.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	flush()
	mustClaim(t, store, claimOf("J", "first"))
	flush()
	mustUpdate(t, store, "J", jobstore.Update{Owner: "first", Child: &jobstore.Child{JobID: "c", WorkerID: "w"}})
	if got := mustGet(t, store, "J"); len(got.Children) != 1 {
		t.Errorf("the record: %+v", got)
	}
}
