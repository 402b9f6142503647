// Package functions runs worker programs as Lambda would: execution
// environments that poll a Runtime API, an event source mapping that feeds them
// from queues, timeouts, crashes, and log streams with START, END and REPORT
// lines. It also answers the parts of the Lambda API that a console reads.
//
// One listener is enough for all of it. Send paths that begin with /env- to
// Manager.RuntimeHandler and paths that begin with /2015-03-31/ to
// Manager.APIHandler, give the listener's address as Config.RuntimeAPI, and let
// the server have no read or write timeout: programs wait for work in open
// requests. Put functions first, then PutMapping; to replace programs, Put again.
// Close the manager before the listener, so that no program complains of a Runtime
// API that has gone.
package functions

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Queues is what an event source mapping needs of SQS.
type Queues interface {
	// Receive takes up to most messages, waiting up to wait for the first. They
	// stay hidden for the queue's visibility timeout. A message that has been
	// received more often than the queue's maxReceiveCount is moved to the
	// dead-letter queue instead of being returned, as in SQS.
	Receive(ctx context.Context, queueARN string, most int, wait time.Duration) ([]events.SQSMessage, error)
	// Delete removes messages by receipt handle; unknown ones are ignored.
	Delete(queueARN string, receiptHandles []string) error
	// VisibilityTimeout is the queue's; an error means there is no such queue.
	VisibilityTimeout(queueARN string) (time.Duration, error)
}

// Logs is where functions write.
type Logs interface {
	// CreateStream makes a log stream (and its group) if need be.
	CreateStream(group, stream string)
	// Append adds events in order of time.
	Append(group, stream string, events ...LogEvent)
}

// Meter is told what CloudWatch counts of functions. Its methods are called from
// several goroutines and must not wait.
type Meter interface {
	// Began is an invocation that begins to run. Each is followed by one Ended.
	Began(function string)
	// Ended is its end: when it began, how long it took, and whether the function
	// failed, which a timeout and a crash are, too.
	Ended(function string, began time.Time, took time.Duration, failed bool)
	// Throttled is an invocation that was refused since too many ran already.
	Throttled(function string)
}

// noMeter is for managers that nobody measures.
type noMeter struct{}

func (noMeter) Began(string)                                 {}
func (noMeter) Ended(string, time.Time, time.Duration, bool) {}
func (noMeter) Throttled(string)                             {}

// LogEvent is one line of output.
type LogEvent struct {
	Time    time.Time
	Message string
}
