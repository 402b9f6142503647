package aws

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestLockedUntilSomebodyAllowsWrites(t *testing.T) {
	t.Parallel()
	o := Options{AuditPath: filepath.Join(t.TempDir(), "audit.jsonl"), Locked: true}
	s := newFakeAWS().stage(Target{Stage: "dev"}, o)
	write := func(s *Stage) (ran bool, err error) {
		err = s.Guard().Do(t.Context(), Action{Name: "dlq.replay", Object: "orders"}, func(context.Context, Writer) error {
			ran = true
			return nil
		})
		return ran, err
	}

	ran, err := write(s)
	if ran || !errors.Is(err, ErrLocked) || !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "orders") {
		t.Errorf("a locked stage: ran %v, %v", ran, err)
	}
	if kind, hint := Classify(err); kind != KindDenied || !strings.Contains(hint, "--write") {
		t.Errorf("classified as %q, %q", kind, hint)
	}
	if !s.Locked() || !s.Guard().ReadOnly() {
		t.Error("a locked stage does not say so")
	}
	s.Unlock()
	if ran, err := write(s); !ran || err != nil || s.Locked() {
		t.Errorf("an unlocked stage: ran %v, %v", ran, err)
	}

	// What a person has decided stays decided.
	hard := newFakeAWS().stage(Target{Stage: "dev", ReadOnly: true}, o)
	hard.Unlock()
	if ran, err := write(hard); ran || !errors.Is(err, ErrReadOnly) || errors.Is(err, ErrLocked) {
		t.Errorf("a read-only target that was unlocked: ran %v, %v", ran, err)
	}
}
