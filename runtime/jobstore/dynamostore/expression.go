package dynamostore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// attribute is a part of an item.
type attribute struct {
	name  string
	value types.AttributeValue
}

// maxKeys is how many metadata keys go into one request. DynamoDB takes expressions
// of at most 4 KB and 300 operators (Developer Guide, "Constraints").
const maxKeys = 100

// split cuts what goes into the next request.
func split(metadata []attribute) (first, rest []attribute) {
	n := min(len(metadata), maxKeys)
	return metadata[:n], metadata[n:]
}

// expression is an update expression being put together, or a condition. Every name
// goes by a placeholder: many are reserved words, and metadata keys can be anything.
type expression struct {
	assigned []attribute
	set      []string
	remove   []string
	add      []string

	condition string
	names     map[string]string
	values    map[string]types.AttributeValue
	// placeholders are the names that have one.
	placeholders map[string]string
}

func newExpression() *expression {
	return &expression{names: map[string]string{}, values: map[string]types.AttributeValue{}, placeholders: map[string]string{}}
}

func (e *expression) name(attribute string) string {
	placeholder, ok := e.placeholders[attribute]
	if !ok {
		placeholder = fmt.Sprint("#", len(e.names))
		e.placeholders[attribute] = placeholder
		e.names[placeholder] = attribute
	}
	return placeholder
}

func (e *expression) value(value types.AttributeValue) string {
	placeholder := fmt.Sprint(":", len(e.values))
	e.values[placeholder] = value
	return placeholder
}

// assign sets an attribute.
func (e *expression) assign(name string, value types.AttributeValue) {
	e.assigned = append(e.assigned, attribute{name, value})
	e.set = append(e.set, e.name(name)+"="+e.value(value))
}

// assignText sets an attribute, or removes it when there is nothing to set.
func (e *expression) assignText(name, value string) {
	if value == "" {
		e.drop(name)
		return
	}
	e.assign(name, text(value))
}

func (e *expression) drop(names ...string) {
	for _, name := range names {
		e.remove = append(e.remove, e.name(name))
	}
}

func (e *expression) text() string {
	var clauses []string
	for _, clause := range []struct {
		verb    string
		actions []string
	}{{"SET ", e.set}, {"REMOVE ", e.remove}, {"ADD ", e.add}} {
		if len(clause.actions) > 0 {
			clauses = append(clauses, clause.verb+strings.Join(clause.actions, ","))
		}
	}
	return strings.Join(clauses, " ")
}

// live is the condition that there is a record and its time is not over.
func (e *expression) live(now time.Time) string {
	expires := e.name(expiresAt)
	return fmt.Sprintf("attribute_exists(%s) AND (attribute_not_exists(%s) OR %s > %s)", e.name(keyName), expires, expires, e.value(number(now.Unix())))
}

// claimChange is a claim as an expression; full: without the input.
func (s *Store) claimChange(c jobstore.Claim, metadata []attribute, now time.Time) func(full bool) *expression {
	return func(full bool) *expression {
		if full {
			c.Input = nil
		}
		e := newExpression()
		e.claim(s, c, metadata, now)
		e.claimed(now)
		e.drop("output", "outputBytes", "completedAt", "progress", "webhook")

		status, lease := e.name("status"), e.name("leaseUntil")
		e.condition = fmt.Sprintf("attribute_not_exists(%s) OR (%s AND %s <> %s AND (%s <> %s OR attribute_not_exists(%s) OR %s <= %s OR %s = %s))",
			e.name(keyName), e.live(now),
			status, e.value(text(string(jobstore.Completed))),
			status, e.value(text(string(jobstore.Running))),
			lease, lease, e.value(text(iso(now))),
			e.name("owner"), e.value(text(c.Owner)))
		return e
	}
}

// claim assigns what a claim says.
func (e *expression) claim(s *Store, c jobstore.Claim, metadata []attribute, now time.Time) {
	e.assign("workerId", text(c.WorkerID))
	e.assign("status", text(string(jobstore.Running)))
	e.assign("owner", text(c.Owner))
	e.assign("leaseUntil", text(iso(c.Lease)))
	e.assign("receives", number(int64(c.Receives)))
	e.assignText("messageId", c.MessageID)
	e.assignText("userId", c.UserID)
	if len(c.Input) > s.maxInput {
		c.Input = nil
	}
	e.assignText("input", string(c.Input))
	e.touch(s, now)
	for _, a := range metadata {
		e.assign(a.name, a.value)
	}
}

// claimed is what a claim sets only where there is nothing. lastError is there from
// then on, for status to go by.
func (e *expression) claimed(now time.Time) {
	for _, a := range firstClaim(now) {
		name := e.name(a.name)
		e.set = append(e.set, fmt.Sprintf("%s=if_not_exists(%s,%s)", name, name, e.value(a.value)))
	}
}

