package torment

import (
	"context"
	"os"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/local/faults"
)

// TestMain lets the test binary be the worker program.
func TestMain(m *testing.M) {
	if IsWorker(os.Args) {
		os.Exit(Worker(context.Background(), os.Args[1:]))
	}
	os.Exit(m.Run())
}

// TestTorment is the soak command in short form: four hundred jobs.
func TestTorment(t *testing.T) {
	t.Parallel()
	wrong, err := faults.Parse(DefaultFaults)
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), Config{Jobs: 400, Faults: wrong, Program: exe})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", report)
	for _, b := range report.Broken() {
		t.Error(b)
	}
	// A run in which nothing went wrong has proved nothing.
	if report.Runs <= report.Jobs {
		t.Errorf("the handler ran %d times for %d jobs: the faults did nothing", report.Runs, report.Jobs)
	}
	if report.Dead == 0 || report.Refused == 0 {
		t.Errorf("%d dead letters, %d callbacks refused: jobs that always fail and an outage must show", report.Dead, report.Refused)
	}
	if report.Completed < report.Jobs*3/4 {
		t.Errorf("only %d of %d jobs completed", report.Completed, report.Jobs)
	}
}
