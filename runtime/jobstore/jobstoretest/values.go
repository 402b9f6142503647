package jobstoretest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

func metadataMerge(t *testing.T, store jobstore.Store) {
	claims(t, store, job("j", "first"), jobstore.ClaimedJob)
	same(t, "no metadata", get(t, store, "j").Metadata, map[string]any{})
	for _, step := range []struct{ merged, want map[string]any }{
		{map[string]any{"a": "1", "deep": map[string]any{"x": "1", "y": "1"}}, map[string]any{"a": "1", "deep": map[string]any{"x": "1", "y": "1"}}},
		{map[string]any{"b": "2"}, map[string]any{"a": "1", "b": "2", "deep": map[string]any{"x": "1", "y": "1"}}},
		// Key by key, no deeper.
		{map[string]any{"a": "3", "deep": map[string]any{"z": "3"}}, map[string]any{"a": "3", "b": "2", "deep": map[string]any{"z": "3"}}},
		{map[string]any{"a": nil}, map[string]any{"a": nil, "b": "2", "deep": map[string]any{"z": "3"}}},
		{map[string]any{}, map[string]any{"a": nil, "b": "2", "deep": map[string]any{"z": "3"}}},
	} {
		updates(t, store, "j", jobstore.Update{Owner: "first", Metadata: step.merged})
		same(t, "merged "+show(step.merged), get(t, store, "j").Metadata, step.want)
	}
}

func metadataValues(t *testing.T, store jobstore.Store) {
	given := map[string]any{
		"int": 7, "uint64": uint64(18446744073709551615), "float": 0.1, "text": "<a href=\"x\">&</a> ä \U0001F600 \x00\u2028",
		"digits": json.Number("123456789012345678901234567890123456789012345678.90"), "huge": json.Number("1e999"), "zero": json.Number("-0"),
		"raw": json.RawMessage(`{"n":9007199254740993}`), "list": []string{"b", "a"}, "empty list": []any{}, "empty": map[string]any{}, "null": nil, "yes": true,
		"struct": jobstore.Tokens{Input: 1, Output: 2}, "time": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		"": "no name", "a.b": "a dot", "a": map[string]any{"b": "nested"}, "__trigger": map[string]any{"type": "worker", "awaited": true},
		"status": "a name of ours", "jobId": "another", "#name": ":value", "ä \x00\n\"": "odd", "A": "upper", strings.Repeat("k", 200): "long",
	}
	want := map[string]any{
		"int": json.Number("7"), "uint64": json.Number("18446744073709551615"), "float": json.Number("0.1"), "text": given["text"],
		"digits": given["digits"], "huge": given["huge"], "zero": given["zero"],
		"raw": map[string]any{"n": json.Number("9007199254740993")}, "list": []any{"b", "a"}, "empty list": []any{}, "empty": map[string]any{}, "null": nil, "yes": true,
		"struct": map[string]any{"inputTokens": json.Number("1"), "outputTokens": json.Number("2"), "budget": nil}, "time": "2026-01-02T03:04:05Z",
		"": "no name", "a.b": "a dot", "a": map[string]any{"b": "nested"}, "__trigger": map[string]any{"type": "worker", "awaited": true},
		"status": "a name of ours", "jobId": "another", "#name": ":value", "ä \x00\n\"": "odd", "A": "upper", strings.Repeat("k", 200): "long",
	}
	c := job("claimed", "first")
	c.Metadata = given
	claims(t, store, c, jobstore.ClaimedJob)
	same(t, "metadata of a claim", get(t, store, "claimed").Metadata, want)

	claims(t, store, job("updated", "first"), jobstore.ClaimedJob)
	updates(t, store, "updated", jobstore.Update{Owner: "first", Metadata: given})
	same(t, "metadata of an update", get(t, store, "updated").Metadata, want)
	got := get(t, store, "updated")
	if got.Status != jobstore.Running || got.JobID != "updated" {
		t.Errorf("metadata changed the record: %s", show(got))
	}
}

