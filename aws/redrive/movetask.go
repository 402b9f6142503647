package redrive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/aws"
)

// MoveTask is a replay made by SQS itself: everything, unedited, by
// StartMessageMoveTask. Nothing passes through this process, so it is the better
// tool for very many messages.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
type MoveTask struct {
	Worker aws.Worker
	// To is a queue URL; empty means the worker's own queue. AnySource sends each
	// message back to the queue it came from.
	To        string
	AnySource bool
	// Rate is how many messages a second are moved at most, 1 to 500; zero leaves it
	// to SQS.
	Rate int
	// OnProgress is told how many were moved, of how many; nil means nobody is.
	OnProgress func(moved, of int)
}

// ErrNoMoveTask says that SQS has no move task for what was asked.
var ErrNoMoveTask = errors.New("AWS's move task cannot do this")

// MoveTaskRateMost is SQS's limit of messages a second.
const MoveTaskRateMost = 500

// MoveTask starts a move task and follows it to its end. When ctx ends it is
// cancelled: what was moved until then stays moved.
//
// Report.Replayed is SQS's approximate count. The error wraps ErrNoMoveTask, with
// the reason, when SQS does not support what was asked.
func (e *Engine) MoveTask(ctx context.Context, t MoveTask) (Report, error) {
	var report Report
	dlq, err := deadLetterQueue(&t.Worker)
	if err != nil {
		return report, err
	}
	if t.OnProgress == nil {
		t.OnProgress = func(int, int) {}
	}
	in, err := e.moveTask(ctx, &t, dlq)
	if err != nil {
		return report, fmt.Errorf("move %q: %w", dlq.Name, err)
	}
	st, err := e.state(ctx, dlq)
	if err != nil {
		return report, err
	}
	report.Warnings = st.warnings
	if st.depth.Visible == 0 {
		return report, nil
	}
	action := aws.Action{Name: "dlq.move-task", Object: dlq.Name, Count: st.depth.Total(), Tally: func() (done, failed int) { return report.Replayed, 0 }}
	action.Queues = []string{dlq.Name, str(in.DestinationArn)}
	err = e.guard.Do(ctx, action, func(ctx context.Context, w aws.Writer) error {
		out, err := w.StartMessageMoveTask(ctx, in)
		if err != nil {
			return fmt.Errorf("start AWS's move task for %q: %w", dlq.Name, moveTaskError(err))
		}
		return e.followTask(ctx, w, *in.SourceArn, str(out.TaskHandle), t.OnProgress, &report)
	})
	if err == nil || report.Replayed == 0 && !errors.Is(err, context.Canceled) {
		return report, err
	}
	return report, &PartialError{Verb: "replay", Queue: dlq.Name, Report: report, Cause: err}
}

// moveTask is the task's request, or why SQS would not take it.
func (e *Engine) moveTask(ctx context.Context, t *MoveTask, dlq *aws.Queue) (*sqs.StartMessageMoveTaskInput, error) {
	if t.Rate < 0 || t.Rate > MoveTaskRateMost {
		return nil, fmt.Errorf("%w: its rate is 1 to %d messages a second", ErrNoMoveTask, MoveTaskRateMost)
	}
	if dlq.ARN == "" {
		return nil, fmt.Errorf("%w: the dead-letter queue's ARN is not known", ErrNoMoveTask)
	}
	sources, err := e.Sources(ctx, dlq)
	if err != nil {
		return nil, err
	}
	if len(sources) == 0 {
		return nil, fmt.Errorf("%w: it takes messages only from the dead-letter queue of another SQS queue, and no queue's redrive policy names this one", ErrNoMoveTask)
	}
	in := &sqs.StartMessageMoveTaskInput{SourceArn: &dlq.ARN}
	if t.Rate > 0 {
		in.MaxNumberOfMessagesPerSecond = new(int32(t.Rate))
	}
	to := t.To
	switch {
	case to == "" && len(sources) == 1:
		to = sources[0] // said, since a message that something else sent here does not know it
	case to == "" && !t.AnySource:
		return nil, fmt.Errorf("%w: it moves everything, and %s is the dead-letter queue of %d queues (%s): name the dead-letter queue itself to send each message back to its own queue, or one queue with --to",
			ErrNoMoveTask, dlq.Name, len(sources), strings.Join(names(sources), ", "))
	}
	if to == "" {
		return in, nil
	}
	if isFIFO(to) != isFIFO(dlq.URL) {
		return nil, fmt.Errorf("%w: source and destination must both be FIFO queues, or neither", ErrNoMoveTask)
	}
	if in.DestinationArn, err = arnOf(to, dlq.ARN); err != nil {
		return nil, err
	}
	return in, nil
}