func firstClaim(now time.Time) []attribute {
	return []attribute{{"createdAt", text(iso(now))}, {"lastError", &types.AttributeValueMemberNULL{Value: true}}}
}

func (e *expression) touch(s *Store, now time.Time) {
	e.assign("updatedAt", text(iso(now)))
	e.assign(expiresAt, number(now.Add(s.ttl+time.Second-time.Nanosecond).Unix()))
}

// updateChange is an update as an expression; full: without the output, and the input
// goes too.
func (s *Store) updateChange(u jobstore.Update, metadata []attribute, now time.Time) func(full bool) *expression {
	return func(full bool) *expression {
		e := newExpression()
		e.touch(s, now)
		for _, a := range metadata {
			e.assign(a.name, a.value)
		}
		e.status(u, now)
		switch {
		case u.Output != nil || u.OutputBytes != 0:
			e.assign("outputBytes", number(int64(cmp.Or(u.OutputBytes, len(u.Output)))))
			if u.Output == nil || len(u.Output) > s.maxOutput || full {
				e.drop("output")
			} else {
				e.assign("output", text(string(u.Output)))
			}
		case full:
			e.drop("output")
		}
		if full {
			e.drop("input")
		}
		if u.Error != nil {
			e.assign("error", jsonText(cutError(u.Error)))
		}
		if u.LastError != nil {
			e.assign("lastError", jsonText(cutError(u.LastError)))
		}
		if u.Progress != nil {
			e.assign("progress", jsonText(jobstore.Progress{Percent: u.Progress.Percent, Message: cut(u.Progress.Message, maxMessage)}))
		}
		if u.Tokens != nil {
			e.assign("tokens", jsonText(u.Tokens))
		}
		if u.Webhook != nil {
			webhook := *u.Webhook
			webhook.Error, webhook.At = cut(webhook.Error, maxMessage), millis(webhook.At)
			e.assign("webhook", jsonText(webhook))
		}

		conditions := []string{e.live(now)}
		if u.Owner != "" {
			conditions = append(conditions, fmt.Sprintf("%s = %s AND %s = %s",
				e.name("owner"), e.value(text(u.Owner)), e.name("status"), e.value(text(string(jobstore.Running)))))
		}
		if u.Child != nil {
			conditions = append(conditions, e.child(*u.Child))
		}
		e.condition = strings.Join(conditions, " AND ")
		return e
	}
}

// status sets the state and what goes with it.
func (e *expression) status(u jobstore.Update, now time.Time) {
	if u.Status == "" {
		return
	}
	e.assign("status", text(string(u.Status)))
	if u.Owner == "" {
		e.drop("owner")
	}
	if u.Status != jobstore.Running {
		e.drop("leaseUntil")
	}
	if u.Status == jobstore.Completed || u.Status == jobstore.Failed {
		e.assign("completedAt", text(iso(now)))
	} else {
		e.drop("completedAt")
	}
	// The error of a run before becomes the last error here, not in the claim, which
	// would have to nest if_not_exists: DynamoDB documents that, and not every server
	// that speaks its protocol knows it.
	if u.LastError == nil {
		last := e.name("lastError")
		e.set = append(e.set, fmt.Sprintf("%s=if_not_exists(%s,%s)", last, e.name("error"), last))
	}
	if u.Error == nil {
		e.drop("error")
	}
}

// child appends to the children; the condition is that it is not there.
func (e *expression) child(c jobstore.Child) (condition string) {
	list, ids := e.name("internalJobs"), e.name("childIds")
	e.set = append(e.set, fmt.Sprintf("%s=list_append(if_not_exists(%s,%s),%s)", list, list,
		e.value(&types.AttributeValueMemberL{Value: []types.AttributeValue{}}),
		e.value(&types.AttributeValueMemberL{Value: []types.AttributeValue{jsonText(c)}})))
	e.add = append(e.add, ids+" "+e.value(&types.AttributeValueMemberSS{Value: []string{c.JobID}}))
	return fmt.Sprintf("NOT contains(%s,%s)", ids, e.value(text(c.JobID)))
}

// encodeMetadata is metadata as attributes, sorted, so that a request is the same each
// time.
func encodeMetadata(metadata map[string]any) ([]attribute, error) {
	attributes := make([]attribute, 0, len(metadata))
	for k, v := range metadata {
		encoded, err := encodeJSON(v)
		if err != nil {
			return nil, fmt.Errorf("the metadata's %.80q: %w", k, err)
		}
		attributes = append(attributes, attribute{metadataPrefix + k, text(encoded)})
	}
	slices.SortFunc(attributes, func(a, b attribute) int { return cmp.Compare(a.name, b.name) })
	return attributes, nil
}