func metadataManyKeys(t *testing.T, store jobstore.Store) {
	many := map[string]any{}
	for n := range 1000 {
		many[fmt.Sprint("key ", n)] = fmt.Sprint("value ", n)
	}
	c := job("j", "first")
	c.Metadata = many
	claims(t, store, c, jobstore.ClaimedJob)
	same(t, "after the claim", get(t, store, "j").Metadata, many)
	for key := range many {
		many[key] = "changed"
	}
	updates(t, store, "j", jobstore.Update{Owner: "first", Metadata: many, Status: jobstore.Failed})
	got := get(t, store, "j")
	same(t, "after the update", got.Metadata, many)
	if got.Status != jobstore.Failed {
		t.Errorf("the update's status is %s", got.Status)
	}
	claims(t, store, job("j", "second"), jobstore.ClaimedJob)
	same(t, "after the next claim", get(t, store, "j").Metadata, many)
}

func children(t *testing.T, store jobstore.Store) {
	claims(t, store, job("j", "first"), jobstore.ClaimedJob)
	if got := get(t, store, "j").Children; len(got) != 0 {
		t.Errorf("children of a job that has none: %s", show(got))
	}
	want := []jobstore.Child{
		{JobID: "b", WorkerID: "w", Awaited: true},
		{JobID: "a", WorkerID: "w", DelaySeconds: 900},
		{JobID: "B", WorkerID: "w"},
		{JobID: "c/../ä \x00\"", WorkerID: "other"},
	}
	for _, child := range want {
		updates(t, store, "j", jobstore.Update{Owner: "first", Child: &child})
	}
	// The same child again, as when an answer is lost and a dispatch repeated; what else
	// the update says is done.
	updates(t, store, "j", jobstore.Update{Owner: "first", Child: &want[0]})
	updates(t, store, "j", jobstore.Update{
		Owner: "first", Child: &jobstore.Child{JobID: "a", WorkerID: "changed"}, Progress: &jobstore.Progress{Percent: 3}, Metadata: map[string]any{"k": "v"},
	})
	got := get(t, store, "j")
	same(t, "children", got.Children, want)
	if got.Progress == nil || got.Metadata["k"] != "v" {
		t.Errorf("an update with a child that is there: %s", show(got))
	}
	refuses(t, store, "j", jobstore.Update{Owner: "second", Child: &want[0]}, jobstore.ErrLeaseLost)

	// The next delivery adds to them.
	updates(t, store, "j", jobstore.Update{Owner: "first", Status: jobstore.Queued})
	claims(t, store, job("j", "second"), jobstore.ClaimedJob)
	updates(t, store, "j", jobstore.Update{Owner: "second", Child: &want[1]})
	updates(t, store, "j", jobstore.Update{Owner: "second", Child: &jobstore.Child{JobID: "d", WorkerID: "w"}})
	same(t, "children of two deliveries", get(t, store, "j").Children, append(want, jobstore.Child{JobID: "d", WorkerID: "w"}))
}

func reports(t *testing.T, store jobstore.Store) {
	claims(t, store, job("j", "first"), jobstore.ClaimedJob)
	got := get(t, store, "j")
	if got.Progress != nil || got.Tokens != nil || got.Webhook != nil {
		t.Errorf("reports of a job that has made none: %s", show(got))
	}
	budget := int64(9_007_199_254_740_993)
	at := time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)
	want := jobstore.Record{
		Progress: &jobstore.Progress{Percent: 33.3, Message: "encoding <ä> & \x00"},
		Tokens:   &jobstore.Tokens{Input: 9_007_199_254_740_993, Output: 0, Budget: &budget},
		Webhook:  &jobstore.Webhook{Attempts: 3, Status: 503, Error: "503 \"Service\" Unavailable", Pending: true, At: at},
	}
	updates(t, store, "j", jobstore.Update{Owner: "first", Progress: want.Progress, Tokens: want.Tokens, Webhook: want.Webhook})
	got = get(t, store, "j")
	same(t, "progress", got.Progress, want.Progress)
	same(t, "tokens", got.Tokens, want.Tokens)
	same(t, "webhook", got.Webhook, want.Webhook)

	// Each replaces what was there, and only that.
	updates(t, store, "j", jobstore.Update{Owner: "first", Progress: &jobstore.Progress{}})
	updates(t, store, "j", jobstore.Update{Owner: "first", Tokens: &jobstore.Tokens{Output: 5}})
	got = get(t, store, "j")
	same(t, "progress replaced", got.Progress, &jobstore.Progress{})
	same(t, "tokens replaced", got.Tokens, &jobstore.Tokens{Output: 5})
	same(t, "webhook left alone", got.Webhook, want.Webhook)
	updates(t, store, "j", jobstore.Update{Webhook: &jobstore.Webhook{Delivered: true, Attempts: 4, Status: 204, At: at.Add(123456 * time.Microsecond)}})
	same(t, "webhook replaced", get(t, store, "j").Webhook,
		&jobstore.Webhook{Delivered: true, Attempts: 4, Status: 204, At: at.Add(123 * time.Millisecond)})
}

