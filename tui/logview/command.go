package logview

import (
	"regexp"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/tui/logview/pane"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// command is the command line that shows what is shown, with more flags behind.
func (s *Screen) command(more ...string) string {
	t := &s.tail
	args := []string{"logs"}
	for _, id := range t.ids {
		if !s.choice.hidden[id] {
			args = append(args, id)
		}
	}
	args = append(args, "--since", t.since.Format(time.RFC3339))
	if !t.until.IsZero() {
		args = append(args, "--until", t.until.Format(time.RFC3339))
	}
	flag := func(name, value string) {
		if value != "" {
			args = append(args, name, value)
		}
	}
	flag("--job", first(t.jobID, s.choice.jobID))
	flag("--request", first(t.requestID, s.choice.requestID))
	flag("--level", s.choice.level.String())
	args = append(args, filterFlags(s.pane.Buf.Filter().Typed())...)
	return screen.Command(append(args, more...)...)
}

// filterFlags are the flags of a typed filter, as far as the command has them: one
// expression, and conditions that are not inverted.
func filterFlags(typed string) []string {
	var args []string
	grep := false
	for part := range strings.SplitSeq(typed, pane.And) {
		if field, ok := strings.CutPrefix(part, "@"); ok && field != "" {
			args = append(args, "--field", field)
			continue
		}
		rest, inverted := strings.CutPrefix(part, "!")
		pattern, isRegexp := strings.CutPrefix(rest, "~")
		if !isRegexp {
			pattern = regexp.QuoteMeta(rest)
		}
		if pattern == "" || grep || strings.HasPrefix(rest, "@") {
			continue
		}
		grep = true
		args = append(args, "--grep", "(?i)"+pattern)
		if inverted {
			args = append(args, "--invert")
		}
	}
	return args
}

func (s *Screen) jobCommand(of subject) func() string {
	if of.jobID == "" {
		return nil
	}
	return func() string { return screen.Command("job", of.jobID) }
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
