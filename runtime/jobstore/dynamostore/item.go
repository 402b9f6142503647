package dynamostore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

const (
	keyName        = "jobId"
	expiresAt      = "expiresAt"
	metadataPrefix = "metadata:"

	// isoMillis is JavaScript's Date.prototype.toISOString. Such strings compare as
	// their times do.
	isoMillis = "2006-01-02T15:04:05.000Z"

	// The longest texts that are kept of errors, in bytes.
	maxMessage = 8 << 10
	maxStack   = 32 << 10

	// maxKey is the longest job id that is its own key. DynamoDB takes partition keys
	// of at most 2,048 bytes.
	maxKey = 1000
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// jsonText is a value of ours as JSON; it is of a type that always has one.
func jsonText(value any) types.AttributeValue {
	encoded, err := encodeJSON(value)
	if err != nil {
		panic(fmt.Sprintf("dynamostore: %T as JSON: %v", value, err)) // Validate has refused what has no JSON
	}
	return text(encoded)
}

// encodeJSON is json.Marshal that keeps <, > and & as they are.
func encodeJSON(value any) (string, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(buffer.String(), "\n"), nil
}

// key is the partition key of a job. An id that is too long, or not UTF-8, is hashed;
// such a key is longer than maxKey, so that it is no other job's id.
func key(jobID string) types.AttributeValue {
	if len(jobID) <= maxKey && utf8.ValidString(jobID) {
		return text(jobID)
	}
	sum := sha256.Sum256([]byte(jobID))
	start := strings.ToValidUTF8(jobID[:min(len(jobID), maxKey)], "")
	return text(start + strings.Repeat(".", maxKey-len(start)) + "sha256-" + hex.EncodeToString(sum[:]))
}

// iso is a time as an attribute.
func iso(t time.Time) string { return millis(t).Format(isoMillis) }

// millis is t in UTC, to the millisecond, in a year of four digits: others would not
// sort as strings.
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

// live says that there is a record whose time is not over.
func live(i item, now time.Time) bool {
	if len(i) == 0 {
		return false
	}
	n, ok := i[expiresAt].(*types.AttributeValueMemberN)
	if !ok {
		return true
	}
	at, err := strconv.ParseInt(n.Value, 10, 64)
	return err != nil || now.Unix() < at
}

func stringOf(value types.AttributeValue) string {
	if s, ok := value.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// decodeItem is the record in an item; nil when there is none.
func decodeItem(jobID string, i item) (*jobstore.Record, error) {
	if len(i) == 0 {
		return nil, nil
	}
	d := decoder{item: i}
	r := &jobstore.Record{
		JobID: jobID, WorkerID: stringOf(i["workerId"]), Status: jobstore.Status(stringOf(i["status"])), UserID: stringOf(i["userId"]),
		Input: d.raw("input"), Output: d.raw("output"), OutputBytes: d.number("outputBytes"),
		Error: read[dispatch.JobError](&d, "error"), LastError: read[dispatch.JobError](&d, "lastError"),
		Metadata: d.metadata(), Children: d.children(),
		Progress: read[jobstore.Progress](&d, "progress"), Tokens: read[jobstore.Tokens](&d, "tokens"), Webhook: read[jobstore.Webhook](&d, "webhook"),
		MessageID: stringOf(i["messageId"]), Receives: d.number("receives"),
		Owner: stringOf(i["owner"]), LeaseUntil: d.time("leaseUntil"),
		CreatedAt: d.time("createdAt"), UpdatedAt: d.time("updatedAt"), CompletedAt: d.time("completedAt"),
	}
	if r.Status != jobstore.Failed && r.Error != nil { // of the run before
		r.LastError, r.Error = r.Error, nil
	}
	if d.err != nil {
		return nil, fmt.Errorf("the item is damaged: %w; without it the job begins anew", d.err)
	}
	return r, nil
}

// decoder reads an item and keeps the first error.
type decoder struct {
	item item
	err  error
}

func (d *decoder) fail(name string, err error) {
	if d.err == nil && err != nil {
		d.err = fmt.Errorf("attribute %.80q: %w", name, err)
	}
}

func (d *decoder) raw(name string) json.RawMessage {
	if s := stringOf(d.item[name]); s != "" {
		return json.RawMessage(s)
	}
	return nil
}

func (d *decoder) number(name string) int {
	n, ok := d.item[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	value, err := strconv.Atoi(n.Value)
	d.fail(name, err)
	return value
}

func (d *decoder) time(name string) time.Time {
	s := stringOf(d.item[name])
	if s == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	d.fail(name, err)
	return millis(at)
}

func read[T any](d *decoder, name string) *T {
	raw := d.raw(name)
	if raw == nil {
		return nil
	}
	value := new(T)
	d.fail(name, json.Unmarshal(raw, value))
	return value
}

func (d *decoder) metadata() map[string]any {
	metadata := map[string]any{}
	for name, value := range d.item {
		k, ok := strings.CutPrefix(name, metadataPrefix)
		if !ok {
			continue
		}
		decoder := json.NewDecoder(strings.NewReader(stringOf(value)))
		decoder.UseNumber()
		var v any
		d.fail(name, decoder.Decode(&v))
		metadata[k] = v
	}
	return metadata
}

func (d *decoder) children() []jobstore.Child {
	list, ok := d.item["internalJobs"].(*types.AttributeValueMemberL)
	if !ok {
		return nil
	}
	children := make([]jobstore.Child, len(list.Value))
	for n, value := range list.Value {
		d.fail("internalJobs", json.Unmarshal([]byte(stringOf(value)), &children[n]))
	}
	return children
}

// cutError keeps an error that somebody has put a whole answer into from keeping its
// job from being ended.
func cutError(e *dispatch.JobError) dispatch.JobError {
	return dispatch.JobError{Message: cut(e.Message, maxMessage), Name: cut(e.Name, maxMessage), Stack: cut(e.Stack, maxStack)}
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + fmt.Sprintf("... (%d bytes)", len(s))
}
