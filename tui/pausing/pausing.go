// Package pausing stops the delivery of jobs to a worker and starts it again, for every
// screen that shows one: the action, the question, the request, and what AWS says of the
// event source mapping until it is where it should be.
package pausing

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Stage changes mappings; *aws.Stage is one.
type Stage interface {
	Pause(ctx context.Context, r aws.PauseRequest) (aws.PauseResult, error)
}

const (
	// timeout bounds the whole change: AWS takes some seconds to half a minute, and
	// updates wait up to a minute for a mapping that is changing already.
	timeout = 5 * time.Minute
	// purpose begins the purposes of the requests; the worker's id follows.
	purpose = "pause "
	// stays is for how long a result is shown while discovery has not seen it yet.
	stays = 90 * time.Second
)

// Pauser is one screen's. It must be used on Bubble Tea's goroutine.
type Pauser struct {
	env      screen.Env
	stage    Stage
	requests *screen.Requests
	changes  map[string]*change // under way, by worker
}

// change is one that is under way.
type change struct {
	resume   bool
	accepted bool      // AWS has it, and goes on with it whoever looks
	state    string    // the mapping's, as last told
	endedAt  time.Time // zero while it is under way
}

// New returns a Pauser. The requests are the screen's own.
func New(env screen.Env, stage Stage, requests *screen.Requests) *Pauser {
	return &Pauser{env: env, stage: stage, requests: requests, changes: map[string]*change{}}
}

// Action is what P does to a worker: pause it, or resume it when it is paused. None, when
// not empty, is why there is no worker.
func (p *Pauser) Action(w *aws.Worker, none string) screen.Action {
	a := screen.Action{
		ID: "pause-worker", Keys: []string{"P"}, Label: "pause worker", Writes: true, Refused: none,
		Help: "Stop the delivery of jobs to the worker, by disabling its event source mapping; or start it again.",
	}
	if w == nil {
		return a
	}
	p.settle(w)
	resume := paused(w)
	if c := p.changes[w.ID]; c != nil && !c.endedAt.IsZero() {
		resume = !c.resume // the reading does not have it yet
	}
	verb := "pause"
	if resume {
		verb, a.Label = "resume", "resume worker"
	}
	if a.Refused == "" && w.Mapping == nil {
		a.Refused = "no event source mapping of " + cell.Clean(w.ID) + " is known, so that there is nothing to " + verb
	}
	if c := p.changes[w.ID]; a.Refused == "" && c != nil && c.endedAt.IsZero() {
		a.Refused = cell.Clean(w.ID) + " is being " + c.done() + " already"
	}
	worker := *w
	a.Command = func() string { return screen.Command("workers", verb, worker.ID) }
	a.Run = func() tea.Cmd { return p.ask(worker, resume) }
	return a
}

// settle forgets a change that has ended, once the reading of the stage has it.
func (p *Pauser) settle(w *aws.Worker) {
	c := p.changes[w.ID]
	if c == nil || c.endedAt.IsZero() {
		return
	}
	if w.Mapping != nil && strings.EqualFold(w.Mapping.State, c.state) || p.env.Now().Sub(c.endedAt) > stays {
		delete(p.changes, w.ID)
	}
}

// paused is whether nothing is delivered, or soon will not be.
func paused(w *aws.Worker) bool {
	if w.Mapping == nil {
		return false
	}
	state := strings.ToLower(w.Mapping.State)
	return state == "disabled" || state == "disabling"
}

// Busy names what AWS has not taken over yet; empty when nothing.
func (p *Pauser) Busy() string {
	for id, c := range p.changes {
		if !c.accepted {
			return c.verb() + " " + cell.Clean(id)
		}
	}
	return ""
}

// State is the state of a worker's mapping while it is being changed here, and until the
// reading of the stage has it; otherwise empty.
func (p *Pauser) State(w *aws.Worker) string {
	p.settle(w)
	if c := p.changes[w.ID]; c != nil {
		return c.state
	}
	return ""
}

func (c *change) verb() string {
	if c.resume {
		return "resume"
	}
	return "pause"
}

func (c *change) done() string { return strings.TrimSuffix(c.verb(), "e") + "ed" }

