package dispatch

import (
	"cmp"
	"maps"
	"time"
)

// Option changes one dispatch. Of several for one setting the last wins; nil
// changes nothing.
type Option func(*options)

type options struct {
	jobID      string
	webhookURL string
	metadata   map[string]any
	context    map[string]any
	userID     string
	maxTokens  *int
	mode       Mode
	delay      time.Duration
	unchecked  bool
	key        string  // idempotency key
	group      string  // message group
	schema     *Schema // of a Contract; goes before Config.Schema
	// Of DispatchMany only.
	skipInvalid bool
	parallel    int
}

// WithJobID sets the job's id; empty means a new one, see NewJobID. The deployed
// job stores overwrite a job with the same id, so an id of your own has to be
// unique.
func WithJobID(id string) Option { return func(o *options) { o.jobID = id } }

// WithIdempotencyKey makes dispatching again harmless: the job's id is made from
// the worker's id and the key (see JobIDForKey), so a job store takes every
// dispatch with this key for the same job and runs it once. A FIFO queue moreover
// drops the second message within five minutes, since the key is its
// MessageDeduplicationId (the job's id, where SQS would refuse the key). Without a
// job store and on a standard queue, a second dispatch is a second run.
//
// Any text will do; empty means none. Together with WithJobID it is an error.
func WithIdempotencyKey(key string) Option { return func(o *options) { o.key = key } }

// WithMessageGroup puts the job into a message group, 1 to 128 ASCII letters,
// digits and punctuation marks; empty means the default. A FIFO queue runs the jobs of one
// group in their order, and by default each job is a group of its own. A standard
// queue uses groups to share its consumers fairly, and by default has none. The
// HTTP trigger knows no groups and refuses them.
func WithMessageGroup(id string) Option { return func(o *options) { o.group = id } }

// WithWebhookURL sets the URL that gets the completion callback, absolute and
// http or https; empty means none.
func WithWebhookURL(url string) Option { return func(o *options) { o.webhookURL = url } }

// WithMetadata sets the job's metadata; nil means {}. The map is copied, its
// values are not.
func WithMetadata(md map[string]any) Option {
	return func(o *options) { o.metadata = maps.Clone(md) }
}

// WithContext sets the job's context: requestId, and whatever else the worker's
// handler is to see; nil means {}. The map is copied, its values are not.
func WithContext(values map[string]any) Option {
	return func(o *options) { o.context = maps.Clone(values) }
}

// WithUserID sets context.userId, over one in WithContext; empty means none.
func WithUserID(id string) Option { return func(o *options) { o.userID = id } }

// WithMaxTokens sets the job's token budget, zero or more.
func WithMaxTokens(n int) Option { return func(o *options) { o.maxTokens = &n } }

// WithMode sets the mode; empty means ModeAuto.
func WithMode(m Mode) Option { return func(o *options) { o.mode = cmp.Or(m, ModeAuto) } }

// WithDelay makes the job wait in its queue: 0 to 900 s, rounded up to whole
// seconds. The HTTP trigger knows no delay, and a FIFO queue none for a single
// message: both refuse it with ErrDelay.
func WithDelay(d time.Duration) Option { return func(o *options) { o.delay = d } }

// WithoutValidation sends input that does not fit the worker's schema, and does
// not look the schema up; the workers API is asked not to check it either. The
// input still has to be JSON.
func WithoutValidation() Option { return func(o *options) { o.unchecked = true } }

// WithInvalidSkipped makes DispatchMany send the jobs that can be sent although
// others cannot. Without it an invalid one keeps all from being sent.
func WithInvalidSkipped() Option { return func(o *options) { o.skipInvalid = true } }

// WithParallel sets how many sends DispatchMany has under way at the same time;
// zero and below mean DefaultParallel.
func WithParallel(n int) Option { return func(o *options) { o.parallel = n } }

func withMember(m map[string]any, key string, value any) map[string]any {
	if m == nil {
		m = make(map[string]any, 1)
	}
	m[key] = value
	return m
}
