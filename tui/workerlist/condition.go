package workerlist

import (
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const separator = " " + theme.GlyphDot + " "

// verdictOf is how a worker is: as the source has judged it, else by what is seen of
// it now.
func verdictOf(data *screen.Snapshot, w *aws.Worker, now time.Time) *health.Verdict {
	if v := data.Health[w.ID]; v != nil {
		return v
	}
	v := health.Judge(health.Input{Worker: w, Now: now})
	return &v
}

// reason is why a worker is in its state, for the same line: what else is the matter,
// then what was seen. A state that says itself what was seen is not told twice.
func reason(v *health.Verdict) string {
	var b strings.Builder
	for i := range v.More {
		b.WriteString(separator)
		b.WriteString(cell.Clean(v.More[i].State))
	}
	evidence := v.Evidence
	switch v.Kind {
	case health.Idle, health.Rising, health.Failing, health.TimingOut, health.Throttled, health.Paused, health.Overdue:
		evidence = ""
	case health.Dead: // "9 dead letters, none new in 4 min"
		_, evidence, _ = strings.Cut(evidence, ", ")
	default:
	}
	if evidence != "" {
		b.WriteString(separator)
		b.WriteString(cell.Clean(evidence))
	}
	return b.String()
}

// states are a verdict's, all of them, for the filter.
func states(v *health.Verdict) string {
	text := v.State
	for i := range v.More {
		text += " " + v.More[i].State
	}
	return text
}

// story is a verdict in a sentence or two: what was seen, which key looks further,
// and what else there is.
func (s *Screen) story(v *health.Verdict) string {
	parts := []string{}
	if v.Evidence != "" {
		parts = append(parts, cell.Clean(v.Evidence)+s.hint(v.Kind))
	}
	for i := range v.More {
		parts = append(parts, "also "+cell.Clean(v.More[i].State))
	}
	return strings.Join(parts, "; ")
}

// hint names the key that looks further.
func (s *Screen) hint(k health.Kind) string {
	switch k {
	case health.Rising, health.Dead:
		return " (" + s.env.Key(screen.KindWorkers, "dead-letters", "x") + " looks at them)"
	case health.Failing, health.TimingOut, health.Overdue:
		return " (" + s.env.Key(screen.KindWorkers, "logs", "l") + " shows its logs)"
	case health.Stalled, health.Paused:
		return " (" + s.env.Key(screen.KindWorkers, "worker", "enter") + " says more)"
	default:
		return ""
	}
}