// ask asks a person.
func (p *Pauser) ask(w aws.Worker, resume bool) tea.Cmd {
	c := &change{resume: resume}
	id := cell.Clean(w.ID)
	s := p.env.Stage
	stage := cell.Clean(s.Name + " in " + s.Region)
	if s.Endpoint != "" {
		stage += " at " + cell.Clean(s.Endpoint)
	}
	if s.Account != "" {
		stage += ", account " + cell.Clean(s.Account)
	}
	state := "unknown"
	if w.Mapping != nil {
		state = strings.ToLower(cell.Clean(w.Mapping.State))
	}
	lines := []string{"stage    " + stage, "worker   " + id + ", its mapping is " + state}
	if w.Queue != nil {
		waits := "its depth is not known"
		if d := w.Queue.Depth; !d.At.IsZero() {
			waits = fmt.Sprintf("%s waiting, %s in flight", cell.Count(d.Visible+d.Delayed), cell.Count(d.InFlight))
		}
		lines = append(lines, "queue    "+cell.Clean(w.Queue.Name)+": "+waits)
	}
	for _, other := range p.sharers(&w) {
		lines = append(lines, "also     "+other+" reads the same queue, and is "+c.done()+" with it")
	}
	title, verb := "Pause "+id+"?", "Pause"
	if resume {
		title, verb = "Resume "+id+"?", "Resume"
		lines = append(lines, "", "What waits is delivered at once, as fast as the function takes it.")
	} else {
		lines = append(lines, "", "Jobs under way go on. New ones wait in the queue, for as long as its retention lets them.")
	}
	return screen.Send(screen.Confirm{
		Title: title, Lines: lines, Verb: verb, Command: screen.Command("workers", c.verb(), w.ID),
		Write: func(stage string) tea.Cmd { return p.start(w, resume, stage) },
	})
}

// sharers are the other workers that read the same queue.
func (p *Pauser) sharers(w *aws.Worker) []string {
	var out []string
	if w.Queue == nil || p.env.Data.Inventory == nil {
		return nil
	}
	for i := range p.env.Data.Inventory.Workers {
		o := &p.env.Data.Inventory.Workers[i]
		if o.ID != w.ID && o.Queue != nil && o.Queue.ARN != "" && o.Queue.ARN == w.Queue.ARN {
			out = append(out, cell.Clean(o.ID))
		}
	}
	return out
}

// start makes the change and follows the mapping until AWS has done it.
func (p *Pauser) start(w aws.Worker, resume bool, stage string) tea.Cmd {
	if c := p.changes[w.ID]; c != nil && c.endedAt.IsZero() {
		return nil
	}
	p.changes[w.ID] = &change{resume: resume}
	api := p.stage
	return p.requests.Stream(purpose+w.ID, func(ctx context.Context, emit func(any) error) error {
		ctx, cancel := context.WithTimeout(screen.Confirmed(ctx, stage), timeout)
		defer cancel()
		last := ""
		res, err := api.Pause(ctx, aws.PauseRequest{
			Worker: w, Resume: resume, Wait: true,
			OnState: func(state string) {
				if state != last { // the same again is no news
					last = state
					_ = emit(state) // when nobody is left to read it, ctx has ended, too
				}
			},
		})
		if err != nil {
			return err
		}
		return emit(res)
	})
}

// Update takes a reply that the screen's requests have taken; it is false when the reply
// is not about a pause.
func (p *Pauser) Update(reply screen.Reply) (cmd tea.Cmd, ours bool) {
	id, ours := strings.CutPrefix(reply.Purpose, purpose)
	if !ours {
		return nil, false
	}
	c := p.changes[id]
	if c == nil {
		return nil, true
	}
	name := cell.Clean(id)
	task := screen.Task{ID: fmt.Sprintf("pause-%d-%s", p.env.ID, id), Done: true}
	switch state := reply.Payload.(type) {
	case string:
		c.state = cell.Clean(state)
		if c.accepted {
			return nil, true
		}
		c.accepted = true
		task.Text = fmt.Sprintf("%s %s: AWS has accepted it, the mapping is %s", c.verb(), name, strings.ToLower(c.state))
		return tea.Batch(screen.Send(task), screen.Send(screen.Refresh{Discover: true})), true
	case aws.PauseResult:
		c.accepted = true
		c.state = cell.Clean(state.States())
		task.Text = fmt.Sprintf("%s is %s: its mapping is %s", name, c.done(), strings.ToLower(c.state))
		if !state.Changed {
			task.Text = fmt.Sprintf("%s was %s already: its mapping is %s", name, c.done(), strings.ToLower(c.state))
		}
		return tea.Batch(screen.Send(task), screen.Send(screen.Refresh{Discover: true})), true
	}
	if reply.More {
		return nil, true
	}
	c.endedAt = p.env.Now()
	if reply.Err != nil {
		delete(p.changes, id)
		task.Text, task.Err = c.verb()+" "+name, reply.Err
		return tea.Batch(screen.Send(task), screen.Send(screen.Refresh{Discover: true})), true
	}
	return nil, true
}
