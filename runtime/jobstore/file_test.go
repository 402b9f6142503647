package jobstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/jobstoretest"
)

func TestFile(t *testing.T) {
	t.Parallel()
	jobstoretest.Run(t, func(t *testing.T) jobstore.Store { return openFile(t, t.TempDir()) })
}

// Two stores of one directory, as two programs have it.
func TestFileShared(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there yet")
	one, other := openFile(t, dir), openFile(t, dir)
	claim(t, one, "j", "first", jobstore.ClaimedJob)
	claim(t, other, "j", "second", jobstore.Busy)
	finish(t, one, "j", "first")
	claim(t, other, "j", "second", jobstore.Done)
}

func TestFilePermissions(t *testing.T) {
	t.Parallel()
	if goruntime.GOOS == "windows" {
		t.Skip("Windows has no permission bits")
	}
	dir := filepath.Join(t.TempDir(), "jobs")
	store := openFile(t, dir)
	claim(t, store, "j", "first", jobstore.ClaimedJob)
	files := 0
	walk(t, dir, func(path string, info fs.FileInfo) {
		files++
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("others may read %s: %v", path, mode)
		}
	})
	if files != 4 {
		t.Errorf("%d files and directories, want the directory, a part, its lock and a document", files)
	}
}

// The document is the deployed system's, with more in it.
func TestFileDocument(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := openFile(t, dir)
	lease := time.Date(2030, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	_, err := store.Claim(t.Context(), jobstore.Claim{
		JobID: "job-1", WorkerID: "echo", Owner: "o", Lease: lease, Input: json.RawMessage(`{"q":"<a&b>"}`), Metadata: map[string]any{"n": json.Number("1.10")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Update(t.Context(), "job-1", jobstore.Update{Owner: "o", Child: &jobstore.Child{JobID: "c", WorkerID: "w", DelaySeconds: 5}}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(document(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"jobId":"job-1"`, `"workerId":"echo"`, `"status":"running"`, `"input":{"q":"<a&b>"}`, `"metadata":{"n":1.10}`,
		`"internalJobs":[{"jobId":"c","workerId":"w","delaySeconds":5}]`, `"leaseUntil":"2030-01-02T03:04:05.678Z"`, `"createdAt":"20`, `"expiresAt":"20`,
	} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
	if strings.Contains(string(text), "completedAt") {
		t.Errorf("a job that runs has an end: %s", text)
	}

	// As it is written elsewhere: a Record is such a document, too.
	var record jobstore.Record
	if err := json.Unmarshal(text, &record); err != nil || record.JobID != "job-1" || !record.LeaseUntil.Equal(lease) || record.Metadata["n"] != json.Number("1.10") {
		t.Errorf("%+v, %v", record, err)
	}
}

func TestFileFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full to stand for a full disk")
	}
	dir := t.TempDir()
	store := openFile(t, dir)
	claim(t, store, "j", "first", jobstore.ClaimedJob)
	before := get(t, store, "j")
	scratch := filepath.Join(filepath.Dir(document(t, dir)), "next.tmp")
	if err := os.Symlink("/dev/full", scratch); err != nil {
		t.Fatal(err)
	}
	err := store.Update(t.Context(), "j", jobstore.Update{Owner: "first", Status: jobstore.Completed})
	if err == nil || !strings.Contains(err.Error(), `update job "j"`) || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("the error: %v", err)
	}
	if after := get(t, store, "j"); after.Status != jobstore.Running || !after.UpdatedAt.Equal(before.UpdatedAt) {
		t.Errorf("the record after a full disk: %+v", after)
	}
	if _, err := os.Lstat(scratch); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a part of a document is left on the full disk: %v", err)
	}
	finish(t, store, "j", "first") // there is room again
}

// What a killed process leaves behind is in nobody's way and goes with the next change.
func TestFileLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := openFile(t, dir)
	claim(t, store, "j", "first", jobstore.ClaimedJob)
	scratch := filepath.Join(filepath.Dir(document(t, dir)), "next.tmp")
	if err := os.WriteFile(scratch, []byte(strings.Repeat(`{"jobId":"j","status":"comp`, 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := get(t, store, "j"); got.Status != jobstore.Running {
		t.Errorf("the record: %+v", got)
	}
	finish(t, store, "j", "first")
	if got := get(t, store, "j"); got.Status != jobstore.Completed {
		t.Errorf("the record: %+v", got)
	}
	if _, err := os.Stat(scratch); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the leftover is still there: %v", err)
	}
}

func TestFileDamaged(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", "null", `{"jobId":"j","metadata":7}`, `{"createdAt":"yesterday"}`, `[]`} {
		dir := t.TempDir()
		store := openFile(t, dir)
		claim(t, store, "j", "first", jobstore.ClaimedJob)
		path := document(t, dir)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, claimErr := store.Claim(t.Context(), jobstore.Claim{JobID: "j", WorkerID: "w", Owner: "second"})
		_, getErr := store.Get(t.Context(), "j")
		for _, err := range []error{claimErr, getErr, store.Update(t.Context(), "j", jobstore.Update{Owner: "first"})} {
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("%q: %v", text, err)
			}
		}
		if err := os.Remove(path); err != nil { // as the error says
			t.Fatal(err)
		}
		claim(t, store, "j", "second", jobstore.ClaimedJob)
	}
}

func TestFileExpired(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	brief, lasting := openFile(t, dir, jobstore.WithTTL(time.Nanosecond)), openFile(t, dir)
	// Three jobs of one part of the store.
	ids := sameShard(3)
	claim(t, brief, ids[0], "first", jobstore.ClaimedJob)
	claim(t, lasting, ids[1], "first", jobstore.ClaimedJob)
	if _, err := lasting.Get(t.Context(), ids[0]); !errors.Is(err, jobstore.ErrNotFound) {
		t.Errorf("an expired record: %v", err)
	}
	if err := lasting.Update(t.Context(), ids[0], jobstore.Update{}); !errors.Is(err, jobstore.ErrNotFound) {
		t.Errorf("an update of an expired record: %v", err)
	}
	// The next change there removes it, and no record that another program keeps longer.
	claim(t, brief, ids[2], "first", jobstore.ClaimedJob)
	documents := 0
	walk(t, dir, func(path string, _ fs.FileInfo) {
		if strings.HasSuffix(path, ".json") {
			documents++
		}
	})
	if documents != 2 {
		t.Errorf("%d documents, want the one that is kept and the new one", documents)
	}
	claim(t, brief, ids[1], "second", jobstore.Busy)
	got, err := lasting.Claim(t.Context(), jobstore.Claim{JobID: ids[0], WorkerID: "w", Owner: "second", Lease: time.Now().Add(time.Hour)})
	if err != nil || got.Decision != jobstore.ClaimedJob || got.Before != nil {
		t.Errorf("the claim of an expired job: %+v, %v", got, err)
	}
}

// Somebody who runs out of time while another program holds the lock is told so.
func TestFileLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := openFile(t, dir)
	claim(t, store, "j", "first", jobstore.ClaimedJob)
	part := filepath.Dir(document(t, dir))
	unlock, err := jobstore.Lock(t.Context(), part)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err = store.Update(ctx, "j", jobstore.Update{Owner: "first", Status: jobstore.Completed})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), filepath.Join(part, "lock")) {
		t.Errorf("the error: %v", err)
	}
	unlock()
	finish(t, store, "j", "first")
}

func TestOpenFileFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := jobstore.OpenFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a file for a directory: %v", err)
	}
	if _, err := jobstore.OpenFile(""); err == nil {
		t.Error("no directory is accepted")
	}
}

