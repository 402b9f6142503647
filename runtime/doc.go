// Package runtime is what a worker is written with: a typed handler becomes a
// program that runs as a Lambda function behind an SQS queue.
//
//	type Input struct {
//		URL string `json:"url"`
//	}
//
//	type Output struct {
//		Title string `json:"title"`
//	}
//
//	var Titles = runtime.Must(runtime.New("titles",
//		func(ctx context.Context, job *runtime.Job[Input]) (Output, error) {
//			return fetchTitle(ctx, job.Input.URL)
//		}))
//
//	func main() { runtime.Main(Titles) }
//
// What the handler returns decides what happens to the message:
//
//	a value             the job is completed, the message is deleted
//	an error            the job is tried again until the queue's maxReceiveCount is
//	                    reached; then it has failed and the message moves to the
//	                    dead-letter queue
//	Permanent(err)      the job has failed at once
//	a panic             as an error, with its stack; the other jobs of the batch are
//	                    not affected
//	no return in time   as an error: the context ends shortly before Lambda would
//	                    kill the function, so that the failure can still be recorded
//
// Input that does not fit the worker's schema never reaches the handler, and
// output that does not fit never leaves it: both fail the job for good.
//
// The event source mapping must report batch item failures
// (FunctionResponseTypes: ReportBatchItemFailures). Without that setting Lambda
// ignores the response of the function and deletes failed jobs.
//
// The name collides with the standard library's runtime package; import that one
// as goruntime where both are needed.
//
// # Webhooks
//
// A message with a webhookUrl gets one POST when its job is completed or has
// failed, in the form of the deployed system: User-Agent ai-router-worker/1.0 and
// {jobId, workerId, status, output or error, metadata}. It is tried up to three
// times within ten seconds, at http and https URLs only, and never fails the job.
// A redirect is followed when it keeps method and body (307, 308) and neither
// leaves the host nor turns https into http. The header x-workflow-secret carries
// WORKFLOW_INTERNAL_SECRET, if that is set, and never an API key of the workers.
package runtime
