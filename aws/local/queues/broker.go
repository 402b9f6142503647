package queues

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// Config configures New. The zero value is an account 000000000000 in us-east-1.
type Config struct {
	// Region and Account are what the broker claims to be, in ARNs and URLs. Empty
	// means us-east-1 and 000000000000.
	Region, Account string
	// BaseURL is the address that queue URLs begin with, without a slash at the
	// end; it is asked each time, since a listener may get its port late. nil
	// means http://127.0.0.1:4566.
	BaseURL func() string
	// Now is the clock; nil means time.Now. Waiting (long polls, move tasks) uses
	// timers of the time package, so another clock must run at their speed.
	Now func() time.Time
	// Logger gets faults of ours; nil means none.
	Logger *slog.Logger
}

// Broker is a set of queues. Make one with New and end it with Close.
type Broker struct {
	region, account string
	baseURL         func() string
	clock           func() time.Time
	logger          *slog.Logger

	// mu guards changes of the set of queues; readers use the map as it stands.
	mu      sync.Mutex
	queues  atomic.Pointer[map[string]*queue]
	deleted map[string]int64 // name -> when it was deleted

	sequence atomic.Uint64
	requests requests

	tasks moveTasks

	closing   context.Context
	close     context.CancelFunc
	closeOnce sync.Once
}

// New makes a broker without queues.
func New(cfg Config) *Broker {
	b := &Broker{
		region: cmp.Or(cfg.Region, "us-east-1"), account: cmp.Or(cfg.Account, "000000000000"), baseURL: cfg.BaseURL, clock: cfg.Now, logger: cfg.Logger,
		deleted: map[string]int64{},
	}
	if b.baseURL == nil {
		b.baseURL = func() string { return "http://127.0.0.1:4566" }
	}
	if b.clock == nil {
		b.clock = time.Now
	}
	b.queues.Store(&map[string]*queue{})
	b.sequence.Store(firstSequence)
	b.closing, b.close = context.WithCancel(context.Background())
	return b
}

// Close ends every waiting receive and every move task, and waits for the tasks.
// Receives that come later do not wait any more.
func (b *Broker) Close() {
	b.closeOnce.Do(func() {
		b.tasks.mu.Lock() // no task begins after this
		defer b.tasks.mu.Unlock()
		b.close()
	})
	b.tasks.running.Wait()
}

func (b *Broker) now() int64 { return b.clock().UnixNano() }

func (b *Broker) arn(name string) string {
	return "arn:aws:sqs:" + b.region + ":" + b.account + ":" + name
}

func (b *Broker) url(name string) string { return b.baseURL() + "/" + b.account + "/" + name }

// byName is the queue of that name, or nil.
func (b *Broker) byName(name string) *queue { return (*b.queues.Load())[name] }

// byARN is the queue with that ARN, or nil.
func (b *Broker) byARN(arn string) *queue {
	i := strings.LastIndexByte(arn, ':')
	if q := b.byName(arn[i+1:]); q != nil && q.arn == arn {
		return q
	}
	return nil
}

// byURL finds a queue by its URL. The last part of the path decides: the host may
// be any name under which the client reaches us.
func (b *Broker) byURL(url []byte) (*queue, error) {
	if len(url) == 0 {
		return nil, missing("QueueUrl")
	}
	i := len(url) - 1
	for i >= 0 && url[i] != '/' {
		i--
	}
	if i < 0 {
		return nil, wire.Errorf("InvalidAddress", "The address %s is not valid for this endpoint.", url).WithStatus(404)
	}
	if q := (*b.queues.Load())[string(url[i+1:])]; q != nil {
		return q, nil
	}
	return nil, errNoQueue()
}

// all are the queues in order of name.
func (b *Broker) all() []*queue {
	m := *b.queues.Load()
	list := make([]*queue, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[name])
	}
	return list
}

// change replaces the set of queues; callers hold mu.
func (b *Broker) change(f func(map[string]*queue)) {
	m := maps.Clone(*b.queues.Load())
	f(m)
	b.queues.Store(&m)
}

// create makes a queue, or finds the one that has the same attributes already.
func (b *Broker) create(name string, attributes, tags map[string]string) (*queue, error) {
	fifo := attributes["FifoQueue"] == "true"
	if err := checkName(name, fifo); err != nil {
		return nil, err
	}
	if err := checkTags(tags); err != nil {
		return nil, err
	}
	if q := b.byName(name); q != nil {
		return q, q.sameAttributes(attributes)
	}
	s, err := b.apply(defaults(fifo), name, attributes)
	if err != nil {
		return nil, err
	}
	now := b.now()

	b.mu.Lock()
	defer b.mu.Unlock()
	if q := b.byName(name); q != nil { // somebody else was faster
		return q, q.sameAttributes(attributes)
	}
	if at, ok := b.deleted[name]; ok && now-at < int64(time.Minute) {
		return nil, wire.NewError("QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.").
			WithQueryCode("AWS.SimpleQueueService.QueueDeletedRecently")
	}
	delete(b.deleted, name)
	q := newQueue(b, name, s, now)
	q.tags = maps.Clone(tags)
	b.change(func(m map[string]*queue) { m[name] = q })
	return q, nil
}

