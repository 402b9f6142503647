package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
	"github.com/microfox-ai/aiwctl/runtime/internal/pause"
)

// RetryPattern is a kind of error after which the handler runs again within the
// same delivery.
type RetryPattern struct {
	// Name stands in the log.
	Name string
	// Match recognises the error; it is never called with nil.
	Match func(error) bool
	// Delay is how long to wait before the given try, which counts from 2; nil
	// means not at all.
	Delay func(try int) time.Duration
}

const (
	minTries = 2
	maxTries = 10

	// The delays of the deployed system, times the tries that have failed.
	rateLimitDelay   = 10 * time.Second
	overloadedDelay  = 15 * time.Second
	serverErrorDelay = 5 * time.Second

	// statusOverloaded is what providers of language models answer when they are
	// short of capacity.
	statusOverloaded = 529

	// retryReserve is the least that must be left for a try after its delay.
	retryReserve = time.Second
)

// WithRetry runs the handler again, within the same delivery, after an error that
// one of the patterns matches; the first that does gives the delay. tries counts
// the runs of one delivery, 2 to 10. A redelivery by SQS starts counting anew.
//
// The delay is varied by a fifth, so that jobs that failed together do not come
// back together. An error that says how long to wait, by a method
// RetryAfter() time.Duration or a field of that name and type, is believed instead.
// A retry is made only when as much time as the failed try took, and at least a
// second, is left after the delay; else the attempt fails, and SQS delivers the job
// again as WithBackoff says.
//
// Permanent and Snooze, a token budget that is used up, input that does not fit, a
// panic and the end of the handler's context are never retried here. Job.Try and
// Job.LastError tell the handler which run it is, and why the one before failed.
//
// Default: the handler runs once per delivery.
func WithRetry(tries int, patterns ...RetryPattern) Option {
	return func(s *settings) { s.tries, s.patterns = tries, patterns }
}

// RateLimit is status 429: the handler runs again after 10 s, and 10 s more for
// each try that has failed before.
//
// A status is taken from an error anywhere in the chain that has a method
// StatusCode() int or HTTPStatusCode() int (as errors of the AWS SDK have), or an
// exported field StatusCode or HTTPStatusCode of an integer type (as errors of
// most API clients have). Only an error without one is judged by its text, by the
// words "429", "rate limit" and "too many requests".
func RateLimit() RetryPattern {
	return statusPattern("rate limit", rateLimitDelay,
		func(status int) bool { return status == http.StatusTooManyRequests },
		"429", "rate limit", "rate limited", "rate_limit_error", "too many requests")
}

// Overloaded is status 529: the handler runs again after 15 s, and 15 s more for
// each try that has failed before. See RateLimit for where the status is found;
// the words are "529", "overloaded" and "overloaded_error".
func Overloaded() RetryPattern {
	return statusPattern("overloaded", overloadedDelay,
		func(status int) bool { return status == statusOverloaded },
		"529", "overloaded", "overloaded_error")
}

// ServerError is a status from 500 to 599: the handler runs again after 5 s, and 5
// s more for each try that has failed before. See RateLimit for where the status
// is found; the words are the names of the statuses 500, 502, 503 and 504, since a
// bare number such as 500 may count anything.
func ServerError() RetryPattern {
	return statusPattern("server error", serverErrorDelay,
		func(status int) bool { return status >= 500 && status <= 599 },
		"internal server error", "bad gateway", "service unavailable", "gateway timeout")
}

func statusPattern(name string, delay time.Duration, match func(int) bool, words ...string) RetryPattern {
	return RetryPattern{
		Name: name,
		Match: func(err error) bool {
			if status := statusOf(err); status != 0 {
				return match(status)
			}
			return hasWords(err.Error(), words...)
		},
		Delay: func(try int) time.Duration { return time.Duration(try-1) * delay },
	}
}

// BadJSON is model output that cannot be read: the handler's own parse of it
// failed (*json.SyntaxError, *json.UnmarshalTypeError, io.ErrUnexpectedEOF), or
// what the handler returned does not fit the worker's output schema
// (*OutputError). The handler runs again at once; Job.LastError says what was
// wrong, and can be shown to the model.
//
// It knows these errors by their types and never by their text.
func BadJSON() RetryPattern {
	return RetryPattern{Name: "bad JSON", Match: func(err error) bool {
		var (
			syntax    *json.SyntaxError
			wrongType *json.UnmarshalTypeError
			output    *OutputError
		)
		return errors.As(err, &syntax) || errors.As(err, &wrongType) || errors.As(err, &output) ||
			errors.Is(err, io.ErrUnexpectedEOF)
	}}
}

// Custom is a pattern of one's own with the same delay before each try. For a
// delay that grows, write a RetryPattern.
func Custom(name string, match func(error) bool, delay time.Duration) RetryPattern {
	return RetryPattern{Name: name, Match: match, Delay: func(int) time.Duration { return delay }}
}

