package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/doctor"
)

func TestDoctorExitCodes(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[doctor.Outcome]int{
		doctor.Fine: exitDone, doctor.Failed: exitFailed, doctor.Denied: exitDenied, doctor.Incomplete: exitPartly,
	} {
		r := &doctor.Report{Summary: doctor.Summary{Outcome: outcome}}
		if got := exitCode(t.Context(), doctorError(t.Context(), r)); got != want {
			t.Errorf("%s exits with %d, want %d", outcome, got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &doctor.Report{Summary: doctor.Summary{Outcome: doctor.Denied, Unknown: 3}}
	err := doctorError(ctx, r)
	if got := exitCode(ctx, err); got != exitInterrupted || !strings.Contains(err.Error(), "3 checks") {
		t.Errorf("interrupted exits with %d: %v", got, err)
	}
}

func TestDoctorView(t *testing.T) {
	t.Parallel()
	checks := []doctor.Check{{Name: "evil\x1b[2J\u202e", Status: doctor.Error, Text: "said \x1b]0;owned\a", Remedy: "do\nthis"}}
	for range 30 {
		checks = append(checks, doctor.Check{Name: "worker", Status: doctor.Warning, Text: "one attempt only", Remedy: "try again"})
	}
	var out bytes.Buffer
	v := &doctorView{out: &out}
	v.section(doctor.SectionWorkers, checks)
	v.section(doctor.SectionAPI, nil) // nothing to say, not even a heading
	text := out.String()
	if strings.ContainsAny(text, "\x1b\a\u202e") || strings.Contains(text, "workers API") {
		t.Errorf("%q", text)
	}
	if strings.Count(text, "one attempt only") != doctorMost+1 || !strings.Contains(text, "warning    and 22 more: one attempt only") {
		t.Errorf("%s", text)
	}
	if !strings.Contains(text, "-> do") || strings.Count(text, "-> try again") != 1 {
		t.Errorf("no remedy: %s", text)
	}

	out.Reset()
	v.colour = true
	v.section(doctor.SectionWorkers, checks[:1])
	if !strings.Contains(out.String(), "\x1b[1;31merror    \x1b[0m") {
		t.Errorf("%q", out.String())
	}
}

func TestDoctorSummary(t *testing.T) {
	t.Parallel()
	r := &doctor.Report{Summary: doctor.Summary{
		Errors: 1, Warnings: 2, NotTried: 3, OK: 20,
		First: &doctor.Check{Name: "clock", Text: "7m ahead", Remedy: "set it"},
	}}
	if got, want := doctorSummary(r), "1 error, 2 warnings, 3 not tried, 20 ok; first: clock: 7m ahead: set it"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
