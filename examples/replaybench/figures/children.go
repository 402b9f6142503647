package figures

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

// The program starts itself again as the endpoint and as the bare mover, so that
// aiwctl and the mover meet the same conditions: a process of their own, and an
// endpoint in another one.
const (
	endpointChild = "replaybench-endpoint"
	moverChild    = "replaybench-mover"
)

// IsChild is whether a command line is one of those that Run starts.
func IsChild(args []string) bool {
	return len(args) > 1 && (args[1] == endpointChild || args[1] == moverChild)
}

// Child runs such a command line and returns its exit code.
func Child(ctx context.Context, args []string) int {
	run := serve
	if args[1] == moverChild {
		run = move
	}
	if err := run(ctx, args[2:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", args[1], err)
		return 1
	}
	return 0
}

// served is the first line that an endpoint prints.
type served struct{ URL, DLQ, Target string }

// arrivals is what an endpoint prints for each line that it reads.
type arrivals struct {
	// Messages have arrived in the target, Different of them with different bodies;
	// Left are still in the dead-letter queue.
	Messages, Different, Left int
	// First and Last are when the first and the last arrived, AtFirst how many in the
	// same millisecond as the first.
	First, Last time.Time
	AtFirst     int
}

// serve is the endpoint. Its queue is filled when it says where it is.
func serve(ctx context.Context, args []string, in io.Reader, out io.Writer) (err error) {
	fl := flag.NewFlagSet(endpointChild, flag.ContinueOnError)
	latency := fl.Duration("latency", 0, "added to every call")
	n := fl.Int("n", 0, "how many messages")
	bytes := fl.Int("bytes", 0, "how long each is")
	if err := fl.Parse(args); err != nil {
		return err
	}
	e, err := rig.Start(faults.API{Latency: *latency})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	q, err := rig.Open(ctx, e.Plain, false)
	if err != nil {
		return err
	}
	if err := q.Fill(ctx, *n, *bytes, 0); err != nil {
		return err
	}
	say := json.NewEncoder(out)
	if err := say.Encode(served{URL: e.URL, DLQ: q.DLQ, Target: q.Target}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); { // its end is ours
		a, err := arrived(ctx, e, q)
		if err == nil {
			err = say.Encode(a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func arrived(ctx context.Context, e *rig.Endpoint, q *rig.Queues) (a arrivals, err error) {
	depth, err := e.Depth(q.DLQ)
	if err != nil {
		return a, err
	}
	a.Left = depth.Visible + depth.InFlight + depth.Delayed
	all, err := q.Drain(ctx, q.Target)
	if err != nil {
		return a, err
	}
	bodies := make(map[string]bool, len(all))
	for _, m := range all {
		a.Messages++
		bodies[m.Body] = true
		switch {
		case a.First.IsZero() || m.Sent.Before(a.First):
			a.First, a.AtFirst = m.Sent, 1
		case m.Sent.Equal(a.First):
			a.AtFirst++
		}
		if m.Sent.After(a.Last) {
			a.Last = m.Sent
		}
	}
	a.Different = len(bodies)
	return a, nil
}

// moved is what the bare mover prints.
type moved struct {
	Messages int
	// Took is from its first call to the answer of its last.
	Took time.Duration
}

// move is the bare mover: receive, send, delete, ten at a time and nothing else.
func move(ctx context.Context, args []string, _ io.Reader, out io.Writer) error {
	fl := flag.NewFlagSet(moverChild, flag.ContinueOnError)
	url := fl.String("url", "", "the endpoint")
	dlq := fl.String("dlq", "", "the queue to move from")
	target := fl.String("target", "", "the queue to move to")
	n := fl.Int("n", 0, "how many messages to move")
	width := fl.Int("width", 1, "how many batches are under way at once")
	if err := fl.Parse(args); err != nil {
		return err
	}
	client := rig.Client(*url)
	began := time.Now()
	var done atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, *width)
	for range *width {
		wg.Go(func() {
			for done.Load() < int64(*n) {
				some, err := moveBatch(ctx, client, *dlq, *target)
				if err != nil {
					errs <- err
					return
				}
				done.Add(int64(some))
			}
		})
	}
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(moved{Messages: int(done.Load()), Took: time.Since(began)})
}

func moveBatch(ctx context.Context, client *sqs.Client, dlq, target string) (int, error) {
	got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &dlq, MaxNumberOfMessages: 10, VisibilityTimeout: 30, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil || len(got.Messages) == 0 {
		return 0, err
	}
	send := &sqs.SendMessageBatchInput{QueueUrl: &target}
	remove := &sqs.DeleteMessageBatchInput{QueueUrl: &dlq}
	for i := range got.Messages {
		m := &got.Messages[i]
		send.Entries = append(send.Entries, types.SendMessageBatchRequestEntry{Id: m.MessageId, MessageBody: m.Body, MessageAttributes: m.MessageAttributes})
		remove.Entries = append(remove.Entries, types.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
	}
	if _, err := client.SendMessageBatch(ctx, send); err != nil {
		return 0, err
	}
	_, err = client.DeleteMessageBatch(ctx, remove)
	return len(got.Messages), err
}

// service is an endpoint child seen from its parent.
type service struct {
	served
	self  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *json.Decoder
}

// start starts an endpoint whose dead-letter queue has n messages.
func start(ctx context.Context, self string, latency time.Duration, n int) (*service, error) {
	s := &service{self: self}
	s.cmd = exec.CommandContext(ctx, self, endpointChild, "-latency", latency.String(), "-n", fmt.Sprint(n), "-bytes", fmt.Sprint(messageBytes)) //nolint:gosec // this program itself
	s.cmd.Stderr = os.Stderr
	var err error
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the endpoint: %w", err)
	}
	s.lines = json.NewDecoder(stdout)
	if err := s.lines.Decode(&s.served); err != nil {
		return nil, errors.Join(fmt.Errorf("start the endpoint: %w", err), s.close())
	}
	return s, nil
}

func (s *service) close() error { return errors.Join(s.stdin.Close(), s.cmd.Wait()) }

// arrived asks what has arrived, and takes it away.
func (s *service) arrived() (a arrivals, err error) {
	if _, err = io.WriteString(s.stdin, "\n"); err == nil {
		err = s.lines.Decode(&a)
	}
	if err != nil {
		return a, fmt.Errorf("ask the endpoint what has arrived: %w", err)
	}
	return a, nil
}

// bare runs the bare mover; whole is from its start to its exit.
func (s *service) bare(ctx context.Context, n, width int) (m moved, whole time.Duration, err error) {
	cmd := exec.CommandContext(ctx, s.self, moverChild, "-url", s.URL, "-dlq", s.DLQ, "-target", s.Target, "-n", fmt.Sprint(n), "-width", fmt.Sprint(width)) //nolint:gosec // this program itself
	cmd.Stderr = os.Stderr
	began := time.Now()
	out, err := cmd.Output()
	whole = time.Since(began)
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	if err != nil {
		return m, whole, fmt.Errorf("run the bare mover: %w", err)
	}
	return m, whole, nil
}
