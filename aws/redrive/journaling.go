package redrive

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// kindReplay and kindImport are the kinds of journal.
const (
	kindReplay = "replay"
	kindImport = "import"
)

// request is what a journal keeps of a Replay: what Resume needs to go on.
type request struct {
	Worker         aws.Worker    `json:"worker"`
	All            bool          `json:"all,omitempty"`
	Bound          int           `json:"bound,omitempty"`
	To             string        `json:"to,omitempty"`
	AnySource      bool          `json:"anySource,omitempty"`
	NewJobIDs      bool          `json:"newJobIds,omitempty"`
	Force          bool          `json:"force,omitempty"`
	KeepUnanswered bool          `json:"keepUnanswered,omitempty"`
	Rate           float64       `json:"rate,omitempty"`
	Concurrency    int           `json:"concurrency,omitempty"`
	Canary         int           `json:"canary,omitempty"`
	CanaryTimeout  time.Duration `json:"canaryTimeout,omitempty"`
	Watch          time.Duration `json:"watch,omitempty"`
	// Edits is a file beside the journal with the edited messages.
	Edits string `json:"edits,omitempty"`
}

// QueuesOf are the queues, by name or URL, that finishing a journal writes to, for
// Guard.ProtectedFor. A request that cannot be read has the journal's own queue, and
// Resume says what is wrong with it.
func QueuesOf(st *journal.State) []string {
	queues := []string{st.Header.Queue}
	var req request // an import's has the same fields here
	switch err := json.Unmarshal(st.Header.Request, &req); {
	case err != nil:
	case req.To != "":
		queues = append(queues, req.To)
	case st.Header.Kind == kindReplay && req.Worker.Queue != nil:
		queues = append(queues, req.Worker.Queue.Name)
	}
	return queues
}

// ErrJournal says that the journal could not be begun: nothing was moved.
var ErrJournal = errors.New("the journal cannot be written, and nothing was moved")

// chosenChunk is how many ids a journal's line has.
const chosenChunk = 1000

// begin begins the journal, unless it is gone on with.
func (m *mover) begin() error {
	dir, err := m.e.Dir()
	if m.journal != nil || err == nil && dir == "" {
		return nil
	}
	if err == nil {
		err = m.create(dir)
	}
	if err != nil {
		return fmt.Errorf("replay %q: %w: %w: make room or set XDG_STATE_HOME to another place, or go without one (--no-journal)", m.dlq.Name, ErrJournal, err)
	}
	return nil
}

func (m *mover) create(dir string) error {
	id := journal.NewID(m.began)
	req := request{
		Worker: m.r.Worker, All: m.r.All, Bound: m.bound, To: m.r.To, AnySource: m.r.AnySource, NewJobIDs: m.r.NewJobIDs,
		Force: m.r.Force, KeepUnanswered: m.r.KeepUnanswered, Rate: m.r.Rate, Concurrency: m.r.Concurrency, Watch: m.r.Watch,
		Canary: m.r.Canary, CanaryTimeout: m.r.CanaryTimeout,
	}
	if len(m.edits) > 0 {
		req.Edits = id + editsEnding
	}
	raw, err := json.Marshal(req)
	if err != nil {
		return err
	}
	header := m.e.header(kindReplay, id, m.began)
	header.Worker, header.Queue, header.Count = m.r.Worker.ID, m.dlq.Name, m.count()
	header.Lease, header.Request = m.lease.time, raw
	j, err := journal.Create(dir, header)
	if err != nil {
		return err
	}
	if req.Edits != "" {
		err = writeEdits(filepath.Join(dir, req.Edits), m.edits)
	}
	ids := slices.Sorted(maps.Keys(m.want))
	if m.r.Selection != nil {
		ids = m.r.Selection.ids()
	}
	for chunk := range slices.Chunk(ids, chosenChunk) {
		if err == nil {
			err = j.Append(journal.Record{Chosen: chunk})
		}
	}
	if err == nil && len(ids) > 0 {
		err = j.Commit(journal.Record{})
	}
	if err != nil {
		return errors.Join(err, j.Discard())
	}
	m.journal = j
	_ = journal.Prune(dir) // the next one tries again
	return nil
}

// header is what journals of any kind say of the target.
func (e *Engine) header(kind, id string, now time.Time) journal.Header {
	t := e.target()
	return journal.Header{ID: id, Kind: kind, Time: now.UTC(), Region: t.Region, Stage: t.Stage, Endpoint: endpointOf(t)}
}

// endpointOf is a target's endpoint without a password that may be in it.
func endpointOf(t aws.Target) string {
	u, err := url.Parse(t.EndpointURL)
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}

func (m *mover) journalTry(items []item) error {
	if m.journal == nil {
		return nil
	}
	r := journal.Record{At: time.Now().UnixMilli(), Try: make([]journal.Pair, len(items))}
	for i, it := range items {
		receipt, _ := m.lease.receipt(it.ID)
		r.Try[i] = journal.Pair{it.ID, receipt}
	}
	return m.journal.Append(r)
}

