package functions

import (
	"testing"
	"time"
)

func TestReportLines(t *testing.T) {
	t.Parallel()
	const millisecond = time.Millisecond
	tests := []struct {
		name string
		r    report
		want string
	}{
		{
			"warm",
			report{duration: 1234 * time.Microsecond, memoryMB: 512, usedMB: 20},
			"Duration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 512 MB\tMax Memory Used: 20 MB\t",
		},
		{
			"cold, the start is billed",
			report{duration: 1248310 * time.Microsecond, init: 293050 * time.Microsecond, memoryMB: 128, usedMB: 94},
			"Duration: 1248.31 ms\tBilled Duration: 1542 ms\tMemory Size: 128 MB\tMax Memory Used: 94 MB\tInit Duration: 293.05 ms\t",
		},
		{
			"timed out",
			report{duration: 3000 * millisecond, memoryMB: 1024, usedMB: 64, status: statusTimeout},
			"Duration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 1024 MB\tMax Memory Used: 64 MB\tStatus: timeout",
		},
		{
			"crashed at once",
			report{duration: 10 * millisecond, init: 5 * millisecond, memoryMB: 128, usedMB: 9, status: statusError, errorType: exitError},
			"Duration: 10.00 ms\tBilled Duration: 15 ms\tMemory Size: 128 MB\tMax Memory Used: 9 MB\tInit Duration: 5.00 ms\tStatus: error\tError Type: Runtime.ExitError",
		},
		{
			"memory not known",
			report{duration: millisecond, memoryMB: 128},
			"Duration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\t",
		},
	}
	for _, test := range tests {
		if got, want := test.r.line("id"), "REPORT RequestId: id\t"+test.want; got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", test.name, got, want)
		}
	}
}
