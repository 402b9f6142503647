package deadletters

import (
	"cmp"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// previewLength bounds how much of a body is looked at for its preview.
const previewLength = 400

// row is one dead letter as the list shows it. Its texts are clean.
type row struct {
	letter  *letter.Letter
	name    string // the job's id, else the message's
	worker  string
	preview string
	odd     bool // not a job
	result  *redrive.Result
}

func newRow(letter *letter.Letter) row {
	r := row{letter: letter, name: cell.Clean(letter.ID)}
	if m := letter.Message; m != nil {
		if m.JobID != "" {
			r.name = cell.Clean(m.JobID)
		}
		r.worker = cell.Clean(m.WorkerID)
		r.preview = clip(string(m.Input))
		return r
	}
	r.odd = true
	why := clip(letter.Body)
	if letter.ParseErr != nil {
		why = cell.Clean(letter.ParseErr.Error())
	}
	r.preview = "not a job: " + why
	return r
}

func clip(s string) string {
	if len(s) > previewLength {
		s = s[:previewLength]
	}
	return cell.Clean(s)
}

// text is what the filter looks in: everything, the whole body included.
func (r row) text() string {
	text := r.name + " " + r.letter.ID + " " + r.worker + " " + r.letter.Body
	if r.result != nil {
		text += " " + r.result.Status + " " + r.result.Error
	}
	return text
}

// replayed is whether the letter has left the dead-letter queue.
func (r row) replayed() bool { return r.result != nil && r.result.Status == redrive.StatusReplayed }

func newestFirst(a, b row) int {
	return cmp.Or(b.letter.SentAt.Compare(a.letter.SentAt), cmp.Compare(a.letter.ID, b.letter.ID))
}

func (s *Screen) columns() []table.Column[row] {
	dim := func(r row, c table.Cell) table.Cell {
		if r.replayed() {
			c.Tone = theme.ToneFaint
		}
		return c
	}
	return []table.Column[row]{
		{
			Title: "JOB", Min: 14, Max: 36, Grow: true, KeepEnd: true,
			Cell:    func(r row) table.Cell { return dim(r, table.Cell{Text: r.name}) },
			Compare: func(a, b row) int { return cmp.Compare(a.name, b.name) },
		},
		{
			Title: "SENT", Right: true, Min: 4,
			Cell: func(r row) table.Cell {
				if r.letter.SentAt.IsZero() {
					return table.Cell{Text: "–", Tone: theme.ToneFaint}
				}
				return dim(r, table.Cell{Text: cell.Age(s.env.Now().Sub(r.letter.SentAt)), Tone: theme.ToneDim})
			},
			Compare: func(a, b row) int { return b.letter.SentAt.Compare(a.letter.SentAt) },
		},
		{
			Title: "RECV", Right: true, Min: 4, Priority: 1,
			Cell: func(r row) table.Cell {
				return dim(r, table.Cell{Text: cell.Count(r.letter.ReceiveCount), Tone: theme.ToneDim})
			},
			Compare: func(a, b row) int { return cmp.Compare(b.letter.ReceiveCount, a.letter.ReceiveCount) },
		},
		{
			Title: "WORKER", Min: 8, Max: 20, Priority: 3,
			Cell: func(r row) table.Cell {
				if r.worker == "" {
					return table.Cell{Text: "–", Tone: theme.ToneFaint}
				}
				return dim(r, table.Cell{Text: r.worker, Tone: theme.ToneDim})
			},
			Compare: func(a, b row) int { return cmp.Compare(a.worker, b.worker) },
		},
		{
			Title: "INPUT", Min: 16, Grow: true,
			Cell: func(r row) table.Cell {
				if r.result != nil {
					return resultCell(*r.result)
				}
				if r.odd {
					return table.Cell{Text: r.preview, Tone: theme.ToneWarn}
				}
				return table.Cell{Text: r.preview, Tone: theme.ToneDim}
			},
		},
	}
}

func resultCell(result redrive.Result) table.Cell {
	text := cell.Clean(result.Status)
	switch result.Status {
	case redrive.StatusReplayed:
		return table.Cell{Text: theme.GlyphDone + " " + text, Tone: theme.ToneGood}
	case redrive.StatusNotFound:
		return table.Cell{Text: "? " + text, Tone: theme.ToneWarn}
	case redrive.StatusSkipped:
		return table.Cell{Text: "– " + text + ": " + cell.Clean(result.Error), Tone: theme.ToneWarn}
	}
	if result.Error != "" {
		text += ": " + cell.Clean(result.Error)
	}
	return table.Cell{Text: theme.GlyphFailed + " " + text, Tone: theme.ToneBad}
}

// fields are what is known of a letter beside its body.
func fields(r row, now time.Time) []jsonview.Field {
	l := r.letter
	list := []jsonview.Field{}
	add := func(name, value string) {
		if value != "" {
			list = append(list, jsonview.Field{Name: name, Value: value})
		}
	}
	if r.result != nil {
		add("replay", resultCell(*r.result).Text)
		add("sent as", r.result.NewID)
	}
	if l.Message != nil {
		add("job", l.Message.JobID)
	} else if l.ParseErr != nil {
		add("not a job", l.ParseErr.Error())
	}
	add("message", l.ID)
	add("sent", history(l, now))
	for _, name := range slices.Sorted(maps.Keys(l.Attributes)) {
		value := l.Attributes[name]
		text := ""
		switch {
		case value.StringValue != nil:
			text = *value.StringValue
		case len(value.BinaryValue) > 0:
			text = base64.StdEncoding.EncodeToString(value.BinaryValue[:min(len(value.BinaryValue), previewLength)]) +
				" (" + strconv.Itoa(len(value.BinaryValue)) + " bytes)"
		}
		add("@"+name, text)
	}
	return list
}

// history says when a letter was sent and received.
func history(l *letter.Letter, now time.Time) string {
	text := ""
	if !l.SentAt.IsZero() {
		text = l.SentAt.In(now.Location()).Format("2006-01-02 15:04:05") + " (" + cell.Age(now.Sub(l.SentAt)) + " ago), "
	}
	text += "received " + cell.Plural(l.ReceiveCount, "time")
	if !l.FirstReceived.IsZero() {
		text += ", first " + cell.Age(now.Sub(l.FirstReceived)) + " ago"
	}
	return text
}
