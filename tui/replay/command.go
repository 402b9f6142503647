package replay

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/screen"
)

const (
	// idsMost is how many ids stand in a command line one by one, idsIn how many in
	// an expression.
	idsMost, idsIn = 8, 100
)

// command is the command line that does the same; empty when none of a bearable
// length does.
func (s *Screen) command() string {
	if s.state != nil {
		return screen.Command("dlq", "resume", s.state.Header.ID)
	}
	if s.resuming {
		return screen.Command("dlq", "resume", "--list")
	}
	o := s.options
	verb := "replay"
	if s.ask.Delete {
		verb = "delete"
	}
	args := []string{"dlq", verb, s.ask.WorkerID}
	switch {
	case len(s.ask.Edited) > 0:
		args = append(args, "-f", "edited.jsonl")
	case s.ask.All:
		args = append(args, "--all")
	case len(s.ask.IDs) <= idsMost:
		for _, id := range s.ask.IDs {
			args = append(args, "--id", id)
		}
	case s.ask.Where != "":
		args = append(args, "--where", s.ask.Where)
	case len(s.ask.IDs) <= idsIn:
		quoted := make([]string, len(s.ask.IDs))
		for i, id := range s.ask.IDs {
			quoted[i] = strconv.Quote(id)
		}
		args = append(args, "--where", "id in ["+strings.Join(quoted, ", ")+"]")
	default:
		return ""
	}
	add := func(is bool, more ...string) {
		if is {
			args = append(args, more...)
		}
	}
	add(o.rate > 0, "--rate", rateText(o.rate))
	add(o.canary > 0, "--canary", strconv.Itoa(o.canary))
	add(o.watch > 0, "--watch", o.watch.String())
	add(o.newJobIDs, "--new-job-id")
	add(o.to != "", "--to", o.to)
	add(o.force, "--force")
	add(o.native, "--native")
	add(o.noCopy, "--no-export")
	return screen.Command(args...)
}

// journalID is a journal's name in commands.
func journalID(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}
