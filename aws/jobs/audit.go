package jobs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/microfox-ai/aiwctl/aws"
)

// auditLine bounds a line of the audit trail; longer ones are passed over.
const auditLine = 1 << 20

// audit looks for the job in this machine's audit trail: who sent it.
func (s *search) audit() {
	if s.f.cfg.Audit == "" {
		return
	}
	entries, err := auditOf(s.f.cfg.Audit, s.req.JobID)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.source("audit trail", SourceNothing, "")
		return
	case err != nil:
		s.unread("audit trail", "the audit trail", err)
		return
	}
	found := false
	t := s.f.cfg.Target
	for i := range entries {
		e := &entries[i]
		if e.Name != "dispatch" || e.Region != t.Region || e.Stage != t.Stage || e.Outcome == aws.OutcomeFailed && len(s.req.Workers) == 0 {
			continue
		}
		found = true
		s.hint(e.Object)
		s.origin(&Sent{At: e.Time, How: "dispatch", By: text(e.Who)}, fromAudit)
	}
	status := SourceRead
	if !found {
		status = SourceNothing
	}
	s.source("audit trail", status, "")
}

// auditOf are the entries whose ids hold one.
func auditOf(path, id string) ([]aws.AuditEntry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	wanted, err := json.Marshal(id)
	if err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	var out []aws.AuditEntry
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := wholeLine(r)
		if bytes.Contains(line, wanted) {
			var e aws.AuditEntry
			if json.Unmarshal(line, &e) == nil && slices.Contains(e.IDs, id) {
				out = append(out, e)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return out, fmt.Errorf("read the audit trail %s: %w", path, err)
		}
	}
}

// wholeLine is the next line; nil for one that is too long.
func wholeLine(r *bufio.Reader) ([]byte, error) {
	var out []byte
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if long = long || len(out)+len(part) > auditLine; !long {
			out = append(out, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if long {
			out = nil
		}
		return out, err
	}
}
