package deadletters

import (
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

const (
	// firstLook is how many messages the first look asks for; every further one
	// that asks for more wants ten times as many, up to what SQS lets one hold.
	firstLook = 1000
	mostLook  = 120_000
	// every is how often what was seen reaches the screen.
	every = 100 * time.Millisecond
)

// seen are messages of a look under way.
type seen []*item

// looked is the end of a look.
type looked struct {
	depth    aws.Depth
	complete bool
	warnings []string
}

// look receives what is in the queue, and lets go of it at once: what is shown is
// what it held a moment ago. Without the worker, which is the case before the stage
// was first read, it does nothing: DataChanged tries again.
func (s *Screen) look() tea.Cmd {
	w, ok := s.env.Worker(s.workerID)
	if !ok {
		return nil
	}
	limit, engine, checker := s.limit, s.engine, s.checkerFor(w)
	s.askedAt = s.env.Now()
	s.requests.Cancel(forCauses)
	s.fresh, s.freshShelf = nil, &shelf{most: s.bodies}
	kept := s.freshShelf
	return s.requests.Stream(forLook, func(ctx context.Context, emit func(any) error) error {
		var batch seen
		last := time.Time{}
		l, err := engine.Look(ctx, w, limit, func(letters []letter.Letter) (bool, error) {
			for i := range letters {
				it, err := kept.put(letters[i], checker)
				if err != nil {
					return false, err
				}
				batch = append(batch, it)
			}
			if time.Since(last) < every {
				return true, nil
			}
			last = time.Now()
			err := emit(batch)
			batch = nil
			return true, err
		})
		end := looked{}
		if l != nil {
			if err == nil {
				if rel := l.Release(ctx); rel != nil {
					l.Warnings = append(l.Warnings, rel.Error())
				}
			}
			end = looked{depth: l.Depth, complete: l.Complete, warnings: l.Warnings}
		}
		if err != nil && len(batch) == 0 && l != nil && l.Seen == 0 {
			return err
		}
		if emitErr := emit(batch); emitErr != nil {
			return emitErr
		}
		if emitErr := emit(end); emitErr != nil {
			return emitErr
		}
		return err
	})
}

// tookLook takes what a look has to say.
func (s *Screen) tookLook(reply screen.Reply) tea.Cmd {
	switch payload := reply.Payload.(type) {
	case seen:
		s.fresh = append(s.fresh, payload...)
		if s.items == nil || s.progressive {
			// Nothing older is there to be looked at meanwhile.
			s.progressive = true
			s.items, s.shelf = s.fresh, s.freshShelf
			s.lookedAt = s.env.Now()
			s.join()
			return s.settle()
		}
		return nil
	case looked:
		return s.swap(payload)
	}
	if reply.More {
		return nil
	}
	s.progressive = false
	s.err = reply.Err
	var cmds []tea.Cmd
	if reply.Err != nil {
		cmds = append(cmds, screen.Send(screen.Task{ID: s.task("look"), Text: "look at the dead letters of " + s.workerID, Done: true, Err: reply.Err}))
	}
	if len(s.items) > 0 && reply.Err == nil {
		cmds = append(cmds, s.findCauses())
	}
	return tea.Batch(append(cmds, s.settle(), s.show())...)
}

// swap puts a look that is over in the place of the one before.
func (s *Screen) swap(end looked) tea.Cmd {
	var tidy tea.Cmd
	if old := s.shelf; old != nil && old != s.freshShelf {
		tidy = func() tea.Msg {
			old.close()
			return nil
		}
	}
	s.items, s.shelf, s.fresh = s.fresh, s.freshShelf, nil
	if s.items == nil {
		s.items = []*item{}
	}
	slices.SortFunc(s.items, newestFirst)
	s.depth, s.seenAll, s.warnings = end.depth, end.complete, end.warnings
	s.now = s.env.Now()
	s.lookedAt, s.whole = s.now, true
	s.byID = make(map[string]*item, len(s.items))
	for _, it := range s.items {
		s.byID[it.id] = it
	}
	for id := range s.marks {
		if s.byID[id] == nil {
			delete(s.marks, id)
		}
	}
	s.join()
	cmd := s.settle()
	s.seek()
	return tea.Batch(tidy, cmd)
}

// seek puts the cursor on the message the screen was asked for.
func (s *Screen) seek() {
	if s.sought.JobID == "" && s.sought.MessageID == "" {
		return
	}
	for _, it := range s.items {
		if it.id == s.sought.MessageID || s.sought.JobID != "" && it.jobID == s.sought.JobID {
			s.sought = screen.OpenDead{}
			s.flat, s.level, s.group = true, inLetters, ""
			s.arrange()
			s.letters.Select(it.id)
			return
		}
	}
	s.note = "the message that was asked for was not seen: it may have been replayed, be in flight, or be among those that " + s.keyName("look-more", "m") + " looks for"
	s.sought = screen.OpenDead{}
}
