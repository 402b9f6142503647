package redrive

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// Import puts messages of a file into a queue.
type Import struct {
	Worker aws.Worker
	// Path is a file as an export makes it.
	Path string
	// To is a queue URL; empty means the worker's dead-letter queue.
	To string
	// Rate, Concurrency, KeepUnanswered, OnResult are Replay's.
	Rate           float64
	Concurrency    int
	KeepUnanswered bool
	OnResult       func(Result)
}

// importRequest is what a journal keeps of an Import.
type importRequest struct {
	Worker         aws.Worker `json:"worker"`
	Path           string     `json:"path"`
	SHA256         string     `json:"sha256"`
	To             string     `json:"to"`
	Rate           float64    `json:"rate,omitempty"`
	Concurrency    int        `json:"concurrency,omitempty"`
	KeepUnanswered bool       `json:"keepUnanswered,omitempty"`
}

// FileError is what is wrong with a file of messages, before anything was sent.
type FileError struct {
	Path string
	Err  error
}

func (e *FileError) Error() string {
	if p, ok := errors.AsType[*fs.PathError](e.Err); ok { // it names the file itself
		return p.Error()
	}
	return e.Path + ": " + e.Err.Error()
}

// Unwrap is the cause.
func (e *FileError) Unwrap() error { return e.Err }

// Import sends the messages of a file to the dead-letter queue they were exported
// from, or to another queue: body, attributes, trace header and message group as
// they are in the file. SQS gives them new ids and times, and counts their receives
// anew. The file is read to its end before anything is sent; what is wrong with it
// is a *FileError. An interrupted import can be gone on with, by Resume, for as long
// as the file stays what it was.
//
// The error is Replay's.
func (e *Engine) Import(ctx context.Context, im Import) (Report, error) {
	to := im.To
	if to == "" {
		dlq, err := deadLetterQueue(&im.Worker)
		if err != nil {
			return Report{}, err
		}
		to = dlq.URL
	}
	path, err := filepath.Abs(im.Path)
	if err != nil {
		return Report{}, fmt.Errorf("import: %w", err)
	}
	count, sum, err := checkFile(path)
	if err != nil {
		return Report{}, err
	}
	im.Path, im.To = path, to
	i := newImporter(e, im)
	i.count = count
	if err := e.guard.Check(ctx, i.action()); err != nil {
		return Report{}, err
	}
	if dir, err := e.Dir(); err != nil || dir != "" {
		if err == nil {
			err = i.begin(dir, sum)
		}
		if err != nil {
			return Report{}, fmt.Errorf("import into %q: %w: %w: make room or set XDG_STATE_HOME to another place, or go without one (--no-journal)", i.name, ErrJournal, err)
		}
	}
	return i.run(ctx)
}

// CheckFile reads a file of messages to its end and counts them. What is wrong with
// it is a *FileError.
func CheckFile(path string) (int, error) {
	n, _, err := checkFile(path)
	return n, err
}

// checkFile is CheckFile with the file's SHA-256.
func checkFile(path string) (count int, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", &FileError{Path: path, Err: err}
	}
	defer func() { _ = f.Close() }() // only read
	hash := sha256.New()
	for _, err := range letter.ReadLines(io.TeeReader(bufio.NewReader(f), hash)) {
		if err != nil {
			return 0, "", &FileError{Path: path, Err: err}
		}
		count++
	}
	return count, hex.EncodeToString(hash.Sum(nil)), nil
}

// importer is an import under way.
type importer struct {
	e       *Engine
	im      Import
	name    string
	count   int
	began   time.Time
	limit   *rate.Limiter
	sender  *sender
	journal *journal.Journal
	before  *journal.State

	mu     sync.Mutex
	fatal  error
	report Report
}

func newImporter(e *Engine, im Import) *importer {
	if im.Concurrency <= 0 {
		im.Concurrency = DefaultConcurrency
	}
	if isFIFO(im.To) {
		im.Concurrency = 1
	}
	if im.OnResult == nil {
		im.OnResult = func(Result) {}
	}
	i := &importer{e: e, im: im, name: queueName(im.To), began: time.Now(), sender: &sender{repeat: !im.KeepUnanswered}}
	if im.Rate > 0 {
		i.limit = rate.NewLimiter(rate.Limit(im.Rate), i.batch())
	}
	return i
}

