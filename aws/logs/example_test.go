package logs_test

import (
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

func ExampleParse() {
	l := logs.Parse("/aws/lambda/aiw-demo-workerEcho", "stream", "echo", "event-1", time.Now(),
		`{"level":"INFO","msg":"job completed","event":"job.completed","jobId":"job-1","attempt":1,"durationMs":12.4,"output":{"text":"hi"}}`)
	fmt.Println(l.Level, l.JobID)
	fmt.Println(l.Text)
	// Output:
	// info job-1
	// job completed attempt=1 duration=12ms output={"text":"hi"}
}

func ExampleJob() {
	job := logs.NewJob("job-1", 2)
	for _, text := range []string{
		`[AIWORKER_RUN] {"jobId":"job-1","workerId":"echo","awsRequestId":"r1"}`,
		`2026-01-02T03:04:05.678Z r1 Task timed out after 3.00 seconds`, // SQS delivers it again
		`[AIWORKER_RUN] {"jobId":"job-1","workerId":"echo","awsRequestId":"r2"}`,
		`2026-01-02T03:05:05.678Z r2 Task timed out after 3.00 seconds`,
	} {
		l := logs.Parse("group", "stream", "echo", "", time.Now(), text)
		if out, ended := job.Observe(&l); ended {
			fmt.Printf("%s in attempt %d: %s\n", out.Status, out.Attempt, out.Error.Message)
		}
	}
	// Output:
	// timed out in attempt 2: Task timed out after 3.00 seconds
}
