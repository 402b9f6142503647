package redisstore

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// children are the children of a job, oldest first, each id once: those of the
// old field, which the list came after, and those of the list. An application copies
// the list into the old field, so that a child can stand in both.
func (h hash) children(list []string) []jobstore.Child {
	var children []jobstore.Child
	seen := map[string]bool{"": true} // one without an id is none
	add := func(c jobstore.Child) {
		if !seen[c.JobID] {
			seen[c.JobID] = true
			children = append(children, c)
		}
	}
	for _, c := range h.oldChildren() {
		add(c)
	}
	for _, element := range list {
		add(readChild([]byte(element)))
	}
	return children
}

func (h hash) oldChildren() []jobstore.Child {
	var elements []json.RawMessage
	if json.Unmarshal([]byte(unwrap(h[fieldOldChildren])), &elements) != nil {
		return nil
	}
	children := make([]jobstore.Child, len(elements))
	for i, e := range elements {
		children[i] = readChild(e)
	}
	return children
}

// readChild reads a child; one without an id when it cannot be read. An id of digits
// only can be a number, since the client of the deployed system reads it as one.
func readChild(raw []byte) jobstore.Child {
	var fields struct {
		JobID        json.RawMessage `json:"jobId"`
		WorkerID     json.RawMessage `json:"workerId"`
		Awaited      json.RawMessage `json:"awaited"`
		DelaySeconds json.RawMessage `json:"delaySeconds"`
	}
	if json.Unmarshal([]byte(unwrap(string(raw))), &fields) != nil {
		return jobstore.Child{}
	}
	return jobstore.Child{
		JobID: looseText(fields.JobID), WorkerID: looseText(fields.WorkerID),
		Awaited: string(fields.Awaited) == "true", DelaySeconds: int(whole(fields.DelaySeconds)),
	}
}

func hasChild(children []jobstore.Child, jobID string) bool {
	return slices.ContainsFunc(children, func(c jobstore.Child) bool { return c.JobID == jobID })
}

// addChild adds a child to a job's list, unless the job has it. The children of the
// old field move to the list with it: the deployed system reads the field only
// where there is no list.
func (s *Store) addChild(ctx context.Context, jobID string, child jobstore.Child, h hash) error {
	list, err := s.list(ctx, jobID)
	if err != nil {
		return err
	}
	for range maxTries {
		if hasChild(h.children(list), child.JobID) {
			return s.keepList(ctx, jobID)
		}
		listed := hash(nil).children(list)
		args := []string{s.seconds(), strconv.Itoa(len(list))}
		for _, c := range append(h.oldChildren(), child) {
			if c.JobID != "" && !hasChild(listed, c.JobID) {
				args = append(args, string(encode(c)))
			}
		}
		answer, err := s.eval(ctx, appendScript, s.listKey(jobID), args)
		if err != nil {
			return err
		}
		if _, ok := answer.(int64); ok {
			return nil
		}
		list = texts(answer)
	}
	return errContended
}