func (i *importer) batch() int {
	if i.im.Rate <= 0 {
		return batchMost
	}
	return min(max(int(i.im.Rate/5), 1), batchMost)
}

func (i *importer) action() aws.Action {
	a := aws.Action{Name: "dlq.import", Object: i.name, Count: i.count, Queues: []string{i.name}, Tally: func() (done, failed int) {
		i.mu.Lock()
		defer i.mu.Unlock()
		return i.report.Replayed, i.report.Failed
	}}
	if i.journal != nil {
		a.Journal = i.journal.Path()
	}
	return a
}

func (i *importer) begin(dir, sum string) error {
	req, err := json.Marshal(importRequest{
		Worker: i.im.Worker, Path: i.im.Path, SHA256: sum, To: i.im.To,
		Rate: i.im.Rate, Concurrency: i.im.Concurrency, KeepUnanswered: i.im.KeepUnanswered,
	})
	if err != nil {
		return err
	}
	h := i.e.header(kindImport, journal.NewID(i.began), i.began)
	h.Worker, h.Queue, h.Count, h.Request = i.im.Worker.ID, i.name, i.count, req
	i.journal, err = journal.Create(dir, h)
	return err
}

// resumeImport goes on with an import.
func (e *Engine) resumeImport(ctx context.Context, r Resume, st *journal.State) (Report, error) {
	var req importRequest
	if err := json.Unmarshal(st.Header.Request, &req); err != nil {
		return Report{}, fmt.Errorf("the journal %s cannot be gone on with: %w", st.Header.ID, err)
	}
	count, sum, err := checkFile(req.Path)
	if err == nil && sum != req.SHA256 {
		err = &FileError{Path: req.Path, Err: fmt.Errorf("it has changed since the import %s began, so it is not known which of its messages were sent", st.Header.ID)}
	}
	if err != nil {
		return Report{}, err
	}
	i := newImporter(e, Import{
		Worker: req.Worker, Path: req.Path, To: req.To, Rate: req.Rate, Concurrency: req.Concurrency,
		KeepUnanswered: req.KeepUnanswered, OnResult: r.OnResult,
	})
	i.count = count
	if i.journal, i.before, err = journal.Open(r.Path); err != nil {
		return Report{}, err
	}
	i.began = st.Header.Time
	if err := e.guard.Check(ctx, i.action()); err != nil {
		return Report{}, errors.Join(err, i.journal.Close())
	}
	return i.run(ctx)
}

func (i *importer) run(ctx context.Context) (Report, error) {
	err := i.e.guard.Do(ctx, i.action(), func(ctx context.Context, w aws.Writer) error {
		i.sender.w = w
		return i.send(ctx)
	})
	return i.report, i.close(err)
}

// numbered is a message of the file under the number of its line.
type numbered struct {
	key string
	*letter.Letter
}

func (i *importer) send(ctx context.Context) error {
	f, err := os.Open(i.im.Path)
	if err != nil {
		return &FileError{Path: i.im.Path, Err: err}
	}
	defer func() { _ = f.Close() }() // only read
	batches := make(chan []numbered)
	var wg sync.WaitGroup
	for range i.im.Concurrency {
		wg.Go(func() {
			for batch := range batches {
				if i.stopped() == nil { // it was handed over before that
					i.sendBatch(ctx, batch)
				}
			}
		})
	}
	var rerr error
	for batch, err := range i.batches(f) {
		if rerr = err; err != nil || ctx.Err() != nil || i.stopped() != nil {
			break
		}
		batches <- batch
	}
	close(batches)
	wg.Wait()
	err = rerr
	if err == nil {
		err = i.stopped()
	}
	if done := i.report.Before + i.report.Replayed + i.report.Failed; err == nil && done < i.count {
		err = ctx.Err()
	}
	if err == nil && i.report.Failed == 0 {
		return nil
	}
	if i.report.Replayed+i.report.Failed == 0 {
		return fmt.Errorf("import into %q: %w", i.name, err)
	}
	return &PartialError{Verb: "import", Queue: i.name, Report: i.report, Cause: err}
}

