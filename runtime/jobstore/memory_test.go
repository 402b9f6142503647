package jobstore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/jobstoretest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	jobstoretest.Run(t, func(*testing.T) jobstore.Store { return jobstore.NewMemory() })
}

func TestMemoryLeaseAndExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := jobstore.NewMemory(jobstore.WithTTL(24 * time.Hour))
		claim(t, store, "j", "first", jobstore.ClaimedJob) // for an hour
		time.Sleep(time.Hour - time.Millisecond)
		claim(t, store, "j", "second", jobstore.Busy)
		time.Sleep(time.Millisecond)
		claim(t, store, "j", "second", jobstore.ClaimedJob)
		time.Sleep(24*time.Hour - time.Millisecond)
		finish(t, store, "j", "second")
		time.Sleep(24*time.Hour - time.Millisecond)
		claim(t, store, "j", "third", jobstore.Done)
		time.Sleep(time.Millisecond)
		if _, err := store.Get(t.Context(), "j"); !errors.Is(err, jobstore.ErrNotFound) {
			t.Errorf("a day after its end: %v", err)
		}
		if err := store.Update(t.Context(), "j", jobstore.Update{}); !errors.Is(err, jobstore.ErrNotFound) {
			t.Errorf("a day after its end: %v", err)
		}
		claim(t, store, "j", "third", jobstore.ClaimedJob)
	})
}

// A lease that ISO 8601 has no four digits for is a lease all the same.
func TestLeaseOfAnyYear(t *testing.T) {
	t.Parallel()
	for _, store := range []jobstore.Store{jobstore.NewMemory(), openFile(t, t.TempDir())} {
		for _, lease := range []time.Time{time.Unix(1<<40, 0), time.Unix(-1<<40, 0)} {
			id := lease.String()
			if _, err := store.Claim(t.Context(), jobstore.Claim{JobID: id, WorkerID: "w", Owner: "first", Lease: lease}); err != nil {
				t.Fatal(err)
			}
			want := jobstore.ClaimedJob
			if lease.After(time.Now()) {
				want = jobstore.Busy
			}
			claim(t, store, id, "second", want)
		}
	}
}

// A process that runs for long does not keep what has expired.
func TestMemoryForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := jobstore.NewMemory(jobstore.WithTTL(time.Hour))
		for n := range 1000 {
			claim(t, store, fmt.Sprint("job-", n), "o", jobstore.ClaimedJob)
			time.Sleep(time.Minute)
		}
		if n := jobstore.Kept(store); n > 70 {
			t.Errorf("%d records are kept for an hour of 60 jobs", n)
		}
	})
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "jobs: a & b")
	for _, url := range []string{"file:" + dir, "file://" + filepath.ToSlash(dir)} {
		store, err := jobstore.Open(url)
		if _, ok := store.(*jobstore.File); err != nil || !ok {
			t.Errorf("%s: %T, %v", url, store, err)
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			t.Errorf("%s: %v", url, err)
		}
	}
	if store, err := jobstore.Open("memory:"); err != nil {
		t.Error(err)
	} else if _, ok := store.(*jobstore.Memory); !ok {
		t.Errorf("memory: is %T", store)
	}
	for _, url := range []string{"", "memory:x", "file", "file:", "redis://localhost", "/var/jobs", "FILE:x"} {
		store, err := jobstore.Open(url)
		if err == nil || store != nil || !strings.HasPrefix(err.Error(), "open a job store") {
			t.Errorf("%q: %v, %v", url, store, err)
		}
	}
}
