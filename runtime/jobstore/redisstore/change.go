package redisstore

import (
	"strconv"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// claimWrite is the write of a claim that is granted, over the hash before; mark
// makes it known again.
func claimWrite(c jobstore.Claim, before hash, now time.Time, mark string) (write, error) {
	w := write{absent: len(before) == 0}
	md := readMetadata(before[fieldMetadata])
	if !w.absent {
		w.expect(before, fieldStatus, fieldOwner, fieldLeaseUntil, fieldUpdatedAt, fieldMetadata, fieldError)
		// What the last attempt left is not this one's, but for why it failed and for
		// the tokens, which are the job's.
		if md.progress() != nil {
			delete(md, keyProgress)
			delete(md, keyNote)
		}
		w.remove(fieldError, fieldCompletedAt, fieldOutput, fieldOutputBytes, fieldWebhook)
	}
	if err := md.merge(c.Metadata); err != nil {
		return write{}, err
	}
	if err := md.keepError(before); err != nil {
		return write{}, err
	}
	if err := w.setMetadata(md); err != nil {
		return write{}, err
	}
	w.set(fieldJobID, c.JobID)
	w.set(fieldWorkerID, plainText(c.WorkerID))
	w.set(fieldStatus, string(jobstore.Running))
	w.set(fieldOwner, c.Owner)
	w.set(fieldLeaseUntil, timeText(c.Lease))
	w.set(fieldMessageID, plainText(c.MessageID))
	w.set(fieldReceives, strconv.Itoa(c.Receives))
	if c.UserID != "" {
		w.set(fieldUserID, plainText(c.UserID))
	} else {
		w.remove(fieldUserID)
	}
	if c.Input != nil {
		w.set(fieldInput, string(c.Input))
		w.set(fieldInputBytes, strconv.Itoa(len(c.Input)))
	} else {
		w.remove(fieldInput, fieldInputBytes)
	}
	if before.time(fieldCreatedAt).IsZero() {
		w.set(fieldCreatedAt, timeText(now))
	}
	w.stamp(now, mark)
	return w, nil
}

// updateWrite is the write of an update over the hash state; with none known, of
// one that needs to know nothing but what the script compares.
func updateWrite(u jobstore.Update, state hash, now time.Time, mark string) (write, error) {
	var w write
	switch {
	case len(state) > 0:
		w.expect(state, fieldStatus, fieldOwner, fieldLeaseUntil)
	case needsState(u):
		w.checks = []string{fieldStatus, neverSo}
	case u.Owner != "":
		w.checks = []string{fieldStatus, "=" + string(jobstore.Running), fieldOwner, "=" + u.Owner}
	}
	if changesMetadata(u) && len(state) > 0 {
		if err := w.updateMetadata(u, state); err != nil {
			return write{}, err
		}
	}
	if u.Status != "" {
		w.setStatus(u, now)
	}
	if u.Output != nil || u.OutputBytes != 0 {
		w.setOutput(u)
	}
	if u.Webhook != nil {
		hook := *u.Webhook
		hook.Error = short(hook.Error)
		hook.At = hook.At.UTC().Truncate(time.Millisecond)
		w.set(fieldWebhook, string(encode(hook)))
	}
	if u.Child != nil {
		w.set(fieldHasChildren, "1")
	}
	w.stamp(now, mark)
	return w, nil
}

// neverSo is an expectation that no field meets: the script then answers the
// state and writes nothing.
const neverSo = "?"

// changesMetadata says that an update changes the metadata, or may: a job that
// is no longer failed keeps its error there.
func changesMetadata(u jobstore.Update) bool {
	return len(u.Metadata) > 0 || u.Progress != nil || u.Tokens != nil || u.LastError != nil ||
		u.Owner == "" && u.Status != "" && u.Status != jobstore.Failed
}

// needsState says that an update must be computed from what is there.
func needsState(u jobstore.Update) bool { return changesMetadata(u) || u.Child != nil }

func (w *write) updateMetadata(u jobstore.Update, state hash) error {
	w.expect(state, fieldMetadata, fieldError)
	md := readMetadata(state[fieldMetadata])
	if err := md.merge(u.Metadata); err != nil {
		return err
	}
	if u.Status != "" && u.Status != jobstore.Failed {
		if err := md.keepError(state); err != nil {
			return err
		}
	}
	if u.LastError != nil {
		if err := md.setLastError(u.LastError); err != nil {
			return err
		}
	}
	if u.Progress != nil {
		if err := md.setProgress(u.Progress); err != nil {
			return err
		}
	}
	if u.Tokens != nil {
		if err := md.put(keyTokens, u.Tokens); err != nil {
			return err
		}
	}
	return w.setMetadata(md)
}

func (w *write) setMetadata(md metadata) error {
	text, err := md.text()
	if err != nil {
		return err
	}
	w.set(fieldMetadata, text)
	return nil
}

func (w *write) setStatus(u jobstore.Update, now time.Time) {
	w.set(fieldStatus, string(u.Status))
	if u.Owner == "" {
		w.remove(fieldOwner)
	}
	if u.Status != jobstore.Running {
		w.remove(fieldLeaseUntil)
	}
	if u.Status == jobstore.Completed || u.Status == jobstore.Failed {
		w.set(fieldCompletedAt, timeText(now))
	} else {
		w.remove(fieldCompletedAt)
	}
	switch {
	case u.Error != nil:
		w.set(fieldError, string(encode(shortError(u.Error))))
	case u.Status != jobstore.Failed:
		w.remove(fieldError)
	}
}

func (w *write) setOutput(u jobstore.Update) {
	length := u.OutputBytes
	if length == 0 {
		length = len(u.Output)
	}
	w.set(fieldOutputBytes, strconv.Itoa(length))
	if u.Output != nil {
		w.set(fieldOutput, string(u.Output))
	} else {
		w.remove(fieldOutput)
	}
}

func (w *write) stamp(now time.Time, mark string) {
	at := timeText(now)
	w.set(fieldUpdatedAt, at)
	w.set(fieldLastWrite, at+" "+mark)
}

// keepError makes the error of a failed attempt the last error.
func (m metadata) keepError(h hash) error {
	if h.status() != jobstore.Failed {
		return nil
	}
	if e := readError(h[fieldError]); e != nil {
		return m.setLastError(e)
	}
	return nil
}
