// Package torment runs jobs through a local stage whose deliveries are doubled,
// late, out of order and cut short, while the job store and the webhook receiver
// fail for a part of the time, and counts what became of the jobs.
package torment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// DefaultFaults are what the command torments with.
const DefaultFaults = "duplicate=0.1,delay=0.1,reorder=1,kill=0.03,max-delay=1s,kill-within=30ms"

const (
	service = "soak"
	stage   = "test"

	// outageLasts is how long the store, and later the receiver, is down.
	outageLasts = 2 * time.Second
	// quietFor is how long the queue must have been empty for the run to be over.
	quietFor = 2 * time.Second
)

// Config says what to run.
type Config struct {
	// Jobs is how many jobs are dispatched.
	Jobs int
	// Faults is what goes wrong on their way.
	Faults faults.Faults
	// NoOutages leaves store and receiver up all the time.
	NoOutages bool
	// Program is the executable that calls Worker where IsWorker says so.
	Program string
	// Progress gets a line a second; nil means none.
	Progress io.Writer
}

// run is one run under way.
type run struct {
	cfg      Config
	dir      string
	began    time.Time
	receiver *receiver
	server   *local.Server
	sqs      *sqs.Client
	queue    string
	dlq      string
	store    jobstore.Store
	jobs     []job
}

type job struct {
	id    string
	input Input
}

// Run dispatches the jobs, waits until none of them is in the queue any more, and
// reports. The error says that the run itself could not be made.
func Run(ctx context.Context, cfg Config) (report *Report, err error) {
	r := &run{cfg: cfg, began: time.Now()}
	if r.dir, err = os.MkdirTemp("", "aiwctl-soak-"); err != nil {
		return nil, fmt.Errorf("make a directory for the run: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	secret := webhook.NewSecret().Reveal()
	if r.receiver, err = newReceiver(secret); err != nil {
		return nil, fmt.Errorf("start the webhook receiver: %w", err)
	}
	defer func() { err = errors.Join(err, r.receiver.close()) }()
	if err := r.start(ctx, secret); err != nil {
		return nil, err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, r.server.Close(closing))
	}()
	if err := r.dispatch(ctx); err != nil {
		return nil, err
	}
	if err := r.watch(ctx); err != nil {
		return nil, err
	}
	return r.report(ctx)
}

// start brings up the stage.
func (r *run) start(ctx context.Context, secret string) (err error) {
	records := filepath.Join(r.dir, "records")
	if r.store, err = jobstore.Open("file:" + records); err != nil {
		return err
	}
	r.server, err = local.Start(ctx, local.Config{
		Listen: "127.0.0.1:0", Service: service, Stage: stage, Faults: r.cfg.Faults,
		StateDir: records,
		Programs: []local.Program{{Name: "soak", Command: []string{r.cfg.Program}}},
		Env:      []string{envDir + "=" + r.dir, "WORKER_WEBHOOK_SECRET=" + secret},
	})
	if err != nil {
		return err
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion("us-east-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	if err != nil {
		return err
	}
	cfg.HTTPClient = dispatch.StableHTTPClient(cfg.HTTPClient)
	endpoint := r.server.Endpoint()
	r.sqs = sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = &endpoint })
	for name, url := range map[string]*string{service + "-" + workerID + "-" + stage: &r.queue, service + "-" + workerID + "-dlq-" + stage: &r.dlq} {
		out, err := r.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return err
		}
		*url = *out.QueueUrl
	}
	return nil
}

// behaviour shares out the ways of behaving.
func behaviour(n int) string {
	switch n % 20 {
	case 1, 2:
		return failsFirst
	case 3:
		return panicsFirst
	case 4:
		return snoozes
	case 5:
		return failsAlways
	case 6:
		return permanent
	}
	return succeeds
}

