// Package rules is EventBridge's rules that run by the clock: when one is due, each of its
// targets is sent what the rule says. Rules that match events are kept and have no effect, as
// there is nobody who sends events here.
package rules

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
	"github.com/microfox-ai/aiwctl/dispatch/schedule"
)

// clockCheck is how often the clock is looked at at least: a timer stands still while the
// machine sleeps.
const clockCheck = time.Minute

// Rule is a rule.
type Rule struct {
	// ARN names it.
	ARN string
	// Schedule is rate(...) or cron(...); empty for a rule that never runs.
	Schedule string
	// Disabled rules do not run.
	Disabled bool
	Targets  []Target
}

// Target is what a rule sends to.
type Target struct {
	// ARN is a queue's or a function's.
	ARN string
	// Group is the message group of a FIFO queue.
	Group string
	// Input is what is sent. With Template, it is made of that; with neither, the event is sent.
	Input string
	// Paths are the places in the event by the names that stand for them in Template.
	Paths    map[string]string
	Template string
}

// Config configures New. Send must be set.
type Config struct {
	Region, Account string
	// Send delivers a text to a queue or a function.
	Send func(target, group, text string) error
	// Now is the clock; nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger
}

// Service runs rules. It is safe for concurrent use.
type Service struct {
	cfg     Config
	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	stop   map[string]context.CancelFunc // by the rule's ARN
}

// New makes a service without rules.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{cfg: cfg, stop: map[string]context.CancelFunc{}}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Put makes a rule, or replaces the one of its ARN, which then counts from now.
func (s *Service) Put(r Rule) error {
	var parsed *schedule.Schedule
	if r.Schedule != "" {
		var err error
		if parsed, err = schedule.Parse(r.Schedule); err != nil {
			return wire.NewError("ValidationException", "Parameter ScheduleExpression is not valid.")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halt(r.ARN)
	if s.closed || parsed == nil || r.Disabled || len(r.Targets) == 0 {
		return nil
	}
	ctx, stop := context.WithCancel(s.life)
	s.stop[r.ARN] = stop
	s.running.Go(func() { s.run(ctx, r, parsed) })
	return nil
}

// Remove takes a rule away; one that is gone is no error.
func (s *Service) Remove(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halt(arn)
}

func (s *Service) halt(arn string) {
	if stop := s.stop[arn]; stop != nil {
		stop()
		delete(s.stop, arn)
	}
}

// Close ends all rules and waits for what is being sent.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.running.Wait()
}

func (s *Service) run(ctx context.Context, r Rule, when *schedule.Schedule) {
	// The clock on the wall, which goes on while the machine sleeps.
	due := when.Next(s.cfg.Now().Round(0))
	for !due.IsZero() {
		timer := time.NewTimer(min(clockCheck, due.Sub(s.cfg.Now().Round(0))))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		now := s.cfg.Now().Round(0)
		if due.After(now) {
			continue
		}
		s.fire(r, due)
		if due = when.Next(due); !due.IsZero() && !due.After(now) {
			due = when.Next(now) // what was missed is not made up for
		}
	}
}

// fire sends what the rule sends to each of its targets.
func (s *Service) fire(r Rule, due time.Time) {
	event := map[string]any{
		"version": "0", "id": wire.NewID(), "detail-type": "Scheduled Event", "source": "aws.events", "account": s.cfg.Account,
		"time": due.UTC().Format(time.RFC3339), "region": s.cfg.Region, "resources": []string{r.ARN}, "detail": map[string]any{},
	}
	for _, t := range r.Targets {
		text, err := t.text(event)
		if err == nil {
			err = s.cfg.Send(t.ARN, t.Group, text)
		}
		if err != nil {
			s.cfg.Logger.Error("a rule's target was not reached", "rule", r.ARN, "target", t.ARN, "error", err)
		}
	}
}

func (t Target) text(event map[string]any) (string, error) {
	switch {
	case t.Input != "":
		return t.Input, nil
	case t.Template != "":
		return fill(t.Template, t.Paths, event), nil
	}
	b, err := json.Marshal(event)
	if err != nil {
		return "", fmt.Errorf("write an event: %w", err)
	}
	return string(b), nil
}

// fill puts the event's values where a template has <name>: as JSON, and as bare text within a
// text (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html).
func fill(template string, paths map[string]string, event map[string]any) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(template); i++ {
		c := template[i]
		if c == '\\' && quoted && i+1 < len(template) {
			b.WriteString(template[i : i+2])
			i++
			continue
		}
		if c == '"' {
			quoted = !quoted
		}
		end := strings.IndexByte(template[i:], '>')
		if c == '<' && end > 0 {
			if path, ok := paths[template[i+1:i+end]]; ok {
				b.WriteString(show(at(event, path), quoted))
				i += end
				continue
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// at is the value of a path such as $.detail.name.
func at(event map[string]any, path string) any {
	var v any = event
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(path, "$"), "."), ".") {
		if part == "" {
			continue
		}
		m, _ := v.(map[string]any)
		v = m[part]
	}
	return v
}

func show(v any, quoted bool) string {
	text, err := json.Marshal(v)
	if err != nil { // what an event has can be written
		return ""
	}
	if _, is := v.(string); is && quoted {
		return string(text[1 : len(text)-1])
	}
	return string(text)
}
