package workerlist

import (
	"errors"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/health"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/notice"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
	"github.com/microfox-ai/aiwctl/tui/tones"
)

// detailHeight is the blank line and the lines about the worker under the cursor:
// two for what is the matter, one for what it consists of.
const detailHeight = 4

// above are the lines over the table: what failed, and the filter.
func (s *Screen) above(width int) []string {
	var lines []string
	t, data := s.env.Theme, s.env.Data
	if data.Err != nil {
		most := 1
		if s.detailed() {
			most = 3
		}
		lines = append(lines, notice.Lines(t, data.Err, width, most)...)
	} else if n := len(data.Inventory.Warnings); n > 0 {
		text := cell.Clean(lacking(data.Inventory.Warnings[0]))
		if n > 1 {
			text += fmt.Sprintf(" (and %d more)", n-1)
		}
		lines = append(lines, s.alert("! incomplete: "+text, width))
	} else if text := finding(data.Inventory); text != "" {
		lines = append(lines, s.alert("! "+text, width))
	}
	if data.Err == nil && data.MetricsErr != nil {
		why := data.MetricsErr.Error()
		if _, hint := aws.Classify(data.MetricsErr); hint != "" {
			why = missing(hint)
		}
		lines = append(lines, s.alert("! CloudWatch: "+cell.Clean(why)+"; without it no failures, throttles and ages are known", width))
	}
	if s.filter.Shown() {
		note := fmt.Sprintf("%d of %d", len(s.table.Rows()), s.table.Total())
		lines = append(lines, s.filter.View(note, width))
	}
	return lines
}

// alert is a line about the stage, and the key that tells all of it.
func (s *Screen) alert(text string, width int) string {
	t := s.env.Theme
	key := s.env.Key(screen.KindWorkers, "findings", "f")
	return cell.Ends(" "+t.Warn.Render(text), t.Key.Render(key)+" "+t.Dim.Render("all")+" ", width)
}

// lacking says what could not be read: what to do about it where that is known,
// since one line has no room for both.
func lacking(err error) string {
	source, ok := errors.AsType[*aws.SourceError](err)
	if _, hint := aws.Classify(err); ok && hint != "" {
		return source.Source + ": " + missing(hint)
	}
	return err.Error()
}

// missing is a hint without the words before the permission: a narrow screen has no room
// for both, and the permission is what is asked for.
func missing(hint string) string { return strings.TrimPrefix(hint, "access denied: ") }

// finding is what is most wrong with the stage and with no one worker of it; empty
// when nothing is.
func finding(inv *aws.Inventory) string {
	text, n := "", 0
	for _, f := range inv.Findings {
		if f.Severity == aws.SeverityInfo.String() {
			continue
		}
		if n++; n == 1 {
			text = cell.Clean(f.Text)
		}
	}
	if n > 1 {
		return fmt.Sprintf("%d findings: %s", n, text) // the count would be cut off at the end
	}
	return text
}

func (s *Screen) resize() {
	if s.env.Data.Inventory == nil {
		return
	}
	height := s.height - len(s.above(s.width))
	if s.detailed() {
		height -= detailHeight
	}
	s.table.SetSize(s.width, height)
}

func (s *Screen) detailed() bool { return s.height >= 12 }

