package redrive

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/check"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/why"
)

// prepare makes what is sent of what was received, and skips what should not be
// sent. Results are those of the items, in their order, for move to fill in.
func (m *mover) prepare(ctx context.Context, chosen []*letter.Letter) (items []item, results []Result) {
	var skipped []string
	for _, l := range chosen {
		r := Result{ID: l.ID, JobID: l.JobID(), Status: StatusReplayed}
		it, err := m.itemOf(ctx, l, &r)
		if err != nil {
			r.Status, r.Error, r.To, r.NewJobID = StatusSkipped, err.Error(), "", ""
			skipped = append(skipped, l.ID)
			m.tell(r)
			continue
		}
		items, results = append(items, it), append(results, r)
	}
	m.journalSkipped(skipped)
	if n := len(skipped); n > 0 && m.quota > 0 {
		m.mu.Lock()
		m.started -= n // the next ones are canaries in their place
		m.mu.Unlock()
	}
	return items, results
}

// itemOf is a message as it is to be sent; the error is why it should not be.
func (m *mover) itemOf(ctx context.Context, l *letter.Letter, r *Result) (item, error) {
	to, err := m.destination(l)
	if err != nil {
		return item{}, err
	}
	if before := m.beforeOf(l.ID); before.Tried && isFIFO(to) && time.Since(before.TriedAt) > dedupWindow-dedupMargin {
		return item{}, fmt.Errorf("the interrupted run was sending it when it ended, and may have sent it: more than %v later SQS would take it a second time; look whether its job ran, then replay or delete it by its id", dedupWindow)
	}
	if m.beforeOf(l.ID).Tried && m.r.KeepUnanswered && !isFIFO(to) {
		return item{}, errors.New("the interrupted run was sending it when it ended, and may have sent it, and such messages were to be kept; look whether its job ran, then replay or delete it by its id")
	}
	r.To = queueName(to)
	out := l
	if e := m.edits[l.ID]; e != nil {
		out = edited(l, e)
		r.JobID = out.JobID()
	}
	facts := check.Facts{Status: m.statusOf(ctx, out.JobID()), NewJobID: m.r.NewJobIDs}
	if m.r.NewJobIDs {
		renamed, id, err := withNewJobID(out, m.began)
		if err != nil {
			return item{}, err
		}
		out, r.NewJobID = renamed, id
	}
	if !m.r.Force {
		checker := m.checker
		if m.r.To == "" && isForeign(l, m.r.Worker.Queue) {
			checker = m.foreign
		}
		for _, p := range checker.Letter(out, facts) {
			if p.Blocks {
				text := p.Text
				if p.Hint != "" {
					text += "; " + p.Hint
				}
				return item{}, errors.New(text)
			}
		}
	}
	return item{Letter: out, to: to}, nil
}

// dedupWindow is how long a FIFO queue knows a deduplication id.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html
const (
	dedupWindow = 5 * time.Minute
	dedupMargin = 10 * time.Second
)

// statusOf is what is recorded of a job, empty when nothing says.
func (m *mover) statusOf(ctx context.Context, jobID string) string {
	if jobID == "" || m.r.NewJobIDs {
		return ""
	}
	if s := m.r.Selection; s != nil && s.searched {
		return s.found.Status[jobID]
	}
	record, found := m.e.record(ctx, jobID)
	if !found { // a store that cannot be read does not hold up a replay
		return ""
	}
	return record.Status
}

// recordTimeout bounds one look into the job store.
const recordTimeout = 5 * time.Second

