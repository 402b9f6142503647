package redisstore_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/redisstore"
)

// document is a file of testdata/documents: a record as the deployed system has left it in
// Redis, and what it says. The job's id is J.
type document struct {
	About  string
	Hash   map[string]string
	List   []string
	Record json.RawMessage
}

func documents(t *testing.T) map[string]document {
	t.Helper()
	paths, err := filepath.Glob("testdata/documents/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	all := map[string]document{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var d document
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".json")] = d
	}
	return all
}

// compacted is JSON without its white space, fields in order.
func compacted(t *testing.T, text []byte) string {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	out, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestReadsDeployedDocuments(t *testing.T) {
	t.Parallel()
	for name, d := range documents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.put(t, "J", d.Hash)
			s.push(t, "J", d.List...)
			now := clock{noon}
			got, err := json.Marshal(mustGet(t, s.store(t, redisstore.WithClock(now.now)), "J"))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := compacted(t, got), compacted(t, d.Record); got != want {
				t.Errorf("%s\n got %s\nwant %s", d.About, got, want)
			}
		})
	}
}

// Each document is claimed when it can be, and the job run to its end. What the deployed
// system reads of it then is right, and nothing that it knew is lost.
func TestContinuesDeployedDocuments(t *testing.T) {
	t.Parallel()
	for name, d := range documents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.put(t, "J", d.Hash)
			s.push(t, "J", d.List...)
			now := clock{noon.Add(time.Hour)}
			store := s.store(t, redisstore.WithClock(now.now))
			before := mustGet(t, store, "J")

			c := claimOf("J", "first")
			c.Metadata = map[string]any{"source": "replay"}
			claimed, err := store.Claim(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if before.Status == jobstore.Completed {
				if claimed.Decision != jobstore.Done {
					t.Errorf("the claim of a completed job gave %d, want Done", claimed.Decision)
				}
				return
			}
			if claimed.Decision != jobstore.ClaimedJob {
				t.Fatalf("the claim of a job that is %s gave %d", before.Status, claimed.Decision)
			}
			mustUpdate(t, store, "J", jobstore.Update{Owner: "first", Child: &jobstore.Child{JobID: "new", WorkerID: "w"}})
			mustUpdate(t, store, "J", jobstore.Update{Owner: "first", Progress: &jobstore.Progress{Percent: 50}})
			mustUpdate(t, store, "J", jobstore.Update{Owner: "first", Status: jobstore.Completed, Output: json.RawMessage(`{"ok":true}`)})

			after := mustGet(t, store, "J")
			if !before.CreatedAt.IsZero() && after.CreatedAt != before.CreatedAt {
				t.Errorf("created at %v, then at %v", before.CreatedAt, after.CreatedAt)
			}
			if len(after.Children) != len(before.Children)+1 || after.Children[len(before.Children)].JobID != "new" {
				t.Errorf("children %v, before that %v", after.Children, before.Children)
			}
			if before.Error != nil && (after.LastError == nil || *after.LastError != *before.Error) {
				t.Errorf("the last error is %v, and the error was %v", after.LastError, before.Error)
			}
			for key, value := range before.Metadata {
				if key == "source" || strings.HasPrefix(key, "progress") {
					continue // replaced above
				}
				if got, ok := after.Metadata[key]; !ok || compare(t, got) != compare(t, value) {
					t.Errorf("metadata %q is %v, and was %v", key, got, value)
				}
			}
			if after.Tokens == nil != (before.Tokens == nil) {
				t.Errorf("tokens %v, before that %v", after.Tokens, before.Tokens)
			}

			// The list has every child: where there is a list, the old field is not read.
			if list := s.elements(t, "J"); len(list) < len(after.Children) {
				t.Errorf("the list has %d of %d children: %s", len(list), len(after.Children), list)
			}
			fields := s.fields(t, "J")
			for _, name := range []string{"input", "output", "metadata"} {
				if !json.Valid([]byte(fields[name])) || strings.HasPrefix(fields[name], `"`) {
					t.Errorf("the field %s is not the JSON of a value: %s", name, fields[name])
				}
			}
			if fields["status"] != "completed" || fields["output"] != `{"ok":true}` || fields["error"] != "" {
				t.Errorf("the fields of a job that was run again: %v", fields)
			}
		})
	}
}

func compare(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return compacted(t, text)
}

