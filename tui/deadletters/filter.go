package deadletters

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/where"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// filterNow is how many messages are filtered between one key and the next frame;
// more are filtered beside it.
const filterNow = 250

// filter is what messages have to pass: they contain the text, whatever its case,
// and the expression is true of them.
type filter struct {
	text  string // in lower case
	where *where.Filter
	now   time.Time
}

// passes is the messages that pass.
type passes struct {
	of         string
	ids        map[string]bool
	unclear    int
	unclearErr error
}

// want names what is filtered by; empty when nothing is.
func (s *Screen) want() string {
	name := ""
	if text := s.text.Value(); text != "" {
		name = "text " + text
	}
	if s.where != nil {
		name += "\x00where " + s.where.String()
	}
	return name
}

// filtering is whether what is shown is not what passes yet.
func (s *Screen) filtering() bool { return s.requests.Live(forFilter) }

// refilter filters anew after a key, when there is anything to filter by.
func (s *Screen) refilter() tea.Cmd {
	switch want := s.want(); {
	case want == "" && s.filtered == "":
		s.requests.Cancel(forFilter)
		return nil
	case want == s.filtered && !s.filtering():
		return nil
	}
	return s.settle()
}

// settle filters the messages anew and lists them.
func (s *Screen) settle() tea.Cmd {
	of := s.want()
	if of == "" {
		s.requests.Cancel(forFilter)
		s.passed, s.filtered, s.unclear = nil, "", 0
		s.arrange()
		return nil
	}
	f := filter{text: strings.ToLower(s.text.Value()), where: s.where, now: s.env.Now()}
	items := s.items
	causes := make([]*cause, len(items))
	beside := len(items) > filterNow
	for i, it := range items {
		causes[i] = it.cause
		beside = beside || it.letter == nil
	}
	if !beside {
		s.requests.Cancel(forFilter)
		out := f.run(context.Background(), items, causes)
		out.of = of
		s.takePasses(out)
		return nil
	}
	kept := s.shelf
	return s.requests.Start(forFilter, time.Minute, func(ctx context.Context) (any, error) {
		out := f.run(ctx, items, causes)
		out.of = of
		left := map[string]*cause{}
		for i, it := range items {
			if it.letter == nil {
				left[it.id] = causes[i]
			}
		}
		if len(left) == 0 || ctx.Err() != nil {
			return out, ctx.Err()
		}
		err := kept.each(func(l *letter.Letter) bool {
			f.one(&out, l, left[l.ID])
			return ctx.Err() == nil
		})
		return out, err
	})
}

// run filters the messages whose bodies are in memory.
func (f *filter) run(ctx context.Context, items []*item, causes []*cause) passes {
	out := passes{ids: map[string]bool{}}
	for i, it := range items {
		if i%1024 == 0 && ctx.Err() != nil {
			break
		}
		if it.letter != nil {
			f.one(&out, it.letter, causes[i])
		}
	}
	return out
}

func (f *filter) one(out *passes, l *letter.Letter, c *cause) {
	if f.text != "" && !f.contains(l, c) {
		return
	}
	if f.where != nil {
		facts := where.Facts{Now: f.now}
		if c != nil {
			facts.Error, facts.Group = c.failure.Text(), c.signature
		}
		keep, err := f.where.Match(l, facts)
		if err != nil {
			out.unclear++
			if out.unclearErr == nil {
				out.unclearErr = err
			}
		}
		if !keep {
			return
		}
	}
	out.ids[l.ID] = true
}

func (f *filter) contains(l *letter.Letter, c *cause) bool {
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), f.text) }
	return has(l.Body) || has(l.ID) || c != nil && has(c.text)
}

func (s *Screen) tookFilter(reply screen.Reply) {
	out, ok := reply.Payload.(passes)
	if reply.Err != nil {
		s.note = "the filter could not be applied to all: " + reply.Err.Error()
	}
	if ok {
		s.takePasses(out)
	}
}

func (s *Screen) takePasses(out passes) {
	s.passed, s.filtered, s.unclear, s.unclearErr = out.ids, out.of, out.unclear, out.unclearErr
	s.arrange()
}

// passing are the messages that pass the filter.
func (s *Screen) passing() []*item {
	if s.filtered == "" {
		return s.items
	}
	list := make([]*item, 0, len(s.passed))
	for _, it := range s.items {
		if s.passed[it.id] {
			list = append(list, it)
		}
	}
	return list
}

// readExpr reads the expression as it stands. One that cannot be read leaves the one
// before in its place.
func (s *Screen) readExpr() {
	text := strings.TrimSpace(s.expr.Value())
	if text == "" {
		s.where, s.whereErr = nil, nil
		return
	}
	f, err := where.Compile(text)
	s.whereErr = err
	if err == nil {
		s.where = f
	}
}

func (s *Screen) exprChanged() tea.Cmd {
	s.offer = offer{}
	s.readExpr()
	return s.refilter()
}

// exprKey is a key for the expression. Enter on one that cannot be read stays, since
// the place is shown.
func (s *Screen) exprKey(msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "tab":
		s.complete(1)
		s.readExpr()
		return s.refilter()
	case "shift+tab":
		s.complete(-1)
		s.readExpr()
		return s.refilter()
	case "enter":
		if s.whereErr != nil {
			return nil
		}
	}
	cmd := s.expr.Update(msg)
	return tea.Batch(cmd, s.exprChanged())
}

// clearFilter takes text and expression away.
func (s *Screen) clearFilter() tea.Cmd {
	s.text.Clear()
	s.expr.Clear()
	s.readExpr()
	return s.refilter()
}

// filterShown is whether there is a filter to see.
func (s *Screen) filterShown() bool { return s.text.Shown() || s.expr.Shown() }
