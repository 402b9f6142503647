package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/redrive"
)

// progressEvery is the shortest time between two pictures of a progress line.
const progressEvery = 100 * time.Millisecond

// progress is a line on a terminal's standard error that is drawn over and over:
// how many, how fast, how long still. Elsewhere it is silent.
type progress struct {
	out io.Writer // nil: nobody looks
	now func() time.Time

	mu       sync.Mutex
	began    time.Time
	drawn    time.Time
	width    int // of what stands on the line
	verb     string
	total    int
	n, bad   int
	doing    string
	finished bool
}

func (a *App) newProgress() *progress {
	p := &progress{now: a.Now, began: a.Now()}
	if a.ErrTTY {
		p.out = a.Err
	}
	return p
}

// of says what is counted.
func (p *progress) of(verb string, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.verb, p.total, p.began = verb, total, p.now()
}

// result counts one.
func (p *progress) result(r redrive.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.Status {
	case redrive.StatusReplayed, redrive.StatusDeleted, redrive.StatusImported:
	case redrive.StatusCameBack:
		p.n-- // counted when it was sent
	default:
		p.bad++
	}
	p.n++
	p.draw()
}

// moved says how many were moved by something that tells no results.
func (p *progress) moved(n, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n, p.total = n, total
	p.draw()
}

// state says what is being waited for; empty: nothing.
func (p *progress) state(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing = text
	p.draw()
}

// above prints lines that stay, in the place of the line, which is drawn again below them.
func (p *progress) above(lines func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	lines()
	p.drawn = time.Time{}
	p.draw()
}

// done takes the line away.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finished = true
	p.clear()
}

// clear is called with mu held.
func (p *progress) clear() {
	if p.out != nil && p.width > 0 {
		fmt.Fprint(p.out, "\r"+strings.Repeat(" ", p.width)+"\r")
		p.width = 0
	}
}

// draw is called with mu held.
func (p *progress) draw() {
	now := p.now()
	if p.out == nil || p.finished || now.Sub(p.drawn) < progressEvery {
		return
	}
	p.drawn = now
	text := ansi.Truncate(plain(p.text(now)), 79, "…")
	pad := max(p.width-ansi.StringWidth(text), 0)
	p.width = ansi.StringWidth(text)
	fmt.Fprint(p.out, "\r"+text+strings.Repeat(" ", pad))
}

func (p *progress) text(now time.Time) string {
	if p.verb == "" {
		return p.doing
	}
	text := fmt.Sprintf("%s %d of %d", p.verb, p.n, max(p.total, p.n))
	if p.bad > 0 {
		text += fmt.Sprintf(", %d not", p.bad)
	}
	if d := now.Sub(p.began); d > time.Second && p.n > 0 {
		rate := float64(p.n) / d.Seconds()
		text += fmt.Sprintf("  %.0f/s", rate)
		if left := p.total - p.n; left > 0 {
			text += "  " + span(time.Duration(float64(left)/rate*float64(time.Second))) + " left"
		}
	}
	if p.doing != "" {
		text += "  " + p.doing
	}
	return text
}
