package aws

import "testing"

func TestWorkerState(t *testing.T) {
	t.Parallel()
	read := func(visible, inFlight, delayed int) *Queue {
		return &Queue{Depth: Depth{Visible: visible, InFlight: inFlight, Delayed: delayed, At: testNow()}}
	}
	warning := Problem{Severity: "warning", Kind: ProblemSingleAttempt}
	for _, tt := range []struct {
		name     string
		worker   Worker
		text     string
		severity Severity
	}{
		{"zero", Worker{}, "no queue", SeverityError},
		{"never read", Worker{Queue: &Queue{}}, "unread", SeverityWarning},
		{"idle", Worker{Queue: read(0, 0, 0), DLQ: read(0, 0, 0)}, "idle", SeverityOK},
		{"idle without DLQ", Worker{Queue: read(0, 0, 0)}, "idle", SeverityOK},
		{"running", Worker{Queue: read(0, 2, 0)}, "working", SeverityInfo},
		{"delayed", Worker{Queue: read(0, 0, 3)}, "delayed", SeverityInfo},
		{"small backlog", Worker{Queue: read(99, 2, 0)}, "working", SeverityInfo},
		{"backlog", Worker{Queue: read(120, 0, 0)}, "waiting", SeverityWarning},
		{"dead letters before a backlog", Worker{Queue: read(120, 0, 0), DLQ: read(2, 1, 0)}, "dead letters", SeverityError},
		{"DLQ never read", Worker{Queue: read(5, 0, 0), DLQ: &Queue{}}, "dead letters unread", SeverityWarning},
		{"dead letters when the depth is unknown", Worker{Queue: &Queue{}, DLQ: read(1, 0, 0)}, "dead letters", SeverityError},
		{"an error before dead letters", Worker{Queue: read(0, 0, 0), DLQ: read(1, 0, 0), Problems: []Problem{{Severity: "error", Kind: ProblemMappingDisabled}}}, "mapping disabled", SeverityError},
		{"a warning when idle", Worker{Queue: read(0, 0, 0), Problems: []Problem{warning}}, "check", SeverityInfo},
		{"two warnings", Worker{Queue: read(0, 0, 0), Problems: []Problem{warning, warning}}, "check", SeverityInfo},
		{"a warning does not hide work", Worker{Queue: read(0, 1, 0), Problems: []Problem{warning}}, "working", SeverityInfo},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text, severity := tt.worker.State()
			if text != tt.text || severity != tt.severity {
				t.Errorf("State() = %q, %q, want %q, %q", text, severity, tt.text, tt.severity)
			}
		})
	}
	if SeverityOK.Rank() >= SeverityInfo.Rank() || SeverityInfo.Rank() >= SeverityWarning.Rank() || SeverityWarning.Rank() >= SeverityError.Rank() {
		t.Error("ranks are out of order")
	}
}
