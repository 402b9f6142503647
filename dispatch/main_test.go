package dispatch_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Sends and batches end with the call that began them.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
