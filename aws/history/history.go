// Package history tells what was written to AWS from this machine: the audit trail's
// actions, joined with the journals of those that can be gone on with.
package history

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/audit"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
)

// Action is what was done: the trail's own fields, and what can be done about it.
type Action struct {
	audit.Entry
	// Remedy is a command that finishes what did not end.
	Remedy string `json:"remedy,omitempty"`
	// Finished is true for what did not end well and was finished since, by such a
	// command.
	Finished bool `json:"finishedSince,omitempty"`
}

// Of is the action of an entry of the trail. Of one that did not end well its journal is
// read.
func Of(e audit.Entry) Action {
	a := Action{Entry: e}
	if e.Journal == "" || e.Outcome == audit.OutcomeDone || e.Outcome == audit.OutcomeUnderWay {
		return a
	}
	st, err := journal.Read(e.Journal)
	switch {
	case err != nil || st.Header.ID == "": // no journal, or none any more
	case st.End != nil:
		// A journal that ended with this action has its end; later it is another's.
		a.Finished = e.Ended == nil || st.End.Time.After(*e.Ended)
	default:
		a.Remedy = "aiwctl dlq resume " + strings.TrimSuffix(filepath.Base(e.Journal), filepath.Ext(e.Journal))
	}
	return a
}

// EndedWell reports whether there is nothing to look after: it is done, or under way.
func (a *Action) EndedWell() bool {
	return a.Outcome == audit.OutcomeDone || a.Outcome == audit.OutcomeUnderWay
}

// Result is what came of it, in a few words, without its Remedy. They are clean.
func (a *Action) Result() string {
	counted := a.Done != nil && a.Failed != nil
	said := ""
	switch {
	case a.Outcome == audit.OutcomeNoEnd:
		said = "did not end (killed?)"
	case a.Outcome == audit.OutcomeUnderWay:
		return fmt.Sprintf("under way (pid %d)", a.PID)
	case counted && a.Outcome == audit.OutcomeDone && *a.Failed == 0:
		return fmt.Sprintf("%d done", *a.Done)
	default:
		said = clean(a.Outcome)
		if counted {
			said += fmt.Sprintf(": %d done, %d not", *a.Done, *a.Failed)
		}
		if a.ErrorKind != "" && a.ErrorKind != string(aws.KindOther) {
			said += " (" + clean(a.ErrorKind) + ")"
		}
	}
	switch {
	case a.Finished:
		said += "; finished since"
	case a.Remedy == "" && a.Journal != "" && a.Outcome == audit.OutcomeNoEnd:
		said += "; see " + clean(filepath.Base(a.Journal))
	}
	return said
}

// By is who did it: the last part of the ARN, which names the role and the person, and
// who sat at this machine. It is clean.
func (a *Action) By() string {
	who := a.Who[strings.LastIndexByte(a.Who, ':')+1:]
	if who == "" {
		who = "?"
	}
	if a.User != "" {
		who += " (" + a.User + ")"
	}
	return clean(who)
}

// At is the stage where it was done, with its region or its endpoint. It is clean.
func (a *Action) At() string {
	if a.Endpoint != "" {
		return clean(a.Stage + " " + strings.TrimPrefix(strings.TrimPrefix(a.Endpoint, "http://"), "https://"))
	}
	return clean(a.Stage + " " + a.Region)
}

func clean(s string) string { return logs.Sanitize(s, false) }

// Trail reads the trail of this machine.
type Trail struct {
	// Path is the audit trail's; see aws.DefaultAuditPath.
	Path string
	// Target is the stage that is here.
	Target aws.Target
}

// Page is a part of a trail.
type Page struct {
	// Actions are the newest, newest first; More says that there are older ones.
	Actions []Action
	More    bool
	// Unreadable are the places of lines that are no records, at most ten of
	// UnreadableCount: what a process left that was cut off, say.
	Unreadable      []string
	UnreadableCount int
}

// Newest reads the newest most actions, of this stage or of every one.
func (t Trail) Newest(ctx context.Context, most int, everywhere bool) (Page, error) {
	keep := t.Target.Wrote
	if everywhere {
		keep = nil
	}
	h, more, err := audit.Newest(ctx, t.Path, most, keep)
	if err != nil {
		return Page{}, fmt.Errorf("read the audit trail %s: %w", t.Path, err)
	}
	page := Page{Actions: make([]Action, 0, len(h.Entries)), More: more, Unreadable: h.Unreadable, UnreadableCount: h.UnreadableCount}
	for _, e := range h.Entries {
		page.Actions = append(page.Actions, Of(e))
	}
	return page, nil
}

// Stamp changes whenever something is written to the trail.
func (t Trail) Stamp() (string, error) { return audit.Stamp(t.Path) }
