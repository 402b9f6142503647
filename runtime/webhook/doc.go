// Package webhook is the receiver's side of the completion webhooks that workers
// send: it checks where a request comes from, and hands on typed results.
//
// A worker POSTs a Payload when a job has come to its end. With a secret it signs
// the request by the Standard Webhooks specification 1.0.0
// (https://www.standardwebhooks.com), for which there are libraries in most
// languages: webhook-id names the event and stays the same when the worker sends
// it again, webhook-timestamp is the time of the attempt, and webhook-signature
// is "v1," and the base64 of HMAC-SHA256(secret, id + "." + timestamp + "." + body),
// one for each secret, separated by spaces.
//
// A receiver in Go is a Handler:
//
//	h, err := webhook.Handler(webhook.Config{Secret: os.Getenv("WORKER_WEBHOOK_SECRET")},
//		func(ctx context.Context, e webhook.Event[Thumbnail]) error {
//			if e.Status == webhook.StatusError {
//				return markFailed(ctx, e.JobID, e.Error)
//			}
//			return save(ctx, e.JobID, e.Output.URL)
//		})
//
// A receiver with a router of its own calls Verify and then Parse.
//
// Events arrive at least once, and a late attempt at an older event can arrive
// after a newer one. Event.ID is the same for the same event, so what must happen
// once is best recorded under it in the transaction that does it; Config.Remember
// keeps most repetitions away from the function.
//
// The package does not link the worker runtime.
package webhook