// remove deletes a queue with everything in it.
func (b *Broker) remove(q *queue) error {
	b.mu.Lock()
	if b.byName(q.name) != q {
		b.mu.Unlock()
		return errNoQueue()
	}
	b.change(func(m map[string]*queue) { delete(m, q.name) })
	b.deleted[q.name] = b.now()
	b.mu.Unlock()
	q.end()
	return nil
}

// CreateQueue makes a queue with the given attributes, named as in the SQS API;
// nil means the defaults. It succeeds when the queue exists with the same values,
// and otherwise gives a *wire.Error with the code QueueNameExists.
func (b *Broker) CreateQueue(name string, attributes map[string]string) (url, arn string, err error) {
	q, err := b.create(name, attributes, nil)
	if err != nil {
		return "", "", fmt.Errorf("create the queue %q: %w", name, err)
	}
	return b.url(name), q.arn, nil
}

// EnsureQueue is CreateQueue, except that a queue which exists with other values
// gets the given ones. Attributes that are not named keep their values.
func (b *Broker) EnsureQueue(name string, attributes map[string]string) (url, arn string, err error) {
	q, err := b.create(name, attributes, nil)
	if isCode(err, "QueueNameExists") {
		q = b.byName(name)
		if q == nil {
			err = errNoQueue()
		} else {
			err = q.setAttributes(attributes)
		}
	}
	if err != nil {
		return "", "", fmt.Errorf("ensure the queue %q: %w", name, err)
	}
	return b.url(name), q.arn, nil
}

// MakeQueue is CreateQueue for whoever must know whether he has made the queue: one that is
// there already is a *wire.Error with the code QueueNameExists, whatever its attributes.
func (b *Broker) MakeQueue(name string, attributes, tags map[string]string) (url, arn string, err error) {
	if b.byName(name) != nil {
		err = wire.Errorf("QueueNameExists", "A queue already exists with the name %s", name)
	} else {
		var q *queue
		if q, err = b.create(name, attributes, tags); err == nil {
			return b.url(name), q.arn, nil
		}
	}
	return "", "", fmt.Errorf("make the queue %q: %w", name, err)
}

// ChangeQueue sets attributes of a queue and gives it exactly these tags.
func (b *Broker) ChangeQueue(name string, attributes, tags map[string]string) error {
	q := b.byName(name)
	if q == nil {
		return fmt.Errorf("change the queue %q: %w", name, errNoQueue())
	}
	if err := checkTags(tags); err != nil {
		return err
	}
	if err := q.setAttributes(attributes); err != nil {
		return err
	}
	return q.change(func(int64) error { q.tags = maps.Clone(tags); return nil })
}

// RemoveQueue deletes a queue with everything in it. Its name is free at once, as after the
// minute that CloudFormation waits.
func (b *Broker) RemoveQueue(name string) error {
	q := b.byName(name)
	if q == nil {
		return fmt.Errorf("remove the queue %q: %w", name, errNoQueue())
	}
	if err := b.remove(q); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.deleted, name)
	return nil
}

// Depth is how many messages a queue has, in the three states that SQS counts.
type Depth struct {
	// Visible can be received, InFlight have been received and are hidden for their
	// visibility timeout, Delayed wait for their delay to end.
	Visible, InFlight, Delayed int
}

// Depth counts the messages of a queue. Unlike AWS's counts it is exact. An
// unknown queue is a *wire.Error with the code QueueDoesNotExist.
func (b *Broker) Depth(arn string) (Depth, error) {
	q := b.byARN(arn)
	if q == nil {
		return Depth{}, fmt.Errorf("count the messages of %q: %w", arn, errNoQueue())
	}
	return q.depth(), nil
}

// Measure is what CloudWatch tells of a queue.
type Measure struct {
	Depth
	// Oldest is how long ago the message that has been in the queue for the longest
	// time came into it: of a dead letter, when it was moved, and not when it was
	// sent. Zero means an empty queue. Source: developer guide, "Setting-up
	// dead-letter queue retention". AWS leaves out what a standard queue has
	// delivered three times or more in vain; this does not.
	Oldest time.Duration
	// Sent, Received and Deleted count messages since the queue was made. Dead
	// letters that SQS moves here are not sent; a message deleted twice counts
	// twice. Source: developer guide, "Available CloudWatch metrics for Amazon SQS".
	Sent, Received, Deleted uint64
}

// Names are the names of the queues, sorted.
func (b *Broker) Names() []string { return slices.Sorted(maps.Keys(*b.queues.Load())) }

// Measure counts the messages of the queue of that name and tells the age of the
// oldest, for which it looks at each of them; false means that there is no such
// queue.
func (b *Broker) Measure(name string) (Measure, bool) {
	q := b.byName(name)
	if q == nil {
		return Measure{}, false
	}
	return q.measure(), true
}
