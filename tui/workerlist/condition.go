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

// verdictOf is how a worker is: as the source has judged it, else by what is seen of
// it now.
func verdictOf(data *screen.Snapshot, w *aws.Worker, now time.Time) *health.Verdict {
	if v := data.Health[w.ID]; v != nil {
		return v
	}
	v := health.Judge(health.Input{Worker: w, Now: now})
	return &v
}

// toneOf is the colour of a reason's words, which say the same without it.
func toneOf(r *health.Reason) theme.Tone {
	switch {
	case r.Severity == aws.SeverityError:
		return theme.ToneBad
	case r.Severity == aws.SeverityWarning:
		return theme.ToneWarn
	case r.Severity == aws.SeverityInfo:
		return theme.ToneInfo
	case r.Kind == health.Healthy:
		return theme.ToneGood
	}
	return theme.ToneDim
}

// story is a verdict in a sentence or two: what was seen, which key looks further,
// and what else there is.
func story(v *health.Verdict) string {
	parts := []string{}
	if v.Evidence != "" {
		parts = append(parts, cell.Clean(v.Evidence)+hint(v.Kind))
	}
	for i := range v.More {
		parts = append(parts, "also "+cell.Clean(v.More[i].State))
	}
	return strings.Join(parts, "; ")
}

// hint names the key that looks further.
func hint(k health.Kind) string {
	switch k {
	case health.Rising, health.Dead:
		return " (x looks at them)"
	case health.Failing, health.TimingOut, health.Overdue, health.Stalled:
		return " (l shows its logs)"
	default:
		return ""
	}
}
