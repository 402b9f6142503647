package redisstore

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// FuzzDocument reads documents in which one field, or one child, is anything: reading
// never panics, and the rest of the record is there. A claim of it writes a document
// that says what the claim said.
func FuzzDocument(f *testing.F) {
	names := []string{
		fieldJobID, fieldWorkerID, fieldUserID, fieldStatus, fieldInput, fieldOutput, fieldError, fieldMetadata, fieldCreatedAt,
		fieldUpdatedAt, fieldCompletedAt, fieldOldChildren, fieldOwner, fieldLeaseUntil, fieldMessageID, fieldReceives, fieldWebhook,
		fieldInputBytes, fieldOutputBytes, fieldHasChildren, fieldLastWrite, "", "another", "child",
	}
	for i := range names {
		for _, value := range []string{
			``, `"`, `""`, `null`, `undefined`, `[object Object]`, `{}`, `[]`, `[null]`, `"{}"`, `"\"{}\""`, `{"a":1e999}`, `1e999`, `-1`, `007`,
			`{"progress":null,"progressMessage":"m"}`, `{"progress":"x"}`, `{"tokenUsage":{"inputTokens":"1","budget":-1e400}}`,
			`{"lastError":{"message":{"a":1},"stack":7}}`, `{"message":null}`, `{"jobId":1e5,"awaited":"yes","delaySeconds":99999999999999999999}`,
			`"[\"{\\\"jobId\\\":1}\"]"`, `2026-03-04T12:00:00.000Z`, `"2026-03-04T12:00:00Z"`, `9223372036854775807`, "\xff\x00", `"\ud800"`,
		} {
			f.Add(uint8(i), value)
		}
	}
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	at := func(minutes int) string { return timeText(now.Add(time.Duration(minutes) * time.Minute)) }
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		name := names[int(which)%len(names)]
		h := hash{
			fieldJobID: "J", fieldWorkerID: "w", fieldUserID: "u", fieldStatus: "failed", fieldInput: `{"i":1}`, fieldOutput: `{"o":1}`,
			fieldError: `{"message":"no","name":"E"}`, fieldMetadata: `{"k":"v","progress":5,"progressMessage":"m","tokenUsage":{"inputTokens":1,"outputTokens":2,"budget":3}}`,
			fieldCreatedAt: at(-9), fieldUpdatedAt: at(-8), fieldCompletedAt: at(-7), fieldOldChildren: `[{"jobId":"old","workerId":"w"}]`,
			fieldMessageID: "m", fieldReceives: "2", fieldWebhook: `{"delivered":true,"attempts":1,"at":"2026-03-04T12:00:00.000Z"}`,
		}
		list := []string{`{"jobId":"listed","workerId":"w"}`}
		if name == "child" {
			list = append(list, value)
		} else {
			h[name] = value
		}

		r := h.record("J", list, now)
		check := func(field string, ok bool) {
			t.Helper()
			if field != name && !ok {
				t.Errorf("with %q in the field %q, the field %q is lost: %+v", value, name, field, r)
			}
		}
		check(fieldJobID, r.JobID == "J")
		check(fieldWorkerID, r.WorkerID == "w")
		check(fieldUserID, r.UserID == "u")
		check(fieldMessageID, r.MessageID == "m")
		check(fieldReceives, r.Receives == 2)
		check(fieldCreatedAt, r.CreatedAt.Equal(now.Add(-9*time.Minute)))
		check(fieldUpdatedAt, r.UpdatedAt.Equal(now.Add(-8*time.Minute)))
		check(fieldInput, string(r.Input) == `{"i":1}`)
		check(fieldOutput, string(r.Output) == `{"o":1}`)
		check(fieldMetadata, r.Metadata["k"] == "v" && r.Progress != nil && r.Progress.Percent == 5 && r.Tokens != nil && *r.Tokens.Budget == 3)
		check(fieldWebhook, r.Webhook != nil && r.Webhook.Delivered)
		check("child", hasChild(r.Children, "listed"))
		check(fieldOldChildren, hasChild(r.Children, "old"))
		if name != fieldStatus {
			check(fieldError, r.Error != nil && r.Error.Message == "no")
			check(fieldCompletedAt, r.CompletedAt.Equal(now.Add(-7*time.Minute)))
		}
		for what, text := range map[string]json.RawMessage{"input": r.Input, "output": r.Output} {
			if text != nil && !json.Valid(text) {
				t.Errorf("the %s is not JSON: %q", what, text)
			}
		}
		if r.Metadata == nil {
			t.Error("the metadata is nil")
		}

		c := jobstore.Claim{
			JobID: "J", WorkerID: value, UserID: value, MessageID: value, Owner: "o", Lease: now.Add(time.Minute),
			Input: json.RawMessage(`"{}"`), Metadata: map[string]any{"new": value},
		}
		w, err := claimWrite(c, h, now, "mark")
		if err != nil {
			t.Fatal(err)
		}
		after := h.written(w)
		if !json.Valid([]byte(after[fieldMetadata])) || after[fieldMetadata][0] != '{' {
			t.Errorf("the metadata is written as %q", after[fieldMetadata])
		}
		got := after.record("J", list, now)
		// Ids come from JSON, which is UTF-8.
		if utf8.ValidString(value) && (got.WorkerID != value || got.UserID != value || got.MessageID != value) {
			t.Errorf("a claim with the ids %q left %+v", value, got)
		}
		if got.Status != jobstore.Running || got.Owner != "o" || string(got.Input) != `"{}"` || got.Error != nil || !got.LeaseUntil.Equal(now.Add(time.Minute)) || got.Metadata["new"] == nil {
			t.Errorf("with %q in the field %q, a claim left %+v", value, name, got)
		}

		u := jobstore.Update{Owner: "o", Status: jobstore.Queued, LastError: &dispatch.JobError{Message: value}, Progress: &jobstore.Progress{Percent: 1, Message: value}}
		w, err = updateWrite(u, after, now, "mark")
		if err != nil {
			t.Fatal(err)
		}
		got = after.written(w).record("J", list, now)
		if got.Status != jobstore.Queued || got.LastError == nil || got.Progress == nil || got.Progress.Percent != 1 || !got.LeaseUntil.IsZero() {
			t.Errorf("with %q in the field %q, an update left %+v", value, name, got)
		}
	})
}

// written is the hash after a write, as the script does it.
func (h hash) written(w write) hash {
	after := hash{}
	for name, value := range h {
		after[name] = value
	}
	for pair := range slices.Chunk(w.sets, 2) {
		after[pair[0]] = pair[1]
	}
	for _, name := range w.removes {
		delete(after, name)
	}
	return after
}
