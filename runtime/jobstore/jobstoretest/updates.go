package jobstoretest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

func ownerUpdates(t *testing.T, store jobstore.Store) {
	claims(t, store, job("j", "first"), jobstore.ClaimedJob)
	updates(t, store, "j", jobstore.Update{Owner: "first", Progress: &jobstore.Progress{Percent: 10}})
	updates(t, store, "j", jobstore.Update{Owner: "first"})
	refuses(t, store, "j", jobstore.Update{Owner: "second", Progress: &jobstore.Progress{Percent: 20}}, jobstore.ErrLeaseLost)
	refuses(t, store, "j", jobstore.Update{Owner: "First", Status: jobstore.Completed}, jobstore.ErrLeaseLost)

	// A lease that has passed, and that nobody has taken, is still the owner's.
	claims(t, store, passed("late", "first"), jobstore.ClaimedJob)
	updates(t, store, "late", jobstore.Update{Owner: "first", Progress: &jobstore.Progress{Percent: 99}})
	updates(t, store, "late", jobstore.Update{Owner: "first", Status: jobstore.Completed})
	claims(t, store, job("late", "second"), jobstore.Done)

	// One that somebody has taken is not, also when that one has ended the job.
	claims(t, store, passed("taken", "first"), jobstore.ClaimedJob)
	claims(t, store, job("taken", "second"), jobstore.ClaimedJob)
	for _, u := range []jobstore.Update{
		{Owner: "first"},
		{Owner: "first", Progress: &jobstore.Progress{Percent: 1}},
		{Owner: "first", Child: &jobstore.Child{JobID: "c", WorkerID: "w"}},
		{Owner: "first", Metadata: map[string]any{"k": 1}},
		{Owner: "first", Status: jobstore.Running},
		{Owner: "first", Status: jobstore.Failed, Error: &dispatch.JobError{Message: "no"}},
	} {
		refuses(t, store, "taken", u, jobstore.ErrLeaseLost)
	}
	updates(t, store, "taken", jobstore.Update{Owner: "second", Status: jobstore.Completed})
	refuses(t, store, "taken", jobstore.Update{Owner: "first", Status: jobstore.Completed}, jobstore.ErrLeaseLost)
}

func ownerEnds(t *testing.T, store jobstore.Store) {
	for _, end := range []jobstore.Status{jobstore.Queued, jobstore.Completed, jobstore.Failed} {
		id := string(end)
		claims(t, store, job(id, "first"), jobstore.ClaimedJob)
		updates(t, store, id, jobstore.Update{Owner: "first", Status: end})
		got := get(t, store, id)
		if got.Status != end || !got.LeaseUntil.IsZero() || got.Owner != "first" {
			t.Errorf("ended as %s: %s", end, show(got))
		}
		if ended := end != jobstore.Queued; ended == got.CompletedAt.IsZero() || ended && !got.CompletedAt.Equal(got.UpdatedAt) {
			t.Errorf("ended as %s: completed at %v, updated at %v", end, got.CompletedAt, got.UpdatedAt)
		}
		for _, u := range []jobstore.Update{
			{Owner: "first"},
			{Owner: "first", Progress: &jobstore.Progress{Percent: 1}},
			{Owner: "first", Status: jobstore.Running},
			{Owner: "first", Child: &jobstore.Child{JobID: "c", WorkerID: "w"}},
		} {
			refuses(t, store, id, u, jobstore.ErrLeaseLost)
		}
		for _, other := range []jobstore.Status{jobstore.Queued, jobstore.Completed, jobstore.Failed} {
			if other != end {
				refuses(t, store, id, jobstore.Update{Owner: "first", Status: other}, jobstore.ErrLeaseLost)
			}
		}
	}
}

func endRepeated(t *testing.T, store jobstore.Store) {
	for _, end := range []jobstore.Status{jobstore.Queued, jobstore.Completed, jobstore.Failed} {
		id := string(end)
		claims(t, store, job(id, "first"), jobstore.ClaimedJob)
		u := jobstore.Update{Owner: "first", Status: end, Metadata: map[string]any{"k": "v"}}
		updates(t, store, id, u)
		before := get(t, store, id)
		updates(t, store, id, u)
		same(t, "after the repeated end", get(t, store, id), before)
		if end == jobstore.Completed {
			continue
		}
		// It is over when the next delivery has the job.
		claims(t, store, job(id, "second"), jobstore.ClaimedJob)
		refuses(t, store, id, u, jobstore.ErrLeaseLost)
	}
}

