package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestLooksLikeJobID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		dispatch.NewJobID(time.UnixMilli(1767225600123)),
		dispatch.JobIDForKey("orders", "key"),
		"job-schedule-0000abc12",
		"job-1700000000000-x1", // the TypeScript system's may be shorter
		"local-1700000000000",
		"job-sum", "job_1",
		"  job-1700000000000-abc\r\n",
		"14f493c3-5926-4219-9233-ef86aa79c0f3",
		"14F493C3-5926-7219-9233-EF86AA79C0F3",
	} {
		if !dispatch.LooksLikeJobID(id) {
			t.Errorf("%q is not taken for a job's id", id)
		}
	}
	for _, text := range []string{
		"", " ", "job", "job-", "jobs", "orders", "history", "dead letters", "job-1 job-2", `job-1", "x`, "job-\x1b[31m", "job-日本",
		"local-12", "local-170000000000x", "14f493c3-5926-4219-9233-ef86aa79c0f", "14f493c3-5926-4219-9233-ef86aa79c0fz",
		"14f493c3x5926-4219-9233-ef86aa79c0f3", "job-" + strings.Repeat("1", 300),
	} {
		if dispatch.LooksLikeJobID(text) {
			t.Errorf("%q is taken for a job's id", text)
		}
	}
}
