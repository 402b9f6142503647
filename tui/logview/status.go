package logview

import (
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Status implements screen.Statuser.
func (s *Screen) Status() string {
	parts := []string{s.doing()}
	if s.tail.live {
		parts = append(parts, "live")
	}
	if s.choice.level > logs.LevelNone {
		parts = append(parts, s.choice.level.String()+" and above")
	}
	b := s.pane.Buf
	switch {
	case b.Filter().Empty():
		parts = append(parts, cell.Plural(b.Len(), "line"))
	case b.Judging():
		parts = append(parts, "searching "+cell.Plural(b.Len(), "line"))
	default:
		parts = append(parts, cell.Count(b.Shown())+" of "+cell.Plural(b.Len(), "line"))
	}
	if s.pane.Folded() {
		parts = append(parts, "folded")
	}
	if b.Dropped > 0 {
		parts = append(parts, cell.Count(b.Dropped)+" older dropped")
	}
	return strings.Join(parts, " "+theme.GlyphDot+" ")
}

// doing is what the tail does, in a word: following only when it is.
func (s *Screen) doing() string {
	t := &s.tail
	switch {
	case t.ended != nil:
		return "ended"
	case s.inflow.paused:
		return "paused, " + cell.Count(s.inflow.lines+s.inflow.dropped) + " new"
	case !t.started:
		return "not reading"
	case t.state.Err != nil:
		return "interrupted"
	case t.whole && s.inflow.lines == 0:
		return "read whole"
	case !t.until.IsZero() || !t.heard:
		return "reading"
	case t.state.Lag > lagFrom:
		return "behind by " + cell.Age(t.state.Lag)
	case !s.pane.Follow && s.pane.Fresh > 0:
		return cell.Count(s.pane.Fresh) + " new below"
	case !s.pane.Follow:
		return "scrolled"
	}
	return "following"
}

// trouble says why the tail is not what it should be, and what to do about it; empty
// while it is.
func (s *Screen) trouble() string {
	st := &s.tail.state
	var parts []string
	if st.Lag > lagFrom {
		text := "behind by " + cell.Age(st.Lag)
		if st.Groups > 1 {
			text += fmt.Sprintf(" in %d of %d log groups", st.Behind, st.Groups)
		}
		parts = append(parts, text)
	}
	if st.Throttled {
		parts = append(parts, "throttled: CloudWatch refuses calls, so lines come later; the account's five a second are shared, fewer workers need fewer")
	}
	if st.Sampled {
		parts = append(parts, "live tail leaves lines out above 500 a second; they are read the usual way and come later")
	}
	return strings.Join(parts, ", ")
}

// retrying says when the logs are asked for again.
func (s *Screen) retrying() string {
	if wait := s.tail.state.RetryIn - s.env.Now().Sub(s.tail.stateAt); wait > 0 {
		return fmt.Sprintf("Trying again in %ds.", (wait+time.Second-1)/time.Second)
	}
	return "Trying again."
}

// kept says what the filter keeps.
func (s *Screen) keptNote() string {
	b := s.pane.Buf
	switch {
	case s.badFilter != nil:
		return "unfinished: " + cell.Cut(cell.Clean(s.badFilter.Error()), 40)
	case b.Judging():
		return "searching"
	}
	counts := fmt.Sprintf("%s of %s", cell.Count(b.Shown()), cell.Count(b.Len()))
	if b.Filter().Looks() {
		// Some rows do not show why they are here.
		counts += ", by the whole line"
	}
	return counts
}

// foundNote says what the search has found.
func (s *Screen) foundNote() string {
	b := s.pane.Buf
	n, of := s.pane.Match()
	switch {
	case s.badSearch != nil:
		return "unfinished regular expression"
	case b.Search().Empty():
		return ""
	case s.pane.Stepping():
		return "searching"
	}
	note := ""
	switch {
	case of == 0 && b.Busy():
		return "searching"
	case of == 0:
		return "no match"
	case n > 0:
		note = cell.Count(n) + " of " + cell.Count(of)
	default:
		note = matches(of)
	}
	if b.Busy() {
		note += " so far"
	}
	if s.wrapped != "" {
		note += ", " + s.wrapped
	}
	return note
}

// chosen names what keys have chosen of what is read, with the key that takes it back.
func (s *Screen) chosen() string {
	t := s.env.Theme
	var parts []string
	part := func(text, id, key string) {
		parts = append(parts, t.Dim.Render("only ")+t.Text.Render(text)+" "+t.Key.Render(s.env.Key(screen.KindLogs, id, key))+t.Dim.Render(" shows the others"))
	}
	if s.choice.jobID != "" {
		part("job "+cell.Clean(s.choice.jobID), "only-job", "O")
	}
	if s.choice.requestID != "" {
		part("request "+cell.Clean(s.choice.requestID), "only-invocation", "i")
	}
	return strings.Join(parts, t.Dim.Render(" "+theme.GlyphDot+" "))
}
