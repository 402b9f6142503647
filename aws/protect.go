package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
)

// ErrProtected is returned by a write to a protected stage whose name was not
// confirmed, and by one for which another stage's name was.
var ErrProtected = errors.New("this stage is protected")

// DefaultProtected are the patterns of a Protection that has none of its own.
func DefaultProtected() []string { return []string{"prod*"} }

// Protection says whether a person has to name the stage before it is written to.
// The zero value protects what DefaultProtected matches.
type Protection struct {
	// Patterns are those of path.Match, whatever the case, for the stage's name.
	// Nil means DefaultProtected, empty none. They do not count for an endpoint on
	// this machine: there a stage that nothing names is called prod.
	Patterns []string
	// Always and Never decide it whatever the patterns say; Always wins.
	Always, Never bool
	// Name is what people call the stage, when that is not the target's Stage: the
	// name of an entry in a file of targets. The patterns are tried on both.
	Name string
	// Origin says who decided, for messages: "config.yaml:12 stage checkout".
	Origin string
}

// Protected is whether a write needs the stage's name.
type Protected struct {
	Needed bool `json:"protected"`
	// Name is what has to be given to Confirm; it is set also when none is needed.
	Name string `json:"name"`
	// Why says what decided it.
	Why string `json:"why"`
}

// Of judges a target, whose Stage is known.
func (p Protection) Of(t Target) Protected {
	is := Protected{Name: cmp.Or(p.Name, t.Stage, DefaultStage)}
	switch {
	case p.Always:
		is.Needed, is.Why = true, cmp.Or(p.Origin, "asked for")
		return is
	case p.Never:
		is.Why = cmp.Or(p.Origin, "asked for")
		return is
	case t.Loopback():
		is.Why = "the endpoint is on this machine"
		return is
	}
	patterns, origin := p.Patterns, p.Origin
	if patterns == nil {
		patterns, origin = DefaultProtected(), "default"
	}
	for _, pattern := range patterns {
		for _, name := range []string{is.Name, cmp.Or(t.Stage, DefaultStage)} {
			if ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(name)); err == nil && ok {
				is.Needed, is.Why = true, fmt.Sprintf("%q matches %s (%s)", name, pattern, cmp.Or(origin, "asked for"))
				return is
			}
		}
	}
	is.Why = "its name matches none of: " + strings.Join(patterns, ", ")
	if len(patterns) == 0 {
		is.Why = "no stage is"
	}
	return is
}

type confirmedKey struct{}

// Confirm says, to every write under the context, that a person has named the
// stage that is meant. On a protected stage nothing is written without; a name
// that is not the stage's refuses the write on any.
func Confirm(ctx context.Context, stage string) context.Context {
	return context.WithValue(ctx, confirmedKey{}, stage)
}

// Protected is whether a write needs Confirm, and with which name. Until the stage
// has been read, the name may be DefaultStage for want of a better one.
func (g *Guard) Protected() Protected { return g.protection.Of(g.target()) }

// ProtectedFor is Protected for a write to queues, by name, URL or ARN, that somebody has
// named: one that is named as those of a protected stage are wants that stage's name,
// although the target is another. No attribute of a queue says of which stage it is;
// where a name can only be taken for what it says, being asked once too often is the
// smaller mistake.
func (g *Guard) ProtectedFor(queues ...string) Protected {
	t, p := g.target(), g.protection
	is := p.Of(t)
	if is.Needed || p.Never || t.Loopback() {
		return is
	}
	for _, queue := range queues {
		name := strings.TrimSuffix(queue[strings.LastIndexAny(queue, "/:")+1:], ".fifo")
		stage := name[strings.LastIndexByte(name, '-')+1:]
		if stage == name || stage == t.Stage {
			continue
		}
		of := Protection{Patterns: p.Patterns, Origin: p.Origin}.Of(Target{Stage: stage})
		if of.Needed {
			of.Why = fmt.Sprintf("queue %s is named as those of stage %s are: %s", clean(name), clean(stage), of.Why)
			return of
		}
	}
	return is
}

// Confirmed is what Confirm was told.
func Confirmed(ctx context.Context) (stage string, ok bool) {
	stage, ok = ctx.Value(confirmedKey{}).(string)
	return stage, ok
}

// Protected is the guard's: whether a write needs Confirm, and with which name.
func (s *Stage) Protected() Protected { return s.guard.Protected() }

// Unlock allows the writes that Options.Locked refused. Those that a read-only target
// refuses stay refused.
func (s *Stage) Unlock() { s.guard.locked.Store(false) }

// Locked is whether every write is refused until Unlock.
func (s *Stage) Locked() bool { return s.guard.locked.Load() }

// Check says whether Do would refuse, before anything is prepared for it. The error
// wraps ErrReadOnly or ErrProtected.
func (g *Guard) Check(ctx context.Context, a Action) error {
	if g.locked.Load() && !g.readOnly {
		return fmt.Errorf("%s %s: %w", a.Name, a.Object, ErrLocked)
	}
	if g.ReadOnly() {
		return fmt.Errorf("%s %s: %w%s: leave out --read-only and AIWCTL_READ_ONLY to allow writes", a.Name, a.Object, ErrReadOnly, inParens(g.readOnlyWhy))
	}
	is := g.ProtectedFor(a.Queues...)
	named, ok := Confirmed(ctx)
	switch {
	case ok && named != is.Name:
		return fmt.Errorf("%s %s: %w: %q was confirmed, and the stage is %q", a.Name, a.Object, ErrProtected, named, is.Name)
	case is.Needed && !ok:
		return fmt.Errorf("%s %s: %w (%s): confirm its name, %q (--confirm-stage)", a.Name, a.Object, ErrProtected, is.Why, is.Name)
	}
	return nil
}

func inParens(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}
