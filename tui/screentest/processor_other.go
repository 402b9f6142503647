//go:build !unix

package screentest

import "time"

var origin = time.Now()

// Processor is the time on the wall, where nothing else is at hand.
func Processor() time.Duration { return time.Since(origin) }
