package compose

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

const planTimeout = 10 * time.Second

// replan asks where a job would go with these options. The input plays no part in it.
func (s *Screen) replan() tea.Cmd {
	r := aws.DispatchRequest{Worker: s.worker, Input: json.RawMessage("{}"), Force: true}
	if !s.known || s.opts.Fill(&r) != nil {
		return nil // the options say what is wrong
	}
	source := s.source
	return s.requests.Start(forPlan, planTimeout, func(ctx context.Context) (any, error) {
		return source.PlanDispatch(ctx, r)
	})
}

func (s *Screen) planned(reply screen.Reply) {
	s.planErr = reply.Err
	if plan, ok := reply.Payload.(aws.DispatchResult); ok && reply.Err == nil {
		s.plan = &plan
	}
}

// dryRun copies what `aiwctl dispatch --dry-run` would print.
func (s *Screen) dryRun() tea.Cmd {
	r, err := s.request(false)
	if err != nil {
		s.note = err.Error()
		return nil
	}
	source := s.source
	return s.requests.Start(forDryRun, planTimeout, func(ctx context.Context) (any, error) {
		plan, err := source.PlanDispatch(ctx, r)
		return plan.PlanText(), err
	})
}

func (s *Screen) dryRan(reply screen.Reply) tea.Cmd {
	text, _ := reply.Payload.(string)
	if reply.Err != nil {
		s.note = "nothing would be sent: " + cell.Clean(reply.Err.Error())
		return nil
	}
	return screen.Send(screen.Copy{What: "what would be sent", Text: logs.Sanitize(text, true)})
}

// command is the command line that sends the same.
func (s *Screen) command(force bool) string {
	input := s.editor.Text()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(input)); err == nil {
		input = b.String()
	}
	args := append([]string{"dispatch", s.workerID, input}, s.opts.Flags()...)
	if force {
		args = append(args, "--force")
	}
	return screen.Command(args...)
}

func (s *Screen) copyCommand() tea.Cmd {
	problems, _ := s.counts()
	return screen.Send(screen.Copy{What: "the command", Text: s.command(problems > 0)})
}

// most is how long the whole message may be, whoever puts it into the queue.
func (s *Screen) most() int {
	if q := s.worker.Queue; q != nil && q.MaxMessageBytes > 0 {
		return min(q.MaxMessageBytes, dispatch.MaxMessageBytes)
	}
	return dispatch.MaxMessageBytes
}

func (s *Screen) queueName() string {
	if s.known && s.worker.Queue != nil {
		return cell.Clean(s.worker.Queue.Name)
	}
	return cell.Clean(s.workerID)
}

// to is where a job would go, in words.
func (s *Screen) to() string {
	switch {
	case s.plan == nil:
		return s.queueName()
	case s.plan.Via == aws.ViaTrigger:
		return s.queueName() + " by " + cell.Clean(s.plan.To)
	case s.plan.To != "":
		return cell.Clean(s.plan.To)
	}
	return s.queueName()
}