// View implements screen.Screen.
func (s *Screen) View(width, height int) string {
	t, data := s.env.Theme, s.env.Data
	if width != s.width || height != s.height {
		s.width, s.height = width, height
	}
	switch {
	case data.Inventory == nil && data.Err != nil:
		everywhere := func(id, standard string) string { return s.env.Key(screen.KindEverywhere, id, standard) }
		now := s.env.Key(screen.KindWorkers, "refresh", "r") + " tries now, "
		advice := "Trying again by itself. " + now
		if data.Paused {
			advice = "The refresh is paused: " + s.env.Key(screen.KindWorkers, "pause-refresh", "p") + " goes on, " + now
		}
		advice += everywhere("stages", "T") + " goes to another stage, " + everywhere("errors", "!") + " lists the errors, " +
			everywhere("quit", "q") + " quits. `aiwctl doctor` finds out why."
		return notice.Failed(t, "The stage could not be read", data.Err, advice, width, height)
	case data.Inventory == nil:
		return notice.Waiting(t, "Looking for the workers of "+cell.Clean(s.env.Stage.Name),
			"Asking the workers API, Lambda and SQS.", s.env.Now().Sub(s.opened), width, height)
	case s.findings != nil:
		return s.findings.view(width, height)
	case len(data.Inventory.Workers) == 0 && data.Err == nil:
		return s.empty(width, height)
	}
	// What stands above the table may have changed since the last message.
	s.resize()
	lines := s.above(width)
	if len(s.table.Rows()) == 0 {
		rest := height - len(lines)
		lines = append(lines, notice.Empty(t, "No worker matches the filter.", []string{"esc clears it."}, width, rest))
		return strings.Join(lines, "\n")
	}
	lines = append(lines, s.table.View())
	shown := s.env.Data.Shown[:0]
	for _, r := range s.table.Visible() {
		shown = append(shown, r.worker.ID)
	}
	s.env.Data.Shown = shown
	if s.detailed() {
		lines = append(lines, s.detail(width))
	}
	return strings.Join(lines, "\n")
}

func (s *Screen) empty(width, height int) string {
	inv := s.env.Data.Inventory
	advice := []string{}
	if len(inv.Sources) > 0 {
		advice = append(advice, "Looked at: "+cell.Clean(strings.Join(inv.Sources, ", "))+".")
	}
	for _, w := range inv.Warnings {
		advice = append(advice, "Could not look at: "+cell.Clean(w.Error()))
	}
	advice = append(advice, "",
		"aiwctl dev ./workers   runs Go workers on this machine",
		"aiwctl push            deploys them to this stage",
		"--stage, --region, --profile, --service   choose another stage",
		"", "r looks again.")
	return notice.Empty(s.env.Theme, "No workers in stage "+cell.Clean(s.env.Stage.Name)+".", advice, width, height)
}

// detail says more of the worker under the cursor: what is the matter with it,
// and which queue and function are its own.
func (s *Screen) detail(width int) string {
	t := s.env.Theme
	r, ok := s.table.Selected()
	if !ok {
		return cell.Box(nil, width, detailHeight)
	}
	tone := tones.OfReason(&r.verdict.Reason)
	text := s.story(r.verdict)
	if text == "" || r.verdict.Kind == health.Idle {
		text, tone = "nothing to do", theme.ToneDim
	}
	indent := cell.Width(r.id) + 3
	if indent > width/2 {
		indent = 3
		text = r.id + "  " + text
	}
	lines := []string{""}
	for i, part := range cell.Wrap(text, width-indent-1) {
		head := strings.Repeat(" ", indent)
		if i == 0 && indent > 3 {
			head = " " + t.Bold.Render(r.id) + "  "
		}
		if i < 2 {
			lines = append(lines, head+t.Paint(tone, false).Render(part))
		}
	}
	lines = append(lines, " "+t.Faint.Render(strings.Join(facts(r.worker), " "+theme.GlyphDot+" ")))
	return cell.Box(lines, width, detailHeight)
}

func facts(w *aws.Worker) []string {
	var facts []string
	if q := w.Queue; q != nil {
		facts = append(facts, "queue "+cell.Clean(q.Name))
		if q.MaxReceiveCount > 0 {
			facts = append(facts, fmt.Sprintf("dead after %s", cell.Plural(q.MaxReceiveCount, "receive")))
		}
	}
	if f := w.Function; f != nil {
		text := "function " + cell.Clean(f.Name)
		if f.Timeout > 0 {
			text += " " + f.Timeout.String()
		}
		if f.MemoryMB > 0 {
			text += fmt.Sprintf(" %d MB", f.MemoryMB)
		}
		facts = append(facts, text)
	}
	if m := w.Mapping; m != nil && m.BatchSize > 0 {
		text := fmt.Sprintf("batch %d", m.BatchSize)
		if m.MaximumConcurrency > 0 {
			text += fmt.Sprintf(", at most %d at once", m.MaximumConcurrency)
		}
		facts = append(facts, text)
	}
	return facts
}