// journalSent is on disk when it returns: from then on nothing is sent twice.
func (m *mover) journalSent(results []Result) error {
	if m.journal == nil {
		return nil
	}
	r := journal.Record{At: time.Now().UnixMilli()}
	for i := range results {
		switch {
		case results[i].Status == StatusReplayed:
			r.Sent = append(r.Sent, journal.Pair{results[i].ID, results[i].NewID})
			r.Jobs = append(r.Jobs, journal.Pair{results[i].JobID, results[i].NewJobID})
		case !results[i].MaybeSent:
			r.Refused = append(r.Refused, results[i].ID)
		}
	}
	if len(r.Sent) == 0 {
		return m.journal.Append(r)
	}
	return m.journal.Commit(r)
}

func (m *mover) journalDeleted(ids []string, kept map[string]error) {
	if m.journal == nil {
		return
	}
	var r journal.Record
	for _, id := range ids {
		if kept[id] == nil {
			r.Deleted = append(r.Deleted, id)
		}
	}
	// What is not written down is found deleted, or deleted again.
	_ = m.journal.Append(r)
}

func (m *mover) journalSkipped(ids []string) {
	if m.journal == nil || len(ids) == 0 {
		return
	}
	_ = m.journal.Append(journal.Record{Skipped: ids}) // it would be checked, and skipped, again
}

func (m *mover) journalPassed() {
	if m.journal != nil {
		_ = m.journal.Append(journal.Record{Passed: true}) // they would be tried once more
	}
}

// leave closes the journal of a former run that cannot be gone on with now.
func (m *mover) leave(err error) error {
	if m.journal == nil {
		return err
	}
	return errors.Join(err, m.journal.Close())
}

// close ends the journal when there is nothing to go on with, and returns the
// replay's error.
func (m *mover) close(err error) error {
	if m.journal == nil {
		return err
	}
	r := &m.report
	r.Journal = m.journal.Path()
	done := m.before != nil || r.Replayed+r.Failed+r.Skipped > 0
	switch {
	case !done:
		r.Journal = ""
		m.removeEdits()
		if e := m.journal.Discard(); e != nil {
			m.warn(e.Error())
		}
		return err
	case m.unfinished(err):
		r.Unfinished = true
	default:
		end := journal.Record{End: &journal.End{Time: time.Now().UTC(), Moved: r.Replayed, Skipped: r.Skipped, Failed: r.Failed}}
		if e := m.journal.Commit(end); e != nil {
			r.Unfinished = true // nothing is left to do, but it does not say so
			m.warn(e.Error())
		}
		m.removeEdits()
	}
	if e := m.journal.Close(); e != nil {
		m.warn(e.Error())
	}
	if partial, ok := errors.AsType[*PartialError](err); ok {
		partial.Report = *r
	}
	return err
}

// unfinished is whether there is something to go on with: it ended early, or it is
// not known of every message in which queue it is.
func (m *mover) unfinished(err error) bool {
	if partial, ok := errors.AsType[*PartialError](err); ok {
		err = partial.Cause
	}
	if err != nil && !errors.As(err, new(*CanaryError)) && !errors.Is(err, ErrWatch) {
		return true
	}
	return m.uncertain > 0 || m.before != nil && m.report.Unseen > 0
}

// editsEnding ends the name of the file with the edited messages of a replay.
const editsEnding = ".edits"

// writeEdits keeps what somebody typed until the replay is over.
func writeEdits(path string, edits map[string]*letter.Letter) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, id := range slices.Sorted(maps.Keys(edits)) {
		_, _ = w.Write(append(edits[id].AppendLine(nil), '\n')) // Flush repeats the error
	}
	return errors.Join(w.Flush(), f.Sync(), f.Close())
}

// readEdits is its counterpart.
func readEdits(path string) (map[string]*letter.Letter, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	edits := map[string]*letter.Letter{}
	for l, err := range letter.ReadLines(f) {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		edits[l.ID] = l
	}
	return edits, nil
}

// removeEdits removes the file beside the journal.
func (m *mover) removeEdits() {
	_ = os.Remove(strings.TrimSuffix(m.journal.Path(), filepath.Ext(m.journal.Path())) + editsEnding) // mostly there is none
}

// settleBefore begins where a former run ended: it deletes what that is known to
// have sent, and makes visible what it held.
func (m *mover) settleBefore(ctx context.Context) {
	if m.before == nil {
		return
	}
	old := newLease(m.e.queue, m.dlq.URL, m.lease.time)
	var sent, tried []string
	for msg := range m.before.Messages() {
		if msg.Deleted || msg.Receipt == "" {
			continue
		}
		old.add(msg.ID, msg.Receipt, m.hidden)
		switch {
		case msg.Sent:
			sent = append(sent, msg.ID)
		case msg.Tried:
			tried = append(tried, msg.ID)
		}
	}
	slices.Sort(sent)
	_ = remove(ctx, m.writer, old, sent)
	// That SQS calls a deletion done proves nothing with an old receipt handle: it is
	// none, if somebody has received the message since. What is still there is found
	// by its id, unless nothing is there at all.
	attributes, err := m.e.attributes(ctx, m.dlq.URL)
	if err != nil || depthOf(attributes).Total() > 0 {
		for _, id := range sent {
			m.pending[id] = true
		}
	}
	_ = old.change(ctx, tried, 0) // at worst they come back by themselves
}

// beforeOf is what a former run did with a message.
func (m *mover) beforeOf(id string) journal.Message {
	if m.before == nil {
		return journal.Message{}
	}
	return m.before.Of(id)
}
