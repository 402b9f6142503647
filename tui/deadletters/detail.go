package deadletters

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/diff"
	"github.com/microfox-ai/aiwctl/tui/jsonview"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// pane is what is shown of a message beside its place in the list.
type pane int

const (
	paneBody pane = iota
	paneChanges
	paneError
	paneLog
)

func (p pane) name() string { return [...]string{"body", "changes", "error", "log"}[p] }

const (
	// restFor is how long the cursor rests on a message before more is read of it.
	restFor        = 250 * time.Millisecond
	attemptTimeout = 30 * time.Second
	beforeTimeout  = 10 * time.Second
	bodyTimeout    = 30 * time.Second
)

// panes are those of the message under the cursor.
func (s *Screen) panes() []pane {
	list := []pane{paneBody}
	if it, ok := s.letters.Selected(); ok && s.edits.get(it.id) != nil {
		list = append(list, paneChanges)
	}
	return append(list, paneError, paneLog)
}

// nextPane gives the moving keys to the next pane, in the end back to the list.
func (s *Screen) nextPane(by int) tea.Cmd {
	list := s.panes()
	at := slices.Index(list, s.pane)
	switch {
	case !s.inPane && by > 0:
		s.inPane, s.pane = true, list[0]
	case !s.inPane:
		s.inPane, s.pane = true, list[len(list)-1]
	case at+by < 0 || at+by >= len(list):
		s.inPane, s.pane = false, list[0]
	default:
		s.pane = list[at+by]
	}
	s.letters.Hold()
	return s.show()
}

// letterOf is a message whole; nil while its body is being read.
func (s *Screen) letterOf(it *item) *letter.Letter {
	if it.letter != nil {
		return it.letter
	}
	if s.loaded != nil && s.loaded.ID == it.id {
		return s.loaded
	}
	return nil
}

// show has the panes follow the cursor, and more read of the message on which it
// rests.
func (s *Screen) show() tea.Cmd {
	it, ok := s.letters.Selected()
	if !ok || s.level == inGroups {
		s.under = ""
		s.requests.Cancel(forRest)
		return nil
	}
	moved := it.id != s.under
	if moved {
		s.under = it.id
		s.redraw()
		s.side.top, s.log.top, s.changes.top = 0, 0, 0
		if s.pane == paneChanges && s.edits.get(it.id) == nil {
			s.pane = paneBody
		}
		s.requests.Cancel(forAttempt)
		return s.requests.After(forRest, restFor)
	}
	// A pane that was opened after the cursor came to rest.
	if s.wantsLog(it) && !s.requests.Live(forRest) {
		return s.readAttempt(it)
	}
	return nil
}

// scroll moves the pane by lines.
func (s *Screen) scroll(by int) {
	switch s.pane {
	case paneBody:
		s.body.Scroll(by)
	case paneChanges:
		s.changes.move(by)
	case paneError:
		s.side.move(by)
	case paneLog:
		s.log.move(by)
	}
}

func (s *Screen) paneKey(name string) {
	switch s.pane {
	case paneBody:
		s.body.Key(name)
	case paneChanges:
		s.changes.key(name)
	case paneError:
		s.side.key(name)
	case paneLog:
		s.log.key(name)
	}
}

// drawn are the lines of a pane, and what they were made for.
type drawn struct {
	id    string
	width int
	lines []string
}

// redraw forgets what the panes were made of: something they show has changed.
func (s *Screen) redraw() { s.cache = [4]drawn{} }

// lines are those of a pane of a message, made once.
func (s *Screen) lines(p pane, it *item, width int) []string {
	c := &s.cache[p]
	if c.lines != nil && c.id == it.id && c.width == width {
		return c.lines
	}
	*c = drawn{id: it.id, width: width}
	switch p {
	case paneChanges:
		c.lines = s.changeLines(it, width)
	case paneError:
		c.lines = s.errorLines(it, width)
	case paneLog:
		c.lines = s.logLines(it, width)
	case paneBody:
	}
	return c.lines
}

