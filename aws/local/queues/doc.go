// Package queues is SQS in memory: standard and FIFO queues with visibility
// timeouts, delays, long polling, dead-letter queues and message move tasks,
// spoken over AWS JSON 1.0 so that any SQS client works against it, and open to
// Go callers through methods of Broker.
//
// Where AWS refuses, it refuses, with the same error code. Facts about AWS are
// from the SQS API reference and developer guide, and from recorded answers of
// the service. It is for development and tests: nothing is kept on disk.
//
// Every queue has a lock of its own and nothing else is locked on the way of a
// message. Delayed and invisible messages wait in a heap that is looked at when
// the queue is used, so that no timer runs unless somebody waits for a message.
package queues
