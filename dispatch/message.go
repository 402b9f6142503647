package dispatch

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Message is a job: the body of one SQS message.
//
// ParseMessage reads every form the deployed contract allows, and MarshalJSON
// writes the one form its producers write. Writing with MarshalJSON rather than
// json.Marshal keeps <, > and & as they are: json.Marshal escapes them in
// whatever a Marshaler returns.
type Message struct {
	// WorkerID is the worker the job is for; empty when the message has none.
	WorkerID string
	// JobID names the job; empty when the message has none.
	JobID string
	// Input is the job's input as it was given; nil is written as {}.
	Input json.RawMessage
	// Context carries requestId, userId and the caller's own keys; nil is
	// written as {}. Numbers are json.Number, so nothing is rounded.
	Context map[string]any
	// WebhookURL gets the completion callback; empty means none.
	WebhookURL string
	// Metadata is the caller's own; nil is written as {}.
	Metadata map[string]any
	// Timestamp is when the job was sent, in UTC; zero when the message does
	// not say, and then it is not written.
	Timestamp time.Time
	// UserID is the message's own field; see EffectiveUserID.
	UserID string
	// MaxTokens is the job's token budget; nil means none.
	MaxTokens *int
	// Extra holds fields this version does not know. They are written back,
	// sorted by name. A known optional field whose value is of another type than
	// the contract's is kept here too, under its own name, and written back in
	// its place as long as the typed field is empty: so reading a message and
	// writing it again changes spelling only, such as the order of fields, a
	// numeric id into text, or a timestamp into UTC milliseconds.
	Extra map[string]json.RawMessage

	// GroupID and DeduplicationID are for the queue and no part of the body: they
	// are neither written nor read. A FIFO queue keeps the order of the messages of
	// one group; a standard queue takes a group for fair queues. Empty means, for a
	// FIFO queue, the job's id, and for a standard queue none. See WithMessageGroup
	// and WithIdempotencyKey.
	GroupID, DeduplicationID string
	// Unchecked, no part of the body either, says that the sender means its input
	// although it may not fit the worker's schema. Trigger then asks the API not to
	// check it (?validate=off), which the TypeScript system never does.
	Unchecked bool
}

// The fields of a message.
const (
	fieldWorkerID   = "workerId"
	fieldJobID      = "jobId"
	fieldInput      = "input"
	fieldContext    = "context"
	fieldWebhookURL = "webhookUrl"
	fieldMetadata   = "metadata"
	fieldTimestamp  = "timestamp"
	fieldUserID     = "userId"
	fieldMaxTokens  = "maxTokens"
)

// isoMillis is JavaScript's Date.prototype.toISOString.
const isoMillis = "2006-01-02T15:04:05.000Z"

// ParseMessage reads an SQS body. Every field may be missing or null. workerId
// and jobId may be a number, whose digits are then the id. Other fields of an
// unexpected type end up in Extra. The error for a body that is not a JSON
// object says what it is instead; it never quotes the body.
func ParseMessage(body []byte) (*Message, error) {
	m := &Message{}
	if err := m.UnmarshalJSON(body); err != nil {
		return nil, err
	}
	return m, nil
}

// UnmarshalJSON reads an SQS body; see ParseMessage.
func (m *Message) UnmarshalJSON(body []byte) error {
	if done, err := m.readQuickly(body); done {
		return err
	}
	return m.readSlowly(body)
}

// readSlowly reads every body, with encoding/json.
func (m *Message) readSlowly(body []byte) error {
	fields, err := messageFields(body)
	if err != nil {
		return err
	}
	*m = Message{}
	for name, raw := range fields {
		if err := m.field(name, raw); err != nil {
			return err
		}
	}
	return nil
}

// field reads one field; what it cannot take is kept in Extra.
func (m *Message) field(name string, raw []byte) error {
	if string(raw) == "null" && name != fieldInput && isMessageField(name) {
		return nil
	}
	taken, err := m.take(name, raw)
	if err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	if !taken {
		if m.Extra == nil {
			m.Extra = make(map[string]json.RawMessage)
		}
		m.Extra[name] = bytes.Clone(raw)
	}
	return nil
}

func messageFields(body []byte) (map[string]json.RawMessage, error) {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	if len(trimmed) == 0 {
		return nil, errors.New("read message: the body is empty, expected a JSON object")
	}
	var fields map[string]json.RawMessage
	err := json.Unmarshal(body, &fields)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		if trimmed[0] != '{' && trimmed[0] != '[' && trimmed[0] != '"' {
			return nil, fmt.Errorf("read message: the body is text and not JSON (%d bytes), expected a JSON object: %w", len(body), err)
		}
		return nil, fmt.Errorf("read message: the body is not valid JSON at byte %d of %d: %w", syntax.Offset, len(body), err)
	}
	if trimmed[0] != '{' {
		return nil, fmt.Errorf("read message: the body is %s, expected a JSON object", rawKind(trimmed))
	}
	if err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	return fields, nil
}