// fields are what is known of a message beside its body.
func (s *Screen) fields(it *item) []jsonview.Field {
	now := s.now
	var list []jsonview.Field
	add := func(name, value string) {
		if value != "" {
			list = append(list, jsonview.Field{Name: name, Value: value})
		}
	}
	if f := it.fate; f != nil {
		add("became", fateCell(f).Text)
		add("sent as", f.newID)
		add("new job", f.newJobID)
	}
	for _, p := range s.problemsOf(it) {
		mark := "! "
		if p.Blocks {
			mark = theme.GlyphFailed + " "
		}
		add("if sent", mark+p.Text)
	}
	l := s.letterOf(it)
	if !it.odd {
		add("job", it.jobID)
	} else if l != nil && l.ParseErr != nil {
		add("not a job", l.ParseErr.Error())
	}
	add("message", it.id)
	add("sent", history(it, now))
	if it.source != "" {
		add("from", it.source)
	}
	for _, sent := range s.before[it.id] {
		add("replayed", sentText(sent, it.id, now))
	}
	if l == nil {
		return list
	}
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

// sentText tells of a replay of a message, or of the one that it is a copy of.
func sentText(sent redrive.Sent, id string, now time.Time) string {
	text := cell.Age(max(0, now.Sub(sent.At))) + " ago"
	if sent.NewMessageID == id {
		text += ", this is the copy of " + sent.MessageID
		if sent.NewJobID != "" {
			text += ", job " + sent.JobID
		}
		return text
	}
	text += " as " + sent.NewMessageID
	if sent.NewJobID != "" {
		text += ", job " + sent.NewJobID
	}
	return text
}

// history says when a message was sent and received.
func history(it *item, now time.Time) string {
	text := ""
	if !it.sentAt.IsZero() {
		text = it.sentAt.In(now.Location()).Format("2006-01-02 15:04:05") + " (" + cell.Age(max(0, now.Sub(it.sentAt))) + " ago), "
	}
	text += "received " + cell.Plural(it.receives, "time")
	if !it.received.IsZero() {
		text += ", first " + cell.Age(max(0, now.Sub(it.received))) + " ago"
	}
	return text
}

// errorLines are why a message died, or why that is not known.
func (s *Screen) errorLines(it *item, width int) []string {
	t := s.env.Theme
	var lines []string
	add := func(style func(...string) string, text string) {
		for _, line := range cell.Wrap(text, width) {
			lines = append(lines, style(line))
		}
	}
	c := it.cause
	if c == nil {
		name := s.groupOf(it)
		add(t.Warn.Render, name+": "+s.whyNot(name))
		return lines
	}
	f := c.failure
	for i, line := range cell.CleanLines(f.Message) {
		if i == 0 && f.Name != "" {
			line = cell.Clean(f.Name) + ": " + line
		}
		add(t.Bad.Render, line)
	}
	if f.Message == "" {
		add(t.Bad.Render, c.text)
	}
	facts := []string{string(f.Kind)}
	if f.Attempt > 0 {
		facts = append(facts, fmt.Sprintf("attempt %d", f.Attempt))
	}
	if !f.At.IsZero() {
		facts = append(facts, s.age(f.At)+" ago")
	}
	facts = append(facts, "by "+viaText(f.Via))
	if f.RequestID != "" {
		facts = append(facts, "request "+cell.Clean(f.RequestID))
	}
	add(t.Dim.Render, strings.Join(facts, " "+theme.GlyphDot+" "))
	for _, line := range cell.CleanLines(f.Stack) {
		if strings.TrimSpace(line) != "" {
			add(t.Text.Render, strings.TrimRight(line, " "))
		}
	}
	return lines
}

// logLines are the log of the last attempt.
func (s *Screen) logLines(it *item, width int) []string {
	t := s.env.Theme
	switch {
	case it.jobID == "":
		return wrapped(t.Dim.Render, "The message names no job, and so no log line tells of it.", width)
	case s.attempt.id != it.id && s.requests.Live(forAttempt):
		return wrapped(t.Info.Render, theme.GlyphBusy+" reading the log of its last attempt  "+s.age(s.attempt.since), width)
	case s.attempt.id != it.id:
		return wrapped(t.Dim.Render, "The log of its last attempt is read when the cursor rests.", width)
	case s.attempt.err != nil && len(s.attempt.lines) == 0:
		return append(wrapped(t.Bad.Render, theme.GlyphFailed+" its log could not be read: "+cell.Clean(s.attempt.err.Error()), width),
			wrapped(t.Dim.Render, s.keyName("logs", "l")+" opens the logs of the job.", width)...)
	case len(s.attempt.lines) == 0:
		return wrapped(t.Dim.Render, "No log line tells of it: the logs may have expired, or never been written.", width)
	}
	var lines []string
	if s.attempt.err != nil {
		lines = wrapped(t.Warn.Render, "! not all could be read: "+cell.Clean(s.attempt.err.Error()), width)
	}
	for i := range s.attempt.lines {
		l := &s.attempt.lines[i]
		style := t.Text.Render
		switch {
		case l.Level >= logs.LevelError:
			style = t.Bad.Render
		case l.Level == logs.LevelWarn:
			style = t.Warn.Render
		}
		at := t.Faint.Render(l.Time.In(s.env.Now().Location()).Format("15:04:05") + " ")
		lines = append(lines, cell.Cut(at+style(cell.Clean(l.Text)), width))
	}
	return lines
}

func wrapped(style func(...string) string, text string, width int) []string {
	var lines []string
	for _, line := range cell.Wrap(text, width) {
		lines = append(lines, style(line))
	}
	return lines
}

// changeLines are what was changed in a message.
func (s *Screen) changeLines(it *item, width int) []string {
	t := s.env.Theme
	is := s.edits.get(it.id)
	if is == nil {
		return nil
	}
	var lines []string
	if _, err := is.letter(); err != nil {
		lines = wrapped(t.Bad.Render, theme.GlyphFailed+" "+cell.Clean(err.Error())+": it cannot be sent so", width)
	} else {
		lines = wrapped(t.Dim.Render, s.keyName("replay", "R")+" sends it so; the original stays until the copy is accepted. "+s.keyName("undo-edit", "u")+" takes it back.", width)
	}
	return append(lines, diff.Render(t, diff.Lines(is.before, is.text), width)...)
}
