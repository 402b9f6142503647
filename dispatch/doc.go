// Package dispatch holds a job's message and every way of sending it.
//
// A Client sends jobs to the workers of a stage: over HTTP to the workers API
// (Trigger), straight into a worker's queue (SQS), or to a Sender of your own.
//
//	client, err := dispatch.NewClient(dispatch.Config{}) // WORKER_BASE_URL, WORKERS_API_KEY
//	...
//	result, err := client.Dispatch(ctx, "video-processing", map[string]any{"url": "https://example.com/1.mp4"})
//
// A send that fails for a passing reason is tried again, with the same job id;
// WithIdempotencyKey makes the id itself repeatable, so that the caller, too, can
// send again. DispatchMany sends many jobs in batches. A Contract gives a worker's
// callers its input's type. With a Tracer, a job's spans join the caller's trace;
// package oteltrace makes them with OpenTelemetry.
//
// Message is the body of an SQS message, as this module and the deployed
// TypeScript system write it. Schema checks an input against a worker's JSON
// Schema and says what is wrong at which line and column. Manifest, WorkersConfig
// and JobEvent are the documents and log lines by which workers, deployment and
// console know each other.
//
// The package depends on no other package of this module, so a program that only
// sends jobs links nothing of the Lambda runtime or of the console.
package dispatch