func updatesByNobody(t *testing.T, store jobstore.Store) {
	claims(t, store, job("j", "first"), jobstore.ClaimedJob)
	updates(t, store, "j", jobstore.Update{Progress: &jobstore.Progress{Percent: 5}, Metadata: map[string]any{"k": "v"}})
	got := get(t, store, "j")
	if got.Progress == nil || got.Progress.Percent != 5 || got.Metadata["k"] != "v" || got.Owner != "first" || got.LeaseUntil.IsZero() {
		t.Errorf("after an update by nobody: %s", show(got))
	}
	updates(t, store, "j", jobstore.Update{Owner: "first", Status: jobstore.Completed})
	updates(t, store, "j", jobstore.Update{Webhook: &jobstore.Webhook{Delivered: true, Attempts: 1, At: time.Now()}})
	if got := get(t, store, "j"); got.Webhook == nil || !got.Webhook.Delivered || got.Status != jobstore.Completed || got.CompletedAt.IsZero() {
		t.Errorf("after the callback: %s", show(got))
	}

	// A status set by nobody takes the job from its owner.
	for _, status := range []jobstore.Status{jobstore.Queued, jobstore.Completed, jobstore.Failed} {
		id := "taken as " + string(status)
		claims(t, store, job(id, "first"), jobstore.ClaimedJob)
		updates(t, store, id, jobstore.Update{Status: status})
		if got := get(t, store, id); got.Status != status || !got.LeaseUntil.IsZero() || got.Owner != "" {
			t.Errorf("set to %s by nobody: %s", status, show(got))
		}
		refuses(t, store, id, jobstore.Update{Owner: "first", Status: status}, jobstore.ErrLeaseLost)
		refuses(t, store, id, jobstore.Update{Owner: "first", Progress: &jobstore.Progress{}}, jobstore.ErrLeaseLost)
	}
}

// updateAgainstClaim lets a late owner end a job while another takes it over: exactly
// one of the two gets its way.
func updateAgainstClaim(t *testing.T, store jobstore.Store) {
	for round := range 20 {
		id := fmt.Sprint("j-", round)
		claims(t, store, passed(id, "late"), jobstore.ClaimedJob)
		second := job(id, "second")
		var (
			group    sync.WaitGroup
			ended    error
			claimed  jobstore.Claimed
			claimErr error
		)
		group.Go(func() {
			ended = store.Update(t.Context(), id, jobstore.Update{Owner: "late", Status: jobstore.Completed, Output: json.RawMessage(`"late"`)})
		})
		group.Go(func() { claimed, claimErr = store.Claim(t.Context(), second) })
		group.Wait()
		got := get(t, store, id)
		switch {
		case claimErr != nil:
			t.Fatal(claimErr)
		case ended == nil && claimed.Decision == jobstore.Done && got.Status == jobstore.Completed:
		case errors.Is(ended, jobstore.ErrLeaseLost) && claimed.Decision == jobstore.ClaimedJob && got.Owner == "second" && got.Status == jobstore.Running && got.Output == nil:
		default:
			t.Fatalf("the late owner's end: %v; the claim: %v; the record: %s", ended, decision(claimed.Decision), show(got))
		}
	}
}

func output(t *testing.T, store jobstore.Store) {
	for n, text := range []string{
		`{"url":"https://example.com/?a=1&b=<2>","n":[]}`, `null`, `false`, `0`, `""`, `[]`, `{}`,
		`12345678901234567890123456789012345678901234567890.000`, `1E400`, `-0.0`,
		`"\u0000\ud800 \u2028 ` + "\u2028 ä \U0001F600" + `"`, `{"b":1,"a":2,"b":3}`,
	} {
		id := fmt.Sprint("j-", n)
		c := job(id, "first")
		c.Input = json.RawMessage(text)
		claims(t, store, c, jobstore.ClaimedJob)
		updates(t, store, id, jobstore.Update{Owner: "first", Status: jobstore.Completed, Output: json.RawMessage(text), OutputBytes: len(text)})
		got := get(t, store, id)
		if string(got.Input) != text || string(got.Output) != text || got.OutputBytes != len(text) {
			t.Errorf("%s came back as input %s and output %s of %d bytes", text, got.Input, got.Output, got.OutputBytes)
		}
	}

	claims(t, store, job("j", "first"), jobstore.ClaimedJob)
	if got := get(t, store, "j"); got.Output != nil || got.OutputBytes != 0 {
		t.Errorf("before there is an output: %s of %d bytes", got.Output, got.OutputBytes)
	}
	updates(t, store, "j", jobstore.Update{Owner: "first", Output: json.RawMessage(`"one"`)})
	if got := get(t, store, "j"); string(got.Output) != `"one"` || got.OutputBytes != 5 {
		t.Errorf("an output without its length: %s of %d bytes", got.Output, got.OutputBytes)
	}
	updates(t, store, "j", jobstore.Update{Owner: "first", Progress: &jobstore.Progress{Percent: 50}})
	if got := get(t, store, "j"); string(got.Output) != `"one"` {
		t.Errorf("another update changed the output to %s", got.Output)
	}
	// The length alone replaces both.
	updates(t, store, "j", jobstore.Update{Owner: "first", OutputBytes: 9_000_000})
	if got := get(t, store, "j"); got.Output != nil || got.OutputBytes != 9_000_000 {
		t.Errorf("an output too long to be kept: %.40s of %d bytes", got.Output, got.OutputBytes)
	}
	updates(t, store, "j", jobstore.Update{Owner: "first", Output: json.RawMessage(`2`), OutputBytes: 1})
	if got := get(t, store, "j"); string(got.Output) != `2` || got.OutputBytes != 1 {
		t.Errorf("the next output: %s of %d bytes", got.Output, got.OutputBytes)
	}
}

