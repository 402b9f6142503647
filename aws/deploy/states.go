package deploy

import "strings"

// failed is whether a status says that something failed.
func failed(status string) bool { return strings.HasSuffix(status, "_FAILED") }

// cancelled is whether a reason says that something was given up because something else
// had failed.
func cancelled(reason string) bool {
	return strings.Contains(reason, "Resource creation cancelled") || strings.Contains(reason, "Resource update cancelled")
}