// jobIDs are all different jobs, and all legal.
func jobIDs(t *testing.T, store jobstore.Store) {
	ids := []string{
		"job-1", "JOB-1", "Job-1", "job-1 ", " job-1", "job-1\n", "job-1.", "job-1.json", "job-1:internal",
		"/", "a/b", "a\\b", "../../etc/passwd", "..", ".", "~", "con", "NUL", "aux.txt", "a:b", "a*b?", "{a}", "%2e%2e", "$HOME", "-rf",
		"\x00", "a\x00b", "\x1b[31m", "\u202e", "ä", "a\u0308", "Ä", "İ", "i", "I", "ß", "ss", "\U0001F600", "工作", `"`, `'`, "`", "#", "undefined",
		strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("x", 3000), strings.Repeat("x", 3001), strings.Repeat("x", 2999) + "y",
		strings.Repeat("工", 1500),
	}
	for n, id := range ids {
		c := job(id, fmt.Sprint("owner ", n))
		if before := claims(t, store, c, jobstore.ClaimedJob); before != nil {
			t.Fatalf("%.80q has the record of %.80q", id, before.JobID)
		}
		updates(t, store, id, jobstore.Update{Owner: c.Owner, Metadata: map[string]any{"n": n}, Child: &jobstore.Child{JobID: id, WorkerID: "w"}})
	}
	for n, id := range ids {
		got := get(t, store, id)
		if got.JobID != id || got.Owner != fmt.Sprint("owner ", n) || got.Metadata["n"] != json.Number(fmt.Sprint(n)) || len(got.Children) != 1 || got.Children[0].JobID != id {
			t.Errorf("the record of %.80q: %.400s", id, show(got))
		}
		claims(t, store, job(id, "another"), jobstore.Busy)
	}
}

func ownRecords(t *testing.T, store jobstore.Store) {
	c := job("j", "first")
	c.Metadata = map[string]any{"deep": map[string]any{"list": []any{"a", map[string]any{"k": "v"}}}}
	claims(t, store, c, jobstore.ClaimedJob)
	budget := int64(5)
	updates(t, store, "j", jobstore.Update{
		Owner: "first", Output: json.RawMessage(`"out"`), LastError: nil, Progress: &jobstore.Progress{Percent: 1}, Tokens: &jobstore.Tokens{Budget: &budget},
		Child: &jobstore.Child{JobID: "c", WorkerID: "w"}, Webhook: &jobstore.Webhook{Attempts: 1, At: time.Unix(1, 0).UTC()}, Metadata: map[string]any{"k": "v"},
	})
	want := show(get(t, store, "j")) // as text, which nobody can change
	spoil := func(r *jobstore.Record) {
		copy(r.Input, "spoiled")
		copy(r.Output, "spoil")
		r.Metadata["deep"].(map[string]any)["list"].([]any)[1].(map[string]any)["k"] = "spoiled"
		r.Metadata["deep"].(map[string]any)["list"].([]any)[0] = "spoiled"
		r.Metadata["more"] = "spoiled"
		r.Progress.Percent, r.Webhook.Attempts, *r.Tokens.Budget = 99, 99, 99
		r.Children[0].JobID = "spoiled"
		r.Status = jobstore.Completed
	}
	spoil(get(t, store, "j"))
	sameText(t, "after a caller changed what Get returned", get(t, store, "j"), want)
	spoil(claims(t, store, job("j", "second"), jobstore.Busy))
	sameText(t, "after a caller changed what a claim returned", get(t, store, "j"), want)
}

