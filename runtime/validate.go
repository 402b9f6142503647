package runtime

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch/limits"
	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

func validateID(id string) error {
	if len(id) > maxIDLength {
		return fmt.Errorf("the id has %d characters; at most %d leave room for service and stage in a queue name of 80", len(id), maxIDLength)
	}
	return limits.WorkerID(id)
}

// validate reports every setting that AWS would refuse, so that the author hears
// of it at start and not from a half-finished deployment.
func (s settings) validate() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if err := limits.Group(s.group); err != nil {
		errs = append(errs, err)
	}
	if s.timeout < time.Second || s.timeout > maxTimeout || !wholeSeconds(s.timeout) {
		refuse("timeout %v: Lambda allows whole seconds from 1s to 900s", s.timeout)
	}
	if s.memoryMB < minMemoryMB || s.memoryMB > maxMemoryMB {
		refuse("memory %d MB: Lambda allows %d to %d", s.memoryMB, minMemoryMB, maxMemoryMB)
	}
	switch {
	case s.visibility < 0 || s.visibility > maxVisibilityTimeout || !wholeSeconds(s.visibility):
		refuse("visibility timeout %v: SQS allows whole seconds up to 12h", s.visibility)
	case s.visibility < s.timeout:
		refuse("visibility timeout %v is below the function's timeout %v: Lambda refuses such a queue, and a running job would be delivered a second time", s.visibility, s.timeout)
	}
	if s.maxReceive < 1 || s.maxReceive > maxMaxReceiveCount {
		refuse("max receive count %d: SQS allows 1 to %d", s.maxReceive, maxMaxReceiveCount)
	}
	if !legalRetention(s.retention) {
		refuse("retention %v: SQS allows whole seconds from 1m to 336h (14 days)", s.retention)
	}
	if !legalRetention(s.dlqRetention) {
		refuse("dead-letter queue retention %v: SQS allows whole seconds from 1m to 336h (14 days)", s.dlqRetention)
	}
	s.validateBatch(refuse)
	if s.concurrency != 0 && (s.concurrency < minConcurrencyCap || s.concurrency > maxConcurrencyCap) {
		refuse("maximum concurrency %d: Lambda allows %d to %d, or 0 for no cap", s.concurrency, minConcurrencyCap, maxConcurrencyCap)
	}
	if len(s.layers) > maxLayers {
		refuse("%d layers: Lambda allows %d", len(s.layers), maxLayers)
	}
	errs = append(errs, s.validateDeclared()...)
	return errors.Join(errs...)
}

func (s settings) validateBatch(refuse func(string, ...any)) {
	most := maxBatchSize
	if s.fifo {
		most = maxFIFOBatchSize
	}
	switch {
	case s.batchSize < 1 || s.batchSize > most:
		kind := ""
		if s.fifo {
			kind = " for a FIFO queue"
		}
		refuse("batch size %d: Lambda allows 1 to %d%s", s.batchSize, most, kind)
	case s.batchWindow < 0 || s.batchWindow > maxBatchWindow || !wholeSeconds(s.batchWindow):
		refuse("batching window %v: Lambda allows whole seconds up to 300s", s.batchWindow)
	case s.fifo && s.batchWindow > 0:
		refuse("batching window %v: Lambda allows none for a FIFO queue", s.batchWindow)
	case s.batchSize > freeBatchSize && s.batchWindow == 0:
		refuse("batch size %d: above %d Lambda wants a batching window of at least 1s", s.batchSize, freeBatchSize)
	}
}

// validateDeclared checks what the worker says that it needs.
func (s settings) validateDeclared() (errs []error) {
	refuse := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	for _, arn := range s.layers {
		refuse(limits.LayerVersion(arn))
	}
	for _, name := range slices.Concat(s.environment, s.secrets) {
		refuse(limits.Variable(name))
	}
	for _, name := range s.secrets {
		if slices.Contains(s.environment, name) {
			refuse(fmt.Errorf("environment variable %q is in both WithEnvironment and WithSecrets: leave it in WithSecrets if its value is secret, else in WithEnvironment", name))
		}
	}
	for _, id := range s.calls {
		if err := validateID(id); err != nil {
			refuse(fmt.Errorf("calls worker %q: %w", jsonlog.Truncate(id, 200), err))
		}
	}
	for _, p := range s.permissions {
		refuse(limits.Permission(p))
	}
	if text := limits.Reserved(s.reserved, s.concurrency); text != "" {
		refuse(errors.New(text))
	}
	return errs
}

func legalRetention(d time.Duration) bool {
	return d >= minRetention && d <= maxRetention && wholeSeconds(d)
}

func wholeSeconds(d time.Duration) bool { return d%time.Second == 0 }

func isAlphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
