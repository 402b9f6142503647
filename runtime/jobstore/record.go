package jobstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Validate says what is missing in a claim; nil when nothing is. Every store
// refuses a claim that is not valid.
func (c Claim) Validate() error {
	switch {
	case c.JobID == "":
		return errors.New("a claim needs a job id")
	case c.WorkerID == "":
		return errors.New("a claim needs a worker id")
	case c.Owner == "":
		return errors.New("a claim needs an owner")
	}
	return nil
}

// Validate says what is wrong with an update; nil when nothing is. Every store
// refuses an update that is not valid.
func (u Update) Validate() error {
	switch u.Status {
	case "", Queued, Running, Completed, Failed:
	default:
		return fmt.Errorf("%q is no state of a job", u.Status)
	}
	switch {
	case u.Error != nil && u.Status != Failed:
		return errors.New("an Error goes with Status Failed; why an attempt failed is the LastError")
	case u.Progress != nil && (math.IsNaN(u.Progress.Percent) || math.IsInf(u.Progress.Percent, 0)):
		return errors.New("the progress is not a number")
	case u.Child != nil && u.Child.JobID == "":
		return errors.New("a child needs a job id")
	}
	return nil
}

// claim decides a claim: the record as it becomes, when it is Claimed. before is nil
// when there is no record, and not changed; nor may after be, once it is kept.
func claim(before *Record, c Claim, now time.Time) (after *Record, decision Decision, err error) {
	now = millis(now)
	metadata, err := plain(c.Metadata)
	if err != nil {
		return nil, 0, fmt.Errorf("the claim's metadata: %w", err)
	}
	after = &Record{CreatedAt: now}
	if before != nil {
		switch {
		case before.Status == Completed:
			return nil, Done, nil
		case before.Status == Running && now.Before(before.LeaseUntil) && before.Owner != c.Owner:
			return nil, Busy, nil
		}
		after.CreatedAt = before.CreatedAt
		after.Children, after.Tokens = before.Children, before.Tokens
		after.LastError = before.LastError
		if before.Error != nil {
			after.LastError = before.Error
		}
		metadata = merge(before.Metadata, metadata)
	}
	after.JobID, after.WorkerID, after.UserID = c.JobID, c.WorkerID, c.UserID
	after.Status = Running
	after.Input = bytes.Clone(c.Input)
	after.Metadata = metadata
	after.MessageID, after.Receives = c.MessageID, c.Receives
	after.Owner, after.LeaseUntil = c.Owner, millis(c.Lease)
	after.UpdatedAt = now
	return after, ClaimedJob, nil
}

// update is the record with u applied; before is not changed.
func update(before *Record, u Update, now time.Time) (*Record, error) {
	now = millis(now)
	if u.Owner != "" && (before.Status != Running || before.Owner != u.Owner) {
		if before.Owner == u.Owner && u.Status == before.Status {
			return before, nil // the owner's end, repeated
		}
		return nil, ErrLeaseLost
	}
	metadata, err := plain(u.Metadata)
	if err != nil {
		return nil, fmt.Errorf("the update's metadata: %w", err)
	}
	after := *before
	after.UpdatedAt = now
	after.Metadata = merge(before.Metadata, metadata)
	if u.Status != "" {
		after.Status = u.Status
		if u.Owner == "" {
			after.Owner = ""
		}
		if u.Status != Running {
			after.LeaseUntil = time.Time{}
		}
		after.CompletedAt = time.Time{}
		if u.Status == Completed || u.Status == Failed {
			after.CompletedAt = now
		}
		if after.Error != nil {
			after.LastError, after.Error = after.Error, nil
		}
	}
	if u.Output != nil || u.OutputBytes != 0 {
		after.Output, after.OutputBytes = bytes.Clone(u.Output), u.OutputBytes
		if after.OutputBytes == 0 {
			after.OutputBytes = len(u.Output)
		}
	}
	if u.Error != nil {
		after.Error = copied(u.Error)
	}
	if u.LastError != nil {
		after.LastError = copied(u.LastError)
	}
	if u.Progress != nil {
		after.Progress = copied(u.Progress)
	}
	if u.Tokens != nil {
		after.Tokens = u.Tokens.clone()
	}
	if u.Webhook != nil {
		after.Webhook = copied(u.Webhook)
		after.Webhook.At = millis(u.Webhook.At)
	}
	if c := u.Child; c != nil && !slices.ContainsFunc(after.Children, func(have Child) bool { return have.JobID == c.JobID }) {
		after.Children = append(slices.Clip(after.Children), *c)
	}
	return &after, nil
}

// clone is a record that its caller may change.
func (r *Record) clone() *Record {
	if r == nil {
		return nil
	}
	c := *r
	c.Input, c.Output = bytes.Clone(r.Input), bytes.Clone(r.Output)
	c.Error, c.LastError = copied(r.Error), copied(r.LastError)
	c.Progress, c.Webhook = copied(r.Progress), copied(r.Webhook)
	c.Tokens = r.Tokens.clone()
	c.Children = slices.Clone(r.Children)
	c.Metadata = make(map[string]any, len(r.Metadata))
	for key, value := range r.Metadata {
		c.Metadata[key] = cloneValue(value)
	}
	return &c
}

func (t *Tokens) clone() *Tokens {
	c := copied(t)
	if t != nil {
		c.Budget = copied(t.Budget)
	}
	return c
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// cloneValue copies a value that plain has made.
func cloneValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		c := make(map[string]any, len(value))
		for key, v := range value {
			c[key] = cloneValue(v)
		}
		return c
	case []any:
		c := make([]any, len(value))
		for i, v := range value {
			c[i] = cloneValue(v)
		}
		return c
	default:
		return value
	}
}

// merge is base with over's keys; neither is changed. It is never nil.
func merge(base, over map[string]any) map[string]any {
	if len(over) == 0 && base != nil {
		return base
	}
	merged := make(map[string]any, len(base)+len(over))
	maps.Copy(merged, base)
	maps.Copy(merged, over)
	return merged
}

// plain is metadata as its JSON reads: what a caller put in may be of any type, and
// changed afterwards. It is never nil.
func plain(metadata map[string]any) (map[string]any, error) {
	if len(metadata) == 0 {
		return map[string]any{}, nil
	}
	text, err := json.Marshal(metadata)
	if err != nil {
		return nil, err
	}
	return decodeObject(text)
}

// decodeObject reads an object with its numbers as json.Number.
func decodeObject(text []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	object := map[string]any{}
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	return object, nil
}

// millis is t as records keep it: UTC, to the millisecond, in a year that ISO 8601 has
// four digits for.
func millis(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Millisecond)
	switch year := t.Year(); {
	case year < 1:
		return time.Time{}
	case year > 9999:
		return time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)
	}
	return t
}