func ownArguments(t *testing.T, store jobstore.Store) {
	c := job("j", "first")
	inner := map[string]any{"k": "v"}
	c.Metadata = map[string]any{"inner": inner}
	claims(t, store, c, jobstore.ClaimedJob)
	budget := int64(5)
	u := jobstore.Update{
		Owner: "first", Output: json.RawMessage(`"out"`), Progress: &jobstore.Progress{Percent: 1}, Tokens: &jobstore.Tokens{Budget: &budget},
		Child: &jobstore.Child{JobID: "c", WorkerID: "w"}, Webhook: &jobstore.Webhook{Attempts: 1, At: time.Unix(1, 0).UTC()}, Metadata: map[string]any{"more": inner},
	}
	updates(t, store, "j", u)
	want := show(get(t, store, "j"))
	copy(c.Input, "spoiled")
	copy(u.Output, "spoil")
	inner["k"], c.Metadata["inner"] = "spoiled", "spoiled"
	u.Progress.Percent, u.Webhook.Attempts, budget, u.Child.JobID = 99, 99, 99, "spoiled"
	sameText(t, "after a caller changed its arguments", get(t, store, "j"), want)
}

func sameText(t *testing.T, when string, got *jobstore.Record, want string) {
	t.Helper()
	if text := show(got); text != want {
		t.Errorf("%s:\n got %s\nwant %s", when, text, want)
	}
}

// updateRace has the owner and others change one record at the same time: no child,
// no metadata key and no report may be lost.
func updateRace(t *testing.T, store jobstore.Store) {
	const writers, rounds = 8, 8
	claims(t, store, job("j", "first"), jobstore.ClaimedJob)
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for round := range rounds {
				u := jobstore.Update{
					Metadata: map[string]any{fmt.Sprintf("%d of %d", round, writer): "kept", "shared": "x"},
					Child:    &jobstore.Child{JobID: fmt.Sprintf("%d of %d", round, writer), WorkerID: "w"},
				}
				if writer%2 == 0 {
					u.Owner = "first"
				}
				switch writer {
				case 1:
					u.Tokens = &jobstore.Tokens{Input: int64(round)}
				case 2:
					u.Progress = &jobstore.Progress{Percent: float64(round)}
				}
				if err := store.Update(t.Context(), "j", u); err != nil {
					t.Errorf("writer %d, round %d: %v", writer, round, err)
				}
				same := jobstore.Update{Owner: u.Owner, Child: &jobstore.Child{JobID: "the same for all", WorkerID: "w"}}
				if err := store.Update(t.Context(), "j", same); err != nil {
					t.Errorf("writer %d, round %d: %v", writer, round, err)
				}
			}
		})
	}
	group.Wait()
	got := get(t, store, "j")
	if len(got.Children) != writers*rounds+1 || len(got.Metadata) != writers*rounds+1 {
		t.Errorf("%d children and %d metadata keys, want %d of each", len(got.Children), len(got.Metadata), writers*rounds+1)
	}
	place := map[string]int{}
	for n, child := range got.Children {
		place[child.JobID] = n + 1
	}
	for writer := range writers {
		for round := range rounds {
			name := fmt.Sprintf("%d of %d", round, writer)
			if place[name] == 0 || got.Metadata[name] != "kept" {
				t.Errorf("%s is lost", name)
			}
			if round > 0 && place[name] < place[fmt.Sprintf("%d of %d", round-1, writer)] {
				t.Errorf("%s comes before the child that the same writer added first", name)
			}
		}
	}
	if got.Tokens == nil || got.Tokens.Input != rounds-1 || got.Progress == nil || got.Progress.Percent != rounds-1 || got.Status != jobstore.Running || got.Owner != "first" {
		t.Errorf("the record: %s", show(got))
	}
}

func contextDone(t *testing.T, store jobstore.Store) {
	claims(t, store, job("j", "first"), jobstore.ClaimedJob)
	before := get(t, store, "j")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer stop()
	for ctx, want := range map[context.Context]error{cancelled: context.Canceled, late: context.DeadlineExceeded} {
		if got, err := store.Claim(ctx, job("other", "first")); !errors.Is(err, want) {
			t.Errorf("claim: %v, %v, want %v", decision(got.Decision), err, want)
		}
		if err := store.Update(ctx, "j", jobstore.Update{Owner: "first", Status: jobstore.Completed}); !errors.Is(err, want) {
			t.Errorf("update: %v, want %v", err, want)
		}
		if record, err := store.Get(ctx, "j"); !errors.Is(err, want) {
			t.Errorf("get: %s, %v, want %v", show(record), err, want)
		}
	}
	same(t, "the record after what was cancelled", get(t, store, "j"), before)
	if _, err := store.Get(t.Context(), "other"); !errors.Is(err, jobstore.ErrNotFound) {
		t.Errorf("a cancelled claim made a record: %v", err)
	}
}