// validateRetry reports what WithRetry cannot work with.
func (s *settings) validateRetry() error {
	if s.tries == 0 && s.patterns == nil {
		return nil
	}
	var errs []error
	if s.tries < minTries || s.tries > maxTries {
		errs = append(errs, fmt.Errorf("retry with %d tries: the handler can run %d to %d times within a delivery; SQS tries again after that", s.tries, minTries, maxTries))
	}
	if len(s.patterns) == 0 {
		errs = append(errs, errors.New("retry without a pattern: say which errors are worth it, such as RateLimit() or BadJSON()"))
	}
	for i, p := range s.patterns {
		if p.Match == nil {
			errs = append(errs, fmt.Errorf("retry pattern number %d (%q) has no Match", i+1, p.Name))
		}
	}
	return errors.Join(errs...)
}

// AttemptError is why a run of a handler failed, as the next run of the job sees
// it in Job.LastError.
type AttemptError struct {
	// Message is the error's text, and Name its kind, such as "Timeout".
	Message, Name string
	// Err is the error itself, when it came from a try of the same delivery; nil
	// when it was read from the job's record.
	Err error
}

// Error returns Message.
func (e *AttemptError) Error() string { return e.Message }

// Unwrap returns Err.
func (e *AttemptError) Unwrap() error { return e.Err }

// attemptError is what the next try gets to know of err.
func attemptError(err error) *AttemptError {
	return &AttemptError{Message: jsonlog.Truncate(err.Error(), maxErrorText), Name: errorName(err), Err: err}
}

// lastError is what a first try gets to know of the delivery before.
func (d *delivery) lastError() error {
	if d.before == nil {
		return nil
	}
	// Claiming a job that has failed moves Error to LastError; before the claim
	// the newer one still stands in Error.
	je := d.before.Error
	if je == nil {
		je = d.before.LastError
	}
	if je == nil {
		return nil
	}
	return &AttemptError{Message: je.Message, Name: je.Name}
}

// tryAgain waits for the next try, or says that there is none. ran is how long the
// try took that failed.
func (d *delivery) tryAgain(ctx context.Context, err error, try int, ran time.Duration) bool {
	s := &d.def.settings
	if try >= s.tries || neverRetried(ctx, err) {
		return false
	}
	p, delay := d.nextTry(err, try+1)
	if p == nil {
		return false
	}
	if left, bounded := pause.Left(ctx); bounded && left-delay < max(ran, retryReserve) {
		d.events.LogAttrs(ctx, slog.LevelInfo, "not tried again in this delivery: after the delay too little of the function's time would be left",
			slog.String("pattern", p.Name), slog.Int("try", try), slog.Int64("delayMs", delay.Milliseconds()), slog.Int64("leftMs", left.Milliseconds()))
		return false
	}
	je := jobError(err)
	d.events.LogAttrs(ctx, slog.LevelWarn,
		fmt.Sprintf("try %d of %d failed (%s), the next one starts in %v: %s", try, s.tries, p.Name, delay.Round(time.Millisecond), reason(je)),
		slog.String("pattern", p.Name), slog.Int("try", try), slog.Int64("delayMs", delay.Milliseconds()), slog.Any("error", je))
	return pause.Sleep(ctx, delay) == nil
}

// neverRetried reports whether a pattern is not even asked.
func neverRetried(ctx context.Context, err error) bool {
	var (
		input   inputError
		decode  *decodeError
		message *messageError
		panics  *PanicError
		overrun *overrunError
	)
	return ctx.Err() != nil || errors.Is(err, ErrTokenBudget) || errors.Is(err, errNoReturn) ||
		IsPermanent(err) || snoozed(err) > 0 || errors.As(err, &input) || errors.As(err, &decode) ||
		errors.As(err, &message) || errors.As(err, &panics) || errors.As(err, &overrun)
}

// nextTry is the pattern that matches, and how long it waits before the given try;
// nil when none does. A pattern that panics matches nothing: the error of the
// handler must be recorded all the same.
func (d *delivery) nextTry(err error, try int) (p *RetryPattern, delay time.Duration) {
	defer func() {
		if v := recover(); v != nil {
			p = nil
			d.events.Error("a retry pattern panicked, and matches nothing", slog.Any("error", jobError(&PanicError{Value: v, Stack: panicStack()})))
		}
	}()
	patterns := d.def.settings.patterns
	for i := range patterns {
		if patterns[i].Match(err) {
			return &patterns[i], retryDelay(&patterns[i], err, try)
		}
	}
	return nil, 0
}

// retryDelay is how long to wait before the given try.
func retryDelay(p *RetryPattern, err error, try int) time.Duration {
	if after, ok := retryAfter(err); ok {
		return after
	}
	if p.Delay == nil {
		return 0
	}
	delay := max(p.Delay(try), 0)
	delay = min(delay, maxTimeout) // no function runs longer, and a sum must not overflow
	return delay - delay/5 + jitter(delay/5*2)
}

// jitter is a random part of d.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d) //nolint:gosec // spreads load, keeps no secret
}
