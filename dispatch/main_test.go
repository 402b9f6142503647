package dispatch_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Sends and batches end with the call that began them. The clock of regexp2 ends
// by itself, a moment after the last match that had a time limit.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}
