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
// What the handler returns decides what happens to the job and to its message:
//
//	a value             the job is completed, the message is deleted
//	an error            the job is delivered again after its worker's backoff, until
//	                    maxReceiveCount attempts are made; then it has failed and the
//	                    message goes to the dead-letter queue
//	Permanent(err)      the job has failed at once, and the message goes to the
//	                    dead-letter queue; so does ErrTokenBudget
//	Snooze(d)           the job is delivered again after d, and this was no attempt
//	a panic             as an error, with its stack; the other jobs of the batch are
//	                    not affected
//	no return in time   as an error: the context ends shortly before Lambda would
//	                    kill the function, so that the failure can still be recorded;
//	                    likewise when the process is asked to stop
//
// Input that does not fit the worker's schema never reaches the handler, and
// output that does not fit never leaves it: both fail the job as Permanent does. With
// WithRetry a handler runs again within the delivery for errors of a known kind.
//
// SQS delivers at least once, so without a job store (AppConfig.Store) a job can run
// more than once, even at the same moment. With one, a delivery claims the job
// first, and runs it only when no other delivery has it and it was not completed
// before; what came of it is recorded before SQS hears of it. A delivery whose job
// another one has comes back when that one's time is up. While the store cannot be reached no job
// runs, and an output that could not be recorded is none: the job is tried again. A
// failed job that is replayed from the dead-letter queue runs again.
//
// On a FIFO queue the jobs of a message group run in order: after one that is to be
// delivered again, the later ones of the batch are not started. A job that was moved
// to the dead-letter queue holds nobody up.
//
// For all this the function needs, on its own queue, sqs:ChangeMessageVisibility for
// backoffs and sqs:SendMessage for Snooze and webhooks; and sqs:SendMessage on its
// dead-letter queue, whose URL is in WORKER_DLQ_URL_<ID>. Without a permission the
// job goes on, less exactly: the queue's visibility timeout takes the place of the
// backoff, and SQS moves a message only after maxReceiveCount deliveries.
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
// {jobId, workerId, status, output or error, metadata}. With a secret
// (AppConfig.WebhookSecret) it is signed by the Standard Webhooks specification;
// package runtime/webhook is the receiver's side. It goes to http and https URLs
// only, to public addresses unless AppConfig.WebhookAllowPrivate says otherwise,
// and never fails the job.
//
// It is tried up to three times within 20 seconds and the function's time. Then a
// delayed message in the worker's own queue tries again, with growing pauses, and
// ends in the dead-letter queue, from where a replay tries once more. A receiver
// may get an event twice, under one webhook-id.
//
// A redirect is followed when it keeps method and body (307, 308) and neither
// leaves the host nor turns https into http. The header x-workflow-secret carries
// WORKFLOW_INTERNAL_SECRET, if that is set, and never an API key of the workers; with
// WORKFLOW_WEBHOOK_BASE_URL set it goes to that host alone.
package runtime
