package logview

import (
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// input asks for a text: a file's name, a time.
type input struct {
	prompt *prompt.Prompt
	note   func() string // what enter does
	wrong  error         // with what was submitted
	submit func(text string) (tea.Cmd, error)
	all    bool // of a file: lines that the filter hides, too
	saves  bool
}

func (s *Screen) ask(label, text string, in input) tea.Cmd {
	in.prompt = prompt.New(s.env.Theme, label)
	in.prompt.Set(text)
	s.input = &in
	return in.prompt.Open()
}

func (s *Screen) inputKey(msg tea.Msg, name string) tea.Cmd {
	in := s.input
	switch name {
	case "esc":
		s.input = nil
		return nil
	case "enter":
		cmd, err := in.submit(strings.TrimSpace(in.prompt.Value()))
		if in.wrong = err; err == nil && s.input == in {
			s.input = nil
		}
		return cmd
	}
	in.wrong = nil
	return in.prompt.Update(msg)
}

// view draws it, with what is wrong with it on a line of its own.
func (in *input) view(s *Screen, width int) []string {
	t := s.env.Theme
	lines := []string{in.prompt.View(in.note(), width)}
	if in.wrong != nil {
		for _, part := range cell.Wrap(cell.Clean(in.wrong.Error()), width-4) {
			lines = append(lines, cell.Fit("   "+t.Bad.Render(part), width))
		}
	}
	return lines
}

func (s *Screen) inputActions() []screen.Action {
	if s.input == nil || !s.input.saves {
		return nil
	}
	return []screen.Action{{
		ID: "save-all", Keys: []string{"tab"}, Label: "all or shown", WhileTyping: true,
		Help: "Save all lines that were read, or only those that the filter keeps.",
		Run:  do(func() { s.input.all = !s.input.all }),
	}}
}

// openRange offers how far back the logs are read.
func (s *Screen) openRange() tea.Cmd {
	since := func(label string, d time.Duration) item {
		return item{label: "the last " + label, closes: true, run: func() tea.Cmd { return s.read(s.env.Now().Add(-d), time.Time{}) }}
	}
	foot := fmt.Sprintf("The logs are read again, in at most %d calls a second of the 5 that the account has.", logs.DefaultCallRate)
	if s.env.Stage.Loopback {
		foot = "The logs are read again."
	}
	s.menu = &menu{title: "Read since", key: "t", foot: foot, items: func() []item {
		return []item{
			since("5 minutes", 5*time.Minute), since("15 minutes", 15*time.Minute), since("hour", time.Hour),
			since("6 hours", 6*time.Hour), since("24 hours", 24*time.Hour),
			{label: "another time", note: "2h, 14:05, yesterday 14:05, or a range: 14:05..14:20", closes: true, run: s.askRange},
		}
	}}
	return nil
}

func (s *Screen) askRange() tea.Cmd {
	return s.ask("since", "", input{
		note: func() string { return "2h, 14:05, 14:05..14:20" },
		submit: func(text string) (tea.Cmd, error) {
			since, until, err := s.parseRange(text)
			if err != nil {
				return nil, err
			}
			return s.read(since, until), nil
		},
	})
}

// parseRange reads a time, or two with .. between them; the second may be left out.
func (s *Screen) parseRange(text string) (since, until time.Time, err error) {
	now := s.env.Now()
	from, to, both := strings.Cut(text, "..")
	if since, err = logs.ParseTime(now, strings.TrimSpace(from)); err != nil {
		return since, until, err
	}
	if to = strings.TrimSpace(to); !both || to == "" || to == "now" {
		return since, until, nil
	}
	if _, ok := s.source.(Past); !ok {
		return since, until, errors.New("this stage is only followed: leave out what is behind the dots")
	}
	if until, err = logs.ParseTime(now, to); err != nil {
		return since, until, err
	}
	if !until.After(since) {
		return since, until, errors.New("the range ends before it begins")
	}
	return since, until, nil
}

// askTime goes to a time in what was read.
func (s *Screen) askTime() tea.Cmd {
	return s.ask("go to", "", input{
		note: func() string { return "14:05:30, or 5m for five minutes ago" },
		submit: func(text string) (tea.Cmd, error) {
			at, err := logs.ParseTime(s.env.Now(), text)
			if err != nil {
				return nil, err
			}
			if oldest := s.pane.Buf.Oldest(); oldest == nil || at.Before(oldest.Time) {
				return nil, fmt.Errorf("%s was not read: %s reads further back", s.clock(at), s.env.Key(screen.KindLogs, "range", "t"))
			}
			s.pane.ToTime(at)
			return nil, nil
		},
	})
}

// clock is a time of day for a sentence, with the date when it is another day's.
func (s *Screen) clock(at time.Time) string {
	at, now := at.In(s.zone), s.env.Now().In(s.zone)
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04:05")
	}
	return at.Format(time.DateTime)
}