// rawKind names the type of a JSON value.
func rawKind(raw []byte) string {
	switch raw[0] {
	case '{':
		return "a JSON object"
	case '[':
		return "a JSON array"
	case '"':
		return "a JSON string"
	case 't', 'f':
		return "a JSON boolean"
	case 'n':
		return "JSON null"
	}
	return "a JSON number"
}

// messageFieldNames are the fields of a message.
var messageFieldNames = [...]string{
	fieldWorkerID, fieldJobID, fieldInput, fieldContext, fieldWebhookURL,
	fieldMetadata, fieldTimestamp, fieldUserID, fieldMaxTokens,
}

func isMessageField(name string) bool { return slices.Contains(messageFieldNames[:], name) }

// take reads one field and reports whether its type was the contract's.
func (m *Message) take(name string, raw json.RawMessage) (bool, error) {
	var err error
	switch name {
	case fieldWorkerID:
		m.WorkerID, err = idText(name, raw)
		return true, err
	case fieldJobID:
		m.JobID, err = idText(name, raw)
		return true, err
	case fieldInput:
		m.Input = bytes.Clone(raw)
		return true, nil
	case fieldContext:
		m.Context, err = objectField(raw)
	case fieldMetadata:
		m.Metadata, err = objectField(raw)
	case fieldWebhookURL:
		m.WebhookURL, err = stringField(raw)
	case fieldUserID:
		m.UserID, err = stringField(raw)
	case fieldTimestamp:
		m.Timestamp, err = timeField(raw)
	case fieldMaxTokens:
		m.MaxTokens, err = intField(raw)
	default:
		return false, nil
	}
	return err == nil, nil
}

var errOtherType = errors.New("another type")

// idText reads an id: a string, or a number as its digits.
func idText(name string, raw json.RawMessage) (string, error) {
	if c := raw[0]; c == '-' || c >= '0' && c <= '9' {
		return string(raw), nil
	}
	if raw[0] != '"' {
		return "", fmt.Errorf("field %q is %s, expected a string", name, rawKind(raw))
	}
	out, err := unquote(raw)
	if err != nil {
		return "", fmt.Errorf("field %q: %w", name, err)
	}
	return out, nil
}

// unquote reads a JSON string.
func unquote(raw []byte) (string, error) {
	w := quickWalk{text: raw}
	return w.unquoted()
}

func stringField(raw json.RawMessage) (string, error) {
	if raw[0] != '"' {
		return "", errOtherType
	}
	out, err := unquote(raw)
	if out == "" {
		// An empty text is the same as none, but not written the same: keep it.
		return "", errOtherType
	}
	return out, err
}

func objectField(raw json.RawMessage) (map[string]any, error) {
	if raw[0] != '{' {
		return nil, errOtherType
	}
	return decodeObject(raw)
}

func timeField(raw json.RawMessage) (time.Time, error) {
	text, err := stringField(raw)
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, err
	}
	at = at.UTC()
	if at.IsZero() || at.Year() < 0 || at.Year() > 9999 {
		return time.Time{}, errOtherType
	}
	return at, nil
}

func intField(raw json.RawMessage) (*int, error) {
	n, err := strconv.Atoi(string(raw))
	if err != nil {
		f, ferr := strconv.ParseFloat(string(raw), 64)
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return nil, errOtherType
		}
		n = int(f)
	}
	return &n, nil
}

// EffectiveUserID is context.userId, else UserID: the user the worker sees. It
// is empty when neither is a text or a number.
func (m *Message) EffectiveUserID() string {
	if m == nil {
		return ""
	}
	switch id := m.Context[fieldUserID].(type) {
	case string:
		return id
	case json.Number:
		return string(id)
	}
	if m.UserID != "" {
		return m.UserID
	}
	var number json.Number
	if raw := m.Extra[fieldUserID]; len(raw) > 0 && raw[0] != '"' && json.Unmarshal(raw, &number) == nil {
		return string(number)
	}
	return ""
}

// NewJobID makes an id of the form job-<ms>-<9 base36 characters>: now in
// milliseconds since 1970, then 46 random bits, as the deployed system makes them.
func NewJobID(now time.Time) string {
	const nine = 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand.Read since Go 1.24
	tail := strconv.FormatUint(binary.BigEndian.Uint64(random[:])%nine, 36)
	return "job-" + strconv.FormatInt(now.UnixMilli(), 10) + "-" + strings.Repeat("0", 9-len(tail)) + tail
}
