package cli

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/deploy"
)

// pushEvents prints what happens during a deployment on standard error: one line for each event,
// with how long it has taken so far. On a terminal a line below them shows how far uploads are.
type pushEvents struct {
	app   *App
	p     *progress
	began time.Time

	mu sync.Mutex
	// said is what the last line was: an event that is told twice is printed once.
	said string
	// uploaded are the objects whose end was told.
	uploaded map[string]bool
	// settled are the stacks that were brought to their templates.
	settled int
}

func (a *App) newPushEvents() *pushEvents {
	return &pushEvents{app: a, p: a.newProgress(), began: a.Now(), uploaded: map[string]bool{}}
}

// step says what is being done.
func (e *pushEvents) step(text string) { e.event(deploy.Event{Kind: deploy.EventStep, Text: text}) }

// event prints an event.
func (e *pushEvents) event(ev deploy.Event) {
	switch ev.Kind {
	case deploy.EventUpload:
		name := cmp.Or(ev.Worker, "the workers API") // its key, a hash, tells a person nothing
		if ev.Bytes < ev.Total {
			e.p.state(fmt.Sprintf("uploading %s: %d%% of %s", name, 100*ev.Bytes/max(ev.Total, 1), bytesText(ev.Total)))
			return
		}
		e.p.state("")
		e.mu.Lock()
		told := e.uploaded[ev.Resource]
		e.uploaded[ev.Resource] = true
		e.mu.Unlock()
		if told { // the end of an upload is its last bytes and its answer
			return
		}
		e.line("uploaded " + name + ", " + bytesText(ev.Total))
	case deploy.EventStep:
		e.line(ev.Text)
	case deploy.EventWarning:
		e.line("warning: " + ev.Text)
	case deploy.EventStack:
		e.stack(ev)
	default:
		e.line(ev.Text)
	}
}

// stack prints an event of CloudFormation's.
func (e *pushEvents) stack(ev deploy.Event) {
	if ev.Type == stackType && (ev.Status == "CREATE_COMPLETE" || ev.Status == "UPDATE_COMPLETE" || ev.Status == "DELETE_COMPLETE") {
		e.mu.Lock()
		e.settled++
		e.mu.Unlock()
	}
	of := "stack " + ev.Stack
	if ev.Worker != "" {
		of = "worker " + ev.Worker
	}
	reason := ev.Reason
	if reason == begunTwice {
		return
	}
	text := fmt.Sprintf("%-28s %s", ev.Status, of)
	if ev.Type != stackType {
		text += fmt.Sprintf("  %s (%s)", ev.Resource, strings.TrimPrefix(ev.Type, "AWS::"))
	}
	if reason != "" && reason != begunByUser {
		text += "  " + reason
	}
	e.line(text)
}

const (
	stackType = "AWS::CloudFormation::Stack"
	// begunTwice is CloudFormation's reason for telling a second time that a resource is begun,
	// begunByUser that of each operation.
	begunTwice  = "Resource creation Initiated"
	begunByUser = "User Initiated"
)

// line prints a line once.
func (e *pushEvents) line(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if text == "" || text == e.said {
		return
	}
	e.said = text
	e.p.above(func() {
		fmt.Fprintf(e.app.Err, "%6s  %s\n", e.app.Now().Sub(e.began).Round(time.Second), oneLine(text, 0))
	})
}

// some is whether a stack was brought to its template.
func (e *pushEvents) some() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.settled > 0
}

// done takes away what was drawn.
func (e *pushEvents) done() { e.p.done() }

// bytesText is a size for people.
func bytesText(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.0f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
