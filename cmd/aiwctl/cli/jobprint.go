package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/jobs"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
)

// lifeWidth is how wide a life is on a terminal; elsewhere its lines are as long as
// they are.
const lifeWidth = 80

// printLife prints a job's life: for a person a head and a time line.
func (a *App) printLife(life *jobs.Life) error {
	return a.print(life, func(t *tableWriter) {
		width := 0
		if a.OutTTY {
			width = lifeWidth
		}
		lifeTable(t, life, width)
	})
}

func lifeTable(t *tableWriter, life *jobs.Life, width int) {
	for _, line := range lifeHead(life) {
		t.line(oneLine(line, width))
	}
	t.line("")
	offsets, labels := make([]string, len(life.Events)), make([]string, len(life.Events))
	wide := [2]int{}
	for i := range life.Events {
		e := &life.Events[i]
		offsets[i], labels[i] = "+"+cell.Offset(e.At.Sub(life.Began())), oneLine(label(e), 0)
		wide[0], wide[1] = max(wide[0], ansi.StringWidth(offsets[i])), max(wide[1], ansi.StringWidth(labels[i]))
	}
	for i := range life.Events {
		t.line(oneLine(fmt.Sprintf("%*s  %-*s  %s", wide[0], offsets[i], wide[1], labels[i], life.Events[i].Text), width))
	}
	if len(life.Output) > 0 {
		t.line("")
		t.line("output:")
		t.line(plain(indentJSON(life.Output)))
	} else if life.OutputBytes > 0 {
		t.line(fmt.Sprintf("\noutput: %d bytes, not recorded", life.OutputBytes))
	}
	if life.Error != nil {
		t.line("")
		t.line(plain("error: " + errorLine(life)))
		if life.Error.Stack != "" {
			t.line(plain(life.Error.Stack))
		}
	}
	bullets(t, "sources disagree:", life.Disagreements, width)
	bullets(t, "not known:", life.Missing, width)
}

func bullets(t *tableWriter, title string, sentences []string, width int) {
	if len(sentences) == 0 {
		return
	}
	t.line("\n" + title)
	for _, s := range sentences {
		t.line(wrapped("- "+s, width))
	}
}

func errorLine(life *jobs.Life) string {
	e := life.Error
	if e.Name == "" || e.Name == "Error" || strings.HasPrefix(e.Message, e.Name) {
		return e.Message
	}
	return e.Name + ": " + e.Message
}

// lifeHead says what matters most.
func lifeHead(life *jobs.Life) []string {
	head := life.JobID
	if life.WorkerID != "" {
		head += " of " + life.WorkerID
	}
	head += ": " + string(life.State)
	if life.StateFrom != "" && life.StateFrom != "log" {
		head += " (as the " + life.StateFrom + " says)"
	}
	var facts []string
	if began := life.Began(); !began.IsZero() {
		facts = append(facts, "since "+began.Local().Format(time.DateTime))
	}
	if life.TotalMS > 0 {
		facts = append(facts, cell.Offset(time.Duration(life.TotalMS*float64(time.Millisecond)))+" in all")
	}
	deferred := 0
	for i := range life.Attempts {
		if life.Attempts[i].Outcome == logs.OutcomeDeferred {
			deferred++
		}
	}
	facts = append(facts, plural(len(life.Attempts)-deferred, "attempt"))
	if deferred > 0 {
		facts = append(facts, "put off "+plural(deferred, "time"))
	}
	if d := life.DeadLetter; d != nil {
		facts = append(facts, "dead letter in "+d.Queue)
	}
	if n := len(life.Replays); n > 0 {
		as := life.Replays[n-1].NewJobID
		if as == "" {
			as = "under its id"
		} else {
			as = "as " + as
		}
		facts = append(facts, "replayed "+as)
	}
	return []string{head, "  " + strings.Join(facts, ", ")}
}

func label(e *jobs.Event) string {
	switch e.Kind {
	case jobs.EventAttempt, jobs.EventEnded:
		if e.Attempt > 0 {
			return fmt.Sprintf("attempt %d", e.Attempt)
		}
		return "attempt"
	}
	return e.Kind
}

// wrapped breaks a sentence into lines of a width; zero: it stays one.
func wrapped(s string, width int) string {
	s = oneLine(s, 0)
	if width == 0 {
		return s
	}
	return strings.ReplaceAll(ansi.Wordwrap(s, width-2, ""), "\n", "\n  ")
}