// longDocuments wants 64 KiB kept, and of what is longer that it is kept whole or
// not at all: a long document must never keep a job from being claimed or ended.
func longDocuments(t *testing.T, store jobstore.Store) {
	for _, size := range []int{64 << 10, 300 << 10, 2 << 20} {
		id := fmt.Sprint(size, " bytes")
		text := json.RawMessage(`"` + string(bytes.Repeat([]byte("x"), size-2)) + `"`)
		c := job(id, "first")
		c.Input = text
		claims(t, store, c, jobstore.ClaimedJob)
		updates(t, store, id, jobstore.Update{Owner: "first", Status: jobstore.Completed, Output: text, OutputBytes: size})
		got := get(t, store, id)
		if got.Status != jobstore.Completed || got.OutputBytes != size {
			t.Errorf("%s: %s, an output of %d bytes", id, got.Status, got.OutputBytes)
		}
		for what, kept := range map[string]json.RawMessage{"input": got.Input, "output": got.Output} {
			if !bytes.Equal(kept, text) && (kept != nil || size <= 64<<10) {
				t.Errorf("%s: %d bytes of the %s are kept", id, len(kept), what)
			}
		}
	}
}

func jobErrors(t *testing.T, store jobstore.Store) {
	first := &dispatch.JobError{Message: "429 \"too many\" <requests> & ä \x00", Name: "RateLimitError", Stack: "a\n\tb"}
	second := &dispatch.JobError{Message: "disk full"}
	third := &dispatch.JobError{Message: "gone"}
	claims(t, store, job("j", "1"), jobstore.ClaimedJob)
	updates(t, store, "j", jobstore.Update{Owner: "1", Status: jobstore.Queued, LastError: first})
	want := func(when string, failed, last *dispatch.JobError) {
		t.Helper()
		got := get(t, store, "j")
		same(t, when+": the error", got.Error, failed)
		same(t, when+": the last error", got.LastError, last)
	}
	want("queued again", nil, first)
	claims(t, store, job("j", "2"), jobstore.ClaimedJob)
	want("claimed again", nil, first)
	updates(t, store, "j", jobstore.Update{Owner: "2", Status: jobstore.Failed, Error: second})
	want("failed", second, first)
	claims(t, store, job("j", "3"), jobstore.ClaimedJob)
	want("replayed", nil, second)
	updates(t, store, "j", jobstore.Update{Owner: "3", Status: jobstore.Failed, Error: third})
	updates(t, store, "j", jobstore.Update{Status: jobstore.Queued})
	want("queued by nobody", nil, third)
	if got := get(t, store, "j"); !got.CompletedAt.IsZero() {
		t.Errorf("queued by nobody: completed at %v", got.CompletedAt)
	}
	claims(t, store, job("j", "4"), jobstore.ClaimedJob)
	updates(t, store, "j", jobstore.Update{Owner: "4", Status: jobstore.Completed})
	want("completed", nil, third)
}

