package functions

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The lines that Lambda itself writes into a log stream, in its text format
// (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html).
// CloudWatch has them with a newline at the end; here no event has one.

// Error types that Lambda gives invocations that failed outside of the function's code.
const (
	exitError       = "Runtime.ExitError"
	startError      = "Runtime.InvalidEntrypoint"
	timeoutError    = "Sandbox.Timedout"
	responseTooBig  = "Function.ResponseSizeTooLarge"
	initErrorType   = "Runtime.Unknown"
	statusTimeout   = "timeout"
	statusError     = "error"
	timestampFormat = "2006-01-02T15:04:05.000Z"
)

func initStartLine(runtime, region string) string {
	name := strings.Replace(runtime, ".", ":", 1) // provided.al2023 is written provided:al2023
	return fmt.Sprintf("INIT_START Runtime Version: %s.local\tRuntime Version ARN: arn:aws:lambda:%s::runtime:local", name, region)
}

func initReportLine(took time.Duration, status, errorType string) string {
	return fmt.Sprintf("INIT_REPORT Init Duration: %s ms\tPhase: init\tStatus: %s\tError Type: %s", ms(took), status, errorType)
}

func startLine(id string) string { return "START RequestId: " + id + " Version: " + latest }

func endLine(id string) string { return "END RequestId: " + id }

func timeoutLine(now time.Time, id string, timeout time.Duration) string {
	return fmt.Sprintf("%s %s %s", now.UTC().Format(timestampFormat), id, timedOut(timeout))
}

func timedOut(timeout time.Duration) string {
	return fmt.Sprintf("Task timed out after %.2f seconds", timeout.Seconds())
}

// exitLine is one event of two lines.
func exitLine(id, message, errorType string) string {
	return "RequestId: " + id + " Error: " + message + "\n" + errorType
}

// report is what a REPORT line tells.
type report struct {
	duration, init time.Duration // init is zero unless the environment was started for this
	memoryMB       int
	usedMB         int    // zero: not known on this system, and left out
	status         string // empty, timeout or error
	errorType      string
}

func (r report) line(id string) string {
	var b strings.Builder
	// A program of the customer's (provided.*) is billed for its initialisation too.
	fmt.Fprintf(&b, "REPORT RequestId: %s\tDuration: %s ms\tBilled Duration: %d ms\tMemory Size: %d MB\t",
		id, ms(r.duration), int64(math.Ceil(milliseconds(r.duration+r.init))), r.memoryMB)
	if r.usedMB > 0 {
		fmt.Fprintf(&b, "Max Memory Used: %d MB\t", r.usedMB)
	}
	if r.init > 0 {
		fmt.Fprintf(&b, "Init Duration: %s ms\t", ms(r.init))
	}
	switch {
	case r.status != "" && r.errorType != "":
		fmt.Fprintf(&b, "Status: %s\tError Type: %s", r.status, r.errorType)
	case r.status != "":
		fmt.Fprintf(&b, "Status: %s", r.status)
	}
	return b.String()
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", milliseconds(d)) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
