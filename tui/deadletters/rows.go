package deadletters

import (
	"cmp"
	"time"

	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// age is how long ago something was, as it is shown: it changes with the seconds only, so
// that a key that does nothing changes nothing.
func (s *Screen) age(at time.Time) string { return cell.Age(max(0, s.now.Sub(at))) }

func newestFirst(a, b *item) int {
	return cmp.Or(b.sentAt.Compare(a.sentAt), cmp.Compare(a.id, b.id))
}

func (s *Screen) letterColumns() []table.Column[*item] {
	dim := func(it *item, c table.Cell) table.Cell {
		if it.gone() {
			c.Tone = theme.ToneFaint
		}
		return c
	}
	return []table.Column[*item]{
		{
			// The end of an id tells jobs apart, and the panel has all of it: the rest of the
			// line is better spent on why they died.
			Title: "JOB", Min: 14, Max: 20, Grow: true, KeepEnd: true,
			Cell:    func(it *item) table.Cell { return dim(it, table.Cell{Text: it.name}) },
			Compare: func(a, b *item) int { return cmp.Compare(a.name, b.name) },
		},
		{
			Title: "SENT", Right: true, Min: 4,
			Cell: func(it *item) table.Cell {
				if it.sentAt.IsZero() {
					return table.Cell{Text: "–", Tone: theme.ToneFaint}
				}
				return dim(it, table.Cell{Text: s.age(it.sentAt), Tone: theme.ToneDim})
			},
			Compare: func(a, b *item) int { return b.sentAt.Compare(a.sentAt) },
		},
		{
			Title: "RECV", Right: true, Min: 4, Priority: 2,
			Cell: func(it *item) table.Cell {
				return dim(it, table.Cell{Text: cell.Count(it.receives), Tone: theme.ToneDim})
			},
			Compare: func(a, b *item) int { return cmp.Compare(b.receives, a.receives) },
		},
		{
			Title: "WORKER", Min: 8, Max: 20, Priority: 5,
			Cell: func(it *item) table.Cell {
				if it.worker == "" {
					return table.Cell{Text: "–", Tone: theme.ToneFaint}
				}
				return dim(it, table.Cell{Text: it.worker, Tone: theme.ToneDim})
			},
			Compare: func(a, b *item) int { return cmp.Compare(a.worker, b.worker) },
		},
		{
			Title: "IF SENT", Min: 8, Max: 24, Priority: 1,
			Cell: s.checkCell,
			Compare: func(a, b *item) int {
				return cmp.Compare(s.checkRank(a), s.checkRank(b))
			},
		},
		{
			Title: "CAUSE", Min: 12, Max: 48, Grow: true, Priority: 3,
			Cell: func(it *item) table.Cell {
				if c := it.cause; c != nil {
					return dim(it, table.Cell{Text: c.text, Tone: theme.ToneText})
				}
				return table.Cell{Text: s.groupOf(it), Tone: theme.ToneFaint}
			},
			Compare: func(a, b *item) int { return cmp.Compare(s.groupOf(a), s.groupOf(b)) },
		},
		{
			Title: "INPUT", Min: 16, Grow: true, Priority: 4,
			Cell: func(it *item) table.Cell {
				if it.odd {
					return table.Cell{Text: it.preview, Tone: theme.ToneWarn}
				}
				return dim(it, table.Cell{Text: it.preview, Tone: theme.ToneDim})
			},
		},
	}
}

// checkRank orders by what a check says: what is certain to die first.
func (s *Screen) checkRank(it *item) int {
	p := s.problemsOf(it)
	switch {
	case it.fate != nil:
		return 3
	case len(p) > 0 && p[0].Blocks:
		return 0
	case len(p) > 0:
		return 1
	}
	return 2
}

// checkCell says what becomes of a message when it is sent now, or what became of it.
func (s *Screen) checkCell(it *item) table.Cell {
	if it.fate != nil {
		return fateCell(it.fate)
	}
	edited := ""
	if is := s.edits.get(it.id); is != nil {
		if _, err := is.letter(); err != nil {
			return table.Cell{Text: theme.GlyphFailed + " edited, not JSON", Tone: theme.ToneBad}
		}
		edited = "edited, "
	}
	p := s.problemsOf(it)
	switch {
	case len(p) > 0 && p[0].Blocks:
		return table.Cell{Text: theme.GlyphFailed + " " + edited + string(p[0].Kind), Tone: theme.ToneBad}
	case len(p) > 0:
		return table.Cell{Text: "! " + edited + string(p[0].Kind), Tone: theme.ToneWarn}
	case edited != "":
		return table.Cell{Text: theme.GlyphDone + " edited, runs", Tone: theme.ToneAccent}
	}
	return table.Cell{Text: "runs", Tone: theme.ToneFaint}
}

func fateCell(f *fate) table.Cell {
	text := cell.Clean(f.status)
	because := ""
	if f.fault != "" {
		because = ": " + f.fault
	}
	switch f.status {
	case redrive.StatusReplayed, redrive.StatusDeleted:
		return table.Cell{Text: theme.GlyphDone + " " + text, Tone: theme.ToneGood}
	case redrive.StatusNotFound:
		return table.Cell{Text: "? " + text + because, Tone: theme.ToneWarn}
	case redrive.StatusSkipped:
		return table.Cell{Text: "– " + text + because, Tone: theme.ToneWarn}
	}
	return table.Cell{Text: theme.GlyphFailed + " " + text + because, Tone: theme.ToneBad}
}
