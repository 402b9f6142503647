package runtime

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/internal/jsonlog"
)

// The patterns of names are written out by hand: compiling four regular expressions
// would take a tenth of the time in which a function starts.

// consistsOf reports whether text is not empty and made of ASCII letters, digits and
// others.
func consistsOf(text, others string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune(others, r) })
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// isLayerVersion reports whether text is the ARN of a layer's version. Source: API
// reference of Lambda, LayerVersionArn.
func isLayerVersion(text string) bool {
	p := strings.Split(text, ":")
	return len(p) == 8 && p[0] == "arn" && consistsOf(p[1], "-") && p[2] == "lambda" && consistsOf(p[3], "-") &&
		len(p[4]) == 12 && isDigits(p[4]) && p[5] == "layer" && consistsOf(p[6], "-_") && len(p[6]) <= 140 && isDigits(p[7])
}

func validateID(id string) error {
	switch {
	case id == "":
		return errors.New("the id is empty: it names the queue, so choose a short one such as \"resize-image\"")
	case len(id) > maxIDLength:
		return fmt.Errorf("the id has %d characters; at most %d leave room for service and stage in a queue name of 80", len(id), maxIDLength)
	case !consistsOf(id, "-_"):
		return errors.New("the id may hold letters, digits, - and _ only, as SQS allows in a queue name")
	case !strings.ContainsFunc(id, isAlphanumeric):
		return errors.New("the id needs a letter or a digit: it names a Lambda function")
	}
	return nil
}

// validate reports every setting that AWS would refuse, so that the author hears
// of it at start and not from a half-finished deployment.
func (s settings) validate() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if err := validateGroup(s.group); err != nil {
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
	for _, arn := range s.layers {
		if !isLayerVersion(arn) {
			refuse("layer %q: Lambda wants the ARN of a layer's version, arn:aws:lambda:<region>:<account>:layer:<name>:<version>", jsonlog.Truncate(arn, 200))
		}
	}
	for _, name := range s.environment {
		if err := validateVariable(name); err != nil {
			errs = append(errs, err)
		}
	}
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

func validateVariable(name string) error {
	upper := strings.ToUpper(name)
	switch {
	// Source: API reference of Lambda, Environment.
	case len(name) < 2 || !consistsOf(name, "_") || !isLetter(name[0]):
		return fmt.Errorf("environment variable %q: Lambda allows letters, digits and _ only, a letter first, and at least two characters", jsonlog.Truncate(name, 200))
	case strings.HasPrefix(upper, "AWS_"), strings.HasPrefix(upper, "LAMBDA_"):
		return fmt.Errorf("environment variable %q: Lambda reserves names that begin with AWS_ and LAMBDA_ for itself", name)
	}
	return nil
}

func validateGroup(group string) error {
	switch {
	// Dashes are dropped where a group becomes part of a service's name, so co-re would
	// be core there.
	case strings.EqualFold(strings.ReplaceAll(group, "-", ""), coreGroup):
		return fmt.Errorf("group %q is taken: it is the deployment's own group for the workers API", group)
	case len(group) > maxGroupLength:
		return fmt.Errorf("group %q has %d characters; at most %d fit into a service name", group, len(group), maxGroupLength)
	case !consistsOf(group, "-") || group[0] == '-':
		return fmt.Errorf("group %q: letters, digits and - only, a letter or digit first", group)
	}
	return nil
}

func legalRetention(d time.Duration) bool {
	return d >= minRetention && d <= maxRetention && wholeSeconds(d)
}

func wholeSeconds(d time.Duration) bool { return d%time.Second == 0 }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isAlphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