func (r *run) dispatch(ctx context.Context) error {
	client, err := dispatch.NewClient(dispatch.Config{Remote: dispatch.NewSQS(r.sqs, func(context.Context, string) (string, error) { return r.queue, nil })})
	if err != nil {
		return err
	}
	jobs := make([]dispatch.Item, r.cfg.Jobs)
	for n := range jobs {
		j := job{id: fmt.Sprintf("job-%06d", n), input: Input{Number: n, Behaviour: behaviour(n)}}
		r.jobs = append(r.jobs, j)
		jobs[n] = dispatch.Item{Input: j.input, Options: []dispatch.Option{dispatch.WithJobID(j.id)}}
	}
	_, err = client.DispatchMany(ctx, workerID, jobs, dispatch.WithWebhookURL(r.receiver.url))
	return err
}

// watch waits for the end, and brings store and receiver down on the way.
func (r *run) watch(ctx context.Context) error {
	outages := []*outage{
		{after: r.cfg.Jobs / 4, begin: r.storeDown, end: r.storeUp},
		{after: r.cfg.Jobs / 2, begin: r.receiverDown, end: r.receiverUp},
	}
	if r.cfg.NoOutages {
		outages = nil
	}
	limit := time.NewTimer(2*time.Minute + time.Duration(r.cfg.Jobs)*20*time.Millisecond)
	defer limit.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var quietSince, spoken time.Time
	for {
		depth, err := r.depth(ctx)
		if err != nil {
			return err
		}
		done := r.cfg.Jobs - depth
		waiting := false
		for _, o := range outages {
			over, err := o.step(done)
			if err != nil {
				return err
			}
			waiting = waiting || !over
		}
		if time.Since(spoken) > time.Second && r.cfg.Progress != nil {
			spoken = time.Now()
			fmt.Fprintf(r.cfg.Progress, "%6.1fs  %d messages left\n", time.Since(r.began).Seconds(), depth)
		}
		switch {
		case depth > 0 || waiting:
			quietSince = time.Time{}
		case quietSince.IsZero():
			quietSince = time.Now()
		case time.Since(quietSince) > quietFor:
			return nil
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return fmt.Errorf("the run does not come to its end: %d messages are left after %s", depth, time.Since(r.began).Round(time.Second))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// depth is how many messages the queue holds: visible, delayed and in flight.
func (r *run) depth(ctx context.Context) (int, error) {
	out, err := r.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &r.queue, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}})
	if err != nil {
		return 0, err
	}
	sum := 0
	for _, text := range out.Attributes {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// outage is something that is down for a while, once so many jobs are done.
type outage struct {
	after      int
	begin, end func() error
	until      time.Time
	over       bool
}

func (o *outage) step(done int) (over bool, err error) {
	switch {
	case o.over:
	case o.until.IsZero() && done >= o.after:
		o.until = time.Now().Add(outageLasts)
		err = o.begin()
	case !o.until.IsZero() && time.Now().After(o.until):
		o.over = true
		err = o.end()
	}
	return o.over, err
}

func (r *run) storeDown() error {
	return os.WriteFile(filepath.Join(r.dir, fileOutage), nil, 0o600)
}
func (r *run) storeUp() error      { return os.Remove(filepath.Join(r.dir, fileOutage)) }
func (r *run) receiverDown() error { r.receiver.down.Store(true); return nil }
func (r *run) receiverUp() error   { r.receiver.down.Store(false); return nil }

// deadLetters empties the dead-letter queue and returns the messages by job id.
func (r *run) deadLetters(ctx context.Context) (map[string][]*dispatch.Message, error) {
	dead := map[string][]*dispatch.Message{}
	for {
		out, err := r.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &r.dlq, MaxNumberOfMessages: 10, VisibilityTimeout: 3600})
		if err != nil {
			return nil, err
		}
		if len(out.Messages) == 0 {
			return dead, nil
		}
		for _, m := range out.Messages {
			msg, err := dispatch.ParseMessage([]byte(*m.Body))
			if err != nil {
				return nil, err
			}
			id := cmp.Or(msg.JobID, "(none)")
			dead[id] = append(dead[id], msg)
		}
	}
}
