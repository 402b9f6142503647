package redrive

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/microfox-ai/aiwctl/aws"
)

// What was sent again can be found by any of its ids, afterwards.
func TestReplaysOfAJob(t *testing.T) {
	t.Parallel()
	for _, renamed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w, dir := newWorld(), t.TempDir()
			w.put(dlqURL, 25)
			e := journalled(w, dir)
			rep, err := e.Replay(t.Context(), Replay{Worker: orders(), All: true, NewJobIDs: renamed})
			if err != nil || rep.Replayed != 25 {
				t.Fatalf("%+v %v", rep, err)
			}
			one, err := e.Replays("job-7")
			if err != nil || len(one) != 1 || one[0].JobID != "job-7" || one[0].MessageID != "m-00007" || one[0].NewMessageID == "" ||
				(one[0].NewJobID != "") != renamed || one[0].At.IsZero() || one[0].Worker != "orders" || one[0].Journal == "" {
				t.Fatalf("%+v %v", one, err)
			}
			for _, id := range []string{one[0].MessageID, one[0].NewMessageID, one[0].NewJobID} {
				if again, err := e.Replays(id); id != "" && (err != nil || len(again) != 1 || again[0] != one[0]) {
					t.Errorf("by %q: %+v %v", id, again, err)
				}
			}
			for _, id := range []string{"", "job", "job-70"} {
				if none, err := e.Replays(id); err != nil || len(none) > 0 {
					t.Errorf("by %q: %+v %v", id, none, err)
				}
			}
			for name, t2 := range map[string]aws.Target{
				"stage": {EndpointURL: "http://127.0.0.1:1", Stage: "other"}, "region": {EndpointURL: "http://127.0.0.1:1", Stage: "test", Region: "eu-west-1"}, "endpoint": {Stage: "test"},
			} {
				other := newEngine(w, w, func() aws.Target { return t2 }, Config{Dir: dir})
				if none, err := other.Replays("job-7"); err != nil || len(none) > 0 {
					t.Errorf("of another %s: %+v %v", name, none, err)
				}
			}
			// A journal that is broken hides no other.
			if err := os.WriteFile(filepath.Join(dir, "0.jsonl"), []byte("no journal\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if again, err := e.Replays("job-7"); err == nil || len(again) != 1 {
				t.Errorf("beside a broken one: %+v %v", again, err)
			}
		})
	}
}
