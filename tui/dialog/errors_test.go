package dialog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

func failures() []dialog.Failure {
	now := screentest.Now()
	return []dialog.Failure{
		{At: now, Last: now, Stage: "qa · eu-central-1", What: "replay 3 messages of orders", Count: 1, Text: "access denied: sqs:SendMessage is missing from role ops-read"},
		{
			At: now, Last: now.Add(time.Minute), Over: now.Add(2 * time.Minute), Stage: "checkout · ops · eu-west-1", What: "read the stage", Count: 12, Lasting: true,
			Text: "list queues in eu-west-1: no answer in time", Hint: "check the network, and whether a proxy is needed",
		},
		{At: now, Last: now.Add(time.Hour), Stage: "qa · eu-central-1", What: "read the stage", Count: 1200, Lasting: true, Text: "throttled: Rate exceeded", Hint: "refresh less often"},
	}
}

func TestErrorsGolden(t *testing.T) {
	t.Parallel()
	for name, all := range map[string]func() []dialog.Failure{
		"errors":      failures,
		"errors-none": func() []dialog.Failure { return nil },
		"errors-many": func() (all []dialog.Failure) {
			for i := range 30 {
				f := failures()[i%3]
				f.What = fmt.Sprintf("%s, the %d.", f.What, i)
				all = append(all, f)
			}
			return all
		},
	} {
		for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 40}, {200, 50}} {
			th := theme.New(true, false)
			view := dialog.NewErrors(all, []string{"!"}).View(th, size[0], size[1])
			screentest.Golden(t, fmt.Sprintf("%s-%d", name, size[0]), cell.Center(cell.Box(nil, size[0], size[1]), view, size[0], size[1]), size[0], size[1])
		}
	}
}

// The list is that of now: what ends while somebody reads is told.
func TestErrorsAreThoseOfNow(t *testing.T) {
	t.Parallel()
	all := failures()
	d := dialog.NewErrors(func() []dialog.Failure { return all }, []string{"!"})
	view := func() string { return ansi.Strip(d.View(theme.New(true, false), 120, 40)) }
	if got := view(); strings.Count(got, "still so") != 1 {
		t.Errorf("at first:\n%s", got)
	}
	all[2].Over = screentest.Now()
	if got := view(); strings.Contains(got, "still so") || strings.Count(got, "over since") != 2 {
		t.Errorf("when it is over:\n%s", got)
	}
	cmd, closed := d.Key(screentest.Key("y"))
	if closed || cmd == nil {
		t.Fatal("y does not copy")
	}
	if msg := cmd(); msg != (screen.Copy{What: "the last error", Text: "read the stage: throttled: Rate exceeded"}) {
		t.Errorf("y copies %+v", msg)
	}
}
