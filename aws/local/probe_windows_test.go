package local_test

import "os"

// probe cannot tell more than that the process could be opened.
func probe(*os.Process) error { return nil }
