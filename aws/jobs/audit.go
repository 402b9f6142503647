package jobs

import (
	"github.com/microfox-ai/aiwctl/aws/audit"
)

// audit looks for the job in this machine's audit trail: who sent it.
func (s *search) audit() {
	if s.f.cfg.Audit == "" {
		return
	}
	t := s.f.cfg.Target
	history, err := audit.Mentioning(s.f.cfg.Audit, s.req.JobID, func(r audit.Record) bool {
		return r.Action == "dispatch" && r.Region == t.Region && r.Stage == t.Stage
	})
	if err != nil {
		s.unread("audit trail", "the audit trail", err)
		return
	}
	found := false
	for i := range history.Entries {
		e := &history.Entries[i]
		if e.Outcome == audit.OutcomeFailed && len(s.req.Workers) == 0 {
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