func names(urls []string) []string {
	out := make([]string, len(urls))
	for i, url := range urls {
		out[i] = queueName(url)
	}
	return out
}

// arnOf is the ARN of the queue with a URL, in the region of another.
func arnOf(url, sibling string) (*string, error) {
	arn, path := strings.Split(sibling, ":"), strings.Split(url, "/")
	if len(arn) != 6 || len(path) < 3 {
		return nil, fmt.Errorf("%w: the queue to send to, %s, is not a queue's URL", ErrNoMoveTask, url)
	}
	return new(strings.Join([]string{arn[0], arn[1], arn[2], arn[3], path[len(path)-2], path[len(path)-1]}, ":")), nil
}

// moveTaskError adds what to do to the errors that say too little.
func moveTaskError(err error) error {
	if kind, _ := aws.Classify(err); kind == aws.KindInvalid && strings.Contains(err.Error(), "already a task running") {
		return fmt.Errorf("%w: one is running for this queue, and AWS allows one at a time: %w", ErrNoMoveTask, err)
	}
	return err
}

// followTask polls a task until it has ended.
func (e *Engine) followTask(ctx context.Context, w aws.Writer, source, handle string, progress func(moved, of int), report *Report) error {
	// The task goes on whatever becomes of us: it is followed to its end also after
	// ctx has ended and it was cancelled.
	patient := context.WithoutCancel(ctx)
	cancelled, failures := false, 0
	for {
		task, err := e.task(patient, source)
		if err != nil {
			if failures++; failures >= tries {
				return fmt.Errorf("follow AWS's move task; it goes on: %w", err)
			}
		} else {
			failures = 0
			report.Replayed = int(task.ApproximateNumberOfMessagesMoved)
			of := report.Replayed
			if task.ApproximateNumberOfMessagesToMove != nil {
				of = int(*task.ApproximateNumberOfMessagesToMove)
			}
			progress(report.Replayed, of)
			switch str(task.Status) {
			case "RUNNING", "CANCELLING":
			case "COMPLETED":
				return nil
			case "CANCELLED":
				return context.Canceled
			default:
				return fmt.Errorf("AWS's move task has ended: %s: %s", str(task.Status), failureText(str(task.FailureReason)))
			}
		}
		if ctx.Err() != nil && !cancelled {
			cancelled = true
			if _, err := w.CancelMessageMoveTask(patient, &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle}); err != nil {
				return fmt.Errorf("cancel AWS's move task; it goes on: %w", err)
			}
		}
		if cancelled {
			ctx = patient
		}
		_ = sleep(ctx, e.interval()) // ctx is looked at above
	}
}

// task is the latest task of a source.
func (e *Engine) task(ctx context.Context, source string) (types.ListMessageMoveTasksResultEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := e.queue.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &source, MaxResults: new(int32(1))})
	if err != nil {
		return types.ListMessageMoveTasksResultEntry{}, err
	}
	if len(out.Results) == 0 {
		return types.ListMessageMoveTasksResultEntry{}, errors.New("AWS knows of no move task for this queue")
	}
	return out.Results[0], nil
}

// failureText puts SQS's codes into words.
func failureText(reason string) string {
	switch {
	case strings.Contains(reason, "CouldNotDetermineMessageSource"):
		return "a message does not say which queue it came from, as when it was sent to the dead-letter queue by something else than a redrive policy: name a queue with --to (" + reason + ")"
	case strings.Contains(reason, "NonExistentQueue"):
		return "a queue that a message came from does not exist any more: name another with --to (" + reason + ")"
	}
	return reason
}

// SourcesOf is Sources for several queues, a few at a time. The error is the first
// that there was; queues that could not be asked have none.
func (e *Engine) SourcesOf(ctx context.Context, queues []*aws.Queue) ([][]string, error) {
	out := make([][]string, len(queues))
	var g errgroup.Group
	g.SetLimit(DefaultConcurrency)
	for i, q := range queues {
		g.Go(func() (err error) {
			out[i], err = e.Sources(ctx, q)
			return err
		})
	}
	return out, g.Wait()
}

// Sources are the URLs of the queues whose redrive policy names a queue as their
// dead-letter queue.
func (e *Engine) Sources(ctx context.Context, dlq *aws.Queue) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	in := &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dlq.URL}
	p := sqs.NewListDeadLetterSourceQueuesPaginator(e.queue, in)
	var urls []string
	for p.HasMorePages() {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the queues that %q serves: %w", dlq.Name, err)
		}
		urls = append(urls, out.QueueUrls...)
	}
	return urls, nil
}