// batches reads the file, without what a former run has sent.
func (i *importer) batches(r io.Reader) iter.Seq2[[]numbered, error] {
	return func(yield func([]numbered, error) bool) {
		n := 0
		var batch []numbered
		for l, err := range letter.ReadLines(r) {
			if err != nil {
				yield(nil, &FileError{Path: i.im.Path, Err: err})
				return
			}
			n++
			key := "line " + strconv.Itoa(n)
			if i.before != nil && i.before.Of(key).Sent {
				i.report.Before++
				continue
			}
			if batch = append(batch, numbered{key, l}); len(batch) == i.batch() {
				if !yield(batch, nil) {
					return
				}
				batch = nil
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}

func (i *importer) stopped() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fatal
}

func (i *importer) stop(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fatal == nil {
		i.fatal = err
	}
}

func (i *importer) sendBatch(ctx context.Context, batch []numbered) {
	results := make([]Result, len(batch))
	items := make([]item, len(batch))
	var record journal.Record
	for n, l := range batch {
		results[n] = Result{ID: l.ID, JobID: l.JobID(), Status: StatusImported, To: i.name}
		// The number of the import and of the line: bringing a message back twice
		// within five minutes is two messages, an answer that was lost is none.
		items[n] = item{Letter: l.Letter, to: i.im.To, dedup: strconv.FormatInt(i.began.UnixMilli(), 10) + "-" + l.key[len("line "):]}
		record.Try = append(record.Try, journal.Pair{l.key, ""})
	}
	fail := func(err error) {
		i.stop(err)
		for _, r := range results {
			r.Status, r.Error = StatusFailed, "not sent: "+err.Error()
			i.tell(r)
		}
	}
	if i.limit != nil {
		if i.limit.WaitN(ctx, len(batch)) != nil {
			<-ctx.Done() // the limiter refuses at once when its turn would come too late
			return       // told as what is left
		}
	}
	if i.journal != nil {
		if err := i.journal.Append(record); err != nil {
			fail(err)
			return
		}
	}
	outcomes, fatal := i.sender.send(ctx, items)
	record = journal.Record{}
	for n, o := range outcomes {
		r := &results[n]
		r.NewID, r.MaybeSent = o.newID, o.maybe
		if o.err == nil {
			record.Sent = append(record.Sent, journal.Pair{batch[n].key, o.newID})
			continue
		}
		r.Status, r.Error = StatusFailed, o.err.Error()
		if !o.maybe {
			record.Refused = append(record.Refused, batch[n].key)
		}
	}
	if i.journal != nil {
		write := i.journal.Commit
		if len(record.Sent) == 0 {
			write = i.journal.Append
		}
		if err := write(record); err != nil {
			i.stop(err)
		}
	}
	if fatal != nil {
		i.stop(fatal)
	}
	for _, r := range results {
		i.tell(r)
	}
}

func (i *importer) tell(r Result) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if r.Status == StatusImported {
		i.report.Replayed++
		if r.MaybeSent {
			i.report.MaybeTwice++
		}
	} else {
		i.report.Failed++
		if len(i.report.Problems) < problemsMost {
			i.report.Problems = append(i.report.Problems, r)
		}
	}
	i.im.OnResult(r)
}

// close ends the journal when everything was sent.
func (i *importer) close(err error) error {
	if i.journal == nil {
		return err
	}
	r := &i.report
	r.Journal = i.journal.Path()
	switch {
	case i.before == nil && r.Replayed+r.Failed == 0:
		r.Journal = ""
		return errors.Join(err, i.journal.Discard())
	case err != nil:
		r.Unfinished = true
	default:
		end := journal.Record{End: &journal.End{Time: time.Now().UTC(), Moved: r.Replayed}}
		err = i.journal.Commit(end)
	}
	err = errors.Join(err, i.journal.Close())
	if partial, ok := errors.AsType[*PartialError](err); ok {
		partial.Report = *r
	}
	return err
}
