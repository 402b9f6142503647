// Package jobstoretest is the conformance suite of job stores: every sentence of
// jobstore.Store as a test. A store in another package runs it in its own tests:
//
//	func TestStore(t *testing.T) {
//		jobstoretest.Run(t, func(t *testing.T) jobstore.Store { return open(t) })
//	}
package jobstoretest

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// Run runs the suite. open returns a store that the calling test has to itself, or
// one that others use too, as long as no record made by them can be in it: job ids
// are the same in every test. It is called once for each test, from tests that run in
// parallel.
func Run(t *testing.T, open func(t *testing.T) jobstore.Store) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, store jobstore.Store)
	}{
		{"a claim makes the record", claimMakesRecord},
		{"what a claim decides", claimTable},
		{"a claim anew keeps what it must", claimAnew},
		{"a lease that has passed", leasePasses},
		{"a claim repeated by its owner", claimRepeated},
		{"claims and updates that are not valid", invalid},
		{"two claims at the same moment", func(t *testing.T, s jobstore.Store) { claimRace(t, s, 2) }},
		{"32 claims at the same moment", func(t *testing.T, s jobstore.Store) { claimRace(t, s, 32) }},
		{"a lease that has passed is taken over once", takeOverRace},
		{"the owner's updates", ownerUpdates},
		{"an end by its owner", ownerEnds},
		{"an end that is repeated", endRepeated},
		{"updates by nobody", updatesByNobody},
		{"an update and a claim anew at the same moment", updateAgainstClaim},
		{"output", output},
		{"long input and output", longDocuments},
		{"errors", jobErrors},
		{"long errors", longErrors},
		{"metadata is merged", metadataMerge},
		{"metadata keeps every value", metadataValues},
		{"metadata of many keys", metadataManyKeys},
		{"children", children},
		{"progress, tokens and webhook", reports},
		{"times", times},
		{"no record", noRecord},
		{"job ids", jobIDs},
		{"records are the caller's own", ownRecords},
		{"what a caller changes afterwards", ownArguments},
		{"updates at the same moment", updateRace},
		{"a context that is done", contextDone},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

// job is a claim of a job by an owner, with a lease of an hour.
func job(id, owner string) jobstore.Claim {
	return jobstore.Claim{
		JobID: id, WorkerID: "video-processing", Owner: owner,
		MessageID: "message of " + owner, Receives: 1,
		Input: json.RawMessage(`{"url":"https://example.com/a.mp4"}`),
		Lease: time.Now().Add(time.Hour),
	}
}

// passed is the same with a lease that has passed.
func passed(id, owner string) jobstore.Claim {
	c := job(id, owner)
	c.Lease = time.Now().Add(-time.Minute)
	return c
}

// claims makes a claim and wants a decision.
func claims(t *testing.T, store jobstore.Store, c jobstore.Claim, want jobstore.Decision) *jobstore.Record {
	t.Helper()
	got, err := store.Claim(t.Context(), c)
	if err != nil {
		t.Fatalf("claim %.80q by %q: %v", c.JobID, c.Owner, err)
	}
	if got.Decision != want {
		t.Fatalf("claim %.80q by %q: %v, want %v", c.JobID, c.Owner, decision(got.Decision), decision(want))
	}
	return got.Before
}

func updates(t *testing.T, store jobstore.Store, id string, u jobstore.Update) {
	t.Helper()
	if err := store.Update(t.Context(), id, u); err != nil {
		t.Fatalf("update %.80q by %q: %v", id, u.Owner, err)
	}
}

// refuses makes an update and wants an error, after which the record is as before.
func refuses(t *testing.T, store jobstore.Store, id string, u jobstore.Update, want error) {
	t.Helper()
	before := get(t, store, id)
	if err := store.Update(t.Context(), id, u); !errors.Is(err, want) {
		t.Fatalf("update %.80q by %q: %v, want %v", id, u.Owner, err, want)
	}
	same(t, "the record after a refused update", get(t, store, id), before)
}

func get(t *testing.T, store jobstore.Store, id string) *jobstore.Record {
	t.Helper()
	record, err := store.Get(t.Context(), id)
	if err != nil {
		t.Fatalf("get %.80q: %v", id, err)
	}
	return record
}

// same compares two values, records above all, as a reader of them would.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, show(got), show(want))
	}
}

func show(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func decision(d jobstore.Decision) string {
	switch d {
	case jobstore.ClaimedJob:
		return "Claimed"
	case jobstore.Busy:
		return "Busy"
	case jobstore.Done:
		return "Done"
	default:
		return "no decision"
	}
}
