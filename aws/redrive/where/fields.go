package where

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	exprtypes "github.com/expr-lang/expr/types"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// Field is a name that an expression can use.
type Field struct {
	Name string
	// Type is in words: "text", "number", "object", "any JSON", "duration", "time".
	Type string
	// Help is half a sentence.
	Help string
}

// Fields lists the names in the order in which they are best shown. The slice is
// the caller's own.
func Fields() []Field { return slices.Clone(fields) }

const (
	nameID           = "id"
	nameJobID        = "jobId"
	nameWorkerID     = "workerId"
	nameBody         = "body"
	nameInput        = "input"
	nameMetadata     = "metadata"
	nameError        = "error"
	nameGroup        = "group"
	nameAge          = "age"
	nameSentAt       = "sentAt"
	nameReceiveCount = "receiveCount"
	nameAttributes   = "attributes"
	nameSource       = "source"
	nameMessageGroup = "messageGroup"

	// Names of our own: no expression can have a space in one.
	nameNow    = " now"
	nameBudget = " budget"
)

var fields = []Field{
	{nameJobID, "text", "the job's id; empty when the body has none"},
	{nameWorkerID, "text", "the worker that the body names"},
	{nameInput, "any JSON", "the job's input: input.order, input.items[0].sku"},
	{nameMetadata, "object", "the job's metadata"},
	{nameError, "text", "why the job failed; empty when not known"},
	{nameGroup, "text", "the signature of its failure; empty when not known"},
	{nameAge, "duration", `since it was sent: age > "1d12h", age < 3600`},
	{nameSentAt, "time", `when it was sent: sentAt > date("2026-03-01")`},
	{nameReceiveCount, "number", "how often SQS has delivered it"},
	{nameAttributes, "object", "the message attributes: attributes.tenant"},
	{nameSource, "text", "the ARN of the queue it came from"},
	{nameMessageGroup, "text", "its message group"},
	{nameID, "text", "SQS's message id"},
	{nameBody, "text", "the whole message"},
}

// environment is what the checker knows of the names. The library wants one of its
// own maps to know a type without a value.
var environment = exprtypes.Map{
	nameID: exprtypes.String, nameJobID: exprtypes.String, nameWorkerID: exprtypes.String, nameBody: exprtypes.String,
	nameInput: exprtypes.Any, nameMetadata: exprtypes.Any, nameAttributes: exprtypes.TypeOf(map[string]any{}),
	nameError: exprtypes.String, nameGroup: exprtypes.String, nameSource: exprtypes.String, nameMessageGroup: exprtypes.String,
	nameAge: exprtypes.TypeOf(time.Duration(0)), nameSentAt: exprtypes.TypeOf(time.Time{}), nameReceiveCount: exprtypes.Int,
	nameNow: exprtypes.TypeOf(time.Time{}), nameBudget: exprtypes.TypeOf(new(budget)),
}

// values gives the program the names it uses and no others: reading the input is
// most of the work.
func (f *Filter) values(l *letter.Letter, facts Facts) map[string]any {
	now := facts.Now
	if now.IsZero() {
		now = time.Now()
	}
	out := make(map[string]any, len(f.uses))
	for name := range f.uses {
		switch name {
		case nameID:
			out[name] = l.ID
		case nameJobID:
			out[name] = l.JobID()
		case nameWorkerID:
			out[name] = l.WorkerID()
		case nameBody:
			out[name] = l.Body
		case nameInput:
			out[name] = inputOf(l)
		case nameMetadata:
			out[name] = metadataOf(l)
		case nameError:
			out[name] = facts.Error
		case nameGroup:
			out[name] = facts.Group
		case nameAge:
			if !l.SentAt.IsZero() { // else null: no age is better than one of centuries
				out[name] = max(now.Sub(l.SentAt), 0)
			}
		case nameSentAt:
			if !l.SentAt.IsZero() {
				out[name] = l.SentAt
			}
		case nameReceiveCount:
			out[name] = l.ReceiveCount
		case nameAttributes:
			out[name] = attributesOf(l)
		case nameSource:
			out[name] = l.Source
		case nameMessageGroup:
			out[name] = l.Group()
		case nameNow:
			out[name] = now
		case nameBudget:
			left := budget(maxWork)
			out[name] = &left
		}
	}
	return out
}

// inputOf is the job's input, null when there is none to read.
func inputOf(l *letter.Letter) any {
	if l.Message == nil {
		return nil
	}
	v, _ := decode(l.Message.Input) // it is JSON, or it would be no message
	return v
}

// metadataOf is the metadata as it stands in the body, which need not be an object.
func metadataOf(l *letter.Letter) any {
	if l.Message == nil {
		return nil
	}
	if l.Message.Metadata == nil {
		v, _ := decode(l.Message.Extra[nameMetadata])
		return v
	}
	out := make(map[string]any, len(l.Message.Metadata))
	for name, v := range l.Message.Metadata { // the letter's own map stays as it is
		out[name] = plainCopy(v)
	}
	return out
}

func attributesOf(l *letter.Letter) map[string]any {
	out := make(map[string]any, len(l.Attributes))
	for name, a := range l.Attributes {
		out[name] = attributeValue(a)
	}
	return out
}

// attributeValue reads an attribute by its type, which may have a label: Number.cents.
func attributeValue(a types.MessageAttributeValue) any {
	if a.StringValue == nil {
		return base64.StdEncoding.EncodeToString(a.BinaryValue)
	}
	if kind, _, _ := strings.Cut(deref(a.DataType), "."); kind == "Number" {
		if v := number(*a.StringValue); v != nil {
			return v
		}
	}
	return *a.StringValue
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// decode reads JSON with the numbers an expression calculates with. Nothing is null.
func decode(raw []byte) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return plain(v), nil
}

// plain writes numbers as Go's, in place.
func plain(v any) any {
	switch x := v.(type) {
	case json.Number:
		return number(string(x))
	case map[string]any:
		for name, e := range x {
			if inner := plain(e); changed(e) {
				x[name] = inner
			}
		}
	case []any:
		for i, e := range x {
			x[i] = plain(e)
		}
	}
	return v
}

// changed is whether plain gives another value for v.
func changed(v any) bool { _, is := v.(json.Number); return is }

// plainCopy is plain for a value that others hold too.
func plainCopy(v any) any {
	switch x := v.(type) {
	case json.Number:
		return number(string(x))
	case map[string]any:
		out := make(map[string]any, len(x))
		for name, e := range x {
			out[name] = plainCopy(e)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = plainCopy(e)
		}
		return out
	}
	return v
}

// number is an int where the text is a whole number that fits one, else a float64;
// nil when it is neither.
func number(text string) any {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	// Beyond what a float64 holds it is infinite, which compares as it should.
	if x, err := strconv.ParseFloat(text, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return x
	}
	return nil
}