// longErrors wants a job ended whatever its error says. A store may cut the text, not
// below 1,000 bytes.
func longErrors(t *testing.T, store jobstore.Store) {
	whole := strings.Repeat("an answer put into an error ", 1<<16)
	long := &dispatch.JobError{Message: whole, Name: "Error", Stack: whole}
	claims(t, store, job("j", "1"), jobstore.ClaimedJob)
	updates(t, store, "j", jobstore.Update{Owner: "1", Progress: &jobstore.Progress{Message: whole}})
	updates(t, store, "j", jobstore.Update{Owner: "1", Status: jobstore.Queued, LastError: long})
	claims(t, store, job("j", "2"), jobstore.ClaimedJob)
	updates(t, store, "j", jobstore.Update{Owner: "2", Status: jobstore.Failed, Error: long})
	updates(t, store, "j", jobstore.Update{Webhook: &jobstore.Webhook{Attempts: 1, Error: whole, At: time.Now()}})
	got := get(t, store, "j")
	if got.Status != jobstore.Failed || got.Error == nil || got.LastError == nil || got.Webhook == nil {
		t.Fatalf("the record: %.1000s", show(got))
	}
	for what, text := range map[string]string{
		"message": got.Error.Message, "stack": got.Error.Stack, "last message": got.LastError.Message, "last stack": got.LastError.Stack, "webhook's error": got.Webhook.Error,
	} {
		if len(text) < 1000 || !strings.HasPrefix(text, whole[:1000]) {
			t.Errorf("the %s of %d bytes does not begin as it should: %.100s", what, len(text), text)
		}
	}
}

func times(t *testing.T, store jobstore.Store) {
	start := time.Now().UTC().Truncate(time.Millisecond)
	c := job("j", "first")
	c.Lease = time.Date(2199, 12, 31, 23, 59, 59, 987_654_321, time.FixedZone("", 3600))
	claims(t, store, c, jobstore.ClaimedJob)
	claimed := get(t, store, "j")
	updates(t, store, "j", jobstore.Update{Owner: "first", Status: jobstore.Completed})
	completed := get(t, store, "j")
	if want := time.Date(2199, 12, 31, 22, 59, 59, 987_000_000, time.UTC); claimed.LeaseUntil != want {
		t.Errorf("the lease: %v, want %v", claimed.LeaseUntil, want)
	}
	if !claimed.CompletedAt.IsZero() || completed.CompletedAt != completed.UpdatedAt {
		t.Errorf("completed at %v, then at %v", claimed.CompletedAt, completed.CompletedAt)
	}
	if completed.CreatedAt != claimed.CreatedAt {
		t.Errorf("created at %v, then at %v", claimed.CreatedAt, completed.CreatedAt)
	}
	// A store may go by its server's clock; a minute is far for that, and near for a wrong unit.
	for what, at := range map[string]time.Time{"created": completed.CreatedAt, "updated": completed.UpdatedAt, "completed": completed.CompletedAt} {
		if at.Location() != time.UTC || at.Truncate(time.Millisecond) != at || at.Sub(start).Abs() > time.Minute {
			t.Errorf("%s at %v, want UTC, milliseconds, about %v", what, at, start)
		}
	}
	for what, far := range map[string]time.Time{"never": time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), "zero": {}} {
		c := job(what, "first")
		c.Lease = far
		claims(t, store, c, jobstore.ClaimedJob)
		updates(t, store, what, jobstore.Update{Webhook: &jobstore.Webhook{At: far}})
		if got := get(t, store, what); got.LeaseUntil.IsZero() != far.IsZero() {
			t.Errorf("a lease until %v: %v", far, got.LeaseUntil)
		}
		claims(t, store, job(what, "second"), map[bool]jobstore.Decision{true: jobstore.ClaimedJob, false: jobstore.Busy}[far.IsZero()])
	}
	if claimed.UpdatedAt.After(completed.UpdatedAt) {
		t.Errorf("updated at %v, then at %v", claimed.UpdatedAt, completed.UpdatedAt)
	}
}

func noRecord(t *testing.T, store jobstore.Store) {
	if record, err := store.Get(t.Context(), "nobody's"); !errors.Is(err, jobstore.ErrNotFound) || record != nil {
		t.Errorf("get: %s, %v", show(record), err)
	}
	for _, u := range []jobstore.Update{
		{},
		{Owner: "first"},
		{Owner: "first", Status: jobstore.Completed},
		{Metadata: map[string]any{"k": 1}},
		{Child: &jobstore.Child{JobID: "c", WorkerID: "w"}},
	} {
		if err := store.Update(t.Context(), "nobody's", u); !errors.Is(err, jobstore.ErrNotFound) {
			t.Errorf("update %s: %v", show(u), err)
		}
	}
	if record, err := store.Get(t.Context(), "nobody's"); !errors.Is(err, jobstore.ErrNotFound) {
		t.Errorf("updates of nothing made a record: %s, %v", show(record), err)
	}
}