// record is a job's record; found is false as well when there is no store, or it
// does not answer.
func (e *Engine) record(ctx context.Context, jobID string) (r why.Record, found bool) {
	if e.cfg.Records == nil || jobID == "" {
		return r, false
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	r, found, err := e.cfg.Records(ctx, jobID)
	return r, found && err == nil
}

// destination is the queue a message is sent to.
func (m *mover) destination(l *letter.Letter) (string, error) {
	if m.r.To != "" {
		return m.r.To, nil
	}
	own := m.r.Worker.Queue
	switch {
	case own != nil && !isForeign(l, own):
		return own.URL, nil
	case m.r.AnySource && l.Source != "":
		return urlOf(m.dlq.URL, l.Source)
	case m.r.AnySource:
		return "", errors.New("nothing says which queue it came from; name one with --to")
	}
	return "", errors.New(otherQueue(l))
}

// KindOtherQueue is the problem of a letter that another queue than the worker's
// sent to a dead-letter queue that both have.
const KindOtherQueue check.Kind = "from another queue"

// isForeign is whether a letter came from another queue than one.
func isForeign(l *letter.Letter, own *aws.Queue) bool {
	return l.Source != "" && (own == nil || own.ARN != "" && l.Source != own.ARN)
}

func otherQueue(l *letter.Letter) string {
	return fmt.Sprintf("it came from queue %s, not from the worker's; name the dead-letter queue itself to send each message back to its own queue, or one queue with --to", queueName(l.Source))
}

// urlOf is the URL of the queue with an ARN, reached by the same host as another.
func urlOf(sibling, arn string) (string, error) {
	part := strings.Split(arn, ":")
	base := sibling
	for range 2 {
		base = base[:max(strings.LastIndexByte(base, '/'), 0)]
	}
	if len(part) != 6 || part[2] != "sqs" || base == "" {
		return "", fmt.Errorf("the queue it came from, %q, cannot be understood", arn)
	}
	if host := hostRegion(base); host != "" && host != part[3] {
		return "", fmt.Errorf("it came from queue %s in %s, and this is %s", part[5], part[3], host)
	}
	return base + "/" + part[4] + "/" + part[5], nil
}

// hostRegion is the region in the host sqs.<region>.amazonaws.com, empty for others.
func hostRegion(base string) string {
	_, rest, ok := strings.Cut(base, "://sqs.")
	if !ok {
		return ""
	}
	region, rest, ok := strings.Cut(rest, ".")
	if !ok || !strings.HasPrefix(rest, "amazonaws.com") {
		return ""
	}
	return region
}

// triggerReplay is the type of the provenance stamp of a replayed job.
const triggerReplay = "replay"

// withNewJobID is a letter's job under a new id. metadata.__trigger links it to the
// old one; what stood there is kept inside:
//
//	{"type":"replay","replayOf":"<job id>","messageId":"<dead letter>","at":"...","previous":{...}}
//
// The id follows from the message id and the start of the replay, so that a message
// sent twice, since an answer was lost, is still one job.
func withNewJobID(l *letter.Letter, began time.Time) (*letter.Letter, string, error) {
	if l.Message == nil {
		return nil, "", errors.New("it is not a job, and so cannot have a new job id")
	}
	msg := *l.Message
	if msg.Context == nil {
		msg.Context = map[string]any{} // it is written
	}
	trigger := map[string]any{
		"type": triggerReplay, "messageId": l.ID, "at": began.UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	if msg.JobID != "" {
		trigger["replayOf"] = msg.JobID
	}
	metadata := make(map[string]any, len(msg.Metadata)+1)
	for name, value := range msg.Metadata {
		metadata[name] = value
	}
	if previous, ok := metadata["__trigger"]; ok {
		trigger["previous"] = previous
	}
	metadata["__trigger"] = trigger
	msg.Metadata = metadata
	msg.JobID = replayedID(l.ID, began)
	body, err := msg.MarshalJSON()
	if err != nil {
		return nil, "", fmt.Errorf("its message cannot be written with a new job id: %w", err)
	}
	out := *l
	out.Body, out.Message = string(body), &msg
	return &out, msg.JobID, nil
}

// replayedID is dispatch.NewJobID's shape, with the message's id for its chance.
func replayedID(messageID string, began time.Time) string {
	const nine = 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36
	ms := strconv.FormatInt(began.UnixMilli(), 10)
	sum := sha256.Sum256([]byte(ms + " " + messageID))
	tail := strconv.FormatUint(binary.BigEndian.Uint64(sum[:])%nine, 36)
	return "job-" + ms + "-" + strings.Repeat("0", 9-len(tail)) + tail
}
