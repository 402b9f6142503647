package cli

import (
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// parseTime reads a duration ago or a point in time of this machine's zone.
func parseTime(now time.Time, s string) (time.Time, error) { return logs.ParseTime(now.Local(), s) }
