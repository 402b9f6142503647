package replay

import (
	"cmp"
	"time"

	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// The words for a message that was not moved yet.
const (
	statusWaits = "to be sent"
	statusGoes  = "to be deleted"
)

// row is one message of a plan, then of its results. Its texts are clean.
type row struct {
	id, name string
	jobID    string
	seq      int
	sentAt   time.Time
	edited   bool
	status   string
	// fault is why it is so, or what a check found.
	fault  string
	blocks bool // a check says that it is certain to die, or to be swallowed

	newID, newJobID string
	maybe           bool
}

func planned(c *redrive.Chosen, seq int) *row {
	r := &row{id: c.ID, jobID: c.JobID(), name: cell.Clean(cmp.Or(c.JobID(), c.ID)), seq: seq, sentAt: c.SentAt, edited: c.Edit != nil, status: statusWaits}
	if len(c.Problems) > 0 {
		p := c.Problems[0]
		r.fault, r.blocks = cell.Clean(p.Text), p.Blocks
	}
	return r
}

// take is what became of it.
func (r *row) take(result redrive.Result) {
	r.status, r.fault, r.blocks = result.Status, cell.Clean(result.Error), false
	if result.Unreached() {
		r.status, r.fault = statusWaits, "" // as all the others whose turn did not come
	}
	r.jobID = cmp.Or(result.JobID, r.jobID)
	r.newID, r.newJobID = cmp.Or(result.NewID, r.newID), cmp.Or(result.NewJobID, r.newJobID)
	r.maybe = result.MaybeSent
	r.name = cell.Clean(cmp.Or(r.jobID, r.id))
}

// done is whether it came to a good end, or may still.
func (r *row) good() bool {
	switch r.status {
	case redrive.StatusReplayed, redrive.StatusDeleted, redrive.StatusImported:
		return true
	case statusWaits, statusGoes:
		return !r.blocks
	}
	return false
}

// job is the id under which it runs now.
func (r *row) job() string { return cmp.Or(r.newJobID, r.jobID) }

func (r *row) fate() screen.Fate {
	return screen.Fate{MessageID: r.id, Status: r.status, Error: r.fault, NewMessageID: r.newID, NewJobID: r.newJobID}
}

func (r *row) text() string {
	return r.name + " " + r.id + " " + r.newJobID + " " + r.status + " " + r.fault
}

// worstFirst puts what needs a look on top.
func worstFirst(a, b *row) int {
	rank := func(r *row) int {
		if r.good() {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.seq, b.seq))
}

func (s *Screen) columns() []table.Column[*row] {
	return []table.Column[*row]{
		{
			Title: "JOB", Min: 14, Max: 36, Grow: true, KeepEnd: true,
			Cell:    func(r *row) table.Cell { return table.Cell{Text: r.name} },
			Compare: func(a, b *row) int { return cmp.Compare(a.name, b.name) },
		},
		{
			Title: "AGE", Right: true, Min: 4, Priority: 2,
			Cell: func(r *row) table.Cell {
				if r.sentAt.IsZero() {
					return table.Cell{Text: "–", Tone: theme.ToneFaint}
				}
				return table.Cell{Text: cell.Age(s.env.Now().Sub(r.sentAt)), Tone: theme.ToneDim}
			},
			Compare: func(a, b *row) int { return b.sentAt.Compare(a.sentAt) },
		},
		{
			Title: "WHAT BECOMES OF IT", Min: 20, Grow: true,
			Cell: s.statusCell, Compare: func(a, b *row) int { return cmp.Compare(a.status, b.status) },
		},
		{
			Title: "NEW JOB", Min: 10, Max: 36, Grow: true, KeepEnd: true, Priority: 1,
			Cell: func(r *row) table.Cell { return table.Cell{Text: cell.Clean(r.newJobID), Tone: theme.ToneDim} },
		},
	}
}

func (s *Screen) statusCell(r *row) table.Cell {
	text := cell.Clean(r.status)
	because := ""
	if r.fault != "" {
		because = ": " + r.fault
	}
	waits := r.status == statusWaits || r.status == statusGoes
	switch {
	case waits && s.phase == ended:
		return table.Cell{Text: "– left where it is", Tone: theme.ToneWarn}
	case r.status == statusGoes:
		return table.Cell{Text: text, Tone: theme.ToneDim}
	case r.status == statusWaits && r.blocks && s.options.force:
		return table.Cell{Text: "! sent all the same" + because, Tone: theme.ToneWarn}
	case r.status == statusWaits && r.blocks:
		return table.Cell{Text: "– to be skipped" + because, Tone: theme.ToneWarn}
	case waits:
		if r.edited {
			text += ", edited"
		}
		return table.Cell{Text: text + because, Tone: theme.ToneDim}
	case r.good() && r.maybe:
		return table.Cell{Text: theme.GlyphDone + " " + text + ", perhaps twice: an answer was lost", Tone: theme.ToneWarn}
	case r.good():
		return table.Cell{Text: theme.GlyphDone + " " + text, Tone: theme.ToneGood}
	case r.status == redrive.StatusNotFound:
		return table.Cell{Text: "? " + text + because, Tone: theme.ToneWarn}
	case r.status == redrive.StatusSkipped:
		return table.Cell{Text: "– " + text + because, Tone: theme.ToneWarn}
	}
	return table.Cell{Text: theme.GlyphFailed + " " + text + because, Tone: theme.ToneBad}
}