// The fields of a job of ours, in its every state, one by one.
func TestWritesDeployedDocuments(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	now := clock{noon}
	store := s.store(t, redisstore.WithClock(now.now))
	want := map[string]string{}
	check := func(when string) {
		t.Helper()
		got := s.fields(t, "J")
		if !strings.HasPrefix(got["lastWrite"], got["updatedAt"]+" ") {
			t.Errorf("%s: lastWrite is %q, updatedAt %q", when, got["lastWrite"], got["updatedAt"])
		}
		delete(got, "lastWrite")
		if got, want := compare(t, got), compare(t, want); got != want {
			t.Errorf("%s:\n got %s\nwant %s", when, got, want)
		}
	}
	set := func(fields ...string) {
		for i := 0; i < len(fields); i += 2 {
			want[fields[i]] = fields[i+1]
			if fields[i+1] == "" {
				delete(want, fields[i])
			}
		}
	}

	c := jobstore.Claim{
		JobID: "J", WorkerID: "echo", UserID: "u-1", Input: json.RawMessage(`{"a":"<&>", "n":[]}`),
		Metadata:  map[string]any{"source": "<app> & co", "empty": []any{}, "n": json.Number("12345678901234567890")},
		MessageID: "m-1", Receives: 2, Owner: "o-1", Lease: noon.Add(time.Minute),
	}
	mustClaim(t, store, c)
	set("jobId", "J", "workerId", "echo", "userId", "u-1", "status", "running", "input", `{"a":"<&>", "n":[]}`, "inputBytes", "19",
		"metadata", `{"empty":[],"n":12345678901234567890,"source":"<app> & co"}`,
		"createdAt", "2026-03-04T12:00:00.005Z", "updatedAt", "2026-03-04T12:00:00.005Z",
		"owner", "o-1", "leaseUntil", "2026-03-04T12:01:00.005Z", "messageId", "m-1", "receives", "2")
	check("claimed")

	now.at = noon.Add(time.Second)
	mustUpdate(t, store, "J", jobstore.Update{Owner: "o-1", Progress: &jobstore.Progress{Percent: 12.5, Message: "reading <a>"}})
	set("metadata", `{"empty":[],"n":12345678901234567890,"progress":12.5,"progressMessage":"reading <a>","source":"<app> & co"}`,
		"updatedAt", "2026-03-04T12:00:01.005Z")
	check("progress with a message")

	mustUpdate(t, store, "J", jobstore.Update{Owner: "o-1", Progress: &jobstore.Progress{Percent: 100}, Tokens: &jobstore.Tokens{Input: 3, Output: 4}})
	set("metadata", `{"empty":[],"n":12345678901234567890,"progress":100,"source":"<app> & co","tokenUsage":{"inputTokens":3,"outputTokens":4,"budget":null}}`)
	check("progress without one, and tokens")

	mustUpdate(t, store, "J", jobstore.Update{Owner: "o-1", Child: &jobstore.Child{JobID: "c-1", WorkerID: "w", Awaited: true}})
	mustUpdate(t, store, "J", jobstore.Update{Owner: "o-1", Child: &jobstore.Child{JobID: "c-2", WorkerID: "w", DelaySeconds: 9}})
	set("hasChildren", "1")
	check("children")
	if got, want := strings.Join(s.elements(t, "J"), "\n"), `{"jobId":"c-1","workerId":"w","awaited":true}`+"\n"+`{"jobId":"c-2","workerId":"w","delaySeconds":9}`; got != want {
		t.Errorf("the list of children is\n%s\nwant\n%s", got, want)
	}

	mustUpdate(t, store, "J", jobstore.Update{Owner: "o-1", Status: jobstore.Queued, LastError: &dispatch.JobError{Message: "503 <html>", Name: "ServerError"}})
	set("status", "queued", "leaseUntil", "",
		"metadata", `{"empty":[],"lastError":{"message":"503 <html>","name":"ServerError"},"n":12345678901234567890,"progress":100,"source":"<app> & co","tokenUsage":{"inputTokens":3,"outputTokens":4,"budget":null}}`)
	check("queued again")

	now.at = noon.Add(time.Minute)
	c.Owner, c.MessageID, c.Receives, c.Lease, c.Metadata = "o-2", "m-2", 3, noon.Add(2*time.Minute), nil
	mustClaim(t, store, c)
	set("status", "running", "owner", "o-2", "messageId", "m-2", "receives", "3", "leaseUntil", "2026-03-04T12:02:00.005Z", "updatedAt", "2026-03-04T12:01:00.005Z",
		"metadata", `{"empty":[],"lastError":{"message":"503 <html>","name":"ServerError"},"n":12345678901234567890,"source":"<app> & co","tokenUsage":{"inputTokens":3,"outputTokens":4,"budget":null}}`)
	check("claimed again")

	mustUpdate(t, store, "J", jobstore.Update{Owner: "o-2", Status: jobstore.Failed, Error: &dispatch.JobError{Message: "disk full", Name: "Error", Stack: "at main"}})
	set("status", "failed", "leaseUntil", "", "completedAt", "2026-03-04T12:01:00.005Z", "error", `{"message":"disk full","name":"Error","stack":"at main"}`)
	check("failed")
	mustUpdate(t, store, "J", jobstore.Update{Webhook: &jobstore.Webhook{Attempts: 2, Status: 500, Error: "500 <x>", Pending: true, At: now.at}})
	set("webhook", `{"delivered":false,"attempts":2,"status":500,"error":"500 <x>","pending":true,"at":"2026-03-04T12:01:00.005Z"}`)
	check("called back")

	c.Owner, c.MessageID, c.Receives, c.Input, c.UserID = "o-3", "m-3", 1, nil, ""
	mustClaim(t, store, c)
	set("status", "running", "owner", "o-3", "messageId", "m-3", "receives", "1", "leaseUntil", "2026-03-04T12:02:00.005Z",
		"error", "", "completedAt", "", "webhook", "", "input", "", "inputBytes", "", "userId", "",
		"metadata", `{"empty":[],"lastError":{"message":"disk full","name":"Error","stack":"at main"},"n":12345678901234567890,"source":"<app> & co","tokenUsage":{"inputTokens":3,"outputTokens":4,"budget":null}}`)
	check("replayed, with an input that is too long to be kept")

	mustUpdate(t, store, "J", jobstore.Update{Owner: "o-3", Status: jobstore.Completed, Output: json.RawMessage(`"{\"a\":1}"`), OutputBytes: 11})
	set("status", "completed", "leaseUntil", "", "completedAt", "2026-03-04T12:01:00.005Z", "output", `"{\"a\":1}"`, "outputBytes", "11")
	check("completed")
	// An output of ours that is a text of JSON is that text, not what it says.
	if got := mustGet(t, store, "J"); string(got.Output) != `"{\"a\":1}"` {
		t.Errorf("the output is %s", got.Output)
	}
}
