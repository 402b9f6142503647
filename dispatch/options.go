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
}

// WithJobID sets the job's id; empty means a new one, see NewJobID. The deployed
// job stores overwrite a job with the same id, so an id of your own has to be
// unique.
func WithJobID(id string) Option { return func(o *options) { o.jobID = id } }

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
// seconds. The HTTP trigger knows no delay and refuses it with ErrDelay.
func WithDelay(d time.Duration) Option { return func(o *options) { o.delay = d } }

// WithoutValidation sends input that does not fit the worker's schema, and does
// not look the schema up. The input still has to be JSON.
func WithoutValidation() Option { return func(o *options) { o.unchecked = true } }

func withMember(m map[string]any, key string, value any) map[string]any {
	if m == nil {
		m = make(map[string]any, 1)
	}
	m[key] = value
	return m
}
