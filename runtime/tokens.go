package runtime

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/microfox-ai/aiwctl/runtime/jobstore"
)

// ErrTokenBudget is the condition of a job that has used more tokens than its
// message allows (dispatch.WithMaxTokens). Another attempt would only use more, so
// a handler that returns it has failed for good.
var ErrTokenBudget = errors.New("the token budget is used up")

// TokenBudgetError says by how much. errors.Is(err, ErrTokenBudget) holds.
type TokenBudgetError struct {
	// Used is the sum of input and output tokens over all runs of the job, and
	// Limit what the message allows.
	Used, Limit int64
}

// Error says both numbers.
func (e *TokenBudgetError) Error() string {
	return fmt.Sprintf("%v: %d tokens used of %d", ErrTokenBudget, e.Used, e.Limit)
}

// Is reports whether target is ErrTokenBudget.
func (e *TokenBudgetError) Is(target error) bool { return target == ErrTokenBudget }

// UseTokens adds to the tokens that the job has used of language models. They are
// summed up over the tries of a delivery and, with a store, over all deliveries;
// the sum stands in the job's record and in the metadata of its webhook, as
// tokenUsage.
//
// Once the sum is over the job's budget it returns a *TokenBudgetError, after
// recording the sum; return it, and the job has failed for good. The only other
// errors are a negative count and a job that another delivery has taken over
// (jobstore.ErrLeaseLost): a store that fails is logged, and the job goes on.
func (j *Job[In]) UseTokens(ctx context.Context, input, output int) error {
	if j == nil || j.d == nil {
		return nil
	}
	return j.d.useTokens(ctx, input, output)
}

// Budget is how many tokens the job has used, input and output together, and how
// many it may; ok is false when it has no limit.
func (j *Job[In]) Budget() (used, limit int, ok bool) {
	if j == nil || j.d == nil {
		return 0, 0, false
	}
	r := &j.d.reports
	r.mu.Lock()
	defer r.mu.Unlock()
	used = int(addTokens(r.tokens.Input, r.tokens.Output))
	if r.tokens.Budget == nil {
		return used, 0, false
	}
	return used, int(*r.tokens.Budget), true
}

// openTokens starts from what earlier deliveries have used.
func (d *delivery) openTokens() {
	r := &d.reports
	if d.before != nil && d.before.Tokens != nil {
		r.tokens = *d.before.Tokens
		r.hasTokens = true
	}
	r.tokens.Budget = nil
	if d.msg.MaxTokens != nil {
		limit := int64(*d.msg.MaxTokens)
		r.tokens.Budget = &limit
	}
}

func (d *delivery) useTokens(ctx context.Context, input, output int) error {
	if input < 0 || output < 0 {
		return fmt.Errorf("job %q reports %d input and %d output tokens as used: neither can be below zero", d.jobID, input, output)
	}
	r := &d.reports
	r.mu.Lock()
	r.tokens.Input = addTokens(r.tokens.Input, int64(input))
	r.tokens.Output = addTokens(r.tokens.Output, int64(output))
	r.hasTokens, r.tokensDue = true, true
	r.mu.Unlock()
	if err := d.recordTokens(ctx); err != nil {
		return err
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	used := addTokens(r.tokens.Input, r.tokens.Output)
	if r.tokens.Budget != nil && used > *r.tokens.Budget {
		return &TokenBudgetError{Used: used, Limit: *r.tokens.Budget}
	}
	return nil
}

// recordTokens writes the sum, unless somebody else has just done so.
func (d *delivery) recordTokens(ctx context.Context) error {
	if !d.recorded() {
		return nil
	}
	r := &d.reports
	r.saving.Lock()
	defer r.saving.Unlock()
	r.mu.Lock()
	t, due, lost := r.tokens, r.tokensDue && !r.closed, r.lost
	r.mu.Unlock()
	if lost != nil || !due {
		return lost
	}
	done, lost := d.note(context.WithoutCancel(ctx), jobstore.Update{Tokens: &t})
	r.mu.Lock()
	defer r.mu.Unlock()
	if done && r.tokens == t {
		r.tokensDue = false
	}
	return lost
}

// addTokens adds without running over.
func addTokens(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
