package redrive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/filelock"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// Delete says which dead letters to delete.
type Delete struct {
	Worker aws.Worker
	// One of these three, as in Replay.
	All       bool
	IDs       []string
	Selection *Selection
	// Export is the file to which messages are written before they are deleted, for
	// Import to bring them back. Empty means a new one beside the journals; NoExport
	// ("-") means none. It must not exist.
	Export string
	// Concurrency is Replay's.
	Concurrency int
	// OnResult is told of each result, one at a time; nil means nobody is.
	OnResult func(Result)
}

// NoExport is the Delete.Export that keeps nothing.
const NoExport = "-"

// ErrExport says that the export could not be begun: nothing was deleted.
var ErrExport = errors.New("the export cannot be written, and nothing was deleted")

// Delete deletes the chosen messages of a dead-letter queue, through the guard. A
// message is on disk before it is deleted. Messages that came to the queue after
// it began stay, with All, as far as the queue's depth tells them apart.
//
// Report.Export is the file. The error is Replay's.
func (e *Engine) Delete(ctx context.Context, d Delete) (Report, error) {
	r := Replay{Worker: d.Worker, All: d.All, IDs: d.IDs, Selection: d.Selection, Concurrency: d.Concurrency, OnResult: d.OnResult, AnySource: true}
	m, err := e.mover(ctx, &r)
	if r.Selection != nil {
		defer func() { _ = r.Selection.Release(ctx) }() // once more: what is not told below has been released
	}
	if err != nil {
		return Report{}, fmt.Errorf("delete: %w", err)
	}
	m.verb, m.success = "delete", StatusDeleted
	if err := e.guard.Check(ctx, m.action()); err != nil {
		return Report{}, err
	}
	x, err := e.beginExport(d.Export, m.dlq.Name, m)
	if err != nil {
		return Report{}, fmt.Errorf("delete from %q: %w: %w: make room, name another file, or go without one (--no-export)", m.dlq.Name, ErrExport, err)
	}
	m.step = func(ctx context.Context, chosen []*letter.Letter) { m.discard(ctx, x, chosen) }
	action := m.action()
	action.Journal = x.path()
	err = e.guard.Do(ctx, action, func(ctx context.Context, w aws.Writer) error {
		m.writer = w
		return m.run(ctx)
	})
	if cerr := x.close(); cerr != nil {
		m.warn(cerr.Error())
	}
	m.report.Export = x.path()
	if partial, ok := errors.AsType[*PartialError](err); ok {
		partial.Report = m.report
	}
	return m.report, err
}

// discard exports and deletes a few messages.
func (m *mover) discard(ctx context.Context, x *export, chosen []*letter.Letter) {
	if err := x.write(chosen); err != nil {
		m.stop(err)
		for _, l := range chosen {
			m.tell(Result{ID: l.ID, JobID: l.JobID(), Status: StatusFailed, Error: "not deleted: " + err.Error()})
		}
		return
	}
	ids := make([]string, len(chosen))
	for i, l := range chosen {
		ids[i] = l.ID
	}
	kept := remove(ctx, m.writer, m.lease, ids)
	for _, l := range chosen {
		r := Result{ID: l.ID, JobID: l.JobID(), Status: StatusDeleted}
		if err := kept[l.ID]; err != nil {
			r.Status, r.Error = StatusFailed, err.Error()
		}
		m.tell(r)
	}
}

// export is a file that dead letters are written to before they are deleted.
type export struct {
	file *os.File
	log  *journal.Appender
}

func (e *Engine) beginExport(path, queue string, m *mover) (*export, error) {
	if path == NoExport {
		return &export{}, nil
	}
	if path == "" {
		dir := e.cfg.Dir
		if dir == "" || dir == NoJournal {
			var err error
			if dir, err = aws.StateDir(e.cfg.Getenv); err != nil {
				return nil, err
			}
		}
		dir = filepath.Join(dir, "exports")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		path = filepath.Join(dir, queue+"-"+journal.NewID(m.began)+".jsonl")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := filelock.SyncDir(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &export{file: f, log: journal.NewAppender(f)}, nil
}

// write returns when the letters are on disk.
func (x *export) write(letters []*letter.Letter) error {
	if x.file == nil {
		return nil
	}
	var lines []byte
	for _, l := range letters {
		lines = append(l.AppendLine(lines), '\n')
	}
	n, err := x.log.Append(lines)
	if err == nil {
		err = x.log.Sync(n)
	}
	if err != nil {
		return fmt.Errorf("write the export %s: %w", x.file.Name(), err)
	}
	return nil
}

func (x *export) path() string {
	if x.file == nil {
		return ""
	}
	return x.file.Name()
}

// close removes an export that nothing was written to.
func (x *export) close() error {
	if x.file == nil {
		return nil
	}
	info, err := x.file.Stat()
	if err := errors.Join(err, x.file.Close()); err != nil {
		return err
	}
	if info.Size() == 0 {
		err = os.Remove(x.file.Name())
		x.file = nil
	}
	return err
}
