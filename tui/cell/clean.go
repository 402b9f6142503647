package cell

import (
	"strings"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// Clean makes text from outside safe to show on one line (see logs.Sanitize).
func Clean(s string) string { return logs.Sanitize(s, false) }

// CleanLines is Clean for text of several lines.
func CleanLines(s string) []string { return strings.Split(logs.Sanitize(s, true), "\n") }
