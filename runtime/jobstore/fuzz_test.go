package jobstore_test

import (
	"bytes"
	"testing"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// FuzzDocument reads documents that anybody may have written: what is read must be
// written as what is read the same.
func FuzzDocument(f *testing.F) {
	for _, text := range []string{
		`{"jobId":"j","workerId":"w","status":"running","metadata":{"n":1.10,"deep":[{}]},"createdAt":"2026-01-02T03:04:05.678Z","updatedAt":"2026-01-02T03:04:05.678Z"}`,
		`{"jobId":"j","status":"failed","error":{"message":"no"},"internalJobs":[{"jobId":"c","workerId":"w"}],"completedAt":"2026-01-02T03:04:05+05:30","tokens":{"budget":1}}`,
		`{"jobId":"j","status":"completed","input":null,"output":{"a":1,"a":2},"metadata":null,"webhook":{"at":"2026-01-02T03:04:05Z"}}`,
		`{}`, `null`, ``, `[`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		once, err := jobstore.Decode(text)
		if err != nil {
			return
		}
		twice, err := jobstore.Decode(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("read from %q:\n%s\nand then, %v:\n%s", text, once, err, twice)
		}
	})
}
