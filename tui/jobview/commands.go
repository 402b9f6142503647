package jobview

import (
	"strconv"
	"time"

	"github.com/microfox-ai/aiwctl/tui/screen"
)

// inputMost is how long an input may be to stand in a command line.
const inputMost = 4 << 10

// command is the command that tells the same as this screen.
func (s *Screen) command() string { return s.commandSince(s.search.since) }

func (s *Screen) commandSince(since time.Time) string {
	args := []string{"job", s.ask.JobID}
	if s.search.named {
		args = append(args, "--worker", s.ask.WorkerID)
	}
	switch {
	case since.IsZero():
		args = append(args, "--since", "1970-01-01")
	case since.Before(s.opened.Add(-backs[0].ago)):
		args = append(args, "--since", since.UTC().Format(time.RFC3339))
	}
	return screen.Command(args...)
}

func (s *Screen) backCommand() func() string {
	since, _, ok := s.furtherBack()
	if !ok {
		return nil
	}
	return func() string { return s.commandSince(since) }
}

func (s *Screen) retryCommand() func() string {
	if s.life == nil || len(s.life.Input) == 0 || s.workerID() == "" {
		return nil
	}
	return func() string {
		if len(s.life.Input) > inputMost {
			return screen.Command("dispatch", s.workerID(), "-f", "INPUT.json")
		}
		return screen.Command("dispatch", s.workerID(), string(s.life.Input))
	}
}

func (s *Screen) deadCommand() func() string {
	if s.life == nil || s.life.DeadLetter == nil {
		return nil
	}
	return func() string {
		return screen.Command("dlq", "peek", s.workerID(), "--where", "jobId == "+strconv.Quote(s.life.JobID))
	}
}

func (s *Screen) logsCommand(request string) func() string {
	if s.workerID() == "" {
		return nil
	}
	return func() string {
		args := []string{"logs", s.workerID()}
		if request != "" {
			args = append(args, "--request", request)
		}
		if at := s.around(); !at.IsZero() {
			args = append(args, "--since", at.UTC().Format(time.RFC3339))
		}
		return screen.Command(args...)
	}
}

func (s *Screen) workerCommand() func() string {
	if s.workerID() == "" {
		return nil
	}
	return func() string { return screen.Command("workers", "describe", s.workerID()) }
}
