package jobview_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/tui/jobview"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// big is the screen of a job that wrote ten thousand lines.
func big(b *testing.B) *jobview.Screen {
	b.Helper()
	w := newWorld("orders").say("orders", 0, begins("r-1"), marker("r-1"), event("job.started", "r-1", 1, ""))
	for i := range 10_000 {
		w.say("orders", 3+float64(i)/1000, app("INFO", "r-1", fmt.Sprintf("line %d of a job that has a lot to say", i), ""))
	}
	w.say("orders", 14, event("job.completed", "r-1", 1, `,"output":1`), report("r-1", ""))
	env := screentest.Env(b)
	env.Data.Inventory = w.inventory()
	s := jobview.New(env, w, w, screen.OpenJob{JobID: jobID})
	b.Cleanup(s.Close)
	screentest.Settle(s, s.Init())
	return s
}

// BenchmarkView is a key and the frame after it, at 200x50 with all four panes: below
// 5 ms, however many lines there are.
func BenchmarkView(b *testing.B) {
	s := big(b)
	screentest.Press(s, "tab")
	cost := screentest.Cost(b)
	for i := 0; b.Loop(); i++ {
		screentest.Press(s, []string{"k", "j"}[i%2])
		s.Update(screen.Tick{Now: screentest.Now().Add(time.Duration(i) * time.Second)})
		_ = s.View(200, 45)
	}
	cost()
}

// BenchmarkSearch is a letter typed into the search of ten thousand lines, and the
// frame after it.
func BenchmarkSearch(b *testing.B) {
	s := big(b)
	screentest.Press(s, "/")
	cost := screentest.Cost(b)
	for i := 0; b.Loop(); i++ {
		screentest.Press(s, []string{"7", "backspace"}[i%2])
		_ = s.View(200, 45)
	}
	cost()
}

// BenchmarkTell is the life of a job of ten thousand lines told again with one line
// more, outside of Bubble Tea's goroutine.
func BenchmarkTell(b *testing.B) {
	w := newWorld("orders").say("orders", 0, begins("r-1"), marker("r-1"), event("job.started", "r-1", 1, ""))
	for i := range 10_000 {
		w.say("orders", 3+float64(i)/1000, app("INFO", "r-1", fmt.Sprintf("line %d of a job that has a lot to say", i), ""))
	}
	lines := w.lines(b, "orders", 60, event("job.progress", "r-1", 1, `,"percent":40`))
	life := findIn(b, w)
	cost := screentest.Cost(b)
	for b.Loop() {
		life.With(lines, screentest.Now())
	}
	cost()
}
