package redrive

import (
	"encoding/json"
	"fmt"
	"strings"
)

// redriveWarning says what a DLQ's own redrive policy does to a look.
func redriveWarning(name, policy string) string {
	var p struct {
		Target string      `json:"deadLetterTargetArn"`
		Max    json.Number `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(policy), &p) != nil || p.Target == "" {
		return fmt.Sprintf("%q has a redrive policy of its own: every look counts as a receive and may move messages on to another queue", name)
	}
	target := p.Target[strings.LastIndexByte(p.Target, ':')+1:]
	return fmt.Sprintf("%q has a redrive policy of its own: every look counts as a receive, and a message received more than %s times moves on to %q",
		name, p.Max, target)
}
