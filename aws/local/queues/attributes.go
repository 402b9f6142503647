package queues

import (
	"slices"
	"strconv"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// isFIFO says which kind of queue it is; that never changes.
func (q *queue) isFIFO() bool { return q.fifo != nil }

// allowed says whether the queue may be source's dead-letter queue.
func (q *queue) allowed(source string) bool {
	q.mu.Lock()
	defer q.unlock()
	return q.settings.allow.allows(source)
}

// deadLetterTarget is the ARN of the queue's dead-letter queue, or empty.
func (q *queue) deadLetterTarget() string {
	q.mu.Lock()
	defer q.unlock()
	if q.settings.redrive == nil {
		return ""
	}
	return q.settings.redrive.target
}

// snapshot is the settings as they stand.
func (q *queue) snapshot() settings {
	q.mu.Lock()
	defer q.unlock()
	return q.settings
}

// setAttributes sets the given attributes, all or none.
func (q *queue) setAttributes(attributes map[string]string) error {
	// Other queues are asked while the attributes are checked, and no two queues
	// are locked at once: so the check works on a copy, and a change by somebody
	// else in between is looked for.
	for {
		before := q.snapshot()
		after, err := q.broker.apply(before, q.name, attributes)
		if err != nil {
			return err
		}
		done := false
		err = q.change(func(now int64) error {
			if q.settings == before {
				q.settings, q.modified, done = after, now, true
			}
			return nil
		})
		if done || err != nil {
			return err
		}
	}
}

// sameAttributes says whether the given attributes have these values already.
// Attributes that are not given do not matter.
func (q *queue) sameAttributes(attributes map[string]string) error {
	have := q.snapshot()
	want, err := q.broker.apply(have, q.name, attributes)
	if err != nil {
		return err
	}
	for _, name := range settable {
		if _, ok := attributes[name]; !ok {
			continue
		}
		a, _ := have.attribute(name)
		b, _ := want.attribute(name)
		if a != b {
			return wire.Errorf("QueueNameExists", "A queue already exists with the same name and a different value for attribute %s", name).
				WithQueryCode("QueueAlreadyExists")
		}
	}
	return nil
}

// attributes are the named attributes, or all of them for All.
func (q *queue) attributes(names []string) (map[string]string, error) {
	all := slices.Contains(names, "All")
	for _, name := range names {
		if name != "All" && !isSettable(name) && !slices.Contains(computed[:], name) {
			return nil, badName(name)
		}
	}
	d := q.depth()
	q.mu.Lock()
	s, modified := q.settings, q.modified
	q.unlock()

	result := map[string]string{}
	for _, name := range settable {
		if value, ok := s.attribute(name); ok && (all || slices.Contains(names, name)) {
			result[name] = value
		}
	}
	for _, name := range computed {
		if !all && !slices.Contains(names, name) {
			continue
		}
		var value string
		switch name {
		case "ApproximateNumberOfMessages":
			value = strconv.Itoa(d.Visible)
		case "ApproximateNumberOfMessagesNotVisible":
			value = strconv.Itoa(d.InFlight)
		case "ApproximateNumberOfMessagesDelayed":
			value = strconv.Itoa(d.Delayed)
		case "CreatedTimestamp":
			value = unixSeconds(q.created)
		case "LastModifiedTimestamp":
			value = unixSeconds(modified)
		case "QueueArn":
			value = q.arn
		}
		result[name] = value
	}
	return result, nil
}

func unixSeconds(ns int64) string { return strconv.FormatInt(ns/int64(time.Second), 10) }

func millis(ns int64) int64 { return ns / int64(time.Millisecond) }