func openFile(t testing.TB, dir string, opts ...jobstore.Option) *jobstore.File {
	t.Helper()
	store, err := jobstore.OpenFile(dir, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func claim(t testing.TB, store jobstore.Store, id, owner string, want jobstore.Decision) {
	t.Helper()
	got, err := store.Claim(t.Context(), jobstore.Claim{JobID: id, WorkerID: "w", Owner: owner, Lease: time.Now().Add(time.Hour)})
	if err != nil || got.Decision != want {
		t.Fatalf("claim %s by %s: %v, %v, want %v", id, owner, got.Decision, err, want)
	}
}

func finish(t testing.TB, store jobstore.Store, id, owner string) {
	t.Helper()
	if err := store.Update(t.Context(), id, jobstore.Update{Owner: owner, Status: jobstore.Completed}); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, store jobstore.Store, id string) *jobstore.Record {
	t.Helper()
	record, err := store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// document is the only document in a directory.
func document(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("documents: %q, %v", found, err)
	}
	return found[0]
}

func walk(t *testing.T, dir string, visit func(path string, info fs.FileInfo)) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info fs.FileInfo, err error) error {
		if err == nil {
			visit(path, info)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sameShard is ids of jobs that one part of a store has.
func sameShard(count int) []string {
	parts := map[string][]string{}
	for n := 0; ; n++ {
		id := fmt.Sprint("job-", n)
		part := jobstore.Shard(id)
		if parts[part] = append(parts[part], id); len(parts[part]) == count {
			return parts[part]
		}
	}
}
